using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Docs;

/// <summary>A fenced block of a Markdown file; its language says what the tests do with it (CONTRIBUTING.md).</summary>
sealed record CodeBlock(string File, int Line, string Language, string Text)
{
    public override string ToString() => $"{File}:{Line} ({Language})";

    public static List<CodeBlock> Of(string file)
    {
        var blocks = new List<CodeBlock>();
        var lines = System.IO.File.ReadAllLines(Path.Combine(Cli.Root, file));
        for (var i = 0; i < lines.Length; i++)
        {
            if (!lines[i].StartsWith("```", StringComparison.Ordinal)) continue;
            var start = i++;
            while (lines[i] != "```") i++;
            blocks.Add(new CodeBlock(file, start + 1, lines[start][3..], string.Join('\n', lines[(start + 1)..i]) + "\n"));
        }

        return blocks;
    }

    /// <summary>Of a <c>console</c> block: what is typed, and what is printed below it.</summary>
    public IEnumerable<(string Command, string Printed)> Commands()
    {
        string? command = null;
        var printed = "";
        foreach (var line in Text.TrimEnd('\n').Split('\n'))
        {
            if (!line.StartsWith("$ ", StringComparison.Ordinal))
            {
                printed += line + "\n";
                continue;
            }

            if (command is not null) yield return (command, printed);
            (command, printed) = (line[2..], "");
        }

        yield return (command ?? throw new InvalidOperationException($"{this} has no line that begins with \"$ \""), printed);
    }
}
