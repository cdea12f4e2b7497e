using System.Runtime.InteropServices;

namespace Latchkey.Server.Data;

/// <summary>The few things of POSIX that .NET has no name for. Elsewhere they do nothing.</summary>
static partial class Posix
{
    /// <summary>Whatever this process makes from now on is its owner's alone: files 0600, directories 0700.</summary>
    public static void KeepPrivate()
    {
        if (!OperatingSystem.IsWindows()) _ = Umask(0b_000_111_111);
    }

    /// <summary>ENOSPC, and EDQUOT, which means the same to us.</summary>
    public static bool IsNoSpace(IOException failure) => failure.HResult is 28 or 122;

    /// <summary>Makes a rename in this directory survive a power cut.</summary>
    public static void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(path, 0);
        if (descriptor < 0) throw new IOException($"The directory {path} cannot be opened.");
        var failed = Fsync(descriptor) != 0;
        _ = Close(descriptor);
        if (failed) throw new IOException($"The directory {path} cannot be written to disk.");
    }

    /// <summary>What is typed on the terminal is not shown, until this is disposed of or the process is interrupted.</summary>
    public static IDisposable? HideTyping()
    {
        // struct termios of Linux: four words of flags, of which the last is c_lflag, and 44 bytes more.
        var shown = new byte[60];
        if (!OperatingSystem.IsLinux() || GetTerminal(0, shown) != 0) return null;
        const byte echo = 8;
        var hidden = (byte[])shown.Clone();
        hidden[12] &= unchecked((byte)~echo);
        return new Typing(hidden, shown);
    }

    sealed class Typing : IDisposable
    {
        const int Now = 0;

        readonly byte[] _before;
        readonly PosixSignalRegistration _interrupt;

        public Typing(byte[] meanwhile, byte[] before)
        {
            _before = before;
            _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => SetTerminal(0, Now, _before));
            _ = SetTerminal(0, Now, meanwhile);
        }

        public void Dispose()
        {
            _ = SetTerminal(0, Now, _before);
            _interrupt.Dispose();
        }
    }

    /// <summary>May this process read and write here (and, of a directory, enter)?</summary>
    public static bool CanReadAndWrite(string path)
    {
        if (OperatingSystem.IsWindows()) return true;
        return Access(path, Directory.Exists(path) ? 7 : 6) == 0;
    }

    /// <summary>
    /// What root makes in somebody's data directory shall be theirs: a command run with sudo must not
    /// leave files that the server may not read.
    /// </summary>
    public static void GiveToOwnerOf(string directory, params IEnumerable<string> paths)
    {
        if (!OperatingSystem.IsLinux() || GetEffectiveUser() != 0) return;
        Span<byte> status = stackalloc byte[256];
        if (Statx(AtCurrentDirectory, directory, 0, StatxBasic, ref status[0]) != 0) return;
        var user = BitConverter.ToUInt32(status[20..]);
        var group = BitConverter.ToUInt32(status[24..]);
        if (user == 0) return;
        foreach (var path in paths) _ = ChangeOwner(path, user, group);
    }

    const int AtCurrentDirectory = -100;
    const uint StatxBasic = 0x7ff;

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();

    // struct statx has the same layout on every architecture: stx_uid at 20, stx_gid at 24 (statx(2)).
    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, ref byte status);

    [LibraryImport("libc", EntryPoint = "lchown", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint Umask(uint mask);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetTerminal(int descriptor, [Out] byte[] attributes);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetTerminal(int descriptor, int when, byte[] attributes);

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);
}
