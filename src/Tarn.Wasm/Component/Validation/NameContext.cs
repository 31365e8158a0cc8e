// The imports or the exports of a scope: their names follow the grammar, no two of them are alike, and a name that speaks of a resource ("[method]file.read") belongs to a function that
// fits and to a resource that has this name on the same side.
namespace Tarn.Wasm.Component;

/// <summary>Names with their items.</summary>
internal sealed class NameContext(ComponentTypeArena arena, WasmFeatures features)
{
    private readonly Dictionary<string, string> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<TypeNode, string> _resources = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _resourceNames = new(StringComparer.Ordinal);
    private TypeMeasure _measure = TypeMeasure.One;

    public OrderedDictionary<string, ComponentExternType> Items { get; } = new(StringComparer.Ordinal);

    /// <summary>The size of all items.</summary>
    public TypeMeasure Measure => _measure;

    /// <summary>Adds an item under a name.</summary>
    /// <exception cref="InvalidModuleException">The name is not valid, not valid for the item, or taken.</exception>
    public void Add(in ExternName name, ComponentExternType item, bool isExport, int offset, bool namesResources = true)
    {
        string kind = isExport ? "export" : "import";
        if (namesResources && item is { Sort: ComponentSort.Type, Type: ResourceTypeNode resource })
        {
            _resources[resource] = name.Name;
            _resourceNames.Add(name.Name);
        }

        if (ComponentName.Parse(name.Name, features, out ComponentName parsed) is string problem)
            throw new InvalidModuleException($"{kind} name `{name.Name}` is not a valid extern name: {problem}", offset);
        if (isExport && parsed.Kind == ComponentNameKind.Dependency)
            throw new InvalidModuleException($"name `{name.Name}` is not a valid export name", offset);
        CheckAttributes(name, parsed, item, offset);
        if (CheckFunction(parsed, item) is string mismatch)
            throw new InvalidModuleException($"{kind} name `{name.Name}` is not valid: {mismatch}", offset);
        if (!_keys.TryAdd(parsed.Key, name.Name))
            throw new InvalidModuleException($"{kind} name `{name.Name}` conflicts with previous name `{_keys[parsed.Key]}`", offset);
        if (name.Implements is not null)
            item = item with { Implements = name.Implements };
        if (!Items.TryAdd(name.Name, item))
            throw new InvalidModuleException($"{kind} name `{name.Name}` conflicts with previous name `{name.Name}`", offset);
        _measure.Add(item);
        _measure.Check(offset);
    }

    private void CheckAttributes(in ExternName name, in ComponentName parsed, ComponentExternType item, int offset)
    {
        if (name.Implements == ComponentTypeDecoder.Twice || name.VersionSuffix == ComponentTypeDecoder.Twice || name.ExternalId == ComponentTypeDecoder.Twice)
        {
            string which = name.Implements == ComponentTypeDecoder.Twice ? "implements" : name.VersionSuffix == ComponentTypeDecoder.Twice ? "versionsuffix" : "external-id";
            throw new InvalidModuleException($"duplicate '{which}' option in name", offset);
        }

        if (name.VersionSuffix is string suffix)
        {
            Require(WasmFeatures.ComponentCanonicalNames, "`versionsuffix`", offset);
            if (item.Sort != ComponentSort.Instance)
                throw new InvalidModuleException("only instances can have an `versionsuffix`", offset);
            if (suffix.Length == 0)
                throw new InvalidModuleException("version suffix cannot be empty", offset);
            if (name.Implements is null && parsed.Kind != ComponentNameKind.Interface)
                throw new InvalidModuleException("`versionsuffix` requires an interface name or `implements`", offset);
        }

        if (name.Implements is string implements)
        {
            Require(WasmFeatures.ComponentImplements, "`implements`", offset);
            if (parsed.Kind != ComponentNameKind.Label)
                throw new InvalidModuleException($"name `{name.Name}` is not valid with `implements`", offset);
            if (item.Sort != ComponentSort.Instance)
                throw new InvalidModuleException("only instances can have an `implements`", offset);
            if (ComponentName.Parse(implements, features, out ComponentName target) is string problem)
                throw new InvalidModuleException($"`{implements}` is not a valid name: {problem}", offset);
            if (target.Kind != ComponentNameKind.Interface)
                throw new InvalidModuleException($"name `{implements}` must be an interface", offset);
            CheckVersion(target, name.VersionSuffix, offset);
        }
        else if (parsed.Kind == ComponentNameKind.Interface)
        {
            CheckVersion(parsed, name.VersionSuffix, offset);
        }

        if (name.ExternalId is not null)
            Require(WasmFeatures.ComponentImplements, "`external-id`", offset);
    }

    private void CheckVersion(in ComponentName name, string? suffix, int offset)
    {
        if (name.Version is null)
        {
            if (suffix is not null)
                throw new InvalidModuleException("invalid interface version: a version suffix requires a version", offset);
            return;
        }

        // A canonical version names the track alone, which is whole for pre-releases and for 0.0.x.
        if (SemanticVersion.Parse(name.Version + suffix, out _) is string problem)
            throw new InvalidModuleException($"invalid interface version: {problem}", offset);
    }

    private void Require(WasmFeatures feature, string what, int offset)
    {
        if ((features & feature) == 0)
            throw new InvalidModuleException($"{what} requires the feature {feature}, which is off", offset);
    }

    private string? CheckFunction(in ComponentName name, ComponentExternType item)
    {
        if (name.Kind is not (ComponentNameKind.Constructor or ComponentNameKind.Method or ComponentNameKind.Static))
            return null;
        if (item.Type is not FunctionTypeNode function || item.Sort != ComponentSort.Function)
            return "item is not a func";
        switch (name.Kind)
        {
            case ComponentNameKind.Constructor:
                if (function.IsAsync)
                    return "constructor function cannot be async";
                if (function.Result is null)
                    return "function should return one value";
                ValueTypeNode? made = function.Result.Kind == ValueTypeKind.Result ? function.Result.Types[0] : function.Result;
                return made is { Kind: ValueTypeKind.Own } ? CheckResource(made.Resource!, name.Resource) : "function should return `(own $T)` or `(result (own $T))`";
            case ComponentNameKind.Method:
                if (function.Parameters.Length == 0)
                    return "function should have at least one argument";
                if (function.Names[0] != "self")
                    return "function should have a first argument called `self`";
                return function.Parameters[0].Kind == ValueTypeKind.Borrow
                    ? CheckResource(function.Parameters[0].Resource!, name.Resource)
                    : "function should take a first argument of `(borrow $T)`";
            default:
                return _resourceNames.Contains(name.Resource) ? null : "static resource name is not known in this context";
        }
    }

    private string? CheckResource(ResourceTypeNode resource, string expected)
    {
        if (!_resources.TryGetValue(resource, out string? name))
            return "resource used in function does not have a name in this context";
        return name == expected ? null : $"function does not match expected resource name `{name}`";
    }

    /// <summary>The instance type that has these items as its exports.</summary>
    public InstanceTypeNode ToInstance(BoundResource[] resources) => new(Items, resources, _measure);

    /// <summary>The arena of the items' types.</summary>
    public ComponentTypeArena Arena => arena;
}
