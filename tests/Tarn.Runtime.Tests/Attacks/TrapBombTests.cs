// What a trap costs the host does not depend on what the module's author chose: how many exports there are, how long names are, how deep the stack is.
using System.Text;

namespace Tarn.Runtime.Tests.Attacks;

public sealed class TrapBombTests
{
    private const string Deep = """(func $deep (export "deep") (param i32) (if (i32.eqz (local.get 0)) (then unreachable)) (call $deep (i32.sub (local.get 0) (i32.const 1))))""";

    [Fact]
    public void Exports_are_gone_through_once_however_many_traps_there_are()
    {
        const int Exports = 20_000;
        var text = new StringBuilder("(module ");
        for (int i = 0; i < Exports; i++)
            text.Append("(func (export \"e").Append(i).Append("\"))");
        text.Append("""(func (param i32) (if (i32.eqz (local.get 0)) (then unreachable)) (call 20000 (i32.sub (local.get 0) (i32.const 1)))) (func (export "deep") (param i32) (call 20000 (local.get 0))))""");
        using Engine engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
        using Module module = Module.FromText(engine, text.ToString());
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using Instance instance = template.Instantiate();
        for (int i = 0; i < 50; i++)
        {
            Trap trap = Assert.Throws<TrapException>(() => instance.GetAction<int>("deep").Invoke(30)).Trap;
            Assert.Equal(32, trap.Backtrace.Count);
            Assert.Equal([null, "deep"], trap.Backtrace.Skip(30).Select(f => f.FunctionName));
        }
        Assert.Equal(1, module.Core.ExportSearches);
        Assert.Equal("e777", module.Core.FunctionName(777));
    }

    [Fact]
    public void Names_are_cut_off()
    {
        using Engine engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
        string longName = string.Concat(Enumerable.Repeat("é", 50_000));
        // By export, and by name section, which the text format makes of identifiers.
        string[] texts =
        [
            Deep.Replace("(func $deep", "(func", StringComparison.Ordinal).Replace("$deep", "0", StringComparison.Ordinal).Replace("\"deep\"", $"\"{longName}\"", StringComparison.Ordinal),
            Deep.Replace("$deep", "$" + new string('d', 500_000), StringComparison.Ordinal),
        ];
        foreach (string text in texts)
        {
            using Module module = Module.FromText(engine, $"(module $demo{new string('m', 90_000)} {text})");
            using InstanceTemplate template = new Linker(engine).Prepare(module);
            using Instance instance = template.Instantiate();
            Function deep = instance.GetFunction(module.Exports[0].Name);
            Assert.False(deep.TryInvoke([200], [], out Trap? trap));
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.False(deep.TryInvoke([200], [], out trap));
            string shown = trap.ToString();
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500_000);
            Assert.Equal(100, trap.Backtrace.Count);
            Assert.InRange(trap.Backtrace[0].FunctionName!.Length, 90, 201);
            Assert.EndsWith("…", trap.Backtrace[0].FunctionName, StringComparison.Ordinal);
            Assert.DoesNotContain("\uFFFD", shown, StringComparison.Ordinal);
            Assert.InRange(shown.Length, 1, 20_000);
        }
    }

    [Fact]
    public void A_name_that_is_missed_is_answered_with_a_few()
    {
        using Engine engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
        using Module module = Module.FromText(engine, $"(module (func (export \"{new string('x', 100_000)}\")) (func (export \"b\")) (memory (export \"m\") 1))");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using Instance instance = template.Instantiate();
        string message = Assert.Throws<ArgumentException>(() => instance.GetFunction("c")).Message;
        Assert.InRange(message.Length, 10, 500);
        Assert.Contains("\"b\"", message, StringComparison.Ordinal);
        Assert.DoesNotContain("\"m\"", message, StringComparison.Ordinal);
    }
}
