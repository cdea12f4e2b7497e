using Latchkey.Fuzz;

// Latchkey.Fuzz TARGET                 for afl-fuzz, which sends one input after another
// Latchkey.Fuzz TARGET FILE...         each file once; not where it is instrumented, which only works under afl-fuzz
if (args is not [var name, .. var files] || !Targets.All.TryGetValue(name, out var target))
{
    Console.Error.WriteLine($"Latchkey.Fuzz {string.Join('|', Targets.All.Keys)} [FILE...]");
    return 2;
}

foreach (var file in files) target(File.ReadAllBytes(file));
if (files.Length > 0) return 0;

SharpFuzz.Fuzzer.Run(stream =>
{
    using var input = new MemoryStream();
    stream.CopyTo(input);
    target(input.ToArray());
});
return 0;
