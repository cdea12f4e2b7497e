using System.Data.Common;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using NpgsqlTypes;

namespace Latchkey.Server.Data;

/// <summary>A table that goes from SQLite to PostgreSQL or back; it has the same name and the same columns there.</summary>
/// <param name="Columns">Those of the primary key are the first.</param>
/// <param name="KeyLength">How many they are.</param>
sealed record MovedTable(string Name, IReadOnlyList<(string Name, NpgsqlDbType Type)> Columns, int KeyLength)
{
    /// <summary>What is this node's or this database's own: who does the work, and what ties it to its secrets.</summary>
    static readonly string[] Stays = ["leases", "installation"];

    string Key => string.Join(", ", Columns.Take(KeyLength).Select(column => column.Name));

    string AllColumns => string.Join(", ", Columns.Select(column => column.Name));

    /// <summary>Puts a row into SQLite's; its parameters are the columns.</summary>
    public string InsertSql => $"INSERT INTO {Name} ({AllColumns}) VALUES ({string.Join(", ", Enumerable.Range(1, Columns.Count).Select(number => $"${number}"))})";

    /// <summary>Every one, in an order in which none names a row that is not there yet.</summary>
    public static IReadOnlyList<MovedTable> All(PostgreSqlDatabase database)
    {
        using var db = database.OpenContext();
        var left = db.Model.GetRelationalModel().Tables.Where(table => !Stays.Contains(table.Name)).ToList();
        var ordered = new List<ITable>();
        while (left.Count > 0)
        {
            var next = left.First(table => table.ForeignKeyConstraints.All(key => key.PrincipalTable == table || ordered.Contains(key.PrincipalTable)));
            left.Remove(next);
            ordered.Add(next);
        }

        return [.. ordered.Select(Of)];
    }

    static MovedTable Of(ITable table)
    {
        var key = table.PrimaryKey!.Columns;
        return new MovedTable(table.Name, [.. key.Concat(table.Columns.Except(key)).Select(column => (column.Name, TypeOf(column.StoreType)))], key.Count);
    }

    static NpgsqlDbType TypeOf(string type) => type.Split('(')[0] switch
    {
        "bigint" => NpgsqlDbType.Bigint,
        "integer" => NpgsqlDbType.Integer,
        "boolean" => NpgsqlDbType.Boolean,
        "bytea" => NpgsqlDbType.Bytea,
        "text" or "character varying" => NpgsqlDbType.Text,
        "jsonb" => NpgsqlDbType.Jsonb,
        _ => throw new NotSupportedException(type),
    };

    public long Count(DbConnection connection)
    {
        using var command = Patient(connection, $"SELECT count(*) FROM {Name}");
        return (long)command.ExecuteScalar()!;
    }

    /// <summary>A table may have any number of rows: who reads all of it waits for as long as that takes.</summary>
    static DbCommand Patient(DbConnection connection, string sql)
    {
        var command = connection.CreateCommand();
        (command.CommandText, command.CommandTimeout) = (sql, 0);
        return command;
    }

    /// <summary>The rows in the order of their key.</summary>
    /// <param name="after">Only those that follow this key; null: all.</param>
    public DbDataReader Read(Database database, DbConnection connection, object[]? after = null)
    {
        // It lives as long as its reader, which closes with it.
        var beyond = after is null ? "" : $"WHERE ({Key}) > ({string.Join(", ", Enumerable.Range(1, KeyLength).Select(number => $"${number}"))})";
        var command = Patient(connection, $"SELECT {AllColumns} FROM {Name} {beyond} ORDER BY {Key}");
        for (var i = 0; i < after?.Length; i++) command.Parameters.Add(database.Parameter(i + 1, after[i]));
        return command.ExecuteReader();
    }

    /// <returns>The highest key; null: there is no row.</returns>
    public object[]? LastKey(DbConnection connection)
    {
        using var command = Patient(connection, $"SELECT {Key} FROM {Name} ORDER BY {string.Join(", ", Columns.Take(KeyLength).Select(column => column.Name + " DESC"))} LIMIT 1");
        using var reader = command.ExecuteReader();
        if (!reader.Read()) return null;
        var key = new object[KeyLength];
        reader.GetValues(key);
        return key;
    }

    public NpgsqlBinaryImporter Import(NpgsqlConnection connection)
    {
        var importer = connection.BeginBinaryImport($"COPY {Name} ({AllColumns}) FROM STDIN (FORMAT BINARY)");
        importer.Timeout = TimeSpan.FromHours(24);
        return importer;
    }

    /// <summary>Puts a row of SQLite's into the other table.</summary>
    public void Write(DbDataReader row, NpgsqlBinaryImporter importer)
    {
        importer.StartRow();
        for (var i = 0; i < Columns.Count; i++)
        {
            if (row.IsDBNull(i)) importer.WriteNull();
            else importer.Write(ValueOf(row, i), Columns[i].Type);
        }
    }

    /// <returns>The column in which a row of SQLite's and one of PostgreSQL's differ; null: they are the same.</returns>
    public string? Difference(DbDataReader embedded, DbDataReader shared)
    {
        for (var i = 0; i < Columns.Count; i++)
        {
            if (!IsSame(embedded, shared, i)) return Columns[i].Name;
        }

        return null;
    }

    bool IsSame(DbDataReader embedded, DbDataReader shared, int column)
    {
        if (embedded.IsDBNull(column) || shared.IsDBNull(column)) return embedded.IsDBNull(column) && shared.IsDBNull(column);
        return (ValueOf(embedded, column), shared.GetValue(column)) switch
        {
            (byte[] one, byte[] other) => one.AsSpan().SequenceEqual(other),
            (string one, string other) when Columns[column].Type == NpgsqlDbType.Jsonb => JsonNode.DeepEquals(JsonNode.Parse(one), JsonNode.Parse(other)),
            var (one, other) => one.Equals(other),
        };
    }

    /// <summary>As PostgreSQL has it: SQLite knows whole numbers of one size, no truth values, and texts with a NUL.</summary>
    object ValueOf(DbDataReader row, int column) => Columns[column].Type switch
    {
        NpgsqlDbType.Bigint => row.GetInt64(column),
        NpgsqlDbType.Integer => row.GetInt32(column),
        NpgsqlDbType.Boolean => row.GetInt64(column) != 0,
        NpgsqlDbType.Bytea => row.GetFieldValue<byte[]>(column),
        _ => NoNul.Of(row.GetString(column)),
    };
}
