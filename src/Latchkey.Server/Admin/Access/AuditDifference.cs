using System.Globalization;
using System.Text.Json.Nodes;
using Latchkey.Server.Http;

namespace Latchkey.Server.Admin.Access;

/// <summary>
/// What is different between two states, as the audit trail keeps it: of a list only what came and what went, and of what
/// is long the beginning. So an entry has an end, whatever somebody puts into a field.
/// </summary>
static class AuditDifference
{
    public const int MostItems = 200;
    public const int MostCharacters = 2000;

    public static (string? Before, string? After) Of(JsonObject? before, JsonObject? after)
    {
        if (before is not null && after is not null)
        {
            foreach (var name in before.Select(pair => pair.Key).Where(after.ContainsKey).ToList()) Compare(before, after, name);
        }

        return (Text(before), Text(after));
    }

    static void Compare(JsonObject before, JsonObject after, string name)
    {
        if (JsonNode.DeepEquals(before[name], after[name]))
        {
            before.Remove(name);
            after.Remove(name);
        }
        else if (before[name] is JsonArray was && after[name] is JsonArray isNow)
        {
            (before[name], after[name]) = (Without(was, isNow), Without(isNow, was));
        }
    }

    static JsonArray Without(JsonArray items, JsonArray others)
    {
        var left = others.Select(Spelled).ToHashSet(StringComparer.Ordinal);
        return [.. items.Where(item => !left.Contains(Spelled(item))).Select(item => item?.DeepClone())];
    }

    static string Spelled(JsonNode? item) => item?.ToJsonString(SnakeJson.State) ?? "null";

    static string? Text(JsonObject? state)
    {
        if (state is not { Count: > 0 }) return null;
        Shorten(state);
        return state.ToJsonString(SnakeJson.State);
    }

    static void Shorten(JsonNode node)
    {
        if (node is JsonObject fields)
        {
            foreach (var (name, value) in fields.ToList())
            {
                if (Shortened(value) is { } shorter) fields[name] = shorter;
            }
        }
        else if (node is JsonArray items)
        {
            var more = items.Count - MostItems;
            while (items.Count > MostItems) items.RemoveAt(items.Count - 1);
            for (var i = 0; i < items.Count; i++)
            {
                if (Shortened(items[i]) is { } shorter) items[i] = shorter;
            }

            if (more > 0) items.Add(string.Create(CultureInfo.InvariantCulture, $"… and {more} more"));
        }
    }

    /// <summary>Null if it can stay.</summary>
    static JsonValue? Shortened(JsonNode? value)
    {
        if (value is JsonObject or JsonArray) Shorten(value);
        if (value is not JsonValue text || !text.TryGetValue<string>(out var whole) || whole.Length <= MostCharacters) return null;

        // Not in the middle of a character.
        var end = char.IsHighSurrogate(whole[MostCharacters - 1]) ? MostCharacters - 1 : MostCharacters;
        return JsonValue.Create(string.Create(CultureInfo.InvariantCulture, $"{whole.AsSpan(0, end)}… ({whole.Length} characters)"));
    }
}
