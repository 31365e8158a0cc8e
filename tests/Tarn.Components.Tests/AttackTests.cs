// Hostile components: each breaks a rule in a way that would harm a host that trusted it. The host gets a typed trap, the instance cannot be entered again, the next one is unaffected.
using System.Text;

namespace Tarn.Components.Tests;

public sealed class AttackTests
{
    [Theory]
    [InlineData("(i32.const -1)", ComponentTrapCode.OutOfBounds)]
    [InlineData("(i32.const 65536)", ComponentTrapCode.OutOfBounds)]
    [InlineData("(i32.const 65535)", ComponentTrapCode.OutOfBounds)]
    public void An_allocator_that_returns_what_is_not_its_memory(string result, ComponentTrapCode code) =>
        AssertTrap(Taker($"(func (export \"realloc\") (param i32 i32 i32 i32) (result i32) {result})", "string"), code, ComponentValue.FromString("xy"));

    [Fact]
    public void An_allocator_that_returns_what_is_not_aligned() => AssertTrap(
        Taker("(func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 1))", "(list u32)"), ComponentTrapCode.UnalignedPointer,
        ComponentValue.FromList(ComponentValue.FromUInt32(1)));

    [Fact]
    public void An_allocator_that_calls_out()
    {
        string text = $$"""
            (component
              (import "out" (func $out))
              (core func $out' (canon lower (func $out)))
              (core module $m
                (import "" "out" (func $out))
                (memory (export "mem") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $out) (i32.const 0))
                (func (export "run") (param i32 i32)))
              (core instance $m (instantiate $m (with "" (instance (export "out" (func $out'))))))
              (func (export "run") (param "x" string) (canon lift (core func $m "run") (memory (core memory $m "mem")) (realloc (core func $m "realloc")))))
            """;
        bool called = false;
        AssertTrap(text, ComponentTrapCode.CannotLeave, linker => linker.DefineFunction("", "out", _ =>
        {
            called = true;
            return null;
        }), ComponentValue.FromString("x"));
        Assert.False(called);
    }

    [Fact]
    public void An_allocator_that_traps_or_runs_forever_ends_the_call()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Taker("(func (export \"realloc\") (param i32 i32 i32 i32) (result i32) unreachable)", "string"));
        using ComponentInstance instance = new ComponentLinker(engine).Instantiate(component);
        Assert.Equal(TrapCode.Unreachable, Assert.Throws<TrapException>(() => instance.GetFunction("run").Invoke(ComponentValue.FromString("x"))).Code);
        Assert.True(instance.HasTrapped);
    }

    // The one that throws is a component of its own: the other's handler for all is none of its business.
    [Fact]
    public void An_exception_ends_at_the_border_of_its_component()
    {
        const string Text = """
            (component
              (component $thrower
                (core module $m (tag $e (param i32)) (func (export "run") (throw $e (i32.const 7))))
                (core instance $m (instantiate $m))
                (func (export "run") (canon lift (core func $m "run"))))
              (component $catcher
                (import "throw" (func $throw))
                (core func $throw' (canon lower (func $throw)))
                (core module $m
                  (import "" "throw" (func $throw))
                  (func (export "run") (result i32)
                    (block $caught (try_table (catch_all $caught) (call $throw)) (return (i32.const 1)))
                    (i32.const 2)))
                (core instance $m (instantiate $m (with "" (instance (export "throw" (func $throw'))))))
                (func (export "run") (result u32) (canon lift (core func $m "run"))))
              (instance $thrower (instantiate $thrower))
              (instance $catcher (instantiate $catcher (with "throw" (func $thrower "run"))))
              (export "run" (func $catcher "run")))
            """;
        AssertTrap(Text, ComponentTrapCode.UncaughtException);
    }

    [Fact]
    public void A_post_return_that_traps_is_a_trap_of_the_call()
    {
        const string Text = """
            (component
              (core module $m (func (export "run") (result i32) (i32.const 7)) (func (export "post") (param i32) unreachable))
              (core instance $m (instantiate $m))
              (func (export "run") (result u32) (canon lift (core func $m "run") (post-return (core func $m "post")))))
            """;
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Text);
        using ComponentInstance instance = new ComponentLinker(engine).Instantiate(component);
        Assert.Throws<TrapException>(() => instance.GetFunction("run").Invoke());
        Assert.Equal(ComponentTrapCode.CannotEnter, Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke()).Code);
    }

    [Theory]
    [InlineData("string", "(i32.store (i32.const 0) (i32.const 65530)) (i32.store (i32.const 4) (i32.const 7))", ComponentTrapCode.OutOfBounds)]
    [InlineData("string", "(i32.store (i32.const 0) (i32.const -1)) (i32.store (i32.const 4) (i32.const -1))", ComponentTrapCode.OutOfBounds)]
    [InlineData("string", "(i32.store8 (i32.const 64) (i32.const 0xff)) (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 1))", ComponentTrapCode.InvalidString)]
    [InlineData("(list u64)", "(i32.store (i32.const 0) (i32.const 8)) (i32.store (i32.const 4) (i32.const 0x20000000))", ComponentTrapCode.OutOfBounds)]
    [InlineData("(list u64)", "(i32.store (i32.const 0) (i32.const 4)) (i32.store (i32.const 4) (i32.const 1))", ComponentTrapCode.UnalignedPointer)]
    [InlineData("(option u64)", "(i32.store8 (i32.const 0) (i32.const 2))", ComponentTrapCode.InvalidDiscriminant)]
    [InlineData("(tuple u8 char)", "(i32.store (i32.const 4) (i32.const 0xd800))", ComponentTrapCode.InvalidCharacter)]
    public void Results_that_are_not_what_they_say(string type, string body, ComponentTrapCode code) => AssertTrap(Giver(type, body), code);

    [Fact]
    public void A_trap_has_the_path_of_the_value()
    {
        ComponentTrapException trap = AssertTrap(
            Giver("(list (tuple u32 string))", "(i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 1)) (i32.store (i32.const 20) (i32.const -1)) (i32.store (i32.const 24) (i32.const 9))"),
            ComponentTrapCode.OutOfBounds);
        Assert.Equal("result[0][1]", trap.Path);
    }

    [Fact]
    public void A_result_that_is_not_in_memory_is_found_before_it_is_read() => AssertTrap(Giver("(tuple u64 u64)", "(return (i32.const 65528))"), ComponentTrapCode.OutOfBounds);

    [Fact]
    public void A_table_of_handles_stops_growing_at_its_limit()
    {
        const string Text = """
            (component
              (type $r (resource (rep i32)))
              (core func $new (canon resource.new $r))
              (core module $m (import "" "new" (func $new (param i32) (result i32)))
                (func (export "run") (loop $l (drop (call $new (i32.const 1))) (br $l))))
              (core instance $m (instantiate $m (with "" (instance (export "new" (func $new))))))
              (func (export "run") (canon lift (core func $m "run"))))
            """;
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Text);
        using ComponentInstance instance = new ComponentLinker(engine).Instantiate(component, new ComponentOptions { Handles = 100 });
        ComponentTrapException trap = Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke());
        Assert.Equal(ComponentTrapCode.LimitReached, trap.Code);
        Assert.Contains("100 handles", trap.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(16, true)]
    [InlineData(17, false)]
    public void The_limit_of_handles_is_exact(int count, bool fits)
    {
        string text = $"""
            (component
              (type $r (resource (rep i32)))
              (core func $new (canon resource.new $r))
              (core module $m (import "" "new" (func $new (param i32) (result i32)))
                (func (export "run") {string.Concat(Enumerable.Repeat("(drop (call $new (i32.const 1)))", count))}))
              (core instance $m (instantiate $m (with "" (instance (export "new" (func $new))))))
              (func (export "run") (canon lift (core func $m "run"))))
            """;
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, text);
        using ComponentInstance instance = new ComponentLinker(engine).Instantiate(component, new ComponentOptions { Handles = 16 });
        if (fits)
            instance.GetFunction("run").Invoke();
        else
            Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke());
    }

    [Fact]
    public void A_component_that_unfolds_without_end_is_refused()
    {
        StringBuilder text = new("(component (component $c0 (core module $m) (core instance (instantiate $m)))");
        for (int i = 1; i < 40; i++)
            text.Append($"(component $c{i} (alias outer 1 $c{i - 1} (component $x)) (instance (instantiate $x)) (instance (instantiate $x)))");
        text.Append("(instance (instantiate $c39)))");
        using Engine engine = Guests.CreateEngine();
        InvalidModuleException error = Assert.Throws<InvalidModuleException>(() => Component.FromText(engine, text.ToString()));
        Assert.Contains("unfolds", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_guest_that_keeps_a_borrowed_handle_traps_when_it_returns()
    {
        const string Text = """
            (component
              (import "r" (type $r (sub resource)))
              (core module $m (func (export "run") (param i32)))
              (core instance $m (instantiate $m))
              (func (export "run") (param "x" (borrow $r)) (canon lift (core func $m "run"))))
            """;
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Text);
        ComponentResourceType type = new("thing");
        using ComponentInstance instance = new ComponentLinker(engine).DefineResource("", "r", type).Instantiate(component);
        using ComponentResource resource = type.Create(new object());
        ComponentTrapException trap = Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke(ComponentValue.FromResource(resource)));
        Assert.Equal(ComponentTrapCode.BorrowsRemain, trap.Code);
        Assert.NotNull(resource.Target);
    }

    [Fact]
    public void A_list_of_strings_that_are_all_the_same_bytes_is_charged_for_each()
    {
        // 1,000 strings of 60 KB in a memory of 64 KB.
        const string Body = """
            (local $i i32)
            (loop $l
              (i32.store (i32.add (i32.const 56000) (i32.mul (local.get $i) (i32.const 8))) (i32.const 16))
              (i32.store (i32.add (i32.const 56004) (i32.mul (local.get $i) (i32.const 8))) (i32.const 50000))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $l (i32.lt_u (local.get $i) (i32.const 1000))))
            (i32.store (i32.const 0) (i32.const 56000)) (i32.store (i32.const 4) (i32.const 1000))
            """;
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Giver("(list string)", Body));
        using ComponentInstance small = new ComponentLinker(engine).Instantiate(component, new ComponentOptions { ValueBytes = 10 << 20 });
        ComponentTrapException trap = Assert.Throws<ComponentTrapException>(() => small.GetFunction("run").Invoke());
        Assert.Equal(ComponentTrapCode.LimitReached, trap.Code);
        using ComponentInstance large = new ComponentLinker(engine).Instantiate(component);
        Assert.Equal(1000, large.GetFunction("run").Invoke()!.Count);
    }

    [Fact]
    public void A_list_of_small_values_is_charged_for_what_it_takes_in_the_host()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Giver("(list bool)", "(i32.store (i32.const 4) (i32.const 60000))"));
        using ComponentInstance instance = new ComponentLinker(engine).Instantiate(component, new ComponentOptions { ValueBytes = 1 << 20 });
        Assert.Equal(ComponentTrapCode.LimitReached, Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke()).Code);
    }

    [Fact]
    public void The_next_instance_is_unaffected()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Giver("(option u64)", "(i32.store8 (i32.const 0) (global.get $bad))", "(global $bad (export \"bad\") (mut i32) (i32.const 2))"));
        ComponentTemplate template = new ComponentLinker(engine).Prepare(component);
        for (int i = 0; i < 20; i++)
        {
            using ComponentInstance instance = template.Instantiate();
            Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke());
        }
    }

    private static string Taker(string realloc, string type) => $"""
        (component
          (core module $m (memory (export "mem") 1) {realloc} (func (export "run") (param i32 i32)))
          (core instance $m (instantiate $m))
          (func (export "run") (param "x" {type}) (canon lift (core func $m "run") (memory (core memory $m "mem")) (realloc (core func $m "realloc")))))
        """;

    private static string Giver(string type, string body, string fields = "") => $"""
        (component
          (core module $m (memory (export "mem") 1) {fields} (func (export "run") (result i32) {body} (i32.const 0)))
          (core instance $m (instantiate $m))
          (func (export "run") (result {type}) (canon lift (core func $m "run") (memory (core memory $m "mem")))))
        """;

    private static ComponentTrapException AssertTrap(string text, ComponentTrapCode code, params ComponentValue[] arguments) => AssertTrap(text, code, linker => linker, arguments);

    private static ComponentTrapException AssertTrap(string text, ComponentTrapCode code, Func<ComponentLinker, ComponentLinker> define, params ComponentValue[] arguments)
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, text);
        using ComponentInstance instance = define(new ComponentLinker(engine)).Instantiate(component);
        ComponentTrapException trap = Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke(arguments));
        Assert.Equal(code, trap.Code);
        Assert.True(instance.HasTrapped);
        Assert.Equal(ComponentTrapCode.CannotEnter, Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke(arguments)).Code);
        return trap;
    }
}
