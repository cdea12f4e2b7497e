using System.Runtime.InteropServices;
using Latchkey.Bench;

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    return await Bench.Run(BenchOptions.Parse(args), stop.Token);
}
catch (OperationCanceledException)
{
    return 130;
}
catch (BenchException failure)
{
    Console.Error.WriteLine("bench: " + failure.Message);
    return 1;
}

// What was started is stopped on the way out.
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
