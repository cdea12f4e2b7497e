using System.Text;
using Latchkey.Server.Tests.ApiDocs;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary>
/// What nobody sends on purpose, into every field, parameter, path and header of every operation: whatever is answered, it is
/// not that nobody foresaw it. The client holds each answer against the document beside.
/// </summary>
public sealed class FuzzTests
{
    /// <summary>As JSON: lone surrogates are no text that could be serialized.</summary>
    static readonly string[] Values =
    [
        "\"\"", "\" \"", "\"\\u0000\"", "\"a\\u0000b.example\"", "\"\\ud800\"", "\"\\udc00x\"", "\"a\\ud83d.example\"", "\"\\u202e\\u200b\\ufeff\"", "\"\\ufffe\\uffff\"", "\"%_\\\\'\\\";--\"",
        "\"" + new string('a', 70_000) + "\"", "\"1e400\"", "\"9999-12-31\"", "\"0001-01-01\"", "\"0001-01-01T00:00:00+14:00\"", "\"9999-12-31T23:59:59-14:00\"", "\"2026-02-30\"", "\"../../etc/passwd\"",
        "\"999999999999999999999.1.1\"", "\"1.0.0-99999999999999999999999\"", "\"fe80::1%1\"", "\"::/0\"", "\"10.0.0.1/33\"", "\"\\n\\r\\t\"", "\"=cmd\"", "\"a@b\"", "\"ß.example\"", "\"xn--\"", "\"*.\"", "\"[::1]\"",
        "0", "-1", "1", "2147483647", "2147483648", "-2147483649", "9007199254740991", "9007199254740992", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e400", "1e308", "-0", "-0.0", "1.5", "0.1e1", "1e-400",
        "true", "false", "null", "[]", "{}", "[[]]", "[\"\"]", "[null]", "[0]", "[-1]", "[9223372036854775807,9223372036854775807]", "[\"\\ud800\"]", "[\"\\u0000\",\"x\"]", "[\"fe80::1%1\"]", "[\"0.0.0.0/0\",\"::ffff:1.2.3.4/120\"]",
    ];

    static readonly string[] Texts =
    [
        "", " ", "%00", "a%00b", "%ED%A0%80", "%FF%FE", "%", "%zz", "_", "%25_%5C", "-1", "0", "9007199254740992", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e5", "NaN",
        "%E2%80%AE", "*", "*.", "a".PadRight(5000, 'a'), "0001-01-01", "9999-12-31", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00%2B14:00", "true", "null", "hour", "month", "-id", "expires_at", "MA", "IDA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5IDE",
        "LTEgLTE", "MSAtOTIyMzM3MjAzNjg1NDc3NTgwOA", "MSA5OTk5OTk5OTk5OTk5OTk5OTk5", "9223372036854775807.9223372036854775807", "0.-1", "1.x",
    ];

    static void Foreseen(Reply reply, string what, string log = "") => Assert.True(reply.Status is >= 200 and < 500, $"{what[..Math.Min(300, what.Length)]} answered {reply.Status} {reply.Text} {log}");

    [Fact]
    public async Task Nothing_in_a_body_is_unforeseen()
    {
        await using var server = await Operations.Shop(("Admin:RequestsPerMinute", "0"));
        var (client, document) = (server.Admin(), await ApiDocument.Of(server, "admin"));
        foreach (var operation in document.Operations.Where(operation => operation.TakesJson()))
        {
            var names = operation.Schema(document).GetProperty("properties").EnumerateObject().Select(property => property.Name).ToList();
            foreach (var name in names)
            {
                foreach (var value in Values)
                {
                    var body = With(operation, name, value);
                    Foreseen(await client.Send(operation.Method, operation.Path(), body), $"{operation} {body}");
                }
            }
        }

        Assert.DoesNotContain(server.Log.Lines, line => line.Contains("nobody foresaw", StringComparison.Ordinal));
    }

    /// <summary>The example, with a value of any spelling in the place of one field.</summary>
    static string With(Operation operation, string name, string value)
    {
        var body = operation.ExampleObject();
        body[name] = "@@@";
        return body.ToJsonString().Replace("\"@@@\"", value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_in_a_query_or_a_path_is_unforeseen()
    {
        await using var server = await Operations.Shop(("Admin:RequestsPerMinute", "0"));
        var (client, document) = (server.Admin(), await ApiDocument.Of(server, "admin"));
        foreach (var operation in document.Operations)
        {
            foreach (var (name, _) in operation.Query(document))
            {
                foreach (var text in Texts.Where(text => text.Length < 5000 || !operation.TakesFile()))
                {
                    var path = $"{operation.Path().Split('?')[0]}?{name}={text}";
                    Foreseen(await Raw(server, client, operation.Method, path, operation.Example()), $"{operation.Method} {path}", string.Concat(server.Log.Lines.Where(l => l.Contains("nobody foresaw", StringComparison.Ordinal))));
                }
            }

            if (!operation.HasId()) continue;
            foreach (var id in (string[])["0", "-1", "9007199254740992", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "%00", "1%2F..", "+1", "1e1", "%EF%BC%91"])
            {
                Foreseen(await Raw(server, client, operation.Method, operation.Path(id), operation.Example()), $"{operation} {id}");
            }
        }

        foreach (var domain in (string[])["%00", "a%00b", "%ED%A0%80", "%FF", "*", "%2F", new string('a', 3000), "xn--", "%F0%9F%92%A9.example"])
        {
            Foreseen(await Raw(server, client, "DELETE", $"/licenses/1/domains/{domain}"), domain);
            Foreseen(await Raw(server, client, "PUT", $"/releases/2/files/{domain}", new ByteArrayContent([1])), domain);
        }

        Assert.DoesNotContain(server.Log.Lines, line => line.Contains("nobody foresaw", StringComparison.Ordinal));
    }

    /// <summary>A path that the document's walker would not find.</summary>
    static Task<Reply> Raw(TestServer server, AdminClient client, string method, string path, object? body = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), new Uri(server.Url + AdminClient.Root + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }))
        {
            Content = body switch { null => null, HttpContent content => content, _ => new StringContent((string)body, Encoding.UTF8, "application/json") },
        };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {client.Key}");
        return server.Http.Read(request);
    }

    [Fact]
    public async Task Nothing_in_a_header_is_unforeseen()
    {
        await using var server = await Operations.Shop(("Admin:RequestsPerMinute", "0"));
        var client = server.Admin();
        string[] values = ["", " ", "*", "\"", "\"\"", "W/\"x\"", "W/", ",,,", "\"a\",*", "\"" + new string('x', 6000) + "\"", "\u00e4\u00ff", "%00", "sha-256=::", "sha-256=:====:", "sha-256=", "sha-512=:AA==:", "-1", "9223372036854775808", "bytes=0-", "text/csv;q=2", "gzip;q=NaN"];
        foreach (var header in (string[])["If-Match", "If-None-Match", "Idempotency-Key", "Repr-Digest", "X-Request-ID", "Accept", "Accept-Encoding", "Range", "X-Forwarded-For", "Content-Encoding", "Cookie", "Expect"])
        {
            foreach (var value in values)
            {
                if (header == "Expect" && value.Length < 2) continue;
                foreach (var (method, path, body) in (IEnumerable<(string, string, object?)>)[("POST", "/licenses/1/suspend", null), ("PATCH", "/licenses/1", """{"max_domains":3}"""), ("PUT", "/releases/2/files/x.bin?platform=x", new ByteArrayContent([1])), ("GET", "/licenses", null)])
                {
                    var request = new HttpRequestMessage(new HttpMethod(method), AdminClient.Root + path) { Content = body switch { null => null, HttpContent content => content, _ => new StringContent((string)body, Encoding.UTF8, "application/json") } };
                    request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {client.Key}");
                    if (!request.Headers.TryAddWithoutValidation(header, value)) request.Content?.Headers.TryAddWithoutValidation(header, value);
                    Reply reply;
                    try
                    {
                        reply = await server.Http.Read(request);
                    }
                    catch (HttpRequestException)
                    {
                        // The client itself will not send it.
                        continue;
                    }

                    Foreseen(reply, $"{method} {path} with {header}: {value}");
                }
            }
        }

        Assert.DoesNotContain(server.Log.Lines, line => line.Contains("nobody foresaw", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("createCustomer", "id")]
    [InlineData("createProduct", "id")]
    [InlineData("issueLicense", "user_id")]
    [InlineData("issueLicenses", "user_id")]
    [InlineData("editLicense", "user_id")]
    public async Task A_number_that_not_every_program_can_hold_is_refused_by_name(string id, string field)
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var operation = (await Operations.All(server)).Single(one => one.Id == id);
        foreach (var wrong in (string[])["9007199254740992", "9223372036854775807", "-1", "-9223372036854775808"])
        {
            (await client.Send(operation.Method, operation.Path(), With(operation, field, wrong))).Refuses(422, "VALIDATION_FAILED", "/" + field);
        }

        Assert.InRange((await client.Send(operation.Method, operation.Path(), With(operation, field, "9007199254740991"))).Status, 200, 201);
    }

    [Fact]
    public async Task Numbers_stop_where_they_end_and_the_next_customer_or_product_is_told()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        (await client.Post("/customers", """{"id":9007199254740991}""")).Ok(201);
        (await client.Post("/customers", """{"name":"Next"}""")).Refuses(422, "VALIDATION_FAILED", "/id");
        (await client.Post("/products", """{"id":9007199254740991,"name":"Last","prefix":"LAST"}""")).Ok(201);
        (await client.Post("/products", """{"name":"Next","prefix":"NEXT"}""")).Refuses(422, "VALIDATION_FAILED", "/id");
    }
}
