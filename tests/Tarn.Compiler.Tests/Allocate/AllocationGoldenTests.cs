// What the allocator does with small functions that each show one thing, as text. Registers: r0..r4, of which calls clobber r0..r2, and
// x0..x3, which they all clobber. Each result is checked besides being compared.
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;
using Tarn.TestSupport;

namespace Tarn.Compiler.Tests.Allocate;

public sealed class AllocationGoldenTests
{
    private const string Folder = "tests/Tarn.Compiler.Tests/Allocate/Golden";

    public static TheoryData<string> Cases
        => [.. Directory.GetFiles(Repository.PathOf(Folder), "*.machine").Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Allocation(string name)
    {
        var function = MachineFunctionParser.Parse(File.ReadAllText(Repository.PathOf($"{Folder}/{name}.machine")));
        var allocation = new Allocation();
        new LinearScan(RandomShape.SmallFile).Run(function, allocation);
        new AllocationChecker(RandomShape.SmallFile).Check(function, allocation);
        GoldenFile.Check($"{Folder}/{name}.txt", MachineText.Print(function, MachineFunctionParser.Names, allocation));
    }

    [Fact]
    public void Text_of_random_functions_is_read_back()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var text = MachineText.Print(RandomMachineFunction.Create(seed, 60), MachineFunctionParser.Names);

            // Loops are found anew and not read.
            Assert.Equal(text, MachineText.Print(MachineFunctionParser.Parse(text.Replace(" loop", string.Empty, StringComparison.Ordinal)), MachineFunctionParser.Names));
        }
    }
}
