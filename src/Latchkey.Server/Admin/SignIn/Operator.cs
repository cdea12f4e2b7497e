using Latchkey.Server.Admin.Access;
using Microsoft.AspNetCore.Identity;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>A person who works with the panel. The user name is the e-mail address.</summary>
sealed class Operator : IdentityUser<long>
{
    public Role Role { get; set; }
    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>May not sign in; what was done stays in the audit trail.</summary>
    public DateTimeOffset? DisabledAt { get; set; }

    public DateTimeOffset? LastSignInAt { get; set; }
}

/// <summary>One signed-in browser. A cookie whose row is gone is worth nothing.</summary>
sealed class OperatorSession
{
    /// <summary>128 random bits, in the encrypted cookie.</summary>
    public required string Id { get; set; }

    public long OperatorId { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset LastSeenAt { get; set; }
    public DateTimeOffset ExpiresAt { get; set; }

    /// <summary>When the password or the second factor was last given, which the dangerous things ask for.</summary>
    public DateTimeOffset ConfirmedAt { get; set; }

    public required string Address { get; set; }
    public required string UserAgent { get; set; }
}

enum InvitationKind
{
    /// <summary>Makes the first operator, an owner.</summary>
    Setup = 0,
    Invitation = 1,

    /// <summary>Lets an operator choose a new password.</summary>
    Reset = 2,
}

/// <summary>A one-time link that lets a person choose a password.</summary>
sealed class Invitation
{
    public long Id { get; set; }

    /// <summary>SHA-256 of the token in the link.</summary>
    public required byte[] TokenHash { get; set; }

    public InvitationKind Kind { get; set; }
    public string? Email { get; set; }
    public Role Role { get; set; }

    /// <summary>Whose password is reset.</summary>
    public long? OperatorId { get; set; }

    public required string CreatedBy { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset ExpiresAt { get; set; }
    public DateTimeOffset? UsedAt { get; set; }
}
