// The allocator against the checker on random functions, and the checker against seeded mistakes.
using CsCheck;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

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

    [Fact]
    public void Allocated_functions_compute_what_they_did()
        => s_programs.Sample(
            p =>
            {
                var shape = RandomShape.Of(p.Seed);
                var function = RandomMachineFunction.Create(p.Seed, p.Size, shape);
                var allocation = new Allocation();
                new LinearScan(shape.File).Run(function, allocation);
                Assert.Null(Simulate(function, allocation, shape.File, p.Seed));
            },
            iter: 1000);

    // Whatever is spoilt in an allocation: if a run shows a wrong value, the checker must have objected.
    [Fact]
    public void Checker_objects_to_every_mistake_that_a_run_shows()
    {
        var shown = 0;
        var caught = 0;
        for (var seed = 0; seed < 400; seed++)
        {
            var shape = RandomShape.Of(seed);
            var function = RandomMachineFunction.Create(seed, 40, shape);
            var allocation = new Allocation();
            new LinearScan(shape.File).Run(function, allocation);
            var random = new Random(seed);
            for (var attempt = 0; attempt < 12; attempt++)
            {
                var locations = allocation.Locations.Span.ToArray();
                var moves = allocation.Moves.Span.ToArray();
                var what = AllocationMutation.Apply(random, function, allocation, shape.File);
                if (what is not null)
                {
                    var rejected = Rejects(function, allocation, shape.File);
                    caught += rejected ? 1 : 0;
                    if (Simulate(function, allocation, shape.File, seed) is { } wrong)
                    {
                        shown++;
                        Assert.True(rejected, $"seed {seed}, {what}: {wrong}");
                    }
                }

                locations.CopyTo(allocation.Locations.Span);
                allocation.Moves.Clear();
                allocation.Moves.AddRange(moves);
            }

            new AllocationChecker(shape.File).Check(function, allocation);
        }

        Assert.True(shown > 1000, $"only {shown} mistakes showed");
        Assert.True(caught >= shown, $"{caught} caught, {shown} shown");
    }

    private static string? Simulate(MachineFunction function, Allocation allocation, RegisterFile file, int seed)
    {
        var random = new Random(seed);
        var simulator = new AllocationSimulator(function, allocation, file);
        for (var path = 0; path < 12; path++)
        {
            if (simulator.Run(random, 60) is { } wrong)
            {
                return wrong;
            }
        }

        return null;
    }

    private static bool Rejects(MachineFunction function, Allocation allocation, RegisterFile file)
    {
        try
        {
            new AllocationChecker(file).Check(function, allocation);
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
