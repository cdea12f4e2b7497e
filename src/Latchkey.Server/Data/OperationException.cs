namespace Latchkey.Server.Data;

/// <summary>An operator asked for what cannot be; the message is a sentence that says what to do instead.</summary>
sealed class OperationException(string message) : Exception(message);
