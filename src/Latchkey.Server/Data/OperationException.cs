namespace Latchkey.Server.Data;

/// <summary>Why an operation was not done.</summary>
enum OperationFault
{
    /// <summary>What was asked cannot be: 422.</summary>
    Invalid,
    NotFound,

    /// <summary>It contradicts what is there already.</summary>
    Conflict,

    /// <summary>The actor may not.</summary>
    Forbidden,

    /// <summary>The operator gives the password or the second factor again first.</summary>
    ConfirmationNeeded,

    /// <summary>It was changed meanwhile: <c>If-Match</c> names another state.</summary>
    PreconditionFailed,
    TooLarge,
    NoSpace,
}

/// <summary>One wrong field. <paramref name="Pointer"/> is a JSON pointer into the request, as <c>/domains/0</c>.</summary>
sealed record FieldFault(string Pointer, string Detail);

/// <summary>Somebody asked for what cannot be; the message is a sentence that says what to do instead.</summary>
/// <param name="message">The same for the command line, the API and the panel.</param>
class OperationException(string message) : Exception(message)
{
    public OperationFault Fault { get; init; } = OperationFault.Invalid;

    /// <summary>For programs; never changes.</summary>
    public string Code { get; init; } = "INVALID";

    public IReadOnlyList<FieldFault> Fields { get; init; } = [];

    /// <summary>What helps on the command line alone.</summary>
    public string? Hint { get; init; }

    public static OperationException Missing(string what, string id, string? hint = null) =>
        new($"There is no {what} {id}.") { Fault = OperationFault.NotFound, Code = $"{what.Replace(' ', '_').ToUpperInvariant()}_NOT_FOUND", Hint = hint };

    public static OperationException Conflict(string code, string message, string? hint = null) =>
        new(message) { Fault = OperationFault.Conflict, Code = code, Hint = hint };

    public static OperationException Invalid(string pointer, string message, string? hint = null) =>
        new(message) { Code = "VALIDATION_FAILED", Fields = [new FieldFault(pointer, message)], Hint = hint };

    /// <summary>Every wrong field at once.</summary>
    public static OperationException Invalid(IReadOnlyList<FieldFault> fields) =>
        new(string.Join(" ", fields.Select(field => field.Detail))) { Code = "VALIDATION_FAILED", Fields = fields };
}

/// <summary>Gathers what is wrong with a request, field by field.</summary>
sealed class Faults
{
    readonly List<FieldFault> _found = [];

    public void Add(string pointer, string detail) => _found.Add(new FieldFault(pointer, detail));

    public void Unless(bool isRight, string pointer, string detail)
    {
        if (!isRight) Add(pointer, detail);
    }

    /// <exception cref="OperationException">Something is wrong.</exception>
    public void Throw()
    {
        if (_found.Count > 0) throw OperationException.Invalid(_found);
    }
}
