// Eight threads that call, trap, throw, catch null references, suspend and hand over, while another allocates and collects without pause.
using System.Runtime.CompilerServices;
using Tarn.Execution;
using Tarn.Platform;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.MachineChecks;

internal static unsafe class ConcurrencyChecks
{
    private static volatile bool s_stop;
    private static object? s_garbage;

    public static void Eight_threads_do_everything_while_one_allocates()
    {
        s_stop = false;
        Exception? failure = null;
        Thread allocator = new(() =>
        {
            Random random = new(5);
            for (int i = 0; !s_stop; i++)
            {
                s_garbage = new byte[random.Next(1, 20_000)];
                if (i % 2000 == 0)
                    GC.Collect(i % 10_000 == 0 ? 2 : 0);
            }
        });
        allocator.Start();
        Thread[] threads = new Thread[8];
        int rounds = 0;
        for (int i = 0; i < threads.Length; i++)
        {
            int seed = i;
            threads[i] = new Thread(() =>
            {
                try
                {
                    Interlocked.Add(ref rounds, Work(seed));
                }
                catch (Exception error)
                {
                    failure = error;
                }
            });
            threads[i].Start();
        }

        foreach (Thread thread in threads)
            thread.Join();
        s_stop = true;
        allocator.Join();
        if (failure is not null)
            throw new CheckFailedException(failure.ToString());
        Check.True(rounds >= 8);
    }

    private static int Work(int seed)
    {
        using TestStore store = new();
        byte* closed = Machine.Current.Memory.Reserve(1 << 16);
        FunctionReference* read = store.Guest(stub =>
        {
            stub.Owner.AddTrap(stub.Asm.Offset, Compiler.Abi.TrapCode.MemoryOutOfBounds, new FrameDescription(FrameKind.Guest, 0));
            stub.Asm.Mov(S64, Rax, new Assembler.X64.Mem(Rdi));
            stub.Asm.Ret();
        });
        FunctionReference* guest = null;
        FunctionReference* host = store.Host(direct: seed % 2 == 0, (s, n) =>
        {
            string text = new('y', (int)(n & 31) + 1);
            switch (n % 7)
            {
                case 1:
                    Check.Throws<GuestTrapException>(() => s.Call(read, (nint)closed + n));
                    break;
                case 2:
                    Check.Throws<NullReferenceException>(() => Length(null));
                    break;
                case 3 when n > 100:
                    throw new TimeoutException(text);
                default:
                    break;
            }

            long result = n <= 0 ? 7 : s.Call(guest, n - 1) + 1;
            Check.Equal((int)(n & 31) + 1, text.Length);
            return result;
        });
        FunctionReference* pending = store.Host(Signatures.LongToLong, (_, _) => HostCallStatus.Pending);
        guest = store.Guest(CallChecks.Calls(store.Guest(CallChecks.Calls(host))));
        FunctionReference* suspending = store.Guest(CallChecks.Calls(pending));
        long end = Environment.TickCount64 + 4000;
        int rounds = 0;
        for (; Environment.TickCount64 < end; rounds++)
        {
            int depth = (rounds + seed) % 90;
            Check.Equal(depth + 7L, store.Call(guest, depth));
            Check.Throws<TimeoutException>(() => store.Call(guest, 101 + ((3 - (101 % 7) + 7) % 7)));
            nint before = store.Record->GuestStackPointer;
            RawResult result = ((delegate* unmanaged<long, FunctionReference*, RawResult>)Machine.Current.StubsFor(Signatures.LongToLong).TypedEntry)(rounds, suspending);
            Check.True(!store.TryFinish(before, ref result));
            long final = 0;
            int round = rounds;
            using ManualResetEventSlim done = new();
            ThreadPool.UnsafeQueueUserWorkItem(_ =>
            {
                store.SuspendedValues[0] = (ulong)round + 1;
                RawResult last = default;
                final = store.Continue(before, ref last) ? last.Integer : -1;
                done.Set();
            }, null);
            done.Wait();
            Check.Equal(rounds + 1L, final);
            store.CheckIdle();
        }

        Machine.Current.Memory.Release(closed, 1 << 16);
        return rounds;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Length(string? text) => text!.Length;
}
