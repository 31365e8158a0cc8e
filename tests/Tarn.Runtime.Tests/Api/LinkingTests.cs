// Imports: what fits, what does not, and how the errors read. These modules have no code of their own: they hand on what they import.
namespace Tarn.Runtime.Tests.Api;

public sealed class LinkingTests : IDisposable
{
    private readonly Engine _engine = new();

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void An_unknown_import_is_named_with_its_type()
    {
        using Module module = Module.FromText(_engine, """(module (import "env" "log" (func (param i32 i64) (result f32))))""");
        LinkException e = Assert.Throws<LinkException>(() => new Linker(_engine).Prepare(module));
        Assert.Equal(("env", "log"), (e.ImportModule, e.ImportName));
        Assert.Equal("unknown import: \"env\" \"log\" is not defined (expected (func (param i32 i64) (result f32)))", e.Message);
        Assert.Null(e.Found);
    }

    [Fact]
    public void An_import_of_another_type_shows_both_types()
    {
        using Module module = Module.FromText(_engine, """(module (import "env" "log" (func (param i32))))""");
        Linker linker = new Linker(_engine).DefineFunction("env", "log", (long a) => { });
        LinkException e = Assert.Throws<LinkException>(() => linker.Prepare(module));
        Assert.Equal("incompatible import type: \"env\" \"log\" (expected (func (param i32)), found (func (param i64)))", e.Message);
    }

    [Fact]
    public void An_import_of_another_kind_is_refused()
    {
        using var store = new Store(_engine);
        using Module module = Module.FromText(_engine, """(module (import "env" "x" (global i32)))""");
        Linker linker = new Linker(_engine).Define("env", "x", store.CreateMemory(new MemoryType(1)));
        Assert.Contains("expected (global i32), found (memory 1)", Assert.Throws<LinkException>(() => linker.Prepare(module)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, null, "1", true)]
    [InlineData(1, null, "2", false)]
    [InlineData(2, null, "1", true)]
    [InlineData(1, null, "1 2", false)]
    [InlineData(1, 2, "1 2", true)]
    [InlineData(1, 3, "1 2", false)]
    [InlineData(1, 2, "1", true)]
    public void Memory_limits_match_as_the_specification_says(int minimum, int? maximum, string wanted, bool fits)
    {
        using var store = new Store(_engine);
        using Module module = Module.FromText(_engine, $"(module (import \"e\" \"m\" (memory {wanted})))");
        Linker linker = new Linker(_engine).Define("e", "m", store.CreateMemory(new MemoryType(minimum, maximum)));
        if (fits)
            linker.Prepare(module).Dispose();
        else
            Assert.Throws<LinkException>(() => linker.Prepare(module));
    }

    [Fact]
    public void A_grown_memory_is_matched_by_its_current_size()
    {
        using var store = new Store(_engine);
        Memory memory = store.CreateMemory(new MemoryType(1, 5));
        memory.Grow(2);
        using Module module = Module.FromText(_engine, """(module (import "e" "m" (memory 3 5)))""");
        new Linker(_engine).Define("e", "m", memory).Prepare(module).Dispose();
    }

    [Theory]
    [InlineData("(global i32)", true)]
    [InlineData("(global (mut i32))", false)]
    [InlineData("(global i64)", false)]
    public void Globals_match_by_type_and_mutability(string wanted, bool fits)
    {
        using var store = new Store(_engine);
        using Module module = Module.FromText(_engine, $"(module (import \"e\" \"g\" {wanted}))");
        Linker linker = new Linker(_engine).Define("e", "g", store.CreateGlobal(new GlobalType(ValueKind.I32), 7));
        if (fits)
            linker.Prepare(module).Dispose();
        else
            Assert.Throws<LinkException>(() => linker.Prepare(module));
    }

    [Fact]
    public void Any_module_name_is_the_last_resort()
    {
        using Module module = Module.FromText(_engine, """(module (import "a" "f" (func $f (result i32))) (import "b" "f" (func $g (result i32))) (export "f" (func $f)) (export "g" (func $g)))""");
        Linker linker = new Linker(_engine).DefineFunction(Linker.AnyModule, "f", () => 1).DefineFunction("b", "f", () => 2);
        using Instance instance = linker.Prepare(module).Instantiate();
        Assert.Equal((1, 2), (instance.GetFunction<int>("f").Invoke(), instance.GetFunction<int>("g").Invoke()));
    }

    [Fact]
    public void Unknown_functions_can_be_made_to_trap()
    {
        using Module module = Module.FromText(_engine, """(module (import "a" "f" (func $f)) (export "f" (func $f)))""");
        using Instance instance = new Linker(_engine).DefineUnknownImportsAsTraps().Prepare(module).Instantiate();
        TrapException e = Assert.Throws<TrapException>(() => instance.GetAction("f").Invoke());
        Assert.Contains("the import \"a\" \"f\" is not defined", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_is_defined_once_unless_shadowing_is_allowed()
    {
        Linker linker = new Linker(_engine).DefineFunction("a", "f", () => 1);
        Assert.Throws<ArgumentException>(() => linker.DefineFunction("a", "f", () => 2));
        linker.AllowShadowing = true;
        linker.DefineFunction("a", "f", () => 2);
    }

    [Fact]
    public void Items_of_two_stores_do_not_mix()
    {
        using var one = new Store(_engine);
        using var two = new Store(_engine);
        using Module module = Module.FromText(_engine, """(module (import "e" "m" (memory 1)) (import "e" "g" (global i32)))""");
        Linker linker = new Linker(_engine).Define("e", "m", one.CreateMemory(new MemoryType(1))).Define("e", "g", two.CreateGlobal(new GlobalType(ValueKind.I32), 1));
        Assert.Contains("different stores", Assert.Throws<ArgumentException>(() => linker.Prepare(module)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Modules_of_another_engine_are_refused()
    {
        using var other = new Engine();
        using Module module = Module.FromText(other, "(module)");
        Assert.Throws<ArgumentException>(() => new Linker(_engine).Prepare(module));
    }

    [Fact]
    public void Exports_of_an_instance_become_imports_of_another()
    {
        using var store = new Store(_engine);
        using Module first = Module.FromText(_engine, """(module (memory (export "m") 1) (global (export "g") (mut i32) (i32.const 5)) (table (export "t") 2 funcref))""");
        using Module second = Module.FromText(_engine, """
            (module (import "first" "m" (memory 1)) (import "first" "g" (global (mut i32))) (import "first" "t" (table 2 funcref))
              (export "m" (memory 0)) (export "g" (global 0)) (export "t" (table 0))
              (data (i32.const 10) "hi"))
            """);
        var linker = new Linker(_engine);
        Instance a = linker.DefineModule(store, "first", first);
        Instance b = linker.Instantiate(store, second);
        Assert.Equal("hi", a.Memory.ReadUtf8(10, 2));
        b.GetGlobal("g").Value = 6;
        Assert.Equal(6, a.GetGlobal("g").Value.AsInt32());
        Assert.Equal(a.GetMemory("m"), b.GetMemory("m"));
        Assert.Equal(a.GetTable("t"), b.GetTable("t"));
    }

    [Fact]
    public void Imports_and_exports_can_be_inspected()
    {
        using Module module = Module.FromText(_engine, """(module (import "e" "f" (func (param i32))) (memory (export "m") 1 2) (export "f" (func 0)))""");
        Assert.Equal([new ModuleImport("e", "f", new FunctionType([ValueKind.I32], []))], module.Imports);
        Assert.Equal([new ModuleExport("m", new MemoryType(1, 2)), new ModuleExport("f", new FunctionType([ValueKind.I32], []))], module.Exports);
    }
}
