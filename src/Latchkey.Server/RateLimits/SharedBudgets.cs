using Latchkey.Server.Configuration;
using StackExchange.Redis;

namespace Latchkey.Server.RateLimits;

/// <summary>
/// The two budgets of a client address, counted in Redis for all nodes together: one script, one round trip. While Redis
/// does not answer, callers are told so at once, and a look every half second brings it back.
/// </summary>
sealed partial class SharedBudgets : IHostedService, IAsyncDisposable
{
    // As SlidingWindow: a list of "milliseconds:count", the oldest first, and beside it how many they are together.
    // Redis' own clock is taken, so that nodes whose clocks are apart count alike. Where it went back, what was counted counts as of now.
    const string Script = """
        local now = tonumber(ARGV[1])
        if now < 0 then local t = redis.call('TIME'); now = t[1] * 1000 + math.floor(t[2] / 1000) end
        local function parts(entry) local at, count = string.match(entry, '(%d+):(%d+)'); return tonumber(at), tonumber(count) end
        local function visit(list, limit, take)
          if limit == 0 then return {1, 0, 0, 0, 0} end
          local total, newest = list .. ':n', redis.call('LINDEX', list, -1)
          if newest and parts(newest) > now + 1000 then
            local count = redis.call('GET', total)
            redis.call('DEL', list)
            if count then
              redis.call('RPUSH', list, string.format('%.0f:%s', now, count))
              redis.call('PEXPIRE', list, 61000); redis.call('PEXPIRE', total, 61000)
            end
          end
          local head = redis.call('LINDEX', list, 0)
          while head do
            local at, count = parts(head)
            if now - at < 60000 then break end
            redis.call('LPOP', list); redis.call('DECRBY', total, count)
            head = redis.call('LINDEX', list, 0)
          end
          local used = head and tonumber(redis.call('GET', total) or 0) or 0
          if not head then redis.call('DEL', total) end
          local allowed = used < limit
          if allowed and take then
            local at = limit <= 256 and now or math.ceil(now / 60) * 60
            local tail = redis.call('LINDEX', list, -1)
            local last, count = 0, 0
            if tail then last, count = parts(tail) end
            if tail and last >= at then redis.call('LSET', list, -1, last .. ':' .. (count + 1))
            else redis.call('RPUSH', list, string.format('%.0f:1', at)) end
            used = redis.call('INCRBY', total, 1)
            redis.call('PEXPIRE', list, 61000); redis.call('PEXPIRE', total, 61000)
          end
          local first, tail = redis.call('LINDEX', list, 0), redis.call('LINDEX', list, -1)
          local one, all = 0, 0
          if first then one = parts(first) + 60000 - now; all = parts(tail) + 60000 - now end
          return {allowed and 1 or 0, limit, limit - used, used < limit and 0 or one, all}
        end
        local failures = visit(KEYS[2], tonumber(ARGV[3]), ARGV[4] == 'failure')
        local requests = {1, 0, 0, 0, 0}
        if ARGV[4] == 'request' then requests = visit(KEYS[1], tonumber(ARGV[2]), failures[1] == 1) end
        return {requests[1], requests[2], requests[3], requests[4], requests[5], failures[1], failures[2], failures[3], failures[4], failures[5]}
        """;

    static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    // One answer that comes late is no outage: that request is decided here, and was counted there all the same.
    static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(500);

    // A start waits for Redis so often, and goes on without it.
    const int LooksAtStart = 3;

    readonly RedisSettings _settings;
    readonly RateLimitSettings _limits;
    readonly TimeProvider _clock;
    readonly LimitsHealth _health;
    readonly ILogger<SharedBudgets> _log;
    readonly Lazy<Task<ConnectionMultiplexer>> _connection;
    readonly CancellationTokenSource _stopped = new();
    long _answeredAt;

    public SharedBudgets(RedisSettings settings, RateLimitSettings limits, LimitsHealth health, TimeProvider clock, ILogger<SharedBudgets> log)
    {
        (_settings, _limits, _health, _clock, _log) = (settings, limits, health, clock, log);
        _connection = new(() => ConnectionMultiplexer.ConnectAsync(settings.Options!));
        _ = _connection.Value;
    }

    /// <summary>Counts a request, unless the client has guessed too often, or counts a guess.</summary>
    /// <returns>Null: Redis does not answer, and nothing is known.</returns>
    public async ValueTask<(Balance Requests, Balance Failures)?> Count(ClientAddress client, bool isFailure)
    {
        if (_health.PerNodeSince is not null) return null;
        try
        {
            var connection = await _connection.Value.WaitAsync(_settings.Timeout);
            var answer = await Ask(connection, client, [Now(), _limits.RequestsPerMinute, _limits.FailuresPerMinute, isFailure ? "failure" : "request"], _settings.Timeout);
            return (BalanceOf(answer, 0), BalanceOf(answer, 5));
        }
        catch (Exception failure) when (RedisFault.Is(failure))
        {
            if (failure is not TimeoutException || TimeProvider.System.GetElapsedTime(Volatile.Read(ref _answeredAt)) > Silence) Fall(failure);
            return null;
        }
    }

    async Task<long[]> Ask(ConnectionMultiplexer connection, ClientAddress client, RedisValue[] values, TimeSpan patience)
    {
        var name = $"{_settings.Prefix}{{{client}}}";
        RedisKey[] keys = [name + ":requests", name + ":failures"];
        var answer = (long[])(await connection.GetDatabase().ScriptEvaluateAsync(Script, keys, values).WaitAsync(patience))!;
        Volatile.Write(ref _answeredAt, TimeProvider.System.GetTimestamp());
        return answer;
    }

    /// <summary>Before the first request: a node that has just started knows nobody's count but from Redis.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Exception? fault = null;
        for (var looks = 0; looks < LooksAtStart && (fault = await Look(LookEvery)) is not null; looks++) await Task.Delay(LookEvery / 5, TimeProvider.System, cancellationToken);
        if (fault is not null) Fall(fault);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>A clock that a test moves is no clock of Redis'.</summary>
    long Now() => ReferenceEquals(_clock, TimeProvider.System) ? -1 : _clock.GetUtcNow().ToUnixTimeMilliseconds();

    static Balance BalanceOf(long[] answer, int at) => new(answer[at] == 1, (int)answer[at + 1], (int)answer[at + 2], (int)answer[at + 3], (int)answer[at + 4]);

    void Fall(Exception failure)
    {
        if (!_health.Fell(_clock.GetUtcNow())) return;
        FellBack(RedisFault.Of(failure, _settings.Options!));
        _ = Return();
    }

    async Task Return()
    {
        try
        {
            do await Task.Delay(LookEvery, TimeProvider.System, _stopped.Token);
            while (await Look(_settings.Timeout) is not null);
            if (_health.Returned()) CameBack();
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    /// <summary>Asked with limits of 0, the script counts nothing; one that is full or read-only answers all the same, and refuses to be written to.</summary>
    /// <returns>Null: it is well.</returns>
    async Task<Exception?> Look(TimeSpan patience)
    {
        try
        {
            var connection = await _connection.Value.WaitAsync(LookEvery);
            await connection.GetDatabase().StringSetAsync(_settings.Prefix + "probe", 1, TimeSpan.FromMinutes(1)).WaitAsync(patience);
            await Ask(connection, default, [0, 0, 0, "request"], patience);
            return null;
        }
        catch (Exception failure) when (RedisFault.Is(failure))
        {
            return failure;
        }
    }

    /// <summary>Called twice: as what is counted with, and as what is started.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopped.IsCancellationRequested) return;
        await _stopped.CancelAsync();
        if (_connection.Value.IsCompletedSuccessfully) await (await _connection.Value).DisposeAsync();
        _stopped.Dispose();
    }

    [LoggerMessage(76, LogLevel.Warning, "Redis is not there ({Reason}): until it is, this node counts limits for itself")]
    partial void FellBack(string reason);

    [LoggerMessage(77, LogLevel.Information, "Redis is there again: limits are counted over all nodes")]
    partial void CameBack();
}
