using System.Text.Json;
using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Backups;
using Latchkey.Server.Customers;
using Latchkey.Server.Downloads;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Metadata.Conventions;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace Latchkey.Server.Data;

/// <summary>
/// The entities and their tables, for everything an operator does. What a request does on the way of
/// verify, mint and claim are hand-written statements, next to the feature they belong to.
/// </summary>
abstract class LatchkeyDb(DbContextOptions options) : IdentityUserContext<Operator, long>(options)
{
    public DbSet<Product> Products => Set<Product>();
    public DbSet<Release> Releases => Set<Release>();
    public DbSet<Artifact> Artifacts => Set<Artifact>();
    public DbSet<License> Licenses => Set<License>();
    public DbSet<LicenseDomain> LicenseDomains => Set<LicenseDomain>();
    public DbSet<RetiredKey> RetiredKeys => Set<RetiredKey>();
    public DbSet<Customer> Customers => Set<Customer>();
    public DbSet<DownloadToken> DownloadTokens => Set<DownloadToken>();
    public DbSet<ActivityRow> Activity => Set<ActivityRow>();
    public DbSet<ActivityHour> ActivityHours => Set<ActivityHour>();
    public DbSet<ActivityDay> ActivityDays => Set<ActivityDay>();
    public DbSet<OperatorSession> OperatorSessions => Set<OperatorSession>();
    public DbSet<Invitation> Invitations => Set<Invitation>();
    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();
    public DbSet<AuditEntry> Audit => Set<AuditEntry>();
    public DbSet<IdempotentAnswer> IdempotentAnswers => Set<IdempotentAnswer>();

    /// <summary>In a query, and nowhere else: A to Z as a to z.</summary>
    public static string? Lower(string? text) => throw new NotSupportedException(text);

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UnixMicroseconds>();

        // Every index costs a write per mint: the ones there are, are named below.
        configurationBuilder.Conventions.Remove<ForeignKeyIndexConvention>();
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        modelBuilder.HasDbFunction(() => Lower("")).HasName("lower").IsBuiltIn();
        Business(modelBuilder);
        Records(modelBuilder);
        People(modelBuilder);
        foreach (var property in modelBuilder.Model.GetEntityTypes().Where(entity => !entity.IsMappedToJson()).SelectMany(entity => entity.GetProperties()))
        {
            property.SetColumnName(JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
        }
    }

    static void Business(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Product>().ToTable("products");
        modelBuilder.Entity<Release>(release =>
        {
            release.ToTable("releases");
            release.HasOne<Product>().WithMany(p => p.Releases).HasForeignKey(r => r.ProductId).OnDelete(DeleteBehavior.Restrict);
            release.HasIndex(r => new { r.ProductId, r.Version }).IsUnique();
            release.HasIndex(r => new { r.ProductId, r.Precedence });
        });
        modelBuilder.Entity<Artifact>(artifact =>
        {
            artifact.ToTable("artifacts");
            artifact.HasOne<Release>().WithMany(r => r.Artifacts).HasForeignKey(a => a.ReleaseId).OnDelete(DeleteBehavior.Restrict);
            artifact.HasOne<Artifact>().WithMany().HasForeignKey(a => a.BesideId).OnDelete(DeleteBehavior.Restrict);
            artifact.HasIndex(a => a.ReleaseId);
            artifact.HasIndex(a => a.ProductId);
        });
        modelBuilder.Entity<License>(license =>
        {
            license.ToTable("licenses");
            license.HasOne(l => l.Product).WithMany().HasForeignKey(l => l.ProductId).OnDelete(DeleteBehavior.Restrict);
            license.HasMany(l => l.Domains).WithOne().HasForeignKey(d => d.LicenseId).OnDelete(DeleteBehavior.Cascade);
            license.HasOne(l => l.LastSeen).WithOne().HasForeignKey<LastSeen>(s => s.LicenseId).OnDelete(DeleteBehavior.Cascade);
            license.HasIndex(l => l.KeyHash).IsUnique();
            license.HasIndex(l => l.ProductId);
            license.HasIndex(l => l.UserId);
            license.HasIndex(l => l.KeySuffix);

            // The product at the end is for counting alone: no license needs to be looked at.
            license.HasIndex(l => new { l.ExpiresAt, l.State, l.ProductId });
            license.HasIndex(l => new { l.State, l.ProductId }).HasFilter("state <> 0");
        });
        modelBuilder.Entity<LicenseDomain>(domain =>
        {
            domain.ToTable("license_domains");
            domain.HasKey(d => new { d.LicenseId, d.Host });
            domain.HasIndex(d => d.Host);
        });
        modelBuilder.Entity<RetiredKey>(key =>
        {
            key.ToTable("retired_keys");
            key.HasKey(k => k.KeyHash);
            key.HasOne<License>().WithMany().HasForeignKey(k => k.LicenseId).OnDelete(DeleteBehavior.Cascade);
            key.HasIndex(k => k.LicenseId);
        });
        modelBuilder.Entity<Customer>().ToTable("customers");
        modelBuilder.Entity<LastSeen>(seen =>
        {
            seen.ToTable("last_seen");
            seen.HasKey(s => s.LicenseId);
            seen.Property(s => s.LicenseId).ValueGeneratedNever();
        });
        modelBuilder.Entity<DownloadToken>(token =>
        {
            token.ToTable("download_tokens");
            token.HasOne<License>().WithMany().HasForeignKey(t => t.LicenseId).OnDelete(DeleteBehavior.Restrict);
            token.HasOne<Artifact>().WithMany().HasForeignKey(t => t.ArtifactId).OnDelete(DeleteBehavior.Restrict);
            token.HasIndex(t => t.Hash).IsUnique();

            // Both what is over and what a license has are found here; it grows at one end, which costs a mint least.
            token.HasIndex(t => new { t.ExpiresAt, t.LicenseId });
        });
        modelBuilder.Entity<Installation>().ToTable("installation").Property(i => i.Id).ValueGeneratedNever();
        modelBuilder.Entity<Lease>().ToTable("leases").HasKey(l => l.Name);
        modelBuilder.Entity<BackupResult>().ToTable("backup_results").HasKey(r => r.Outcome);
        modelBuilder.Entity<SealedKey>().ToTable("sealed_keys").HasKey(k => k.Name);
    }

    static void Records(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<ActivityRow>(row =>
        {
            row.ToTable("activity");
            row.Property(r => r.Id).ValueGeneratedNever();
            row.HasIndex(r => r.LicenseId);
            row.HasIndex(r => r.FirstAt);
        });
        modelBuilder.Entity<ActivityHour>().ToTable("activity_hours").HasKey(h => new { h.Hour, h.ProductId, h.Kind, h.Outcome });

        // Its rows are made by triggers on the hours.
        modelBuilder.Entity<ActivityDay>().ToTable("activity_days").HasKey(d => new { d.Day, d.ProductId, d.Kind, d.Outcome });
        modelBuilder.Entity<AuditEntry>(entry =>
        {
            entry.ToTable("audit");
            entry.HasIndex(e => new { e.ObjectKind, e.ObjectId });
            entry.HasIndex(e => e.At);
        });
        modelBuilder.Entity<IdempotentAnswer>(answer =>
        {
            answer.ToTable("idempotent_answers");
            answer.HasKey(a => new { a.Actor, a.Key });
            answer.HasIndex(a => a.CreatedAt);
        });
    }

    static void People(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Operator>().ToTable("operators");
        modelBuilder.Entity<IdentityUserClaim<long>>().ToTable("operator_claims");
        modelBuilder.Entity<IdentityUserLogin<long>>().ToTable("operator_logins");
        modelBuilder.Entity<IdentityUserToken<long>>().ToTable("operator_tokens");

        // As in Identity's schema version 3, which it takes up only where it finds its options in the context's.
        modelBuilder.Entity<IdentityUserPasskey<long>>(passkey =>
        {
            passkey.ToTable("operator_passkeys");
            passkey.HasKey(p => p.CredentialId);
            passkey.Property(p => p.CredentialId).HasMaxLength(1024);
            passkey.HasOne<Operator>().WithMany().HasForeignKey(p => p.UserId).IsRequired();
            passkey.HasIndex(p => p.UserId);
            passkey.OwnsOne(p => p.Data, data => data.ToJson("data"));
        });
        modelBuilder.Entity<OperatorSession>(session =>
        {
            session.ToTable("operator_sessions");
            session.HasOne<Operator>().WithMany().HasForeignKey(s => s.OperatorId).OnDelete(DeleteBehavior.Cascade);
            session.HasIndex(s => s.OperatorId);
        });
        modelBuilder.Entity<Invitation>(invitation =>
        {
            invitation.ToTable("invitations");
            invitation.HasOne<Operator>().WithMany().HasForeignKey(i => i.OperatorId).OnDelete(DeleteBehavior.Cascade);
            invitation.HasIndex(i => i.TokenHash).IsUnique();
        });
        modelBuilder.Entity<ApiKey>().ToTable("api_keys").HasIndex(k => k.Hash).IsUnique();
    }
}

/// <summary>One row: what ties this database to its secret files.</summary>
sealed class Installation
{
    public const int OnlyId = 1;

    public int Id { get; set; } = OnlyId;

    /// <summary>A fixed text under the pepper: another pepper gives another value.</summary>
    public required byte[] PepperCheck { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>The last migration that a program must know to work with this database, be it as new as it may; empty: any that is there.</summary>
    public string OldestSchema { get; set; } = "";

    /// <summary>Why no server may work with this database, as a sentence: it is being filled, or has been moved away; null: it is in use.</summary>
    public string? Closed { get; set; }
}

/// <summary>Times are whole microseconds since 1970, UTC: they compare and index as numbers on every database.</summary>
sealed class UnixMicroseconds() : ValueConverter<DateTimeOffset, long>(time => From(time), value => To(value))
{
    public static long From(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset To(long value) => DateTimeOffset.UnixEpoch.AddTicks(value * TimeSpan.TicksPerMicrosecond);
}

/// <summary>On SQLite: that its migrations are its own.</summary>
sealed class SqliteDb(DbContextOptions<SqliteDb> options) : LatchkeyDb(options);

/// <summary>On PostgreSQL: that its migrations are its own.</summary>
sealed class PostgreSqlDb(DbContextOptions<PostgreSqlDb> options) : LatchkeyDb(options)
{
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        base.ConfigureConventions(configurationBuilder);

        // Compared and sorted byte by byte, as SQLite does, whatever language the server speaks.
        configurationBuilder.Properties<string>().UseCollation("C");
    }
}

/// <summary>For <c>dotnet ef migrations add --context SqliteDb</c> alone.</summary>
sealed class DesignTimeSqlite : IDesignTimeDbContextFactory<SqliteDb>
{
    public SqliteDb CreateDbContext(string[] args) => new(new DbContextOptionsBuilder<SqliteDb>().UseSqlite("Data Source=:memory:").Options);
}

/// <summary>For <c>dotnet ef migrations add --context PostgreSqlDb</c> alone.</summary>
sealed class DesignTimePostgreSql : IDesignTimeDbContextFactory<PostgreSqlDb>
{
    public PostgreSqlDb CreateDbContext(string[] args) => new(new DbContextOptionsBuilder<PostgreSqlDb>().UseNpgsql().Options);
}
