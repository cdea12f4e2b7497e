namespace Latchkey.Server.Admin.SignIn.Pages;

// Public, because the components made of .razor files are.
public sealed record MessageModel(string Title, string Text, string? Link = null, string? LinkText = null);

public sealed record SignInModel(string Email, string ReturnTo, string? Error = null, string? Note = null, bool IsPlainHttp = false);

public sealed record ConfirmModel(string Email, bool HasSecondFactor, string ReturnTo, string? Error = null);

public sealed record ChoosePasswordModel(string Title, string Text, string Button, string Email, bool IsEmailAsked, string? Error = null);

public sealed record SecondFactorSetupModel(string Svg, string Secret, string? Error = null);

public sealed record RecoveryCodesModel(IReadOnlyList<string> Codes);

public sealed record OwnPasskey(string Id, string Name, string CreatedAt);

public sealed record OwnSession(string Id, string Address, string Browser, string LastSeenAt, string CreatedAt, bool IsThisOne);

public sealed record AccountModel(
    string Email, string Role, bool HasSecondFactor, int CodesLeft, IReadOnlyList<OwnPasskey> Passkeys, IReadOnlyList<OwnSession> Sessions,
    string? Error = null, string? Note = null);
