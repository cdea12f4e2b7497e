using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace Latchkey.Server.Data;

/// <summary>A key that cookies and forms of the panel are protected with, encrypted under the installation's own.</summary>
sealed class SealedKey
{
    public required string Name { get; set; }
    public required byte[] Body { get; set; }
}

/// <summary>The panel's keys in the database, so that every node reads what another has signed.</summary>
sealed class SealedKeys(Database database, Secrets secrets) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var connection = database.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT name, body FROM sealed_keys";
        using var rows = command.ExecuteReader();
        var all = new List<XElement>();
        while (rows.Read()) all.Add(XElement.Parse(secrets.Open((byte[])rows[1], secrets.Hash(rows.GetString(0)))));
        return all;
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var connection = database.Open();
        using var session = new WriteSession(database, connection);
        session.Execute("INSERT INTO sealed_keys (name, body) VALUES ($1, $2)", friendlyName, secrets.Seal(element.ToString(SaveOptions.DisableFormatting), secrets.Hash(friendlyName)));
    }
}
