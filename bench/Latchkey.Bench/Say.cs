namespace Latchkey.Bench;

/// <summary>Progress goes to standard error: standard output belongs to the table.</summary>
static class Say
{
    public static void Line(string text) => Console.Error.WriteLine(text);
}
