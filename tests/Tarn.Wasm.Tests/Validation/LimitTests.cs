// Each implementation limit at n and at n + 1: n is accepted, one more is refused by a message that names the limit. Where n alone would take hundreds of megabytes,
// n is shown by the refusal being another one (what was declared is not there), which says so in the test's name.
using System.Globalization;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;
using static Tarn.Wasm.Tests.ModuleBuilder;

namespace Tarn.Wasm.Tests.Validation;

public sealed class LimitTests
{
    private static readonly byte[] s_emptyFunction = B(0x60, 0, 0);
    private static readonly byte[] s_emptyBody = B(2, 0, 0x0B);

    /// <summary>A limit's name, its value, and a module that uses so many.</summary>
    public static TheoryData<string, int> Limits => new()
    {
        { "types", ImplementationLimits.Types },
        { "types of a recursion group", ImplementationLimits.Types },
        { "supertypes", ImplementationLimits.SubtypingDepth },
        { "functions", ImplementationLimits.Functions },
        { "functions, imports counted", ImplementationLimits.Functions },
        { "imports", ImplementationLimits.Imports },
        { "exports", ImplementationLimits.Exports },
        { "globals", ImplementationLimits.Globals },
        { "globals, imports counted", ImplementationLimits.Globals },
        { "tags", ImplementationLimits.Tags },
        { "tags, imports counted", ImplementationLimits.Tags },
        { "tables", ImplementationLimits.Tables },
        { "tables, imports counted", ImplementationLimits.Tables },
        { "memories", ImplementationLimits.Memories },
        { "memories, imports counted", ImplementationLimits.Memories },
        { "data segments", ImplementationLimits.DataSegments },
        { "items of an element segment", ImplementationLimits.ElementSegmentEntries },
        { "parameters", ImplementationLimits.Parameters },
        { "results", ImplementationLimits.Results },
        { "fields of a struct", ImplementationLimits.StructFields },
        { "function body", ImplementationLimits.FunctionBodySize },
        { "locals", ImplementationLimits.Locals },
        { "locals in groups", ImplementationLimits.Locals },
        { "locals, parameters counted", ImplementationLimits.Locals },
        { "operands of array.new_fixed", ImplementationLimits.ArrayNewFixedOperands },
        { "name", ImplementationLimits.NameSize },
        { "labels of br_table", ImplementationLimits.BranchTableLabels },
        { "blocks nested", ImplementationLimits.BlockNesting },
        { "operands on the stack", ImplementationLimits.OperandStack },
    };

    [Theory]
    [MemberData(nameof(Limits))]
    public void So_many_and_no_more(string what, int limit)
    {
        Validate(Module(what, limit));
        WasmException refusal = Assert.ThrowsAny<WasmException>(() => Validate(Module(what, limit + 1)));
        Assert.Contains($"the implementation limit is {limit.ToString(CultureInfo.InvariantCulture)}", refusal.Message);
        Assert.True(refusal is MalformedModuleException or InvalidModuleException);
    }

    [Fact]
    public void Element_segments_are_limited_and_their_limit_is_not_what_stops_so_many()
    {
        static string Problem(int count) =>
            Assert.Throws<MalformedModuleException>(() => new ModuleBuilder().Section(9, U(count), B(1, 0, 0)).Decode()).Problem;
        Assert.StartsWith("unexpected end of section or function", Problem(ImplementationLimits.ElementSegments));
        Assert.Contains("the implementation limit is 10000000", Problem(ImplementationLimits.ElementSegments + 1));
    }

    [Fact]
    public void Modules_of_a_gibibyte_are_read_and_larger_ones_are_not()
    {
        // One custom section of zeros: its pages are never touched, so that the gibibyte is one of address space alone.
        byte[] bytes = GC.AllocateUninitializedArray<byte>(ImplementationLimits.ModuleSize + 1);
        byte[] head = [.. new ModuleBuilder().Build(), 0, .. U(ImplementationLimits.ModuleSize - 14), 0];
        Assert.Equal(15, head.Length);
        head.CopyTo(bytes, 0);
        WasmModule module = WasmModule.Decode(bytes.AsMemory(0, ImplementationLimits.ModuleSize));
        Assert.Equal(ImplementationLimits.ModuleSize - 15, module.CustomSections[0].Length);
        Assert.Contains("the implementation limit is 1073741824", Assert.Throws<MalformedModuleException>(() => WasmModule.Decode(bytes)).Problem);
    }

    [Fact]
    public void Text_is_held_to_the_same_limits()
    {
        string parameters = string.Join(' ', Enumerable.Repeat("i32", ImplementationLimits.Parameters));
        Validate(WatParser.Parse(System.Text.Encoding.UTF8.GetBytes($"(module (func (param {parameters})))")));
        Assert.ThrowsAny<WasmException>(() => Validate(WatParser.Parse(System.Text.Encoding.UTF8.GetBytes($"(module (func (param {parameters} i32)))"))));
    }

    private static void Validate(byte[] module) => ModuleValidator.Validate(WasmModule.Decode(module), new TypeRegistry(), 1);

    private static byte[] Many(byte[] item, int count)
    {
        byte[] all = new byte[item.Length * count];
        for (int i = 0; i < count; i++)
            item.CopyTo(all, i * item.Length);
        return all;
    }

    private static ModuleBuilder Function(byte[] type, params byte[][] body) => new ModuleBuilder().Vector(1, type).Vector(3, U(0)).Code(Concat(body));

    private static byte[] Module(string what, int count)
    {
        ModuleBuilder builder = new();
        switch (what)
        {
            case "types":
                return builder.Section(1, U(count), Many(s_emptyFunction, count)).Build();
            case "types of a recursion group":
                return builder.Section(1, U(1), B(0x4E), U(count), Many(s_emptyFunction, count)).Build();
            case "supertypes":
                return builder.Vector(1, [B(0x50, 0, 0x5F, 0), .. Enumerable.Range(0, count).Select(i => Concat(B(0x50, 1), U(i), B(0x5F, 0)))]).Build();
            case "functions":
                return builder.Vector(1, s_emptyFunction).Section(3, U(count), new byte[count]).Section(10, U(count), Many(s_emptyBody, count)).Build();
            case "functions, imports counted":
                return builder.Vector(1, s_emptyFunction).Vector(2, B(0, 0, 0, 0)).Section(3, U(count - 1), new byte[count - 1]).Section(10, U(count - 1), Many(s_emptyBody, count - 1)).Build();
            case "imports":
                return builder.Vector(1, s_emptyFunction).Section(2, U(count), Many(B(0, 0, 0, 0), count)).Build();
            case "exports":
                // Names of three bytes, all different.
                byte[] exports = new byte[6 * count];
                for (int i = 0; i < count; i++)
                {
                    exports[6 * i] = 3;
                    exports[(6 * i) + 1] = (byte)(i & 0x7F);
                    exports[(6 * i) + 2] = (byte)((i >> 7) & 0x7F);
                    exports[(6 * i) + 3] = (byte)(i >> 14);
                }

                return builder.Vector(1, s_emptyFunction).Vector(3, U(0)).Section(7, U(count), exports).Code(B(0, 0x0B)).Build();
            case "globals":
                return builder.Section(6, U(count), Many(B(0x7F, 0, 0x41, 0, 0x0B), count)).Build();
            case "globals, imports counted":
                return builder.Vector(2, B(0, 0, 3, 0x7F, 0)).Section(6, U(count - 1), Many(B(0x7F, 0, 0x41, 0, 0x0B), count - 1)).Build();
            case "tags":
                return builder.Vector(1, s_emptyFunction).Section(13, U(count), new byte[2 * count]).Build();
            case "tags, imports counted":
                return builder.Vector(1, s_emptyFunction).Vector(2, B(0, 0, 4, 0, 0)).Section(13, U(count - 1), new byte[2 * (count - 1)]).Build();
            case "tables":
                return builder.Section(4, U(count), Many(B(0x70, 0, 0), count)).Build();
            case "tables, imports counted":
                return builder.Vector(2, B(0, 0, 1, 0x70, 0, 0)).Section(4, U(count - 1), Many(B(0x70, 0, 0), count - 1)).Build();
            case "memories":
                return builder.Section(5, U(count), Many(B(0, 0), count)).Build();
            case "memories, imports counted":
                return builder.Vector(2, [.. Enumerable.Repeat(B(0, 0, 2, 0, 0), count)]).Build();
            case "data segments":
                return builder.Section(11, U(count), Many(B(1, 0), count)).Build();
            case "items of an element segment":
                return builder.Vector(1, s_emptyFunction).Vector(3, U(0)).Section(9, U(1), B(1, 0), U(count), new byte[count]).Code(B(0, 0x0B)).Build();
            case "parameters":
                return builder.Vector(1, Concat(B(0x60), U(count), Many(B(0x7F), count), B(0))).Build();
            case "results":
                return builder.Vector(1, Concat(B(0x60, 0), U(count), Many(B(0x7F), count))).Build();
            case "fields of a struct":
                return builder.Vector(1, Concat(B(0x5F), U(count), Many(B(0x7F, 0), count))).Build();
            case "function body":
                return Function(s_emptyFunction, B(0), Many(B(1), count - 2), B(0x0B)).Build();
            case "locals":
                return Function(s_emptyFunction, U(1), U(count), B(0x7F, 0x0B)).Build();
            case "locals in groups":
                return Function(s_emptyFunction, U(count), Many(B(1, 0x7E), count), B(0x0B)).Build();
            case "locals, parameters counted":
                return Function(B(0x60, 3, 0x7F, 0x7F, 0x7F, 0), U(1), U(count - 3), B(0x7F, 0x0B)).Build();
            case "operands of array.new_fixed":
                return builder.Vector(1, s_emptyFunction, B(0x5E, 0x7F, 0)).Vector(3, U(0)).Code(Concat(B(0), Many(B(0x41, 0), count), B(0xFB, 8, 1), U(count), B(0x1A, 0x0B))).Build();
            case "name":
                return builder.Section(0, U(count), Many(B('a'), count)).Build();
            case "labels of br_table":
                return Function(s_emptyFunction, B(0, 0x41, 0, 0x0E), U(count), new byte[count + 1], B(0x0B)).Build();
            case "blocks nested":
                return Function(s_emptyFunction, HostileInputTests.Nested(0x02, count)).Build();
            default:
                // Calls push a thousand values each, two last ones the rest (an instruction that pushes one is not asked).
                int calls = (count / 1000) - 1;
                int rest = count - (1000 * calls) - 500;
                byte[] results(int number) => Concat(B(0x60, 0), U(number), Many(B(0x7F), number));
                return builder.Vector(1, s_emptyFunction, results(1000), results(500), results(rest)).Vector(2, B(0, 0, 0, 1), B(0, 0, 0, 2), B(0, 0, 0, 3)).Vector(3, U(0))
                    .Code(Concat(B(0), Many(B(0x10, 0), calls), B(0x10, 1, 0x10, 2, 0, 0x0B))).Build();
        }
    }
}
