using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Customers;
using Latchkey.Server.Data;
using Latchkey.Server.Downloads;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Commands;

/// <summary>
/// A small business for the demo, as it might look after a year: products, customers, licenses in every
/// state, a month of activity. The same each time, but for keys and times; it ends at the time of the start.
/// </summary>
sealed class DemoData(UnitOfWork work)
{
    const int Days = 31;

    static readonly (string Name, string Prefix)[] Products = [("Bookings for Studios", "BOOK"), ("Ledger Sync", "LEDGER"), ("Image Press", "PRESS")];

    /// <summary>Of the products; published so many days ago, which may lie ahead; null is a draft.</summary>
    static readonly (int Product, string Version, int? DaysAgo, string Notes)[] Releases =
    [
        (0, "2.2.0", 300, "- Rooms can be shared by several studios.\n- Faster calendar."),
        (0, "2.3.0", 190, "- Waiting lists.\n- **Fixed:** reminders went out twice in the night when the clocks change."),
        (0, "2.4.0", 64, "- Bookings repeat.\n- Prices for members."),
        (0, "2.4.1", 40, "- **Fixed:** a booking that repeats every month on the 31st."),
        (0, "2.5.0-beta.1", 6, "The next version, for those who like to try:\n\n- A calendar for the phone.\n- Payments in several currencies."),
        (0, "2.5.0", null, "- A calendar for the phone."),
        (1, "1.8.0", 210, "- Accounts can be matched by pattern."),
        (1, "1.9.0", 33, "- Runs on Linux and Windows, on x64 and arm64.\n- A log that can be read."),
        (1, "1.9.1", -3, "- **Fixed:** amounts over a million were rounded."),
    ];

    static readonly (string Suffix, string? Platform, string? Arch)[] Everywhere = [("", null, null)];
    static readonly (string Suffix, string? Platform, string? Arch)[] Platforms = [("-linux-x64", "linux", "x64"), ("-linux-arm64", "linux", "arm64"), ("-windows-x64", "windows", "x64")];

    static readonly string[] Names =
    [
        "Lindholm Bakery", "Studio Okafor", "Marta Kowalska", "Brightwater Dental", "Nakamura Design", "Casa Verde Hostel",
        "Petrov & Sons", "Amara Nwosu", "Fjord Cycling Club", "Delacroix Photo", "Highland Yoga", "Tanaka Robotics",
        "Elm Street Books", "Ana Souza", "Blue Door Pottery", "Kestrel Aviation", "Sanchez Law", "Green Fork Catering",
        "Iris Florist", "Mühlbach Orgelbau", "Northside Climbing", "Olga Ivanova", "Quill & Co.", "Rosewood Guesthouse",
    ];

    readonly DateTimeOffset _now = work.Now;
    uint _state = 20261;

    /// <summary>Fixed chance: the demo is no place for surprises.</summary>
    int Chance(int below)
    {
        _state = (_state * 1664525) + 1013904223;
        return (int)(_state >> 8) % below;
    }

    public async Task Make()
    {
        var products = new List<Product>();
        foreach (var (name, prefix) in Products)
        {
            var view = new ProductOperations(work).Add(null, new ProductFields(name, prefix, null, null, null));
            products.Add(new ProductOperations(work).Find(view.Id));
        }

        foreach (var (product, version, daysAgo, notes) in Releases) await MakeRelease(products[product], version, daysAgo, notes);

        using var transaction = work.Database.Begin(work.Db);

        // The business is older than its first customer.
        work.Db.Products.ExecuteUpdate(p => p.SetProperty(row => row.CreatedAt, _now.AddDays(-400)));
        MakeCustomers();
        var licenses = MakeLicenses(products);
        MakeTokens(licenses);
        using var session = new WriteSession(work.Database, work.Connection);
        MakeHours(session, products);
        MakeDetails(session, licenses);
        transaction.Commit();
        work.Db.ChangeTracker.Clear();
    }

    async Task MakeRelease(Product product, string version, int? daysAgo, string notes)
    {
        var releases = new ReleaseOperations(work);
        var release = releases.Add(product.Id, new ReleaseFields(version, Notes: notes));
        var name = product.Name.Split(' ')[0].ToLowerInvariant();
        foreach (var (suffix, platform, arch) in product.KeyPrefix == "LEDGER" && version != "1.8.0" ? Platforms : Everywhere)
        {
            await new StoreArtifact(work).Attach(release.Id, new Upload(DemoInstallation.Zip($"{product.Name} {version}{suffix}"), $"{name}-{version}{suffix}.zip", Platform: platform, Arch: arch));
        }

        if (daysAgo is { } days)
        {
            releases.Publish(release.Id);
            work.Db.Releases.Where(r => r.Id == release.Id).ExecuteUpdate(r => r.SetProperty(row => row.PublishedAt, _now.AddDays(-days)));
        }

        work.Db.Releases.Where(r => r.Id == release.Id).ExecuteUpdate(r => r.SetProperty(row => row.CreatedAt, _now.AddDays(-Math.Max(0, daysAgo ?? 0) - 2)));
    }

    void MakeCustomers()
    {
        foreach (var (index, name) in Names.Index())
        {
            work.Db.Add(new Customer
            {
                Id = 1001 + index,
                Name = name,
                Email = $"mail@{Domain(index)}",
                Reference = $"SHOP-{4700 + (index * 7)}",
                CreatedAt = _now.AddDays(-380 + (index * 14)),
            });
        }

        work.Db.SaveChanges();
    }

    static string Domain(int customer)
    {
        var name = new string([.. Names[customer].ToLowerInvariant().Normalize(System.Text.NormalizationForm.FormD).Where(c => char.IsAsciiLetterOrDigit(c) || c == ' ')]);
        return $"{string.Join('-', name.Split(' ', StringSplitOptions.RemoveEmptyEntries))}.example";
    }

    List<License> MakeLicenses(List<Product> products)
    {
        var licenses = new List<License>();
        for (var i = 0; i < 64; i++)
        {
            var product = products[i % 8 < 4 ? 0 : i % 8 < 7 ? 1 : 2];
            var customer = i % Names.Length;
            var key = LicenseKey.Generate(product.KeyPrefix, product.KeyLength);
            var hash = work.Secrets.Hash(key);
            var created = _now.AddDays(-350 + (i * 5)).AddMinutes(Chance(1400));
            var license = new License
            {
                ProductId = product.Id,
                KeyHash = hash,
                KeyCipher = work.Secrets.Seal(key, hash),
                KeySuffix = LicenseKey.Suffix(key),
                UserId = 1001 + customer,
                State = i % 13 == 5 ? LicenseState.Suspended : i % 17 == 9 ? LicenseState.Revoked : LicenseState.Active,
                MaxDomains = i % 6 == 0 ? 3 : 1,
                ExpiresAt = i % 3 == 0 ? null : created.AddDays(365),
                CreatedAt = created,
            };

            // The oldest have run out, a few are about to.
            if (i % 11 == 3) license.ExpiresAt = _now.AddDays(-20 + i);
            if (i % 9 == 4) license.ExpiresAt = _now.AddDays(2 + (i / 4));
            if (i % 5 == 2) license.UpdatesUntil = created.AddDays(180);
            if (i % 21 == 6) license.Channel = "beta";
            if (i % 10 != 7) license.Domains.Add(new LicenseDomain { Host = i >= Names.Length ? $"shop{i / Names.Length}.{Domain(customer)}" : Domain(customer), BoundAt = created.AddHours(2) });
            licenses.Add(license);
        }

        work.Db.AddRange(licenses);
        work.Db.SaveChanges();
        return licenses;
    }

    void MakeTokens(List<License> licenses)
    {
        var files = work.Db.Releases.Where(r => r.State == ReleaseState.Published && r.PublishedAt <= _now && r.Channel == Channel.Stable)
            .OrderByDescending(r => r.Precedence).Select(r => r.Artifacts.First()).ToList();

        // The newest link is the last one made.
        foreach (var (index, license) in licenses.Where(l => l.State == LicenseState.Active).Index().Reverse())
        {
            if (files.FirstOrDefault(f => f.ProductId == license.ProductId) is not { } file) continue;
            var at = _now.AddHours(-14 * (index + 1)).AddMinutes(Chance(600));
            var token = new DownloadToken { Hash = DownloadTokens.New().Hash, LicenseId = license.Id, ArtifactId = file.Id, CreatedAt = at, ExpiresAt = at.AddDays(1) };
            if (index % 5 != 4)
            {
                (token.ClaimedBy, token.ClaimedAt, token.Attempts) = (Address(license.Id), Before(at.AddMinutes(3)), 1 + (index % 7 == 0 ? 2 : 0));
                (token.SpentAt, token.BytesSent) = index % 6 == 1 ? ((DateTimeOffset?)null, file.Size / 3) : (Before(at.AddMinutes(4)), file.Size);
                (token.HighWater, token.BytesServed) = (token.BytesSent, token.BytesSent);
            }

            work.Db.Add(token);
        }

        work.Db.SaveChanges();
    }

    static string Address(long license) => $"203.0.113.{(license * 37 % 250) + 1}";

    /// <summary>Days have a shape: quiet nights, fuller weekdays.</summary>
    void MakeHours(WriteSession session, List<Product> products)
    {
        const string sql = "INSERT INTO activity_hours (hour, product_id, kind, outcome, count, bytes) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        var first = new DateTimeOffset(_now.Year, _now.Month, _now.Day, _now.Hour, 0, 0, TimeSpan.Zero).AddDays(-Days);
        for (var hour = first; hour <= _now; hour = hour.AddHours(1))
        {
            var fullness = (10 + (int)(8 * Math.Sin((hour.Hour - 7) * Math.PI / 12))) * (hour.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday ? 5 : 9);
            foreach (var (index, product) in products.Index())
            {
                var share = (fullness / (index + 1)) + Chance(12);
                void Count(ActivityKind kind, string outcome, long count, long bytes = 0)
                {
                    if (count > 0) session.Execute(sql, UnixMicroseconds.From(hour), product.Id, (int)kind, outcome, count, bytes);
                }

                Count(ActivityKind.Verify, "OK", share);
                Count(ActivityKind.Verify, "DOMAIN_MISMATCH", Chance(6) - 2);
                Count(ActivityKind.Verify, "LICENSE_EXPIRED", Chance(5) - 1);
                Count(ActivityKind.Verify, "LICENSE_INACTIVE", Chance(4) - 2);
                var downloads = index == 2 ? 0 : Chance(5);
                Count(ActivityKind.Mint, "OK", downloads);
                Count(ActivityKind.Download, "OK", downloads - Chance(2), downloads * 4_200_000L);
                Count(ActivityKind.Download, "INTERRUPTED", Chance(9) - 7, 900_000);
            }

            if (Chance(30) == 0) session.Execute(sql, UnixMicroseconds.From(hour), 0, (int)ActivityKind.Verify, "INVALID_LICENSE", 4 + Chance(30), 0);
        }
    }

    /// <summary>Nothing has happened yet that lies ahead.</summary>
    DateTimeOffset Before(DateTimeOffset time) => time < _now ? time : _now.AddMinutes(-1);

    void MakeDetails(WriteSession session, List<License> licenses)
    {
        const string sql = "INSERT INTO activity (id, license_id, product_id, kind, outcome, domain, address, first_at, last_at, count) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        const string seen = "INSERT INTO last_seen (license_id, at, address, domain, outcome) VALUES ($1, $2, $3, $4, $5)";
        var id = 0L;
        foreach (var (index, license) in licenses.Index())
        {
            if (license.Domains.Count == 0) continue;
            var host = license.Domains[0].Host;
            var outcome = LicenseView.StateOf(license.State, license.ExpiresAt, _now) switch { "active" => "OK", "expired" => "LICENSE_EXPIRED", _ => "LICENSE_INACTIVE" };
            for (var day = Days; day >= 0; day -= 1 + Chance(3))
            {
                var at = _now.AddDays(-day).AddMinutes(-Chance(600));
                if (at < license.CreatedAt) continue;
                session.Execute(sql, --id, license.Id, license.ProductId, 0, outcome, host, Address(license.Id), UnixMicroseconds.From(at), UnixMicroseconds.From(Before(at.AddMinutes(Chance(500)))), 1 + Chance(24));
            }

            // Some sites were moved without telling anybody.
            var isMoved = index % 12 == 2 && outcome == "OK";
            var last = _now.AddMinutes(-7 - Chance(900));
            if (isMoved) session.Execute(sql, --id, license.Id, license.ProductId, 0, "DOMAIN_MISMATCH", "staging." + host, Address(license.Id + 1), UnixMicroseconds.From(last.AddMinutes(-40)), UnixMicroseconds.From(last), 3 + Chance(9));
            session.Execute(seen, license.Id, UnixMicroseconds.From(last), Address(isMoved ? license.Id + 1 : license.Id), isMoved ? "staging." + host : host, isMoved ? "DOMAIN_MISMATCH" : outcome);
        }

        var guess = _now.AddHours(-5);
        session.Execute(sql, --id, 0, 0, 0, "INVALID_LICENSE", "", "198.51.100.23", UnixMicroseconds.From(guess), UnixMicroseconds.From(guess.AddMinutes(40)), 61);
    }
}
