namespace Latchkey.Faults;

enum Fate
{
    Delivered,
    InDoubt,
    Lost,
}

/// <summary>One download link, from the answer that had it to the last byte.</summary>
sealed class Link(Ledger ledger, string path, byte[] file)
{
    /// <summary>Longer than the lease of a transfer whose node is gone (30 s).</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    readonly MemoryStream _got = new();
    bool _isInDoubt;

    /// <summary>Answers that carried a part of the file.</summary>
    public int Parts { get; private set; }

    /// <summary>Tries until the whole file is there, or it is certain that it never will be.</summary>
    /// <param name="rivals">Who wants it at the same moment; the first goes on alone if nobody got it.</param>
    public async Task<Fate> Deliver(IReadOnlyList<Caller> rivals)
    {
        if (rivals.Count > 1 && await Race(rivals)) return Fate.Delivered;
        double? refusedSince = null;
        while (true)
        {
            var reply = await Try(rivals[0], _got);
            if (reply.Status is 200 or 206 && _got.Length == file.Length) return IsWhole(_got) ? Fate.Delivered : Wrong($"delivered a file that is another: {reply}");
            if (reply.Status is 200 or 206) _isInDoubt |= ledger.Now.Fault.Interrupts;
            if (reply.Status is not (0 or 200 or 206 or 503) && reply.Code != "DOWNLOAD_TOKEN_USED") return Wrong($"a link is lost: {reply}");
            refusedSince = reply.Status == 410 ? refusedSince ?? reply.Began : null;
            if (Caller.Now - refusedSince > Patience.TotalMilliseconds) return _isInDoubt ? Fate.InDoubt : Wrong($"a link is lost, though no node was killed on it, at {_got.Length} of {file.Length} bytes: {reply}");
            await Task.Delay(Pause);
        }
    }

    async Task<bool> Race(IReadOnlyList<Caller> rivals)
    {
        var files = rivals.Select(_ => new MemoryStream()).ToList();
        var replies = await Task.WhenAll(rivals.Select((rival, i) => Try(rival, files[i])));
        var served = replies.Count(reply => reply.Status == 200);
        if (served > 1) ledger.Fail($"a link served {served} of {rivals.Count} at once");
        return files.Exists(IsWhole);
    }

    async Task<Reply> Try(Caller caller, MemoryStream got)
    {
        var (phase, before) = (ledger.Now, got.Length);
        var reply = await caller.Fetch(path, got, file.Length > 64 * 1024 ? TimeSpan.FromMilliseconds(10) : TimeSpan.Zero);
        ledger.Count(reply, phase, "download");
        if (got.Length != before) Parts++;

        // It may have been a node that was killed; that it was none is for the others to tell.
        if (reply.IsInterrupted) _isInDoubt |= phase.Fault.Interrupts || ledger.Now.Fault.Interrupts;
        return reply;
    }

    bool IsWhole(MemoryStream got) => got.Length == file.Length && got.GetBuffer().AsSpan(0, file.Length).SequenceEqual(file);

    /// <summary>After it was delivered it is worth nothing, to whoever has it.</summary>
    public async Task IsSpent(params Caller[] callers)
    {
        foreach (var caller in callers)
        {
            for (var tries = 0; tries < 60; tries++)
            {
                using var again = new MemoryStream();
                var reply = await Try(caller, again);
                if (reply.Status is 200 or 206) ledger.Fail($"a link was served twice: {reply}");
                else if (!reply.IsInterrupted && reply.Status != 503 && reply.Status != 410) ledger.Fail($"a used link: {reply}");
                if (!reply.IsInterrupted && reply.Status != 503) break;
                await Task.Delay(Pause);
            }
        }
    }

    Fate Wrong(string what)
    {
        ledger.Fail(what);
        return Fate.Lost;
    }
}
