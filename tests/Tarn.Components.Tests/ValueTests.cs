// Values through a guest and back: host → guest → host, for every type and every string encoding. What arrives is what was sent.
using System.Text;

namespace Tarn.Components.Tests;

public sealed class ValueTests
{
    public static TheoryData<string, string, string, int> Types => new()
    {
        { "bool", "i32", "", 0 },
        { "s8", "i32", "", 1 },
        { "u8", "i32", "", 2 },
        { "s16", "i32", "", 3 },
        { "u16", "i32", "", 4 },
        { "s32", "i32", "", 5 },
        { "u32", "i32", "", 6 },
        { "s64", "i64", "", 7 },
        { "u64", "i64", "", 8 },
        { "f32", "f32", "", 9 },
        { "f64", "f64", "", 10 },
        { "char", "i32", "", 11 },
        { "string", "i32 i32", "", 12 },
        { "(list u8)", "i32 i32", "", 13 },
        { "(list string)", "i32 i32", "", 14 },
        { "(tuple u8 u64)", "i32 i64", "", 15 },
        { "(option u32)", "i32 i32", "", 16 },
        { "(result string (error u64))", "i32 i64 i32", "", 17 },
        { "$rec", "i32 f64 i32 i32", "(type $r0 (record (field \"a\" s8) (field \"b\" f64) (field \"c\" string))) (import \"rec\" (type $rec (eq $r0)))", 18 },
        { "$var", "i32 i64", "(type $v0 (variant (case \"none\") (case \"int\" s64) (case \"float\" f32))) (import \"var\" (type $var (eq $v0)))", 19 },
        { "$en", "i32", "(type $e0 (enum \"red\" \"green\" \"blue\")) (import \"en\" (type $en (eq $e0)))", 20 },
        { "$fl", "i32", "(type $f0 (flags \"a\" \"b\" \"c\")) (import \"fl\" (type $fl (eq $f0)))", 21 },
        { "(list (option (tuple string char)))", "i32 i32", "", 22 },
    };

    private static readonly ComponentValue[][] s_values =
    [
        [ComponentValue.FromBoolean(false), ComponentValue.FromBoolean(true)],
        [ComponentValue.FromInt8(sbyte.MinValue), ComponentValue.FromInt8(-1), ComponentValue.FromInt8(sbyte.MaxValue)],
        [ComponentValue.FromUInt8(0), ComponentValue.FromUInt8(byte.MaxValue)],
        [ComponentValue.FromInt16(short.MinValue), ComponentValue.FromInt16(short.MaxValue)],
        [ComponentValue.FromUInt16(ushort.MaxValue)],
        [ComponentValue.FromInt32(int.MinValue), ComponentValue.FromInt32(-1)],
        [ComponentValue.FromUInt32(uint.MaxValue)],
        [ComponentValue.FromInt64(long.MinValue), ComponentValue.FromInt64(-1)],
        [ComponentValue.FromUInt64(ulong.MaxValue)],
        [ComponentValue.FromSingle(1.5f), ComponentValue.FromSingle(float.NegativeInfinity), ComponentValue.FromSingle(-0f)],
        [ComponentValue.FromDouble(Math.PI), ComponentValue.FromDouble(double.Epsilon)],
        [ComponentValue.FromRune(new Rune('a')), ComponentValue.FromRune(new Rune(0x10FFFF))],
        [ComponentValue.FromString(""), ComponentValue.FromString("plain"), ComponentValue.FromString("größer ☃ 🍰")],
        [ComponentValue.FromBytes([]), ComponentValue.FromBytes([1, 2, 255])],
        [ComponentValue.FromList(), ComponentValue.FromList(ComponentValue.FromString("a"), ComponentValue.FromString("é"))],
        [ComponentValue.FromTuple(ComponentValue.FromUInt8(7), ComponentValue.FromUInt64(1UL << 40))],
        [ComponentValue.FromOption(null), ComponentValue.FromOption(ComponentValue.FromUInt32(5))],
        [ComponentValue.Ok(ComponentValue.FromString("fine")), ComponentValue.Error(ComponentValue.FromUInt64(ulong.MaxValue))],
        [ComponentValue.FromRecord(("a", ComponentValue.FromInt8(-3)), ("b", ComponentValue.FromDouble(2.5)), ("c", ComponentValue.FromString("x")))],
        [ComponentValue.FromVariant("none"), ComponentValue.FromVariant("int", ComponentValue.FromInt64(-1)), ComponentValue.FromVariant("float", ComponentValue.FromSingle(0.5f))],
        [ComponentValue.FromEnum("red"), ComponentValue.FromEnum("blue")],
        [ComponentValue.FromFlags(), ComponentValue.FromFlags("a", "c")],
        [
            ComponentValue.FromList(
                ComponentValue.FromOption(null), ComponentValue.FromOption(ComponentValue.FromTuple(ComponentValue.FromString("ü"), ComponentValue.FromRune(new Rune('ß'))))),
        ],
    ];

    [Theory]
    [MemberData(nameof(Types))]
    public void Values_come_back_as_they_were(string type, string flat, string definitions, int values)
    {
        foreach (string encoding in (string[])["utf8", "utf16", "latin1+utf16"])
        {
            using Engine engine = Guests.CreateEngine();
            using Component component = Component.FromText(engine, Guests.Echo(type, flat, definitions, encoding));
            ComponentLinker linker = new ComponentLinker(engine).DefineFunction("", "f", call => call[0]);
            using ComponentInstance instance = linker.Instantiate(component);
            ComponentFunction run = instance.GetFunction("run");
            foreach (ComponentValue value in s_values[values])
                Assert.Equal(value, run.Invoke(value));
        }
    }

    [Fact]
    public void A_string_with_half_a_surrogate_is_refused_before_it_is_sent() =>
        Assert.Throws<ArgumentException>(() => ComponentValue.FromString("a\uD800b"));

    [Fact]
    public void Values_of_the_wrong_type_are_refused_with_what_was_expected()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Guests.Echo("u32", "i32"));
        using ComponentInstance instance = new ComponentLinker(engine).DefineFunction("", "f", call => call[0]).Instantiate(component);
        ArgumentException error = Assert.Throws<ArgumentException>(() => instance.GetFunction("run").Invoke(ComponentValue.FromString("x")));
        Assert.Contains("U32", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => instance.GetFunction("run").Invoke());
    }

    [Fact]
    public void A_host_function_that_returns_what_does_not_fit_is_a_trap_that_names_it()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Guests.Echo("u32", "i32"));
        using ComponentInstance instance = new ComponentLinker(engine).DefineFunction("", "f", _ => ComponentValue.FromString("x")).Instantiate(component);
        ComponentTrapException trap = Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke(ComponentValue.FromUInt32(1)));
        Assert.Equal(ComponentTrapCode.InvalidHostValue, trap.Code);
        Assert.Contains("'f'", trap.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_asynchronous_host_function_suspends_the_guest()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Guests.Echo("string", "i32 i32"));
        TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        AsyncComponentHostCallback callback = async call =>
        {
            await gate.Task;
            return ComponentValue.FromString(call[0].AsString() + "!");
        };
        using ComponentInstance instance = new ComponentLinker(engine).DefineFunction("", "f", callback).Instantiate(component);
        ValueTask<ComponentValue?> running = instance.GetFunction("run").InvokeAsync([ComponentValue.FromString("hi")]);
        Assert.False(running.IsCompleted);
        gate.SetResult();
        Assert.Equal(ComponentValue.FromString("hi!"), await running);
        Assert.False(instance.HasTrapped);
    }
}
