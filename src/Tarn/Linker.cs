// Names and what is behind them. A linker is built up once and prepares any number of modules; it is thread-safe to prepare
// from, not to define in. Definitions of host functions fit any store; those of memories, tables, globals and instances tie a
// template to the store they live in.
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Tarn.Functions;
using Tarn.Handles;
using Tarn.Linking;
using Tarn.Memories;
using Tarn.Modules;

namespace Tarn;

/// <summary>Gives modules their imports.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public sealed unsafe partial class Linker
{
    /// <summary>As the first part of a name: whatever module name is asked for. Exact definitions come first.</summary>
    public const string AnyModule = "*";

    private readonly Dictionary<(string Module, string Name), Definition> _definitions = [];
    private readonly List<ISnapshotState> _states = [];
    private bool _trapUnknown;

    /// <summary>Makes an empty linker.</summary>
    public Linker(Engine engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        Engine = engine;
    }

    /// <summary>The engine whose modules it links.</summary>
    public Engine Engine { get; }

    /// <summary>Whether a name may be defined again; otherwise that is an error.</summary>
    public bool AllowShadowing { get; set; }

    /// <summary>Defines a host function of any signature.</summary>
    public Linker DefineFunction(string module, string name, FunctionType type, HostCallback callback)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(callback);
        return Add(module, name, Definition.Of(HostFunctions.Untyped(Engine.Core, type, callback)));
    }

    /// <summary>Defines an asynchronous host function of any signature.</summary>
    public Linker DefineFunction(string module, string name, FunctionType type, AsyncHostCallback callback)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(callback);
        return Add(module, name, Definition.Of(HostFunctions.Untyped(Engine.Core, type, callback)));
    }

    /// <summary>Defines a function of a store.</summary>
    public Linker Define(string module, string name, Function function) => Add(module, name, function.ToDefinition());

    /// <summary>Defines a memory.</summary>
    public Linker Define(string module, string name, Memory memory) => Add(module, name, memory.ToDefinition());

    /// <summary>Defines a shared memory. Modules that import it can be instantiated in any store, and in several at the same time.</summary>
    /// <param name="module">The first part of the name.</param>
    /// <param name="name">The second part of the name.</param>
    /// <param name="memory">The memory. The definition does not keep it: once it has been disposed and no instance has it, instantiating throws <see cref="ObjectDisposedException"/>.</param>
    /// <returns>The linker.</returns>
    /// <exception cref="ArgumentException">The memory belongs to another engine.</exception>
    /// <exception cref="ObjectDisposedException">The memory has been disposed.</exception>
    public Linker Define(string module, string name, SharedMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        if (memory.Engine != Engine)
            throw new ArgumentException("The memory belongs to another engine than the linker.", nameof(memory));
        return Add(module, name, memory.ToDefinition());
    }

    /// <summary>Defines a table.</summary>
    public Linker Define(string module, string name, Table table) => Add(module, name, table.ToDefinition());

    /// <summary>Defines a global.</summary>
    public Linker Define(string module, string name, Global global) => Add(module, name, global.ToDefinition());

    /// <summary>Defines an exception tag.</summary>
    /// <param name="module">The first part of the name.</param>
    /// <param name="name">The second part of the name.</param>
    /// <param name="tag">The tag. Modules that import it can be instantiated in its store only.</param>
    /// <returns>The linker.</returns>
    public Linker Define(string module, string name, Tag tag) => Add(module, name, tag.ToDefinition());

    /// <summary>Defines all exports of an instance under a module name.</summary>
    /// <param name="module">The module name.</param>
    /// <param name="instance">The instance.</param>
    /// <returns>The linker.</returns>
    public Linker DefineInstance(string module, Instance instance)
    {
        ArgumentNullException.ThrowIfNull(instance);
        foreach (ref readonly Export export in instance.Module.Wasm.Exports)
        {
            if (instance.TryGetDefinition(export.Name, out Definition? definition))
                Add(module, export.Name, definition);
        }
        return this;
    }

    /// <summary>Defines one export of an instance, whatever it is, under another name.</summary>
    internal Linker Define(string module, string name, Instance instance, string export) =>
        Add(module, name, instance.TryGetDefinition(export, out Definition? definition) ? definition : throw new ArgumentException($"The instance has no export named '{export}'.", nameof(export)));

    /// <summary>Instantiates a module in a store with what is defined so far, and defines all exports of the instance under a module name.</summary>
    /// <param name="store">The store.</param>
    /// <param name="name">The module name for the exports.</param>
    /// <param name="module">The module.</param>
    /// <returns>The instance, which lives as long as the store.</returns>
    public Instance DefineModule(Store store, string name, Module module)
    {
        Instance instance = Instantiate(store, module);
        DefineInstance(name, instance);
        return instance;
    }

    /// <summary>Gives a module name's definitions a second name.</summary>
    public Linker Alias(string module, string alias)
    {
        foreach (((string Module, string Name) key, Definition definition) in _definitions.Where(d => d.Key.Module == module).ToArray())
            Add(alias, key.Name, definition);
        return this;
    }

    /// <summary>Gets the type of a definition.</summary>
    /// <param name="module">The first part of the name.</param>
    /// <param name="name">The second part of the name.</param>
    /// <param name="type">The type of the definition; of a memory or table, with its current size.</param>
    /// <returns>Whether there is a definition.</returns>
    /// <exception cref="ObjectDisposedException">The store of the definition has been disposed.</exception>
    public bool TryGetType(string module, string name, [NotNullWhen(true)] out ExternType? type)
    {
        type = null;
        if (!TryFind(module, name, out Definition? definition))
            return false;
        if (definition.Store is not StoreCore store)
        {
            definition.Keep();
            type = definition.Describe(Engine.Core.Types);
            definition.Leave();
            return true;
        }
        using StoreUse use = StoreCore.Enter(store, definition.Generation);
        type = definition.Describe(Engine.Core.Types);
        return true;
    }

    /// <summary>Gets a function that is defined. A host function becomes a function of the store.</summary>
    /// <param name="store">The store that the function is for.</param>
    /// <param name="module">The first part of the name.</param>
    /// <param name="name">The second part of the name.</param>
    /// <param name="function">The function.</param>
    /// <returns>Whether a function of that name is defined.</returns>
    public bool TryGetFunction(Store store, string module, string name, out Function function)
    {
        ArgumentNullException.ThrowIfNull(store);
        function = default;
        if (!TryFind(module, name, out Definition? definition) || definition.Kind != ExternalKind.Function)
            return false;
        if (definition.Host is DefinedHostFunction host)
        {
            using StoreUse use = store.Enter();
            function = store.Core.CreateFunction(host);
            return true;
        }
        function = new Function(definition.Store!, definition.Generation, definition.Function);
        return true;
    }

    /// <summary>Gets a shared memory that is defined.</summary>
    /// <param name="module">The first part of the name.</param>
    /// <param name="name">The second part of the name.</param>
    /// <param name="memory">The memory; to be disposed.</param>
    /// <returns>Whether a shared memory of that name is defined.</returns>
    /// <exception cref="ObjectDisposedException">It has been disposed, and no instance has it any longer.</exception>
    public bool TryGetSharedMemory(string module, string name, [NotNullWhen(true)] out SharedMemory? memory)
    {
        memory = null;
        if (!TryFind(module, name, out Definition? definition) || definition.Memory?.Shared is not SharedMemoryCore core)
            return false;
        core.AddReference();
        memory = new SharedMemory(Engine, core);
        return true;
    }

    /// <summary>Gets a memory that is defined. One that is shared belongs to no store: <see cref="TryGetSharedMemory"/> gets it.</summary>
    /// <param name="module">The first part of the name.</param>
    /// <param name="name">The second part of the name.</param>
    /// <param name="memory">The memory.</param>
    /// <returns>Whether a memory of that name is defined.</returns>
    public bool TryGetMemory(string module, string name, out Memory memory)
    {
        memory = default;
        if (!TryFind(module, name, out Definition? definition) || definition.Kind != ExternalKind.Memory || definition.Store is null)
            return false;
        memory = new Memory(definition.Store!, definition.Generation, definition.Memory!);
        return true;
    }

    /// <summary>Gets a table that is defined.</summary>
    /// <param name="module">The first part of the name.</param>
    /// <param name="name">The second part of the name.</param>
    /// <param name="table">The table.</param>
    /// <returns>Whether a table of that name is defined.</returns>
    public bool TryGetTable(string module, string name, out Table table)
    {
        table = default;
        if (!TryFind(module, name, out Definition? definition) || definition.Kind != ExternalKind.Table)
            return false;
        table = new Table(definition.Store!, definition.Generation, definition.Table!);
        return true;
    }

    /// <summary>Gets a global that is defined.</summary>
    /// <param name="module">The first part of the name.</param>
    /// <param name="name">The second part of the name.</param>
    /// <param name="global">The global.</param>
    /// <returns>Whether a global of that name is defined.</returns>
    public bool TryGetGlobal(string module, string name, out Global global)
    {
        global = default;
        if (!TryFind(module, name, out Definition? definition) || definition.Kind != ExternalKind.Global)
            return false;
        global = new Global(definition.Store!, definition.Generation, definition.GlobalCell, definition.GlobalType);
        return true;
    }

    /// <summary>Gets an exception tag that is defined.</summary>
    /// <param name="module">The first part of the name.</param>
    /// <param name="name">The second part of the name.</param>
    /// <param name="tag">The tag.</param>
    /// <returns>Whether a tag of that name is defined.</returns>
    public bool TryGetTag(string module, string name, out Tag tag)
    {
        tag = default;
        if (!TryFind(module, name, out Definition? definition) || definition.Kind != ExternalKind.Tag)
            return false;
        tag = new Tag(definition.Store!, definition.Generation, definition.Tag!);
        return true;
    }

    /// <summary>
    /// Names state that functions of the linker have and instances refer to by numbers, open files for example: snapshots of instances are refused while it says so. State that is passed to
    /// <see cref="InstanceTemplate.Instantiate(object?, StoreLimits?)"/> needs no naming.
    /// </summary>
    /// <param name="state">The state.</param>
    /// <returns>The linker.</returns>
    public Linker DefineSnapshotState(ISnapshotState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        _states.Add(state);
        return this;
    }

    /// <summary>Lets function imports that nothing defines become functions that trap when they are called.</summary>
    public Linker DefineUnknownImportsAsTraps()
    {
        _trapUnknown = true;
        return this;
    }

    /// <summary>Resolves and checks all imports of a module.</summary>
    /// <returns>A template that can be instantiated any number of times.</returns>
    /// <exception cref="LinkException">An import is not defined, or its definition is of another type.</exception>
    public InstanceTemplate Prepare(Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        module.ThrowIfDisposed();
        if (module.Engine != Engine)
            throw new ArgumentException("The module belongs to another engine than the linker.", nameof(module));
        ReadOnlySpan<Import> imports = module.Wasm.Imports;
        var bound = new Definition[imports.Length];
        for (int i = 0; i < imports.Length; i++)
            bound[i] = Resolve(module.Core, imports[i]);
        return new InstanceTemplate(module, bound, [.. _states]);
    }

    /// <summary>Prepares a module and instantiates it in a store.</summary>
    public Instance Instantiate(Store store, Module module)
    {
        using InstanceTemplate template = Prepare(module);
        return template.Instantiate(store);
    }

    private Definition Resolve(ModuleCore module, in Import import)
    {
        if (!TryFind(import.Module, import.Name, out Definition? definition))
        {
            if (_trapUnknown && import.Kind == ExternalKind.Function)
                return Definition.Of(HostFunctions.Trapping(module, import));
            throw new LinkException(import.Module, import.Name, TypeDescriptions.Of(module.Wasm, import.Kind, import.Index), null);
        }
        if (definition.Store is not StoreCore store)
        {
            definition.Keep();
            try
            {
                return Check(module, import, definition);
            }
            finally
            {
                definition.Leave();
            }
        }
        // What is compared lies in memory that is gone when the store ends.
        using StoreUse use = StoreCore.Enter(store, definition.Generation);
        return Check(module, import, definition);
    }

    private bool TryFind(string module, string name, [NotNullWhen(true)] out Definition? definition)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(name);
        return _definitions.TryGetValue((module, name), out definition) || _definitions.TryGetValue((AnyModule, name), out definition);
    }

    private Definition Check(ModuleCore module, in Import import, Definition definition)
    {
        if (!Fits(module, import, definition))
        {
            // Asynchronous ones write their results later, to slots that the guest has to have.
            if (import.Kind == ExternalKind.Function && definition.Host is DefinedHostFunction { Results.Length: > 0 } host and not AsyncHostFunction
                && Engine.Core.Types.Function(module.FunctionTypeId(import.Index)).ResultCount == 0)
            {
                Definition discarding = Definition.Of(new DiscardingHostFunction(host));
                if (Fits(module, import, discarding))
                    return discarding;
            }
            if (import.Kind == ExternalKind.Function && definition.Host?.WithResults(Engine.Core.Types.Function(module.FunctionTypeId(import.Index)).Results.ToArray()) is DefinedHostFunction checking
                && AreOfSameKinds(definition.Host.Results, checking.Results))
            {
                Definition narrower = Definition.Of(checking);
                if (Fits(module, import, narrower))
                    return narrower;
            }
            throw new LinkException(
                import.Module, import.Name, TypeDescriptions.Of(module.Wasm, import.Kind, import.Index), definition.Describe(Engine.Core.Types));
        }
        return definition;
    }

    private bool Fits(ModuleCore module, in Import import, Definition definition)
    {
        if (import.Kind != definition.Kind)
            return false;
        WasmModule wasm = module.Wasm;
        TypeRegistry types = Engine.Core.Types;
        switch (import.Kind)
        {
            case ExternalKind.Function:
                int wanted = module.FunctionTypeId(import.Index);
                return definition.Host is DefinedHostFunction host
                    ? Fits(host, types.Function(wanted), types)
                    : types.IsSubtype((int)definition.Function->TypeId, wanted);
            case ExternalKind.Table:
                CoreTableType table = wasm.Tables[import.Index];
                return ExternTypes.Matches(definition.Table!.Type, definition.Table.Length, table with { Element = wasm.Canonicalize(table.Element) });
            case ExternalKind.Memory:
                return ExternTypes.Matches(definition.Memory!.Type, definition.Memory.Pages, wasm.Memories[import.Index]);
            case ExternalKind.Global:
                CoreGlobalType global = wasm.Globals[import.Index];
                return ExternTypes.Matches(definition.GlobalType, global with { Type = wasm.Canonicalize(global.Type) }, types);
            default:
                // Tags match only exactly, since exceptions flow both ways.
                return definition.Tag!.TypeId == wasm.CanonicalIds[wasm.Tags[import.Index].TypeIndex];
        }
    }

    // References of one kind are told apart when they are returned.
    private bool AreOfSameKinds(ValType[] found, ValType[] wanted)
    {
        TypeRegistry types = Engine.Core.Types;
        return found.Length == wanted.Length && found.Zip(wanted).All(pair => ValueKinds.Of(pair.First, types) == ValueKinds.Of(pair.Second, types));
    }

    // A host function has no declared type of its own, so it fits every type of the same shape.
    private static bool Fits(DefinedHostFunction host, CoreFunctionType wanted, TypeRegistry types)
    {
        if (host.Parameters.Length != wanted.ParameterCount || host.Results.Length != wanted.ResultCount)
            return false;
        for (int i = 0; i < host.Parameters.Length; i++)
        {
            if (!ExternTypes.IsSubtype(wanted.Parameters[i], host.Parameters[i], types))
                return false;
        }
        for (int i = 0; i < host.Results.Length; i++)
        {
            if (!ExternTypes.IsSubtype(host.Results[i], wanted.Results[i], types))
                return false;
        }
        return true;
    }

    private Linker Add(string module, string name, Definition definition)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(name);
        if (AllowShadowing)
            _definitions[(module, name)] = definition;
        else if (!_definitions.TryAdd((module, name), definition))
            throw new ArgumentException($"\"{module}\" \"{name}\" is defined already; set AllowShadowing to replace definitions", nameof(name));
        return this;
    }

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => $"Linker, {_definitions.Count} definitions";
}
