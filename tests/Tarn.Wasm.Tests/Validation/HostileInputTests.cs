// Input that aims at the reader instead of at being a module: every prefix of a module, counts that promise what is not there, nesting without end. What is
// asserted is the typed exception, and memory that the bytes at hand justify. Nothing here may recurse: the deep cases run on a small stack.
using System.Text;
using Tarn.TestSupport;
using Tarn.Wasm.Binary;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;
using static Tarn.Wasm.Tests.ModuleBuilder;

namespace Tarn.Wasm.Tests.Validation;

public sealed class HostileInputTests
{
    private const int SmallStack = 160 << 10;

    [Fact]
    public void Every_prefix_of_a_module_is_refused_or_is_a_module_itself()
    {
        foreach (byte[] module in ModuleCorpus.All.Take(4).Append(DecoderTests.Full().Build()))
        {
            HashSet<int> boundaries = SectionEnds(module);
            for (int length = 0; length < module.Length; length++)
            {
                byte[] prefix = module[..length];
                try
                {
                    ModuleValidator.Validate(WasmModule.Decode(prefix, WasmFeatures.All), new TypeRegistry(), 1);
                    Assert.Contains(length, boundaries);
                }
                catch (MalformedModuleException e)
                {
                    Assert.InRange(e.Offset, 0, length);
                }
                catch (InvalidModuleException e)
                {
                    Assert.Contains(length, boundaries);
                    Assert.InRange(e.Offset, 0, length);
                }
            }
        }
    }

    // Every count of the format, declared as high as its limit allows (or the encoding, where there is none) with next to nothing behind it.
    public static TheoryData<string, byte[]> Counts()
    {
        byte[] most = U(uint.MaxValue);
        byte[] types = U(ImplementationLimits.Types);
        byte[] Function(params byte[][] body) => new ModuleBuilder().Vector(1, B(0x60, 0, 0)).Vector(3, U(0)).Code(Concat(body)).Build();
        TheoryData<string, byte[]> data = new()
        {
            { "types", new ModuleBuilder().Section(1, types, B(0x60, 0, 0)).Build() },
            { "types of a group", new ModuleBuilder().Section(1, U(1), B(0x4E), types, B(0x60, 0, 0)).Build() },
            { "parameters", new ModuleBuilder().Section(1, U(1), B(0x60), U(ImplementationLimits.Parameters), B(0x7F)).Build() },
            { "results", new ModuleBuilder().Section(1, U(1), B(0x60, 0), U(ImplementationLimits.Results), B(0x7F)).Build() },
            { "fields", new ModuleBuilder().Section(1, U(1), B(0x5F), U(ImplementationLimits.StructFields), B(0x7F, 0)).Build() },
            { "imports", new ModuleBuilder().Section(2, U(ImplementationLimits.Imports), B(0, 0, 0, 0)).Build() },
            { "functions", new ModuleBuilder().Section(3, U(ImplementationLimits.Functions), B(0)).Build() },
            { "tables", new ModuleBuilder().Section(4, U(ImplementationLimits.Tables), B(0x70, 0, 0)).Build() },
            { "memories", new ModuleBuilder().Section(5, U(ImplementationLimits.Memories), B(0, 0)).Build() },
            { "tags", new ModuleBuilder().Section(13, U(ImplementationLimits.Tags), B(0, 0)).Build() },
            { "globals", new ModuleBuilder().Section(6, U(ImplementationLimits.Globals), B(0x7F, 0, 0x41, 0, 0x0B)).Build() },
            { "exports", new ModuleBuilder().Section(7, U(ImplementationLimits.Exports), B(0, 0, 0)).Build() },
            { "element segments", new ModuleBuilder().Section(9, U(ImplementationLimits.ElementSegments), B(1, 0, 0)).Build() },
            { "items", new ModuleBuilder().Section(9, U(1), B(1, 0), U(ImplementationLimits.ElementSegmentEntries), B(0)).Build() },
            { "data segments", new ModuleBuilder().Section(11, U(ImplementationLimits.DataSegments), B(1, 0)).Build() },
            { "data", new ModuleBuilder().Section(11, U(1), B(1), most, B(1)).Build() },
            { "bodies", new ModuleBuilder().Section(10, U(ImplementationLimits.Functions), B(2, 0, 0x0B)).Build() },
            { "body", new ModuleBuilder().Section(10, U(1), most, B(0, 0x0B)).Build() },
            { "name", new ModuleBuilder().Section(0, most, B(65)).Build() },
            { "section", [0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0, 1, .. most, 1] },
            { "local declarations", Function(most, B(0x7F, 0x0B)) },
            { "locals", Function(U(1), most, B(0x7F, 0x0B)) },
            { "labels", Function(B(0, 0x41, 0, 0x0E), U(ImplementationLimits.BranchTableLabels), B(0, 0x0B)) },
            { "catch clauses", Function(B(0, 0x1F, 0x40), most, B(2, 0, 0x0B)) },
            { "types of select", Function(B(0, 0x1C), most, B(0x7F, 0x0B)) },
        };
        return data;
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void A_declared_count_allocates_nothing_that_is_not_there(string what, byte[] module)
    {
        Read();
        long before = GC.GetAllocatedBytesForCurrentThread();
        WasmException refusal = Read();
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 200_000, $"{what}: {allocated} bytes allocated for {module.Length}: {refusal.Message}");

        WasmException Read() => Assert.ThrowsAny<WasmException>(() => ModuleValidator.Validate(WasmModule.Decode(module, WasmFeatures.All), new TypeRegistry(), 1));
    }

    [Fact]
    public void Counts_in_custom_sections_allocate_nothing_that_is_not_there()
    {
        byte[] most = U(uint.MaxValue);
        ModuleBuilder builder = new();
        for (int subsection = 1; subsection <= 11; subsection++)
            builder.Section(0, Name("name"), B(subsection), U(most.Length + 1), most, B(0));
        builder.Section(0, Name(CodeMetadata.BranchHintSection), most, B(0));
        WasmModule module = builder.Decode(WasmFeatures.All);
        ModuleValidator.Validate(module, new TypeRegistry(), 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(0, module.Names.Functions.Count);
        Assert.Empty(CodeMetadata.Read(module, CodeMetadata.BranchHintSection));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 50_000);
    }

    [Theory]
    [InlineData(0x02)]
    [InlineData(0x03)]
    public void Nesting_to_the_limit_needs_no_stack(int opcode)
    {
        byte[] body = Nested(opcode, ImplementationLimits.BlockNesting);
        OnSmallStack(() =>
        {
            WasmModule module = new ModuleBuilder().Vector(1, B(0x60, 0, 0)).Vector(3, U(0)).Code(body).Decode();
            ModuleValidator.Validate(module, new TypeRegistry(), 1);
            foreach (bool folded in new[] { false, true })
            {
                byte[] text = WatPrinter.Print(module, new WatPrintOptions { Folded = folded });
                // Indentation stops growing: a module cannot ask for quadratic output.
                Assert.InRange(text.Length, body.Length, 120L * body.Length);
                Assert.True(WatParser.Parse(text).AsSpan().SequenceEqual(module.Bytes.Span));
            }
        });
    }

    [Theory]
    [InlineData("(", "")]
    [InlineData("(module ", ")")]
    [InlineData("(module (func (block ", ")")]
    [InlineData("(func (drop (i32.eqz ", "))")]
    [InlineData("(if ", ")")]
    [InlineData("(;", ";)")]
    [InlineData("(@a ", ")")]
    [InlineData("(module (type (array ", ")")]
    [InlineData("(module (func (param (ref ", ")")]
    [InlineData("(module (global i32 (i32.add ", ")")]
    [InlineData("(module (elem (item ", ")")]
    [InlineData("(assert_return (invoke ", ")")]
    [InlineData("(thread $T ", ")")]
    public void Text_nested_without_end_needs_no_stack(string open, string close)
    {
        const int depth = 200_000;
        byte[] text = Encoding.UTF8.GetBytes(new StringBuilder().Insert(0, open, depth).Insert(open.Length * depth, close, depth).ToString());
        byte[] inFunction = Encoding.UTF8.GetBytes("(module (func " + Encoding.UTF8.GetString(text) + "))");
        OnSmallStack(() =>
        {
            Try(() => WatParser.Parse(text));
            Try(() => WatParser.Parse(inFunction));
            Try(() => Wast.ScriptParser.Parse(text, "deep"));
        });

        static void Try(Action action)
        {
            try
            {
                action();
            }
            catch (WasmException)
            {
                // Refused: as good as accepted. Anything else ends the test.
            }
        }
    }

    [Fact]
    public void The_same_error_is_reported_whatever_the_number_of_threads()
    {
        // 20,000 functions of which four are invalid: the first is to be named, and the malformed one before all.
        const int count = 20_000;
        byte[] good = B(0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x0B);
        byte[][] bodies = [.. Enumerable.Repeat(good, count)];
        foreach (int bad in new[] { 19_999, 7_000, 12_345, 7_001 })
            bodies[bad] = B(0, 0x1A, 0x0B);
        ModuleBuilder Build() => new ModuleBuilder().Vector(1, B(0x60, 0, 0)).Vector(3, [.. Enumerable.Repeat(B(0), count)]).Code(bodies);
        byte[] invalid = Build().Build();
        bodies[15_000] = B(0, 0xFF, 0x0B);
        byte[] malformed = Build().Build();
        for (int threads = 1; threads <= 4; threads++)
        {
            Assert.Equal(7_000, Assert.Throws<InvalidModuleException>(() => ModuleValidator.Validate(WasmModule.Decode(invalid), new TypeRegistry(), threads)).FunctionIndex);
            Assert.StartsWith("illegal opcode", Assert.Throws<MalformedModuleException>(() => ModuleValidator.Validate(WasmModule.Decode(malformed), new TypeRegistry(), threads)).Problem);
        }
    }

    [Fact]
    public void A_body_that_is_malformed_is_reported_before_a_later_section_that_is()
    {
        byte[] module = [.. new ModuleBuilder().Vector(1, B(0x60, 0, 0)).Vector(3, U(0)).Code(B(0, 0xFF, 0x0B)).Build(), 99, 0];
        Assert.StartsWith("illegal opcode ff", Assert.Throws<MalformedModuleException>(() => WasmModule.Decode(module)).Problem);
    }

    internal static byte[] Nested(int opcode, int depth)
    {
        byte[] body = new byte[1 + (3 * depth) + 1];
        for (int i = 0; i < depth; i++)
        {
            body[1 + (2 * i)] = (byte)opcode;
            body[2 + (2 * i)] = 0x40;
        }

        body.AsSpan(1 + (2 * depth)).Fill(0x0B);
        return body;
    }

    private static HashSet<int> SectionEnds(byte[] module)
    {
        HashSet<int> ends = [8];
        WasmReader reader = new(module, 8, module.Length);
        while (!reader.IsAtEnd)
        {
            reader.ReadByte();
            reader.Skip((int)reader.ReadVarU32());
            ends.Add(reader.Position);
        }

        return ends;
    }

    // A stack overflow ends the process, so that there is nothing to assert but that the thread comes back.
    private static void OnSmallStack(Action action)
    {
        Exception? failure = null;
        Thread thread = new(
            () =>
            {
                try
                {
                    action();
                }
                catch (Exception e)
                {
                    failure = e;
                }
            },
            SmallStack);
        thread.Start();
        thread.Join();
        if (failure is not null)
            throw new InvalidOperationException(failure.Message, failure);
    }
}
