// Validates a component: definitions in their order, each against what came before it. Its result is the component's type and, for the linker, the type of every function that is lifted
// or lowered. Core modules are validated by the core validator with one registry for all of them.
//
// Recursion follows components and types in each other, which the decoder has counted (ComponentLimits.Nesting), and types, which are measured as they are made (TypeMeasure).
using Tarn.Wasm.Validation;

namespace Tarn.Wasm.Component;

/// <summary>Validation of whole components.</summary>
internal sealed class ComponentValidator
{
    private readonly ComponentTypeArena _arena;
    private readonly ComponentSubtyping _subtyping;
    private readonly ComponentFacts _facts;
    private readonly WasmFeatures _features;

    private ComponentValidator(ComponentFacts facts, WasmFeatures features)
    {
        _facts = facts;
        _arena = facts.Arena;
        _subtyping = new ComponentSubtyping(_arena);
        _features = features;
    }

    /// <summary>Validates a component.</summary>
    /// <exception cref="MalformedModuleException">The body of a function is malformed.</exception>
    /// <exception cref="InvalidModuleException">A rule is broken.</exception>
    public static ComponentFacts Validate(WasmComponent component, WasmFeatures features)
    {
        ComponentFacts facts = new(new ComponentTypeArena(new TypeRegistry()));
        facts.Type = new ComponentValidator(facts, features).Validate(component, null);
        return facts;
    }

    private ComponentTypeNode Validate(WasmComponent component, ComponentScope? parent)
    {
        ComponentScope scope = new(ScopeKind.Component, parent, _arena, _features);
        foreach (ComponentDefinition definition in component.Definitions)
            Define(scope, definition);
        for (int i = 0; i < scope.Values.Count; i++)
        {
            if (!scope.Values[i].IsUsed)
                throw new InvalidModuleException($"value index {i} was not used as part of an instantiation, start function, or export", component.End);
        }

        return Finish(scope, component.End);
    }

    private void Define(ComponentScope scope, ComponentDefinition definition)
    {
        switch (definition)
        {
            case CoreModuleDefinition module:
                scope.Modules.Add(Validate(module));
                break;
            case CoreInstantiateDefinition instantiate:
                CoreInstantiate(scope, instantiate);
                break;
            case CoreExportsDefinition exports:
                CoreExports(scope, exports);
                break;
            case CoreTypeDefinition type:
                DefineCoreType(scope, type.Type);
                break;
            case NestedComponentDefinition nested:
                ComponentTypeNode node = Validate(nested.Component, scope);
                _facts.Components.Add(nested.Component, node);
                scope.Components.Add(node);
                CheckCount(scope.Components.Count, ComponentLimits.Components, "components", nested.Offset);
                break;
            case InstantiateDefinition instantiate:
                Instantiate(scope, instantiate);
                break;
            case InstanceExportsDefinition exports:
                InstanceExports(scope, exports);
                break;
            case ExportAliasDefinition alias:
                CheckAlias(scope, alias.Sort is ComponentSort.Type or ComponentSort.Instance, alias.Offset);
                ExportAlias(scope, alias);
                break;
            case OuterAliasDefinition alias:
                CheckAlias(scope, alias.Sort is ComponentSort.Type or ComponentSort.CoreType, alias.Offset);
                OuterAlias(scope, alias);
                break;
            case TypeDefinition type:
                scope.Types.Add(Resolve(scope, type.Type));
                break;
            case CanonicalDefinition canonical:
                new CanonicalValidator(scope, _facts).Validate(canonical);
                break;
            case StartDefinition start:
                Start(scope, start);
                break;
            case ImportDefinition import:
                Import(scope, import);
                break;
            case ExportDefinition export:
                Export(scope, export);
                break;
            case ExportDeclaration declaration:
                AddExport(scope, declaration.Name, Resolve(scope, declaration.Extern, declaration.Offset), declaration.Offset);
                break;
        }
    }

    private CoreModuleType Validate(CoreModuleDefinition definition)
    {
        try
        {
            ModuleValidator.Validate(definition.Module, _arena.Registry, degreeOfParallelism: 1);
            CoreModuleType type = CoreModuleType.Of(definition.Module);
            _facts.Modules[definition.Module] = type;
            return type;
        }
        catch (InvalidModuleException e)
        {
            throw e.Within(definition.Offset);
        }
        catch (MalformedModuleException e)
        {
            throw e.Within(definition.Offset);
        }
    }

    private static void CheckCount(int count, int limit, string what, int offset)
    {
        if (count > limit)
            throw new InvalidModuleException($"{what} count exceeds limit of {limit}", offset);
    }

    private void CoreInstantiate(ComponentScope scope, CoreInstantiateDefinition definition)
    {
        CoreModuleType module = ComponentScope.At(scope.Modules, definition.Module, "module", definition.Offset);
        Dictionary<string, OrderedDictionary<string, CoreExternType>> arguments = new(StringComparer.Ordinal);
        foreach (CoreArgument argument in definition.Arguments)
        {
            if (!arguments.TryAdd(argument.Name, ComponentScope.At(scope.CoreInstances, argument.Instance, "core instance", definition.Offset)))
                throw new InvalidModuleException($"duplicate module instantiation argument named `{argument.Name}`", definition.Offset);
        }

        foreach (((string from, string name), CoreExternType import) in module.Imports)
        {
            if (!arguments.TryGetValue(from, out OrderedDictionary<string, CoreExternType>? instance))
                throw new InvalidModuleException($"missing module instantiation argument named `{from}`", definition.Offset);
            if (!instance.TryGetValue(name, out CoreExternType export))
                throw new InvalidModuleException($"module instantiation argument `{from}` does not export an item named `{name}`", definition.Offset);
            if (!export.Matches(import, _arena.Registry))
                throw new InvalidModuleException($"type mismatch for export `{name}` of module instantiation argument `{from}`", definition.Offset);
        }

        scope.CoreInstances.Add(module.Exports);
        CheckCount(scope.CoreInstances.Count + scope.Instances.Count, ComponentLimits.Instances, "instances", definition.Offset);
    }

    private static void CoreExports(ComponentScope scope, CoreExportsDefinition definition)
    {
        OrderedDictionary<string, CoreExternType> exports = new(StringComparer.Ordinal);
        foreach (NamedItem export in definition.Exports)
        {
            int index = export.Item.Index;
            if (export.Item.Sort == ComponentSort.CoreTag && !scope.Has(WasmFeatures.Exceptions))
                throw new InvalidModuleException("exceptions proposal not enabled", definition.Offset);
            CoreExternType type = export.Item.Sort switch
            {
                ComponentSort.CoreFunction => CoreExternType.Function(ComponentScope.At(scope.CoreFunctions, index, "core function", definition.Offset)),
                ComponentSort.CoreTable => new CoreExternType(ExternalKind.Table, 0, ComponentScope.At(scope.CoreTables, index, "table", definition.Offset), default, default),
                ComponentSort.CoreMemory => new CoreExternType(ExternalKind.Memory, 0, default, ComponentScope.At(scope.CoreMemories, index, "memory", definition.Offset), default),
                ComponentSort.CoreGlobal => new CoreExternType(ExternalKind.Global, 0, default, default, ComponentScope.At(scope.CoreGlobals, index, "global", definition.Offset)),
                _ => new CoreExternType(ExternalKind.Tag, ComponentScope.At(scope.CoreTags, index, "tag", definition.Offset), default, default, default),
            };
            if (!exports.TryAdd(export.Name.Name, type))
                throw new InvalidModuleException($"export name `{export.Name.Name}` already defined", definition.Offset);
        }

        scope.CoreInstances.Add(exports);
        CheckCount(scope.CoreInstances.Count + scope.Instances.Count, ComponentLimits.Instances, "instances", definition.Offset);
    }

    private void DefineCoreType(ComponentScope scope, CoreTypeSyntax syntax)
    {
        if (syntax is CoreGroupSyntax group)
        {
            RequireGroup(group);
            scope.CoreTypes.Add(group);
            return;
        }

        scope.CoreTypes.Add(new ModuleTypeValidator(_arena.Registry, scope, _features).Validate((CoreModuleTypeSyntax)syntax));
    }

    private void RequireGroup(CoreGroupSyntax group)
    {
        if (group.IsExplicit && (_features & WasmFeatures.GarbageCollection) == 0)
            throw new InvalidModuleException("rec group usage requires the feature GarbageCollection, which is off", group.Offset);
    }

    private void Instantiate(ComponentScope scope, InstantiateDefinition definition)
    {
        ComponentTypeNode component = ComponentScope.At(scope.Components, definition.Component, "component", definition.Offset);
        Dictionary<string, ComponentExternType> arguments = new(StringComparer.Ordinal);
        foreach (NamedItem argument in definition.Arguments)
        {
            ComponentExternType item = ItemAt(scope, argument.Item, definition.Offset);
            if (!arguments.TryAdd(argument.Name.Name, item))
                throw new InvalidModuleException($"instantiation argument `{argument.Name.Name}` conflicts with previous argument `{argument.Name.Name}`", definition.Offset);
        }

        if (_subtyping.Instantiate(component, arguments, out InstanceTypeNode? instance, out List<ResourceId> made) is string problem)
            throw new InvalidModuleException(problem, definition.Offset);
        foreach (ResourceId resource in made)
            scope.DefinedResources.Add(resource, null);
        _facts.Instances[definition] = instance!;
        AddInstance(scope, instance!, definition.Offset);
    }

    private void AddInstance(ComponentScope scope, InstanceTypeNode instance, int offset)
    {
        scope.Instances.Add(instance);
        CheckCount(scope.CoreInstances.Count + scope.Instances.Count, ComponentLimits.Instances, "instances", offset);
    }

    private void InstanceExports(ComponentScope scope, InstanceExportsDefinition definition)
    {
        NameContext names = new(_arena, _features);
        foreach (NamedItem export in definition.Exports)
        {
            // Items keep their names: what is made of items is not a context of its own, and gives resources none.
            names.Add(export.Name, ItemAt(scope, export.Item, definition.Offset), isExport: true, definition.Offset, namesResources: false);
        }

        AddInstance(scope, names.ToInstance([]), definition.Offset);
    }

    /// <summary>The type of an item; a value counts as used.</summary>
    private static ComponentExternType ItemAt(ComponentScope scope, SortIndex item, int offset)
    {
        switch (item.Sort)
        {
            case ComponentSort.CoreModule:
                return new ComponentExternType(item.Sort, null, ComponentScope.At(scope.Modules, item.Index, "module", offset));
            case ComponentSort.Function:
                return new ComponentExternType(item.Sort, ComponentScope.At(scope.Functions, item.Index, "function", offset));
            case ComponentSort.Value:
                scope.Require(WasmFeatures.ComponentValues, "a value", offset);
                ValueItem value = ComponentScope.At(scope.Values, item.Index, "value", offset);
                if (value.IsUsed)
                    throw new InvalidModuleException($"value {item.Index} cannot be used more than once", offset);
                value.IsUsed = true;
                return new ComponentExternType(item.Sort, value.Type);
            case ComponentSort.Type:
                return new ComponentExternType(item.Sort, scope.TypeAt(item.Index, offset));
            case ComponentSort.Instance:
                return new ComponentExternType(item.Sort, ComponentScope.At(scope.Instances, item.Index, "instance", offset));
            default:
                return new ComponentExternType(item.Sort, ComponentScope.At(scope.Components, item.Index, "component", offset));
        }
    }

    private static void CheckAlias(ComponentScope scope, bool isTypeOrInstance, int offset)
    {
        if (scope.Kind != ScopeKind.Component && !isTypeOrInstance)
            throw new InvalidModuleException("aliases in a component or instance type may only refer to types or instances", offset);
    }

    private void ExportAlias(ComponentScope scope, ExportAliasDefinition alias)
    {
        if (alias.Sort.IsCore() && alias.Sort != ComponentSort.CoreModule)
        {
            CoreExportAlias(scope, alias);
            return;
        }

        if (alias.Sort == ComponentSort.Value)
            scope.Require(WasmFeatures.ComponentValues, "a value", alias.Offset);
        InstanceTypeNode instance = ComponentScope.At(scope.Instances, alias.Instance, "instance", alias.Offset);
        if (!instance.Exports.TryGetValue(alias.Name, out ComponentExternType? export))
            throw new InvalidModuleException($"instance {alias.Instance} has no export named `{alias.Name}`", alias.Offset);
        if (export.Sort != alias.Sort)
            throw new InvalidModuleException($"export `{alias.Name}` for instance {alias.Instance} is not a {alias.Sort.Describe()}", alias.Offset);
        Add(scope, export, isUsed: false, alias.Offset);
    }

    private void CoreExportAlias(ComponentScope scope, ExportAliasDefinition alias)
    {
        OrderedDictionary<string, CoreExternType> instance = ComponentScope.At(scope.CoreInstances, alias.Instance, "core instance", alias.Offset);
        if (alias.Sort == ComponentSort.CoreTag && !scope.Has(WasmFeatures.Exceptions))
            throw new InvalidModuleException("exceptions proposal not enabled", alias.Offset);
        if (!instance.TryGetValue(alias.Name, out CoreExternType export))
            throw new InvalidModuleException($"core instance {alias.Instance} has no export named `{alias.Name}`", alias.Offset);
        if (export.Kind != (ExternalKind)alias.Sort.Code())
            throw new InvalidModuleException($"export `{alias.Name}` for core instance {alias.Instance} is not a {alias.Sort.Keyword()}", alias.Offset);
        switch (export.Kind)
        {
            case ExternalKind.Function:
                scope.CoreFunctions.Add(export.TypeId);
                break;
            case ExternalKind.Table:
                scope.CoreTables.Add(export.Table);
                break;
            case ExternalKind.Memory:
                scope.CoreMemories.Add(export.Memory);
                break;
            case ExternalKind.Global:
                scope.CoreGlobals.Add(export.Global);
                break;
            default:
                scope.CoreTags.Add(export.TypeId);
                break;
        }
    }

    private void Add(ComponentScope scope, ComponentExternType item, bool isUsed, int offset)
    {
        switch (item.Sort)
        {
            case ComponentSort.CoreModule:
                scope.Modules.Add(item.Module!);
                break;
            case ComponentSort.Function:
                scope.Functions.Add((FunctionTypeNode)item.Type!);
                break;
            case ComponentSort.Value:
                scope.Values.Add(new ValueItem((ValueTypeNode)item.Type!, isUsed));
                break;
            case ComponentSort.Type:
                scope.Types.Add(item.Type!);
                break;
            case ComponentSort.Instance:
                AddInstance(scope, (InstanceTypeNode)item.Type!, offset);
                break;
            default:
                scope.Components.Add((ComponentTypeNode)item.Type!);
                break;
        }
    }

    private static void OuterAlias(ComponentScope scope, OuterAliasDefinition alias)
    {
        ComponentScope outer = scope.Outer(alias.Count, alias.Offset);
        switch (alias.Sort)
        {
            case ComponentSort.CoreModule:
                scope.Modules.Add(ComponentScope.At(outer.Modules, alias.Index, "module", alias.Offset));
                return;
            case ComponentSort.CoreType:
                outer.CheckCoreType(alias.Index, alias.Offset);
                scope.CoreTypes.AddAlias(outer.CoreTypes, alias.Index);
                return;
            case ComponentSort.Component:
                scope.Components.Add(ComponentScope.At(outer.Components, alias.Index, "component", alias.Offset));
                return;
        }

        TypeNode type = outer.TypeAt(alias.Index, alias.Offset);
        // Types may use what is around them; a component may not, or it could not be taken out and used elsewhere. Type scopes are innermost, so one look is enough.
        if (alias.Count > 0 && scope.Outer(alias.Count - 1, alias.Offset).Kind == ScopeKind.Component)
        {
            HashSet<ResourceId> free = [];
            NamedTypes.CollectFree(type, free);
            if (free.Count > 0)
                throw new InvalidModuleException("cannot alias outer type which transitively refers to resources not defined in the current component", alias.Offset);
        }

        scope.Types.Add(type);
    }

    private static void Start(ComponentScope scope, StartDefinition start)
    {
        scope.Require(WasmFeatures.ComponentValues, "a start function", start.Offset);
        if (scope.HasStart)
            throw new InvalidModuleException("component cannot have more than one start function", start.Offset);
        FunctionTypeNode function = ComponentScope.At(scope.Functions, start.Function, "function", start.Offset);
        if (function.Parameters.Length != start.Arguments.Length)
            throw new InvalidModuleException($"component start function requires {function.Parameters.Length} arguments but was given {start.Arguments.Length}", start.Offset);
        if ((function.Result is null ? 0 : 1) != start.Results)
            throw new InvalidModuleException($"component start function has a result count of {start.Results} but the function type has {(function.Result is null ? 0 : 1)}", start.Offset);
        for (int i = 0; i < start.Arguments.Length; i++)
        {
            var value = (ValueTypeNode)ItemAt(scope, new SortIndex(ComponentSort.Value, start.Arguments[i]), start.Offset).Type!;
            if (value.StructuralId != function.Parameters[i].StructuralId)
                throw new InvalidModuleException($"value type mismatch for component start function argument {i}", start.Offset);
        }

        if (function.Result is not null)
            scope.Values.Add(new ValueItem(function.Result, false));
        scope.HasStart = true;
    }

    private void Import(ComponentScope scope, ImportDefinition import)
    {
        ComponentExternType item = Resolve(scope, import.Extern, import.Offset);
        if (item.Type is InstanceTypeNode { Resources.Length: > 0 } instance && item.Sort == ComponentSort.Instance)
            item = item with { Type = Open(instance, (id, path) => scope.ImportedResources.Add(new BoundResource(id, [import.Name.Name, .. path]))) };
        if (item.IsFresh)
            scope.ImportedResources.Add(new BoundResource(((ResourceTypeNode)item.Type!).Id, [import.Name.Name]));
        Add(scope, item, isUsed: false, import.Offset);
        if (!Register(scope, item, isExport: false))
            throw new InvalidModuleException($"{item.Description} not valid to be used as import", import.Offset);
        scope.ImportNames.Add(import.Name, item, isExport: false, import.Offset);
    }

    private void Export(ComponentScope scope, ExportDefinition export)
    {
        ComponentExternType item = ItemAt(scope, export.Item, export.Offset);
        if (item.Sort == ComponentSort.Type)
            item = item with { Type = item.Type!.WithNewIdentity() };
        if (export.Ascribed is ExternSyntax syntax)
        {
            ComponentExternType ascribed = Resolve(scope, syntax, export.Offset);
            if (_subtyping.Check(item, ascribed) is string problem)
                throw new InvalidModuleException($"ascribed type of export is not compatible with item's type: {problem}", export.Offset);
            // The type as it is seen from now on; a resource that it leaves open is the item's.
            item = Ascribe(item, ascribed);
        }

        AddExport(scope, export.Name, item, export.Offset);
    }

    private ComponentExternType Ascribe(ComponentExternType item, ComponentExternType ascribed)
    {
        if (ascribed.Type is not InstanceTypeNode { Resources.Length: > 0 } instance || ascribed.Sort != ComponentSort.Instance)
            return ascribed.Sort == ComponentSort.Type ? ascribed with { Type = item.Type, IsFresh = false } : ascribed;
        ResourceSubstitution substitution = new(_arena);
        foreach (BoundResource resource in instance.Resources)
        {
            ComponentExternType? found = item;
            foreach (string name in resource.Path)
                found = ((InstanceTypeNode)found!.Type!).Exports[name];
            substitution.Add(resource.Id, ((ResourceTypeNode)found!.Type!).Id);
        }

        OrderedDictionary<string, ComponentExternType> exports = substitution.Apply(instance.Exports);
        return ascribed with { Type = new InstanceTypeNode(exports, [], ComponentSubtyping.MeasureOf(exports)) };
    }

    private void AddExport(ComponentScope scope, in ExternName name, ComponentExternType item, int offset)
    {
        if (item.Type is InstanceTypeNode { Resources.Length: > 0 } instance && item.Sort == ComponentSort.Instance)
            item = item with { Type = Open(instance, (id, _) => scope.DefinedResources.Add(id, null)) };
        if (item.IsFresh)
            scope.DefinedResources.Add(((ResourceTypeNode)item.Type!).Id, null);
        NoteExplicit(scope, item, [name.Name]);
        Add(scope, item, isUsed: true, offset);
        if (!Register(scope, item, isExport: true))
            throw new InvalidModuleException($"{item.Description} not valid to be used as export", offset);
        scope.ExportNames.Add(name, item, isExport: true, offset);
    }

    private static void NoteExplicit(ComponentScope scope, ComponentExternType item, string[] path)
    {
        if (!item.HasResources)
            return;
        if (item is { Sort: ComponentSort.Type, Type: ResourceTypeNode resource })
            scope.ExplicitResources[resource.Id] = path;
        if (item is not { Sort: ComponentSort.Instance, Type: InstanceTypeNode instance })
            return;
        foreach ((string name, ComponentExternType export) in instance.Exports)
            NoteExplicit(scope, export, [.. path, name]);
    }

    // An instance of a type: the resources that the type binds become the instance's own.
    private InstanceTypeNode Open(InstanceTypeNode type, Action<ResourceId, string[]> made)
    {
        ResourceSubstitution substitution = new(_arena);
        foreach (BoundResource resource in type.Resources)
        {
            ResourceId fresh = _arena.CreateResource();
            substitution.Add(resource.Id, fresh);
            made(fresh, resource.Path);
        }

        OrderedDictionary<string, ComponentExternType> exports = substitution.Apply(type.Exports);
        return new InstanceTypeNode(exports, [], ComponentSubtyping.MeasureOf(exports));
    }

    private static bool Register(ComponentScope scope, ComponentExternType item, bool isExport)
    {
        if (scope.Kind == ScopeKind.InstanceType)
            return true;
        HashSet<TypeNode> named = isExport ? scope.ExportedTypes : scope.ImportedTypes;
        switch (item.Sort)
        {
            case ComponentSort.Type:
                if (!NamedTypes.AllNamed(item.Type!, named))
                    return false;
                scope.ExportedTypes.Add(item.Type!);
                if (!isExport)
                    scope.ImportedTypes.Add(item.Type!);
                return true;
            case ComponentSort.Instance:
                foreach (ComponentExternType export in ((InstanceTypeNode)item.Type!).Exports.Values)
                {
                    if (!Register(scope, export, isExport))
                        return false;
                }

                return true;
            case ComponentSort.Function:
                return NamedTypes.AllNamed(item.Type!, named);
            case ComponentSort.Value:
                return NamedTypes.IsNamed((ValueTypeNode)item.Type!, named);
            default:
                return true;
        }
    }

    private ComponentExternType Resolve(ComponentScope scope, ExternSyntax syntax, int offset)
    {
        switch (syntax.Sort)
        {
            case ComponentSort.CoreModule:
                scope.CheckCoreType(syntax.Index, offset);
                return new ComponentExternType(syntax.Sort, null, scope.CoreTypes.ModuleAt(syntax.Index) ?? throw new InvalidModuleException($"core type index {syntax.Index} is not a module type", offset));
            case ComponentSort.Function:
                return new ComponentExternType(syntax.Sort, scope.FunctionTypeAt(syntax.Index, offset));
            case ComponentSort.Value:
                scope.Require(WasmFeatures.ComponentValues, "a value", offset);
                if (syntax.Index >= 0)
                    throw new InvalidModuleException("values that are equal to a value are not supported", offset);
                return new ComponentExternType(syntax.Sort, Resolve(scope, syntax.Value, offset));
            case ComponentSort.Type:
                return syntax.Index < 0
                    ? new ComponentExternType(syntax.Sort, new ResourceTypeNode(_arena.CreateResource()), null, IsFresh: true)
                    : new ComponentExternType(syntax.Sort, scope.TypeAt(syntax.Index, offset).WithNewIdentity());
            case ComponentSort.Instance:
                return new ComponentExternType(syntax.Sort, scope.TypeAt(syntax.Index, offset) as InstanceTypeNode ?? throw new InvalidModuleException($"type index {syntax.Index} is not an instance type", offset));
            default:
                return new ComponentExternType(syntax.Sort, scope.TypeAt(syntax.Index, offset) as ComponentTypeNode ?? throw new InvalidModuleException($"type index {syntax.Index} is not a component type", offset));
        }
    }

    private ValueTypeNode Resolve(ComponentScope scope, ValueTypeReference type, int offset) => ValueTypeValidator.Resolve(scope, type, offset);

    private TypeNode Resolve(ComponentScope scope, TypeSyntax syntax)
    {
        switch (syntax)
        {
            case ResourceTypeSyntax resource:
                return DefineResource(scope, resource);
            case FunctionTypeSyntax function:
                return ValueTypeValidator.Function(scope, function);
            case ComponentTypeSyntax component:
                ComponentScope inner = new(ScopeKind.ComponentType, scope, _arena, _features);
                foreach (ComponentDefinition declaration in component.Declarations)
                    Define(inner, declaration);
                return Finish(inner, component.Offset);
            case InstanceTypeSyntax instance:
                inner = new(ScopeKind.InstanceType, scope, _arena, _features);
                foreach (ComponentDefinition declaration in instance.Declarations)
                    Define(inner, declaration);
                BoundResource[] resources = [.. inner.DefinedResources.Keys.Where(inner.ExplicitResources.ContainsKey).Select(id => new BoundResource(id, inner.ExplicitResources[id]))];
                return inner.ExportNames.ToInstance(resources);
            default:
                return ValueTypeValidator.Define(scope, (ValueTypeSyntax)syntax);
        }
    }

    private ResourceTypeNode DefineResource(ComponentScope scope, ResourceTypeSyntax syntax)
    {
        if (scope.Kind != ScopeKind.Component)
            throw new InvalidModuleException("resources can only be defined within a concrete component", syntax.Offset);
        if (syntax.Representation == ValType.I64)
            scope.Require(WasmFeatures.ComponentMemory64, "a resource with an i64 representation", syntax.Offset);
        else if (syntax.Representation != ValType.I32)
            throw new InvalidModuleException("resources can only be represented by `i32` or `i64`", syntax.Offset);
        if (syntax.Destructor >= 0)
        {
            CoreFunctionType destructor = scope.CoreFunctionAt(syntax.Destructor, syntax.Offset);
            if (destructor.ParameterCount != 1 || destructor.Parameters[0] != syntax.Representation || destructor.ResultCount != 0)
                throw new InvalidModuleException($"core function {syntax.Destructor} has wrong signature for a destructor", syntax.Offset);
        }

        ResourceTypeNode node = new(_arena.CreateResource());
        scope.DefinedResources.Add(node.Id, syntax.Representation);
        _facts.Resources.Add(syntax, node.Id);
        return node;
    }

    private static ComponentTypeNode Finish(ComponentScope scope, int offset)
    {
        HashSet<ResourceId> free = [];
        foreach (ComponentExternType import in scope.Imports.Values)
        {
            if (import.Type is not null)
                NamedTypes.CollectFree(import.Type, free);
        }

        foreach (ResourceId resource in scope.DefinedResources.Keys)
        {
            if (free.Contains(resource))
                throw new InvalidModuleException("local resource type found in imports", offset);
        }

        free.Clear();
        foreach (ComponentExternType export in scope.Exports.Values)
        {
            if (export.Type is not null)
                NamedTypes.CollectFree(export.Type, free);
        }

        List<BoundResource> defined = [];
        foreach (ResourceId resource in scope.DefinedResources.Keys)
        {
            if (!free.Contains(resource))
                continue;
            if (!scope.ExplicitResources.TryGetValue(resource, out string[]? path))
                throw new InvalidModuleException("local resource type found in export but not exported itself", offset);
            defined.Add(new BoundResource(resource, path));
        }

        TypeMeasure measure = scope.ImportNames.Measure;
        TypeMeasure exports = scope.ExportNames.Measure;
        measure = new TypeMeasure
        {
            Size = Math.Min(measure.Size + exports.Size, ComponentLimits.TypeSize + 1),
            Depth = Math.Max(measure.Depth, exports.Depth),
            HasResources = measure.HasResources || exports.HasResources,
        };
        measure.Check(offset);
        return new ComponentTypeNode(scope.Imports, scope.Exports, [.. scope.ImportedResources], [.. defined], measure);
    }
}
