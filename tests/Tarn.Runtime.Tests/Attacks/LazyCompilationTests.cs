// What a guest makes the host compile within its call: it pays in fuel, is stopped between functions, and takes pages by the size of its code and not by the number of functions.
using System.Text;
using MachineLayer = Tarn.Execution.Machine;

namespace Tarn.Runtime.Tests.Attacks;

[Collection(ProcessWideCollection.Name)]
public sealed class LazyCompilationTests
{
    [Fact]
    public void Functions_share_pages()
    {
        Assert.SkipWhen(ExecutionSwitch.IsPortable, ExecutionSwitch.Reason);
        const int Functions = 5000;
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationMode = CompilationMode.Lazy });
        using Module module = Module.FromText(engine, CallsOf(Functions));
        using Instance instance = Instantiate(module);
        long before = MachineLayer.Current.Arena.CodeBytesInUse;
        instance.GetAction("f").Invoke();
        long taken = MachineLayer.Current.Arena.CodeBytesInUse - before;
        Assert.SkipUnless(Platform.VirtualMemory.Current.CanWriteCode, "the system does not let a process write to its code in place");
        // At most 64 bytes for an empty function, and what calls them all.
        Assert.InRange(taken, 1, Functions * 80);
        Assert.InRange(module.Core.CodeBlockCount, 1, 20);
    }

    // Each function once cost a copy of the list of all code in the process.
    [Fact]
    public void What_a_call_compiles_takes_memory_in_proportion()
    {
        long few = Allocated(3000);
        long many = Allocated(12_000);
        Assert.InRange(many, few, 6 * few);

        static long Allocated(int functions)
        {
            using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationMode = CompilationMode.Lazy });
            using Module module = Module.FromText(engine, CallsOf(functions));
            using Instance instance = Instantiate(module);
            Action f = instance.GetAction("f").Invoke;
            long before = GC.GetAllocatedBytesForCurrentThread();
            f();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public void Without_writing_in_place_each_function_has_pages_of_its_own()
    {
        using Pooling.FaultyMemory.Scope scope = Pooling.FaultyMemory.Enter();
        scope.HidesCodeWriting = true;
        Platform.VirtualMemory memory = Platform.VirtualMemory.Current;
        var arena = new Platform.CodeArena(memory, Execution.HostTarget.Current.Filler, 1 << 24);
        using var code = new Platform.PackedCode(arena, memory);
        Check(arena, code, random: new Random(3));
    }

    [Fact]
    public void Pieces_are_found_and_their_room_is_used_again()
    {
        Platform.VirtualMemory memory = Platform.VirtualMemory.Current;
        var arena = new Platform.CodeArena(memory, Execution.HostTarget.Current.Filler, 1 << 24);
        using var code = new Platform.PackedCode(arena, memory);
        Check(arena, code, random: new Random(4));
        Assert.InRange(code.BlockCount, 0, 12);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100_000)]
    [InlineData(10_000_000)]
    public void Compiling_is_paid_for_in_fuel(long fuel)
    {
        using var engine = new Engine(new EngineOptions { EnableFuel = true, AllocationStrategy = AllocationStrategy.OnDemand, CompilationMode = CompilationMode.Lazy });
        using Module module = Module.FromText(engine, CallsOf(2000));
        using Instance instance = Instantiate(module);
        instance.Fuel = fuel;
        Assert.False(instance.GetFunction("f").TryInvoke([], [], out Trap? trap));
        Assert.Equal(TrapCode.OutOfFuel, trap.Code);
        Assert.InRange(Enumerable.Range(0, 2001).Count(module.Core.IsCompiled), 0, (int)(fuel / Modules.FunctionCompiler.FuelPerFunction));
        // With enough it goes on where it was, and pays once.
        long price = Enumerable.Range(0, 2001).Where(i => !module.Core.IsCompiled(i)).Sum(module.Core.CompilationFuel);
        instance.Fuel = price + 100_000;
        instance.GetAction("f").Invoke();
        Assert.InRange(instance.Fuel, 0, 100_000);
        instance.Fuel = 100_000;
        instance.GetAction("f").Invoke();
        Assert.InRange(instance.Fuel, 1, 100_000);
    }

    [Fact]
    public void A_guest_is_stopped_between_two_functions()
    {
        using var engine = new Engine(new EngineOptions { EnableInterruption = true, AllocationStrategy = AllocationStrategy.OnDemand, CompilationMode = CompilationMode.Lazy });
        using var stop = new CancellationTokenSource();
        var linker = new Linker(engine);
        linker.DefineFunction("e", "stop", stop.Cancel);
        using Module module = Module.FromText(engine, """
            (module (import "e" "stop" (func $stop)) (func $first call $stop) (func $second)
              (func (export "f") call $first call $second))
            """);
        using InstanceTemplate template = linker.Prepare(module);
        using Instance instance = template.Instantiate();
        Assert.Throws<OperationCanceledException>(() => instance.GetFunction("f").Invoke([], [], stop.Token));
        Assert.Equal([true, false, true], Enumerable.Range(0, 3).Select(module.Core.IsCompiled));
    }

    [Fact]
    public void Threads_compile_a_function_once()
    {
        const int Functions = 300;
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationMode = CompilationMode.Lazy });
        var text = new StringBuilder("(module ");
        for (int i = 0; i < Functions; i++)
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"(func (export \"f{i}\") (param i32) (result i32) (i32.div_u (i32.const {i * 7}) (local.get 0)))");
        using Module module = Module.FromText(engine, text.Append(')').ToString());
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        var threads = new Thread[4];
        var failures = new Exception?[threads.Length];
        for (int t = 0; t < threads.Length; t++)
        {
            int mine = t;
            threads[t] = new Thread(() => failures[mine] = Record.Exception(() =>
            {
                using Instance instance = template.Instantiate();
                for (int i = 0; i < Functions; i++)
                {
                    Assert.Equal(i, instance.GetFunction<int, int>($"f{i}").Invoke(7));
                    Trap trap = Assert.Throws<TrapException>(() => instance.GetFunction<int, int>($"f{i}").Invoke(0)).Trap;
                    Assert.Equal((TrapCode.IntegerDivideByZero, i), (trap.Code, trap.Backtrace[0].FunctionIndex));
                }
            }));
            threads[t].Start();
        }
        foreach (Thread thread in threads)
            thread.Join();
        Assert.All(failures, Assert.Null);
        Assert.True(Enumerable.Range(0, Functions).All(module.Core.IsCompiled));
    }

    private static void Check(Platform.CodeArena arena, Platform.PackedCode code, Random random)
    {
        var live = new List<(Platform.CodePiece Piece, Piece Owner, byte[] Code)>();
        for (int round = 0; round < 3000; round++)
        {
            if (live.Count > 60)
            {
                int at = random.Next(live.Count);
                (Platform.CodePiece freed, Piece gone, _) = live[at];
                live.RemoveAt(at);
                code.Free(freed);
                Assert.False(Finds(freed, gone, 0));
            }
            byte[] bytes = new byte[random.Next(1, random.Next(4) == 0 ? 9000 : 300)];
            random.NextBytes(bytes);
            Platform.CodePiece piece = code.Allocate(bytes.Length);
            Assert.False(Finds(piece, new Piece(bytes.Length), 0));
            var owner = new Piece(bytes.Length);
            code.Publish(piece, bytes, owner);
            live.Add((piece, owner, bytes));
            foreach (int i in (int[])[0, random.Next(live.Count), live.Count - 1])
            {
                unsafe
                {
                    Assert.True(new ReadOnlySpan<byte>(live[i].Piece.Address, live[i].Code.Length).SequenceEqual(live[i].Code));
                }
                // The first byte, and the return address behind the last.
                Assert.True(Finds(live[i].Piece, live[i].Owner, 0));
                Assert.True(Finds(live[i].Piece, live[i].Owner, live[i].Code.Length));
            }
        }
        foreach ((Platform.CodePiece piece, _, _) in live)
            code.Free(piece);
        Assert.Equal(0, code.BlockCount);
        Assert.Equal(0, arena.CodeBytesInUse);

        // As backtraces ask.
        unsafe bool Finds(Platform.CodePiece piece, Piece owner, int offset)
        {
            nint counter = (nint)piece.Address + offset;
            foreach (nint address in (nint[])[counter - 1, counter])
            {
                if (arena.Find(address) is Platform.CodeBlock block && block.Owner!.TryGetFrame((int)(counter - (nint)block.Address), out Platform.FrameDescription frame)
                    && frame.FrameSize == owner.Length)
                {
                    return true;
                }
            }
            return false;
        }
    }

    private static string CallsOf(int functions)
    {
        var text = new StringBuilder("(module ");
        for (int i = 0; i < functions; i++)
            text.Append("(func)");
        text.Append("(func (export \"f\") ");
        for (int i = 0; i < functions; i++)
            text.Append("call ").Append(i).Append(' ');
        return text.Append("))").ToString();
    }

    private static Instance Instantiate(Module module)
    {
        using InstanceTemplate template = new Linker(module.Engine).Prepare(module);
        return template.Instantiate();
    }

    // Answers for the first byte and for the return address behind the last.
    private sealed class Piece(int length) : Platform.CodeOwner
    {
        public int Length => length;

        public override bool TryGetFrame(int offset, out Platform.FrameDescription frame)
        {
            frame = new Platform.FrameDescription(Platform.FrameKind.Guest, length);
            return offset == 0 || offset == length;
        }

        public override bool TryGetTrap(int offset, out Compiler.Abi.TrapCode code)
        {
            code = default;
            return false;
        }
    }
}
