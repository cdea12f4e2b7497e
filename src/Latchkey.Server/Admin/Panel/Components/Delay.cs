namespace Latchkey.Server.Admin.Panel.Components;

/// <summary>Waits until somebody has stopped typing.</summary>
sealed class Delay(TimeProvider clock) : IDisposable
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);
    CancellationTokenSource? _last;

    /// <summary>False if more was typed meanwhile.</summary>
    public async Task<bool> Passed()
    {
        _last?.Cancel();
        _last?.Dispose();
        var mine = _last = new CancellationTokenSource();
        try
        {
            await Task.Delay(Pause, clock, mine.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _last?.Cancel();
        _last?.Dispose();
        _last = null;
    }
}
