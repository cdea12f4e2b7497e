namespace Latchkey.Server.Tests.Support;

/// <summary>Asks again and again until the answer is the awaited one: for what another process does in its own time.</summary>
static class Poll
{
    public static async Task<T> Until<T>(Func<Task<T>> ask, Func<T, bool> isAwaited, int seconds = 20)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var answer = await ask();
            if (isAwaited(answer)) return answer;
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(seconds), $"still {answer} after {seconds} s");
            await Task.Delay(20);
        }
    }
}
