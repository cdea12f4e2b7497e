using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Admin.Status;
using Latchkey.Server.Configuration;
using Latchkey.Server.Customers;
using Latchkey.Server.Data;
using Latchkey.Server.Downloads;
using Latchkey.Server.Http;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;

namespace Latchkey.Server.ApiDocs;

/// <summary>One example of each body of the admin API. They are values of the real types: one that no longer fits does not compile.</summary>
static class AdminExamples
{
    const string Created = "2026-01-15T10:30:00.000000Z";
    const string Later = "2026-01-16T10:30:00.000000Z";

    // What a client leaves out is left out here too.
    static readonly JsonSerializerOptions Sent = new(SnakeJson.Options) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault };

    static readonly ProductView Product = new(
        1, "My Plugin", "MYPLUGIN", 16, true, true, false, Created, 240,
        new ProductFile(7, 4, "1.2.0", "my-plugin.zip", "application/zip", 1048576, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", Later));

    static readonly CustomerView Customer = new(123, "Ada Lovelace", "ada@example.com", "CRM-77", null, Created, 2);

    static readonly LicenseView License = new(
        13, null, "LT6K", 1, "My Plugin", 123, "Ada Lovelace", true, "active", ["example.com"], 1, "2027-12-31T23:59:59.999999Z", null, "stable", Created, null, null,
        new LastSeenView(Later, "203.0.113.7", "example.com", "OK"));

    static readonly DownloadTokenView Download = new(
        42, 13, 1, "My Plugin", "my-plugin.zip", "1.2.0", 1048576, "in_progress", 524288, 1, Created, Later, "203.0.113.7", Created, null, null);

    static readonly ReleaseView Release = new(
        4, 1, "My Plugin", "1.2.0", "stable", "published", Later, null, 100, null, "- Bookings repeat.", "<ul><li>Bookings repeat.</li></ul>", Created,
        [new ArtifactView(7, "file", null, null, null, "my-plugin.zip", "application/zip", 1048576, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", Created)]);

    static readonly ApiKeyView ApiKey = new(
        3, "Billing", null, "x9Qd", ["licenses:read", "licenses:write"], ["203.0.113.0/24"], "active", "ada@example.com", Created, null, null, Later, "203.0.113.7");

    static readonly AuditEntryView Entry = new(
        1001, Created, new AuditActor("api_key", 3, "Billing"), "license.suspend", "license", "13",
        JsonSerializer.SerializeToElement(new { is_active = true, state = "active" }), JsonSerializer.SerializeToElement(new { is_active = false, state = "suspended" }),
        "203.0.113.7", "order-4711");

    static readonly Dictionary<Type, object> Answers = new object[]
    {
        Product, Product.File!, Customer, License, Download, ApiKey, Entry,
        new AccountView("api_key", 3, "Billing", ["licenses:read", "licenses:write"]),
        new DownloadLink(57, 13, $"https://licenses.example.com/api/license/download-file/{new string('a', 64)}", Later, "1.2.0", "my-plugin.zip", 1048576),
        Release,
        new IssuedKeys(1, 2, 14, 15, [new IssuedKey(14, "MYPLUGIN_T9X7Q3OMAP4JGGOH"), new IssuedKey(15, "MYPLUGIN_HFKF4E6M4Q5LE5EL")]),
        new ChangedLicenses(2, [13, 14]),
        new OperatorView(1, "ada@example.com", "owner", "active", true, Created, null, 1, 2, Later),
        new InvitationView(4, "invitation", "bob@example.com", "support", "ada@example.com", Created, Later, "https://licenses.example.com/admin/invitation/…"),
        new ActivityView("verify", "DOMAIN_MISMATCH", "other.example", "203.0.113.7", Created, Later, 3),
        new SeriesView("day", "2026-01-15T00:00:00.000000Z", "2026-01-16T00:00:00.000000Z", null, [new SeriesPoint("2026-01-15T00:00:00.000000Z", 240, 3, 0, 12, 11, 1, 12582912)]),
        new OutcomeView("verify", "OK", 240, 0),
        new LicenseCountsView(240, 230, 4, 1, 5),
        new TopProductView(1, "My Plugin", 240, 3, 12, 11, 12582912),
        new ExpiringLicenseView(13, 1, "My Plugin", 123, Later),
        new AttentionView("domain_mismatch", "warning", "License 13 was asked for from other.example, where it does not belong.", 3, 13, null, "other.example"),
        new ServerStatusView(
            "0.1.0", Created, 86400, "/var/lib/latchkey", new DatabaseStatus("/var/lib/latchkey/latchkey.db", 524288, 0, "20261123125950_Admin", "3.53.3"),
            new DiskStatus(80000000000, 100000000000), 0, 0, 240, 1, [new SettingInUse("RateLimit:RequestsPerMinute", "120", "environment", "LATCHKEY_RateLimit__RequestsPerMinute")], []),
    }.ToDictionary(example => example.GetType());

    static readonly Dictionary<Type, object> Requests = new object[]
    {
        new CreateProductRequest("My Plugin", "MYPLUGIN"),
        new EditProductRequest(Name: "My Better Plugin"),
        new CreateCustomerRequest(123, "Ada Lovelace", "ada@example.com"),
        new EditCustomerRequest(Email: "ada@example.org"),
        new IssueLicenseRequest(1, ["https://www.example.com/shop"], UserId: 123, ExpiresAt: "2027-12-31"),
        new IssueManyRequest(1, 50, ExpiresAt: "2027-12-31"),
        new EditLicenseRequest(MaxDomains: 3, ExpiresAt: "2028-12-31"),
        new CreateLinkRequest(Version: "1.2.0"),
        new CreateReleaseRequest("1.3.0", Notes: "- Bookings repeat.", RolloutPercent: 10),
        new EditReleaseRequest(RolloutPercent: 50),
        new PublishRequest("2027-01-31T12:00:00Z"),
        new RotateRequest(48),
        new BindRequest("shop.example.com"),
        new RebindRequest("example.com", "shop.example.com"),
        new LicenseIdsRequest([13, 14]),
        new InviteOperatorRequest("bob@example.com", "support"),
        new EditOperatorRequest("manager"),
        new CreateApiKeyRequest("Billing", ["licenses:read", "licenses:write"], ["203.0.113.0/24"], "2027-12-31"),
    }.ToDictionary(example => example.GetType());

    public static JsonNode? Of(Type type)
    {
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)) return Of(type.GetGenericArguments()[0]) is { } one ? new JsonArray(one) : null;
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Page<>))
        {
            return Of(type.GetGenericArguments()[0]) is { } item ? new JsonObject { ["items"] = new JsonArray(item), ["next_cursor"] = "NDIg" } : null;
        }

        return Requests.TryGetValue(type, out var request) ? JsonSerializer.SerializeToNode(request, type, Sent)
            : Answers.TryGetValue(type, out var answer) ? JsonSerializer.SerializeToNode(answer, type, SnakeJson.Options)
            : null;
    }
}
