using System.Text.Json;
using Latchkey.Server.Downloads;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Metadata.Conventions;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace Latchkey.Server.Data;

/// <summary>
/// The entities and their tables, for everything an operator does. What a request does on the way of
/// verify, mint and claim are hand-written statements, next to the feature they belong to.
/// </summary>
sealed class LatchkeyDb(DbContextOptions<LatchkeyDb> options) : DbContext(options)
{
    public DbSet<Product> Products => Set<Product>();
    public DbSet<Artifact> Artifacts => Set<Artifact>();
    public DbSet<License> Licenses => Set<License>();
    public DbSet<LicenseDomain> LicenseDomains => Set<LicenseDomain>();
    public DbSet<DownloadToken> DownloadTokens => Set<DownloadToken>();

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UnixMicroseconds>();

        // Every index costs a write per mint: the ones there are, are named below.
        configurationBuilder.Conventions.Remove<ForeignKeyIndexConvention>();
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Product>().ToTable("products");
        modelBuilder.Entity<Artifact>(artifact =>
        {
            artifact.ToTable("artifacts");
            artifact.HasOne<Product>().WithMany(p => p.Artifacts).HasForeignKey(a => a.ProductId).OnDelete(DeleteBehavior.Restrict);
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
        });
        modelBuilder.Entity<LicenseDomain>(domain =>
        {
            domain.ToTable("license_domains");
            domain.HasKey(d => new { d.LicenseId, d.Host });
            domain.HasIndex(d => d.Host);
        });
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
            token.HasIndex(t => t.ExpiresAt);
        });
        modelBuilder.Entity<Installation>().ToTable("installation").Property(i => i.Id).ValueGeneratedNever();

        foreach (var property in modelBuilder.Model.GetEntityTypes().SelectMany(entity => entity.GetProperties()))
        {
            property.SetColumnName(JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
        }
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
}

/// <summary>Times are whole microseconds since 1970, UTC: they compare and index as numbers on every database.</summary>
sealed class UnixMicroseconds() : ValueConverter<DateTimeOffset, long>(time => From(time), value => To(value))
{
    public static long From(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset To(long value) => DateTimeOffset.UnixEpoch.AddTicks(value * TimeSpan.TicksPerMicrosecond);
}

/// <summary>For <c>dotnet ef migrations add</c> alone.</summary>
sealed class DesignTimeDb : IDesignTimeDbContextFactory<LatchkeyDb>
{
    public LatchkeyDb CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<LatchkeyDb>().UseSqlite("Data Source=:memory:").Options);
}
