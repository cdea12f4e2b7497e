using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Latchkey.Server.Http;

/// <summary>Not part of a resource's state: a secret that is shown once, or what changes by itself.</summary>
[AttributeUsage(AttributeTargets.Property)]
sealed class OutsideStateAttribute : Attribute;

/// <summary>JSON as all of our documents are: the wire's snake_case.</summary>
static class SnakeJson
{
    /// <summary>For requests and answers.</summary>
    public static readonly JsonSerializerOptions Options = Make(_ => { });

    /// <summary>Indented, for a terminal.</summary>
    public static readonly JsonSerializerOptions Indented = new(Options) { WriteIndented = true };

    /// <summary>What a resource is: without secrets, and without what changes by itself. For entity tags and the audit trail.</summary>
    public static readonly JsonSerializerOptions State = Make(OnlyState);

    public static void Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DictionaryKeyPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.AllowDuplicateProperties = false;
        options.MaxDepth = 8;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.NumberHandling = JsonNumberHandling.Strict;
    }

    static JsonSerializerOptions Make(Action<JsonTypeInfo> modify)
    {
        var options = new JsonSerializerOptions { TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { modify } } };
        Apply(options);
        return options;
    }

    static void OnlyState(JsonTypeInfo type)
    {
        for (var i = type.Properties.Count - 1; i >= 0; i--)
        {
            if (type.Properties[i].AttributeProvider?.IsDefined(typeof(OutsideStateAttribute), inherit: true) == true) type.Properties.RemoveAt(i);
        }
    }
}
