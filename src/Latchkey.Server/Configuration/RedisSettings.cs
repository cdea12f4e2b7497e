using StackExchange.Redis;

namespace Latchkey.Server.Configuration;

/// <summary>Where limits are counted for all nodes together.</summary>
/// <param name="Options">Null: each node counts for itself.</param>
/// <param name="Prefix">What the name of each key begins with.</param>
/// <param name="Timeout">How long a request waits for it before the node counts for itself.</param>
sealed record RedisSettings(ConfigurationOptions? Options, string Prefix, TimeSpan Timeout)
{
    public static RedisSettings Read(SettingsReader from) => new(
        OptionsOf(from), from.Text("Redis:Prefix", "latchkey:"), from.Duration("Redis:Timeout", TimeSpan.FromMilliseconds(90), TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(10)));

    static ConfigurationOptions? OptionsOf(SettingsReader from)
    {
        if (from.TextOrNull("Redis:ConnectionString") is not { } text) return null;
        try
        {
            var options = ConfigurationOptions.Parse(text);
            options.AbortOnConnectFail = false;
            options.BacklogPolicy = BacklogPolicy.FailFast;
            options.ConnectTimeout = 1000;
            options.ReconnectRetryPolicy = new LinearRetry(500);
            options.HeartbeatInterval = TimeSpan.FromMilliseconds(500);
            options.ClientName ??= "latchkey";
            if (options.EndPoints.Count > 0) return options;
        }
        catch (ArgumentException)
        {
            // Said below, without what stands in it.
        }

        from.Add("Redis:ConnectionString cannot be read: it must be as redis.example.com:6379,password=…");
        return null;
    }
}
