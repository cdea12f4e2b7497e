using System.Globalization;
using Latchkey.Server.Data;

namespace Latchkey.Server.Licenses;

/// <summary>Which license is meant: by its number, or by what a person typed, which may be its key.</summary>
readonly record struct LicenseRef(long? Id, string? Typed)
{
    public static implicit operator LicenseRef(long id) => new(id, null);
    public static implicit operator LicenseRef(string typed) => new(null, typed.Trim());

    /// <summary>By key if there is one such, else by id: an imported key may be all digits. A key that was rotated away is recognized too.</summary>
    public License Find(LatchkeyDb db, Secrets secrets)
    {
        if (Id is { } number) return db.Licenses.Find(number) ?? throw OperationException.Missing("license", number.ToString(CultureInfo.InvariantCulture));
        var hash = secrets.Hash(Typed!);
        var license = db.Licenses.SingleOrDefault(l => l.KeyHash == hash)
            ?? db.Licenses.SingleOrDefault(l => db.RetiredKeys.Any(k => k.KeyHash == hash && k.LicenseId == l.Id));
        if (license is null && long.TryParse(Typed, NumberStyles.None, CultureInfo.InvariantCulture, out var id)) license = db.Licenses.Find(id);
        return license ?? throw new OperationException("There is no license with this id or key. A key is read letter by letter, capitals apart.")
        {
            Fault = OperationFault.NotFound,
            Code = "LICENSE_NOT_FOUND",
            Hint = "\"latchkey license list\" finds a license by --domain or --user.",
        };
    }
}
