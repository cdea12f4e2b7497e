using System.Data.Common;

namespace Latchkey.Server.Data;

/// <summary>Many hand-written statements on one connection, each prepared once.</summary>
/// <param name="ownsConnection">It is closed with the session.</param>
sealed class WriteSession(Database database, DbConnection connection, bool ownsConnection = false) : IDisposable
{
    readonly Dictionary<string, DbCommand> _prepared = [];

    public void Begin() => Prepared(database.Dialect.Begin).ExecuteNonQuery();

    public void Commit() => Prepared("COMMIT").ExecuteNonQuery();

    /// <summary>Runs one statement; its parameters are <c>$1</c>, <c>$2</c>, … in order.</summary>
    /// <returns>The number of rows it changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<object?> values) => With(sql, values).ExecuteNonQuery();

    /// <returns>The first column of the first row; null where there is none.</returns>
    public object? Scalar(string sql, params ReadOnlySpan<object?> values) => With(sql, values).ExecuteScalar();

    DbCommand With(string sql, ReadOnlySpan<object?> values)
    {
        var command = Prepared(sql);
        var parameters = command.Parameters;
        for (var i = 0; i < values.Length; i++)
        {
            if (parameters.Count == i) parameters.Add(database.Parameter(i + 1, values[i]));
            else if (database.IsEmbedded) parameters[i].Value = values[i] is null or Null ? DBNull.Value : values[i];
            else parameters[i] = database.Parameter(i + 1, values[i]);
        }

        return command;
    }

    DbCommand Prepared(string sql)
    {
        if (_prepared.TryGetValue(sql, out var command)) return command;
        command = connection.CreateCommand();
        command.CommandText = sql;
        return _prepared[sql] = command;
    }

    public void Dispose()
    {
        foreach (var command in _prepared.Values) command.Dispose();
        if (ownsConnection) connection.Dispose();
    }
}
