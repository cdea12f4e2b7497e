using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Latchkey.Server.Tests.Support;

/// <summary>The pages are looked at on the embedded database: what they show is read by operations that are tested on each.</summary>
static class TestDatabase
{
    public static bool IsPostgreSql { get; }

    public static IEnumerable<(string Name, string Value)> ForProcess(string directory) => directory.Length == 0 ? throw new ArgumentException("It has no name.", nameof(directory)) : [];

    public static void Drop(string directory) => ArgumentNullException.ThrowIfNull(directory);

    public static DbConnection Open(string directory)
    {
        SQLitePCL.Batteries_V2.Init();
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, "latchkey.db"), Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
