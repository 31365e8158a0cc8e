// What the imports and exports of a core module mean in its world: which function each import is, which function of the world each export is, checked by their signatures.
//
// Two naming schemes exist (that of the component model, and the older one of most toolchains): `cm32p2|a:b/c@0.2|f` and `a:b/c@0.2.0` `f`.
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Wit;

/// <summary>Kinds of what a module imports.</summary>
internal enum LinkedImportKind : byte
{
    /// <summary>A function of the world.</summary>
    Function,

    /// <summary>Drops a handle of a resource that the component imports.</summary>
    ImportedResourceDrop,

    /// <summary>Drops a handle of a resource that the component defines.</summary>
    ResourceDrop,

    /// <summary>Makes a handle of a resource that the component defines.</summary>
    ResourceNew,

    /// <summary>Finds the representation behind a handle of a resource that the component defines.</summary>
    ResourceRep,

    /// <summary>A function of an adapter, whose name is the import's first name.</summary>
    Adapter,

    /// <summary>An adapter's import of a function of the main module.</summary>
    MainFunction,

    /// <summary>An adapter's import of the main module's memory.</summary>
    MainMemory,
}

/// <summary>An import of a core module.</summary>
/// <param name="Name">Its second name.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Key">The import of the world that it belongs to; null for functions of the world itself.</param>
/// <param name="Function">The function.</param>
/// <param name="Resource">The resource.</param>
internal sealed record LinkedImport(string Name, LinkedImportKind Kind, WitKey? Key, WitFunction? Function, WitTypeDef? Resource)
{
    /// <summary>The type of a function that comes from another core module.</summary>
    public CoreFunctionType? Type { get; init; }

    /// <summary>Its second name in the component, where it is unique.</summary>
    public string Argument { get; init; } = Name;
}

/// <summary>The imports of a core module that have the same first name.</summary>
internal sealed record LinkedInstance(string Name, List<LinkedImport> Imports);

/// <summary>The linkage of a module.</summary>
internal sealed class ModuleLinkage
{
    private const string Standard = "cm32p2";
    private static readonly ValType[] s_i32 = [ValType.I32];

    private readonly WasmModule _module;
    private readonly WitWorld _world;
    private readonly Dictionary<string, Export> _exports = new(StringComparer.Ordinal);
    private readonly bool _isStandard;

    private readonly IReadOnlyCollection<string> _adapters;
    private readonly bool _isAdapter;
    private readonly HashSet<WitKey> _implemented = [];

    /// <summary>Reads a module that has been validated.</summary>
    /// <param name="module">The module.</param>
    /// <param name="world">The world of the component.</param>
    /// <param name="exports">The exports of the world that this module implements.</param>
    /// <param name="adapters">Names of the adapters.</param>
    /// <param name="main">The main module; null if this is the main module itself.</param>
    /// <exception cref="TextFormatException">An import or export does not fit the world.</exception>
    public ModuleLinkage(WasmModule module, WitWorld world, IEnumerable<WitKey> exports, IReadOnlyCollection<string> adapters, ModuleLinkage? main)
    {
        _module = module;
        _world = world;
        _adapters = adapters;
        _isAdapter = main is not null;
        foreach (ref readonly Export export in module.Exports)
            _exports.TryAdd(export.Name, export);
        _isStandard = !_isAdapter && _exports.Keys.Any(name => name.StartsWith(Standard, StringComparison.Ordinal));
        foreach (ref readonly Import import in module.Imports)
            Add(import, main);
        foreach (WitKey key in exports)
        {
            _implemented.Add(key);
            CheckExport(key, world.Exports[key]);
        }
    }

    /// <summary>Imports by their first name, in the order of the module.</summary>
    public OrderedDictionary<string, LinkedInstance> Instances { get; } = new(StringComparer.Ordinal);

    /// <summary>The name of the exported memory, or null.</summary>
    public string? Memory => Find(ExternalKind.Memory, _isStandard ? "cm32p2_memory" : "memory");

    /// <summary>The name of the exported allocator, or null.</summary>
    public string? Realloc => Find(ExternalKind.Function, _isStandard ? "cm32p2_realloc" : "cabi_realloc");

    /// <summary>The name of the exported function that allocates memory for results of imports, or null.</summary>
    public string? ImportRealloc => _isAdapter ? Find(ExternalKind.Function, "cabi_import_realloc") ?? Realloc : Realloc;

    /// <summary>The name of the exported function that allocates memory for arguments of exports, or null.</summary>
    public string? ExportRealloc => _isAdapter ? Find(ExternalKind.Function, "cabi_export_realloc") ?? Realloc : Realloc;

    /// <summary>The name of the exported function that allocates memory for adapters, or null.</summary>
    public string? AdapterRealloc => Find(ExternalKind.Function, "cabi_realloc_adapter") ?? Realloc ?? Find(ExternalKind.Function, "canonical_abi_realloc");

    /// <summary>The name of the exported function that initializes the module, or null.</summary>
    public string? Initialize => Find(ExternalKind.Function, _isStandard ? "cm32p2_initialize" : "_initialize");

    /// <summary>Whether the module implements an export of the world.</summary>
    public bool Implements(WitKey key) => _implemented.Contains(key);

    /// <summary>Adds the names of the core exports by which a module of the older naming scheme implements an export of the world.</summary>
    public static void RequiredExports(WitKey key, WitWorldItem item, HashSet<string> names)
    {
        foreach (WitFunction function in item.Interface?.Functions.Values ?? (item.Function is WitFunction single ? [single] : (IEnumerable<WitFunction>)[]))
        {
            string name = item.Interface is null ? function.Name : $"{key}#{function.Name}";
            names.Add(name);
            names.Add("cabi_post_" + name);
        }

        foreach (WitTypeDef type in item.Interface?.Types.Values ?? (IEnumerable<WitTypeDef>)[])
        {
            if (type.Kind == WitTypeKind.Resource)
                names.Add($"{key}#[dtor]{type.Name}");
        }
    }

    /// <summary>Checks that an adapter has a function that this module imports.</summary>
    public static void CheckProvided(LinkedImport import, string adapter, ModuleLinkage provider)
    {
        if (provider.FunctionType(import.Name) is not CoreFunctionType found)
            throw Error($"The adapter `{adapter}` has no export `{import.Name}`, which the module imports.");
        if (!Same(found, import.Type!))
            throw Error($"The module's import `{adapter}` `{import.Name}` has the type {Describe(import.Type!.Parameters, import.Type.Results)}, expected {Describe(found.Parameters, found.Results)}.");
    }

    /// <summary>The export that implements a function of the world.</summary>
    /// <param name="key">The exported interface, or null for a function of the world itself.</param>
    /// <param name="name">The function's name.</param>
    public string ExportOf(WitKey? key, string name) =>
        _isStandard ? $"{Standard}|{(key is WitKey only ? Canonical(only) : "")}|{name}" : key is WitKey of ? $"{of}#{name}" : name;

    /// <summary>The export that is called after a function of the world has returned, or null.</summary>
    public string? PostReturnOf(string export) => Find(ExternalKind.Function, _isStandard ? export + "_post" : "cabi_post_" + export);

    /// <summary>The export that is the destructor of a resource, or null.</summary>
    public string? DestructorOf(WitKey key, WitTypeDef resource) =>
        Find(ExternalKind.Function, _isStandard ? $"{Standard}|{Canonical(key)}|{resource.Name}_dtor" : $"{key}#[dtor]{resource.Name}");

    private static string Canonical(WitKey key)
    {
        if (key.Interface is not WitInterface definition)
            return key.Name!;
        WitPackageName name = definition.Package.Name;
        if (name.Version is null || SemanticVersion.Parse(name.Version, out SemanticVersion version) is not null)
            return definition.Id!;
        return new WitPackageName(name.Namespace, name.Name, version.Track ?? name.Version).Member(definition.Name!);
    }

    private static TextFormatException Error(string reason) => TextFormatException.WithoutPlace(reason, null);

    private string? Find(ExternalKind kind, string name) => _exports.TryGetValue(name, out Export export) && export.Kind == kind ? name : null;

    private void Add(in Import import, ModuleLinkage? main)
    {
        if (LinkModule(import, main) is LinkedImport direct)
        {
            Add(import.Module, direct);
            return;
        }

        if (import.Kind != ExternalKind.Function)
            throw Error($"The module imports `{import.Module}` `{import.Name}`, which is not a function: a component gives its modules only functions.");
        LinkedImport linked = Link(import) ?? throw Error($"The world has nothing that the module's import `{import.Module}` `{import.Name}` could be.");
        (ValType[] parameters, ValType[] results) = linked.Kind switch
        {
            LinkedImportKind.Function => WitAbi.Signature(linked.Function!, isImport: true),
            LinkedImportKind.ResourceNew or LinkedImportKind.ResourceRep => (s_i32, s_i32),
            _ => (s_i32, []),
        };
        CheckSignature($"import `{import.Module}` `{import.Name}`", _module.Functions[import.Index], parameters, results);
        Add(import.Module, linked);
    }

    private void Add(string module, LinkedImport linked)
    {
        if (!Instances.TryGetValue(module, out LinkedInstance? instance))
            Instances.Add(module, instance = new LinkedInstance(module, []));
        LinkedImport? known = instance.Imports.Find(other => other.Name == linked.Name);
        if (known is { Type: CoreFunctionType type } && !Same(type, linked.Type!))
            throw Error($"The module imports `{module}` `{linked.Name}` twice with different types.");
        instance.Imports.Add(linked with { Argument = DuplicateImports.Unique(linked.Name, instance.Imports.Count(other => other.Name == linked.Name)) });
    }

    // What comes from another core module of the component.
    private LinkedImport? LinkModule(in Import import, ModuleLinkage? main)
    {
        if (main is null)
        {
            if (!_adapters.Contains(import.Module))
                return null;
            if (import.Kind != ExternalKind.Function)
                throw Error($"The module imports `{import.Module}` `{import.Name}`, which is not a function: adapters provide only functions.");
            return new LinkedImport(import.Name, LinkedImportKind.Adapter, null, null, null) { Type = _module.FunctionTypeOf(import.Index) };
        }

        if (import.Kind == ExternalKind.Memory)
        {
            if (import.Module != "env" || import.Name != "memory")
                throw Error($"An adapter imports the memory `{import.Module}` `{import.Name}`: it can import only `env` `memory`, which is the memory of the main module.");
            if (main.Memory is null)
                throw Error("The module exports no memory, which an adapter needs.");
            return new LinkedImport(import.Name, LinkedImportKind.MainMemory, null, null, null);
        }

        if (import.Module != AdapterReducer.Main || import.Kind != ExternalKind.Function)
            return null;
        CoreFunctionType type = _module.FunctionTypeOf(import.Index);
        if (main.FunctionType(import.Name) is not CoreFunctionType found)
            throw Error($"The module has no export `{import.Name}`, which an adapter requires.");
        if (!Same(found, type))
            throw Error($"The export `{import.Name}` of the module has the type {Describe(found.Parameters, found.Results)}, expected {Describe(type.Parameters, type.Results)}.");
        return new LinkedImport(import.Name, LinkedImportKind.MainFunction, null, null, null) { Type = type };
    }

    /// <summary>The type of an exported function, or null if there is none of this name.</summary>
    public CoreFunctionType? FunctionType(string export) => Find(ExternalKind.Function, export) is null ? null : _module.FunctionTypeOf(_exports[export].Index);

    private static bool Same(CoreFunctionType left, CoreFunctionType right) => left.Parameters.SequenceEqual(right.Parameters) && left.Results.SequenceEqual(right.Results);

    private LinkedImport? Link(in Import import)
    {
        if (import.Module == Standard || import.Module.StartsWith(Standard + "|", StringComparison.Ordinal))
            return LinkStandard(import.Module.Length == Standard.Length ? "" : import.Module[(Standard.Length + 1)..], import.Name);
        if (import.Module == "$root")
            return LinkRoot(import.Name, "[resource-drop]", "");
        if (import.Module.StartsWith("[export]", StringComparison.Ordinal))
        {
            string name = import.Module["[export]".Length..];
            return LinkExported(FindKey(_world.Exports, name, key => key.ToString()), import.Name, "[resource-drop]", "[resource-new]", "[resource-rep]", isPrefix: true);
        }

        return LinkImported(FindKey(_world.Imports, import.Module, key => key.ToString()), import.Name, "[resource-drop]", "");
    }

    private LinkedImport? LinkStandard(string name, string function)
    {
        if (name.Length == 0)
            return LinkRoot(function, "", "_drop");
        return name.StartsWith("_ex_", StringComparison.Ordinal)
            ? LinkExported(FindKey(_world.Exports, name["_ex_".Length..], Canonical), function, "_drop", "_new", "_rep", isPrefix: false)
            : LinkImported(FindKey(_world.Imports, name, Canonical), function, "", "_drop");
    }

    private LinkedImport? LinkRoot(string name, string dropPrefix, string dropSuffix)
    {
        if (_world.Imports.GetValueOrDefault(new WitKey(name))?.Function is WitFunction function)
            return new LinkedImport(name, LinkedImportKind.Function, null, function, null);
        return Strip(name, dropPrefix, dropSuffix) is string resource && _world.Imports.GetValueOrDefault(new WitKey(resource))?.Type is { Target.Kind: WitTypeKind.Resource } type
            ? new LinkedImport(name, LinkedImportKind.ImportedResourceDrop, null, null, type)
            : null;
    }

    private LinkedImport? LinkImported(WitKey? key, string name, string dropPrefix, string dropSuffix)
    {
        if (key is not WitKey found || _world.Imports[found].Interface is not WitInterface definition)
            return null;
        if (definition.Functions.TryGetValue(name, out WitFunction? function))
            return new LinkedImport(name, LinkedImportKind.Function, found, function, null);
        return Strip(name, dropPrefix, dropSuffix) is string resource && definition.Types.GetValueOrDefault(resource) is { Target.Kind: WitTypeKind.Resource } type
            ? new LinkedImport(name, LinkedImportKind.ImportedResourceDrop, found, null, type)
            : null;
    }

    private LinkedImport? LinkExported(WitKey? key, string name, string drop, string make, string represent, bool isPrefix)
    {
        if (key is not WitKey found || _world.Exports[found].Interface is not WitInterface definition)
            return null;
        foreach ((string mark, LinkedImportKind kind) in new[] { (drop, LinkedImportKind.ResourceDrop), (make, LinkedImportKind.ResourceNew), (represent, LinkedImportKind.ResourceRep) })
        {
            if (Strip(name, isPrefix ? mark : "", isPrefix ? "" : mark) is string resource && definition.Types.GetValueOrDefault(resource) is { Kind: WitTypeKind.Resource } type)
                return new LinkedImport(name, kind, found, null, type);
        }

        return null;
    }

    private static string? Strip(string name, string prefix, string suffix) =>
        name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(suffix, StringComparison.Ordinal) && name.Length > prefix.Length + suffix.Length
            ? name[prefix.Length..^suffix.Length]
            : null;

    // The item of a name; a version stands for the compatible one that the world has.
    private static WitKey? FindKey(OrderedDictionary<WitKey, WitWorldItem> items, string name, Func<WitKey, string> nameOf)
    {
        foreach (WitKey key in items.Keys)
        {
            if (nameOf(key) == name)
                return key;
        }

        if (WitDecoder.ParseId(name) is not (WitPackageName package, string member))
            return null;
        string? track = VersionMerging.Track(new WitInterface(new WitPackage(package), member));
        foreach (WitKey key in items.Keys)
        {
            if (track is not null && key.Interface is WitInterface definition && VersionMerging.Track(definition) == track)
                return key;
        }

        return null;
    }

    private void CheckExport(WitKey key, WitWorldItem item)
    {
        if (item.Function is WitFunction function)
        {
            CheckFunction(null, function);
            return;
        }

        foreach (WitFunction member in item.Interface?.Functions.Values ?? (IEnumerable<WitFunction>)[])
            CheckFunction(key, member);
    }

    private void CheckFunction(WitKey? key, WitFunction function)
    {
        string name = ExportOf(key, function.Name);
        if (Find(ExternalKind.Function, name) is null)
            throw Error($"The module has no export `{name}`, which the world requires.");
        (ValType[] parameters, ValType[] results) = WitAbi.Signature(function, isImport: false);
        CheckSignature($"export `{name}`", _module.Functions[_exports[name].Index], parameters, results);
        if (PostReturnOf(name) is string post)
            CheckSignature($"export `{post}`", _module.Functions[_exports[post].Index], results, []);
    }

    private void CheckSignature(string what, int type, ValType[] parameters, ValType[] results)
    {
        if (_module.Types[type].Composite is not CoreFunctionType found)
            throw Error($"The type of the {what} is not a function type.");
        if (!found.Parameters.SequenceEqual(parameters) || !found.Results.SequenceEqual(results))
            throw Error($"The {what} has the type {Describe(found.Parameters, found.Results)}, expected {Describe(parameters, results)}.");
    }

    private static string Describe(ReadOnlySpan<ValType> parameters, ReadOnlySpan<ValType> results) => $"[{Join(parameters)}] -> [{Join(results)}]";

    private static string Join(ReadOnlySpan<ValType> types)
    {
        List<string> names = [];
        foreach (ValType type in types)
            names.Add(type.ToString());
        return string.Join(", ", names);
    }
}
