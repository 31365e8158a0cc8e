// Makes a component out of a core module that has a world in its metadata: imports are lowered, exports are lifted, and both get the types of the world. Adapters are further core modules,
// each with a world of its own: they provide what the main module imports under their names, and what they import and export belongs to the world of the component.
//
// The component's definitions are in this order: imports, the main module and the adapters, the shim that stands for functions that need the main module's memory or come from an adapter
// (CoreModuleBuilder), the types of exports, the instances of the modules, the fixup, exports (ExportMaker).
using Tarn.Wasm.Component;
using Tarn.Wasm.Validation;

namespace Tarn.Wasm.Wit;

/// <summary>Makes components.</summary>
internal sealed class ComponentMaker
{
    private readonly WitWorld _world;
    private readonly ComponentBuilder _component = new(isType: false);
    private readonly List<Shim> _shims = [];
    private readonly Dictionary<WitInterface, int> _importedInstances = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<WitKey, int> _instances = [];
    private readonly Dictionary<string, int> _rootFunctions = new(StringComparer.Ordinal);
    private readonly WorldTypeEncoder _types;
    private readonly Part _main;
    private readonly IReadOnlyList<Part> _adapters;
    private int _shimInstance = -1;
    private int _memory = -1;

    private ComponentMaker(WitWorld world, Part main, IReadOnlyList<Part> adapters)
    {
        _world = world;
        _main = main;
        _adapters = adapters;
        _types = new WorldTypeEncoder(_component, definition => _importedInstances.GetValueOrDefault(definition, -1), namesTypes: true);
    }

    private IEnumerable<Part> Parts => [_main, .. _adapters];

    /// <summary>Makes a component.</summary>
    /// <param name="module">The core module, with metadata.</param>
    /// <param name="adapters">Names and core modules of adapters, with metadata. Adapters that the module does not need are left out.</param>
    /// <param name="features">What the modules may use.</param>
    /// <param name="withNames">Whether the component has names for people.</param>
    /// <param name="growsMemory">Whether adapters get memory by growing it, even if the main module has an allocator.</param>
    /// <exception cref="WasmException">A module is not valid, or does not fit its world.</exception>
    public static byte[] Make(byte[] module, IReadOnlyList<(string Name, byte[] Module)> adapters, WasmFeatures features, bool withNames, bool growsMemory = false)
    {
        WitDecoder decoder = new(null);
        TypeRegistry types = new();
        ModuleMetadata metadata = ModuleMetadata.Extract(module, decoder, isProcessed: true);
        // The world may have been encoded by anybody: nothing of its order is taken for granted.
        WitWorld world = metadata.World;
        WorldElaboration.Elaborate(world);
        List<WitKey> exports = [.. world.Exports.Keys];
        WasmModule core = Decode(metadata.Module, features, types);
        List<(string Name, ModuleMetadata Metadata, WasmModule Module, List<WitKey> Exports)> used = [];
        // What the worlds of adapters have is for adapters: the main module must fit its own.
        _ = new ModuleLinkage(core, world, exports, [.. adapters.Select(adapter => adapter.Name)], main: null);
        foreach ((string name, byte[] adapter) in adapters)
        {
            ModuleMetadata extracted = ModuleMetadata.Extract(adapter, decoder, isProcessed: false);
            if (used.Exists(other => other.Name == name))
                throw TextFormatException.WithoutPlace($"There are two adapters with the name `{name}`.", null);
            WorldElaboration.Elaborate(extracted.World);
            List<WitKey> ownExports = [.. extracted.World.Exports.Where(item => !world.Exports.ContainsKey(item.Key)).Select(item => item.Key)];
            if (!Imports(core, name) && ownExports.TrueForAll(key => extracted.World.Exports[key] is { Function: null } item && item.Interface is not { Functions.Count: > 0 }))
                continue;
            ModuleMetadata.Merge(world, extracted.World);
            used.Add((name, extracted, WasmModule.Decode(extracted.Module, features), ownExports));
        }

        WorldElaboration.Elaborate(world);
        VersionMerging.Merge(world);
        string[] names = [.. used.Select(adapter => adapter.Name)];
        ModuleLinkage mainLinkage = new(core, world, exports, names, main: null);
        Part main = new("main", DuplicateImports.Rename(metadata.Module, core), metadata.Encoding, mainLinkage);
        List<Part> parts = [];
        foreach ((string name, ModuleMetadata adapter, WasmModule whole, List<WitKey> ownExports) in used)
        {
            HashSet<string> required = [.. main.Linkage.Instances.GetValueOrDefault(name)?.Imports.Select(import => import.Name) ?? []];
            foreach (WitKey key in ownExports)
                ModuleLinkage.RequiredExports(key, world.Exports[key], required);
            byte[] reduced = AdapterReducer.Reduce(name, whole, required.Contains, growsMemory ? null : main.Linkage.AdapterRealloc);
            ModuleLinkage linkage = new(Decode(reduced, features, types), world, ownExports, [], main.Linkage);
            foreach (LinkedImport import in main.Linkage.Instances.GetValueOrDefault(name)?.Imports ?? [])
                ModuleLinkage.CheckProvided(import, name, linkage);
            parts.Add(new Part(name, reduced, adapter.Encoding, linkage));
        }

        ComponentMaker maker = new(world, main, parts);
        maker.Run();
        byte[] component = maker._component.ToComponent(withNames);
        // What is made is a component: a fault here would be ours, and must not be handed out.
        ComponentValidator.Validate(WasmComponent.Decode(component, features), features);
        return component;
    }

    private static WasmModule Decode(byte[] bytes, WasmFeatures features, TypeRegistry types)
    {
        WasmModule module = WasmModule.Decode(bytes, features);
        ModuleValidator.Validate(module, types, degreeOfParallelism: 1);
        return module;
    }

    private static bool Imports(WasmModule module, string from)
    {
        foreach (ref readonly Import import in module.Imports)
        {
            if (import.Module == from)
                return true;
        }

        return false;
    }

    private void Run()
    {
        Imports();
        foreach (Part part in Parts)
            part.Module = _component.CoreModule(part.Bytes, part == _main ? "main" : $"wit-component:adapter:{part.Name}");
        ShimModule();
        ExportMaker exports = new(_component, _world, _types);
        exports.Types(Destructor);
        foreach (Part part in Parts)
        {
            Instantiate(part, exports);
            if (part == _main && part.Linkage.Memory is string memory)
                _memory = _component.AliasCoreExport(ComponentSort.CoreMemory, part.Instance, memory, "memory");
        }

        Fixup();
        foreach ((WitKey key, WitWorldItem item) in _world.Exports)
        {
            if (item.Function is WitFunction function)
            {
                int type = exports.FunctionType(function);
                _component.Export(new ExternName(key.Name!), new SortIndex(ComponentSort.Function, Lift(key, null, function, type)), null, key.Name);
            }
            else if (item.Interface is WitInterface definition)
            {
                exports.Interface(key, item, definition, (member, type) => Lift(key, key, member, type));
            }
        }

        Producers.Add(_component);
    }

    private void Instantiate(Part part, ExportMaker exports)
    {
        List<CoreArgument> arguments = [];
        foreach (LinkedInstance instance in part.Linkage.Instances.Values)
        {
            List<(string, SortIndex)> items = [];
            foreach (LinkedImport import in instance.Imports)
                items.Add((import.Argument, Item(part, instance, import, exports)));
            arguments.Add(new CoreArgument(instance.Name, _component.CoreExports(items, instance.Name)));
        }

        part.Instance = _component.CoreInstantiate(part.Module, arguments, part.Name);
    }

    // Instances of the world's interfaces with what is used of them, then types and functions of the world itself.
    private void Imports()
    {
        LiveTypes live = new();
        HashSet<(WitKey?, string)> used = [];
        List<WitTypeDef> dropped = [];
        foreach (LinkedImport import in Parts.SelectMany(part => part.Linkage.Instances.Values).SelectMany(instance => instance.Imports))
        {
            if (import.Function is not null)
                used.Add((import.Key, import.Function.Name));
            else if (import.Kind == LinkedImportKind.ImportedResourceDrop)
                dropped.Add(import.Resource!);
        }

        foreach ((WitKey key, WitWorldItem item) in _world.Imports)
        {
            foreach (WitFunction function in item.Interface?.Functions.Values ?? (IEnumerable<WitFunction>)[])
            {
                if (used.Contains((key, function.Name)))
                    live.Add(function);
            }

            if (item.Function is not null && used.Contains((null, item.Function.Name)))
                live.Add(item.Function);
        }

        foreach (WitTypeDef resource in dropped)
            live.Add(resource);

        foreach (WitWorldItem item in _world.Imports.Values.Where(item => item.Type is not null))
            live.Add(item);
        LiveTypes exported = new();
        HashSet<WitInterface> exportedInterfaces = [.. _world.Exports.Values.Select(item => item.Interface).OfType<WitInterface>()];
        foreach (WitWorldItem item in _world.Exports.Values)
            exported.Add(item);
        // A type of an interface that is exported is the export's own, as far as exports are concerned.
        foreach (WitTypeDef type in exported.All)
        {
            if (type.Owner is WitInterface owner && !exportedInterfaces.Contains(owner))
                live.Add(type);
        }

        foreach ((WitKey key, WitWorldItem item) in _world.Imports)
        {
            if (item.Interface is WitInterface definition)
                ImportInterface(key, item, definition, live, used);
        }

        foreach (WitWorldItem item in _world.Imports.Values)
        {
            if (item.Type is not null)
                _types.Encode(item.Type);
        }

        foreach ((WitKey key, WitWorldItem item) in _world.Imports)
        {
            if (item.Function is WitFunction function && used.Contains((null, function.Name)))
                _rootFunctions.Add(key.Name!, _component.Import(new ExternName(key.Name!), new ExternSyntax(ComponentSort.Function, _types.Function(function)), key.Name));
        }
    }

    private void ImportInterface(WitKey key, WitWorldItem item, WitInterface definition, LiveTypes live, HashSet<(WitKey?, string)> used)
    {
        ComponentBuilder instance = new(isType: true);
        InstanceTypeEncoder types = new(instance, definition, Outer);
        foreach (WitTypeDef type in live.All)
        {
            if (type.Owner == definition)
                types.Encode(type);
        }

        foreach (WitFunction function in definition.Functions.Values)
        {
            if (used.Contains((key, function.Name)))
                instance.Declare(new ExternName(function.Name), new ExternSyntax(ComponentSort.Function, types.Function(function)));
        }

        if (instance.IsEmpty)
            return;
        string name = key.ToString();
        int typeIndex = _component.Type(instance.ToType(isInstance: true), $"ty-{name}");
        int index = _component.Import(WitEncoder.Name(key, item), new ExternSyntax(ComponentSort.Instance, typeIndex), name);
        _instances.Add(key, index);
        if (key.Interface is not null)
            _importedInstances.Add(definition, index);
        else if (definition.Name is null)
            _importedInstances.TryAdd(definition, index);
    }

    // Each instance type has its own aliases of the types of other interfaces.
    private int Outer(WitTypeDef type) => type.Owner is WitInterface owner && _importedInstances.TryGetValue(owner, out int instance)
        ? _component.AliasExport(ComponentSort.Type, instance, type.Name!, type.Name)
        : _types.Encode(type).Index;

    private void ShimModule()
    {
        foreach (Part part in Parts)
        {
            foreach (LinkedInstance instance in part.Linkage.Instances.Values)
            {
                foreach (LinkedImport import in instance.Imports)
                {
                    if (import.Kind == LinkedImportKind.Adapter)
                    {
                        if (import.Argument != import.Name)
                            continue;
                        ShimSignature signature = new($"adapt-{instance.Name}-{import.Name}", import.Type!.Parameters.ToArray(), import.Type.Results.ToArray());
                        _shims.Add(new Shim(part, signature, import, null, instance.Name));
                    }
                    else if (import.Function is WitFunction function && WitAbi.Needs(function, isImport: true) != WitAbiNeeds.None && !_shims.Exists(shim => shim.Is(part, import)))
                    {
                        // Two names of one function, by compatible versions of its interface, have one shim.
                        (ValType[] parameters, ValType[] results) = WitAbi.Signature(function, isImport: true);
                        _shims.Add(new Shim(part, new ShimSignature($"indirect-{instance.Name}-{function.Name}", parameters, results), import, null, null));
                    }
                }
            }
        }

        foreach ((WitKey key, WitWorldItem item) in _world.Exports)
        {
            Part part = Exporter(key);
            foreach (WitTypeDef type in item.Interface?.Types.Values ?? (IEnumerable<WitTypeDef>)[])
            {
                if (type.Kind == WitTypeKind.Resource && part.Linkage.DestructorOf(key, type) is string destructor)
                    _shims.Add(new Shim(part, new ShimSignature($"dtor-{type.Name}", [ValType.I32], []), null, type, destructor));
            }
        }

        if (_shims.Count == 0)
            return;
        int module = _component.CoreModule(CoreModuleBuilder.Shim([.. _shims.Select(shim => shim.Signature)]), "wit-component-shim-module");
        _shimInstance = _component.CoreInstantiate(module, [], "wit-component-shim-instance");
    }

    private int ShimFunction(Predicate<Shim> which)
    {
        int index = _shims.FindIndex(which);
        if (index < 0)
            return -1;
        Shim shim = _shims[index];
        if (shim.Alias < 0)
            shim.Alias = _component.AliasCoreExport(ComponentSort.CoreFunction, _shimInstance, index.ToString(), shim.Signature.Name);
        return shim.Alias;
    }

    private int Destructor(WitTypeDef resource) => ShimFunction(shim => shim.Resource == resource);

    // The part that implements an export of the world.
    private Part Exporter(WitKey key) => _adapters.FirstOrDefault(part => part.Linkage.Implements(key)) ?? _main;

    private SortIndex Item(Part part, LinkedInstance instance, LinkedImport import, ExportMaker exports)
    {
        if (import.Kind == LinkedImportKind.MainMemory)
            return new SortIndex(ComponentSort.CoreMemory, _memory);
        return new SortIndex(ComponentSort.CoreFunction, FunctionItem(part, instance, import, exports));
    }

    private int FunctionItem(Part part, LinkedInstance instance, LinkedImport import, ExportMaker exports)
    {
        switch (import.Kind)
        {
            case LinkedImportKind.Function:
                int shim = ShimFunction(candidate => candidate.Is(part, import));
                return shim >= 0 ? shim : _component.Lower(ComponentFunction(import), [], import.Function!.Name);
            case LinkedImportKind.Adapter:
                return ShimFunction(candidate => candidate.Import?.Kind == LinkedImportKind.Adapter && candidate.Import.Name == import.Name && candidate.Other == instance.Name);
            case LinkedImportKind.MainFunction:
                return PartFunction(_main, import.Name);
            case LinkedImportKind.ImportedResourceDrop:
                return _component.ResourceFunction(CanonicalKind.ResourceDrop, ImportedResource(import), "resource.drop");
            case LinkedImportKind.ResourceDrop:
                return _component.ResourceFunction(CanonicalKind.ResourceDrop, exports.ResourceType(import.Resource!), "resource.drop");
            case LinkedImportKind.ResourceNew:
                return _component.ResourceFunction(CanonicalKind.ResourceNew, exports.ResourceType(import.Resource!), "resource.new");
            default:
                return _component.ResourceFunction(CanonicalKind.ResourceRep, exports.ResourceType(import.Resource!), "resource.rep");
        }
    }

    private int ComponentFunction(LinkedImport import) =>
        import.Key is WitKey key ? _component.AliasExport(ComponentSort.Function, _instances[key], import.Function!.Name, import.Function.Name) : _rootFunctions[import.Function!.Name];

    private int ImportedResource(LinkedImport import) =>
        import.Key is WitKey key && _instances.TryGetValue(key, out int instance)
            ? _component.AliasExport(ComponentSort.Type, instance, import.Resource!.Name!, import.Resource.Name)
            : _types.Encode(import.Resource!).Index;

    private void Fixup()
    {
        string? initialize = _main.Linkage.Initialize;
        if (_shims.Count == 0 && initialize is null)
            return;
        int module = _component.CoreModule(CoreModuleBuilder.Fixup([.. _shims.Select(shim => shim.Signature)], initialize), "wit-component-fixup");
        List<(string, SortIndex)> actual = [];
        foreach (Shim shim in _shims)
        {
            int function;
            if (shim.Import is not LinkedImport import)
            {
                function = PartFunction(shim.Part, shim.Other!);
            }
            else if (import.Kind == LinkedImportKind.Adapter)
            {
                function = PartFunction(_adapters.First(part => part.Name == shim.Other), import.Name);
            }
            else
            {
                int target = ComponentFunction(import);
                function = _component.Lower(target, Options(shim.Part, WitAbi.Needs(import.Function!, isImport: true), shim.Part.Linkage.ImportRealloc), shim.Signature.Name);
            }

            actual.Add((actual.Count.ToString(), new SortIndex(ComponentSort.CoreFunction, function)));
        }

        List<CoreArgument> arguments = [];
        if (actual.Count > 0)
            arguments.Add(new CoreArgument("actual", _component.CoreExports(actual, "actual")));
        if (initialize is not null)
            arguments.Add(new CoreArgument("main", _main.Instance));
        if (actual.Count > 0)
            arguments.Add(new CoreArgument("shim", _shimInstance));
        _component.CoreInstantiate(module, arguments, "fixup");
    }

    private int PartFunction(Part part, string export)
    {
        if (!part.Aliases.TryGetValue(export, out int index))
            part.Aliases.Add(export, index = _component.AliasCoreExport(ComponentSort.CoreFunction, part.Instance, export, export));
        return index;
    }

    private int Lift(WitKey export, WitKey? key, WitFunction function, int type)
    {
        Part part = Exporter(export);
        string name = part.Linkage.ExportOf(key, function.Name);
        int core = PartFunction(part, name);
        List<CanonicalOption> options = Options(part, WitAbi.Needs(function, isImport: false), part.Linkage.ExportRealloc);
        if (part.Linkage.PostReturnOf(name) is string post)
            options.Add(new CanonicalOption(CanonicalOptionKind.PostReturn, PartFunction(part, post)));
        return _component.Lift(core, type, options, function.Name);
    }

    private List<CanonicalOption> Options(Part part, WitAbiNeeds needs, string? realloc)
    {
        List<CanonicalOption> options = [];
        if ((needs & WitAbiNeeds.Memory) != 0)
        {
            if (_memory < 0)
                throw TextFormatException.WithoutPlace("The module exports no memory named `memory`, which functions of its world need.", null);
            options.Add(new CanonicalOption(CanonicalOptionKind.Memory, _memory));
        }

        if ((needs & WitAbiNeeds.Realloc) != 0)
        {
            if (realloc is null && part != _main && _main.Linkage.Realloc is string shared)
                options.Add(new CanonicalOption(CanonicalOptionKind.Realloc, PartFunction(_main, shared)));
            else if (realloc is not null)
                options.Add(new CanonicalOption(CanonicalOptionKind.Realloc, PartFunction(part, realloc)));
            else
                throw TextFormatException.WithoutPlace("The module exports no allocator (`cabi_realloc`), which functions of its world need.", null);
        }

        if ((needs & WitAbiNeeds.StringEncoding) != 0)
            options.Add(new CanonicalOption(part.Encoding, 0));
        return options;
    }

    // A core module of the component, with its place in it.
    private sealed record Part(string Name, byte[] Bytes, CanonicalOptionKind Encoding, ModuleLinkage Linkage)
    {
        public int Module { get; set; } = -1;

        public int Instance { get; set; } = -1;

        /// <summary>Exports that have an index in the component.</summary>
        public Dictionary<string, int> Aliases { get; } = new(StringComparer.Ordinal);
    }

    // A function of the shim: for an import of a part, or for a destructor. Other is the adapter that has the function, or the name of the destructor.
    private sealed record Shim(Part Part, ShimSignature Signature, LinkedImport? Import, WitTypeDef? Resource, string? Other)
    {
        /// <summary>The index of the shim's function in the component, once it has one.</summary>
        public int Alias { get; set; } = -1;

        public bool Is(Part part, LinkedImport import) => Part == part && Import is { Function: not null } own && own.Key == import.Key && own.Function == import.Function;
    }
}
