using System.Globalization;

namespace Latchkey.Server.Admin.Panel.Components;

/// <summary>Numbers as people read them.</summary>
static class Words
{
    static readonly string[] Units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>As <c>3.4 MiB</c>.</summary>
    public static string Bytes(long count)
    {
        var unit = 0;
        var value = (double)count;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit == 0 ? Count(count, "byte") : string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {Units[unit]}");
    }

    /// <summary>As <c>1 license</c>, <c>1,200 licenses</c>.</summary>
    public static string Count(long count, string one, string? many = null) => Number(count) + " " + (count == 1 ? one : many ?? one + "s");

    public static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
