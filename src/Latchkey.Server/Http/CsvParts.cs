using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace Latchkey.Server.Http;

/// <summary>A table for other programs, in parts of some rows: each is read when the one before is on its way.</summary>
static class CsvParts
{
    /// <summary>Rows of a part.</summary>
    public const int Rows = 500;

    // What a spreadsheet would take for a formula is escaped.
    static readonly CsvConfiguration Safe = new(CultureInfo.InvariantCulture) { InjectionOptions = InjectionOptions.Escape };

    /// <param name="titles">The first line.</param>
    /// <param name="batches">Read as they are asked for.</param>
    /// <param name="write">The fields of a row.</param>
    public static IEnumerable<string> Of<T>(IReadOnlyList<string> titles, IEnumerable<IReadOnlyList<T>> batches, Action<CsvWriter, T> write)
    {
        yield return Text(csv =>
        {
            foreach (var title in titles) csv.WriteField(title);
            csv.NextRecord();
        });
        foreach (var batch in batches)
        {
            yield return Text(csv =>
            {
                foreach (var row in batch)
                {
                    write(csv, row);
                    csv.NextRecord();
                }
            });
        }
    }

    static string Text(Action<CsvWriter> write)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        using (var csv = new CsvWriter(text, Safe)) write(csv);
        return text.ToString();
    }
}
