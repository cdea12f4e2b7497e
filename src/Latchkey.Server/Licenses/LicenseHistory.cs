using System.Globalization;
using System.Text.Json;
using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Downloads;

namespace Latchkey.Server.Licenses;

/// <summary>One thing that happened with a license.</summary>
/// <param name="At">When; of several alike, the last.</param>
/// <param name="Since">Of several alike, the first; else null.</param>
/// <param name="Tone"><c>good</c>, <c>bad</c>, <c>warn</c> or <c>quiet</c>.</param>
/// <param name="Sentence">What.</param>
/// <param name="Detail">From where, by whom.</param>
public sealed record HistoryEntry(string At, string? Since, string Tone, string Sentence, string Detail);

/// <summary>What was asked with a license, which links were made for it and what operators did, in sentences.</summary>
static class LicenseHistory
{
    public static HistoryEntry Of(ActivityView row)
    {
        var times = row.Count > 1 ? string.Create(CultureInfo.InvariantCulture, $", {row.Count:N0} times") : "";
        var (tone, sentence) = (row.Kind, row.Outcome) switch
        {
            ("verify", ActivityOutcome.Ok) => ("good", $"Verified for {row.Domain}{times}"),
            ("mint", ActivityOutcome.Ok) => ("good", $"Download link given to the software on {row.Domain}{times}"),
            ("update", ActivityOutcome.Ok) => ("quiet", $"Asked for updates by the software on {row.Domain}{times}"),
            ("update", _) => ("bad", $"Question for updates refused for {row.Domain}: {Explanation.ReasonOf(row.Outcome)}{times}"),
            ("download", ActivityOutcome.Ok) => ("good", $"Downloaded{times}"),
            ("download", ActivityOutcome.Interrupted) => ("warn", $"Download broken off{times}"),
            ("download", ActivityOutcome.Partial) => ("quiet", $"A part of the file downloaded{times}"),
            ("download", _) => ("bad", $"Download refused: {Explanation.ReasonOf(row.Outcome)}{times}"),
            ("mint", _) => ("bad", $"Download link refused for {row.Domain}: {Explanation.ReasonOf(row.Outcome)}{times}"),
            _ => ("bad", $"Refused for {row.Domain}: {Explanation.ReasonOf(row.Outcome)}{times}"),
        };
        return new HistoryEntry(row.LastAt, row.Count > 1 ? row.FirstAt : null, tone, sentence, tone == "bad" ? $"from {row.Address} · {row.Outcome}" : $"from {row.Address}");
    }

    public static HistoryEntry Of(DownloadTokenView token) => new(token.CreatedAt, null, "quiet", $"Download link made for {token.FileName}, version {token.Version}", token switch
    {
        { State: "finished", ClaimedBy: { } by } => $"used from {by}",
        { State: "in_progress", ClaimedBy: { } by } => $"being used from {by}",
        { State: "interrupted", ClaimedBy: { } by } => $"broken off, from {by}",
        { State: "handed_over", ClaimedBy: { } by } => $"handed over to {by} by the web server or store",
        { State: "issued" } => "not used yet",
        { State: "expired" } => "ran out",
        { State: var state } => state,
    });

    public static HistoryEntry Of(AuditEntryView entry) => new(
        entry.At, null, "quiet", Sentence(entry), $"by {entry.Actor.Name}{(entry.Address is null ? "" : $" from {entry.Address}")}");

    static string Sentence(AuditEntryView entry) => entry.Action switch
    {
        "license.issue" => "Issued",
        "license.reveal" => "Key shown to an operator",
        "license.suspend" => "Suspended",
        "license.resume" => "Resumed",
        "license.revoke" => "Revoked for good",
        "license.rotate" => "Given a new key",
        "license.bind" => $"Bound to {Difference(entry.After, entry.Before)}",
        "license.unbind" => $"Unbound from {Difference(entry.Before, entry.After)}",
        "license.rebind" => $"{Difference(entry.After, entry.Before)} put in the place of {Difference(entry.Before, entry.After)}",
        "license.edit" => $"Changed: {Changes(entry)}",
        "download.create" => "Download link made by an operator",
        var other => other,
    };

    static string Difference(JsonElement? of, JsonElement? without)
    {
        var rest = Domains(of).Except(Domains(without)).ToList();
        return rest.Count == 0 ? "a domain" : string.Join(", ", rest);
    }

    static List<string> Domains(JsonElement? state) =>
        state is { ValueKind: JsonValueKind.Object } fields && fields.TryGetProperty("domains", out var domains) && domains.ValueKind == JsonValueKind.Array
            ? [.. domains.EnumerateArray().Select(domain => domain.ToString())] : [];

    static string Changes(AuditEntryView entry)
    {
        if (entry.After is not { ValueKind: JsonValueKind.Object } after) return "nothing";
        var said = after.EnumerateObject().Select(field => field.Name switch
        {
            "max_domains" => $"{field.Value} domains at the most",
            "expires_at" => field.Value.ValueKind == JsonValueKind.Null ? "never expires" : $"expires {field.Value.ToString()[..10]}",
            "updates_until" => field.Value.ValueKind == JsonValueKind.Null ? "updates without end" : $"updates until {field.Value.ToString()[..10]}",
            "channel" => $"channel {field.Value}",
            "user_id" => field.Value.ValueKind == JsonValueKind.Null ? "no customer" : $"customer {field.Value}",
            _ => null,
        }).OfType<string>().ToList();
        return said.Count == 0 ? "nothing else" : string.Join(", ", said);
    }
}

/// <summary>Several lists, each the newest first, read as one.</summary>
sealed class MergedHistory(params IReadOnlyList<Func<string?, Task<Page<HistoryEntry>>>> sources)
{
    readonly List<Source> _sources = [.. sources.Select(source => new Source(source))];

    public bool IsAtEnd => _sources.TrueForAll(source => source.IsAtEnd);

    public async Task<List<HistoryEntry>> Next(int count)
    {
        var next = new List<HistoryEntry>();
        while (next.Count < count)
        {
            foreach (var source in _sources) await source.Fill();

            // All times are spelled alike: the later is the greater text.
            if (_sources.Where(source => !source.IsAtEnd).MaxBy(source => source.First.At, StringComparer.Ordinal) is not { } newest) break;
            next.Add(newest.Take());
        }

        return next;
    }

    sealed class Source(Func<string?, Task<Page<HistoryEntry>>> read)
    {
        readonly Queue<HistoryEntry> _read = new();
        string? _cursor;
        bool _isRead;

        public bool IsAtEnd => _read.Count == 0 && _isRead && _cursor is null;

        public HistoryEntry First => _read.Peek();

        public HistoryEntry Take() => _read.Dequeue();

        public async Task Fill()
        {
            while (_read.Count == 0 && !(_isRead && _cursor is null))
            {
                var page = await read(_cursor);
                (_cursor, _isRead) = (page.NextCursor, true);
                foreach (var entry in page.Items) _read.Enqueue(entry);
            }
        }
    }
}
