using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.Extensions.Primitives;
using Semver;

namespace Latchkey.Server.Products;

/// <summary>Which release a client names, and which of its files; what is null it leaves to us. Or why that cannot be read.</summary>
readonly record struct ReleaseWish(SemVersion? Version, string? Channel, string? Platform, string? Arch, ArtifactKind Kind, Refusal? Refused)
{
    public bool IsEmpty => Version is null && Channel is null && Platform is null && Arch is null && Kind == ArtifactKind.File;

    /// <summary>From the body or the query string.</summary>
    public static ReleaseWish Read(RequestFields body, IQueryCollection query)
    {
        Given version = new("version"), channel = new("channel"), platform = new("platform"), arch = new("arch"), kind = new("kind");
        Add(ref version, text => Versions.Lenient(text)?.ToString());
        Add(ref channel, Label.Of);
        Add(ref platform, Label.Of);
        Add(ref arch, Label.Of);
        Add(ref kind, KindOf);
        Given[] all = [version, channel, platform, arch, kind];
        foreach (var given in all)
        {
            if (given.Conflicts) return No(Wire.ConflictingInput(given.Name));
        }

        foreach (var given in all)
        {
            if (given.Any && given.Meaning is null) return No(Wire.InvalidRequest($"{given.Name} must be {RuleOf(given.Name)}"));
        }

        return new ReleaseWish(
            version.Any ? Versions.Lenient(version.Meaning!) : null, channel.Meaning, platform.Meaning, arch.Meaning,
            kind.Any ? Enum.Parse<ArtifactKind>(kind.Meaning!, ignoreCase: true) : ArtifactKind.File, null);

        void Add(ref Given given, Func<string, string?> meaningOf)
        {
            given.Add(body[given.Name], meaningOf);
            given.Add(query.TryGetValue(given.Name, out var values) ? values : StringValues.Empty, meaningOf);
        }
    }

    /// <summary>As an operator names it.</summary>
    /// <exception cref="OperationException">It cannot be read.</exception>
    public static ReleaseWish Of(string? version, string? channel, string? platform, string? arch)
    {
        var faults = new Faults();
        faults.Unless(string.IsNullOrEmpty(version) || Versions.Lenient(version) is not null, "/version", $"version must be {Versions.Rule}.");
        foreach (var (name, text) in new[] { ("channel", channel), ("platform", platform), ("arch", arch) })
        {
            faults.Unless(string.IsNullOrEmpty(text) || Label.Of(text) is not null, "/" + name, $"{name} must be {Label.Rule}.");
        }

        faults.Throw();
        return new ReleaseWish(Versions.Lenient(version ?? ""), Label.Of(channel ?? ""), Label.Of(platform ?? ""), Label.Of(arch ?? ""), ArtifactKind.File, null);
    }

    static ReleaseWish No(Refusal refusal) => new(null, null, null, null, default, refusal);

    static string? KindOf(string text)
    {
        var kind = text.Trim().ToLowerInvariant();
        return kind is "file" or "signature" or "sbom" ? kind : null;
    }

    static string RuleOf(string field) => field switch
    {
        "version" => Versions.Rule,
        "kind" => "file, signature or sbom",
        _ => Label.Rule,
    };
}
