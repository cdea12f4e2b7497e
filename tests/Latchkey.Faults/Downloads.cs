using System.Globalization;

namespace Latchkey.Faults;

/// <summary>Links are minted without end, and each is followed to its end: it must have given the whole file once, to one client.</summary>
sealed class Downloads(Stage stage, Shop shop, Ledger ledger)
{
    const int Minters = 4;
    const int MostAtOnce = 80;
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(600);

    readonly SemaphoreSlim _places = new(MostAtOnce);
    int _minted;
    int _delivered;
    int _resumed;
    int _inDoubt;

    public int Minted => _minted;
    public int Delivered => _delivered;

    /// <summary>Files that were delivered in several parts.</summary>
    public int Resumed => _resumed;

    /// <summary>A node was killed between writing down that the file is handed over and handing over its end: nobody can know.</summary>
    public int InDoubt => _inDoubt;

    /// <summary>Ends when each link has come to its end.</summary>
    public async Task Run(CancellationToken stop)
    {
        await Task.WhenAll(Enumerable.Range(0, Minters).Select(i => Minter(i, stop)));
        for (var i = 0; i < MostAtOnce; i++) await _places.WaitAsync(CancellationToken.None);
        if (_delivered + _inDoubt + ledger.Failed < _minted) ledger.Fail($"{_minted} links, {_delivered} delivered, {_inDoubt} in doubt");
    }

    async Task Minter(int number, CancellationToken stop)
    {
        var callers = Enumerable.Range(1, 8).Select(i => new Caller(stage.Balancer.Url, string.Create(CultureInfo.InvariantCulture, $"127.3.{number}.{i}"), keepsConnections: false)).ToList();
        for (var i = number; !stop.IsCancellationRequested; i++)
        {
            await _places.WaitAsync(CancellationToken.None);
            var (phase, asked) = (ledger.Now, shop.Good[i * 7 % shop.Good.Count]);
            var reply = await callers[i % 8].Mint(asked);
            var isMinted = ledger.Count(reply, phase, "mint") && reply.Status == 200;
            if (isMinted) _ = Follow(callers, i, new Uri(reply.Data.GetProperty("download_url").GetString()!).AbsolutePath, shop.FileOf(asked));
            else _places.Release();
            if (reply.Status is not (0 or 200 or 503)) ledger.Fail($"mint: {reply}");
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    async Task Follow(List<Caller> callers, int number, string path, byte[] file)
    {
        Interlocked.Increment(ref _minted);
        try
        {
            // Every third small one is wanted by three at the same moment.
            var link = new Link(ledger, path, file);
            var rivals = file.Length < 64 * 1024 && number % 3 == 0 ? 3 : 1;
            var fate = await link.Deliver([.. Enumerable.Range(number, rivals).Select(i => callers[i % 8])]);
            if (fate == Fate.Delivered) Interlocked.Increment(ref _delivered);
            if (fate == Fate.InDoubt) Interlocked.Increment(ref _inDoubt);
            if (link.Parts > 1) Interlocked.Increment(ref _resumed);
            if (fate == Fate.Delivered) await link.IsSpent(callers[number % 8], callers[(number + 4) % 8]);
        }
        catch (Exception failure)
        {
            ledger.Fail($"the run itself: {failure}");
        }
        finally
        {
            _places.Release();
        }
    }
}
