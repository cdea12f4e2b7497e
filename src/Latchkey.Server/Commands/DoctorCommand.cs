using System.CommandLine;
using Latchkey.Server.Configuration;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey doctor</c></summary>
static class DoctorCommand
{
    sealed record Report(bool Healthy, IReadOnlyList<Finding> Findings);

    public static Command Make()
    {
        var command = new Command("doctor", "Check settings, data, schema and files, and say what to do. Changes nothing.");
        command.SetAction((parsed, _) => Run(parsed));
        return command;
    }

    static async Task<int> Run(ParseResult parsed)
    {
        var examination = new Examination();
        await examination.Run(() => Settings.Sources(CommandLine.Given("Data", parsed.GetValue(CommandLine.Data))));
        var report = new Report(!examination.Findings.Any(f => f.Is == Health.Fault), examination.Findings);
        Output.Done(parsed, report, Lines);
        return report.Healthy ? 0 : 1;
    }

    static IEnumerable<string> Lines(Report report)
    {
        foreach (var finding in report.Findings)
        {
            yield return $"{finding.Status,-8} {finding.What}";
            if (finding.ToDo is not null) yield return $"{"",-8} -> {finding.ToDo}";
        }

        yield return "";
        var warnings = report.Findings.Count(f => f.Is == Health.Warning);
        yield return !report.Healthy ? "Something needs your attention."
            : warnings > 0 ? $"It works; {warnings} thing{(warnings == 1 ? "" : "s")} could be better."
            : "All is well.";
    }
}
