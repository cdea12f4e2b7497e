using System.Reflection;
using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Http;

namespace Latchkey.Server.Admin.Status;

/// <param name="Place">The file; or the database and its server.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="LogBytes">Of the write-ahead log beside it; 0 where the server keeps its own.</param>
/// <param name="Schema">The last migration.</param>
/// <param name="Version">Of SQLite's library, or of the server.</param>
public sealed record DatabaseStatus(string Place, long Bytes, long LogBytes, string Schema, string Version);

/// <param name="FreeBytes">That this program may use.</param>
/// <param name="TotalBytes">Of the file system that the data lies on.</param>
public sealed record DiskStatus(long FreeBytes, long TotalBytes);

/// <summary>How the server is, and what it was told.</summary>
/// <param name="Version">Of Latchkey.</param>
/// <param name="StartedAt">When it began to listen.</param>
/// <param name="UptimeSeconds">Since then.</param>
/// <param name="Data">The data directory.</param>
/// <param name="WaitingWrites">That are not on the disk yet.</param>
/// <param name="DroppedDetails">Requests since the start whose details were not kept; they are counted all the same.</param>
/// <param name="UnknownSettings">Given, but read by nothing.</param>
public sealed record ServerStatusView(
    string Version, string StartedAt, long UptimeSeconds, string Data, DatabaseStatus Database, DiskStatus Disk, int WaitingWrites, long DroppedDetails,
    long Licenses, long Products, IReadOnlyList<SettingInUse> Settings, IReadOnlyList<string> UnknownSettings);

/// <summary>When this server began.</summary>
sealed record ServerStart(DateTimeOffset At);

/// <summary>What an owner asks when something is slow, full or not as it was set.</summary>
sealed class ServerStatus(UnitOfWork work, Settings settings, Database database, WriteQueue writes, ActivityBoard activity, ServerStart start)
{
    public static string Version { get; } = typeof(ServerStatus).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    public ServerStatusView Read()
    {
        work.Require(Permission.SettingsRead);
        IReadOnlyList<string> unknown = [];
        var set = settings.From is { } sources ? SettingsInUse.Of(sources, out unknown) : [];
        var drive = new DriveInfo(work.DataPath);
        var (bytes, log) = database.Size(work.Connection);
        return new ServerStatusView(
            Version, Wire.Micros(start.At), (long)(work.Now - start.At).TotalSeconds, work.DataPath,
            new DatabaseStatus(database.Place, bytes, log, Database.Scalar<string>(work.Connection, "SELECT max(\"MigrationId\") FROM \"__EFMigrationsHistory\"") ?? "", database.Version),
            new DiskStatus(drive.AvailableFreeSpace, drive.TotalSize),
            writes.Waiting, activity.Dropped, work.Db.Licenses.LongCount(), work.Db.Products.LongCount(), set, unknown);
    }
}
