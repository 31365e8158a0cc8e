// Makes WIT of a component: of one that encodes a package, and of one that runs, whose imports and exports are a world.
//
// A name for a type is an export of an instance type. The validator gives each export a node of its own that remembers what it is equal to, so that a type under a second name is found to
// be an alias, whichever interface the first name is in. Interfaces have their identity in their names: what several parts of the encoding say of one interface is put together.
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Wit;

/// <summary>What a component says in WIT.</summary>
/// <param name="Packages">All packages, of which some are known only as far as the component uses them.</param>
/// <param name="Main">The package that is encoded, or one that is made for the world.</param>
/// <param name="World">The world of a component that is not the encoding of a package.</param>
internal sealed record WitDecoded(IReadOnlyList<WitPackage> Packages, WitPackage Main, WitWorld? World);

/// <summary>Decodes WIT.</summary>
internal sealed class WitDecoder
{
    private readonly OrderedDictionary<WitPackageName, WitPackage> _packages = [];
    private readonly Dictionary<TypeNode, WitTypeDef> _types = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<ResourceId, WitTypeDef> _resources = [];
    private readonly string? _fileName;

    /// <summary>Creates a decoder; all that one decoder decodes shares its interfaces.</summary>
    public WitDecoder(string? fileName) => _fileName = fileName;

    /// <summary>Whether a file is a component, in binary or in text, and not WIT.</summary>
    public static bool IsEncoded(ReadOnlySpan<byte> bytes) => WasmComponent.IsComponent(bytes) || ComponentParser.IsComponent(bytes);

    /// <summary>Decodes a component.</summary>
    /// <param name="bytes">The component, in binary or in text.</param>
    /// <param name="fileName">Its file, for messages.</param>
    /// <exception cref="WasmException">The component is not valid.</exception>
    /// <exception cref="TextFormatException">The component uses something that WIT cannot express.</exception>
    public static WitDecoded Decode(byte[] bytes, string? fileName = null)
    {
        byte[] binary = WasmComponent.IsComponent(bytes) ? bytes : ComponentParser.Parse(bytes, fileName);
        WasmComponent component = WasmComponent.Decode(binary, WasmFeatures.All);
        return Decode(component, fileName);
    }

    /// <summary>Decodes a component.</summary>
    public static WitDecoded Decode(WasmComponent component, string? fileName)
    {
        ComponentFacts facts = ComponentValidator.Validate(component, WasmFeatures.All);
        WitDecoder decoder = new(fileName);
        return IsPackage(facts.Type) ? decoder.Package(facts.Type) : decoder.World(facts.Type);
    }

    /// <summary>Decodes a world that is encoded alone, as it is in the metadata of a core module.</summary>
    public WitWorld EmbeddedWorld(WasmComponent component)
    {
        ComponentTypeNode type = ComponentValidator.Validate(component, WasmFeatures.All).Type;
        if (!IsPackage(type) || type.Exports.Count != 1 || ((ComponentTypeNode)type.Exports.GetAt(0).Value.Type!).Exports.GetAt(0) is not (string id, { Sort: ComponentSort.Component, Type: ComponentTypeNode world })
            || ParseId(id) is not (WitPackageName package, string name))
            throw Error("The module's metadata is not the encoding of a world.");
        return MakeWorld(new WitPackage(package), name, world);
    }

    private static bool IsPackage(ComponentTypeNode type) =>
        type.Imports.Count == 0 && type.Exports.Count > 0 && type.Exports.Values.All(export => export is { Sort: ComponentSort.Type, Type: ComponentTypeNode { Exports.Count: 1 } });

    private TextFormatException Error(string reason) => TextFormatException.WithoutPlace(reason, _fileName);

    private WitDecoded Package(ComponentTypeNode type)
    {
        WitPackage? main = null;
        foreach (ComponentTypeNode part in type.Exports.Values.Select(export => (ComponentTypeNode)export.Type!))
        {
            (string id, ComponentExternType item) = part.Exports.GetAt(0);
            (WitPackageName package, string name) = ParseId(id) ?? throw Error($"The component encodes no package: `{id}` is not the name of an interface or world.");
            main ??= PackageOf(package);
            if (main.Name != package)
                throw Error($"The component encodes two packages, `{main.Name}` and `{package}`.");
            switch (item)
            {
                case { Sort: ComponentSort.Instance, Type: InstanceTypeNode instance }:
                    foreach ((string import, ComponentExternType used) in part.Imports)
                        NamedInterface(import, used);
                    Fill(InterfaceOf(main, name), instance);
                    break;
                case { Sort: ComponentSort.Component, Type: ComponentTypeNode world }:
                    main.Worlds.Add(name, MakeWorld(main, name, world));
                    break;
                default:
                    throw Error($"The component encodes no package: `{id}` is neither an interface nor a world.");
            }
        }

        return new WitDecoded(Sorted(), main!, null);
    }

    private WitDecoded World(ComponentTypeNode type)
    {
        WitPackage main = PackageOf(new WitPackageName("root", "component", null));
        WitWorld world = MakeWorld(main, "root", type);
        main.Worlds.Add("root", world);
        return new WitDecoded(Sorted(), main, world);
    }

    // Packages behind those whose types they use.
    private List<WitPackage> Sorted()
    {
        List<WitPackage> sorted = [];
        HashSet<WitPackage> seen = [];
        foreach (WitPackage package in _packages.Values)
            Visit(package, 1);
        return sorted;

        void Visit(WitPackage package, int depth)
        {
            WorldElaboration.CheckChain(depth, default);
            if (!seen.Add(package))
                return;
            foreach (WitInterface definition in package.Interfaces.Values)
            {
                foreach (WitInterface used in WorldElaboration.Uses(definition))
                    Visit(used.Package, depth + 1);
            }

            sorted.Add(package);
        }
    }

    private WitWorld MakeWorld(WitPackage package, string name, ComponentTypeNode type)
    {
        WitWorld world = new(package, name);
        foreach ((string import, ComponentExternType item) in type.Imports)
            Add(world, world.Imports, import, item);
        foreach ((string export, ComponentExternType item) in type.Exports)
            Add(world, world.Exports, export, item);
        return world;
    }

    private void Add(WitWorld world, OrderedDictionary<WitKey, WitWorldItem> items, string name, ComponentExternType item)
    {
        switch (item.Sort)
        {
            case ComponentSort.Instance when ParseId(name) is not null:
                WitInterface named = NamedInterface(name, item);
                items.Add(new WitKey(named), new WitWorldItem(named, null, null, default, default, null));
                break;
            case ComponentSort.Instance when item.Implements is string implements:
                named = NamedInterface(implements, item);
                items.Add(new WitKey(name), new WitWorldItem(named, null, null, default, default, null));
                break;
            case ComponentSort.Instance:
                WitInterface inline = new(world.Package, null);
                Fill(inline, (InstanceTypeNode)item.Type!);
                items.Add(new WitKey(name), new WitWorldItem(inline, null, null, default, default, null));
                break;
            case ComponentSort.Function:
                items.Add(new WitKey(name), new WitWorldItem(null, Function(name, (FunctionTypeNode)item.Type!, resource => FindType(world, resource)), null, default, default, null));
                break;
            case ComponentSort.Type:
                items.Add(new WitKey(name), new WitWorldItem(null, null, Define(name, item.Type!, world), default, default, null));
                break;
            default:
                throw Error($"WIT cannot express `{name}`, which is a {item.Sort.Describe()}.");
        }
    }

    private static WitTypeDef? FindType(WitWorld world, string name) =>
        world.Imports.GetValueOrDefault(new WitKey(name))?.Type ?? world.Exports.GetValueOrDefault(new WitKey(name))?.Type;

    private WitInterface NamedInterface(string id, ComponentExternType item)
    {
        (WitPackageName package, string name) = ParseId(id) ?? throw Error($"`{id}` is not the name of an interface.");
        WitInterface definition = InterfaceOf(PackageOf(package), name);
        Fill(definition, item.Type as InstanceTypeNode ?? throw Error($"`{id}` is not an interface."));
        return definition;
    }

    private WitPackage PackageOf(WitPackageName name)
    {
        if (!_packages.TryGetValue(name, out WitPackage? package))
            _packages.Add(name, package = new WitPackage(name));
        return package;
    }

    private static WitInterface InterfaceOf(WitPackage package, string name)
    {
        if (!package.Interfaces.TryGetValue(name, out WitInterface? definition))
            package.Interfaces.Add(name, definition = new WitInterface(package, name));
        return definition;
    }

    /// <summary>The package and the item of a name such as <c>a:b/c@1.0.0</c>, or null.</summary>
    public static (WitPackageName Package, string Name)? ParseId(string id)
    {
        if (ComponentName.Parse(id, WasmFeatures.Wasm3, out ComponentName name) is not null || name.Kind != ComponentNameKind.Interface)
            return null;
        int colon = id.IndexOf(':', StringComparison.Ordinal), slash = id.IndexOf('/', StringComparison.Ordinal), at = id.IndexOf('@', StringComparison.Ordinal);
        return (new WitPackageName(id[..colon], id[(colon + 1)..slash], name.Version), at < 0 ? id[(slash + 1)..] : id[(slash + 1)..at]);
    }

    private void Fill(WitInterface definition, InstanceTypeNode type)
    {
        foreach ((string name, ComponentExternType export) in type.Exports)
        {
            switch (export.Sort)
            {
                case ComponentSort.Type:
                    if (definition.Types.TryGetValue(name, out WitTypeDef? known))
                        Remember(export.Type!, known);
                    else
                        definition.Types.Add(name, Define(name, export.Type!, definition));
                    break;
                case ComponentSort.Function:
                    definition.Functions.TryAdd(name, Function(name, (FunctionTypeNode)export.Type!, resource => definition.Types.GetValueOrDefault(resource)));
                    break;
                default:
                    throw Error($"WIT cannot express `{name}` in an interface, which is a {export.Sort.Describe()}.");
            }
        }
    }

    private void Remember(TypeNode node, WitTypeDef type)
    {
        _types[node] = type;
        if (node is ResourceTypeNode resource)
            _resources.TryAdd(resource.Id, type);
    }

    private WitTypeDef Define(string name, TypeNode node, object owner)
    {
        WitTypeDef type;
        if (Original(node) is WitTypeDef original)
        {
            type = new WitTypeDef(WitTypeKind.Named, name, owner) { Types = [new WitType(original)] };
        }
        else
        {
            type = node switch
            {
                ResourceTypeNode => new WitTypeDef(WitTypeKind.Resource, name, owner),
                ValueTypeNode { Kind: var kind } when kind.IsPrimitive() => new WitTypeDef(WitTypeKind.Named, name, owner) { Types = [new WitType(Kind(kind), null)] },
                ValueTypeNode value => Make(value, name, owner),
                _ => throw Error($"WIT cannot express the type `{name}`, which is a {node.Description}."),
            };
        }

        Remember(node, type);
        return type;
    }

    private WitTypeDef? Original(TypeNode node)
    {
        if (node.Origin is TypeNode origin && _types.TryGetValue(origin, out WitTypeDef? type) && type.Name is not null)
            return type;
        return node is ResourceTypeNode resource ? _resources.GetValueOrDefault(resource.Id) : null;
    }

    private WitFunction Function(string name, FunctionTypeNode type, Func<string, WitTypeDef?> findResource)
    {
        ComponentName.Parse(name, WasmFeatures.All, out ComponentName parsed);
        WitFunctionKind kind = parsed.Kind switch
        {
            ComponentNameKind.Constructor => WitFunctionKind.Constructor,
            ComponentNameKind.Method => WitFunctionKind.Method,
            ComponentNameKind.Static => WitFunctionKind.Static,
            _ => WitFunctionKind.Freestanding,
        };
        WitTypeDef? resource = kind == WitFunctionKind.Freestanding ? null : findResource(parsed.Resource) ?? throw Error($"The resource of `{name}` is not there.");
        WitParameter[] parameters = new WitParameter[type.Parameters.Length];
        for (int i = 0; i < parameters.Length; i++)
            parameters[i] = new WitParameter(type.Names[i], Convert(type.Parameters[i]));
        return new WitFunction(name, kind, type.IsAsync, resource, parameters, type.Result is null ? null : Convert(type.Result));
    }

    private WitType Convert(ValueTypeNode node)
    {
        if (_types.TryGetValue(node, out WitTypeDef? named))
            return new WitType(named);
        if (node.Kind.IsPrimitive())
            return new WitType(Kind(node.Kind), null);
        WitTypeDef anonymous = Make(node, null, null);
        _types.Add(node, anonymous);
        return new WitType(anonymous);
    }

    private WitTypeDef Make(ValueTypeNode node, string? name, object? owner)
    {
        WitTypeKind kind = Kind(node.Kind);
        if (name is null && kind is WitTypeKind.Record or WitTypeKind.Variant or WitTypeKind.Enum or WitTypeKind.Flags)
            throw Error($"WIT cannot express a {kind.Keyword()} without a name.");
        if (node.Resource is ResourceTypeNode resource)
        {
            WitTypeDef target = _types.GetValueOrDefault(resource) ?? _resources.GetValueOrDefault(resource.Id) ?? throw Error("WIT cannot express a handle of a resource without a name.");
            return new WitTypeDef(kind, name, owner) { Types = [new WitType(target)] };
        }

        // The arms of streams and futures without an element, and of results without a payload, are null.
        WitType?[] types = [.. node.Types.Select(type => type is null ? (WitType?)null : Convert(type))];
        if (types.Length == 0 && kind is WitTypeKind.Stream or WitTypeKind.Future)
            types = [null];
        return new WitTypeDef(kind, name, owner)
        {
            Types = types,
            Names = node.Names,
            MemberDocs = new string?[node.Names.Length],
            MemberSpans = new WitSpan[node.Names.Length],
            Length = node.Length,
        };
    }

    private static WitTypeKind Kind(ValueTypeKind kind) => Enum.Parse<WitTypeKind>(kind.ToString());
}
