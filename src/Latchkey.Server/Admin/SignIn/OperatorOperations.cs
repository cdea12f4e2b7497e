using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>What owners do with operators. The panel, the admin API and the command line call the same.</summary>
sealed class OperatorOperations(UnitOfWork work)
{
    LatchkeyDb Db => work.Db;

    public List<OperatorView> List()
    {
        work.Require(Permission.OperatorsRead);
        return Views(Db.Users.OrderBy(o => o.Id));
    }

    public OperatorView Show(long id)
    {
        work.Require(Permission.OperatorsRead);
        return View(id);
    }

    /// <exception cref="OperationException">There is none.</exception>
    public long IdOf(string email)
    {
        work.Require(Permission.OperatorsRead);
        var normal = Email.Normal(email);
        return Db.Users.Where(o => o.NormalizedEmail == normal).Select(o => (long?)o.Id).SingleOrDefault()
            ?? throw OperationException.Missing("operator", email, "\"latchkey operator list\" shows those there are.");
    }

    /// <summary>The links that can still be followed.</summary>
    public List<InvitationView> Invitations()
    {
        work.Require(Permission.OperatorsRead);
        var now = work.Now;
        return [.. Db.Invitations.AsNoTracking().Where(i => i.UsedAt == null && i.ExpiresAt > now).OrderBy(i => i.Id).AsEnumerable().Select(i => View(i))];
    }

    /// <param name="email">Of the person; becomes the user name.</param>
    /// <param name="role">What they will be.</param>
    /// <param name="home">Scheme, host and port that the link begins with.</param>
    public InvitationView Invite(string email, Role role, string home)
    {
        work.Require(Permission.OperatorsWrite, confirmed: true);
        RequireNoMore(role);
        email = email.Trim();
        if (!Email.IsOne(email)) throw OperationException.Invalid("/email", $"\"{email}\" is not {Email.Rule}.");
        return Make("operator.invite", email, InvitationKind.Invitation, role, null, home, () =>
        {
            var normal = Email.Normal(email);
            if (Db.Users.Any(o => o.NormalizedEmail == normal)) throw OperationException.Conflict("OPERATOR_EXISTS", $"There is an operator {email} already.", "A new password: latchkey operator reset --email EMAIL");

            // However it was spelled: it is one person.
            var lower = LikePattern.Lower(email);
            Links.End(Db.Invitations.Where(i => i.Kind == InvitationKind.Invitation && LatchkeyDb.Lower(i.Email) == lower));
        });
    }

    /// <summary>A link to choose a new password with; the old one, and the passkeys, stay good until it is used.</summary>
    public InvitationView Reset(long id, string home)
    {
        work.Require(Permission.OperatorsWrite, confirmed: true);
        var person = View(id);
        var role = RoleName.Parse(person.Role)!.Value;
        RequireNoMore(role);
        return Make("operator.reset", person.Email, InvitationKind.Reset, role, id, home, () =>
            Links.End(Db.Invitations.Where(i => i.Kind == InvitationKind.Reset && i.OperatorId == id)));
    }

    InvitationView Make(string action, string email, InvitationKind kind, Role role, long? operatorId, string home, Action prepare)
    {
        var token = Links.NewToken();
        return work.Change<InvitationView>(action, () => null, _ =>
        {
            prepare();
            var invitation = new Invitation
            {
                TokenHash = Links.Hash(token),
                Kind = kind,
                Email = email,
                Role = role,
                OperatorId = operatorId,
                CreatedBy = work.Actor.Name,
                CreatedAt = work.Now,
                ExpiresAt = work.Now + (kind == InvitationKind.Reset ? Links.ResetLasts : Links.InvitationLasts),
            };
            Db.Add(invitation);
            Db.SaveChanges();
            return View(invitation, home + Links.Path(kind, token));
        }, _ => operatorId?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? email);
    }

    /// <returns>As it was.</returns>
    public InvitationView Withdraw(long invitation)
    {
        work.Require(Permission.OperatorsWrite, confirmed: true);
        var now = work.Now;
        return work.Change(
            "operator.invitation_withdraw",
            () => Db.Invitations.AsNoTracking().Where(i => i.Id == invitation && i.UsedAt == null && i.ExpiresAt > now).AsEnumerable().Select(i => View(i)).SingleOrDefault(),
            before =>
            {
                if (before is null) throw OperationException.Missing("invitation", invitation.ToString(System.Globalization.CultureInfo.InvariantCulture));
                RequireNoMore(RoleName.Parse(before.Role)!.Value);
                Links.End(Db.Invitations.Where(i => i.Id == invitation));
                return before;
            },
            view => view.Email ?? "");
    }

    public OperatorView SetRole(long id, Role role) => Change("operator.edit", id, person =>
    {
        RequireNoMore(role);
        if (role != Role.Owner) RequireAnotherOwner(person);
        if (role == person.Role) return;
        EndLinks(person, madeToo: role < person.Role);
        person.Role = role;
    });

    /// <summary>Signs out everywhere, and refuses to sign in until enabled again.</summary>
    public OperatorView Disable(long id) => Change("operator.disable", id, person =>
    {
        RequireAnotherOwner(person);
        person.DisabledAt ??= work.Now;
        End(id);
        EndLinks(person, madeToo: true);
    });

    public OperatorView Enable(long id) => Change("operator.enable", id, person =>
    {
        person.DisabledAt = null;
        EndLinks(person, madeToo: false);
    });

    /// <summary>No link outlives what it was made for; nor, where somebody may do less from now on, do those that they made for others.</summary>
    void EndLinks(Operator person, bool madeToo) => Links.End(
        Db.Invitations.Where(i => i.OperatorId == person.Id || i.Email == person.Email || (madeToo && i.CreatedBy == person.Email)));

    /// <summary>
    /// For somebody who lost the phone and the recovery codes: the password alone signs in, until a new one is set up. Passkeys go
    /// too, which were on the phone.
    /// </summary>
    public OperatorView TurnOffSecondFactor(long id) => Change("operator.second_factor_off", id, person =>
    {
        person.TwoFactorEnabled = false;
        Db.UserTokens.Where(t => t.UserId == id && t.LoginProvider == "latchkey" && t.Name != "last_totp_step").ExecuteDelete();
        Db.UserPasskeys.Where(p => p.UserId == id).ExecuteDelete();
        End(id);
    });

    public List<SessionView> Sessions(long id)
    {
        work.Require(Permission.OperatorsRead);
        return SessionsOf(Db, id, work.Now);
    }

    /// <returns>How many browsers were signed out.</returns>
    public int EndSessions(long id)
    {
        work.Require(Permission.OperatorsWrite, confirmed: true);
        using var transaction = work.Database.Begin(Db);
        RequireNoMore(Find(id).Role);
        var ended = End(id);
        work.Record("session.end_all", id.ToString(System.Globalization.CultureInfo.InvariantCulture), new { Ended = ended });
        transaction.Commit();
        return ended;
    }

    int End(long id) => Db.OperatorSessions.Where(s => s.OperatorId == id).ExecuteDelete();

    OperatorView Change(string action, long id, Action<Operator> change)
    {
        work.Require(Permission.OperatorsWrite, confirmed: true);
        return work.Change(action, () => View(id), _ =>
        {
            var person = Find(id);
            RequireNoMore(person.Role);
            change(person);
            person.ConcurrencyStamp = Links.NewToken();
            Db.SaveChanges();
            return View(id);
        }, view => view.Id);
    }

    Operator Find(long id) => Db.Users.SingleOrDefault(o => o.Id == id) ?? throw Missing(id);

    static OperationException Missing(long id) =>
        OperationException.Missing("operator", id.ToString(System.Globalization.CultureInfo.InvariantCulture), "\"latchkey operator list\" shows those there are.");

    /// <summary>Nobody makes or changes somebody who may do more than they themselves.</summary>
    void RequireNoMore(Role role)
    {
        if (Permission.Of(role).All(work.Actor.May)) return;
        throw new OperationException($"{work.Actor.Name} may do less than an operator with the role {RoleName.Of(role)}, and so cannot make or change one.") { Fault = OperationFault.Forbidden, Code = "FORBIDDEN" };
    }

    /// <summary>Inside the transaction, so that two who go at once do not both go.</summary>
    void RequireAnotherOwner(Operator person)
    {
        if (person.Role != Role.Owner || person.DisabledAt is not null || Db.Users.Any(o => o.Role == Role.Owner && o.DisabledAt == null && o.Id != person.Id)) return;
        throw OperationException.Conflict("LAST_OWNER", $"{person.Email} is the last owner who can sign in: make another one first.", "latchkey operator add --email EMAIL --role owner");
    }

    OperatorView View(long id) => Views(Db.Users.Where(o => o.Id == id)).SingleOrDefault() ?? throw Missing(id);

    List<OperatorView> Views(IQueryable<Operator> people)
    {
        var now = work.Now;
        var idle = now - SignIn.Sessions.Idle;
        return [.. people.AsNoTracking().Select(o => new
            {
                Person = o,
                Passkeys = Db.UserPasskeys.Count(p => p.UserId == o.Id),
                Sessions = Db.OperatorSessions.Count(s => s.OperatorId == o.Id && s.ExpiresAt > now && s.LastSeenAt > idle),
            })
            .AsEnumerable().Select(row => View(row.Person, row.Passkeys, row.Sessions))];
    }

    static OperatorView View(Operator o, int passkeys, int sessions) => new(
        o.Id, o.Email!, RoleName.Of(o.Role), o.DisabledAt is null ? "active" : "disabled", o.TwoFactorEnabled, Wire.Micros(o.CreatedAt),
        o.DisabledAt is { } disabled ? Wire.Micros(disabled) : null, passkeys, sessions, o.LastSignInAt is { } last ? Wire.Micros(last) : null);

    static InvitationView View(Invitation i, string? url = null) => new(
        i.Id, i.Kind.ToString().ToLowerInvariant(), i.Email, RoleName.Of(i.Role), i.CreatedBy, Wire.Micros(i.CreatedAt), Wire.Micros(i.ExpiresAt), url);

    public static List<SessionView> SessionsOf(LatchkeyDb db, long id, DateTimeOffset now)
    {
        var idle = now - SignIn.Sessions.Idle;
        return [.. db.OperatorSessions.AsNoTracking().Where(s => s.OperatorId == id && s.ExpiresAt > now && s.LastSeenAt > idle)
            .OrderByDescending(s => s.LastSeenAt).AsEnumerable()
            .Select(s => new SessionView(SignIn.Sessions.Handle(s.Id), s.Address, s.UserAgent, Wire.Micros(s.CreatedAt), Wire.Micros(s.LastSeenAt), Wire.Micros(s.ExpiresAt)))];
    }
}
