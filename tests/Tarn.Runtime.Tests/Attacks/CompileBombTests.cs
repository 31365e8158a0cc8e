// Modules that are short and ask for much, by way of the engine: what compiling costs is bounded by their length, or they are refused for what they ask. Each shape once took
// quadratic time or memory. The product of constructs, widths and counts is in the compiler's tests (CompilationCostTests), which count what is made.
using System.Text;

namespace Tarn.Runtime.Tests.Attacks;

// What is measured is what the whole process allocates, since several threads compile.
[Collection(ProcessWideCollection.Name)]
public sealed class CompileBombTests
{
    public static TheoryData<string, int, bool> Shapes => new()
    {
        { "returns", 3000, false },
        { "nested blocks", 2500, false },
        { "operand stack", 4000, false },
        { "locals at a label", 3000, true },
        { "locals of nested loops", 2000, true },
        { "wide loops", 20000, true },
        { "calls", 1000, true },
        { "many functions", 3000, true },
        { "nested loops", 50_000, false },
        { "branches to the function", 3000, false },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Compiling_takes_bounded_memory_or_is_refused(string shape, int size, bool isRefused)
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
        string text = Text(shape, size);
        long before = GC.GetTotalAllocatedBytes();
        Exception? refused = Record.Exception(() => Module.FromText(engine, text).Dispose());
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 1L << 30);
        if (isRefused)
            Assert.Contains("is too complex", Assert.IsType<InvalidModuleException>(refused).Message, StringComparison.Ordinal);
        else
            Assert.Null(refused);
    }

    private static string Many { get; } = string.Concat(Enumerable.Repeat("i32 ", 1000));

    [Fact]
    public void Lazy_compilation_refuses_when_it_comes_to_the_function()
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationMode = CompilationMode.Lazy });
        using Module module = Module.FromText(engine, Text("locals of nested loops", 2000));
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using Instance instance = template.Instantiate();
        Assert.Contains("is too complex", Assert.Throws<InvalidModuleException>(() => instance.GetFunction<int, int>("f").Invoke(1)).Message, StringComparison.Ordinal);
    }

    private static string Text(string shape, int n)
    {
        var body = new StringBuilder();
        int locals = 8;
        switch (shape)
        {
            case "returns":
                Repeat(i => $"(if (i32.eq (local.get 0) (i32.const {i})) (then (return (i32.const {i}))))");
                break;
            case "nested blocks":
                Repeat(_ => "block ");
                Repeat(i => $"local.get 0 i32.const {i} i32.lt_s br_if {i} ");
                Repeat(_ => "end ");
                break;
            case "operand stack":
                Repeat(i => $"local.get 0 i32.const {i} i32.xor ");
                Repeat(_ => "i32.mul ", 1);
                body.Append("local.set 1 ");
                break;
            case "locals at a label":
                locals = n;
                body.Append("block ");
                Repeat(i => $"local.get 0 i32.const {i} i32.add local.set {i + 1} local.get 0 br_if 0 ");
                body.Append("end ");
                break;
            case "locals of nested loops":
                locals = n;
                Repeat(_ => "loop ");
                Repeat(i => $"local.get 0 local.get {i + 1} i32.add local.set {i + 1} ");
                Repeat(i => $"local.get {i + 1} br_if 0 end ");
                break;
            case "calls":
                body.Append("call $wide ");
                Repeat(_ => "call $wider ");
                body.Append("return ");
                break;
            case "many functions":
                // A body of a few bytes each, which no limit by the body alone would refuse.
                body.Append("i32.const 0 ");
                Repeat(_ => ") (func (result i32) call $wide return i32.const 0 ");
                break;
            case "nested loops":
                Repeat(_ => "loop ");
                Repeat(_ => "(br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))) end ");
                break;
            case "branches to the function":
                body.Append("call $wide ");
                Repeat(i => $"(br_if 0 (i32.eq (local.get 0) (i32.const {i}))) ");
                return $"(module (type $wide (func (result {Many}))) (func $wide (type $wide) unreachable) (func (param i32) (result {Many}) {body}))";
            default:
                for (int i = 0; i < 1000; i++)
                    body.Append("local.get 0 ");
                Repeat(_ => "loop (type 1) local.get 0 br_if 0 end ");
                for (int i = 0; i < 1000; i++)
                    body.Append("drop ");
                break;
        }
        return $"(module (type (func (param i32) (result i32))) (type (func (param {Many}) (result {Many}))) (type $wide (func (result {Many}))) (func $wide (type $wide) unreachable) (func $wider (type 1) unreachable) (func (export \"f\") (type 0) (local {string.Concat(Enumerable.Repeat("i32 ", locals))}) {body} {(shape == "many functions" ? "" : "local.get 1")}))";

        void Repeat(Func<int, string> part, int from = 0)
        {
            for (int i = from; i < n; i++)
                body.Append(part(i));
        }
    }
}
