// Exports of a component that is made. A function is lifted with types of the component that nobody outside can name; the exported instance has named types. A small component in between
// does that: it imports the functions and the types they use, and exports the functions under types that it exports first.
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Wit;

/// <summary>Makes exports.</summary>
/// <param name="component">The component.</param>
/// <param name="world">Its world.</param>
/// <param name="imported">Types of imports.</param>
internal sealed class ExportMaker(ComponentBuilder component, WitWorld world, WorldTypeEncoder imported)
{
    private ComponentBuilder Component { get; } = component;

    private WorldTypeEncoder Imported { get; } = imported;

    private readonly Dictionary<WitTypeDef, int> _resources = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<WitInterface, int> _exportedInstances = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<WitTypeDef, int> _map = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<WitInterface, HashSet<WitInterface>> _used = new(ReferenceEqualityComparer.Instance);

    /// <summary>Defines the types of all exported interfaces.</summary>
    /// <param name="destructor">Finds the destructor of a resource, or -1.</param>
    public void Types(Func<WitTypeDef, int> destructor)
    {
        foreach ((WitKey key, WitWorldItem item) in world.Exports)
        {
            if (item.Interface is not WitInterface definition)
                continue;
            HashSet<WitInterface> used = new(ReferenceEqualityComparer.Instance);
            foreach (WitInterface other in WorldElaboration.Uses(definition))
            {
                if (!world.Exports.ContainsKey(new WitKey(other)))
                    continue;
                used.Add(other);
                used.UnionWith(_used[other]);
            }

            _used[definition] = used;
            RootEncoder encoder = new(this, definition);
            foreach (WitTypeDef type in definition.Types.Values)
            {
                if (type.Kind == WitTypeKind.Resource)
                    Resource(type, destructor(type));
                encoder.Encode(type);
            }
        }
    }

    /// <summary>The type of a resource that the component defines.</summary>
    public int ResourceType(WitTypeDef resource) => _resources[resource];

    /// <summary>The type of a function of the world.</summary>
    public int FunctionType(WitFunction function) => new RootEncoder(this, null).Function(function);

    /// <summary>Exports an interface.</summary>
    /// <param name="key">Its key in the world.</param>
    /// <param name="item">The item of the world.</param>
    /// <param name="definition">The interface.</param>
    /// <param name="lift">Lifts a function under a type.</param>
    public void Interface(WitKey key, WitWorldItem item, WitInterface definition, Func<WitFunction, int, int> lift)
    {
        List<(string, SortIndex)> arguments = [];
        RootEncoder root = new(this, definition);
        foreach (WitFunction function in definition.Functions.Values)
        {
            int type = root.Function(function);
            arguments.Add((ImportName(function), new SortIndex(ComponentSort.Function, lift(function, type))));
        }

        ComponentBuilder inner = new(isType: false);
        NestedEncoder nested = new(inner);
        LiveTypes live = new();
        live.Add(definition);
        foreach (WitTypeDef type in live.All)
        {
            if (type.Owner is null || type.Owner == definition)
                continue;
            if (type.Owner is WitInterface owner && !_used[definition].Contains(owner))
                Imported.Encode(type);
            else
                root.Encode(type);
            nested.Owner = type.Owner;
            nested.Encode(type);
        }

        nested.Owner = definition;
        Dictionary<WitTypeDef, int> importedTypes = new(nested.Types, ReferenceEqualityComparer.Instance);
        Dictionary<WitTypeDef, int> resources = new(ReferenceEqualityComparer.Instance);
        foreach (WitTypeDef type in definition.Types.Values)
        {
            if (type.Kind == WitTypeKind.Resource)
                resources.Add(type, nested.Encode(type).Index);
        }

        foreach (WitFunction function in definition.Functions.Values)
        {
            int type = nested.Function(function);
            inner.Import(new ExternName(ImportName(function)), new ExternSyntax(ComponentSort.Function, type));
        }

        foreach ((string name, WitTypeDef type) in nested.Imports)
            arguments.Add((name, new SortIndex(ComponentSort.Type, root.Encode(type).Index)));

        NestedEncoder named = new(inner) { Types = importedTypes, Owner = definition, IsExport = true };
        foreach (WitTypeDef type in definition.Types.Values)
        {
            if (resources.TryGetValue(type, out int resource))
                named.Types[type] = inner.Export(new ExternName(type.Name!), new SortIndex(ComponentSort.Type, resource));
            else
                named.Encode(type);
        }

        int index = 0;
        foreach (WitFunction function in definition.Functions.Values)
        {
            ExternSyntax ascribed = new(ComponentSort.Function, named.Function(function));
            inner.Export(new ExternName(function.Name), new SortIndex(ComponentSort.Function, index++), ascribed);
        }

        string exportName = key.ToString();
        int componentIndex = Component.Component(inner.ToComponent(withNames: false), $"{exportName}-shim-component");
        int instance = Component.Instantiate(componentIndex, arguments, $"{exportName}-shim-instance");
        int exported = Component.Export(WitEncoder.Name(key, item), new SortIndex(ComponentSort.Instance, instance), null, exportName);
        _exportedInstances[definition] = exported;
        // From here on the types are those of the exported instance.
        foreach (WitTypeDef type in definition.Types.Values)
            _map.Remove(type);
    }

    private static string ImportName(WitFunction function) => function.Kind switch
    {
        WitFunctionKind.Constructor => $"import-constructor-{function.Resource!.Name}",
        WitFunctionKind.Method => $"import-method-{function.Resource!.Name}-{function.ItemName}",
        WitFunctionKind.Static => $"import-static-{function.Resource!.Name}-{function.ItemName}",
        _ => $"import-func-{function.Name}",
    };

    private void Resource(WitTypeDef type, int destructor)
    {
        Text.ByteBuffer content = new();
        content.Byte(0x3F);
        content.Byte(0x7F);
        content.Byte(destructor < 0 ? (byte)0 : (byte)1);
        if (destructor >= 0)
            content.U32((uint)destructor);
        int index = Component.Type(content.Span, type.Name);
        _resources.Add(type, index);
        _map[type] = index;
    }

    // Types in the component itself, without names.
    private sealed class RootEncoder : TypeEncoder
    {
        private readonly ExportMaker _maker;
        private readonly WitInterface? _interface;

        public RootEncoder(ExportMaker maker, WitInterface? definition)
            : base(maker.Component)
        {
            _maker = maker;
            _interface = definition;
            Types = maker._map;
            Functions = maker.Imported.Functions;
        }

        protected override int? FindElsewhere(WitTypeDef type)
        {
            if (type.Owner is null || type.Owner == _interface)
                return null;
            if (type.Owner is WitInterface owner && _interface is not null && _maker._used[_interface].Contains(owner) && _maker._exportedInstances.TryGetValue(owner, out int instance))
                return Scope.AliasExport(ComponentSort.Type, instance, type.Name!, type.Name);
            return _maker.Imported.Encode(type).Index;
        }

        protected override int? NameType(WitTypeDef type, int index) => null;

        protected override int NameResource(WitTypeDef resource) => _maker._resources[resource];
    }

    // Types in the component in between: imports first, then exports.
    private sealed class NestedEncoder(ComponentBuilder scope) : TypeEncoder(scope)
    {
        public object? Owner { get; set; }

        public bool IsExport { get; init; }

        public OrderedDictionary<string, WitTypeDef> Imports { get; } = new(StringComparer.Ordinal);

        protected override int? FindElsewhere(WitTypeDef type) => null;

        protected override int? NameType(WitTypeDef type, int index) => IsExport
            ? Scope.Export(new ExternName(type.Name!), new SortIndex(ComponentSort.Type, index))
            : Scope.Import(new ExternName(UniqueName(type)), new ExternSyntax(ComponentSort.Type, index));

        protected override int NameResource(WitTypeDef resource) => Scope.Import(new ExternName(UniqueName(resource)), new ExternSyntax(ComponentSort.Type, -1));

        private string UniqueName(WitTypeDef type)
        {
            string unique = $"import-type-{type.Name}";
            for (int i = 0; Imports.ContainsKey(unique); i++)
                unique += i;
            Imports.Add(unique, type);
            return unique;
        }
    }
}
