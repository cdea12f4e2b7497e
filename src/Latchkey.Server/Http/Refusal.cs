using System.Text.Json;

namespace Latchkey.Server.Http;

/// <summary>An answer that says no: a status, the wire's code, a sentence; its body is encoded once.</summary>
sealed class Refusal(int status, string code, string message)
{
    public int Status { get; } = status;
    public string Code { get; } = code;
    public string Message { get; } = message;

    /// <summary>Value of <c>WWW-Authenticate</c>, on 401 only.</summary>
    public string? Challenge { get; init; }

    /// <summary>What the log says, where it knows more than the client may.</summary>
    public string? Cause { get; init; }

    /// <summary>The same to the client; to the log, also why.</summary>
    public Refusal Because(string cause) => new(Status, Code, Message) { Challenge = Challenge, RetryAfter = RetryAfter, Allow = Allow, Cause = cause };

    /// <summary>Whole seconds for <c>Retry-After</c>, where trying again later can help.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>The wrong fields of a request to the admin API.</summary>
    public IReadOnlyList<Data.FieldFault> Fields { get; init; } = [];

    /// <summary>Methods for <c>Allow</c>, on 405 only.</summary>
    public string? Allow { get; init; }

    public byte[] Body { get; } = Encode(message, code);

    static byte[] Encode(string message, string code)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Wire.Json))
        {
            json.WriteStartObject();
            json.WriteBoolean("success", false);
            json.WriteString("message", message);
            json.WriteString("error_code", code);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    public override string ToString() => Code;
}
