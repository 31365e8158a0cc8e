// What crossing the border costs, in both directions and for a trap, against Wasmtime's typed calls and against what .NET itself pays for a delegate and for
// a C function. Every contender does the same work: one addition a call.
//
// A guest's call of the host cannot cost less than what the CLR takes for a call into managed code from any machine code. Two contenders are that lower bound:
// a loop in machine code, on the thread's own stack, that calls a managed method which adds, and one which calls a delegate that adds and catches what it throws.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tarn.Bench.Execute;
using Tarn.Compiler.Abi;
using Tarn.Execution;
using WasmtimeEngine = Wasmtime.Engine;

namespace Tarn.Bench;

internal sealed unsafe class CallsBenchmark : IBenchmark
{
    private const int Calls = 100_000;
    private const int Traps = 200;

    private const string Text = """
        (module
          (import "host" "next" (func $next (param i32) (result i32)))
          (import "host" "caller" (func $caller (param i32) (result i32)))
          (import "host" "other" (func $other (param i32) (result i32)))
          (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
          (func (export "trap") (param i32) (result i32) unreachable)
          (func (export "loop") (param i32) (result i32) (local i32)
            (loop $again
              (local.set 1 (call $next (local.get 1)))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            local.get 1)
          (func (export "loop-caller") (param i32) (result i32) (local i32)
            (loop $again
              (local.set 1 (call $caller (local.get 1)))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            local.get 1)
          (func (export "loop-other") (param i32) (result i32) (local i32)
            (loop $again
              (local.set 1 (call $other (local.get 1)))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            local.get 1))
        """;

    private static readonly Signature s_two = new([AbiType.I32, AbiType.I32], [AbiType.I32]);
    private static readonly Signature s_one = new([AbiType.I32], [AbiType.I32]);

    public string Verb => "calls";

    public string Summary => "host to guest, guest to host, trap and recover against Wasmtime, a delegate and a C function, ns a call; --rounds=N --clock=cpu";

    public int Run(BenchmarkArguments arguments)
    {
        int rounds = arguments.Rounds(31);
        ExecutionClock.IsProcessorTime = arguments.Text("clock") == "cpu";
        CallsStore store = new();
        static int Throw() => throw new CallsTrapException(Compiler.Abi.TrapCode.None);
        FunctionReference* add = store.Add();
        FunctionReference* trap = store.Unreachable();
        FunctionReference* loop = store.Loop(new CallsHostFunction(static value => value + 1));
        nint two = Machine.Current.StubsFor(s_two).TypedEntry;
        nint one = Machine.Current.StubsFor(s_one).TypedEntry;
        nint array = Machine.Current.StubsFor(s_two).ArrayEntry;
        nint c = NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), "labs");
        Func<int, int, int> managed = static (a, b) => a + b;

        using WasmtimeEngine engine = new();
        using Wasmtime.Module module = Wasmtime.Module.FromText(engine, "calls", Text);
        using Wasmtime.Store wasmtimeStore = new(engine);
        using Wasmtime.Linker linker = new(engine);
        foreach (string name in new[] { "next", "caller", "other" })
            linker.Define("host", name, Wasmtime.Function.FromCallback(wasmtimeStore, static (int value) => value + 1));
        Wasmtime.Instance instance = linker.Instantiate(wasmtimeStore, module);
        Func<int, int, int> wasmtimeAdd = instance.GetFunction<int, int, int>("add")!;
        Func<int, int> wasmtimeTrap = instance.GetFunction<int, int>("trap")!;
        Func<int, int> wasmtimeLoop = instance.GetFunction<int, int>("loop")!;

        using Tarn.Engine tarnEngine = new();
        using Tarn.Module tarnModule = Tarn.Module.FromText(tarnEngine, Text);
        // The third has a type that goes through the array of values.
        using InstanceTemplate template = new Tarn.Linker(tarnEngine)
            .DefineFunction("host", "next", static (int value) => value + 1)
            .DefineFunction("host", "caller", static (Caller _, int value) => value + 1)
            .DefineFunction("host", "other", static (uint value) => value + 1)
            .Prepare(tarnModule);
        using Tarn.Instance tarnInstance = template.Instantiate();
        TypedFunction<int, int> publicLoop = tarnInstance.GetFunction<int, int>("loop");
        TypedFunction<int, int> callerLoop = tarnInstance.GetFunction<int, int>("loop-caller");
        TypedFunction<int, int> otherLoop = tarnInstance.GetFunction<int, int>("loop-other");

        TypedFunction<int, int, int> publicAdd = tarnInstance.GetFunction<int, int, int>("add");

        nint bound = store.LoopOnHostStack();
        Func<int, int> next = static value => value + 1;
        GCHandle handle = GCHandle.Alloc(next);
        nint nextAt = GCHandle.ToIntPtr(handle);
        nint empty = (nint)(delegate* unmanaged<int, nint, int>)&Add;
        nint calling = (nint)(delegate* unmanaged<int, nint, int>)&CallDelegate;

        // Pointers cannot be captured.
        nint addAt = (nint)add;
        nint trapAt = (nint)trap;
        nint loopAt = (nint)loop;

        SideBySide run = new(ExecutionClock.IsProcessorTime ? "Calls, processor time" : "Calls", "ns");
        Run(run, "host to guest", Calls, rounds,
            ("Wasmtime", () => Repeat(wasmtimeAdd)),
            ("Tarn", () => Typed(store, two, addAt)),
            ("Tarn, array", () => Array(store, array, addAt)),
            ("Tarn, public API", () => Repeat(publicAdd)),
            ("Tarn, no GC transition", () => Leaf(store, two, addAt)),
            ("C function", () => Native(c)),
            ("delegate", () => Repeat(managed)));
        Run(run, "guest to host", Calls, rounds,
            ("Wasmtime", () => Require(wasmtimeLoop(Calls) == Calls)),
            ("Tarn", () => Require(One(store, one, loopAt, Calls) == Calls)),
            ("Tarn, Linker.Define", () => Require(publicLoop.Invoke(Calls) == Calls)),
            ("Tarn, with Caller", () => Require(callerLoop.Invoke(Calls) == Calls)),
            ("Tarn, general way", () => Require(otherLoop.Invoke(Calls) == Calls)),
            ("bound: managed method", () => Require(((delegate* unmanaged<int, nint, nint, int>)bound)(Calls, empty, 0) == Calls)),
            ("bound: delegate", () => Require(((delegate* unmanaged<int, nint, nint, int>)bound)(Calls, calling, nextAt) == Calls)));
        handle.Free();
        Run(run, "there and back", Calls, rounds,
            ("Wasmtime", () => RepeatOne(wasmtimeLoop)),
            ("Tarn", () => RepeatOne(store, one, loopAt)),
            ("Tarn, public API", () => RepeatOne(publicLoop)));
        Run(run, "trap and recover", Traps, rounds,
            ("Wasmtime", () => Catch<Wasmtime.TrapException>(() => wasmtimeTrap(1))),
            ("Tarn", () => Catch<CallsTrapException>(() => One(store, one, trapAt, 1))),
            ("managed throw", () => Catch<CallsTrapException>(Throw)));
        run.Report(arguments);
        return 0;
    }

    private static void Run(SideBySide run, string name, int units, int rounds, params (string Name, Action Batch)[] contenders)
    {
        // Ours begin at the lowest tier; with fewer calls than this, what is measured is how far the JIT has got.
        foreach ((_, Action batch) in contenders)
            Contender.WarmUp(seconds: 0.4, batch);
        run.Run(name, [.. contenders.Select(c => new Contender(c.Name, () => Time(units, c.Batch)))], rounds, warmUp: 10);
        foreach ((string contender, Action batch) in contenders)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            batch();
            double bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)units;
            Console.WriteLine($"    {contender}: {bytes:0.###} bytes a call");
        }
    }

    private static double Time(int units, Action batch)
    {
        double start = ExecutionClock.Now();
        batch();
        return (ExecutionClock.Now() - start) / units;
    }

    [UnmanagedCallersOnly]
    [SkipLocalsInit]
    private static int Add(int value, nint unused) => value + 1;

    [UnmanagedCallersOnly]
    [SkipLocalsInit]
    private static int CallDelegate(int value, nint handle)
    {
        try
        {
            return Unsafe.As<Func<int, int>>(GCHandle.FromIntPtr(handle).Target!)(value);
        }
        catch (CallsTrapException)
        {
            return 0;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Typed(CallsStore store, nint entry, nint function)
    {
        int sum = 0;
        for (int i = 0; i < Calls; i++)
            sum = Call(store, entry, (FunctionReference*)function, sum, i);
        Require(sum == unchecked((int)(Calls * (Calls - 1L) / 2)));
    }

    // What a typed handle does.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Call(CallsStore store, nint entry, FunctionReference* function, int a, int b)
    {
        ExecutionRecord* record = store.Record;
        nint stackPointer = record->GuestStackPointer;
        RawResult result = GuestCalls.Enter(entry, function, a, b);
        if (record->ExitCode != ExitCode.Returned)
            result = store.Finish(stackPointer);
        return GuestCalls.Result<int>(result);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Array(CallsStore store, nint entry, nint function)
    {
        ulong* values = stackalloc ulong[4];
        int sum = 0;
        for (int i = 0; i < Calls; i++)
        {
            ExecutionRecord* record = store.Record;
            nint stackPointer = record->GuestStackPointer;
            values[0] = (uint)sum;
            values[2] = (uint)i;
            ((delegate* unmanaged<nint, ulong*, void>)entry)(function, values);
            if (record->ExitCode != ExitCode.Returned)
                store.Finish(stackPointer);
            sum = (int)values[0];
        }

        Require(sum == unchecked((int)(Calls * (Calls - 1L) / 2)));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Leaf(CallsStore store, nint entry, nint function)
    {
        int sum = 0;
        for (int i = 0; i < Calls; i++)
        {
            ExecutionRecord* record = store.Record;
            nint stackPointer = record->GuestStackPointer;
            RawResult result = ((delegate* unmanaged[SuppressGCTransition]<int, int, nint, RawResult>)entry)(sum, i, function);
            if (record->ExitCode != ExitCode.Returned)
                result = store.Finish(stackPointer);
            sum = (int)result.Integer;
        }

        Require(sum == unchecked((int)(Calls * (Calls - 1L) / 2)));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Native(nint function)
    {
        long sum = 0;
        for (int i = 0; i < Calls; i++)
            sum = ((delegate* unmanaged<long, long>)function)(sum + i);
        Require(sum == Calls * (Calls - 1L) / 2);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Repeat(Func<int, int, int> function)
    {
        int sum = 0;
        for (int i = 0; i < Calls; i++)
            sum = function(sum, i);
        Require(sum == unchecked((int)(Calls * (Calls - 1L) / 2)));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Repeat(TypedFunction<int, int, int> function)
    {
        int sum = 0;
        for (int i = 0; i < Calls; i++)
            sum = function.Invoke(sum, i);
        Require(sum == unchecked((int)(Calls * (Calls - 1L) / 2)));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RepeatOne(Func<int, int> function)
    {
        for (int i = 0; i < Calls; i++)
            Require(function(1) == 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RepeatOne(TypedFunction<int, int> function)
    {
        for (int i = 0; i < Calls; i++)
            Require(function.Invoke(1) == 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RepeatOne(CallsStore store, nint entry, nint function)
    {
        for (int i = 0; i < Calls; i++)
            Require(One(store, entry, function, 1) == 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int One(CallsStore store, nint entry, nint function, int argument)
    {
        ExecutionRecord* record = store.Record;
        nint stackPointer = record->GuestStackPointer;
        RawResult result = GuestCalls.Enter(entry, (FunctionReference*)function, argument);
        if (record->ExitCode != ExitCode.Returned)
            result = store.Finish(stackPointer);
        return GuestCalls.Result<int>(result);
    }

    private static void Catch<TException>(Func<int> call)
        where TException : Exception
    {
        int caught = 0;
        for (int i = 0; i < Traps; i++)
        {
            try
            {
                _ = call();
            }
            catch (TException)
            {
                caught++;
            }
        }

        Require(caught == Traps);
    }

    private static void Require(bool condition)
    {
        if (!condition)
            throw new InvalidOperationException("a contender did not do its work");
    }
}
