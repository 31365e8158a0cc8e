// Makes a component's linking plan by walking its definitions as an instantiation would, with items in the place of values. Components within are unfolded where they are instantiated, so
// that nothing is looked up by name at run time.
//
// A component that instantiates another one twice, which does the same, and so on, unfolds to any size: the plan is counted as it grows and refused beyond a limit.
namespace Tarn.Components.Linking;

/// <summary>Maker of plans.</summary>
internal sealed class PlanBuilder
{
    private const int MaximumSteps = 100_000;
    private const int MaximumInstances = 10_000;

    private readonly ComponentFacts _facts;
    private readonly List<PlanStep> _steps = [];
    private readonly List<WasmModule> _modules = [];
    private readonly Dictionary<WasmModule, int> _moduleNumbers = new(ReferenceEqualityComparer.Instance);
    private readonly List<int> _instances = [];
    private readonly List<ImportedFunction> _imports = [];
    private readonly List<WasmModule?> _coreModules = [];
    private readonly AdapterBuilder _adapters;
    private int _adapterInstance;
    private int _coreFunctions;
    private int _lifts;
    private int _resources;

    private PlanBuilder(ComponentFacts facts, WasmFeatures features)
    {
        _facts = facts;
        _adapters = new AdapterBuilder(features);
    }

    /// <summary>Makes the plan of a component.</summary>
    /// <exception cref="NotSupportedException">It uses what is not supported.</exception>
    /// <exception cref="InvalidModuleException">It unfolds to more than the limits allow.</exception>
    public static ComponentPlan Build(WasmComponent component, ComponentFacts facts, WasmFeatures features)
    {
        PlanBuilder builder = new(facts, features);
        Dictionary<string, Item> arguments = new(StringComparer.Ordinal);
        PlanScope scope = builder.Enter(null, -1);
        foreach ((string name, ComponentExternType import) in facts.Type.Imports)
            arguments.Add(name, builder.Import(scope, new ImportPath([name]), import));
        builder.Walk(component, scope, arguments, facts.Type);
        builder.FinishAdapters();
        builder.AddStates();
        return new ComponentPlan
        {
            Steps = [.. builder._steps],
            Modules = [.. builder._modules],
            Instances = [.. builder._instances],
            StateInstance = builder._adapters.StateInstance,
            CoreInstances = builder._coreModules.Count,
            CoreFunctions = builder._coreFunctions,
            Lifts = builder._lifts,
            Resources = builder._resources,
            Imports = [.. builder._imports],
            Exports = scope.Exports,
        };
    }

    private PlanScope Enter(PlanScope? parent, int around)
    {
        if (_instances.Count >= MaximumInstances)
            throw new InvalidModuleException($"the component unfolds to more than {MaximumInstances} component instances", 0);
        _instances.Add(around);
        return new PlanScope(parent, _instances.Count - 1, _facts.Arena);
    }

    private void Add(PlanStep step)
    {
        FinishAdapters();
        Append(step);
    }

    private void Append(PlanStep step)
    {
        if (_steps.Count >= MaximumSteps)
            throw new InvalidModuleException($"the component unfolds to more than {MaximumSteps} steps of instantiation", 0);
        _steps.Add(step);
    }

    // What the host gives. Types of functions are resolved when all resources of the import are known, which come before the functions that mention them.
    private Item Import(PlanScope scope, ImportPath path, ComponentExternType type)
    {
        switch (type.Sort)
        {
            case ComponentSort.Function:
                _imports.Add(new ImportedFunction(path, scope.Resolve((FunctionTypeNode)type.Type!)));
                return new ImportedItem(_imports.Count - 1);
            case ComponentSort.Type when type.Type is ResourceTypeNode resource:
                if (!scope.Resources.TryGetValue(resource.Id, out int slot))
                {
                    slot = _resources++;
                    scope.Resources.Add(resource.Id, slot);
                    Add(new ImportResourceStep(slot, path));
                }

                return new TypeItem(slot);
            case ComponentSort.Type:
                return new TypeItem(-1);
            case ComponentSort.Instance:
                Dictionary<string, Item> exports = new(StringComparer.Ordinal);
                foreach ((string name, ComponentExternType export) in ((InstanceTypeNode)type.Type!).Exports)
                    exports.Add(name, Import(scope, new ImportPath([.. path.Names, name]), export));
                return new InstanceItem(exports);
            default:
                throw new NotSupportedException($"The import '{path}' is a {type.Description}, which a host cannot provide.");
        }
    }

    private void Walk(WasmComponent component, PlanScope scope, Dictionary<string, Item> arguments, ComponentTypeNode type)
    {
        foreach (BoundResource resource in type.ImportedResources)
        {
            Item item = arguments[resource.Path[0]];
            foreach (string name in resource.Path.AsSpan(1))
                item = ((InstanceItem)item).Exports[name];
            scope.Resources[resource.Id] = ((TypeItem)item).Resource;
        }

        foreach (ComponentDefinition definition in component.Definitions)
            Define(scope, definition, arguments);
    }

    private void Define(PlanScope scope, ComponentDefinition definition, Dictionary<string, Item> arguments)
    {
        switch (definition)
        {
            case CoreModuleDefinition module:
                scope.Modules.Add(new ModuleItem(NumberOf(module.Module)));
                break;
            case CoreInstantiateDefinition instantiate:
                Instantiate(scope, instantiate);
                break;
            case CoreExportsDefinition exports:
                scope.CoreInstances.Add(new CoreInstanceItem(-1, exports.Exports.ToDictionary(e => e.Name.Name, e => scope.Core(e.Item.Sort)[e.Item.Index], StringComparer.Ordinal)));
                break;
            case NestedComponentDefinition nested:
                scope.Components.Add(new PlannedComponent(nested.Component, scope));
                break;
            case InstantiateDefinition instantiate:
                Instantiate(scope, instantiate);
                break;
            case InstanceExportsDefinition exports:
                scope.Instances.Add(new InstanceItem(exports.Exports.ToDictionary(e => e.Name.Name, e => scope.Find(e.Item), StringComparer.Ordinal)));
                break;
            case ExportAliasDefinition alias when alias.Sort.IsCore() && alias.Sort != ComponentSort.CoreModule:
                scope.Core(alias.Sort).Add(scope.CoreInstances[alias.Instance].Find(alias.Name));
                break;
            case ExportAliasDefinition alias:
                scope.Add(scope.Instances[alias.Instance].Exports[alias.Name]);
                break;
            case OuterAliasDefinition alias:
                OuterAlias(scope, alias);
                break;
            case TypeDefinition { Type: ResourceTypeSyntax resource }:
                DefineResource(scope, resource);
                break;
            case TypeDefinition:
                scope.Types.Add(new TypeItem(-1));
                break;
            case CanonicalDefinition canonical:
                Define(scope, canonical);
                break;
            case StartDefinition:
                throw new NotSupportedException("Components with start functions are not supported.");
            case ImportDefinition import:
                scope.Add(arguments[import.Name.Name]);
                break;
            case ExportDefinition export:
                Item item = scope.Find(export.Item);
                scope.Exports[export.Name.Name] = item;
                scope.Add(item);
                break;
        }
    }

    private int ReserveInstance(WasmModule? module)
    {
        _coreModules.Add(module);
        return _coreModules.Count - 1;
    }

    // The adapters that were collected have to be there for the step that comes next.
    private void FinishAdapters()
    {
        if (!_adapters.IsPending)
            return;
        (WasmModule module, PlanArgument[] arguments) = _adapters.Finish();
        _coreModules[_adapterInstance] = module;
        Append(new InstantiateStep(_adapterInstance, NumberOf(module), arguments));
    }

    private void AddStates()
    {
        if (_adapters.StateInstance < 0)
            return;
        WasmModule module = _adapters.FinishStates(_instances.Count);
        _steps.Insert(0, new InstantiateStep(_adapters.StateInstance, NumberOf(module), []));
        _steps.Insert(0, new AdapterTrapStep(_adapters.TrapFunction, _adapters.Sites));
    }

    private CoreMemoryType MemoryOf(CoreItem item)
    {
        WasmModule module = _coreModules[item.Slot]!;
        foreach (ref readonly Export export in module.Exports)
        {
            if (export.Kind == ExternalKind.Memory && export.Name == item.Export)
                return module.Memories[export.Index];
        }

        throw new InvalidOperationException($"There is no memory named '{item.Export}'.");
    }

    // Values pass between two components in an adapter, where one can be made.
    private CoreItem Lower(LowerStep step)
    {
        int instance = _adapters.IsPending ? _adapterInstance : -1;
        string? adapter = _adapters.TryAdd(step, _instances, MemoryOf, () => ReserveInstance(null), () => _coreFunctions++);
        if (adapter is not null)
            return new CoreItem(_adapterInstance = instance < 0 ? ReserveInstance(null) : instance, adapter);
        Append(step with { Slot = _coreFunctions });
        return new CoreItem(_coreFunctions++, null);
    }

    private int NumberOf(WasmModule module)
    {
        if (!_moduleNumbers.TryGetValue(module, out int number))
        {
            number = _modules.Count;
            _modules.Add(module);
            _moduleNumbers.Add(module, number);
        }

        return number;
    }

    private void Instantiate(PlanScope scope, CoreInstantiateDefinition definition)
    {
        int number = scope.Modules[definition.Module].Module;
        Dictionary<string, CoreInstanceItem> arguments = definition.Arguments.ToDictionary(a => a.Name, a => scope.CoreInstances[a.Instance], StringComparer.Ordinal);
        List<PlanArgument> imports = [];
        foreach (ref readonly Import import in _modules[number].Imports)
            imports.Add(new PlanArgument(import.Module, import.Name, arguments[import.Module].Find(import.Name)));
        Add(new InstantiateStep(ReserveInstance(_modules[number]), number, [.. imports]));
        scope.CoreInstances.Add(new CoreInstanceItem(_coreModules.Count - 1, null));
    }

    private void Instantiate(PlanScope scope, InstantiateDefinition definition)
    {
        PlannedComponent component = scope.Components[definition.Component];
        Dictionary<string, Item> arguments = definition.Arguments.ToDictionary(a => a.Name.Name, a => scope.Find(a.Item), StringComparer.Ordinal);
        PlanScope inner = Enter(component.Parent, scope.Instance);
        Walk(component.Component, inner, arguments, _facts.Components[component.Component]);
        InstanceItem instance = new(inner.Exports);
        BindResources(scope, _facts.Instances[definition], instance);
        scope.Instances.Add(instance);
    }

    // The resources that an instantiation made have ids in the types of the scope around it.
    private static void BindResources(PlanScope scope, InstanceTypeNode type, InstanceItem instance)
    {
        if (!type.HasResources)
            return;
        foreach ((string name, ComponentExternType export) in type.Exports)
        {
            Item item = instance.Exports[name];
            if (export is { Sort: ComponentSort.Type, Type: ResourceTypeNode resource })
                scope.Resources.TryAdd(resource.Id, ((TypeItem)item).Resource);
            else if (export is { Sort: ComponentSort.Instance, Type: InstanceTypeNode inner })
                BindResources(scope, inner, (InstanceItem)item);
        }
    }

    private static void OuterAlias(PlanScope scope, OuterAliasDefinition alias)
    {
        PlanScope outer = scope.Outer(alias.Count);
        switch (alias.Sort)
        {
            case ComponentSort.CoreModule:
                scope.Modules.Add(outer.Modules[alias.Index]);
                break;
            case ComponentSort.Component:
                scope.Components.Add(outer.Components[alias.Index]);
                break;
            case ComponentSort.Type:
                scope.Types.Add(outer.Types[alias.Index]);
                break;
        }
    }

    private void DefineResource(PlanScope scope, ResourceTypeSyntax syntax)
    {
        if (syntax.Representation != ValType.I32)
            throw new NotSupportedException("Resources with representations of 64 bits are not supported.");
        int slot = _resources++;
        scope.Resources[_facts.Resources[syntax]] = slot;
        Add(new ResourceStep(slot, scope.Instance, syntax.Destructor < 0 ? null : scope.CoreFunctions[syntax.Destructor]));
        scope.Types.Add(new TypeItem(slot));
    }

    private void Define(PlanScope scope, CanonicalDefinition definition)
    {
        switch (definition.Kind)
        {
            case CanonicalKind.Lift:
                FunctionTypeNode lifted = _facts.Functions[definition];
                LiftStep lift = new(_lifts, scope.Instance, scope.CoreFunctions[definition.Function], Options(scope, definition), scope.Resolve(lifted));
                Add(lift);
                _adapters.Lifts(lift, CanonicalSignature.OfLift(lifted, CanonicalOptions.Read(definition.Options, definition.Offset), definition.Offset));
                scope.Functions.Add(new LiftedItem(_lifts++));
                return;
            case CanonicalKind.Lower:
                FunctionTypeNode node = _facts.Functions[definition];
                CanonicalSignature signature = CanonicalSignature.OfLower(node, CanonicalOptions.Read(definition.Options, definition.Offset), definition.Offset);
                scope.CoreFunctions.Add(Lower(new LowerStep(-1, scope.Instance, scope.Functions[definition.Function], Options(scope, definition), scope.Resolve(node), signature)));
                return;
            default:
                int resource = _facts.Handles.TryGetValue(definition, out ResourceTypeNode? type) ? scope.Resources[type.Id] : -1;
                (ValType[] parameters, ValType[] results) = _facts.BuiltIns[definition];
                if (definition.Kind is CanonicalKind.ContextGet or CanonicalKind.ContextSet)
                    _adapters.UsesContext(scope.Instance);
                Add(new BuiltInStep(_coreFunctions, scope.Instance, definition.Kind, resource, definition.Index, parameters, results));
                scope.CoreFunctions.Add(new CoreItem(_coreFunctions++, null));
                return;
        }
    }

    private static PlanOptions Options(PlanScope scope, CanonicalDefinition definition)
    {
        CanonicalOptions options = CanonicalOptions.Read(definition.Options, definition.Offset);
        return new PlanOptions(
            options.Encoding,
            options.Memory < 0 ? null : scope.CoreMemories[options.Memory],
            options.Realloc < 0 ? null : scope.CoreFunctions[options.Realloc],
            options.PostReturn < 0 ? null : scope.CoreFunctions[options.PostReturn],
            options.IsAsync);
    }
}
