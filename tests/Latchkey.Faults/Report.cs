using System.Globalization;
using System.Text;

namespace Latchkey.Faults;

/// <summary>One line for each fault, all of its times together.</summary>
sealed class Report(Options options, Ledger ledger, Downloads downloads, Flips flips, Pounding pounding, TimeSpan took)
{
    public static double P99(params Phase[] phases)
    {
        var times = phases.SelectMany(phase => phase.Times).Order().ToList();
        return times.Count == 0 ? 0 : times[times.Count * 99 / 100];
    }

    static double Longest(IEnumerable<Phase> phases) => phases.SelectMany(phase => phase.Times).DefaultIfEmpty().Max();

    public void Print()
    {
        Console.WriteLine(Markdown());
        foreach (var failure in ledger.Failures) Console.WriteLine("WRONG " + failure);
    }

    public string Markdown()
    {
        var text = new StringBuilder();
        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Line($"`tests/faults{(options.IsShort ? "" : $" --minutes {options.Minutes}")}`, {TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm} UTC, commit {options.Commit}, {Environment.ProcessorCount} processors, {took.TotalSeconds:0} s: **{(ledger.Failed == 0 ? "all promises kept" : $"{ledger.Failed} broken")}**.\n");
        Line($"| fault | times | lasted | all well after, at worst | requests | 503 by a node | 503 by the balancer | interrupted | verify p99 | at worst |");
        Line($"|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var all in ledger.Phases.GroupBy(phase => phase.Fault.Name).Select(group => group.ToArray()))
        {
            Line($"| {all[0].Fault.Name} | {all.Length} | {all.Max(one => one.Lasted) / 1000:0.0} s | {all.Max(one => one.Recovered) / 1000:0.0} s | {all.Sum(one => one.Requests)} | {all.Sum(one => one.Unavailable)} | {all.Sum(one => one.NoNode)} | {all.Sum(one => one.Interrupted)} | {P99(all):0} ms | {Longest(all):0} ms |");
        }

        var (minutes, most, fewest) = pounding.Found;
        Line($"\nLinks: {downloads.Minted} minted, {downloads.Delivered} delivered whole and once ({downloads.Resumed} of them in several parts), {downloads.InDoubt} in doubt.");
        Line($"Changes of a license, seen at once by every node: {flips.Done}.");
        Line($"Limit of {Stage.Limit}: {minutes} minutes looked at{(minutes == 0 ? "" : $", at most {most} let in")}{(fewest == int.MaxValue ? "" : $", at least {fewest}")}.");
        return text.ToString();
    }
}
