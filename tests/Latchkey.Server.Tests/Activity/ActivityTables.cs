using System.Globalization;
using Latchkey.Server.Activity;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Activity;

/// <summary>The tables as a tool sees them.</summary>
static class ActivityTables
{
    /// <summary>Rows as text, columns with a space between.</summary>
    public static string[] Rows(this TestServer server, string sql)
    {
        using var connection = server.Data.Database.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read()) rows.Add(string.Join(' ', Enumerable.Range(0, reader.FieldCount).Select(i => Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture))));
        return [.. rows];
    }

    public static long Sum(this TestServer server, string sql) => Tables.Query<long>(server.Database(), sql);

    /// <summary>Moves the clock until this many requests stand in the counts, in whichever hour, and their details beside them; no further than it must, however slow the machine is.</summary>
    public static Task<long> Counted(this TestServer server, long requests)
    {
        var asked = 0;
        return Poll.Until(
            () =>
            {
                if (asked++ % 5 == 0) server.Clock.Advance(TimeSpan.FromSeconds(1));
                var counted = server.Sum("SELECT coalesce(sum(count), 0) FROM activity_hours WHERE kind < 3");
                return Task.FromResult(server.Board().IsWriting ? -1 : counted);
            },
            count => count == requests);
    }

    /// <summary>Seconds in which nothing more may be written.</summary>
    public static async Task Settle(this TestServer server)
    {
        for (var i = 0; i < 10; i++)
        {
            server.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(20);
        }
    }

    public static string[] Hours(this TestServer server) =>
        server.Rows("SELECT strftime('%d %H', hour / 1000000, 'unixepoch'), product_id, kind, outcome, count FROM activity_hours ORDER BY hour, product_id, kind, outcome");

    public static string[] Details(this TestServer server) =>
        server.Rows("SELECT license_id, product_id, kind, outcome, domain, address, count FROM activity ORDER BY license_id, kind, outcome, domain, address, first_at");

    public static ActivityBoard Board(this TestServer server) => server.Services.GetRequiredService<ActivityBoard>();

    /// <summary>Another process that writes for as long as this is held.</summary>
    public static IDisposable HoldWriteLock(this TestServer server) => Tables.HoldWrites(server.Database());

    public static Task WaitForLog(this TestServer server, string text) =>
        Poll.Until(() => Task.FromResult(server.Log.Lines.Any(line => line.Contains(text, StringComparison.Ordinal))), isThere => isThere);

    /// <summary>As a client at an address of its own, seen through a trusted proxy.</summary>
    public static Task<Reply> VerifyFrom(this TestServer server, string address, string? key, string domain)
    {
        var request = Ask.Request(HttpMethod.Get, Ask.VerifyPath, key, domain, 1);
        request.Headers.Add("X-Forwarded-For", address);
        return server.Http.Read(request);
    }
}
