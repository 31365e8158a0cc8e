// More references alive than there are registers, where allocations move everything: each has to be named wherever it is, in a register, in a slot, or on its way from one to the other.
using System.Globalization;
using System.Text;

namespace Tarn.Runtime.Tests.Objects;

public sealed class ReferencePressureTests
{
    private const int MostReferences = 40;

    [Theory]
    [InlineData(ExecutionMode.MachineCode)]
    [InlineData(ExecutionMode.Portable)]
    public void References_that_lose_their_registers_at_an_allocation_stay_references(ExecutionMode execution)
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, Execution = execution, HeapStress = HeapStress.Verify });
        for (int count = 1; count <= MostReferences; count++)
        {
            using Module module = Module.FromText(engine, Text(count));
            using InstanceTemplate template = new Linker(engine).Prepare(module);
            using Instance instance = template.Instantiate();
            TypedFunction<int, int> function = instance.GetFunction<int, int>("f");
            int expected = Enumerable.Range(0, count).Sum(static i => (i + 1) * (100 + i)) + Enumerable.Range(0, count).Sum();
            Assert.Equal(expected, function.Invoke(1));
            Assert.Equal(0, function.Invoke(0));
        }
    }

    // Loads the references where it goes to the allocations hardly ever, so that storing them pays only on the way there; then allocates as often, and looks at all of them.
    private static string Text(int count)
    {
        string[] numbers = [.. Enumerable.Range(0, count).Select(static i => i.ToString(CultureInfo.InvariantCulture))];
        var text = new StringBuilder("(module (type $n (struct (field i32))) (type $t (struct");
        text.AppendJoin("", numbers.Select(static _ => " (field (ref null $n))")).Append(")) (func (export \"f\") (param $goes i32) (result i32) (local $t (ref $t))");
        text.AppendJoin("", numbers.Select(static i => $" (local $r{i} (ref null $n)) (local $m{i} (ref null $n))"));
        text.Append("\n(local.set $t (struct.new $t ").AppendJoin(' ', numbers.Select(static i => $"(struct.new $n (i32.add (i32.const 100) (i32.const {i})))")).Append("))\n");
        text.AppendJoin('\n', numbers.Select(static i => $"(local.set $r{i} (struct.get $t {i} (local.get $t)))"));
        text.Append("\n(if (i32.eqz (local.get $goes)) (then (return (i32.const 0))))\n");
        text.AppendJoin('\n', numbers.Select(static i => $"(local.set $m{i} (struct.new $n (i32.const {i})))"));
        text.Append("\n(i32.const 0)\n");
        text.AppendJoin('\n', numbers.Select(static i => $"(i32.add (i32.mul (i32.add (i32.const {i}) (i32.const 1)) (struct.get $n 0 (local.get $r{i}))))"));
        text.AppendJoin('\n', numbers.Select(static i => $"(i32.add (struct.get $n 0 (local.get $m{i})))"));
        return text.Append("))").ToString();
    }
}
