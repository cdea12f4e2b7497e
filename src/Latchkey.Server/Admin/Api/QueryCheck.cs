using System.Globalization;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.AspNetCore.Http.Metadata;

namespace Latchkey.Server.Admin.Api;

/// <summary>Holds a query string against what the endpoint takes, before anything is bound: a misspelled filter would silently select everything.</summary>
static class QueryCheck
{
    sealed record Parameter(string Name, Type Type);

    public static Refusal? Fault(HttpContext context, RouteEndpoint endpoint)
    {
        var query = context.Request.Query;
        if (query.Count == 0) return null;
        var known = Of(endpoint);
        if (query.Keys.FirstOrDefault(name => Find(known, name) is null) is { } unknown) return Unknown(unknown, known);
        var faults = query.Select(pair => Fault(Find(known, pair.Key)!, pair.Value)).OfType<FieldFault>().ToList();
        return faults.Count == 0 ? null : AdminDoor.RefusalOf(OperationException.Invalid(faults));
    }

    static Parameter? Find(List<Parameter> known, string name) => known.Find(parameter => parameter.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    static Refusal Unknown(string name, List<Parameter> known) =>
        new(400, "INVALID_REQUEST", known.Count == 0 ? "This endpoint takes no query parameters" : $"There is no query parameter of this name; there are: {string.Join(", ", known.Select(k => k.Name))}")
        {
            Fields = [new FieldFault(name, "This endpoint does not take it.")],

            // Nothing a client spelled reaches the log.
            Cause = "unknown query parameter",
        };

    static FieldFault? Fault(Parameter parameter, Microsoft.Extensions.Primitives.StringValues given)
    {
        if (given.Count != 1) return new FieldFault(parameter.Name, $"{parameter.Name} is given more than once.");
        if (given[0] is not { Length: > 0 } text) return null;
        if (parameter.Name != "q" && text.Contains('\0', StringComparison.Ordinal)) return new FieldFault(parameter.Name, $"{parameter.Name} has a NUL character in it.");
        var isRight = parameter.Type == typeof(long) ? long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)
            : parameter.Type == typeof(int) ? int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)
            : parameter.Type != typeof(bool) || text is "true" or "false";
        return isRight ? null : new FieldFault(parameter.Name, $"{parameter.Name} must be {(parameter.Type == typeof(bool) ? "true or false" : "a whole number")}.");
    }

    static List<Parameter> Of(RouteEndpoint endpoint) =>
        [.. endpoint.Metadata.OfType<IParameterBindingMetadata>()
            .Where(parameter => !endpoint.RoutePattern.Parameters.Any(p => p.Name.Equals(parameter.Name, StringComparison.OrdinalIgnoreCase)))
            .Select(parameter => (Name: QueryName(parameter), parameter.ParameterInfo.ParameterType)).Where(parameter => parameter.Name is not null)
            .Select(parameter => new Parameter(parameter.Name!, Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType))];

    static string? QueryName(IParameterBindingMetadata parameter)
    {
        var query = parameter.ParameterInfo.GetCustomAttributes(inherit: true).OfType<IFromQueryMetadata>().FirstOrDefault();
        return query is not null ? query.Name ?? parameter.Name
            : parameter.HasTryParse || parameter.ParameterInfo.ParameterType == typeof(string) ? parameter.Name
            : null;
    }
}
