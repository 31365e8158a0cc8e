// Types and stubs that modules make an engine and the process keep: given up with the last module and store that uses them, and never more than those have.
using System.Text;
using Tarn.Wasm;
using MachineLayer = Tarn.Execution.Machine;

namespace Tarn.Runtime.Tests.Attacks;

[Collection(ProcessWideCollection.Name)]
public sealed class TypeBombTests
{
    private const int Types = 2000;

    [Fact]
    public void Types_of_refused_modules_are_given_up()
    {
        using Engine engine = Make();
        // In a body, in declarations, in a type, and for what compiling refuses.
        string[] bad =
        [
            Text(0, "(func i32.add drop)"),
            Text(0, "(global i32 (i64.const 0))"),
            Text(0, "(rec) (rec (type (func)) (type (func (result i32)))) (rec) (global i32 (i64.const 0)) (rec)"),
            Text(0, "(type (sub (func))) (type (sub 2000 (func (param i32))))"),
            Text(0, "(func (export \"f\") (param i32) (result i32) (local i32) (return_call 99))"),
        ];
        foreach (string text in bad)
        {
            Assert.ThrowsAny<WasmException>(() => Module.FromText(engine, text));
            Assert.Equal(0, engine.Core.Types.Count);
        }
    }

    [Fact]
    public void Types_of_disposed_modules_are_given_up_and_shared_ones_with_the_last()
    {
        using Engine engine = Make();
        Module one = Module.FromText(engine, Text(0, ""));
        Module other = Module.FromText(engine, Text(Types / 2, ""));
        Assert.Equal(Types + (Types / 2), engine.Core.Types.Count);
        one.Dispose();
        Assert.Equal(Types, engine.Core.Types.Count);
        byte[] saved = other.Serialize();
        Module loaded = Module.Deserialize(engine, saved);
        other.Dispose();
        Assert.Equal(Types, engine.Core.Types.Count);
        Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(engine, saved.AsSpan()[..^1]));
        saved[^1] ^= 1;
        Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(engine, saved));
        loaded.Dispose();
        Assert.Equal(0, engine.Core.Types.Count);
    }

    [Fact]
    public void Types_live_as_long_as_an_instance_or_a_store_uses_them()
    {
        using Engine engine = Make();
        using var store = new Store(engine);
        Function host = store.CreateFunction(new FunctionType([ValueKind.I32, ValueKind.F64], [ValueKind.I64]), (_, _, r) => r[0] = 5L);
        Assert.Equal(1, engine.Core.Types.Count);
        Module module = Module.FromText(engine, """(module (type $t (func (param f32) (result i32))) (func (export "f") (type $t) (i32.const 7)))""");
        Instance instance = new Linker(engine).Instantiate(store, module);
        module.Dispose();
        Assert.Equal(2, engine.Core.Types.Count);
        Assert.Equal(7, instance.GetFunction<float, int>("f").Invoke(1));
        Assert.Equal(5L, host.Invoke(1, 2.0)[0].AsInt64());
        store.Dispose();
        Assert.Equal(0, engine.Core.Types.Count);
    }

    // An id that is used again is the type that it was given for: signatures are compared by ids.
    [Fact]
    public void Ids_that_come_back_mean_the_new_types()
    {
        using Engine engine = Make();
        var random = new Random(11);
        string[] kinds = ["i32", "i64", "f32", "f64"];
        var live = new List<(Module Module, string[] Types)>();
        for (int round = 0; round < 200; round++)
        {
            string[] types = [.. Enumerable.Range(0, random.Next(1, 30)).Select(_ =>
                $"(func (param {string.Join(' ', Enumerable.Range(0, random.Next(0, 4)).Select(_ => kinds[random.Next(4)]))}) (result {kinds[random.Next(4)]}))")];
            string declared = string.Concat(types.Select(t => $"(type {t})"));
            string group = random.Next(3) == 0 ? $"(rec {declared})" : declared;
            live.Add((Module.FromText(engine, $"(module {group})"), types));
            if (live.Count > 10)
            {
                int at = random.Next(live.Count);
                live[at].Module.Dispose();
                live.RemoveAt(at);
            }
            foreach ((Module module, string[] itsTypes) in live)
            {
                using Module again = Module.FromBytes(engine, module.Wasm.Bytes.Span);
                Assert.Equal(module.Wasm.CanonicalIds.ToArray(), again.Wasm.CanonicalIds.ToArray());
                for (int i = 0; i < itsTypes.Length; i++)
                    Assert.Equal(module.Wasm.Types[i].Composite.ToString(), engine.Core.Types[module.Wasm.CanonicalIds[i]].Composite.ToString());
            }
            // Two ids are equal only where the types are: outside of groups, exactly there.
            foreach (IGrouping<int, string> one in live.SelectMany(m => m.Types.Select((t, i) => (Id: m.Module.Wasm.CanonicalIds[i], Type: t))).GroupBy(p => p.Id, p => p.Type))
                Assert.Single(one.Distinct());
        }
        foreach ((Module module, _) in live)
            module.Dispose();
        Assert.Equal(0, engine.Core.Types.Count);
    }

    [Fact]
    public void Empty_groups_and_equal_groups_are_released_as_often_as_they_were_added()
    {
        using Engine engine = Make();
        using Module other = Module.FromText(engine, "(module (type (func (param i32))) (rec (type (func)) (type (struct))))");
        Module.FromText(engine, "(module (rec) (type (func (param i32))) (type (func (param i32))) (rec) (rec (type (func)) (type (struct))) (rec (type (func)) (type (struct))) (rec))").Dispose();
        Assert.Equal(3, engine.Core.Types.Count);
        Assert.Equal(CompositeKind.Struct, engine.Core.Types[other.Wasm.CanonicalIds[2]].Composite.Kind);
    }

    [Fact]
    public void The_number_of_types_is_bounded_and_a_refusal_leaves_room_for_others()
    {
        var registry = new TypeRegistry(capacity: 10);
        WasmModule Decode(int types) => WasmModule.Decode(Tarn.Wasm.Text.WatParser.Parse(Encoding.UTF8.GetBytes(Text(0, "", types))));
        WasmModule eight = Decode(8);
        Wasm.Validation.ModuleValidator.Validate(eight, registry, 1);
        Assert.Contains("too many types", Assert.Throws<InvalidModuleException>(() => Wasm.Validation.ModuleValidator.Validate(Decode(11), registry, 1)).Message, StringComparison.Ordinal);
        Assert.Equal(8, registry.Count);
        WasmModule ten = Decode(10);
        Wasm.Validation.ModuleValidator.Validate(ten, registry, 1);
        ten.ReleaseTypes();
        ten.ReleaseTypes();
        Assert.Equal(8, registry.Count);
        eight.ReleaseTypes();
        Assert.Equal(0, registry.Count);
    }

    [Fact]
    public void Threads_that_add_and_release_the_same_types_agree()
    {
        var registry = new TypeRegistry();
        byte[][] modules = [.. Enumerable.Range(0, 4).Select(i => Tarn.Wasm.Text.WatParser.Parse(Encoding.UTF8.GetBytes(Text(i * 10, "", 40))))];
        Parallel.For(0, 8, seed =>
        {
            var random = new Random(seed);
            for (int i = 0; i < 300; i++)
            {
                WasmModule module = WasmModule.Decode(modules[random.Next(4)]);
                Wasm.Validation.ModuleValidator.Validate(module, registry, 1);
                for (int t = 0; t < module.Types.Length; t++)
                    Assert.Equal(module.Types[t].Composite.ToString(), registry[module.CanonicalIds[t]].Composite.ToString());
                module.ReleaseTypes();
            }
        });
        Assert.Equal(0, registry.Count);
    }

    [Fact]
    public void Stubs_share_pages_and_go_with_their_signatures()
    {
        Assert.SkipWhen(ExecutionSwitch.IsPortable, ExecutionSwitch.Reason);
        const int Signatures = 3000;
        MachineLayer machine = MachineLayer.Current;
        using (Engine warm = Make())
            Prepare(warm, 10);
        int signatures = machine.SignatureCount;
        long before = machine.Arena.CodeBytesInUse;
        using (Engine engine = Make())
        {
            using Module module = Module.FromText(engine, Imports(Signatures));
            using InstanceTemplate template = new Linker(engine).DefineUnknownImportsAsTraps().Prepare(module);
            using Instance instance = template.Instantiate();
            Assert.Equal(TrapCode.Unreachable, Assert.Throws<TrapException>(() => instance.GetAction("f").Invoke()).Code);
            Assert.InRange(machine.SignatureCount - signatures, Signatures, Signatures + 2);
            Assert.SkipUnless(Platform.VirtualMemory.Current.CanWriteCode, "the system does not let a process write to its code in place");
            // A page each would be 12 MB.
            Assert.InRange(machine.Arena.CodeBytesInUse - before, 1, Signatures * 2000L);
        }
        Assert.Equal(signatures, machine.SignatureCount);
        Assert.InRange(machine.Arena.CodeBytesInUse - before, long.MinValue, 64 << 10);
    }

    private static void Prepare(Engine engine, int signatures)
    {
        using Module module = Module.FromText(engine, Imports(signatures));
        using InstanceTemplate template = new Linker(engine).DefineUnknownImportsAsTraps().Prepare(module);
        template.Instantiate().Dispose();
    }

    private static Engine Make() => new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationThreads = 1 });

    // Signatures that nothing else in the process has.
    private static string Imports(int count)
    {
        var text = new StringBuilder("(module ");
        for (int i = 0; i < count; i++)
            text.Append("(import \"e\" \"f").Append(i).Append("\" (func (param ").Append(Parameters(i + 1)).Append(" i64 f32 i64)))");
        return text.Append($"(func (export \"f\") (call 1 {Zeros(2)}(i64.const 0) (f32.const 0) (i64.const 0))))").ToString();
    }

    private static string Zeros(int number) => string.Concat(Parameters(number).Split(' ').Select(t => $"({t}.const 0) "));

    private static string Text(int first, string rest, int count = Types)
    {
        var text = new StringBuilder("(module ");
        for (int i = 0; i < count; i++)
            text.Append("(type (func (param ").Append(Parameters(first + i + 1)).Append(")))");
        return text.Append(rest).Append(')').ToString();
    }

    // Numbers in base 4, as types.
    private static string Parameters(int number)
    {
        string[] kinds = ["i32", "i64", "f32", "f64"];
        var digits = new List<string>();
        for (; number > 0; number /= 4)
            digits.Add(kinds[number % 4]);
        return string.Join(' ', digits);
    }
}
