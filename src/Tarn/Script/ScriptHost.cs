// Runs the directives of specification scripts on the engine: instances by name, the spectest module, and values in both
// directions. What to expect of each directive is the script runner's business; here things happen or fail with our own exceptions.
using Tarn.Wasm.Script;

namespace Tarn.Script;

/// <summary>The engine as a script sees it. One for each script.</summary>
internal sealed class ScriptHost : IDisposable
{
    private readonly Engine _engine;
    private readonly Store _store;
    private readonly Linker _linker;
    private readonly List<Module> _modules = [];
    private readonly Dictionary<ulong, HostReference> _hostReferences = [];

    public ScriptHost(Engine engine)
    {
        _engine = engine;
        _store = new Store(engine);
        _linker = new Linker(engine) { AllowShadowing = true };
        DefineSpectest();
    }

    /// <summary>Compiles a module.</summary>
    public Module Define(byte[] binary)
    {
        Module module = Module.FromBytes(_engine, binary);
        _modules.Add(module);
        return module;
    }

    /// <summary>Links and instantiates a module.</summary>
    public Instance Instantiate(Module module) => _linker.Instantiate(_store, module);

    /// <summary>Makes an instance importable.</summary>
    public void Register(string name, Instance instance) => _linker.Define(name, instance);

    /// <summary>Calls an exported function.</summary>
    public Value[] Invoke(Instance instance, string export, ReadOnlySpan<ScriptValue> arguments)
    {
        var values = new Value[arguments.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = ToValue(arguments[i]);
        return instance.GetFunction(export).Invoke(values);
    }

    /// <summary>Reads an exported global.</summary>
    public Value Get(Instance instance, string export) => instance.GetGlobal(export).Value;

    public void Dispose()
    {
        _store.Dispose();
        foreach (Module module in _modules)
            module.Dispose();
    }

    /// <summary>A script's value as one of ours.</summary>
    public Value ToValue(in ScriptValue value) => value.Kind switch
    {
        ScriptValueKind.I32 => Value.FromInt32((int)value.Low),
        ScriptValueKind.I64 => Value.FromInt64((long)value.Low),
        ScriptValueKind.F32 => Value.FromBits(ValueKind.F32, (uint)value.Low),
        ScriptValueKind.F64 => Value.FromBits(ValueKind.F64, value.Low),
        ScriptValueKind.V128 => Value.FromBits(ValueKind.V128, value.Low, value.High),
        ScriptValueKind.RefNull => ToNull(value.HeapType),
        ScriptValueKind.RefExtern => Value.FromObject(HostReferenceOf(value.Low)),
        _ => throw new NotSupportedException($"a value of kind {value.Kind} cannot be passed yet"),
    };

    /// <summary>Whether a result is what a script says, a pattern that may leave things open.</summary>
    public bool Matches(in Value actual, in ScriptValue expected)
    {
        switch (expected.Kind)
        {
            case ScriptValueKind.I32:
                return actual.Kind == ValueKind.I32 && (uint)actual.Low == (uint)expected.Low;
            case ScriptValueKind.I64:
                return actual.Kind == ValueKind.I64 && actual.Low == expected.Low;
            case ScriptValueKind.F32:
                return actual.Kind == ValueKind.F32 && MatchesSingle((uint)actual.Low, (uint)expected.Low, expected.Nan(0));
            case ScriptValueKind.F64:
                return actual.Kind == ValueKind.F64 && MatchesDouble(actual.Low, expected.Low, expected.Nan(0));
            case ScriptValueKind.V128:
                return actual.Kind == ValueKind.V128 && MatchesVector(actual, expected);
            case ScriptValueKind.RefNull:
                return IsReference(actual.Kind) && actual.IsNull;
            case ScriptValueKind.RefExtern:
                return actual.Kind == ValueKind.ExternRef && !actual.IsNull
                    && (!expected.HasPayload || ReferenceEquals(actual.AsObject(), HostReferenceOf(expected.Low)));
            case ScriptValueKind.RefFunc:
                return actual.Kind == ValueKind.FuncRef && !actual.IsNull;
            default:
                return IsReference(actual.Kind) && !actual.IsNull;
        }
    }

    private static bool IsReference(ValueKind kind) => kind is ValueKind.FuncRef or ValueKind.ExternRef or ValueKind.AnyRef or ValueKind.ExnRef;

    private static Value ToNull(byte heapType) => heapType switch
    {
        0x70 or 0x73 or 0 => Value.NullFunction,
        0x6F or 0x72 => Value.NullExtern,
        0x69 or 0x74 => Value.FromBits(ValueKind.ExnRef, 0),
        _ => Value.FromBits(ValueKind.AnyRef, 0),
    };

    private static bool MatchesSingle(uint actual, uint expected, NanClass nan) => nan switch
    {
        NanClass.Canonical => (actual & 0x7FFFFFFF) == 0x7FC00000,
        NanClass.Arithmetic => (actual & 0x7FC00000) == 0x7FC00000,
        _ => actual == expected,
    };

    private static bool MatchesDouble(ulong actual, ulong expected, NanClass nan) => nan switch
    {
        NanClass.Canonical => (actual & 0x7FFFFFFFFFFFFFFF) == 0x7FF8000000000000,
        NanClass.Arithmetic => (actual & 0x7FF8000000000000) == 0x7FF8000000000000,
        _ => actual == expected,
    };

    private static bool MatchesVector(in Value actual, in ScriptValue expected)
    {
        if (expected.Shape == LaneShape.F64X2)
            return MatchesDouble(actual.Low, expected.Low, expected.Nan(0)) && MatchesDouble(actual.High, expected.High, expected.Nan(1));
        if (expected.Shape != LaneShape.F32X4)
            return actual.Low == expected.Low && actual.High == expected.High;
        return MatchesSingle((uint)actual.Low, (uint)expected.Low, expected.Nan(0))
            && MatchesSingle((uint)(actual.Low >> 32), (uint)(expected.Low >> 32), expected.Nan(1))
            && MatchesSingle((uint)actual.High, (uint)expected.High, expected.Nan(2))
            && MatchesSingle((uint)(actual.High >> 32), (uint)(expected.High >> 32), expected.Nan(3));
    }

    private HostReference HostReferenceOf(ulong number)
    {
        if (!_hostReferences.TryGetValue(number, out HostReference? reference))
            _hostReferences.Add(number, reference = new HostReference(number));
        return reference;
    }

    // The module that every script may import (interpreter/README.md of the specification, "Spectest host module").
    private void DefineSpectest()
    {
        const string Name = "spectest";
        _linker
            .Define(Name, "print", () => { })
            .Define(Name, "print_i32", (int _) => { })
            .Define(Name, "print_i64", (long _) => { })
            .Define(Name, "print_f32", (float _) => { })
            .Define(Name, "print_f64", (double _) => { })
            .Define(Name, "print_i32_f32", (int _, float _) => { })
            .Define(Name, "print_f64_f64", (double _, double _) => { })
            .Define(Name, "global_i32", _store.CreateGlobal(666, isMutable: false))
            .Define(Name, "global_i64", _store.CreateGlobal(666L, isMutable: false))
            .Define(Name, "global_f32", _store.CreateGlobal(666.6f, isMutable: false))
            .Define(Name, "global_f64", _store.CreateGlobal(666.6, isMutable: false))
            .Define(Name, "table", _store.CreateTable(ValueKind.FuncRef, 10, 20))
            .Define(Name, "table64", _store.CreateTable(new TableType(ValType.FuncRef, new Limits(10, 20, HasMaximum: true, Is64: true, IsShared: false))))
            .Define(Name, "memory", _store.CreateMemory(1, 2));
        if ((_engine.Options.Features & WasmFeatures.Threads) != 0)
            _linker.Define(Name, "shared_memory", _store.CreateMemory(new MemoryType(new Limits(1, 2, HasMaximum: true, Is64: false, IsShared: true))));
    }

    // What (ref.extern n) stands for: one object for each number.
    private sealed class HostReference(ulong number)
    {
        public override string ToString() => $"(ref.extern {number})";
    }
}
