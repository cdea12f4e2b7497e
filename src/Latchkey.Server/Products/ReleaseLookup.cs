using Latchkey.Server.Data;

namespace Latchkey.Server.Products;

/// <summary>What of a product is published now, the newest version first: one prepared statement, no cache, read as far as is needed.</summary>
sealed class ReleaseLookup(Database database) : IDisposable
{
    const string Sql = """
        SELECT r.id, r.version, r.channel, r.published_at, r.rollout_percent, r.minimum_version,
               a.id, a.product_id, a.file_name, a.content_type, a.size, a.sha256, a.blob_id, a.kind, a.beside_id, a.platform, a.arch
        FROM releases r JOIN artifacts a ON a.release_id = r.id
        WHERE r.product_id = $1 AND r.state = 1 AND r.published_at <= $2
        ORDER BY r.precedence DESC, a.id
        """;

    readonly Lookup _published = database.Prepare(Sql, LookupKey.Number, LookupKey.Number);
    readonly Lookup _notes = database.Prepare("SELECT notes, notes_html FROM releases WHERE id = $1", LookupKey.Number);

    /// <param name="product">Its number.</param>
    /// <param name="now">What is published later does not exist yet.</param>
    /// <param name="choose">Reads as far as it needs; never called where nothing is published.</param>
    /// <returns>What was chosen; null where nothing is published.</returns>
    /// <exception cref="StoreUnavailableException">The database cannot be read right now.</exception>
    public ValueTask<T?> Choose<T>(long product, DateTimeOffset now, Func<IEnumerable<OfferedRelease>, T> choose)
        where T : class => _published.Read(product, UnixMicroseconds.From(now), row => choose(Releases(row)));

    /// <summary>What is new in it.</summary>
    public async ValueTask<ReleaseNotesText> Notes(long release) =>
        await _notes.Read(release, static row => new ReleaseNotesText(row.Text(0), row.Text(1))) ?? new ReleaseNotesText("", "");

    /// <summary>The statement stands at its first row.</summary>
    static IEnumerable<OfferedRelease> Releases(Rows row)
    {
        bool isMore;
        do
        {
            var files = new List<Artifact>(1);
            var release = new OfferedRelease(row.Long(0), row.Text(1), row.Text(2), row.Time(3), (int)row.Long(4), row.TextOrNull(5), files);
            do files.Add(ReadArtifact(row, release.Id, 6));
            while ((isMore = row.Step()) && row.Long(0) == release.Id);
            yield return release;
        }
        while (isMore);
    }

    public static Artifact ReadArtifact(Rows row, long release, int at) => new()
    {
        Id = row.Long(at),
        ReleaseId = release,
        ProductId = row.Long(at + 1),
        FileName = row.Text(at + 2),
        ContentType = row.Text(at + 3),
        Size = row.Long(at + 4),
        Sha256 = row.Bytes(at + 5),
        BlobId = row.Text(at + 6),
        Kind = (ArtifactKind)row.Long(at + 7),
        BesideId = row.LongOrNull(at + 8),
        Platform = row.Text(at + 9),
        Arch = row.Text(at + 10),
    };

    public void Dispose()
    {
        _published.Dispose();
        _notes.Dispose();
    }
}
