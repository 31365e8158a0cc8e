// Collects the adapters of a plan: lowerings that follow each other become the functions of one core module, which is instantiated before whatever uses them. A lowering that no adapter is made
// for passes its values through the host, as calls of functions of the host do.
//
// Types that share their parts unfold to any size here, and components to any number of calls: what is written is counted, and beyond a limit nothing more is written.
using System.Globalization;
using System.Text;
using Tarn.Components.Abi;
using Tarn.Wasm.Text;

namespace Tarn.Components.Linking;

/// <summary>Maker of the adapters of a plan.</summary>
/// <param name="features">What the engine supports.</param>
internal sealed class AdapterBuilder(WasmFeatures features)
{
    private const int MostTypes = 500;
    private const int MostTypesOfPlan = 50_000;

    private const WasmFeatures Needed = WasmFeatures.MutableGlobals | WasmFeatures.BulkMemory | WasmFeatures.MultiMemory;

    private readonly Dictionary<int, (LiftStep Lift, CanonicalSignature Signature)> _lifts = [];
    private readonly HashSet<int> _usesContext = [];
    private readonly List<AdapterSite> _sites = [];
    private readonly Dictionary<(string Kind, CoreItem Item), string> _names = [];
    private readonly List<PlanArgument> _arguments = [];
    private readonly SortedSet<int> _leaves = [];
    private readonly SortedSet<int> _entries = [];
    private readonly StringBuilder _imports = new();
    private readonly StringBuilder _functions = new();
    private int _types;
    private int _count;

    /// <summary>The core instance with the states; -1 until an adapter needs it.</summary>
    public int StateInstance { get; private set; } = -1;

    /// <summary>The function that adapters trap by.</summary>
    public int TrapFunction { get; private set; }

    /// <summary>What the numbers mean that it is called with.</summary>
    public List<AdapterSite> Sites => _sites;

    /// <summary>Whether adapters have been added since the last module was written.</summary>
    public bool IsPending => _count > 0;

    /// <summary>Notes a function that is lifted.</summary>
    public void Lifts(LiftStep lift, CanonicalSignature signature) => _lifts.Add(lift.Slot, (lift, signature));

    /// <summary>Notes that a component instance keeps values for the length of a call, which only the host does.</summary>
    public void UsesContext(int instance) => _usesContext.Add(instance);

    /// <summary>Adds an adapter in the place of a lowering.</summary>
    /// <param name="lower">The lowering, of a function of a component.</param>
    /// <param name="instances">For each component instance, the one around it.</param>
    /// <param name="memoryOf">Finds the type of a memory.</param>
    /// <param name="reserve">Reserves the slot of a core instance.</param>
    /// <param name="reserveFunction">Reserves the slot of a core function.</param>
    /// <returns>The name of the adapter in the module; null where values have to pass through the host.</returns>
    public string? TryAdd(LowerStep lower, List<int> instances, Func<CoreItem, CoreMemoryType> memoryOf, Func<int> reserve, Func<int> reserveFunction)
    {
        if (lower.Callee is not LiftedItem callee || (features & Needed) != Needed)
            return null;
        (LiftStep lift, CanonicalSignature signature) = _lifts[callee.Slot];
        if (lower.Options.IsAsync || lift.Options.IsAsync || lower.Type.IsAsync || lift.Type.IsAsync || _usesContext.Contains(lift.Instance))
            return null;
        int[] related = ComponentPlan.FindRelated(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(instances), lift.Instance);
        // A call to itself, inwards or outwards always traps, but for what start functions do.
        if (related.Contains(lower.Instance))
            return null;
        int types = related.Length;
        bool fits = Array.TrueForAll(lift.Type.Parameters, type => Supports(type, lower.Options.Encoding, lift.Options.Encoding, ref types))
            && (lift.Type.Result is null || Supports(lift.Type.Result, lift.Options.Encoding, lower.Options.Encoding, ref types));
        if (!fits || _types + types > MostTypesOfPlan || !IsPlain(lower.Options.Memory, memoryOf) || !IsPlain(lift.Options.Memory, memoryOf))
            return null;
        _types += types;
        if (StateInstance < 0)
        {
            StateInstance = reserve();
            TrapFunction = reserveFunction();
        }

        AdapterSide from = Side(lower.Instance, lower.Options), to = Side(lift.Instance, lift.Options);
        _leaves.Add(lower.Instance);
        _leaves.Add(lift.Instance);
        _entries.UnionWith(related);
        string core = Function("core", lift.Core, signature.Parameters, signature.Results);
        string? postReturn = lift.Options.PostReturn is CoreItem item ? Function("post-return", item, signature.Results, []) : null;
        string name = string.Create(CultureInfo.InvariantCulture, $"{_count++}");
        _functions.Append(AdapterFunction.Write(
            name, lift.Type, lower.Signature, signature, from, to, related, core, postReturn, (features & WasmFeatures.Exceptions) != 0, _sites));
        return name;
    }

    /// <summary>Writes the module of the adapters that were added since the last one.</summary>
    /// <returns>The module, and where its imports are.</returns>
    public (WasmModule Module, PlanArgument[] Arguments) Finish()
    {
        StringBuilder text = new("(module\n");
        foreach (int instance in _leaves)
            State($"$leave{instance}", StateModule.MayLeave(instance));
        foreach (int instance in _entries)
            State($"$entries{instance}", StateModule.Entries(instance));
        text.Append("  (import \"state\" \"trap\" (func $trap (param i32 i32 i32)))\n");
        _arguments.Add(new PlanArgument("state", "trap", new CoreItem(TrapFunction, null)));
        text.Append(_imports).Append(_functions);
        foreach (((string kind, _), string name) in _names)
        {
            if (kind == "memory")
                text.Append(Utf8Check.Write(name));
        }

        WasmModule module = Parse(text.Append(')').ToString());
        PlanArgument[] arguments = [.. _arguments];
        _names.Clear();
        _arguments.Clear();
        _leaves.Clear();
        _entries.Clear();
        _imports.Clear();
        _functions.Clear();
        _count = 0;
        return (module, arguments);

        void State(string name, string export)
        {
            text.Append(CultureInfo.InvariantCulture, $"  (import \"state\" \"{export}\" (global {name} (mut i32)))\n");
            _arguments.Add(new PlanArgument("state", export, new CoreItem(StateInstance, export)));
        }
    }

    /// <summary>Makes the module with the states.</summary>
    public WasmModule FinishStates(int instances) => Parse(StateModule.Write(instances));

    private WasmModule Parse(string text) => WasmModule.Decode(WatParser.Parse(Encoding.UTF8.GetBytes(text), null, new WatOptions { Features = features }), features);

    private static bool Supports(AbiType type, StringEncoding from, StringEncoding to, ref int types)
    {
        if (++types > MostTypes || !AdapterFunction.Supports(type, from, to))
            return false;
        foreach (AbiType? part in type.Types)
        {
            if (part is not null && !Supports(part, from, to, ref types))
                return false;
        }

        return true;
    }

    private static bool IsPlain(CoreItem? memory, Func<CoreItem, CoreMemoryType> memoryOf) =>
        memory is not CoreItem item || memoryOf(item) is { PageSizeLog2: 16, Limits: { Is64: false, IsShared: false } };

    private AdapterSide Side(int instance, PlanOptions options) => new(
        instance,
        options.Memory is CoreItem memory ? Memory(memory) : null,
        options.Realloc is CoreItem realloc ? Function("realloc", realloc, [ValType.I32, ValType.I32, ValType.I32, ValType.I32], [ValType.I32]) : null,
        options.Encoding);

    private string Memory(CoreItem item)
    {
        if (!_names.TryGetValue(("memory", item), out string? name))
        {
            name = Add("memory", item);
            _imports.Append(CultureInfo.InvariantCulture, $"  (import \"memory\" \"{name[1..]}\" (memory {name} 0))\n");
        }

        return name;
    }

    private string Function(string kind, CoreItem item, ValType[] parameters, ValType[] results)
    {
        if (!_names.TryGetValue((kind, item), out string? name))
        {
            name = Add(kind, item);
            _imports.Append(CultureInfo.InvariantCulture, $"  (import \"{kind}\" \"{name[1..]}\" (func {name}");
            foreach (ValType parameter in parameters)
                _imports.Append(CultureInfo.InvariantCulture, $" (param {parameter})");
            foreach (ValType result in results)
                _imports.Append(CultureInfo.InvariantCulture, $" (result {result})");
            _imports.Append("))\n");
        }

        return name;
    }

    private string Add(string kind, CoreItem item)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"${kind}{_names.Count}");
        _names.Add((kind, item), name);
        _arguments.Add(new PlanArgument(kind, name[1..], item));
        return name;
    }
}
