using System.CommandLine;
using System.Text.Json;
using Latchkey.Server.Http;

namespace Latchkey.Server.Commands;

/// <summary>What a command prints: lines for people, or one JSON document in the wire's field names.</summary>
static class Output
{
    public static bool IsJson(ParseResult parsed) => parsed.GetValue(CommandLine.Json);

    /// <summary>A person is looking at standard error.</summary>
    public static bool IsWatched(ParseResult parsed) => !Console.IsErrorRedirected && !IsJson(parsed);

    public static int Done<T>(ParseResult parsed, T result, Func<T, IEnumerable<string>> lines)
    {
        if (IsJson(parsed)) Console.Out.WriteLine(JsonSerializer.Serialize(result, SnakeJson.Indented));
        else foreach (var line in lines(result)) Console.Out.WriteLine(line);
        return 0;
    }

    /// <summary>A JSON array, written as it is read: a list may be long.</summary>
    public static int DoneList<T>(ParseResult parsed, IEnumerable<T> rows, Func<T, string[]> cells, string[] titles, string ifEmpty)
    {
        if (IsJson(parsed))
        {
            using var output = Console.OpenStandardOutput();
            JsonSerializer.Serialize(output, rows, SnakeJson.Indented);
            output.WriteByte((byte)'\n');
            return 0;
        }

        foreach (var line in Table(rows.Select(cells), titles, ifEmpty)) Console.Out.WriteLine(line);
        return 0;
    }

    public static int Fail(ParseResult parsed, int status, string sentence)
    {
        Console.Error.WriteLine(sentence);
        if (IsJson(parsed)) Console.Out.WriteLine(JsonSerializer.Serialize(new { Success = false, Message = sentence }, SnakeJson.Indented));
        return status;
    }

    /// <summary>Columns as wide as their widest cell, a thousand rows at a time.</summary>
    static IEnumerable<string> Table(IEnumerable<string[]> rows, string[] titles, string ifEmpty)
    {
        var any = false;
        foreach (var part in rows.Chunk(1000))
        {
            string[][] shown = any ? part : [titles, .. part];
            var widths = titles.Select((_, column) => shown.Max(row => row[column].Length)).ToArray();
            foreach (var row in shown) yield return string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd();
            any = true;
        }

        if (!any) yield return ifEmpty;
    }

    /// <summary>One name and value a line, aligned.</summary>
    public static IEnumerable<string> Facts(params (string Name, string? Value)[] facts) =>
        facts.Where(fact => fact.Value is not null).Select(fact => $"{fact.Name,-12} {fact.Value}");
}
