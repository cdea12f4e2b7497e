using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace Latchkey.Server.Data;

/// <summary>Opens connections to a PostgreSQL server, or to what speaks its protocol, all with the same promises.</summary>
/// <param name="connectionString">As the settings have it.</param>
/// <param name="forCommand">Who waits is nobody but the operator who typed it.</param>
sealed class PostgreSqlDatabase(string connectionString, bool forCommand = false) : Database
{
    /// <summary>Connections that answer customers' requests: these are never all in use by the office.</summary>
    const int Reserved = 10;

    readonly NpgsqlDataSource _customers = Source(connectionString, forCommand, _ => Reserved);
    readonly NpgsqlDataSource _office = Source(connectionString, forCommand, most => Math.Max(1, most - Reserved), prepares: false);

    // Who waits for the row of the installation holds a connection: one of this node at a time.
    readonly WriteTurn _turn = new(TimeSpan.FromSeconds(5));

    static NpgsqlDataSource Source(string connectionString, bool forCommand, Func<int, int> size, bool prepares = true)
    {
        var all = WithDefaults(connectionString, forCommand);
        all.MaxPoolSize = size(all.MaxPoolSize);
        if (!prepares) all.MaxAutoPrepare = 0;
        all.MinPoolSize = Math.Min(all.MinPoolSize, all.MaxPoolSize);
        return NpgsqlDataSource.Create(all);
    }

    public override bool IsEmbedded => false;
    public override string Place { get; } = PlaceOf(connectionString);
    public override string Version => _version ??= ReadVersion();
    public override Dialect Dialect => Dialect.PostgreSql;

    string? _version;

    /// <summary>What the operator did not say: to give up in time, and to prepare what is asked often.</summary>
    /// <exception cref="ArgumentException">It is no connection string.</exception>
    public static NpgsqlConnectionStringBuilder WithDefaults(string connectionString, bool forCommand = false)
    {
        var given = new DbConnectionStringBuilder { ConnectionString = connectionString };
        var all = new NpgsqlConnectionStringBuilder(connectionString);
        void Usual(string name, Action set)
        {
            if (!given.ContainsKey(name)) set();
        }

        Usual("Timeout", () => all.Timeout = forCommand ? 10 : 2);
        Usual("Command Timeout", () => all.CommandTimeout = forCommand ? 60 : 2);
        Usual("Cancellation Timeout", () => all.CancellationTimeout = -1);
        Usual("Max Auto Prepare", () => all.MaxAutoPrepare = 100);
        Usual("Auto Prepare Min Usages", () => all.AutoPrepareMinUsages = 2);
        Usual("Application Name", () => all.ApplicationName = "latchkey");
        Usual("Maximum Pool Size", () => all.MaxPoolSize = 40);
        Usual("Keepalive", () => all.KeepAlive = 30);
        return all;
    }

    static string PlaceOf(string connectionString)
    {
        var all = new NpgsqlConnectionStringBuilder(connectionString);
        return $"{all.Database ?? all.Username} on {all.Host}:{all.Port}";
    }

    public override DbConnection Open() => _office.OpenConnection();

    /// <summary>For a customer's request.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken stop) => _customers.OpenConnectionAsync(stop);

    /// <summary>Idle connections are closed: they were to a server that is gone.</summary>
    public void Forget()
    {
        _customers.Clear();
        _office.Clear();
    }

    public override LatchkeyDb OpenContext() =>
        new PostgreSqlDb(new DbContextOptionsBuilder<PostgreSqlDb>().UseNpgsql(_office.CreateConnection(), contextOwnsConnection: true).AddInterceptors(NoNul.Instance).Options);

    public override LatchkeyDb OpenContext(DbConnection connection) =>
        new PostgreSqlDb(new DbContextOptionsBuilder<PostgreSqlDb>().UseNpgsql(connection).AddInterceptors(NoNul.Instance).Options);

    public override Lookup Prepare(string sql, params LookupKey[] parameters) => new PostgreSqlLookup(this, sql, parameters);

    public override WriteQueue MakeWriteQueue() => new PostgreSqlWriteQueue(this);

    // A node whose machine is gone says no goodbye, and would hold all others up until TCP finds that out, hours later.
    const string GiveUpIfGone = "SET LOCAL idle_in_transaction_session_timeout = 60000; ";

    /// <summary>Who changes something takes the one row of the installation first: one at a time, over all nodes.</summary>
    public override Change Begin(LatchkeyDb db)
    {
        var turn = _turn.Take(forCustomers: false);
        var change = default(Change);
        try
        {
            change = new Change(turn, db.Database.BeginTransaction());
            db.Database.ExecuteSqlRaw(GiveUpIfGone + Dialect.OneAtATime);
            return change;
        }
        catch
        {
            _turn.GiveUp();
            if (change is null) turn.Dispose();
            else change.Dispose();
            throw;
        }
    }

    public override void Lock(LatchkeyDb db, Licenses.License license) => db.Database.ExecuteSql($"SELECT 1 FROM licenses WHERE id = {license.Id} FOR NO KEY UPDATE");

    public override DbParameter Parameter(int number, object? value) => ParameterOf(value);

    public static NpgsqlParameter ParameterOf(object? value) => value switch
    {
        long number => new NpgsqlParameter<long> { TypedValue = number },
        int number => new NpgsqlParameter<long> { TypedValue = number },
        string text => new NpgsqlParameter<string> { TypedValue = NoNul.Of(text) },
        byte[] bytes => new NpgsqlParameter<byte[]> { TypedValue = bytes },
        Null none => new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = none.IsText ? NpgsqlDbType.Text : NpgsqlDbType.Bigint },
        null => new NpgsqlParameter { Value = DBNull.Value },
        _ => new NpgsqlParameter { Value = value },
    };

    public override IDisposable StopWhen(DbConnection connection, CancellationToken gone)
    {
        var process = ((NpgsqlConnection)connection).ProcessID;
        return gone.Register(() => _ = Cancel(process));
    }

    async Task Cancel(int process)
    {
        try
        {
            await using var command = _office.CreateCommand("SELECT pg_cancel_backend($1)");
            command.Parameters.AddWithValue(process);
            await command.ExecuteNonQueryAsync();
        }
        catch (NpgsqlException)
        {
            // Then it runs to its end, as it would have.
        }
    }

    public override bool WasStopped(Exception failure) => failure switch
    {
        PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } => true,
        InvalidOperationException { InnerException: { } cause } => WasStopped(cause),
        _ => false,
    };

    public override (long Bytes, long LogBytes) Size(DbConnection connection) => (Scalar<long>(connection, "SELECT pg_database_size(current_database())"), 0);

    string ReadVersion()
    {
        using var connection = Open();
        return "PostgreSQL " + connection.ServerVersion;
    }

    public override void Dispose()
    {
        _customers.Dispose();
        _office.Dispose();
    }
}
