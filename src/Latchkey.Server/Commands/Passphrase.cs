using Microsoft.Win32.SafeHandles;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;

namespace Latchkey.Server.Commands;

/// <summary>What a backup's secrets are encrypted with: from the environment, or from a person at a terminal. Never an argument, which others can see.</summary>
static class Passphrase
{
    /// <param name="settings">With what the environment says.</param>
    /// <param name="isNew">Typed twice, and long enough.</param>
    /// <exception cref="UsageException">There is none, and nobody to ask.</exception>
    public static string Ask(Settings settings, bool isNew)
    {
        if (settings.Backup.Passphrase is { } given) return given;
        if (Console.IsInputRedirected) throw new UsageException($"A passphrase is needed: set {BackupSettings.PassphraseVariable}, or run this on a terminal, where it is asked for.");
        var typed = Read("Passphrase of the backup: ");
        if (isNew && typed.Length < BackupSettings.ShortestPassphrase) throw new OperationException(BackupSettings.TooShort);
        if (isNew && Read("The same again: ") != typed) throw new OperationException("The two are not the same. Nothing was done.");
        return typed;
    }

    /// <summary>Without showing it, from before the question is asked: somebody types ahead.</summary>
    static string Read(string question)
    {
        using var hidden = Posix.HideTyping();
        Console.Error.Write(question);

        // Not by the console's reader, which would show what is typed between its own reads.
        using var terminal = new StreamReader(new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0));
        var typed = terminal.ReadLine();
        Console.Error.WriteLine();
        return typed?.Trim() ?? "";
    }
}
