namespace Latchkey.Server.Admin.Access;

enum ActorKind
{
    /// <summary>The server on its own, and people who are not signed in (yet).</summary>
    System = 0,
    Operator = 1,
    ApiKey = 2,
    CommandLine = 3,
}

/// <summary>One line of the audit trail. The database refuses to change or delete it.</summary>
sealed class AuditEntry
{
    public long Id { get; set; }
    public DateTimeOffset At { get; set; }
    public ActorKind ActorKind { get; set; }

    /// <summary>The operator's or the API key's number.</summary>
    public long? ActorId { get; set; }

    /// <summary>An e-mail address, the name of an API key, or the system user of the command line.</summary>
    public required string ActorName { get; set; }

    /// <summary><c>license.rotate</c>, <c>operator.sign_in</c>, …</summary>
    public required string Action { get; set; }

    /// <summary><c>license</c>, <c>product</c>, …</summary>
    public string? ObjectKind { get; set; }
    public string? ObjectId { get; set; }

    /// <summary>JSON: the fields that changed, as they were. Never a secret.</summary>
    public string? Before { get; set; }

    /// <summary>JSON: the fields that changed, as they are since. Never a secret.</summary>
    public string? After { get; set; }

    public string? Address { get; set; }
    public string? RequestId { get; set; }
}
