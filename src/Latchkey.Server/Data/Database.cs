using System.Data.Common;
using System.Globalization;

namespace Latchkey.Server.Data;

/// <summary>
/// Where rows are kept: an embedded SQLite file, or PostgreSQL. Both make the same promises: what is committed is on
/// disk, whoever reads next sees it, and a constraint that was broken is told from a store that does not answer.
/// </summary>
abstract class Database : IDisposable
{
    /// <summary>A file of this process's own; else a server that other nodes use too.</summary>
    public abstract bool IsEmbedded { get; }

    /// <summary>For people: a path, or host and database. No secret.</summary>
    public abstract string Place { get; }

    /// <summary>As <c>SQLite 3.53.0</c>.</summary>
    public abstract string Version { get; }

    public abstract Dialect Dialect { get; }

    /// <summary>An open connection, which the caller disposes of.</summary>
    /// <exception cref="DbException">The database does not answer.</exception>
    public abstract DbConnection Open();

    /// <summary>The entities, over a connection of their own, which is taken only while it is in use.</summary>
    public abstract LatchkeyDb OpenContext();

    /// <summary>The entities, over a connection that stays the caller's.</summary>
    public abstract LatchkeyDb OpenContext(DbConnection connection);

    /// <summary>A prepared question that is asked on the way of a request.</summary>
    /// <param name="sql">Its parameters are <c>$1</c> and <c>$2</c>.</param>
    /// <param name="parameters">What they are.</param>
    public abstract Lookup Prepare(string sql, params LookupKey[] parameters);

    /// <summary>Where writes of requests gather; one for a process.</summary>
    public abstract WriteQueue MakeWriteQueue();

    /// <summary>
    /// Begins a change of an operator's: none but it, on any node, until what is returned is disposed of. What customers'
    /// requests write meanwhile are single statements, which hold beside it.
    /// </summary>
    public abstract Change Begin(LatchkeyDb db);

    /// <summary>What a request would bind to the license waits until this change is made. SQLite has one writer at a time anyway.</summary>
    public virtual void Lock(LatchkeyDb db, Licenses.License license)
    {
    }

    /// <summary>The value of a parameter <c>$1</c>, <c>$2</c>, … of a hand-written statement.</summary>
    public abstract DbParameter Parameter(int number, object? value);

    /// <summary>A reading of rows ends early once nobody waits for it any more.</summary>
    public abstract IDisposable StopWhen(DbConnection connection, CancellationToken gone);

    /// <returns>The reading was ended by <see cref="StopWhen"/>.</returns>
    public abstract bool WasStopped(Exception failure);

    /// <summary>Bytes of the database, and of its log beside it.</summary>
    public abstract (long Bytes, long LogBytes) Size(DbConnection connection);

    public static void Execute(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static T? Scalar<T>(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        var value = command.ExecuteScalar();
        return value is null or DBNull ? default : (T)Convert.ChangeType(value, typeof(T), CultureInfo.InvariantCulture);
    }

    public abstract void Dispose();
}

/// <summary>What a parameter of a <see cref="Lookup"/> is.</summary>
enum LookupKey
{
    Bytes,
    Number,
}

/// <summary>A change as it runs: it is undone unless it is committed.</summary>
sealed class Change(IDisposable? turn, Microsoft.EntityFrameworkCore.Storage.IDbContextTransaction transaction) : IDisposable
{
    public void Commit() => transaction.Commit();

    public void Dispose()
    {
        transaction.Dispose();
        turn?.Dispose();
    }
}

/// <summary>The few words in which the databases differ.</summary>
/// <param name="Greatest">The larger of two values.</param>
/// <param name="Begin">A transaction that changes something: the only one of its kind.</param>
sealed record Dialect(string Greatest, string Begin)
{
    public const string OneAtATime = "SELECT 1 FROM installation FOR UPDATE";

    public static readonly Dialect Sqlite = new("max", "BEGIN IMMEDIATE");
    public static readonly Dialect PostgreSql = new("greatest", "BEGIN; " + OneAtATime);

    public bool IsPostgreSql => ReferenceEquals(this, PostgreSql);

    /// <summary>Others who lock this row wait until the transaction is over. Nothing where there is one writer at a time anyway.</summary>
    public Statement[] Lock(string table, long id) => IsPostgreSql ? [new Statement($"SELECT 1 FROM {table} WHERE id = $1 FOR NO KEY UPDATE", id)] : [];

    /// <summary>Which index SQLite is to take, where it would choose badly; PostgreSQL knows better.</summary>
    public string IndexedBy(string index) => IsPostgreSql ? "" : "INDEXED BY " + index;

    /// <summary>A table of the values in <c>$1</c>, a JSON array of arrays.</summary>
    /// <param name="columns">As <c>license_id bigint</c>.</param>
    public string Rows(params ReadOnlySpan<string> columns)
    {
        var parts = new List<string>();
        foreach (var column in columns)
        {
            var (name, type) = (column.Split(' ')[0], column.Split(' ')[1]);
            parts.Add(IsPostgreSql ? $"(value->>{parts.Count})::{type} AS {name}" : $"value->>{parts.Count} AS {name}");
        }

        return $"SELECT {string.Join(", ", parts)} FROM {(IsPostgreSql ? "jsonb_array_elements(CAST($1 AS jsonb)) AS rows(value)" : "json_each($1)")}";
    }
}
