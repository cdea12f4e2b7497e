using System.Runtime.InteropServices;
using Latchkey.Faults;

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    return await new Run(Options.Parse(args)).All(stop.Token) ? 0 : 1;
}
catch (OperationCanceledException)
{
    return 130;
}
catch (FaultsException failure)
{
    Console.Error.WriteLine("faults: " + failure.Message);
    return 2;
}

// What was started is stopped on the way out.
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
