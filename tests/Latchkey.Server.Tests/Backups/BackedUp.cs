using Latchkey.Server.Backups;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Backups;

/// <summary>What the tests of backups share.</summary>
static class BackedUp
{
    public const string Passphrase = "correct horse battery staple";
    public static readonly (string Name, string Value) Variable = ("LATCHKEY_BACKUP_PASSPHRASE", Passphrase);

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static Task<CliResult> Cli(string[] arguments, params (string Name, string Value)[] more) => Support.Cli.Run(arguments, [Variable, .. more]);

    public static async Task<System.Text.Json.JsonElement> Done(string[] arguments, params (string Name, string Value)[] more)
    {
        var result = await Cli([.. arguments, "--json"], more);
        Assert.True(result.Status == 0, $"{string.Join(' ', arguments)}: {result.Error}");
        return Shop.Document(result.Output);
    }

    public static Settings SettingsFor(string data, params (string Name, string Value)[] more) => Settings.Read(
        new ConfigurationBuilder().AddInMemoryCollection([new("Data", data), .. more.Select(one => new KeyValuePair<string, string?>(one.Name, one.Value))]).Build(), out _);

    /// <summary>As the command does it, in this process.</summary>
    public static async Task<MadeBackup> Make(TestServer server, string to, bool hasFiles = true)
    {
        using var place = BackupPlaces.Of(to, SettingsFor(server.Data.Path));
        return await new MakeBackup(server.Data, DataDirectory.SecretsDirectory(server.Data.Path), hasFiles, server.Clock).Run(place, Passphrase, Stop);
    }

    public static async Task<RestoredBackup> Restore(string from, string data, string passphrase = Passphrase, params (string Name, string Value)[] more)
    {
        var settings = SettingsFor(data, more);
        using var place = BackupPlaces.Of(from, settings);
        var backup = await OpenBackup.Find(place, null, () => passphrase, Stop);
        return await new RestoreBackup(backup, settings, TimeProvider.System).Run(Stop);
    }

    /// <summary>All files of a directory, with their contents' lengths.</summary>
    public static string[] FilesOf(string directory) => [.. Directory.GetFiles(directory, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>Every row of a table of an SQLite file, as text.</summary>
    public static string[] Rows(string file, string table)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={file};Mode=ReadOnly;Pooling=False");
        connection.Open();
        return Rows(connection, table);
    }

    /// <summary>Every row of a table, as text.</summary>
    public static string[] Rows(System.Data.Common.DbConnection connection, string table)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT * FROM {table} ORDER BY 1, 2";
        using var rows = command.ExecuteReader();
        var all = new List<string>();
        while (rows.Read()) all.Add(string.Join('|', Enumerable.Range(0, rows.FieldCount).Select(i => $"{rows.GetName(i)}={(rows.GetValue(i) is byte[] bytes ? Convert.ToHexString(bytes) : rows.GetValue(i))}").Order(StringComparer.Ordinal)));
        return [.. all];
    }
}
