// Components beside Wasmtime, by its C API and by its .NET binding: the life of an instance (instantiate, call, drop) from pools, and calls with scalars, strings and records, from the host and
// between two components. A core call of the same function is the measure of what the canonical ABI costs. The values that come back are checked, so that no engine skips the work.
using System.Runtime.InteropServices;
using System.Text;
using Tarn.Components;
using Tarn.Wasi;
using Tarn.Wasm.Component;
using Peer = Wasmtime.Components;

namespace Tarn.Bench.Components;

/// <summary>The verb <c>components</c>.</summary>
internal sealed unsafe class ComponentsBenchmark : IBenchmark
{
    private const string Tarn = "Tarn";
    private const string CApi = "Wasmtime C API";
    private const string Binding = "Wasmtime .NET";
    private const int Records = 1000;

    private const string Empty = """
        (component
          (core module $m (func (export "run") (param i32) (result i32) (local.get 0)))
          (core instance $i (instantiate $m))
          (func (export "run") (param "x" u32) (result u32) (canon lift (core func $i "run"))))
        """;

    // A memory with data, a table, an allocator; and a shim, as toolchains make them.
    private const string Small = """
        (component
          (core module $m
            (memory (export "memory") 17)
            (table 16 funcref)
            (global $sp (mut i32) (i32.const 65536))
            (elem (i32.const 1) $touch $touch)
            (data (i32.const 65536) "some constants of a small program")
            (func $touch (param i32) (result i32) (i32.store (i32.const 4096) (local.get 0)) (i32.add (i32.load (i32.const 4096)) (i32.load8_u (i32.const 65536))))
            (func (export "run") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 1))))
          (core module $shim (table (export "t") 1 funcref) (func (export "f") (result i32) (call_indirect (result i32) (i32.const 0))))
          (core instance $s (instantiate $shim))
          (core instance $i (instantiate $m))
          (func (export "run") (param "x" u32) (result u32) (canon lift (core func $i "run"))))
        """;

    private const string Calls = """
        (component $Calls
          (core module $m
            (memory (export "memory") 2)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
            (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
            (func (export "echo") (param i32 i32) (result i32) (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16)))
          (core instance $i (instantiate $m))
          (type $r' (record (field "a" u32) (field "b" u32) (field "c" f64)))
          (export $r "r" (type $r'))
          (func (export "add") (param "x" u32) (param "y" u32) (result u32) (canon lift (core func $i "add")))
          (func (export "text") (param "x" string) (result string) (canon lift (core func $i "echo") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
          (func (export "records") (param "x" (list $r)) (result (list $r)) (canon lift (core func $i "echo") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
        """;

    // The outer component calls the inner one so many times in a loop.
    private const string Two = """
        (component
          (component $Inner
            (core module $m
              (memory (export "memory") 2)
              (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
              (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
              (func (export "length") (param i32 i32) (result i32) (local.get 1)))
            (core instance $i (instantiate $m))
            (func (export "add") (param "x" u32) (param "y" u32) (result u32) (canon lift (core func $i "add")))
            (func (export "length") (param "x" string) (result u32) (canon lift (core func $i "length") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
          (component $Outer
            (import "add" (func $add (param "x" u32) (param "y" u32) (result u32)))
            (import "length" (func $length (param "x" string) (result u32)))
            (core module $libc (memory (export "memory") 1) (data (i32.const 1024) "TEXT"))
            (core instance $libc (instantiate $libc))
            (core func $add' (canon lower (func $add)))
            (core func $length' (canon lower (func $length) (memory (core memory $libc "memory"))))
            (core module $m
              (import "" "add" (func $add (param i32 i32) (result i32)))
              (import "" "length" (func $length (param i32 i32) (result i32)))
              (func (export "add") (param $n i32) (result i32) (local $s i32)
                (loop $again (local.set $s (call $add (local.get $s) (i32.const 1))) (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (local.get $s))
              (func (export "text") (param $n i32) (result i32) (local $s i32)
                (loop $again (local.set $s (i32.add (local.get $s) (call $length (i32.const 1024) (i32.const 1024)))) (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (local.get $s)))
            (core instance $m (instantiate $m (with "" (instance (export "add" (func $add')) (export "length" (func $length'))))))
            (func (export "add") (param "n" u32) (result u32) (canon lift (core func $m "add")))
            (func (export "text") (param "n" u32) (result u32) (canon lift (core func $m "text"))))
          (instance $inner (instantiate $Inner))
          (instance $outer (instantiate $Outer (with "add" (func $inner "add")) (with "length" (func $inner "length"))))
          (export "add" (func $outer "add"))
          (export "text" (func $outer "text")))
        """;

    private static readonly string s_text = new('x', 1024);

    private string[] _only = [];

    /// <inheritdoc/>
    public string Verb => "components";

    /// <inheritdoc/>
    public string Summary => "components beside Wasmtime: instantiate + call + drop, calls from the host and between components, ns; --javascript=FILE (exports add of two u32) --only=… --rounds=N";

    /// <inheritdoc/>
    public int Run(BenchmarkArguments arguments)
    {
        _only = arguments.Only(Tarn, CApi, Binding);
        int rounds = arguments.Rounds(9);
        SideBySide lives = new("Components: instantiate + call + drop", "ns") { Base = CApi };
        Life(lives, "empty", Parse(Empty), "run", 1, false, 2000, rounds);
        Life(lives, "small", Parse(Small), "run", 1, false, 1000, rounds);
        if (arguments.Text("javascript") is string file)
            Life(lives, "QuickJS", File.ReadAllBytes(file), "add", 2, true, 20, rounds);
        lives.Report(arguments);

        SideBySide calls = new("Components: calls", "ns") { Base = CApi };
        FromHost(calls, rounds);
        BetweenComponents(calls, "scalars, between components", "add", 200_000, rounds);
        BetweenComponents(calls, "1 KiB of text, between components", "text", 20_000, rounds);
        calls.Report(arguments);
        return 0;
    }

    private static byte[] Parse(string text) => ComponentParser.Parse(Encoding.UTF8.GetBytes(text.Replace("TEXT", s_text, StringComparison.Ordinal)));

    private void Life(SideBySide run, string name, byte[] bytes, string export, int parameters, bool hasWasi, int cycles, int rounds)
    {
        using Engine engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.Pooling, Pooling = PoolingOptions.ForComponents(4) });
        using Component component = Component.FromBytes(engine, bytes);
        ComponentLinker linker = new(engine);
        ComponentTemplate template = (hasWasi ? linker.DefineWasi() : linker).Prepare(component);
        ComponentValue[] values = [.. Enumerable.Repeat(ComponentValue.FromUInt32(7), parameters)];
        void Own()
        {
            for (int i = 0; i < cycles; i++)
            {
                using WasiContext? context = hasWasi ? new WasiContext(new WasiOptions()) : null;
                using ComponentInstance instance = template.Instantiate(context);
                Require(instance.GetFunction(export).Invoke(values)!.AsUInt32() >= 7);
            }
        }

        using WasmtimeComponents native = new(bytes, export, hasWasi);
        void Native()
        {
            byte* function = stackalloc byte[WasmtimeComponents.FunctionBytes];
            byte* arguments = stackalloc byte[2 * WasmtimeComponents.ValueBytes];
            byte* result = stackalloc byte[WasmtimeComponents.ValueBytes];
            for (int i = 0; i < parameters; i++)
                SetU32(arguments + (i * WasmtimeComponents.ValueBytes), 7);
            for (int i = 0; i < cycles; i++)
            {
                (nint store, nint context) = native.Instantiate(function);
                WasmtimeComponents.Call(context, function, arguments, parameters, result);
                Require(*(uint*)(result + 8) >= 7);
                WasmtimeComponents.DeleteStore(store);
            }
        }

        using Wasmtime.Config config = new();
        using Wasmtime.PoolingAllocationConfig pool = new();
        pool.WithLinearMemoryKeepResidentBytes(64 << 10);
        config.WithPoolingAllocationStrategy(pool);
        using Wasmtime.Engine peerEngine = new(config);
        using Peer.Component peer = Peer.Component.FromBytes(peerEngine, bytes);
        using Peer.ComponentLinker peerLinker = new(peerEngine);
        if (hasWasi)
            peerLinker.AddWasiPreview2();
        Peer.ComponentValue[] peerValues = [.. Enumerable.Repeat(Peer.ComponentValue.U32(7), parameters)];
        void Bound()
        {
            for (int i = 0; i < cycles; i++)
            {
                using Wasmtime.Store store = new(peerEngine);
                if (hasWasi)
                    store.SetWasiConfiguration(new Wasmtime.WasiConfiguration());
                Require(peerLinker.Instantiate(store, peer).GetFunction(export)!.Call(peerValues)!.AsU32() >= 7);
            }
        }

        Measure(run, name, cycles, rounds, (Tarn, Own), (CApi, Native), (Binding, Bound));
    }

    private void FromHost(SideBySide run, int rounds)
    {
        byte[] bytes = Parse(Calls);
        using Engine engine = new(new EngineOptions());
        using Component component = Component.FromBytes(engine, bytes);
        using ComponentInstance instance = new ComponentLinker(engine).Prepare(component).Instantiate();
        using Module core = Module.FromText(engine, "(module (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))");
        using Instance coreInstance = new Linker(engine).Prepare(core).Instantiate();
        using Wasmtime.Engine peerEngine = new();
        using Peer.Component peer = Peer.Component.FromBytes(peerEngine, bytes);
        using Peer.ComponentLinker peerLinker = new(peerEngine);
        using Wasmtime.Store store = new(peerEngine);
        Peer.ComponentInstance peerInstance = peerLinker.Instantiate(store, peer);

        const int scalarCalls = 50_000;
        ComponentFunction add = instance.GetFunction("add");
        Function coreAdd = coreInstance.GetFunction("add");
        Peer.ComponentFunction peerAdd = peerInstance.GetFunction("add")!;
        void OwnAdd()
        {
            ComponentValue one = ComponentValue.FromUInt32(1);
            for (int i = 0; i < scalarCalls; i++)
                Require(add.Invoke(one, one)!.AsUInt32() == 2);
        }

        void CoreAdd()
        {
            Value[] results = new Value[1];
            for (int i = 0; i < scalarCalls; i++)
            {
                coreAdd.Invoke([Value.FromInt32(1), Value.FromInt32(1)], results);
                Require(results[0].AsInt32() == 2);
            }
        }

        void PeerAdd()
        {
            for (int i = 0; i < scalarCalls; i++)
                Require(peerAdd.Call(Peer.ComponentValue.U32(1), Peer.ComponentValue.U32(1))!.AsU32() == 2);
        }

        WithNative(bytes, "add", (context, function) =>
        {
            void Native()
            {
                byte* arguments = stackalloc byte[2 * WasmtimeComponents.ValueBytes];
                byte* result = stackalloc byte[WasmtimeComponents.ValueBytes];
                SetU32(arguments, 1);
                SetU32(arguments + WasmtimeComponents.ValueBytes, 1);
                for (int i = 0; i < scalarCalls; i++)
                {
                    WasmtimeComponents.Call(context, function, arguments, 2, result);
                    Require(*(uint*)(result + 8) == 2);
                }
            }

            Measure(run, "scalars, from the host", scalarCalls, rounds, (Tarn, OwnAdd), (CApi, Native), (Binding, PeerAdd), ("Tarn, core function", CoreAdd));
        });

        const int textCalls = 10_000;
        ComponentFunction text = instance.GetFunction("text");
        Peer.ComponentFunction peerText = peerInstance.GetFunction("text")!;
        void OwnText()
        {
            for (int i = 0; i < textCalls; i++)
                Require(text.Invoke(ComponentValue.FromString(s_text))!.AsString().Length == s_text.Length);
        }

        void PeerText()
        {
            for (int i = 0; i < textCalls; i++)
                Require(peerText.Call(Peer.ComponentValue.String(s_text))!.AsString().Length == s_text.Length);
        }

        WithNative(bytes, "text", (context, function) =>
        {
            void Native()
            {
                byte* argument = stackalloc byte[WasmtimeComponents.ValueBytes];
                byte* result = stackalloc byte[WasmtimeComponents.ValueBytes];
                for (int i = 0; i < textCalls; i++)
                {
                    // From and to .NET strings, as the others.
                    byte[] utf8 = Encoding.UTF8.GetBytes(s_text);
                    fixed (byte* start = utf8)
                    {
                        argument[0] = WasmtimeComponents.String;
                        *(nuint*)(argument + 8) = (nuint)utf8.Length;
                        *(byte**)(argument + 16) = start;
                        WasmtimeComponents.Call(context, function, argument, 1, result);
                    }

                    Require(Encoding.UTF8.GetString(*(byte**)(result + 16), (int)*(nuint*)(result + 8)).Length == s_text.Length);
                    WasmtimeComponents.DeleteValue(result);
                }
            }

            Measure(run, "1 KiB of text each way", textCalls, rounds, (Tarn, OwnText), (CApi, Native), (Binding, PeerText));
        });

        const int recordCalls = 100;
        ComponentFunction records = instance.GetFunction("records");
        ComponentValue list = ComponentValue.FromList([.. Enumerable.Range(0, Records).Select(i =>
            ComponentValue.FromRecord(("a", ComponentValue.FromUInt32((uint)i)), ("b", ComponentValue.FromUInt32(2)), ("c", ComponentValue.FromDouble(i))))]);
        Peer.ComponentFunction peerRecords = peerInstance.GetFunction("records")!;
        Peer.ComponentValue peerList = Peer.ComponentValue.List([.. Enumerable.Range(0, Records).Select(i => Peer.ComponentValue.Record(
            [new("a", Peer.ComponentValue.U32((uint)i)), new("b", Peer.ComponentValue.U32(2)), new("c", Peer.ComponentValue.F64(i))]))]);
        void OwnRecords()
        {
            for (int i = 0; i < recordCalls; i++)
                Require(records.Invoke(list)![Records - 1]["a"].AsUInt32() == Records - 1);
        }

        void PeerRecords()
        {
            for (int i = 0; i < recordCalls; i++)
                Require(peerRecords.Call(peerList)!.AsList()[Records - 1].Field("a").AsU32() == Records - 1);
        }

        WithNative(bytes, "records", (context, function) =>
        {
            byte* items = (byte*)NativeMemory.AllocZeroed(Records * WasmtimeComponents.ValueBytes);
            byte* fields = (byte*)NativeMemory.AllocZeroed(3 * Records * WasmtimeComponents.FieldBytes);
            byte* names = stackalloc byte[] { (byte)'a', (byte)'b', (byte)'c' };
            for (int i = 0; i < Records; i++)
            {
                byte* own = fields + (3 * i * WasmtimeComponents.FieldBytes);
                for (int j = 0; j < 3; j++)
                {
                    *(nuint*)(own + (j * WasmtimeComponents.FieldBytes)) = 1;
                    *(byte**)(own + (j * WasmtimeComponents.FieldBytes) + 8) = names + j;
                    SetU32(own + (j * WasmtimeComponents.FieldBytes) + 16, (uint)i);
                }

                own[(2 * WasmtimeComponents.FieldBytes) + 16] = WasmtimeComponents.F64;
                items[i * WasmtimeComponents.ValueBytes] = WasmtimeComponents.Record;
                *(nuint*)(items + (i * WasmtimeComponents.ValueBytes) + 8) = 3;
                *(byte**)(items + (i * WasmtimeComponents.ValueBytes) + 16) = own;
            }

            void Native()
            {
                byte* argument = stackalloc byte[WasmtimeComponents.ValueBytes];
                byte* result = stackalloc byte[WasmtimeComponents.ValueBytes];
                argument[0] = WasmtimeComponents.List;
                *(nuint*)(argument + 8) = Records;
                *(byte**)(argument + 16) = items;
                for (int i = 0; i < recordCalls; i++)
                {
                    WasmtimeComponents.Call(context, function, argument, 1, result);
                    Require(*(nuint*)(result + 8) == Records);
                    WasmtimeComponents.DeleteValue(result);
                }
            }

            Measure(run, "1,000 records each way", recordCalls, rounds, (Tarn, OwnRecords), (CApi, Native), (Binding, PeerRecords));
            NativeMemory.Free(items);
            NativeMemory.Free(fields);
        });
    }

    private void BetweenComponents(SideBySide run, string name, string export, int calls, int rounds)
    {
        byte[] bytes = Parse(Two);
        using Engine engine = new(new EngineOptions());
        using Component component = Component.FromBytes(engine, bytes);
        using ComponentInstance instance = new ComponentLinker(engine).Prepare(component).Instantiate();
        ComponentFunction function = instance.GetFunction(export);
        ComponentValue count = ComponentValue.FromUInt32((uint)calls);
        WithNative(bytes, export, (context, native) =>
        {
            void Native()
            {
                byte* argument = stackalloc byte[WasmtimeComponents.ValueBytes];
                byte* result = stackalloc byte[WasmtimeComponents.ValueBytes];
                SetU32(argument, (uint)calls);
                WasmtimeComponents.Call(context, native, argument, 1, result);
                Require(*(uint*)(result + 8) >= calls);
            }

            Measure(run, name, calls, rounds, (Tarn, () => Require(function.Invoke(count)!.AsUInt32() >= calls)), (CApi, Native));
        });
    }

    private delegate void NativeUse(nint context, byte* function);

    private static void WithNative(byte[] bytes, string export, NativeUse use)
    {
        using WasmtimeComponents native = new(bytes, export, hasWasi: false);
        byte* function = stackalloc byte[WasmtimeComponents.FunctionBytes];
        (nint store, nint context) = native.Instantiate(function);
        use(context, function);
        WasmtimeComponents.DeleteStore(store);
    }

    private void Measure(SideBySide run, string name, int units, int rounds, params (string Name, Action Batch)[] contenders)
    {
        List<Contender> chosen = [];
        foreach ((string contender, Action batch) in contenders)
        {
            if (contender is Tarn or CApi or Binding && !_only.Contains(contender))
                continue;
            // The whole path is compiled in tiers, instantiation included.
            Contender.WarmUp(seconds: 2, batch);
            chosen.Add(Contender.InProcess(contender, units, batch));
        }

        run.Run(name, chosen, rounds);
    }

    private static void SetU32(byte* value, uint number)
    {
        value[0] = WasmtimeComponents.U32;
        *(ulong*)(value + 8) = number;
    }

    private static void Require(bool condition)
    {
        if (!condition)
            throw new InvalidDataException("A call returned something else than it should.");
    }
}
