// Runs the directives of specification scripts on the engine: instances by name, the spectest module, and values in both
// directions. What to expect of each directive is the script runner's business; here things happen or fail with our own exceptions.

namespace Tarn.Wast;

/// <summary>The engine as a script sees it. One for each script.</summary>
internal sealed class ScriptHost : IScriptEngine
{
    private readonly Engine _engine;
    private readonly bool _ownsEngine;
    private readonly Store _store;
    private readonly Linker _linker;
    private readonly List<Module> _modules = [];
    private readonly Dictionary<ulong, HostReference> _hostReferences = [];

    /// <summary>Creates the host of one script.</summary>
    /// <param name="engine">Where modules are compiled; may be shared.</param>
    /// <param name="ownsEngine">Whether the engine ends with the script.</param>
    public ScriptHost(Engine engine, bool ownsEngine = false)
    {
        _engine = engine;
        _ownsEngine = ownsEngine;
        _store = new Store(engine);
        _linker = new Linker(engine) { AllowShadowing = true };
        DefineSpectest();
    }

    /// <inheritdoc/>
    public object Define(byte[] binary)
    {
        Module module = Module.FromBytes(_engine, binary);
        _modules.Add(module);
        return module;
    }

    /// <inheritdoc/>
    public ScriptEngineOutcome Instantiate(object definition)
    {
        try
        {
            return ScriptEngineOutcome.Created(_linker.Instantiate(_store, (Module)definition));
        }
        catch (TrapException e)
        {
            return OutcomeOf(e);
        }
        catch (GuestException e)
        {
            return ScriptEngineOutcome.Failed(ScriptEngineOutcomeKind.Exception, e.Message);
        }
        catch (LinkException e)
        {
            return ScriptEngineOutcome.Failed(ScriptEngineOutcomeKind.Unlinkable, e.Message);
        }
    }

    /// <inheritdoc/>
    public void Register(string name, object instance) => _linker.DefineInstance(name, (Instance)instance);

    /// <inheritdoc/>
    public ScriptEngineOutcome Invoke(object instance, string export, ReadOnlySpan<ScriptValue> arguments)
    {
        var values = new Value[arguments.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = ToValue(arguments[i]);
        try
        {
            return ScriptEngineOutcome.Returned(Array.ConvertAll(((Instance)instance).GetFunction(export).Invoke(values), value => ToScriptValue(value)));
        }
        catch (TrapException e)
        {
            return OutcomeOf(e);
        }
        catch (GuestException e)
        {
            return ScriptEngineOutcome.Failed(ScriptEngineOutcomeKind.Exception, e.Message);
        }
    }

    /// <inheritdoc/>
    public ScriptEngineOutcome Get(object instance, string export) => ScriptEngineOutcome.Returned([ToScriptValue(((Instance)instance).GetGlobal(export).Value)]);

    public void Dispose()
    {
        _store.Dispose();
        foreach (Module module in _modules)
            module.Dispose();
        if (_ownsEngine)
            _engine.Dispose();
    }

    // Exhaustion and uncaught exceptions are traps to an embedder; scripts tell them apart.
    private static ScriptEngineOutcome OutcomeOf(TrapException trap) => ScriptEngineOutcome.Failed(trap.Code switch
    {
        TrapCode.StackExhausted => ScriptEngineOutcomeKind.Exhaustion,
        TrapCode.UncaughtException => ScriptEngineOutcomeKind.Exception,
        _ => ScriptEngineOutcomeKind.Trap,
    }, TrapMessages.Of(trap.Code));

    private Value ToValue(in ScriptValue value) => value.Kind switch
    {
        ScriptValueKind.I32 => Value.FromInt32((int)value.Low),
        ScriptValueKind.I64 => Value.FromInt64((long)value.Low),
        ScriptValueKind.F32 => Value.FromBits(ValueKind.F32, (uint)value.Low),
        ScriptValueKind.F64 => Value.FromBits(ValueKind.F64, value.Low),
        ScriptValueKind.V128 => Value.FromBits(ValueKind.V128, value.Low, value.High),
        ScriptValueKind.RefNull => ToNull(value.HeapType),
        ScriptValueKind.RefExtern => Value.FromObject(HostReferenceOf(value.Low)),
        ScriptValueKind.RefHost => Value.FromAny(HostReferenceOf(value.Low)),
        _ => throw new NotSupportedException($"a value of kind {value.Kind} cannot be passed yet"),
    };

    private static ScriptValue ToScriptValue(in Value value)
    {
        if (value.Kind is ValueKind.FuncRef or ValueKind.ExternRef or ValueKind.AnyRef or ValueKind.ExnRef && value.IsNull)
            return new ScriptValue { Kind = ScriptValueKind.RefNull };
        return value.Kind switch
        {
            ValueKind.I32 => new ScriptValue { Kind = ScriptValueKind.I32, Low = (uint)value.Low },
            ValueKind.I64 => new ScriptValue { Kind = ScriptValueKind.I64, Low = value.Low },
            ValueKind.F32 => new ScriptValue { Kind = ScriptValueKind.F32, Low = (uint)value.Low },
            ValueKind.F64 => new ScriptValue { Kind = ScriptValueKind.F64, Low = value.Low },
            ValueKind.V128 => new ScriptValue { Kind = ScriptValueKind.V128, Low = value.Low, High = value.High },
            ValueKind.ExternRef when value.AsObject() is HostReference host => new ScriptValue { Kind = ScriptValueKind.RefExtern, Low = host.Number, HasPayload = true },
            ValueKind.ExternRef => new ScriptValue { Kind = ScriptValueKind.RefExtern },
            ValueKind.FuncRef => new ScriptValue { Kind = ScriptValueKind.RefFunc },
            ValueKind.ExnRef => new ScriptValue { Kind = ScriptValueKind.RefExn },
            ValueKind.AnyRef => FromAny(value.AsAny()!),
            _ => throw new NotSupportedException($"a result of kind {value.Kind} cannot be described yet"),
        };
    }

    private static Value ToNull(byte heapType) => heapType switch
    {
        0x70 or 0x73 or 0 => Value.NullFunction,
        0x6F or 0x72 => Value.NullExtern,
        0x69 or 0x74 => Value.FromBits(ValueKind.ExnRef, 0),
        _ => Value.FromBits(ValueKind.AnyRef, 0),
    };

    private static ScriptValue FromAny(object value) => value switch
    {
        HostReference host => new ScriptValue { Kind = ScriptValueKind.RefHost, Low = host.Number, HasPayload = true },
        I31Reference => new ScriptValue { Kind = ScriptValueKind.RefI31 },
        StructReference => new ScriptValue { Kind = ScriptValueKind.RefStruct },
        ArrayReference => new ScriptValue { Kind = ScriptValueKind.RefArray },
        _ => new ScriptValue { Kind = ScriptValueKind.RefAny },
    };

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
            .DefineFunction(Name, "print", () => { })
            .DefineFunction(Name, "print_i32", (int _) => { })
            .DefineFunction(Name, "print_i64", (long _) => { })
            .DefineFunction(Name, "print_f32", (float _) => { })
            .DefineFunction(Name, "print_f64", (double _) => { })
            .DefineFunction(Name, "print_i32_f32", (int _, float _) => { })
            .DefineFunction(Name, "print_f64_f64", (double _, double _) => { })
            .Define(Name, "global_i32", _store.CreateGlobal(new GlobalType(ValueKind.I32), 666))
            .Define(Name, "global_i64", _store.CreateGlobal(new GlobalType(ValueKind.I64), 666L))
            .Define(Name, "global_f32", _store.CreateGlobal(new GlobalType(ValueKind.F32), 666.6f))
            .Define(Name, "global_f64", _store.CreateGlobal(new GlobalType(ValueKind.F64), 666.6))
            .Define(Name, "table", _store.CreateTable(new TableType(ValueKind.FuncRef, 10, 20)))
            .Define(Name, "table64", _store.CreateTable(new TableType(ValueKind.FuncRef, 10, 20, is64: true)))
            .Define(Name, "memory", _store.CreateMemory(new MemoryType(1, 2)));
        if ((_engine.Options.Features & WasmFeatures.Threads) != 0)
            _linker.Define(Name, "shared_memory", _store.CreateMemory(new MemoryType(1, 2, isShared: true)));
    }

    // What (ref.extern n) stands for: one object for each number.
    private sealed class HostReference(ulong number)
    {
        public ulong Number { get; } = number;

        public override string ToString() => $"(ref.extern {Number})";
    }
}
