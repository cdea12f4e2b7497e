using System.Data.Common;
using System.Security.Cryptography;
using Latchkey.Server.Configuration;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;

namespace Latchkey.Server.Data;

/// <summary>
/// An installation whose rows are in PostgreSQL. Several programs may be at it at once, older and newer ones: a
/// migration only adds, and what it takes away is taken by a later one, which says since when programs do without.
/// </summary>
static class PostgreSqlInstallation
{
    // "latchkey", as a number.
    const long MigrationLock = 0x6C617463686B6579;

    static readonly IReadOnlyList<string> Known = MigrationNames.Of(typeof(PostgreSqlDb));

    /// <summary>Checks that program, database and secrets belong together.</summary>
    /// <exception cref="DataDirectoryException">It cannot be used; the message says what to do.</exception>
    public static Secrets Open(PostgreSqlDatabase database, Settings settings, TimeProvider clock)
    {
        var directory = SecretsDirectory(settings);
        try
        {
            if (settings.Database.MigrateOnStart) Migrate(database, settings, clock);
            using var connection = database.Open();
            var schema = Inspect(database, connection);
            if (schema == Schema.Closed) throw new DataDirectoryException(Migrator.ClosedBecause(connection)!);
            if (schema != Schema.Current)
            {
                throw new DataDirectoryException(schema == Schema.Missing
                    ? $"The database {database.Place} has no tables of Latchkey yet: run \"latchkey migrate\", which makes them."
                    : $"The database {database.Place} has an older schema: run \"latchkey migrate\", which brings it up to date while older nodes go on.");
            }

            var secrets = Secrets.Load(directory);
            RequireRight(connection, secrets, database, directory);
            return secrets;
        }
        catch (DbException failure)
        {
            throw Unusable(database, failure);
        }
    }

    public static string SecretsDirectory(Settings settings) => Path.GetFullPath(settings.SecretsDirectory ?? DataDirectory.SecretsDirectory(settings.Data));

    static DataDirectoryException Unusable(Database database, DbException failure) => failure is PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } denied
        ? new($"The database {database.Place} cannot be used: {denied.MessageText}. Its user must own it: ALTER DATABASE … OWNER TO ….", failure)
        : new($"The database {database.Place} cannot be used: {failure.Message.TrimEnd('.')}. Check Database:ConnectionString, and that the server runs.", failure);

    /// <exception cref="DataDirectoryException">Somebody else's tables are in it.</exception>
    static void RequireOurs(Database database, DbConnection connection)
    {
        if (Database.Scalar<string>(connection, "SELECT min(table_name) FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> '__EFMigrationsHistory'") is not { } table) return;
        throw new DataDirectoryException($"The database {database.Place} holds something else, as the table \"{table}\": name one of Latchkey's own, a new and empty one, which CREATE DATABASE makes. Nothing was changed.");
    }

    static void RequireRight(DbConnection connection, Secrets secrets, Database database, string directory)
    {
        var check = Database.Scalar<byte[]>(connection, "SELECT pepper_check FROM installation");
        if (check is not null && CryptographicOperations.FixedTimeEquals(check, secrets.Check())) return;
        throw new DataDirectoryException($"The files in {directory} are not the secrets that the database {database.Place} was made with: copy those of the node that made it, or name their directory with Secrets:Directory.");
    }

    public static Schema Inspect(PostgreSqlDatabase database, DbConnection connection)
    {
        var applied = Applied(connection);
        if (applied.Count == 0) return Schema.Missing;
        if (Known.Except(applied).Any()) return Schema.Older;
        if (Database.Scalar<long>(connection, "SELECT count(*) FROM installation") == 0) return Schema.Older;
        if (applied.Except(Known).Any() && Database.Scalar<string>(connection, "SELECT oldest_schema FROM installation") is { } oldest && string.CompareOrdinal(Known[^1], oldest) < 0)
        {
            throw new DataDirectoryException($"The database {database.Place} was made by a newer Latchkey (it needs the schema {oldest}): run that version or a newer one. Nothing was changed.");
        }

        return Migrator.ClosedBecause(connection) is null ? Schema.Current : Schema.Closed;
    }

    /// <summary>Something is to be put there.</summary>
    /// <exception cref="DataDirectoryException">The database does not answer.</exception>
    /// <exception cref="OperationException">It holds an installation, and not only what a restore that broke off has left.</exception>
    public static void RequireNone(PostgreSqlDatabase database)
    {
        try
        {
            using var connection = database.Open();
            if (Applied(connection).Count == 0 || Database.Scalar<long>(connection, "SELECT count(*) FROM installation") == 0 || Migrator.ClosedBecause(connection) == MoveFromSqlite.Restoring) return;
            throw new OperationException($"The database {database.Place} holds an installation already: restore into a new, empty one, which CREATE DATABASE makes. Nothing was changed.");
        }
        catch (DbException failure)
        {
            throw Unusable(database, failure);
        }
    }

    /// <summary>There are tables or columns that this program does not know.</summary>
    public static bool HasNewerSchema(DbConnection connection) => Applied(connection).Except(Known).Any();

    static List<string> Applied(DbConnection connection)
    {
        var applied = new List<string>();
        if (Database.Scalar<long>(connection, "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = '__EFMigrationsHistory'") == 0) return applied;
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT \"MigrationId\" FROM \"__EFMigrationsHistory\"";
        using var reader = command.ExecuteReader();
        while (reader.Read()) applied.Add(reader.GetString(0));
        return applied;
    }

    /// <summary>Makes the tables, or adds what is new; makes the secrets of a new installation. One at a time, over all nodes.</summary>
    /// <param name="to">The last migration to apply; null: all.</param>
    /// <returns>The migrations that were applied now.</returns>
    /// <exception cref="DataDirectoryException">It cannot be done.</exception>
    public static IReadOnlyList<string> Migrate(PostgreSqlDatabase database, Settings settings, TimeProvider clock, string? to = null) => Alone(database, holder =>
    {
        var applied = Apply(database, holder, to);
        if (to is not null) return applied;
        if (Database.Scalar<long>(holder, "SELECT count(*) FROM installation") == 0) Make(database, holder, SecretsDirectory(settings), clock);
        else if (Migrator.ClosedBecause(holder) is { } closed) throw new DataDirectoryException(closed);
        using var secrets = Secrets.Load(SecretsDirectory(settings));
        RequireRight(holder, secrets, database, SecretsDirectory(settings));
        return applied;
    });

    /// <summary>What one does alone, over all nodes; others wait for up to ten minutes.</summary>
    /// <exception cref="DataDirectoryException">The database does not answer, or refuses.</exception>
    public static T Alone<T>(PostgreSqlDatabase database, Func<DbConnection, T> action)
    {
        try
        {
            using var holder = database.Open();
            using var wait = (NpgsqlCommand)holder.CreateCommand();
            (wait.CommandText, wait.CommandTimeout) = ("SELECT pg_advisory_lock($1)", 600);
            wait.Parameters.Add(PostgreSqlDatabase.ParameterOf(MigrationLock));
            wait.ExecuteNonQuery();
            try
            {
                return action(holder);
            }
            finally
            {
                Unlock(holder);
            }
        }
        catch (DbException failure)
        {
            throw Unusable(database, failure);
        }
    }

    static void Unlock(DbConnection holder)
    {
        try
        {
            Database.Execute(holder, "SELECT pg_advisory_unlock_all()");
        }
        catch (Exception failure) when (failure is DbException or InvalidOperationException)
        {
            // The lock went with the connection.
        }
    }

    /// <summary>Brings the tables to the schema of this program; whoever calls is alone.</summary>
    /// <param name="to">The last migration to apply; null: all.</param>
    /// <returns>The migrations that were applied now.</returns>
    public static IReadOnlyList<string> Apply(PostgreSqlDatabase database, DbConnection holder, string? to = null)
    {
        var before = Applied(holder);
        if (Known.Except(before).Any())
        {
            if (before.Count == 0) RequireOurs(database, holder);
            using var connection = database.Open();
            using var db = database.OpenContext(connection);
            db.Database.SetCommandTimeout(TimeSpan.FromHours(24));
            db.GetService<IMigrator>().Migrate(to);
        }

        return [.. Applied(holder).Except(before)];
    }

    static void Make(PostgreSqlDatabase database, DbConnection connection, string directory, TimeProvider clock)
    {
        MakeSecrets(directory);
        using var made = Secrets.Load(directory);
        using var session = new WriteSession(database, connection);
        session.Execute("INSERT INTO installation (id, pepper_check, created_at, oldest_schema) VALUES (1, $1, $2, '') ON CONFLICT DO NOTHING", made.Check(), UnixMicroseconds.From(clock.GetUtcNow()));
    }

    static void MakeSecrets(string directory)
    {
        MakeDirectory(directory);
        Secrets.Create(directory);
    }

    /// <summary>For secrets: nobody else may look into it.</summary>
    /// <exception cref="DataDirectoryException">It cannot be made.</exception>
    public static void MakeDirectory(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory);
            if (!OperatingSystem.IsWindows() && !Directory.EnumerateFileSystemEntries(directory).Any()) File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DataDirectoryException($"The secrets cannot be made in {directory}: {failure.Message.TrimEnd('.')}. Name another directory with Secrets:Directory.", failure);
        }
    }
}
