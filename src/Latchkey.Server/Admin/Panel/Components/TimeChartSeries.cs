namespace Latchkey.Server.Admin.Panel.Components;

/// <summary>One line, or one color of the bars, of a <c>TimeChart</c>.</summary>
public sealed record TimeChartSeries(string Name, IReadOnlyList<double> Values);
