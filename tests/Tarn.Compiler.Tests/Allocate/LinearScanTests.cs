// The allocator against the checker on random functions, and the checker against seeded mistakes.
using CsCheck;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Lower;

namespace Tarn.Compiler.Tests.Allocate;

public sealed class LinearScanTests
{
    private static readonly Gen<(int Seed, int Size)> s_programs = Gen.Select(Gen.Int, Gen.Int[1, 150]);

    [Fact]
    public void Random_functions_are_allocated_correctly()
        => s_programs.Sample(p => Verify(RandomMachineFunction.Create(p.Seed, p.Size), RandomShape.SmallFile), iter: 3000);

    [Fact]
    public void Random_functions_of_many_shapes_are_allocated_correctly()
        => s_programs.Sample(
            p =>
            {
                var shape = RandomShape.Of(p.Seed);
                Verify(RandomMachineFunction.Create(p.Seed, p.Size, shape), shape.File);
            },
            iter: 5000);

    // A fixed definition that the very next instruction reads starts in the gap where that instruction's registers must be ready.
    [Fact]
    public void Fixed_definition_read_by_the_next_instruction_is_in_a_register()
        => Verify(RandomMachineFunction.Create(43611888, 17), RandomShape.SmallFile);

    [Fact]
    public void Allocation_is_deterministic_and_reusable()
    {
        var scan = new LinearScan(RandomMachineFunction.SmallFile);
        var first = new Allocation();
        var second = new Allocation();
        for (var seed = 0; seed < 50; seed++)
        {
            scan.Run(RandomMachineFunction.Create(seed, 100), first);
            new LinearScan(RandomMachineFunction.SmallFile).Run(RandomMachineFunction.Create(seed, 100), second);
            Assert.Equal(first.Locations.Span, second.Locations.Span);
            Assert.Equal(first.Moves.Count, second.Moves.Count);
            Assert.Equal(first.SlotCount, second.SlotCount);
        }
    }

    [Fact]
    public void Steady_state_allocates_nothing()
    {
        var functions = Enumerable.Range(0, 20).Select(seed => RandomMachineFunction.Create(seed, 120)).ToArray();
        var scan = new LinearScan(RandomMachineFunction.SmallFile);
        var allocation = new Allocation();
        foreach (var function in functions)
        {
            scan.Run(function, allocation);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var function in functions)
        {
            scan.Run(function, allocation);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    // Each operand that has another place to be is put there, each move dropped: the checker must object.
    [Fact]
    public void Checker_finds_seeded_mistakes()
    {
        var file = RandomMachineFunction.SmallFile;
        var caught = 0;
        var tried = 0;
        for (var seed = 0; seed < 60; seed++)
        {
            var function = RandomMachineFunction.Create(seed, 60);
            var allocation = new Allocation();
            new LinearScan(file).Run(function, allocation);
            var random = new Random(seed);
            var used = new List<int>();
            for (var i = 0; i < function.Instructions.Count; i++)
            {
                ref var instruction = ref function.Instructions[i];
                for (var k = 0; k < instruction.OperandCount; k++)
                {
                    if (function.Operands[instruction.OperandStart + k].Kind is OperandKind.Use or OperandKind.UseLate)
                    {
                        used.Add(instruction.OperandStart + k);
                    }
                }
            }

            if (used.Count == 0)
            {
                continue;
            }

            var operand = used[random.Next(used.Count)];
            var old = allocation.Locations[operand];
            var order = old.Value >= RegisterFile.FirstVector ? file.VectorOrder : file.IntegerOrder;
            var other = Location.Register(order[(Array.IndexOf(order, (byte)old.Value) + 1) % order.Length]);
            allocation.Locations[operand] = other;
            tried++;
            caught += Rejects(function, allocation) ? 1 : 0;
            allocation.Locations[operand] = old;
            new AllocationChecker(file).Check(function, allocation);

            for (var m = 0; m < allocation.Moves.Count; m++)
            {
                var move = allocation.Moves[m];
                allocation.Moves[m].From = allocation.Moves[m].To;
                tried++;
                caught += Rejects(function, allocation) ? 1 : 0;
                allocation.Moves[m] = move;
            }
        }

        // Some mistakes are harmless: another copy of the value, a store that no path reads.
        Assert.True(tried > 1000, $"only {tried} mistakes were tried");
        Assert.True(caught > tried * 0.8, $"{caught} of {tried} mistakes were caught");
    }

    private static bool Rejects(MachineFunction function, Allocation allocation)
    {
        try
        {
            new AllocationChecker(RandomMachineFunction.SmallFile).Check(function, allocation);
            return false;
        }
        catch (AllocationException)
        {
            return true;
        }
    }

    private static void Verify(MachineFunction function, RegisterFile file)
    {
        var allocation = new Allocation();
        new LinearScan(file).Run(function, allocation);
        new AllocationChecker(file).Check(function, allocation);
    }
}
