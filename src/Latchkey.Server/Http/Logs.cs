using Latchkey.Server.Configuration;
using Microsoft.Extensions.Logging.Console;

namespace Latchkey.Server.Http;

/// <summary>One line an event: for people on a terminal, as JSON elsewhere.</summary>
static class Logs
{
    public static void Configure(this ILoggingBuilder logging, LogSettings settings)
    {
        logging.ClearProviders();
        if (IsForPeople(settings))
        {
            logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-dd HH:mm:ssZ ";
            });
        }
        else
        {
            logging.AddJsonConsole(console =>
            {
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
        }

        logging.Services.Configure<ConsoleLoggerOptions>(console =>
        {
            // To standard error: standard output belongs to what a command answers.
            console.LogToStandardErrorThreshold = LogLevel.Trace;

            // A terminal or a log collector that stalls must not stall the server.
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
            console.MaxQueueLength = 10_000;
        });

        // The last word, whatever the configuration says: below Warning the framework prints whole
        // URLs, and a download URL holds a token.
        logging.Services.PostConfigure<LoggerFilterOptions>(filter =>
        {
            filter.Rules.Clear();
            filter.MinLevel = settings.Level;
            var framework = settings.Level > LogLevel.Warning ? settings.Level : LogLevel.Warning;
            filter.Rules.Add(new LoggerFilterRule(null, "Microsoft", framework, null));
            filter.Rules.Add(new LoggerFilterRule(null, "System", framework, null));

            // A start that fails is told in one sentence, by the command.
            filter.Rules.Add(new LoggerFilterRule(null, "Microsoft.Extensions.Hosting", LogLevel.None, null));

            // That its keys lie unencrypted on the disk, as the other secrets beside them do.
            filter.Rules.Add(new LoggerFilterRule(null, "Microsoft.AspNetCore.DataProtection", LogLevel.Error, null));

            // That it makes the answer's no-store headers stricter.
            filter.Rules.Add(new LoggerFilterRule(null, "Microsoft.AspNetCore.Antiforgery", LogLevel.Error, null));

            // It has nothing to say at Warning, but would make a scope and an activity for each request.
            filter.Rules.Add(new LoggerFilterRule(null, "Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None, null));

            // It warns that keys lie unencrypted: in our own secrets directory, where nobody else can read.
            filter.Rules.Add(new LoggerFilterRule(null, "Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error, null));
        });
    }

    static bool IsForPeople(LogSettings settings) => settings.Format switch
    {
        "text" => true,
        "json" => false,
        _ => !Console.IsErrorRedirected,
    };
}
