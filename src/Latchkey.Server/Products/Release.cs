namespace Latchkey.Server.Products;

enum ReleaseState
{
    /// <summary>Being put together: nobody can have it.</summary>
    Draft = 0,

    /// <summary>From its publish time on, which may lie ahead.</summary>
    Published = 1,

    /// <summary>Taken back: nobody can have it any more, by an older link neither.</summary>
    Yanked = 2,
}

/// <summary>One version of a product.</summary>
sealed class Release
{
    public long Id { get; set; }
    public long ProductId { get; set; }

    /// <summary>SemVer 2.0; two of a product never have the same precedence.</summary>
    public required string Version { get; set; }

    /// <summary>Its place among the product's releases, by SemVer precedence: counted anew when one is added.</summary>
    public int Precedence { get; set; }

    public required string Channel { get; set; }

    /// <summary>What is new, in Markdown.</summary>
    public string Notes { get; set; } = "";

    /// <summary>The same as safe HTML, rendered when the notes were written.</summary>
    public string NotesHtml { get; set; } = "";

    public ReleaseState State { get; set; }
    public DateTimeOffset? PublishedAt { get; set; }
    public DateTimeOffset? YankedAt { get; set; }
    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>To how many of a hundred licenses it is offered.</summary>
    public int RolloutPercent { get; set; } = 100;

    /// <summary>Who has less than this version is offered an older release first.</summary>
    public string? MinimumVersion { get; set; }

    public List<Artifact> Artifacts { get; } = [];

    /// <summary>Nobody could have it yet: it is a draft, or waits for its time.</summary>
    public bool IsToCome(DateTimeOffset now) => State == ReleaseState.Draft || (State == ReleaseState.Published && PublishedAt > now);
}
