using Latchkey.Server.Data;

namespace Latchkey.Server.Configuration;

/// <summary>Where rows are kept.</summary>
/// <param name="ConnectionString">Of PostgreSQL; null is the embedded database.</param>
/// <param name="MigrateOnStart">The server brings a shared database to its own schema; else <c>latchkey migrate</c> does.</param>
sealed record DatabaseSettings(string? ConnectionString, bool MigrateOnStart)
{
    public static readonly DatabaseSettings Embedded = new(null, true);

    public bool IsPostgreSql => ConnectionString is not null;

    public static DatabaseSettings Read(SettingsReader from)
    {
        var isPostgreSql = from.OneOf("Database:Provider", "Sqlite", "Sqlite", "PostgreSql") == "PostgreSql";
        var connection = from.TextOrNull("Database:ConnectionString");
        var migrate = from.OneOf("Database:MigrateOnStart", "false", "true", "false") == "true";
        if (!isPostgreSql)
        {
            if (connection is not null) from.Add("Database:ConnectionString is set, but Database:Provider is not PostgreSql: set that too, or remove it.");
            return Embedded;
        }

        if (connection is null) from.Add("Database:Provider is \"PostgreSql\", which needs Database:ConnectionString, as Host=db.example.com;Database=latchkey;Username=latchkey;Password=…");
        else if (Fault(connection) is { } fault) from.Add($"Database:ConnectionString cannot be read: {fault}. It must be as Host=db.example.com;Database=latchkey;Username=latchkey;Password=…");
        return new DatabaseSettings(connection ?? "", migrate);
    }

    /// <summary>What is wrong with it, without what stands in it.</summary>
    static string? Fault(string connection)
    {
        try
        {
            return string.IsNullOrEmpty(PostgreSqlDatabase.WithDefaults(connection).Host) ? "it names no Host" : null;
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException or InvalidCastException or KeyNotFoundException)
        {
            return failure is ArgumentException { ParamName: { } name } ? $"\"{name}\" is not known or has a wrong value" : "it is not a list of Name=Value with semicolons between";
        }
    }
}
