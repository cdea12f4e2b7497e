namespace Latchkey.Server.Data;

/// <summary>A file that one process holds at a time; the system lets go of it when the process ends, however it ends.</summary>
static class ExclusiveLock
{
    public static IDisposable Take(string file, TimeSpan patience)
    {
        var end = TimeProvider.System.GetTimestamp() + (long)(patience.TotalSeconds * TimeProvider.System.TimestampFrequency);
        using var pause = new ManualResetEventSlim();
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(file) && TimeProvider.System.GetTimestamp() < end)
            {
                pause.Wait(50);
            }
        }
    }
}
