// The generated opcode tables against facts of the specification picked from all pages, and against themselves.
namespace Tarn.Wasm.Tests;

public sealed class OpcodesTests
{
    [Theory]
    [InlineData("i32.add", 0x6A, "i32 i32 -> i32")]
    [InlineData("f64.reinterpret_i64", 0xBF, "i64 -> f64")]
    [InlineData("i64.store32", 0x3E, "addr i64 ->")]
    [InlineData("i32.trunc_sat_f64_u", 0x203, "f64 -> i32")]
    [InlineData("i64.mul_wide_u", 0x216, "i64 i64 -> i64 i64")]
    [InlineData("i64.atomic.rmw32.cmpxchg_u", 0x34E, "addr i64 i64 -> i64")]
    [InlineData("f64x2.convert_low_i32x4_u", 0x4FF, "v128 -> v128")]
    [InlineData("i32x4.relaxed_dot_i8x16_i7x16_add_s", 0x513, "v128 v128 v128 -> v128")]
    [InlineData("i8x16.shl", 0x46B, "v128 i32 -> v128")]
    [InlineData("i64x2.all_true", 0x4C3, "v128 -> i32")]
    public void Known_instructions_have_their_codes_and_types(string name, int value, string signature)
    {
        Assert.True(Opcodes.TryFind(name, out Opcode opcode));
        Assert.Equal(value, (int)opcode);
        OpcodeSignature types = Opcodes.Signature(opcode);
        string[] operands = [.. Enumerable.Range(0, types.OperandCount).Select(i => Type(types.Operand(i)))];
        string[] results = [.. Enumerable.Range(0, types.ResultCount).Select(i => Type(types.Result(i)))];
        Assert.Equal(signature, (string.Join(' ', operands) + " -> " + string.Join(' ', results)).Trim());
    }

    [Fact]
    public void Every_name_finds_its_opcode_and_every_value_its_name()
    {
        Assert.True(Opcodes.All.Length > 500);
        foreach (ushort value in Opcodes.All)
        {
            Opcode opcode = (Opcode)value;
            Assert.True(Opcodes.IsDefined(opcode));
            Assert.True(Enum.IsDefined(opcode));
            Assert.True(Opcodes.TryFind(Opcodes.NameUtf8(opcode), out Opcode found));
            Assert.Equal(Opcodes.Name(opcode), Opcodes.Name(found));
            if (found != opcode)
                Assert.Contains(opcode, new[] { Opcode.SelectTyped, Opcode.RefTestNull, Opcode.RefCastNull });
        }

        Assert.Equal(Enum.GetValues<Opcode>().Length, Opcodes.All.Length);
    }

    [Theory]
    [InlineData("get_local")]
    [InlineData("")]
    [InlineData("i32.wrap/i64")]
    [InlineData("añadir")]
    public void Unknown_names_are_not_found(string name) => Assert.False(Opcodes.TryFind(name, out _));

    [Fact]
    public void Legacy_exception_instructions_are_known()
    {
        Opcode[] legacy = [Opcode.Try, Opcode.Catch, Opcode.Rethrow, Opcode.Delegate, Opcode.CatchAll];
        Assert.Equal(legacy, Enum.GetValues<Opcode>().Where(Opcodes.IsLegacy));
    }

    private static string Type(byte code) => code switch { 0x7F => "i32", 0x7E => "i64", 0x7D => "f32", 0x7C => "f64", 0x7B => "v128", _ => "addr" };
}
