using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.Data.Sqlite;

namespace Latchkey.Server.Backups;

/// <param name="Action">As <c>license.suspend</c>.</param>
sealed record NewerAction(string At, string Action, string? ObjectId, string Actor);

sealed record RowCounts(long Before, long Copy);

/// <summary>What a data directory of before has, and a backup has not: every action of an operator's is in the audit trail.</summary>
/// <param name="Place">Its database.</param>
/// <param name="Count">Of actions.</param>
/// <param name="Actions">The oldest of them.</param>
/// <param name="Rows">Of the tables in which the numbers differ.</param>
/// <param name="Fault">Why it could not be read; null: it could.</param>
sealed record NewerThanCopy(string Place, long Count, IReadOnlyList<NewerAction> Actions, IReadOnlyDictionary<string, RowCounts> Rows, string? Fault)
{
    const int Most = 1000;

    public static NewerThanCopy Of(string directory, BackupManifest manifest)
    {
        var file = DataDirectory.DatabaseFile(directory);
        if (!File.Exists(file)) return new NewerThanCopy(file, 0, [], new Dictionary<string, RowCounts>(), "it is not there.");
        try
        {
            using var old = DatabaseCopy.Open(file, SqliteOpenMode.ReadOnly);
            var since = UnixMicroseconds.From(manifest.At);
            var actions = DatabaseCopy.Query(
                old, FormattableString.Invariant($"SELECT at, action, object_id, actor_name FROM audit WHERE at >= {since} ORDER BY at, id LIMIT {Most}"),
                row => new NewerAction(Wire.Micros(UnixMicroseconds.To(row.GetInt64(0))), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), row.GetString(3)));
            var rows = DatabaseCopy.Rows(old).Where(table => manifest.Rows.TryGetValue(table.Key, out var copy) && copy != table.Value).ToDictionary(table => table.Key, table => new RowCounts(table.Value, manifest.Rows[table.Key]));
            return new NewerThanCopy(file, Database.Scalar<long>(old, FormattableString.Invariant($"SELECT count(*) FROM audit WHERE at >= {since}")), actions, rows, null);
        }
        catch (SqliteException failure)
        {
            return new NewerThanCopy(file, 0, [], new Dictionary<string, RowCounts>(), failure.Message);
        }
    }
}
