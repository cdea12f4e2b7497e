using System.Collections.Concurrent;

namespace Latchkey.Faults;

/// <summary>From one fault to the next, and what was seen meanwhile.</summary>
sealed class Phase(Fault fault)
{
    int _requests;
    int _unavailable;
    int _noNode;
    int _interrupted;

    public Fault Fault => fault;
    public double Began { get; } = Caller.Now;
    public double Lasted { get; set; }
    public double Recovered { get; set; }
    public ConcurrentQueue<double> Times { get; } = [];

    public int Requests => _requests;

    /// <summary>503 by a node.</summary>
    public int Unavailable => _unavailable;

    /// <summary>503 by the balancer: no node is ready, or the one that was asked went away.</summary>
    public int NoNode => _noNode;

    /// <summary>The connection broke.</summary>
    public int Interrupted => _interrupted;

    public void Count(Reply reply)
    {
        Interlocked.Increment(ref _requests);
        if (reply.Status == 0) Interlocked.Increment(ref _interrupted);
        else if (reply.IsInterrupted) Interlocked.Increment(ref _noNode);
        else if (reply.Status == 503) Interlocked.Increment(ref _unavailable);
    }
}

/// <summary>All that was seen, and all that should not have been.</summary>
sealed class Ledger
{
    /// <summary>The promise is two seconds; clients, nodes and servers share the processors here.</summary>
    public const double Longest = 3000;

    readonly ConcurrentQueue<string> _failures = [];
    readonly List<Phase> _phases = [];
    int _failed;

    public Phase Now { get; private set; } = new(Fault.None);
    public IReadOnlyList<Phase> Phases => _phases;
    public int Failed => _failed;
    public IEnumerable<string> Failures => _failures;

    public Phase Begin(Fault fault)
    {
        Now = new Phase(fault);
        _phases.Add(Now);
        return Now;
    }

    public void Fail(string what)
    {
        if (Interlocked.Increment(ref _failed) > 60) return;
        _failures.Enqueue($"{Now.Fault.Name}: {what}");
        Console.Error.WriteLine($"    WRONG: {what}");
    }

    /// <summary>What is wrong whoever asked. A request counts for the phase that it began in.</summary>
    /// <param name="reply">What came.</param>
    /// <param name="phase">In which it was sent.</param>
    /// <param name="what">Was asked.</param>
    /// <param name="isOffice">A change by the vendor's staff, which waits for its turn, and is promised no time.</param>
    /// <returns>False if nobody answered the question: 503, or nothing.</returns>
    public bool Count(Reply reply, Phase phase, string what, bool isOffice = false)
    {
        phase.Count(reply);
        var isLate = reply.Fault == Reply.Late;
        if (isLate && !isOffice) Fail($"{what}: no answer in {Caller.Patience.TotalSeconds:0} s");
        if (reply.Status >= 500 && reply.Status != 503) Fail($"{what}: {reply}");
        if (reply.Status == 503 && reply.RetryAfter is not >= 1) Fail($"{what}: 503 without Retry-After: {reply}");
        if (reply.Status == 503 && !isOffice && reply.Took > Longest) Fail($"{what}: 503 too late: {reply}");
        if (reply.Status == 0 && !isLate && !Allows(phase, fault => fault.Interrupts)) Fail($"{what}: interrupted ({reply.Fault})");
        if (reply.Status == 503 && !isOffice && !Allows(phase, fault => fault.Stops)) Fail($"{what}: 503 {(reply.IsFromNode ? "by a node" : "by the balancer")} after {reply.Took:0} ms");
        return reply.Status != 0 && reply.Status != 503;
    }

    /// <summary>In the phase that it began in, or in the one that it ended in.</summary>
    bool Allows(Phase phase, Func<Fault, bool> what) => what(phase.Fault) || what(Now.Fault);
}
