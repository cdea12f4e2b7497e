using System.CommandLine;
using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Products;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey blobs …</c></summary>
static class BlobCommands
{
    static readonly Option<string> To = new("--to") { Description = "Where to: a directory, or s3://BUCKET/PREFIX", HelpName = "PLACE", Required = true };
    static readonly Option<string?> From = new("--from") { Description = "Where from (usual: the store that the settings name)", HelpName = "PLACE" };

    sealed record SettingToMake(string Name, string Value);

    sealed record Report(string From, string To, int Copied, int Present, long Bytes, IReadOnlyList<string> Failed, IReadOnlyList<SettingToMake> Settings);

    public static Command Make() => new("blobs", "The store of published files.") { Copy() };

    static Command Copy()
    {
        var command = new Command("copy", "Copy all published files to another store, while the server runs. Run again, it goes on where it broke off.") { To, From };
        command.SetAction(Run);
        return command;
    }

    static async Task<int> Run(ParseResult parsed, CancellationToken stop)
    {
        var settings = CommandLine.SettingsOf(parsed);
        using var work = CommandLine.Work(parsed);
        var (from, _) = parsed.GetValue(From) is { } given ? Place(given, settings, work.Secrets) : (work.Blobs, []);
        var (to, toMake) = Place(parsed.GetValue(To)!, settings, work.Secrets);
        if (from.Place == to.Place) throw new UsageException($"The files lie in {to.Place} already: name another place with --to, or with --from where they are.");
        if (await from.Fault(stop) is { } away && work.Db.Artifacts.Any()) throw new OperationException($"The store {from.Place} {away}.");
        if (to is FileBlobStore && Path.GetDirectoryName(to.Place) is { } parent && !Directory.Exists(parent)) throw new OperationException($"There is no directory {parent}: make it first, as the user that the server runs as.");
        var progress = Output.IsWatched(parsed) ? new Progress("copied", 0) : null;
        var done = await new CopyBlobs(work.Database, from, to).Run(progress is null ? null : progress.Show, stop);
        if (progress is not null) Progress.End();
        Output.Done(parsed, new Report(from.Place, to.Place, done.Copied, done.Present, done.Bytes, done.Failed, toMake), Lines);
        return done.Failed.Count == 0 ? 0 : 1;
    }

    /// <returns>The store, and what has to be set for a server that shall use it.</returns>
    static (IBlobStore Store, IReadOnlyList<SettingToMake> Settings) Place(string place, Settings settings, Secrets secrets)
    {
        if (place.StartsWith("s3://", StringComparison.OrdinalIgnoreCase))
        {
            var parts = place[5..].Split('/', 2);
            if (parts[0].Length == 0) throw new UsageException($"\"{place}\" names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX.");
            var s3 = settings.Blobs.S3 with { Bucket = parts[0], Prefix = parts.Length == 2 ? BlobSettings.PrefixOf(parts[1]) : settings.Blobs.S3.Prefix };
            return (BlobStores.InBucket(s3, secrets), [.. ToMake(s3)]);
        }

        if (place.Trim().Length == 0) throw new UsageException("A place is empty: name a directory, or s3://BUCKET/PREFIX.");
        if (place.Contains("://", StringComparison.Ordinal)) throw new UsageException($"\"{place}\" is no place for files: name a directory, or s3://BUCKET/PREFIX.");
        var directory = Path.GetFullPath(place);
        return (BlobStores.InDirectory(directory, settings.Data, secrets), [new("Blobs:Store", "Disk"), new("Blobs:Directory", directory)]);
    }

    /// <summary>All but the keys, which are never printed.</summary>
    static IEnumerable<SettingToMake> ToMake(S3Settings s3)
    {
        yield return new("Blobs:Store", "S3");
        if (s3.Endpoint is { } endpoint) yield return new("Blobs:S3:Endpoint", endpoint.AbsoluteUri.TrimEnd('/'));
        yield return new("Blobs:S3:Region", s3.Region);
        yield return new("Blobs:S3:Bucket", s3.Bucket);
        yield return new("Blobs:S3:Prefix", s3.Prefix.Length == 0 ? "/" : s3.Prefix);
        if (s3.PathStyle != s3.Endpoint is not null) yield return new("Blobs:S3:PathStyle", s3.PathStyle ? "true" : "false");
    }

    static IEnumerable<string> Lines(Report report)
    {
        yield return $"Copied {Files(report.Copied)} ({report.Bytes:N0} bytes) from {report.From} to {report.To}; {report.Present} {(report.Present == 1 ? "was" : "were")} there already.";
        foreach (var failed in report.Failed) yield return $"Not copied: {failed}.";
        yield return "";
        if (report.Failed.Count > 0)
        {
            yield return "Stay with the store that you have until all are copied: \"latchkey doctor\" says what to do about those that were not. Then run this again.";
            yield break;
        }

        yield return "For the server to use it, set these and restart it:";
        foreach (var setting in report.Settings) yield return $"  {setting.Name}={setting.Value}";
        if (report.Settings.Any(setting => setting.Value == "S3")) yield return "It needs the keys too: Blobs:S3:AccessKey and Blobs:S3:SecretKey, or what the AWS SDK finds by itself.";
        yield return "Then run this once more, with --from where the files were, for what was published in between.";
    }

    static string Files(int count) => $"{count} file{(count == 1 ? "" : "s")}";
}
