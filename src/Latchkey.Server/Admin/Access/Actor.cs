using System.Collections.Frozen;

namespace Latchkey.Server.Admin.Access;

/// <summary>Who does something, and from where: what is allowed, and what the audit trail says.</summary>
/// <param name="Kind">An operator, an API key, the command line.</param>
/// <param name="Id">The operator's or the API key's number.</param>
/// <param name="Name">An e-mail address, the name of an API key, or the system user.</param>
/// <param name="Permissions">All that is allowed.</param>
/// <param name="Address">The client's, if there is one.</param>
/// <param name="RequestId">Of the request, if it is one.</param>
/// <param name="IsConfirmed">False for an operator who has not given the password or second factor lately.</param>
sealed record Actor(
    ActorKind Kind, long? Id, string Name, IReadOnlySet<string> Permissions, string? Address = null, string? RequestId = null, bool IsConfirmed = true)
{
    static readonly FrozenSet<string> Everything = Permission.All.ToFrozenSet();

    /// <summary>Whoever can run commands on the data directory can do anything.</summary>
    public static Actor CommandLine() => new(ActorKind.CommandLine, null, Environment.UserName, Everything);

    /// <summary>The server on its own.</summary>
    public static Actor System() => new(ActorKind.System, null, "latchkey", Everything);

    /// <summary>Somebody who is not signed in, as the audit trail names a failed sign-in or a followed link.</summary>
    public static Actor Nobody(string name, string? address, string? requestId) =>
        new(ActorKind.System, null, name, FrozenSet<string>.Empty, address, requestId);

    public bool May(string permission) => Permissions.Contains(permission);

    /// <summary>Tells actors apart, as <c>operator:1</c>.</summary>
    public string Reference => Id is { } id ? string.Create(global::System.Globalization.CultureInfo.InvariantCulture, $"{Kind}:{id}") : Kind.ToString();
}
