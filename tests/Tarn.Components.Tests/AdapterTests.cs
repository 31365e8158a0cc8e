// Calls between two components through generated adapters: that they are made, that what they check is checked, and that whatever ends a call in the middle of one leaves both components in a
// defined state. That values pass unchanged is LiftingFuzzTests'.
using Tarn.Components.Linking;

namespace Tarn.Components.Tests;

public sealed class AdapterTests : IDisposable
{
    private readonly Engine _engine = Guests.CreateEngine();

    private const string Memory = """(memory (core memory $m "mem")) (realloc (core func $m "realloc"))""";

    [Theory]
    [InlineData("u32", "i32", "(i32.const 7)", "(i32.const 7)")]
    [InlineData("bool", "i32", "(i32.const 256)", "(i32.const 1)")]
    [InlineData("s8", "i32", "(i32.const 0x1ff)", "(i32.const -1)")]
    [InlineData("u8", "i32", "(i32.const 0x1ff)", "(i32.const 0xff)")]
    [InlineData("s16", "i32", "(i32.const 0x18000)", "(i32.const -32768)")]
    [InlineData("u16", "i32", "(i32.const 0x18000)", "(i32.const 0x8000)")]
    [InlineData("u64", "i64", "(i64.const -2)", "(i64.const -2)")]
    [InlineData("f32", "f32", "(f32.const nan:0x200000)", "(f32.const nan)")]
    [InlineData("f64", "f64", "(f64.const 1.5)", "(f64.const 1.5)")]
    [InlineData("char", "i32", "(i32.const 0x10ffff)", "(i32.const 0x10ffff)")]
    public void Scalars_arrive_as_their_type_says(string type, string core, string sent, string expected)
    {
        string bits = core is "f32" or "f64" ? $"{core.Replace('f', 'i')}.reinterpret_{core}" : "";
        string Bits(string value) => bits.Length == 0 ? value : $"({bits} {value})";
        string equal = $"({core.Replace('f', 'i')}.eq {Bits("(local.get 0)")} {Bits(expected)})";
        AssertReturns(1, Pair($"(param \"x\" {type}) (result u32)", $"(param {core}) (result i32)", equal, $"(call $f {sent})"));
    }

    [Fact]
    public void Flags_lose_the_bits_that_have_no_name()
    {
        const string Type = """(param "x" $t) (result u32)""";
        AssertReturns(5, Pair(Type, "(param i32) (result i32)", "(local.get 0)", "(call $f (i32.const 0xfffffffd))", "", """(flags "a" "b" "c")"""));
    }

    [Theory]
    [InlineData("char", "(i32.const 0xd800)", ComponentTrapCode.InvalidCharacter, "invalid `char` bit pattern 0xd800 (at param \"x\")")]
    [InlineData("char", "(i32.const 0x110000)", ComponentTrapCode.InvalidCharacter, "invalid `char` bit pattern 0x110000 (at param \"x\")")]
    [InlineData("(enum \"a\" \"b\")", "(i32.const 2)", ComponentTrapCode.InvalidDiscriminant, "invalid variant discriminant 2: there are 2 cases (at param \"x\")")]
    [InlineData("string", "(i32.const 65530) (i32.const 7)", ComponentTrapCode.OutOfBounds, "string pointer/length out of bounds of memory (at param \"x\")")]
    [InlineData("string", "(i32.const 100) (i32.const 9)", ComponentTrapCode.InvalidString, "invalid utf-8 sequence from index 8 (at param \"x\")")]
    [InlineData("string", "(i32.const 200) (i32.const 2)", ComponentTrapCode.InvalidString, "incomplete utf-8 byte sequence from index 0 (at param \"x\")")]
    [InlineData("(list u32)", "(i32.const 2) (i32.const 1)", ComponentTrapCode.UnalignedPointer, "unaligned pointer (at param \"x\")")]
    [InlineData("(list u64)", "(i32.const 8) (i32.const 0x20000000)", ComponentTrapCode.OutOfBounds, "list content out-of-bounds (at param \"x\")")]
    [InlineData("(list (tuple u8 char))", "(i32.const 300) (i32.const 2)", ComponentTrapCode.InvalidCharacter, "invalid `char` bit pattern 0xffffff (at param \"x\"[1][1])")]
    public void What_does_not_lift_traps_with_its_path(string type, string sent, ComponentTrapCode code, string message)
    {
        string core = sent.Count(static c => c == '(') == 2 ? "(param i32 i32) (result i32)" : "(param i32) (result i32)";
        using ComponentInstance instance = Instantiate(Pair($"(param \"x\" $t) (result u32)", core, "(i32.const 0)", $"(call $f {sent})", """
            (data (i32.const 108) "\ff") (data (i32.const 200) "\e2\82") (data (i32.const 312) "\ff\ff\ff\00")
            """, type));
        ComponentTrapException e = Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke());
        Assert.Equal(code, e.Code);
        Assert.Equal(message, e.Message);
        AssertEnded(instance);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("twelve bytes")]
    [InlineData("eight bytes and then \u00e9, \u20ac and \U0001F600 at the end")]
    public void Text_is_copied(string text)
    {
        // The callee adds up what it gets.
        const string Body = """
            (local $sum i32)
            (block $end (loop $next
              (br_if $end (i32.eqz (local.get 1)))
              (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load8_u (local.get 0))))
              (local.set 0 (i32.add (local.get 0) (i32.const 1)))
              (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
              (br $next)))
            (local.get $sum)
            """;
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        uint sum = 0;
        foreach (byte b in bytes)
            sum = (sum * 31) + b;
        string data = string.Concat(bytes.Select(static b => $"\\{b:x2}"));
        AssertReturns(sum, Pair("""(param "x" string) (result u32)""", "(param i32 i32) (result i32)", Body, $"(call $f (i32.const 100) (i32.const {bytes.Length}))", $"(data (i32.const 100) \"{data}\")"));
    }

    [Fact]
    public void Whatever_ends_a_call_in_the_callee_ends_both_components()
    {
        string text = Pair("(result u32)", "(result i32)", "(loop (br 0)) (i32.const 0)", "(call $f)");
        using ComponentInstance interrupted = Instantiate(text);
        interrupted.Store.CallTimeout = TimeSpan.FromMilliseconds(20);
        Assert.NotNull(Record.Exception(() => interrupted.GetFunction("run").Invoke()));
        AssertEnded(interrupted);

        using ComponentInstance trapped = Instantiate(Pair("(result u32)", "(result i32)", "(unreachable)", "(call $f)"));
        Assert.Throws<TrapException>(() => trapped.GetFunction("run").Invoke());
        AssertEnded(trapped);
    }

    [Fact]
    public void A_call_back_into_a_component_that_has_called_is_refused()
    {
        // The host, called by the callee, enters the callee again.
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, """
            (component
              (import "h" (func $h))
              (component $B
                (import "h" (func $h))
                (core func $h' (canon lower (func $h)))
                (core module $m (import "" "h" (func $h)) (func (export "f") (call $h)) (func (export "g")))
                (core instance $m (instantiate $m (with "" (instance (export "h" (func $h'))))))
                (func (export "f") (canon lift (core func $m "f")))
                (func (export "g") (canon lift (core func $m "g"))))
              (instance $b (instantiate $B (with "h" (func $h))))
              (component $A
                (import "f" (func $f))
                (core func $f' (canon lower (func $f)))
                (core module $m (import "" "f" (func $f)) (func (export "run") (call $f)))
                (core instance $m (instantiate $m (with "" (instance (export "f" (func $f'))))))
                (func (export "run") (canon lift (core func $m "run"))))
              (instance $a (instantiate $A (with "f" (func $b "f"))))
              (export "run" (func $a "run"))
              (export "g" (func $b "g")))
            """);
        Assert.True(component.Plan.StateInstance >= 0);
        ComponentInstance? instance = null;
        Exception? inner = null;
        ComponentLinker linker = new ComponentLinker(engine).DefineFunction("", "h", _ =>
        {
            inner = Record.Exception(() => instance!.GetFunction("g").Invoke());
            return null;
        });
        using (instance = linker.Instantiate(component))
        {
            instance.GetFunction("g").Invoke();
            instance.GetFunction("run").Invoke();
            Assert.Equal(ComponentTrapCode.CannotEnter, Assert.IsType<ComponentTrapException>(inner).Code);
            AssertEnded(instance);
        }
    }

    [Fact]
    public void A_call_after_the_host_has_seen_a_trap_is_refused_in_the_adapter()
    {
        // The caller calls the host, which lets a third component trap and keeps it to itself; then the caller calls the callee.
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, """
            (component
              (import "h" (func $h))
              (component $B
                (core module $m (func (export "f") (unreachable)) (func (export "g")))
                (core instance $m (instantiate $m))
                (func (export "f") (canon lift (core func $m "f")))
                (func (export "g") (canon lift (core func $m "g"))))
              (instance $b (instantiate $B))
              (instance $c (instantiate $B))
              (component $A
                (import "h" (func $h))
                (import "f" (func $f))
                (core func $h' (canon lower (func $h)))
                (core func $f' (canon lower (func $f)))
                (core module $m (import "" "h" (func $h)) (import "" "f" (func $f)) (func (export "run") (call $h) (call $f)))
                (core instance $m (instantiate $m (with "" (instance (export "h" (func $h')) (export "f" (func $f'))))))
                (func (export "run") (canon lift (core func $m "run"))))
              (instance $a (instantiate $A (with "h" (func $h)) (with "f" (func $b "g"))))
              (export "run" (func $a "run"))
              (export "trap" (func $c "f")))
            """);
        ComponentInstance? instance = null;
        Exception? inner = null;
        ComponentLinker linker = new ComponentLinker(engine).DefineFunction("", "h", _ =>
        {
            inner = Record.Exception(() => instance!.GetFunction("trap").Invoke());
            return null;
        });
        using (instance = linker.Instantiate(component))
        {
            ComponentTrapException e = Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke());
            Assert.IsType<TrapException>(inner);
            Assert.Equal("cannot enter component instance: it trapped before", e.Message);
        }
    }

    [Fact]
    public async Task A_function_of_the_host_behind_a_second_guest_suspends_both()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, """
            (component
              (import "h" (func $h (result u32)))
              (component $P
                (import "f" (func $f (result u32)))
                (core func $f' (canon lower (func $f)))
                (core module $m (import "" "f" (func $f (result i32))) (func (export "run") (result i32) (i32.add (call $f) (i32.const 1))))
                (core instance $m (instantiate $m (with "" (instance (export "f" (func $f'))))))
                (func (export "run") (result u32) (canon lift (core func $m "run"))))
              (instance $b (instantiate $P (with "f" (func $h))))
              (instance $a (instantiate $P (with "f" (func $b "run"))))
              (export "run" (func $a "run")))
            """);
        TaskCompletionSource<uint> source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ComponentLinker linker = new ComponentLinker(engine).DefineFunction("", "h", async _ => ComponentValue.FromUInt32(await source.Task));
        using ComponentInstance instance = linker.Instantiate(component);
        ValueTask<ComponentValue?> call = instance.GetFunction("run").InvokeAsync([], TestContext.Current.CancellationToken);
        Assert.False(call.IsCompleted);
        source.SetResult(40);
        Assert.Equal(ComponentValue.FromUInt32(42), await call);
        source = new();
        source.SetResult(1);
        Assert.Equal(ComponentValue.FromUInt32(3), await instance.GetFunction("run").InvokeAsync([], TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Types_that_unfold_without_end_have_no_adapter()
    {
        string types = string.Concat(Enumerable.Range(1, 12).Select(static i => $"(type $t{i} (tuple $t{i - 1} $t{i - 1}))"));
        string declared = "(type $t0 (tuple u8 u8))" + types;
        string Write(string name, string rest) => $"(component {name} {declared} {rest})";
        using Engine engine = Guests.CreateEngine();
        using Component made = Component.FromText(engine, Write("", $"""
            (import "f" (func $outer (param "x" (list u8))))
            {Write("$B", $$"""
                (core module $m {{Guests.Allocator}} (func (export "f") (param i32)))
                (core instance $m (instantiate $m))
                (func (export "f") (param "x" $t12) (canon lift (core func $m "f") {{Memory}}))
                """)}
            (instance $b (instantiate $B))
            {Write("$A", $$"""
                (import "f" (func $f (param "x" $t12)))
                (core module $m {{Guests.Allocator}})
                (core instance $m (instantiate $m))
                (core func (canon lower (func $f) {{Memory}}))
                """)}
            (instance (instantiate $A (with "f" (func $b "f"))))
            """));
        Assert.Equal(-1, made.Plan.StateInstance);
    }

    [Fact]
    public void A_component_with_adapters_is_compiled_once_and_reused_in_a_pool()
    {
        using Engine engine = new();
        string text = Pair("""(param "x" string) (result u32)""", "(param i32 i32) (result i32)", "(local.get 1)", "(call $f (i32.const 100) (i32.const 5))");
        using Component first = Component.FromText(engine, text);
        using Component loaded = Component.Deserialize(engine, first.Serialize());
        Assert.True(loaded.Plan.StateInstance >= 0);
        ComponentTemplate template = new ComponentLinker(engine).Prepare(loaded);
        for (int i = 0; i < 3; i++)
        {
            using ComponentInstance instance = template.Instantiate();
            Assert.Equal(ComponentValue.FromUInt32(5), instance.GetFunction("run").Invoke());
            Assert.Equal(ComponentValue.FromUInt32(5), instance.GetFunction("run").Invoke());
        }
    }

    private void AssertReturns(uint expected, string text)
    {
        using ComponentInstance instance = Instantiate(text);
        Assert.Equal(ComponentValue.FromUInt32(expected), instance.GetFunction("run").Invoke());
        Assert.Equal(ComponentValue.FromUInt32(expected), instance.GetFunction("run").Invoke());
    }

    public void Dispose() => _engine.Dispose();

    private static void AssertEnded(ComponentInstance instance)
    {
        Assert.True(instance.HasTrapped);
        Assert.Equal(ComponentTrapCode.CannotEnter, Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke()).Code);
    }

    private ComponentInstance Instantiate(string text)
    {
        using Component component = Component.FromText(_engine, text);
        Assert.True(component.Plan.StateInstance >= 0, "the call passes through the host");
        Assert.DoesNotContain(component.Plan.Steps, static step => step is LowerStep);
        return new ComponentLinker(_engine).Instantiate(component);
    }

    // A component whose function `run` calls a function of another one. `$t` is the type that was given.
    private static string Pair(string type, string core, string body, string call, string data = "", string definition = "u32") => $"""
        (component
          (type $t' {definition})
          (export $t "t" (type $t'))
          (component $B
            (type $t' {definition}) (import "t" (type $t (eq $t')))
            (core module $m {Guests.Allocator} (func (export "f") {core} {body}))
            (core instance $m (instantiate $m))
            (func (export "f") {type} (canon lift (core func $m "f") {Memory})))
          (instance $b (instantiate $B (with "t" (type $t))))
          (component $A
            (type $t' {definition}) (import "t" (type $t (eq $t')))
            (import "f" (func $f {type}))
            (core module $libc {Guests.Allocator} {data})
            (core instance $m (instantiate $libc))
            (core func $f' (canon lower (func $f) {Memory}))
            (core module $main (import "" "f" (func $f {core})) (func (export "run") (result i32) {call}))
            (core instance $main (instantiate $main (with "" (instance (export "f" (func $f'))))))
            (func (export "run") (result u32) (canon lift (core func $main "run"))))
          (instance $a (instantiate $A (with "t" (type $t)) (with "f" (func $b "f"))))
          (export "run" (func $a "run")))
        """;
}
