using Latchkey.Server.Http;

namespace Latchkey.Server.Admin.SignIn;

/// <param name="Id">Its number.</param>
/// <param name="Email">Also the user name.</param>
/// <param name="Role">owner, manager, support or viewer.</param>
/// <param name="State">active or disabled.</param>
/// <param name="SecondFactor">Codes of an authenticator app are asked for.</param>
/// <param name="CreatedAt">When the invitation was taken up.</param>
/// <param name="DisabledAt">Since when, if it is.</param>
/// <param name="Passkeys">How many.</param>
/// <param name="Sessions">Browsers signed in.</param>
/// <param name="LastSignInAt">Null: never.</param>
public sealed record OperatorView(
    long Id, string Email, string Role, string State, bool SecondFactor, string CreatedAt, string? DisabledAt,
    int Passkeys, [property: OutsideState] int Sessions, [property: OutsideState] string? LastSignInAt) : Access.IResource;

/// <param name="Id">Its number.</param>
/// <param name="Kind">setup, invitation or reset.</param>
/// <param name="Email">For whom.</param>
/// <param name="Role">What they will be, or are.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="CreatedAt">When.</param>
/// <param name="ExpiresAt">Until when it is good.</param>
/// <param name="Url">Only in the answer that makes it: it is stored nowhere.</param>
public sealed record InvitationView(
    long Id, string Kind, string? Email, string Role, string CreatedBy, string CreatedAt, string ExpiresAt, [property: OutsideState] string? Url = null);

/// <param name="Id">Names the session; worth nothing in a cookie.</param>
/// <param name="Address">Where it was seen last.</param>
/// <param name="Browser">What it calls itself.</param>
/// <param name="CreatedAt">When it was signed in.</param>
/// <param name="LastSeenAt">To the minute.</param>
/// <param name="ExpiresAt">At the latest.</param>
public sealed record SessionView(string Id, string Address, string Browser, string CreatedAt, string LastSeenAt, string ExpiresAt);
