// The public model of types says the same as linking does, in every combination of the types below: whatever Matches promises can be linked, and nothing else.
namespace Tarn.Runtime.Tests.Api;

/// <summary>Descriptions of types: their text, their equality, and what fits what.</summary>
public sealed class ExternTypeTests : IDisposable
{
    private const string Types = """
        (type $f (func (param i32)))
        (type $open (sub (func (param i32))))
        (type $derived (sub $open (func (param i32))))
        (rec (type $r1 (func (param i32))) (type $r2 (func (param (ref null $r1)))))
        (type $s (sub (struct (field i32))))
        (type $s2 (sub $s (struct (field i32) (field i64))))
        """;

    // Without what needs a value to be made of: globals of references that cannot be null.
    private static readonly string[] s_types =
    [
        "(func)", "(func (type $f))", "(func (type $open))", "(func (type $derived))", "(func (type $r1))", "(func (type $r2))",
        "(func (param i32) (result i64))", "(func (param (ref null $s)))", "(func (param (ref null $s2)))", "(func (param anyref))", "(func (param v128 externref) (result funcref f32))",
        "(memory 1)", "(memory 1 2)", "(memory 2 3)", "(memory 1 1)", "(memory i64 1 2)", "(memory 1 2 shared)",
        "(table 1 funcref)", "(table 1 2 funcref)", "(table 2 2 funcref)", "(table 1 externref)", "(table 1 (ref null $f))", "(table 1 (ref null $open))", "(table i64 1 funcref)",
        "(global i32)", "(global (mut i32))", "(global i64)", "(global funcref)", "(global (mut funcref))", "(global nullfuncref)", "(global (ref null $f))", "(global (ref null $open))",
        "(global (ref null $derived))", "(global anyref)", "(global eqref)", "(global (ref null $s))", "(global (ref null $s2))", "(global (mut (ref null $s2)))", "(global structref)", "(global nullref)",
        "(tag)", "(tag (type $f))", "(tag (type $open))", "(tag (param i32 i64))",
    ];

    private readonly Engine _engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, Features = WasmFeatures.Wasm3 | WasmFeatures.Threads });

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void What_matches_can_be_linked_and_nothing_else()
    {
        using Module exporter = Module.FromText(_engine, $"(module {Types} {string.Concat(s_types.Select(Definition))})");
        using Store store = new(_engine);
        Linker linker = new(_engine);
        Instance instance = linker.DefineModule(store, "e", exporter);
        List<string> wrong = [];
        int matches = 0;
        for (int wanted = 0; wanted < s_types.Length; wanted++)
        {
            for (int found = 0; found < s_types.Length; found++)
            {
                using Module importer = Module.FromText(_engine, $"(module {Types} (import \"e\" \"x{found}\" {s_types[wanted]}))");
                bool isLinked = true;
                try
                {
                    linker.Prepare(importer).Dispose();
                }
                catch (LinkException e)
                {
                    isLinked = false;
                    Assert.Equal(importer.Imports[0].Type, e.Expected);
                }
                bool promised = exporter.Exports[found].Type.Matches(importer.Imports[0].Type);
                if (promised)
                    matches++;
                if (isLinked != promised)
                    wrong.Add($"{s_types[found]} for {s_types[wanted]}: linked {isLinked}, promised {promised}");
            }
        }
        Assert.Empty(wrong);
        Assert.InRange(matches, s_types.Length + 1, s_types.Length * s_types.Length / 4);
        Assert.Equal(instance.Module, exporter);
    }

    [Fact]
    public void Types_are_printed_as_the_text_format_has_them()
    {
        string text = string.Concat(s_types.Select((type, i) => $"(import \"e\" \"x{i}\" {type})"));
        using Module module = Module.FromText(_engine, $"(module {Types} {text})");
        // Names and uses of types are not part of a type.
        string[] expected =
        [
            "(func)", "(func (param i32))", "(func (param i32))", "(func (param i32))", "(func (param i32))", "(func (param (ref null 3)))",
            "(func (param i32) (result i64))", "(func (param (ref null 5)))", "(func (param (ref null 6)))", "(func (param anyref))", "(func (param v128 externref) (result funcref f32))",
        ];
        Assert.Equal(expected, module.Imports.Take(expected.Length).Select(i => i.Type.ToString()));
        for (int i = expected.Length; i < s_types.Length; i++)
        {
            string type = s_types[i].Replace("$f", "0", StringComparison.Ordinal).Replace("$open", "1", StringComparison.Ordinal)
                .Replace("$derived", "2", StringComparison.Ordinal).Replace("$s2", "6", StringComparison.Ordinal).Replace("$s", "5", StringComparison.Ordinal);
            if (!type.Contains("(type", StringComparison.Ordinal))
                Assert.Equal(type, module.Imports[i].Type.ToString());
        }
        Assert.Equal("(import \"e\" \"x11\" (memory 1))", module.Imports[11].ToString());
    }

    [Fact]
    public void Descriptions_outlive_what_they_were_read_from()
    {
        ExternType first;
        ExternType second;
        ExternType sub;
        using (Module keeper = Module.FromText(_engine, $"(module {Types})"))
        {
            using (Module module = Module.FromText(_engine, $"(module {Types} (import \"e\" \"f\" (func (type $open))) (import \"e\" \"g\" (func (type $derived))))"))
                (first, sub) = (module.Imports[0].Type, module.Imports[1].Type);
            using (Module module = Module.FromText(_engine, $"(module {Types} (import \"e\" \"f\" (func (type $open))))"))
                second = module.Imports[0].Type;
        }
        // The registry's ids are free for other types now.
        using Module other = Module.FromText(_engine, "(module (type (sub (func))) (import \"e\" \"f\" (func (type 0))))");
        Assert.True(first.Matches(second) && second.Matches(first) && sub.Matches(first) && !first.Matches(sub));
        Assert.False(other.Imports[0].Type.Matches(first) || first.Matches(other.Imports[0].Type));
        Assert.Equal(0, FreeTypes(other));
    }

    [Fact]
    public void Handles_describe_what_they_are_of()
    {
        using Module module = Module.FromText(_engine, """
            (module
              (func (export "f") (param i32) (result f64 i64) (unreachable))
              (memory (export "memory") 1 3)
              (table (export "t") 2 5 externref)
              (global (export "g") (mut v128) (v128.const i64x2 0 0)))
            """);
        using Store store = new(_engine);
        Instance instance = new Linker(_engine).Instantiate(store, module);
        Assert.Equal(new FunctionType([ValueKind.I32], [ValueKind.F64, ValueKind.I64]), instance.GetFunction("f").Type);
        instance.Memory.Grow(1);
        Assert.Equal(new MemoryType(2, 3), instance.Memory.Type);
        Assert.Equal((1, 3, 65536, false, false), (instance.Memory.Minimum, instance.Memory.Maximum, instance.Memory.PageSize, instance.Memory.Is64, instance.Memory.IsShared));
        Assert.Equal(new TableType(WasmValueType.ExternRef, 2, 5), instance.GetTable("t").Type);
        Assert.Equal((2, 5, 5, false), (instance.GetTable("t").Minimum, instance.GetTable("t").Maximum, instance.GetTable("t").GrowthLimit, instance.GetTable("t").Is64));
        Assert.Equal(new GlobalType(ValueKind.V128, isMutable: true), instance.GetGlobal("g").Type);
        Assert.True(instance.GetGlobal("g").IsMutable);
        Function function = instance.GetFunction("f");
        store.Dispose();
        Assert.Throws<ObjectDisposedException>(() => function.Type);
    }

    [Fact]
    public void The_host_makes_items_of_any_type_without_defined_ones()
    {
        using Store store = new(_engine);
        Assert.Equal("(memory i64 1 2)", store.CreateMemory(new MemoryType(1, 2, is64: true)).Type.ToString());
        Assert.Equal("(table 3 anyref)", store.CreateTable(new TableType(WasmValueType.AnyRef, 3)).Type.ToString());
        Assert.Equal("(global nullexternref)", store.CreateGlobal(new GlobalType(WasmValueType.Reference(HeapKind.NoExtern)), Value.NullExtern).Type.ToString());
        Assert.Equal("(func (param (ref extern)) (result nullfuncref))", new FunctionType([WasmValueType.Reference(HeapKind.Extern, isNullable: false)], [WasmValueType.Reference(HeapKind.NoFunc)]).ToString());
        Assert.Throws<ArgumentException>(() => store.CreateGlobal(new GlobalType(ValueKind.I32), 1L));
        Assert.Throws<ArgumentException>(() => store.CreateTable(new TableType(WasmValueType.Reference(HeapKind.Func, isNullable: false), 1)));
        Assert.Throws<ArgumentException>(() => new TableType(ValueKind.I32, 1));
        Assert.Throws<ArgumentException>(() => new MemoryType(1, isShared: true));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MemoryType(2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MemoryType(1, pageSize: 2));
        using Module module = Module.FromText(_engine, "(module (type (struct)) (import \"e\" \"g\" (global (ref null 0))))");
        Assert.Throws<ArgumentException>(() => store.CreateGlobal((GlobalType)module.Imports[0].Type, Value.NullFunction));
    }

    private static string Definition(string type, int index)
    {
        string head = type[..^1];
        string export = $" (export \"x{index}\")";
        int space = head.IndexOf(' ', StringComparison.Ordinal);
        string definition = space < 0 ? head + export : head[..space] + export + head[space..];
        string body = type.Split(' ', ')')[0] switch
        {
            "(func" => " (unreachable)",
            "(global" => type.Contains("i32", StringComparison.Ordinal) ? " (i32.const 0)" : type.Contains("i64", StringComparison.Ordinal) ? " (i64.const 0)" : " (ref.null " + Bottom(type) + ")",
            _ => "",
        };
        return definition + body + ")";
    }

    private static string Bottom(string type) =>
        type.Contains("func", StringComparison.Ordinal) || type.Contains("$f", StringComparison.Ordinal) || type.Contains("$open", StringComparison.Ordinal) || type.Contains("$derived", StringComparison.Ordinal)
            ? "nofunc" : "none";

    // The types of the module alone are in use: descriptions use none.
    private int FreeTypes(Module module) => _engine.Core.Types.Count - module.Wasm.Types.Length;
}
