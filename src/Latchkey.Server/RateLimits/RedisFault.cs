using System.Net;
using StackExchange.Redis;

namespace Latchkey.Server.RateLimits;

/// <summary>What is wrong with Redis, for who runs it.</summary>
static class RedisFault
{
    public static bool Is(Exception failure) => failure is RedisException or TimeoutException or ObjectDisposedException;

    /// <returns>As <c>it cannot be reached at redis.example.com:6379</c>, without what stands in the settings beside that.</returns>
    public static string Of(Exception failure, ConfigurationOptions options)
    {
        var told = failure.ToString();
        var at = string.Join(", ", options.EndPoints.Select(place => place is DnsEndPoint named ? $"{named.Host}:{named.Port}" : place.ToString()));
        return failure switch
        {
            _ when (string[])["NOAUTH", "WRONGPASS", "NOPERM", "AuthenticationFailure"] is var refusals && refusals.Any(refusal => told.Contains(refusal, StringComparison.Ordinal)) =>
                $"it refuses the user or password of Redis:ConnectionString at {at}",
            RedisServerException refused => $"it takes no writes at {at}: {refused.Message}",
            TimeoutException => $"it does not answer in time at {at}",
            _ => $"it cannot be reached at {at}",
        };
    }
}
