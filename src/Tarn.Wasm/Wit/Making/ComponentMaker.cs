// Makes a component out of a core module that has a world in its metadata: imports are lowered, exports are lifted, and both get the types of the world.
//
// The component's definitions are in this order: imports, the module, the shim that stands for functions that need the module's memory (CoreModuleBuilder), the types of exports, the
// module's instance, the fixup, exports (ExportMaker).
using Tarn.Wasm.Component;
using Tarn.Wasm.Validation;

namespace Tarn.Wasm.Wit;

/// <summary>Makes components.</summary>
internal sealed class ComponentMaker
{
    private readonly ModuleMetadata _metadata;
    private readonly ModuleLinkage _linkage;
    private readonly WitWorld _world;
    private readonly ComponentBuilder _component = new(isType: false);
    private readonly List<Shim> _shims = [];
    private readonly Dictionary<WitInterface, int> _importedInstances = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<WitKey, int> _instances = [];
    private readonly Dictionary<string, int> _rootFunctions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _mainAliases = new(StringComparer.Ordinal);
    private readonly WorldTypeEncoder _types;
    private int _shimInstance = -1;
    private int _memory = -1;
    private int _main = -1;

    private ComponentMaker(ModuleMetadata metadata, ModuleLinkage linkage)
    {
        _metadata = metadata;
        _linkage = linkage;
        _world = metadata.World;
        _types = new WorldTypeEncoder(_component, definition => _importedInstances.GetValueOrDefault(definition, -1), namesTypes: true);
    }

    /// <summary>Makes a component.</summary>
    /// <param name="module">The core module, with metadata.</param>
    /// <param name="features">What the module may use.</param>
    /// <param name="withNames">Whether the component has names for people.</param>
    /// <exception cref="WasmException">The module is not valid, or does not fit its world.</exception>
    public static byte[] Make(byte[] module, WasmFeatures features, bool withNames)
    {
        ModuleMetadata metadata = ModuleMetadata.Extract(module, new WitDecoder(null));
        // The world may have been encoded by anybody: nothing of its order is taken for granted.
        WorldElaboration.Elaborate(metadata.World);
        VersionMerging.Merge(metadata.World);
        WasmModule core = WasmModule.Decode(metadata.Module, features);
        ModuleValidator.Validate(core, new TypeRegistry(), degreeOfParallelism: 1);
        ComponentMaker maker = new(metadata, new ModuleLinkage(core, metadata.World));
        maker.Run();
        byte[] component = maker._component.ToComponent(withNames);
        // What is made is a component: a fault here would be ours, and must not be handed out.
        ComponentValidator.Validate(WasmComponent.Decode(component, features), features);
        return component;
    }

    private void Run()
    {
        Imports();
        int module = _component.CoreModule(_metadata.Module, "main");
        ShimModule();
        ExportMaker exports = new(_component, _world, _types);
        exports.Types(Destructor);
        List<CoreArgument> arguments = [];
        foreach (LinkedInstance instance in _linkage.Instances.Values)
        {
            List<(string, SortIndex)> items = [];
            foreach (LinkedImport import in instance.Imports)
                items.Add((import.Name, new SortIndex(ComponentSort.CoreFunction, Item(import, exports))));
            arguments.Add(new CoreArgument(instance.Name, _component.CoreExports(items, instance.Name)));
        }

        _main = _component.CoreInstantiate(module, arguments, "main");
        if (_linkage.Memory is string memory)
            _memory = _component.AliasCoreExport(ComponentSort.CoreMemory, _main, memory, "memory");
        Fixup();
        foreach ((WitKey key, WitWorldItem item) in _world.Exports)
        {
            if (item.Function is WitFunction function)
            {
                int type = exports.FunctionType(function);
                _component.Export(new ExternName(key.Name!), new SortIndex(ComponentSort.Function, Lift(null, function, type)), null, key.Name);
            }
            else if (item.Interface is WitInterface definition)
            {
                exports.Interface(key, item, definition, (member, type) => Lift(key, member, type));
            }
        }

        Producers.Add(_component);
    }

    // Instances of the world's interfaces with what is used of them, then types and functions of the world itself.
    private void Imports()
    {
        LiveTypes live = new();
        HashSet<(WitKey?, string)> used = [];
        List<WitTypeDef> dropped = [];
        foreach (LinkedImport import in _linkage.Instances.Values.SelectMany(instance => instance.Imports))
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
        foreach (LinkedInstance instance in _linkage.Instances.Values)
        {
            foreach (LinkedImport import in instance.Imports)
            {
                // Two names of one function, by compatible versions of its interface, have one shim.
                if (import.Function is WitFunction function && WitAbi.Needs(function, isImport: true) != WitAbiNeeds.None && !_shims.Exists(shim => shim.Is(import)))
                {
                    (ValType[] parameters, ValType[] results) = WitAbi.Signature(function, isImport: true);
                    _shims.Add(new Shim(new ShimSignature($"indirect-{instance.Name}-{function.Name}", parameters, results), import, null, null));
                }
            }
        }

        foreach ((WitKey key, WitWorldItem item) in _world.Exports)
        {
            foreach (WitTypeDef type in item.Interface?.Types.Values ?? (IEnumerable<WitTypeDef>)[])
            {
                if (type.Kind == WitTypeKind.Resource && _linkage.DestructorOf(key, type) is string destructor)
                    _shims.Add(new Shim(new ShimSignature($"dtor-{type.Name}", [ValType.I32], []), null, type, destructor));
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

    private int Item(LinkedImport import, ExportMaker exports)
    {
        switch (import.Kind)
        {
            case LinkedImportKind.Function:
                int shim = ShimFunction(candidate => candidate.Is(import));
                return shim >= 0 ? shim : _component.Lower(ComponentFunction(import), [], import.Function!.Name);
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
        if (_shims.Count == 0 && _linkage.Initialize is null)
            return;
        int module = _component.CoreModule(CoreModuleBuilder.Fixup([.. _shims.Select(shim => shim.Signature)], _linkage.Initialize), "wit-component-fixup");
        List<(string, SortIndex)> actual = [];
        foreach (Shim shim in _shims)
        {
            int function;
            if (shim.Import is LinkedImport import)
            {
                int target = ComponentFunction(import);
                function = _component.Lower(target, Options(WitAbi.Needs(import.Function!, isImport: true)), shim.Signature.Name);
            }
            else
            {
                function = MainFunction(shim.Destructor!);
            }

            actual.Add((actual.Count.ToString(), new SortIndex(ComponentSort.CoreFunction, function)));
        }

        List<CoreArgument> arguments = [];
        if (actual.Count > 0)
            arguments.Add(new CoreArgument("actual", _component.CoreExports(actual, "actual")));
        if (_linkage.Initialize is not null)
            arguments.Add(new CoreArgument("main", _main));
        if (actual.Count > 0)
            arguments.Add(new CoreArgument("shim", _shimInstance));
        _component.CoreInstantiate(module, arguments, "fixup");
    }

    private int MainFunction(string export)
    {
        if (!_mainAliases.TryGetValue(export, out int index))
            _mainAliases.Add(export, index = _component.AliasCoreExport(ComponentSort.CoreFunction, _main, export, export));
        return index;
    }

    private int Lift(WitKey? key, WitFunction function, int type)
    {
        string export = _linkage.ExportOf(key, function.Name);
        int core = MainFunction(export);
        WitAbiNeeds needs = WitAbi.Needs(function, isImport: false);
        List<CanonicalOption> options = Options(needs);
        if (_linkage.PostReturnOf(export) is string post)
            options.Add(new CanonicalOption(CanonicalOptionKind.PostReturn, MainFunction(post)));
        return _component.Lift(core, type, options, function.Name);
    }

    private List<CanonicalOption> Options(WitAbiNeeds needs)
    {
        List<CanonicalOption> options = [];
        if ((needs & WitAbiNeeds.Memory) != 0)
        {
            if (_memory < 0)
                throw TextFormatException.WithoutPlace("The module exports no memory, which its world's functions need.", null);
            options.Add(new CanonicalOption(CanonicalOptionKind.Memory, _memory));
        }

        if ((needs & WitAbiNeeds.Realloc) != 0)
        {
            string realloc = _linkage.Realloc ?? throw TextFormatException.WithoutPlace("The module exports no allocator (`cabi_realloc`), which its world's functions need.", null);
            options.Add(new CanonicalOption(CanonicalOptionKind.Realloc, MainFunction(realloc)));
        }

        if ((needs & WitAbiNeeds.StringEncoding) != 0)
            options.Add(new CanonicalOption(_metadata.Encoding, 0));
        return options;
    }

    private sealed record Shim(ShimSignature Signature, LinkedImport? Import, WitTypeDef? Resource, string? Destructor)
    {
        /// <summary>The index of the shim's function in the component, once it has one.</summary>
        public int Alias { get; set; } = -1;

        public bool Is(LinkedImport import) => Import is not null && Import.Key == import.Key && Import.Function == import.Function;
    }
}
