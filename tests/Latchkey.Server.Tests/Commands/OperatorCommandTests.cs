using System.Net;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

public sealed class OperatorCommandTests
{
    [Fact]
    public async Task An_invitation_of_the_command_line_makes_an_operator_beside_the_running_server()
    {
        using var shop = new Shop();
        await using var server = await shop.Serve();
        var setup = server.Started.Text("setup_url");
        Assert.StartsWith(server.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal) + "/admin/setup/", setup, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync(setup)).StatusCode);
        var invited = await shop.Do("operator", "add", "--email", "ann@example.com", "--role", "owner");
        Assert.Equal(("ann@example.com", "owner", "invitation"), (invited.Text("email"), invited.Text("role"), invited.Text("kind")));
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync(new Uri(invited.Text("url")).AbsolutePath)).StatusCode);
        Assert.Equal(0, (await shop.Do("operator", "list")).GetArrayLength());
    }

    [Fact]
    public async Task Links_begin_with_the_public_address_where_it_is_set()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        var result = await Cli.Run(["operator", "add", "--email", "ann@example.com", "--role", "viewer", "--data", shop.Data], [("LATCHKEY_PublicUrl", "https://licenses.example.com/")]);
        Assert.Contains("https://licenses.example.com/admin/invitation/", result.Output, StringComparison.Ordinal);
        await using var server = await shop.Serve("--PublicUrl", "https://licenses.example.com");
        Assert.StartsWith("https://licenses.example.com/admin/setup/", server.Started.Text("setup_url"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Operators_are_edited_disabled_enabled_and_reset_by_their_address()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        foreach (var (id, email, role) in new[] { (1, "ann@example.com", 3), (2, "bob@example.com", 1) })
        {
            Tables.Execute(shop.Database, $"""
                INSERT INTO operators (id, role, created_at, user_name, normalized_user_name, email, normalized_email, email_confirmed, phone_number_confirmed, two_factor_enabled, lockout_enabled, access_failed_count)
                VALUES ({id}, {role}, 0, '{email}', '{email.ToUpperInvariant()}', '{email}', '{email.ToUpperInvariant()}', 0, 0, 1, 1, 0)
                """);
        }

        Assert.Equal("manager", (await shop.Do("operator", "edit", "--email", "BOB@example.com", "--role", "manager")).Text("role"));
        Assert.Equal("disabled", (await shop.Do("operator", "disable", "--email", "bob@example.com")).Text("state"));
        Assert.Equal("active", (await shop.Do("operator", "enable", "--email", "bob@example.com")).Text("state"));
        Assert.Contains("last owner", await shop.Refused(1, "operator", "disable", "--email", "ann@example.com"), StringComparison.Ordinal);
        Assert.Contains("last owner", await shop.Refused(1, "operator", "edit", "--email", "ann@example.com", "--role", "viewer"), StringComparison.Ordinal);
        Assert.Contains("already", await shop.Refused(1, "operator", "add", "--email", "ann@example.com", "--role", "viewer"), StringComparison.Ordinal);
        Assert.Contains("no operator", await shop.Refused(1, "operator", "reset", "--email", "eve@example.com"), StringComparison.Ordinal);
        Assert.Contains("not an e-mail address", await shop.Refused(1, "operator", "add", "--email", "ann", "--role", "viewer"), StringComparison.Ordinal);
        Assert.Equal("reset", (await shop.Do("operator", "reset", "--email", "bob@example.com", "--second-factor-off")).Text("kind"));
        var list = await shop.Do("operator", "list");
        Assert.Equal([true, false], list.EnumerateArray().Select(o => o.GetProperty("second_factor").GetBoolean()));
        Assert.Equal(Environment.UserName, Tables.Query<string>(shop.Database, "SELECT DISTINCT actor_name FROM audit WHERE action LIKE 'operator.%'"));
    }

    [Fact]
    public async Task Started_without_an_operator_it_prints_a_setup_link_and_with_one_the_address_of_the_panel()
    {
        using var shop = new Shop();
        await using (var first = await ServeConsole.Run(shop.Home, [], "--urls", "http://127.0.0.1:0"))
        {
            Assert.Single(first.Lines, line => line.StartsWith($"Set up the admin panel: {first.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)}/admin/setup/", StringComparison.Ordinal) && line.EndsWith(" (valid one hour, once)", StringComparison.Ordinal));
        }

        Tables.Execute(shop.Database, """
            INSERT INTO operators (role, created_at, email_confirmed, phone_number_confirmed, two_factor_enabled, lockout_enabled, access_failed_count) VALUES (3, 0, 0, 0, 0, 1, 0)
            """);
        await using var second = await ServeConsole.Run(shop.Home, [], "--urls", "http://127.0.0.1:0");
        Assert.Contains($"The admin panel is at {second.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)}/admin/", second.Lines);
        Assert.DoesNotContain(second.Lines, line => line.Contains("setup", StringComparison.Ordinal));
    }
}
