// Resolves the types and functions of one interface, or of one world, which is a scope of types like an interface.
//
// Names are defined in the order: used types, own types in the order in which they need each other, functions. A type that is found in the scope is therefore complete.
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Wit;

/// <summary>A scope of types.</summary>
/// <param name="owner">The interface or world.</param>
internal sealed class TypeResolver(object owner)
{
    private readonly OrderedDictionary<string, WitTypeDef> _types = new(StringComparer.Ordinal);
    private readonly HashSet<string> _functions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WitTypeDef> _anonymous = new(StringComparer.Ordinal);
    private readonly Dictionary<WitTypeDef, int> _numbers = new(ReferenceEqualityComparer.Instance);

    /// <summary>The types by name, in their order.</summary>
    public OrderedDictionary<string, WitTypeDef> Types => _types;

    /// <summary>Defines a used type.</summary>
    public void Use(in UseNameSyntax name, WitInterface from, in WitStability stability, bool isForeign)
    {
        if (from.FindType(name.Name.Text) is not WitTypeDef type)
        {
            if (!isForeign && from.Functions.ContainsKey(name.Name.Text))
                throw name.Name.Span.Error($"`{name.Name.Text}` is a function and cannot be used.");
            throw name.Name.Span.Error($"There is no type `{name.Name.Text}` in the interface.");
        }

        Define(name.As, new WitTypeDef(WitTypeKind.Named, name.As.Text, owner) { Types = [new WitType(type)], Stability = stability, Span = name.As.Span });
    }

    /// <summary>Defines the own types.</summary>
    public void Define(IReadOnlyList<TypeDefSyntax> definitions)
    {
        OrderedDictionary<string, List<WitName>> needs = new(StringComparer.Ordinal);
        foreach (string used in _types.Keys)
            needs.Add(used, []);
        Dictionary<string, TypeDefSyntax> syntax = new(StringComparer.Ordinal);
        foreach (TypeDefSyntax definition in definitions)
        {
            List<WitName> list = [];
            if (!needs.TryAdd(definition.Name.Text, list))
                throw definition.Name.Span.Error($"The name `{definition.Name.Text}` is defined more than once.");
            syntax.Add(definition.Name.Text, definition);
            CollectNames(definition.Alias, list);
            foreach (MemberSyntax member in definition.Members)
                CollectNames(member.Type, list);
        }

        foreach (string name in StableOrder.Sort(needs, need => need.Span.Error($"There is no type `{need.Text}`."), need => need.Span.Error($"The type `{need.Text}` depends on itself.")))
        {
            if (syntax.TryGetValue(name, out TypeDefSyntax? definition))
                Define(definition.Name, Resolve(definition));
        }
    }

    /// <summary>Takes the name of a function.</summary>
    public void DefineFunction(in WitName name)
    {
        if (_types.ContainsKey(name.Text) || !_functions.Add(name.Text))
            throw name.Span.Error($"The name `{name.Text}` is defined more than once.");
        CheckCase(name);
    }

    /// <summary>Resolves a function that is none of a resource.</summary>
    public WitFunction Function(FunctionSyntax function) =>
        Finish(function, function.Name.Text, null, Parameters(function), function.Result is null ? null : Resolve(function.Result));

    /// <summary>Resolves the functions of a resource.</summary>
    public List<WitFunction> ResourceFunctions(TypeDefSyntax definition)
    {
        WitTypeDef resource = _types[definition.Name.Text];
        List<WitFunction> functions = [];
        HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
        foreach (FunctionSyntax function in definition.Functions)
        {
            if (!names.Add(function.Kind == WitFunctionKind.Constructor ? "[constructor]" : function.Name.Text))
                throw function.Name.Span.Error(function.Kind == WitFunctionKind.Constructor ? "The resource has more than one constructor." : $"The resource has more than one function `{function.Name.Text}`.");
            List<WitParameter> parameters = Parameters(function);
            WitType? result = function.Result is null ? null : Resolve(function.Result);
            string name = function.Kind switch
            {
                WitFunctionKind.Constructor => $"[constructor]{definition.Name.Text}",
                WitFunctionKind.Method => $"[method]{definition.Name.Text}.{function.Name.Text}",
                _ => $"[static]{definition.Name.Text}.{function.Name.Text}",
            };
            if (function.Kind == WitFunctionKind.Method)
                parameters.Insert(0, new WitParameter("self", Anonymous(WitTypeKind.Borrow, [new WitType(resource)])));
            if (function.Kind == WitFunctionKind.Constructor)
                result = ConstructorResult(function, resource, result);
            functions.Add(Finish(function, name, resource, parameters, result));
        }

        return functions;
    }

    /// <summary>Resolves a type where it is used.</summary>
    public WitType Resolve(TypeSyntaxNode node)
    {
        if (node.Kind.IsPrimitive())
            return new WitType(node.Kind, null);
        switch (node.Kind)
        {
            case WitTypeKind.Named:
                WitTypeDef named = Find(node.Name);
                // A resource by its name is an owned handle.
                return named.Target.Kind == WitTypeKind.Resource ? Anonymous(WitTypeKind.Own, [new WitType(named)]) : new WitType(named);
            case WitTypeKind.Own or WitTypeKind.Borrow:
                return Anonymous(node.Kind, [new WitType(Resource(node))]);
            default:
                CheckKey(node);
                return Anonymous(node.Kind, Arguments(node), node.Length);
        }
    }

    /// <summary>What a name without package and version is stable since.</summary>
    public static WitStability Stability(in AttributesSyntax attributes)
    {
        string? since = null, feature = null, deprecated = null;
        foreach (AttributeSyntax attribute in attributes.List)
        {
            switch (attribute.Name)
            {
                case "since":
                    since = attribute.Value;
                    break;
                case "unstable":
                    feature = attribute.Value;
                    break;
                default:
                    deprecated = attribute.Value;
                    break;
            }
        }

        return new WitStability(since, feature, deprecated);
    }

    private WitFunction Finish(FunctionSyntax function, string name, WitTypeDef? resource, List<WitParameter> parameters, WitType? result)
    {
        if (result?.Definition is { ContainsBorrow: true })
            throw function.Name.Span.Error($"The function `{name}` returns a type that contains a borrowed handle.");
        return new WitFunction(name, function.Kind, function.IsAsync, resource, [.. parameters], result)
        {
            Docs = function.Attributes.Docs,
            Stability = Stability(function.Attributes),
            Span = function.Name.Span,
        };
    }

    private List<WitParameter> Parameters(FunctionSyntax function)
    {
        List<WitParameter> parameters = [];
        HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
        if (function.Kind == WitFunctionKind.Method)
            names.Add("self");
        foreach ((WitName name, TypeSyntaxNode type) in function.Parameters)
        {
            if (!names.Add(name.Text))
                throw name.Span.Error($"The parameter `{name.Text}` is defined more than once.");
            parameters.Add(new WitParameter(name.Text, Resolve(type)));
        }

        return parameters;
    }

    private WitType ConstructorResult(FunctionSyntax function, WitTypeDef resource, WitType? result)
    {
        if (result is null)
            return Anonymous(WitTypeKind.Own, [new WitType(resource)]);
        TypeSyntaxNode node = function.Result!;
        if (node.Kind != WitTypeKind.Result)
            throw node.Span.Error("The result of a constructor is the resource, or a `result` with it.");
        WitTypeDef? success = result.Value.Definition!.Types[0]?.Definition;
        if (success is not { Kind: WitTypeKind.Own } || success.Types[0]!.Value.Definition != resource)
            throw (node.Arguments[0]?.Span ?? node.Span).Error("The successful result of a constructor is the resource that it constructs.");
        return result.Value;
    }

    // A type without a name is one type wherever it is written in the scope, as it is one in the encoding.
    private WitType Anonymous(WitTypeKind kind, WitType?[] types, uint length = 0)
    {
        string key = $"{kind} {length} {string.Join(' ', types.Select(type => type is not WitType part ? "_" : part.Definition is null ? part.Primitive.ToString() : Number(part.Definition).ToString()))}";
        if (!_anonymous.TryGetValue(key, out WitTypeDef? known))
            _anonymous.Add(key, known = new WitTypeDef(kind, null, null) { Types = types, Length = length });
        return new WitType(known);
    }

    private int Number(WitTypeDef type)
    {
        if (!_numbers.TryGetValue(type, out int number))
            _numbers.Add(type, number = _numbers.Count);
        return number;
    }

    private void Define(in WitName name, WitTypeDef type)
    {
        if (!_types.TryAdd(name.Text, type))
            throw name.Span.Error($"The name `{name.Text}` is defined more than once.");
        if (type.Depth > ComponentLimits.TypeDepth)
            throw name.Span.Error($"The type `{name.Text}` is nested too deeply: the limit is {ComponentLimits.TypeDepth} types within each other.");
        CheckCase(name);
    }

    // Names of components are compared without regard to case.
    private void CheckCase(in WitName name)
    {
        string key = name.Text.ToLowerInvariant();
        if (!_names.TryAdd(key, name.Text) && _names[key] != name.Text)
            throw name.Span.Error($"The name `{name.Text}` conflicts with `{_names[key]}`: names are compared without regard to case.");
    }

    private WitTypeDef Find(in WitName name)
    {
        if (_types.TryGetValue(name.Text, out WitTypeDef? type))
            return type;
        throw name.Span.Error(_functions.Contains(name.Text) ? $"`{name.Text}` is a function, expected a type." : $"There is no name `{name.Text}`.");
    }

    private WitTypeDef Resource(TypeSyntaxNode node)
    {
        WitTypeDef type = Find(node.Name);
        if (type.Target.Kind != WitTypeKind.Resource)
            throw node.Name.Span.Error($"The type `{node.Name.Text}` in a handle is not a resource.");
        return type;
    }

    private void CheckKey(TypeSyntaxNode node)
    {
        if (node.Kind != WitTypeKind.Map)
            return;
        WitType key = Resolve(node.Arguments[0]!);
        WitTypeKind kind = key.Definition?.Target is { Kind: WitTypeKind.Named } alias ? alias.Types[0]!.Value.Primitive : key.Kind;
        if (!kind.IsPrimitive() || kind is WitTypeKind.F32 or WitTypeKind.F64 or WitTypeKind.ErrorContext)
            throw node.Span.Error("The key of a map is of type bool, char, string, or an integer.");
    }

    private WitType?[] Arguments(TypeSyntaxNode node)
    {
        WitType?[] types = new WitType?[node.Arguments.Length];
        for (int i = 0; i < types.Length; i++)
            types[i] = node.Arguments[i] is TypeSyntaxNode argument ? Resolve(argument) : null;
        return types;
    }

    private WitTypeDef Resolve(TypeDefSyntax definition)
    {
        string name = definition.Name.Text;
        WitTypeDef type;
        switch (definition.Kind)
        {
            case TypeDefSyntaxKind.Alias when definition.Alias!.Kind.IsPrimitive():
                type = new WitTypeDef(WitTypeKind.Named, name, owner) { Types = [new WitType(definition.Alias.Kind, null)] };
                break;
            case TypeDefSyntaxKind.Alias when definition.Alias!.Kind == WitTypeKind.Named:
                type = new WitTypeDef(WitTypeKind.Named, name, owner) { Types = [new WitType(Find(definition.Alias.Name))] };
                break;
            case TypeDefSyntaxKind.Alias:
                WitTypeDef inner = Resolve(definition.Alias!).Definition!;
                type = new WitTypeDef(inner.Kind, name, owner) { Types = inner.Types, Length = inner.Length };
                break;
            case TypeDefSyntaxKind.Resource:
                type = new WitTypeDef(WitTypeKind.Resource, name, owner);
                break;
            default:
                type = Members(definition);
                break;
        }

        type.Docs = definition.Attributes.Docs;
        type.Stability = Stability(definition.Attributes);
        type.Span = definition.Name.Span;
        return type;
    }

    private WitTypeDef Members(TypeDefSyntax definition)
    {
        WitTypeKind kind = definition.Kind switch
        {
            TypeDefSyntaxKind.Record => WitTypeKind.Record,
            TypeDefSyntaxKind.Variant => WitTypeKind.Variant,
            TypeDefSyntaxKind.Flags => WitTypeKind.Flags,
            _ => WitTypeKind.Enum,
        };
        if (definition.Members.Length == 0 && kind is WitTypeKind.Variant or WitTypeKind.Enum)
            throw definition.Name.Span.Error($"The {kind.Keyword()} `{definition.Name.Text}` has no cases.");
        HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
        foreach (MemberSyntax member in definition.Members)
        {
            if (!names.Add(member.Name.Text))
                throw member.Name.Span.Error($"The name `{member.Name.Text}` is defined more than once.");
        }

        return new WitTypeDef(kind, definition.Name.Text, owner)
        {
            Names = [.. definition.Members.Select(member => member.Name.Text)],
            Types = [.. definition.Members.Select(member => member.Type is null ? (WitType?)null : Resolve(member.Type))],
            MemberDocs = [.. definition.Members.Select(member => member.Docs)],
            MemberSpans = [.. definition.Members.Select(member => member.Name.Span)],
        };
    }

    private static void CollectNames(TypeSyntaxNode? node, List<WitName> names)
    {
        if (node is null)
            return;
        if (node.Kind is WitTypeKind.Named or WitTypeKind.Own or WitTypeKind.Borrow)
            names.Add(node.Name);
        foreach (TypeSyntaxNode? argument in node.Arguments)
            CollectNames(argument, names);
    }
}
