using System.Globalization;

namespace Latchkey.Bench;

/// <summary>What the figures were measured on.</summary>
static class Machine
{
    public static string Line()
    {
        var model = Field("/proc/cpuinfo", "model name") ?? "unknown processor";
        var kilobytes = double.Parse((Field("/proc/meminfo", "MemTotal") ?? "0 kB").Split(' ')[0], CultureInfo.InvariantCulture);
        var kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        return string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} cores ({model}), {kilobytes / (1 << 20):0} GiB, Linux {kernel}");
    }

    /// <summary>Who else was at work: processes that ran or waited in the last minute.</summary>
    public static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    /// <summary>Resident memory of a process, in MB (10^6 bytes).</summary>
    public static double ResidentMegabytes(int pid)
    {
        var text = Field($"/proc/{pid}/status", "VmRSS") ?? throw new BenchException("the server is gone");
        return double.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture) * 1024 / 1e6;
    }

    static string? Field(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();
}
