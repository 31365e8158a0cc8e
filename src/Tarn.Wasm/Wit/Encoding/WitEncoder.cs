// Encodes WIT as a component that consists of types (the WIT specification, "Package format"): one export for each interface and world. A world alone is encoded in the same way, for the metadata of a
// core module.
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Wit;

/// <summary>Encodes packages and worlds.</summary>
internal static class WitEncoder
{
    /// <summary>Encodes a package.</summary>
    public static byte[] Encode(WitPackage package)
    {
        ComponentBuilder component = new(isType: false);
        foreach (WitInterface definition in package.Interfaces.Values)
            Export(component, definition.Name!, Wrap(definition));
        foreach (WitWorld world in package.Worlds.Values)
            Export(component, world.Name, Wrap(world));
        Producers.Add(component);
        return component.ToComponent(withNames: true);
    }

    /// <summary>Encodes a world alone.</summary>
    /// <param name="world">The world.</param>
    /// <param name="metadata">The section that says how strings are encoded, or empty.</param>
    public static byte[] Encode(WitWorld world, ReadOnlySpan<byte> metadata)
    {
        ComponentBuilder component = new(isType: false);
        if (!metadata.IsEmpty)
            component.Custom("wit-component-encoding", metadata);
        Export(component, world.Name, Wrap(world));
        Producers.Add(component);
        return component.ToComponent(withNames: true);
    }

    private static void Export(ComponentBuilder component, string name, byte[] type)
    {
        int index = component.Type(type, name);
        component.Export(new ExternName(name), new SortIndex(ComponentSort.Type, index), null, name);
    }

    private static byte[] Wrap(WitInterface definition)
    {
        ComponentBuilder scope = new(isType: true);
        Instances instances = new(scope);
        foreach (WitInterface used in WorldElaboration.Uses(definition))
            instances.ImportWithUses(used, 1);
        int type = scope.Type(instances.InstanceType(definition));
        scope.Declare(new ExternName(definition.Id!), new ExternSyntax(ComponentSort.Instance, type));
        return scope.ToType(isInstance: false);
    }

    private static byte[] Wrap(WitWorld world)
    {
        ComponentBuilder scope = new(isType: true);
        scope.Type(ComponentType(world));
        scope.Declare(new ExternName(world.Id), new ExternSyntax(ComponentSort.Component, 0));
        return scope.ToType(isInstance: false);
    }

    private static byte[] ComponentType(WitWorld world)
    {
        ComponentBuilder scope = new(isType: true);
        Instances instances = new(scope);
        WorldTypeEncoder types = new(scope, instances.Find, namesTypes: true);
        instances.World = types;
        foreach ((WitKey key, WitWorldItem item) in world.Imports)
        {
            if (item.Interface is not null)
                instances.Add(Name(key, item), item.Interface, key.Interface is not null, isExport: false);
            else if (item.Type is not null)
                types.Encode(item.Type);
            else
                scope.Import(new ExternName(key.Name!), new ExternSyntax(ComponentSort.Function, types.Function(item.Function!)));
        }

        foreach ((WitKey key, WitWorldItem item) in world.Exports)
        {
            if (item.Interface is not null)
                instances.Add(Name(key, item), item.Interface, key.Interface is not null, isExport: true);
            else if (item.Function is not null)
                scope.Declare(new ExternName(key.Name!), new ExternSyntax(ComponentSort.Function, types.Function(item.Function)));
        }

        return scope.ToType(isInstance: false);
    }

    /// <summary>The name of an interface's import or export.</summary>
    public static ExternName Name(WitKey key, WitWorldItem item) =>
        key.Interface is not null ? new ExternName(key.Interface.Id!) : new ExternName(key.Name!, item.Interface is { Name: not null } named ? named.Id : null);

    // The instances of a component type: an interface's types come from its export where it is one, else from its import.
    private sealed class Instances(ComponentBuilder scope)
    {
        private readonly Dictionary<WitInterface, int> _instances = new(ReferenceEqualityComparer.Instance);
        private readonly Dictionary<WitTypeDef, int> _aliases = new(ReferenceEqualityComparer.Instance);

        /// <summary>The types of the world, where there is one.</summary>
        public WorldTypeEncoder? World { get; set; }

        public int Find(WitInterface definition) => _instances.GetValueOrDefault(definition, -1);

        public void ImportWithUses(WitInterface definition, int depth)
        {
            if (_instances.ContainsKey(definition))
                return;
            WorldElaboration.CheckChain(depth, definition.Span);
            foreach (WitInterface used in WorldElaboration.Uses(definition))
                ImportWithUses(used, depth + 1);
            Add(new ExternName(definition.Id!), definition, isNamed: true, isExport: false);
        }

        public void Add(in ExternName name, WitInterface definition, bool isNamed, bool isExport)
        {
            ExternSyntax item = new(ComponentSort.Instance, scope.Type(InstanceType(definition)));
            int index = isExport ? scope.Declare(name, item) : scope.Import(name, item);
            if (!isNamed)
                return;
            _instances[definition] = index;
            foreach (WitTypeDef stale in _aliases.Keys.Where(type => type.Owner == definition).ToArray())
                _aliases.Remove(stale);
        }

        public byte[] InstanceType(WitInterface definition)
        {
            ComponentBuilder inner = new(isType: true);
            // Aliases of other interfaces' types are added to the scope around the instance type while it is built, in front of it.
            InstanceTypeEncoder types = new(inner, definition, Outer);
            foreach (WitTypeDef type in definition.Types.Values)
                types.Encode(type);
            foreach (WitFunction function in definition.Functions.Values)
                inner.Declare(new ExternName(function.Name), new ExternSyntax(ComponentSort.Function, types.Function(function)));
            return inner.ToType(isInstance: true);
        }

        private int Outer(WitTypeDef type)
        {
            if (type.Owner is WitWorld)
                return World!.Encode(type).Index;
            if (!_aliases.TryGetValue(type, out int index))
                _aliases.Add(type, index = scope.AliasExport(ComponentSort.Type, Find((WitInterface)type.Owner!), type.Name!));
            return index;
        }
    }
}
