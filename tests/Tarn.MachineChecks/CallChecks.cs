// Values of every type and count, in and out, through every kind of stub; traps; host functions that throw, collect, recurse, call back.
using System.Runtime.CompilerServices;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Execution;
using Tarn.Execution.X64;
using Tarn.Functions;
using Tarn.Platform;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.MachineChecks;

internal static unsafe class CallChecks
{
    private static readonly AbiType[] s_types = [AbiType.I32, AbiType.I64, AbiType.F32, AbiType.F64, AbiType.V128, AbiType.Reference];

    /// <summary>A guest that jumps on to another function with all arguments as they are.</summary>
    public static Action<StubAssembler> TailCall(FunctionReference* target) => stub =>
    {
        stub.Asm.MovImm64(Rax, (nint)target);
        stub.Asm.Mov(S64, R14, new Mem(Rax, FunctionReferenceRecord.VmContext));
        stub.Asm.Jmp(new Mem(Rax, FunctionReferenceRecord.Code));
    };

    /// <summary>A guest () → i64 or i64 → i64 that calls another of the same signature with a frame of its own.</summary>
    public static Action<StubAssembler> Calls(FunctionReference* target, int functionIndex = 0, int frameBytes = 24) => stub =>
    {
        X64Assembler asm = stub.Asm;
        asm.Push(Rbx);
        asm.Push(R14);
        asm.Sub(S64, Rsp, frameBytes);
        asm.MovImm(Rbx, 0x1234567890);
        asm.MovImm64(Rax, (nint)target);
        asm.Mov(S64, R14, new Mem(Rax, FunctionReferenceRecord.VmContext));
        asm.Call(new Mem(Rax, FunctionReferenceRecord.Code));
        stub.Owner.AddFrame(asm.Offset, new FrameDescription(FrameKind.Guest, frameBytes + 16, 0, functionIndex, functionIndex * 100));
        asm.Mov(S64, R14, new Mem(Rsp, frameBytes));

        // rbx is preserved by whoever was called: spoil the result if not.
        asm.MovImm(Rcx, 0x1234567890);
        asm.Sub(S64, Rbx, Rcx);
        asm.Add(S64, Rax, Rbx);
        asm.Add(S64, Rsp, frameBytes + 8);
        asm.Pop(Rbx);
        asm.Ret();
    };

    public static void Arrays_of_every_length_reach_the_host_and_come_back()
    {
        Random random = new(1);
        using TestStore store = new();
        List<(int Parameters, int Results)> shapes = [(0, 0), (1000, 1000), (1000, 0), (0, 1000), (60, 61), (130, 7)];
        for (int i = 1; i <= 24; i++)
        {
            shapes.Add((i, i));
            shapes.Add((i, 24 - i));
            shapes.Add((i, 1));
        }

        foreach ((int parameters, int results) in shapes)
        {
            foreach (AbiType? only in (AbiType?[])[AbiType.I32, AbiType.I64, AbiType.F32, AbiType.F64, AbiType.V128, null, null, null])
                RoundTrip(store, random, new Signature(Types(random, parameters, only), Types(random, results, only)));
        }
    }

    private static AbiType[] Types(Random random, int count, AbiType? only)
    {
        AbiType[] types = new AbiType[count];
        for (int i = 0; i < count; i++)
            types[i] = only ?? s_types[random.Next(s_types.Length)];
        return types;
    }

    private static void RoundTrip(TestStore store, Random random, Signature signature)
    {
        UInt128[] arguments = Values(random, signature.Parameters);
        UInt128[] results = Values(random, signature.Results);
        UInt128[] seen = [];
        Signature captured = signature;
        FunctionReference* host = store.Host(signature, (_, values) =>
        {
            seen = Read(values, captured.Parameters);
            Write(values, results);
            return HostCallStatus.Completed;
        });
        FunctionReference* guest = store.Guest(TailCall(host));
        foreach (nint function in (nint[])[(nint)host, (nint)guest])
        {
            ulong* values = (ulong*)store.Allocate((Math.Max(signature.ValueCount, 1) * 16) + 16);
            values[signature.ValueCount * 2] = 0xFEEDFACE;
            Write(values, arguments);
            store.Call(signature, (FunctionReference*)function, values);
            Check.True(seen.AsSpan().SequenceEqual(arguments), $"arguments of {signature}");
            Check.True(Read(values, signature.Results).AsSpan().SequenceEqual(results), $"results of {signature}");
            Check.Equal(0xFEEDFACEUL, values[signature.ValueCount * 2]);
            store.CheckIdle();
        }
    }

    private static UInt128[] Values(Random random, ReadOnlySpan<AbiType> types)
    {
        UInt128[] values = new UInt128[types.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64()) & Mask(types[i]);
        return values;
    }

    private static UInt128 Mask(AbiType type) => type switch
    {
        AbiType.I32 or AbiType.F32 => uint.MaxValue,
        AbiType.V128 => UInt128.MaxValue,
        _ => ulong.MaxValue,
    };

    // An i32 has to arrive zero-extended; of an f32 only 32 bits count.
    private static UInt128[] Read(ulong* values, ReadOnlySpan<AbiType> types)
    {
        UInt128[] read = new UInt128[types.Length];
        for (int i = 0; i < types.Length; i++)
            read[i] = new UInt128(values[(i * 2) + 1], values[i * 2]) & (types[i] == AbiType.I32 ? ulong.MaxValue : Mask(types[i]));
        return read;
    }

    private static void Write(ulong* values, UInt128[] from)
    {
        for (int i = 0; i < from.Length; i++)
        {
            values[i * 2] = (ulong)from[i];
            values[(i * 2) + 1] = (ulong)(from[i] >> 64);
        }
    }

    public static void Guests_read_arguments_and_give_results_where_the_convention_says()
    {
        // 7 integers, 9 doubles: the last of each kind is on the stack, in order; the callee pops 16 bytes.
        using TestStore store = new();
        AbiType[] parameters = new AbiType[16];
        Array.Fill(parameters, AbiType.F64);
        foreach (int i in (int[])[0, 2, 4, 6, 8, 10, 11])
            parameters[i] = AbiType.I64;
        Signature signature = new(parameters, [AbiType.I64, AbiType.F64]);
        FunctionReference* guest = store.Guest(stub =>
        {
            X64Assembler asm = stub.Asm;
            asm.Mov(S64, Rax, new Mem(Rsp, 8));                       // the seventh integer (parameter 11)
            asm.Vec(SseOp.MovsdLoad, Xmm.Xmm0, new Mem(Rsp, 16));     // the ninth double (parameter 15)
            asm.Alu(AluOp.Sub, S64, Rax, R9);                         // the sixth integer (parameter 10)
            asm.Ret(16);
        });
        ulong* values = (ulong*)store.Allocate(16 * 16);
        for (int i = 0; i < 16; i++)
            values[i * 2] = parameters[i] == AbiType.I64 ? (ulong)(100 * i) : BitConverter.DoubleToUInt64Bits(i + 0.5);
        store.Call(signature, guest, values);
        Check.Equal(100UL, values[0]);
        Check.Equal(15.5, BitConverter.UInt64BitsToDouble(values[2]));
        store.CheckIdle();
    }

    public static void Typed_entries_take_every_type_in_registers_and_beyond()
    {
        using TestStore store = new();
        Machine machine = Machine.Current;

        // All integer: six registers, then the stack; the function reference itself goes onto the C stack.
        Signature ints = new([AbiType.I32, AbiType.I64, AbiType.I32, AbiType.I64, AbiType.I32, AbiType.I64, AbiType.I32, AbiType.I64], [AbiType.I64]);
        FunctionReference* host = store.Host(ints, (_, values) =>
        {
            ulong sum = 0;
            for (int i = 0; i < 8; i++)
                sum = (sum * 31) + values[i * 2];
            values[0] = sum;
            return HostCallStatus.Completed;
        });
        FunctionReference* guest = store.Guest(TailCall(host));
        ulong expected = 0;
        foreach (ulong value in (ulong[])[uint.MaxValue, 2, 3, 4, 0xFFFFFFFE, 6, 0xFFFFFFFD, 8])
            expected = (expected * 31) + value;
        RawResult result = ((delegate* unmanaged<int, long, int, long, int, long, int, long, FunctionReference*, RawResult>)machine.StubsFor(ints).TypedEntry)(-1, 2, 3, 4, -2, 6, -3, 8, guest);
        Check.Equal((long)expected, result.Integer);

        // Mixed, with more than eight floating-point ones.
        Signature mixed = new(
            [AbiType.F32, AbiType.F64, AbiType.I32, AbiType.F64, AbiType.F64, AbiType.F64, AbiType.F64, AbiType.F64, AbiType.F64, AbiType.F32, AbiType.F64, AbiType.I64],
            [AbiType.F64]);
        host = store.Host(mixed, (_, values) =>
        {
            double sum = BitConverter.UInt32BitsToSingle((uint)values[0]) + ((int)values[4] * 2) + BitConverter.UInt32BitsToSingle((uint)values[18]) + (values[22] * 3.0);
            foreach (int i in (int[])[1, 3, 4, 5, 6, 7, 8, 10])
                sum += BitConverter.UInt64BitsToDouble(values[i * 2]) * i;
            values[0] = BitConverter.DoubleToUInt64Bits(sum);
            return HostCallStatus.Completed;
        });
        result = ((delegate* unmanaged<float, double, int, double, double, double, double, double, double, float, double, long, FunctionReference*, RawResult>)machine.StubsFor(mixed).TypedEntry)(
            1.5f, 2, 7, 3, 4, 5, 6, 7, 8, 9.25f, 10, 11, host);
        double want = 1.5 + 14 + 9.25 + 33 + (2 * 1) + (3 * 3) + (4 * 4) + (5 * 5) + (6 * 6) + (7 * 7) + (8 * 8) + (10 * 10);
        Check.Equal(want, result.Vector);

        // Single results of each type straight from a guest.
        FunctionReference* f32 = store.Guest(stub => { stub.Asm.Vec(SseOp.Addss, Xmm.Xmm0, Xmm.Xmm1); stub.Asm.Ret(); });
        RawResult single = ((delegate* unmanaged<float, float, FunctionReference*, RawResult>)machine.StubsFor(new([AbiType.F32, AbiType.F32], [AbiType.F32])).TypedEntry)(1.25f, 2.5f, f32);
        Check.Equal(3.75f, single.Single);
        FunctionReference* i32 = store.Guest(stub => { stub.Asm.Lea(S64, Rax, new Mem(Rdi, Rsi)); stub.Asm.Ret(); });
        RawResult integer = ((delegate* unmanaged<int, int, FunctionReference*, RawResult>)machine.StubsFor(new([AbiType.I32, AbiType.I32], [AbiType.I64])).TypedEntry)(-1, -1, i32);
        Check.Equal(2L * uint.MaxValue, integer.Integer);
        store.CheckIdle();
    }

    public static void Entries_compile_without_transition_too()
    {
        using TestStore store = new();
        FunctionReference* guest = store.Guest(stub => { stub.Asm.Lea(S64, Rax, new Mem(Rdi, 1)); stub.Asm.Ret(); });
        nint entry = Machine.Current.StubsFor(Signatures.LongToLong).TypedEntry;
        Check.Equal(42L, ((delegate* unmanaged[SuppressGCTransition]<long, FunctionReference*, RawResult>)entry)(41, guest).Integer);
    }

    public static void Each_trap_code_arrives()
    {
        using TestStore store = new();
        for (Compiler.Abi.TrapCode code = Compiler.Abi.TrapCode.Unreachable; code <= Compiler.Abi.TrapCode.AllocationTooLarge; code++)
        {
            Compiler.Abi.TrapCode wanted = code;
            FunctionReference* guest = store.Guest(stub =>
            {
                stub.Asm.Push(Rbx);
                stub.Asm.MovImm(Rbx, 77);
                stub.CallTo(Machine.Current.Stubs.Trap);
                stub.Owner.AddTrap(stub.Asm.Offset, wanted, new FrameDescription(FrameKind.Guest, 8, 0, 5, 500));
            });
            FunctionReference* outer = store.Guest(Calls(guest, 6));
            GuestTrapException trap = Check.Throws<GuestTrapException>(() => store.Call(outer));
            Check.Equal(code, trap.Code);
            Check.Equal(2, trap.Frames.Count);
            Check.Equal(5, trap.Frames[0].FunctionIndex);
            Check.Equal(6, trap.Frames[1].FunctionIndex);
            Check.Equal(600, trap.Frames[1].WasmOffset);
            store.CheckIdle();
        }
    }

    public static void Memory_faults_become_traps_and_null_references_stay()
    {
        using TestStore store = new();
        byte* closed = Machine.Current.Memory.Reserve(1 << 16);
        FunctionReference* read = store.Guest(stub =>
        {
            stub.Owner.AddTrap(stub.Asm.Offset, Compiler.Abi.TrapCode.MemoryOutOfBounds, new FrameDescription(FrameKind.Guest, 0, 0, 3, 300));
            stub.Asm.Mov(S64, Rax, new Mem(Rdi));
            stub.Asm.Ret();
        });
        long value = 99;
        for (int i = 0; i < 200; i++)
        {
            Check.Equal(99L, store.Call(read, (long)&value));
            nint address = (nint)closed + (i * 100);
            GuestTrapException trap = Check.Throws<GuestTrapException>(() => store.Call(read, address));
            Check.Equal(Compiler.Abi.TrapCode.MemoryOutOfBounds, trap.Code);
            Check.Equal(address, trap.FaultAddress);
            Check.Equal(1, trap.Frames.Count);
            Check.Equal(3, trap.Frames[0].FunctionIndex);
            Check.Throws<NullReferenceException>(() => DereferenceNull(null));
        }

        store.CheckIdle();
        Machine.Current.Memory.Release(closed, 1 << 16);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int DereferenceNull(int[]? array) => array!.Length;

    public static void Host_functions_throw_collect_recurse_and_call_back()
    {
        ThrowCollectRecurseAndCallBack(direct: false);
        ThrowCollectRecurseAndCallBack(direct: true);
    }

    private static void ThrowCollectRecurseAndCallBack(bool direct)
    {
        using TestStore store = new();
        FunctionReference* add1 = store.Guest(stub => { stub.Asm.Lea(S64, Rax, new Mem(Rdi, 1)); stub.Asm.Ret(); });
        FunctionReference* guest = null;
        FunctionReference* host = store.Host(direct, (s, n) =>
        {
            object survivor = new string('x', (int)Math.Abs(n % 50) + 1);
            if (n % 97 == 3)
                GC.Collect(0);
            if (n == -1)
                throw new FormatException("thrown by a host function");
            if (n == -2)
                _ = DereferenceNull(null);
            long result = n <= 0 ? Deep(2000) : s.Call(guest, n - 1) + s.Call(add1, 0);
            GC.KeepAlive(survivor);
            return result;
        });
        guest = store.Guest(Calls(host, 8));
        Check.Equal(2000L + 500, store.Call(guest, 500));
        store.CheckIdle();
        FormatException thrown = Check.Throws<FormatException>(() => store.Call(guest, -1));
        Check.Equal("thrown by a host function", thrown.Message);
        Check.True(thrown.StackTrace!.Contains(nameof(ThrowCollectRecurseAndCallBack), StringComparison.Ordinal));
        store.CheckIdle();
        Check.Throws<NullReferenceException>(() => store.Call(guest, -2));
        store.CheckIdle();
        Check.Equal(2001L, store.Call(guest, 1));
    }

    public static void Direct_exits_carry_every_type_and_clear_the_upper_half_of_i32()
    {
        using TestStore store = new();
        Func<int, int> negate = a => -a;
        Check.Equal(unchecked((ulong)(uint)-7), Direct(store, [AbiType.I32], [AbiType.I32], DirectHostCalls.Func<int, int>(), negate, 7));
        Check.Equal(7UL, Direct(store, [AbiType.I32], [AbiType.I32], DirectHostCalls.Func<int, int>(), negate, uint.MaxValue - 6));
        Func<long, double, double> scale = (a, b) => a * b;
        Check.Equal(Bits(-2.5), Direct(store, [AbiType.I64, AbiType.F64], [AbiType.F64], DirectHostCalls.Func<long, double, double>(), scale, unchecked((ulong)-5L), Bits(0.5)));
        Func<double, long, double> scaled = (a, b) => (b * 10) + a;
        Check.Equal(Bits(30.5), Direct(store, [AbiType.F64, AbiType.I64], [AbiType.F64], DirectHostCalls.Func<double, long, double>(), scaled, Bits(0.5), 3));
        Func<float, float, float> minus = (a, b) => a - b;
        Check.Equal(
            BitConverter.SingleToUInt32Bits(1.25f),
            (uint)Direct(store, [AbiType.F32, AbiType.F32], [AbiType.F32], DirectHostCalls.Func<float, float, float>(), minus, BitConverter.SingleToUInt32Bits(3.5f), BitConverter.SingleToUInt32Bits(2.25f)));
        Func<int, int, int, int, int, long> five = (a, b, c, d, e) => (((((((a * 10L) + b) * 10) + c) * 10) + d) * 10) + e;
        AbiType[] ints = [AbiType.I32, AbiType.I32, AbiType.I32, AbiType.I32, AbiType.I32];
        Check.Equal(12345UL, Direct(store, ints, [AbiType.I64], DirectHostCalls.Func<int, int, int, int, int, long>(), five, 1, 2, 3, 4, 5));
        int calls = 0;
        Action count = () => calls++;
        Direct(store, [], [], DirectHostCalls.Action(), count);
        Check.Equal(2, calls);

        // Too many integers for the function reference to find a register, and types without an entry.
        SignatureStubs six = Machine.Current.StubsFor(new Signature([AbiType.I32, .. ints], []));
        Check.Equal(six.HostExit, Machine.Current.HostExitTo(six, DirectHostCalls.Action()));
        Check.Equal(0, DirectHostCalls.Func<uint, int>());
        Check.Equal(0, DirectHostCalls.Func<int, string>());
        Check.Equal(0, DirectHostCalls.Action<int, int, double>());
    }

    private static ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);

    // Calls it straight and from a guest, which has to get the same.
    private static ulong Direct(TestStore store, AbiType[] parameters, AbiType[] results, nint entry, Delegate body, params ReadOnlySpan<ulong> arguments)
    {
        Signature signature = new(parameters, results);
        FunctionReference* host = store.DirectHost(signature, entry, body);
        ulong* values = stackalloc ulong[12];
        ulong[] seen = new ulong[2];
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < arguments.Length; i++)
                values[2 * i] = arguments[i];
            store.Call(signature, round == 0 ? host : store.Guest(TailCall(host)), values);
            seen[round] = values[0];
            store.CheckIdle();
        }

        if (results.Length != 0)
            Check.Equal(seen[0], seen[1]);
        return seen[0];
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long Deep(long depth) => depth == 0 ? 0 : 1 + Deep(depth - 1);

    public static void Host_functions_catch_traps_of_the_guests_they_call()
    {
        CatchTraps(direct: false);
        CatchTraps(direct: true);
    }

    private static void CatchTraps(bool direct)
    {
        using TestStore store = new();
        FunctionReference* trapping = store.Guest(stub =>
        {
            stub.CallTo(Machine.Current.Stubs.Trap);
            stub.Owner.AddTrap(stub.Asm.Offset, Compiler.Abi.TrapCode.Unreachable, new FrameDescription(FrameKind.Guest, 0, 0, 1, 100));
        });
        FunctionReference* host = store.Host(direct, (s, n) =>
        {
            GuestTrapException trap = Check.Throws<GuestTrapException>(() => s.Call(trapping));

            // The trap's backtrace goes on through the guest that called this host function.
            Check.Equal(2, trap.Frames.Count);
            Check.Equal(1, trap.Frames[0].FunctionIndex);
            Check.Equal(9, trap.Frames[1].FunctionIndex);
            List<FrameDescription> suspended = [];
            Traps.Backtrace.WalkSuspended(s.Record, suspended);
            Check.Equal(1, suspended.Count);
            Check.Equal(9, suspended[0].FunctionIndex);
            return n + 5;
        });
        FunctionReference* guest = store.Guest(Calls(host, 9));
        for (int i = 0; i < 50; i++)
            Check.Equal(i + 5L, store.Call(guest, i));
        store.CheckIdle();
    }

    public static void Backtraces_cross_activations_and_stack_arguments()
    {
        using TestStore store = new();
        const int Depth = 40;

        // Eight i64: two on the stack, popped by the callee.
        AbiType[] eight = new AbiType[8];
        Array.Fill(eight, AbiType.I64);
        Signature wide = new(eight, [AbiType.I64]);
        FunctionReference* entry = null;
        FunctionReference* trapping = store.Guest(stub =>
        {
            stub.CallTo(Machine.Current.Stubs.Trap);
            stub.Owner.AddTrap(stub.Asm.Offset, Compiler.Abi.TrapCode.Unreachable, new FrameDescription(FrameKind.Guest, 0, 0, 99, 0));
        });
        FunctionReference* host = store.Host(wide, (s, values) =>
        {
            long n = (long)values[14];
            values[0] = (ulong)(n == 0 ? s.Call(trapping) : s.Call(entry, n - 1));
            return HostCallStatus.Completed;
        });

        // middle(8 arguments): passes them on, 16 bytes of them on the stack.
        FunctionReference* middle = store.Guest(stub =>
        {
            X64Assembler asm = stub.Asm;
            asm.Push(R14);
            asm.Push(new Mem(Rsp, 8 + 8 + 8));
            asm.Push(new Mem(Rsp, 8 + 8 + 8));
            asm.MovImm64(Rax, (nint)host);
            asm.Mov(S64, R14, new Mem(Rax, FunctionReferenceRecord.VmContext));
            asm.Call(new Mem(Rax, FunctionReferenceRecord.Code));
            stub.Owner.AddFrame(asm.Offset, new FrameDescription(FrameKind.Guest, 8, 16, 2, 200));
            asm.Pop(R14);
            asm.Ret(16);
        });
        entry = store.Guest(stub =>
        {
            X64Assembler asm = stub.Asm;
            asm.Push(R14);
            asm.Push(Rdi);
            asm.Push(1);
            asm.MovImm64(Rax, (nint)middle);
            asm.Mov(S64, R14, new Mem(Rax, FunctionReferenceRecord.VmContext));
            asm.Call(new Mem(Rax, FunctionReferenceRecord.Code));
            stub.Owner.AddFrame(asm.Offset, new FrameDescription(FrameKind.Guest, 8, 0, 1, 100));
            asm.Pop(R14);
            asm.Ret();
        });
        GuestTrapException trap = Check.Throws<GuestTrapException>(() => store.Call(entry, Depth));
        Check.Equal(1 + (2 * (Depth + 1)), trap.Frames.Count);
        for (int i = 1; i < trap.Frames.Count; i++)
            Check.Equal(i % 2 == 1 ? 2 : 1, trap.Frames[i].FunctionIndex);
        store.CheckIdle();
    }

    public static void Conventions_are_as_written_down()
    {
        ValueLocation[] parameters = new ValueLocation[10];
        ValueLocation[] results = new ValueLocation[10];
        AbiType[] types = [AbiType.I32, AbiType.F32, AbiType.Reference, AbiType.V128, AbiType.I64, AbiType.I64, AbiType.I64, AbiType.I64, AbiType.I64, AbiType.I32];
        CallShape shape = CallConvention.Assign(types, types, parameters, results);

        // Eight integers, six registers: two results left over, so the first integer argument is the buffer, and three parameters are left over.
        Check.Equal(new CallShape(24, 16), shape);
        Check.Equal(new ValueLocation(LocationKind.IntegerRegister, (int)Rsi), parameters[0]);
        Check.Equal(new ValueLocation(LocationKind.VectorRegister, 0), parameters[1]);
        Check.Equal(new ValueLocation(LocationKind.IntegerRegister, (int)Rdx), parameters[2]);
        Check.Equal(new ValueLocation(LocationKind.VectorRegister, 1), parameters[3]);
        Check.Equal(new ValueLocation(LocationKind.IntegerRegister, (int)R9), parameters[6]);
        Check.Equal(new ValueLocation(LocationKind.Memory, 0), parameters[7]);
        Check.Equal(new ValueLocation(LocationKind.Memory, 16), parameters[9]);
        Check.Equal(new ValueLocation(LocationKind.IntegerRegister, (int)Rax), results[0]);
        Check.Equal(new ValueLocation(LocationKind.IntegerRegister, (int)Rdx), results[2]);
        Check.Equal(new ValueLocation(LocationKind.IntegerRegister, (int)R8), results[7]);
        Check.Equal(new ValueLocation(LocationKind.Memory, 0), results[8]);
        Check.Equal(new ValueLocation(LocationKind.Memory, 8), results[9]);
    }
}
