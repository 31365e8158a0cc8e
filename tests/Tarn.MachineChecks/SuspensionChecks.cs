// Guests that leave and come back: suspended on one thread and resumed on another, abandoned, interrupted with every register live, compiled
// on first call; and the memory builtins, which never leave.
using System.Runtime.Intrinsics;
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Execution;
using Tarn.Platform;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.MachineChecks;

internal static unsafe class SuspensionChecks
{
    public static void A_guest_suspended_on_one_thread_is_resumed_on_others()
    {
        using TestStore store = new();
        FunctionReference* host = store.Host(Signatures.LongToLong, (_, _) => HostCallStatus.Pending);
        FunctionReference* guest = store.Guest(CallChecks.Calls(store.Guest(CallChecks.Calls(host))));
        nint before = store.Record->GuestStackPointer;
        RawResult result = ((delegate* unmanaged<long, FunctionReference*, RawResult>)Machine.Current.StubsFor(Signatures.LongToLong).TypedEntry)(1000, guest);
        Check.True(!store.TryFinish(before, ref result));

        // Each thread finds the guest as the last one left it.
        Check.Equal(1000UL, store.SuspendedValues[0]);
        int other = 0;
        OnNewThread(() =>
        {
            other = Environment.CurrentManagedThreadId;
            store.SuspendedValues[0] = 1234;
            RawResult last = default;
            Check.True(store.Continue(before, ref last));
            Check.Equal(1234L, last.Integer);
        });
        Check.True(other != Environment.CurrentManagedThreadId);
        store.CheckIdle();

        // Many suspensions of one call, each continued on another thread: the host function below asks for ten.
        FunctionReference* loop = store.Guest(stub =>
        {
            X64Assembler asm = stub.Asm;
            asm.Push(R14);
            asm.Push(Rbx);
            asm.MovImm(Rbx, 10);
            asm.MovImm(Rdi, 0);
            Label again = asm.BindNew();
            asm.MovImm64(Rax, (nint)host);
            asm.Mov(S64, R14, new Mem(Rax, FunctionReferenceRecord.VmContext));
            asm.Call(new Mem(Rax, FunctionReferenceRecord.Code));
            asm.Mov(S64, Rdi, Rax);
            asm.Dec(S64, Rbx);
            asm.Jcc(Condition.NotEqual, again);
            asm.Pop(Rbx);
            asm.Pop(R14);
            asm.Ret();
        });
        result = ((delegate* unmanaged<FunctionReference*, RawResult>)Machine.Current.StubsFor(Signatures.ToLong).TypedEntry)(loop);
        bool done = store.TryFinish(before, ref result);
        long final = 0;
        for (int i = 0; i < 10; i++)
        {
            Check.True(!done);
            OnNewThread(() =>
            {
                store.SuspendedValues[0] += 3;
                RawResult step = default;
                done = store.Continue(before, ref step);
                final = step.Integer;
            });
        }

        Check.True(done);
        Check.Equal(30L, final);
        store.CheckIdle();
    }

    /// <summary>
    /// Who resumes may stand exactly as deep on the stack as who entered, and has other values in the registers that the C convention preserves: it gets its own back. Once it got those of
    /// the frame that had entered, and the process went down some time later.
    /// </summary>
    public static void Whoever_resumes_as_deep_as_whoever_entered_keeps_its_registers()
    {
        if (HostPlatform.Convention != HostConvention.SystemV)
            return;
        using TestStore store = new();
        FunctionReference* host = store.Host(Signatures.LongToLong, (_, _) => HostCallStatus.Pending);
        FunctionReference* guest = store.Guest(CallChecks.Calls(host));
        foreach (Gpr register in (Gpr[])[Rbx, Rbp, R12, R13, R14, R15])
        {
            // C function (a, b, target, value): what the register holds after target(a, b) when it held the value before.
            FunctionReference* keeps = store.Guest(stub =>
            {
                X64Assembler asm = stub.Asm;
                asm.Push(register);
                asm.Mov(S64, register, Rcx);
                asm.Call(Rdx);
                asm.Mov(S64, Rax, register);
                asm.Pop(register);
                asm.Ret();
            });
            var call = (delegate* unmanaged<nint, nint, nint, long, long>)keeps->Code;
            nint before = store.Record->GuestStackPointer;
            RawResult ignored = default;
            long first = call(1000, (nint)guest, Machine.Current.StubsFor(Signatures.LongToLong).TypedEntry, 1);
            nint entered = store.Record->HostStackPointer;
            Check.True(!store.TryFinish(before, ref ignored));
            long second = call((nint)store.Record, 0, Machine.Current.Stubs.Resume, 2);
            Check.Equal(entered, store.Record->HostStackPointer);
            Check.Equal(1L, first);
            Check.Equal(2L, second);
            store.Abandon(before);
            store.CheckIdle();
        }
    }

    public static void A_suspended_guest_can_be_dropped()
    {
        using TestStore store = new();
        FunctionReference* pending = store.Host(Signatures.LongToLong, (_, _) => HostCallStatus.Pending);
        FunctionReference* add1 = store.Guest(stub => { stub.Asm.Lea(S64, Rax, new Mem(Rdi, 1)); stub.Asm.Ret(); });
        FunctionReference* guest = store.Guest(CallChecks.Calls(pending));
        nint before = store.Record->GuestStackPointer;
        for (int i = 0; i < 100; i++)
        {
            RawResult result = ((delegate* unmanaged<long, FunctionReference*, RawResult>)Machine.Current.StubsFor(Signatures.LongToLong).TypedEntry)(i, guest);
            Check.True(!store.TryFinish(before, ref result));

            // While it hangs there, other guests run below it.
            Check.Equal(i + 1L, store.Call(add1, i));
            store.Abandon(before);
            store.CheckIdle();
        }

        Check.Throws<InvalidOperationException>(() => store.Call(guest, 1));
        store.CheckIdle();
    }

    private static void OnNewThread(Action action)
    {
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                action();
            }
            catch (Exception error)
            {
                failure = error;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null)
            throw new CheckFailedException(failure.ToString());
    }

    public static void Interruption_preserves_every_register()
    {
        using TestStore store = new();
        int interruptions = 0;
        store.OnBuiltin = (s, id, _) =>
        {
            Check.Equal(BuiltinId.Interrupt, id);
            interruptions++;
            GC.Collect(0);

            // Spoil the vector registers, as any managed code may.
            Vector256<double> noise = Vector256.Create(1.5, 2.5, 3.5, interruptions);
            Check.True(Vector256.Sum(noise * noise) > 0);
        };
        ReadOnlySpan<Gpr> registers = [Rax, Rcx, Rdx, Rbx, Rbp, Rsi, Rdi, R8, R9, R10, R11, R12, R13, R15];
        Gpr[] all = registers.ToArray();
        FunctionReference* guest = store.Guest(stub =>
        {
            X64Assembler asm = stub.Asm;
            Label different = asm.NewLabel();
            foreach (Gpr saved in (Gpr[])[Rbx, Rbp, R12, R13, R15])
                asm.Push(saved);
            for (int i = 0; i < 16; i++)
            {
                asm.MovImm(Rax, 0x0101010101010101 * (i + 1));
                asm.Vec(SseOp.Movq, (Xmm)i, Rax);
                asm.Vec(SseOp.Punpcklqdq, (Xmm)i, (Xmm)i);
            }

            foreach (Gpr register in all)
                asm.MovImm(register, 0x7700000000 + (int)register);
            stub.CallTo(Machine.Current.Stubs.Builtin(BuiltinId.Interrupt));
            foreach (Gpr register in all)
            {
                asm.Push(Rax);
                asm.MovImm(Rax, 0x7700000000 + (int)register);
                if (register == Rax)
                    asm.Cmp(S64, Rax, new Mem(Rsp));
                else
                    asm.Cmp(S64, Rax, register);
                asm.Lea(S64, Rsp, new Mem(Rsp, 8));
                asm.Jcc(Condition.NotEqual, different);
                asm.Mov(S64, Rax, new Mem(Rsp, -8));
            }

            for (int i = 0; i < 16; i++)
            {
                asm.Sub(S64, Rsp, 16);
                asm.Vec(SseOp.MovupsStore, new Mem(Rsp), (Xmm)i);
                asm.MovImm(Rax, 0x0101010101010101 * (i + 1));
                asm.Mov(S64, Rcx, new Mem(Rsp));
                asm.Mov(S64, Rdx, new Mem(Rsp, 8));
                asm.Add(S64, Rsp, 16);
                asm.Cmp(S64, Rax, Rcx);
                asm.Jcc(Condition.NotEqual, different);
                asm.Cmp(S64, Rax, Rdx);
                asm.Jcc(Condition.NotEqual, different);
            }

            asm.Zero(Rax);
            Label end = asm.NewLabel();
            asm.Jmp(end);
            asm.Bind(different);
            asm.MovImm(Rax, 1);
            asm.Bind(end);
            foreach (Gpr saved in (Gpr[])[R15, R13, R12, Rbp, Rbx])
                asm.Pop(saved);
            asm.Ret();
        });
        for (int i = 0; i < 20; i++)
            Check.Equal(0L, store.Call(guest));
        Check.Equal(20, interruptions);

        // The host may also end the guest there.
        store.OnBuiltin = (_, _, _) => throw new OperationCanceledException();
        Check.Throws<OperationCanceledException>(() => store.Call(guest));
        store.CheckIdle();
    }

    public static void Builtins_take_arguments_and_give_results()
    {
        using TestStore store = new();
        List<string> seen = [];
        store.OnBuiltin = (_, id, values) =>
        {
            int count = BuiltinSignatures.Parameters(id).Length;
            string text = id.ToString();
            for (int i = 0; i < count; i++)
                text += " " + values[i * 2];
            seen.Add(text);
            values[0] = 1000 + (ulong)id;
        };
        int builtins = 0;
        for (BuiltinId id = 0; id < BuiltinId.Count; id++)
        {
            BuiltinId wanted = id;
            if (BuiltinSignatures.IsMachineCode(id) || BuiltinSignatures.PreservesAllRegisters(id) || id == BuiltinId.CompileFunction)
                continue;
            builtins++;
            FunctionReference* guest = store.Guest(stub =>
            {
                ReadOnlySpan<byte> registers = Compiler.Abi.X64.CallConvention.IntegerArgumentRegisters;
                for (int i = 0; i < BuiltinSignatures.Parameters(wanted).Length; i++)
                    stub.Asm.MovImm((Gpr)registers[i], 10 + i);
                stub.Asm.MovImm(Rax, 5);
                stub.CallTo(Machine.Current.Stubs.Builtin(wanted));
                stub.Asm.Ret();
            });
            long result = store.Call(guest);
            if (BuiltinSignatures.Results(id).Length != 0)
                Check.Equal(1000L + (long)id, result);
            string expected = string.Join(' ', Enumerable.Range(10, BuiltinSignatures.Parameters(id).Length).Prepend(-1).Select(v => v < 0 ? wanted.ToString() : v.ToString()));
            Check.Equal(expected, seen[^1]);
        }

        Check.Equal(builtins, seen.Count);
        store.CheckIdle();
    }

    public static void Lazy_functions_are_compiled_once_with_arguments_untouched()
    {
        using TestStore store = new();
        using LazyThunks thunks = Machine.Current.Stubs.CreateLazyThunks(300);
        FunctionReference* sum = store.Guest(stub =>
        {
            X64Assembler asm = stub.Asm;
            foreach (Gpr register in (Gpr[])[Rsi, Rdx, Rcx, R8, R9])
                asm.Add(S64, Rdi, register);
            asm.Add(S64, Rdi, new Mem(Rsp, 8));
            for (int i = 0; i < 8; i++)
            {
                asm.Vec(SseOp.Cvttsd2si, Rax, (Xmm)i);
                asm.Movsx(S64, S32, Rax, Rax);
                asm.Add(S64, Rdi, Rax);
            }

            asm.Mov(S64, Rax, Rdi);
            asm.Ret(8);
        });
        AbiType[] types = new AbiType[15];
        Array.Fill(types, AbiType.I64, 0, 7);
        Array.Fill(types, AbiType.F64, 7, 8);
        Signature signature = new(types, [AbiType.I64]);
        int compiled = 0;
        store.OnBuiltin = (_, id, values) =>
        {
            Check.Equal(BuiltinId.CompileFunction, id);
            int index = (int)values[0];
            compiled++;
            if (index == 13)
                throw new InvalidDataException("does not compile");
            thunks.SetTarget(index, sum->Code);
            values[0] = (ulong)sum->Code;
        };
        ulong* arguments = (ulong*)store.Allocate(15 * 16);
        foreach (int index in (int[])[0, 1, 299, 0, 1, 299])
        {
            for (int i = 0; i < 15; i++)
                arguments[i * 2] = i < 7 ? 1UL << (4 * i) : BitConverter.DoubleToUInt64Bits(1 << (i + 15));
            store.Call(signature, store.Reference(thunks.Thunk(index), FunctionReferenceRecord.NotAHostFunction), arguments);
            Check.Equal(0x1111111UL + (0xFFUL << 22), arguments[0]);
        }

        Check.Equal(3, compiled);
        Check.Throws<InvalidDataException>(() => store.Call(signature, store.Reference(thunks.Thunk(13), FunctionReferenceRecord.NotAHostFunction), arguments));
        store.CheckIdle();
    }

    public static void Copy_and_fill_agree_with_spans()
    {
        using TestStore store = new();
        Signature copyTypes = new([AbiType.I64, AbiType.I64, AbiType.I64], []);
        Signature fillTypes = new([AbiType.I64, AbiType.I32, AbiType.I64], []);
        delegate* unmanaged<long, long, long, FunctionReference*, RawResult> copyEntry = (delegate* unmanaged<long, long, long, FunctionReference*, RawResult>)Machine.Current.StubsFor(copyTypes).TypedEntry;
        delegate* unmanaged<long, int, long, FunctionReference*, RawResult> fillEntry = (delegate* unmanaged<long, int, long, FunctionReference*, RawResult>)Machine.Current.StubsFor(fillTypes).TypedEntry;
        FunctionReference* copy = store.Reference(Machine.Current.Stubs.Builtin(BuiltinId.MemoryCopyBytes), FunctionReferenceRecord.NotAHostFunction);
        FunctionReference* fill = store.Reference(Machine.Current.Stubs.Builtin(BuiltinId.MemoryFillBytes), FunctionReferenceRecord.NotAHostFunction);
        const int Size = 16 * 1024;
        byte* memory = store.Allocate(Size);
        byte[] expected = new byte[Size];
        Random random = new(7);
        random.NextBytes(expected);
        expected.CopyTo(new Span<byte>(memory, Size));
        for (int i = 0; i < 12_000; i++)
        {
            int length = i % 4 == 0 ? random.Next(Size / 2) : i % 4 == 1 ? random.Next(20) : random.Next(300);
            int from = random.Next(Size - length);
            int to = i % 3 == 0 ? random.Next(Size - length) : Math.Clamp(from + random.Next(-70, 70), 0, Size - length);
            if (i % 5 == 0)
            {
                _ = fillEntry((nint)(memory + to), i * 7, length, fill);
                expected.AsSpan(to, length).Fill((byte)(i * 7));
            }
            else
            {
                _ = copyEntry((nint)(memory + to), (nint)(memory + from), length, copy);
                expected.AsSpan(from, length).CopyTo(expected.AsSpan(to));
            }

            Check.True(new Span<byte>(memory, Size).SequenceEqual(expected), $"round {i}: length {length}, from {from} to {to}");
            if (i % 100 == 0)
            {
                // Fresh bytes, or fills would soon leave nothing to tell apart.
                random.NextBytes(expected);
                expected.CopyTo(new Span<byte>(memory, Size));
            }
        }
    }

    // Copies and fills that are cut into pieces: every way there is, with ends and distances around those of the pieces.
    public static void Copy_and_fill_of_several_pieces_agree_with_spans()
    {
        using TestStore store = new();
        Signature copyTypes = new([AbiType.I64, AbiType.I64, AbiType.I64], []);
        Signature fillTypes = new([AbiType.I64, AbiType.I32, AbiType.I64], []);
        delegate* unmanaged<long, long, long, FunctionReference*, RawResult> copyEntry = (delegate* unmanaged<long, long, long, FunctionReference*, RawResult>)Machine.Current.StubsFor(copyTypes).TypedEntry;
        delegate* unmanaged<long, int, long, FunctionReference*, RawResult> fillEntry = (delegate* unmanaged<long, int, long, FunctionReference*, RawResult>)Machine.Current.StubsFor(fillTypes).TypedEntry;
        FunctionReference* copy = store.Reference(Machine.Current.Stubs.Builtin(BuiltinId.MemoryCopyBytes), FunctionReferenceRecord.NotAHostFunction);
        FunctionReference* fill = store.Reference(Machine.Current.Stubs.Builtin(BuiltinId.MemoryFillBytes), FunctionReferenceRecord.NotAHostFunction);
        const int Piece = 16 << 20;
        const int Size = (5 * Piece) + 4096;
        byte* memory = store.Allocate(Size);
        byte[] expected = new byte[Size];
        Random random = new(8);
        random.NextBytes(expected);
        expected.CopyTo(new Span<byte>(memory, Size));
        // To and from: apart, close either way, overlapping by more than a piece either way.
        (int To, int From)[] places = [(100, (5 * Piece / 2) + 50), ((5 * Piece / 2) + 50, 100), (7, 6), (6, 7), (200, 137), (64, 0), (0, 64), (Piece + 300, 0), (0, Piece + 300), (0, 65)];
        int[] lengths = [Piece - 1, Piece, Piece + 1, Piece + 63, Piece + 64, Piece + 65, (2 * Piece) - 64, 2 * Piece, (2 * Piece) + 1, (2 * Piece) + 129];
        for (int i = 0; i < places.Length * lengths.Length; i += random.Next(1, 4))
        {
            (int to, int from) = places[i / lengths.Length];
            int length = lengths[i % lengths.Length];
            _ = copyEntry((nint)(memory + to), (nint)(memory + from), length, copy);
            expected.AsSpan(from, length).CopyTo(expected.AsSpan(to));
            Check.True(new Span<byte>(memory, Size).SequenceEqual(expected), $"{length} bytes from {from} to {to}");
        }
        foreach (int length in lengths)
        {
            int to = random.Next(1000);
            _ = fillEntry((nint)(memory + to), length, length, fill);
            expected.AsSpan(to, length).Fill((byte)length);
            Check.True(new Span<byte>(memory, Size).SequenceEqual(expected), $"{length} bytes filled from {to} on");
        }
    }
}
