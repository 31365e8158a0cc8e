// Resolved WIT: packages, interfaces, worlds and types that refer to each other as objects. Order is kept everywhere, since it is the order of what is encoded and printed.
//
// Invariants of what WitResolver hands out: no name is left to look up, nothing that a gate excludes is left, each world is elaborated (WorldElaboration), and no type contains itself.
namespace Tarn.Wasm.Wit;

/// <summary>Since when something is there, or the feature that it is part of.</summary>
/// <param name="Since">The version that it is stable since, or null.</param>
/// <param name="Feature">The feature that it is part of while it is unstable, or null.</param>
/// <param name="Deprecated">The version that it is deprecated since, or null.</param>
internal readonly record struct WitStability(string? Since, string? Feature, string? Deprecated);

/// <summary>A package.</summary>
internal sealed class WitPackage(WitPackageName name)
{
    public WitPackageName Name { get; set; } = name;

    public string? Docs { get; set; }

    public OrderedDictionary<string, WitInterface> Interfaces { get; } = new(StringComparer.Ordinal);

    public OrderedDictionary<string, WitWorld> Worlds { get; } = new(StringComparer.Ordinal);

    /// <summary>Interfaces and worlds that a gate excludes, by name: only what is excluded too may refer to them.</summary>
    public Dictionary<string, object> Excluded { get; } = new(StringComparer.Ordinal);
}

/// <summary>An interface. One that is written in a world has no name.</summary>
internal sealed class WitInterface(WitPackage package, string? name)
{
    public WitPackage Package { get; } = package;

    public string? Name { get; } = name;

    public string? Docs { get; set; }

    public WitStability Stability { get; set; }

    public WitSpan Span { get; set; }

    /// <summary>Whether a gate excludes it.</summary>
    public bool IsExcluded { get; set; }

    public OrderedDictionary<string, WitTypeDef> Types { get; } = new(StringComparer.Ordinal);

    public OrderedDictionary<string, WitFunction> Functions { get; } = new(StringComparer.Ordinal);

    /// <summary>Types that a gate excludes: only what is excluded too may refer to them.</summary>
    public Dictionary<string, WitTypeDef> ExcludedTypes { get; } = new(StringComparer.Ordinal);

    /// <summary>Finds a type, be it excluded or not.</summary>
    public WitTypeDef? FindType(string name) => Types.GetValueOrDefault(name) ?? ExcludedTypes.GetValueOrDefault(name);

    /// <summary>The name with package and version, or null without a name.</summary>
    public string? Id => Name is null ? null : Package.Name.Member(Name);
}

/// <summary>Under what a world has an import or export: a name, or an interface that is its own name.</summary>
internal readonly record struct WitKey(string? Name, WitInterface? Interface)
{
    public WitKey(string name)
        : this(name, null)
    {
    }

    public WitKey(WitInterface item)
        : this(null, item)
    {
    }

    /// <inheritdoc/>
    public override string ToString() => Name ?? Interface!.Id!;
}

/// <summary>An import or export: one of interface, function and type is not null.</summary>
internal sealed record WitWorldItem(WitInterface? Interface, WitFunction? Function, WitTypeDef? Type, WitStability Stability, WitSpan Span, string? Docs)
{
    /// <summary>The word for what it is.</summary>
    public string Describe() => Interface is not null ? "interface" : Function is not null ? "func" : "type";
}

/// <summary>A world.</summary>
internal sealed class WitWorld(WitPackage package, string name)
{
    public WitPackage Package { get; } = package;

    public string Name { get; set; } = name;

    public string? Docs { get; set; }

    public WitStability Stability { get; set; }

    public WitSpan Span { get; set; }

    /// <summary>Whether a gate excludes it.</summary>
    public bool IsExcluded { get; set; }

    public OrderedDictionary<WitKey, WitWorldItem> Imports { get; set; } = [];

    public OrderedDictionary<WitKey, WitWorldItem> Exports { get; set; } = [];

    /// <summary>The name with package and version.</summary>
    public string Id => Package.Name.Member(Name);
}

/// <summary>A type where it is used: primitive, or a definition.</summary>
/// <param name="Primitive">The kind of a primitive type.</param>
/// <param name="Definition">The definition, or null for a primitive type.</param>
internal readonly record struct WitType(WitTypeKind Primitive, WitTypeDef? Definition)
{
    public WitType(WitTypeDef definition)
        : this(default, definition)
    {
    }

    public WitTypeKind Kind => Definition?.Kind ?? Primitive;
}

/// <summary>A type definition. One without a name is written where it is used.</summary>
internal sealed class WitTypeDef(WitTypeKind kind, string? name, object? owner)
{
    private WitType?[] _types = [];

    /// <summary>Whether a value of the type holds a borrowed handle.</summary>
    public bool ContainsBorrow { get; private set; } = kind == WitTypeKind.Borrow;

    /// <summary>How many definitions are within each other in it. Bounded by the resolver, so that passes over types may recurse.</summary>
    public int Depth { get; private set; } = 1;

    public WitTypeKind Kind { get; } = kind;

    public string? Name { get; set; } = name;

    /// <summary>The interface or world that has the type under its name; null for a type without a name.</summary>
    public object? Owner { get; set; } = owner;

    public string? Docs { get; set; }

    public WitStability Stability { get; set; }

    public WitSpan Span { get; set; }

    /// <summary>Whether a gate excludes it.</summary>
    public bool IsExcluded { get; set; }

    /// <summary>Types of fields, payloads, elements; the other type of an alias; the resource of a handle. Null where there is no payload.</summary>
    public WitType?[] Types
    {
        get => _types;
        set
        {
            _types = value;
            foreach (WitType? type in value)
            {
                if (type?.Definition is not WitTypeDef inner)
                    continue;
                Depth = Math.Max(Depth, inner.Depth + 1);
                ContainsBorrow |= inner.ContainsBorrow && Kind != WitTypeKind.Own;
            }
        }
    }

    /// <summary>Names of fields, cases and flags.</summary>
    public string[] Names { get; init; } = [];

    /// <summary>Documentation of fields, cases and flags.</summary>
    public string?[] MemberDocs { get; init; } = [];

    /// <summary>Where fields, cases and flags are written.</summary>
    public WitSpan[] MemberSpans { get; init; } = [];

    /// <summary>The length of a list of a fixed length.</summary>
    public uint Length { get; init; }

    /// <summary>The definition behind all aliases.</summary>
    public WitTypeDef Target
    {
        get
        {
            WitTypeDef at = this;
            while (at.Kind == WitTypeKind.Named && at.Types[0]!.Value.Definition is WitTypeDef next)
                at = next;
            return at;
        }
    }

    /// <summary>The interface that an alias takes its type from, where it is another one.</summary>
    public WitInterface? UsedFrom => Kind == WitTypeKind.Named && Types[0]!.Value.Definition is { } other && other.Owner != Owner ? other.Owner as WitInterface : null;
}

/// <summary>A parameter.</summary>
internal readonly record struct WitParameter(string Name, WitType Type);

/// <summary>A function.</summary>
/// <param name="Name">The name as components have it, such as <c>[method]r.f</c>.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="IsAsync">Whether it is asynchronous.</param>
/// <param name="Resource">The resource of a method, static function or constructor.</param>
/// <param name="Parameters">Its parameters; the first one of a method is a borrowed handle, <c>self</c>.</param>
/// <param name="Result">The type of its result, or null.</param>
internal sealed record WitFunction(string Name, WitFunctionKind Kind, bool IsAsync, WitTypeDef? Resource, WitParameter[] Parameters, WitType? Result)
{
    public string? Docs { get; init; }

    public WitStability Stability { get; init; }

    public WitSpan Span { get; init; }

    /// <summary>The name in WIT, without resource and annotation.</summary>
    public string ItemName => Kind is WitFunctionKind.Method or WitFunctionKind.Static ? Name[(Name.IndexOf('.', StringComparison.Ordinal) + 1)..] : Name;

    /// <summary>Parameters' types and the result's.</summary>
    public IEnumerable<WitType> AllTypes()
    {
        foreach (WitParameter parameter in Parameters)
            yield return parameter.Type;
        if (Result is WitType result)
            yield return result;
    }
}
