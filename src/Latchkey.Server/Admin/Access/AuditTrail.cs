using System.Text.Json;
using CsvHelper;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.Access;

public sealed record AuditActor(string Kind, long? Id, string Name);

public sealed record AuditEntryView(
    long Id, string At, AuditActor Actor, string Action, string? ObjectKind, string? ObjectId, JsonElement? Before, JsonElement? After,
    string? Address, string? RequestId);

/// <summary>Which entries; what is null does not matter.</summary>
/// <param name="Search">A part of the actor's name, of the action, of an address, or a whole object id or request id.</param>
sealed record AuditFilter(
    string? Search = null, string? Actor = null, string? Action = null, string? ObjectKind = null, string? ObjectId = null,
    DateTimeOffset? From = null, DateTimeOffset? To = null);

/// <summary>Reads the audit trail. Nothing writes to it but <see cref="UnitOfWork"/>.</summary>
sealed class AuditTrail(UnitOfWork work)
{
    static readonly string[] Titles = ["id", "at", "actor_kind", "actor_id", "actor_name", "action", "object_kind", "object_id", "before", "after", "address", "request_id"];

    /// <param name="filter">Which.</param>
    /// <param name="page">Sorted by <c>-id</c> (the newest first) or <c>id</c>.</param>
    public Page<AuditEntryView> List(AuditFilter filter, PageRequest page)
    {
        work.Require(Permission.AuditRead);
        var sort = page.Check("-id", "id");
        var entries = Matching(filter);
        if (page.After() is { Id: var after }) entries = sort == "id" ? entries.Where(e => e.Id > after) : entries.Where(e => e.Id < after);
        entries = sort == "id" ? entries.OrderBy(e => e.Id) : entries.OrderByDescending(e => e.Id);
        return page.Cut([.. entries.Take(page.Limit + 1).AsNoTracking().AsEnumerable().Select(View)], view => view.Id);
    }

    /// <summary>As CSV, the oldest first, in parts; the trail notes it.</summary>
    public IEnumerable<string> Export(AuditFilter filter)
    {
        work.Require(Permission.AuditRead);

        // Up to here: what comes meanwhile, this export's own entry too, is for the next one.
        var last = work.Db.Audit.Max(e => (long?)e.Id) ?? 0;
        work.RecordExport("audit.export", filter with { Search = null }, filter.Search is not null);
        return CsvParts.Of(Titles, Batches(filter, last), Write);
    }

    IEnumerable<IReadOnlyList<AuditEntry>> Batches(AuditFilter filter, long last)
    {
        for (long after = 0; ;)
        {
            var part = Matching(filter).Where(e => e.Id > after && e.Id <= last).OrderBy(e => e.Id).Take(CsvParts.Rows).AsNoTracking().ToList();
            if (part.Count > 0) yield return part;
            if (part.Count < CsvParts.Rows) yield break;
            after = part[^1].Id;
        }
    }

    void Write(CsvWriter csv, AuditEntry e)
    {
        csv.WriteField(e.Id);
        csv.WriteField(Wire.Micros(e.At));
        csv.WriteField(KindOf(e.ActorKind));
        csv.WriteField(e.ActorId);
        foreach (var text in (string?[])[e.ActorName, e.Action, e.ObjectKind, e.ObjectId, Seen(e, e.Before), Seen(e, e.After), e.Address, e.RequestId]) csv.WriteField(text);
    }

    /// <summary>What a customer is called is for who may read customers, here too.</summary>
    string? Seen(AuditEntry entry, string? state) => entry.ObjectKind == "customer" && !work.Actor.May(Permission.CustomersRead) ? null : state;

    IQueryable<AuditEntry> Matching(AuditFilter filter)
    {
        var entries = work.Db.Audit.AsQueryable();
        if (filter.From is { } from) entries = entries.Where(e => e.At >= from);
        if (filter.To is { } to) entries = entries.Where(e => e.At < to);
        if (filter.ObjectKind is { Length: > 0 } kind) entries = entries.Where(e => e.ObjectKind == kind);
        if (filter.ObjectId is { Length: > 0 } id) entries = entries.Where(e => e.ObjectId == id);
        if (filter.Action is { Length: > 0 } action) entries = entries.Where(e => e.Action == action || e.Action.StartsWith(action + "."));
        if (filter.Actor is { Length: > 0 } actor) entries = entries.Where(e => e.ActorName == actor);
        if (string.IsNullOrWhiteSpace(filter.Search)) return entries;
        var text = filter.Search.Trim();
        return entries.Where(e => e.ActorName.Contains(text) || e.Action.Contains(text) || e.ObjectId == text || e.RequestId == text
            || (e.Address != null && e.Address.Contains(text)));
    }

    AuditEntryView View(AuditEntry e) => new(
        e.Id, Wire.Micros(e.At), new AuditActor(KindOf(e.ActorKind), e.ActorId, e.ActorName), e.Action, e.ObjectKind, e.ObjectId,
        Json(Seen(e, e.Before)), Json(Seen(e, e.After)), e.Address, e.RequestId);

    static JsonElement? Json(string? text) => text is null ? null : JsonDocument.Parse(text).RootElement;

    static string KindOf(ActorKind kind) => kind switch
    {
        ActorKind.Operator => "operator",
        ActorKind.ApiKey => "api_key",
        ActorKind.CommandLine => "command_line",
        _ => "system",
    };
}
