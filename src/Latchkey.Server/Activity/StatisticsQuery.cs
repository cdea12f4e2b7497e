using System.Data.Common;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;

namespace Latchkey.Server.Activity;

/// <summary>Hand-written questions, which EF would ask in a slower way.</summary>
static class StatisticsQuery
{
    /// <param name="work">Whose connection it is.</param>
    /// <param name="sql">Its parameters are <c>$1</c>, <c>$2</c>, … in order.</param>
    /// <param name="read">Reads one row.</param>
    /// <param name="values">Times as <see cref="DateTimeOffset"/>.</param>
    public static List<T> Query<T>(this UnitOfWork work, string sql, Func<DbDataReader, T> read, params ReadOnlySpan<object?> values)
    {
        using var command = work.Connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++)
        {
            var value = values[i] is DateTimeOffset time ? UnixMicroseconds.From(time) : values[i];
            command.Parameters.Add(work.Database.Parameter(i + 1, value));
        }

        using var rows = command.ExecuteReader();
        var all = new List<T>();
        while (rows.Read()) all.Add(read(rows));
        return all;
    }

    public static DateTimeOffset Time(this DbDataReader row, int column) => UnixMicroseconds.To(row.GetInt64(column));
}
