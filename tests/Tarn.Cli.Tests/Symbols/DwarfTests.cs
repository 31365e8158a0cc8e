// DWARF of real compilers leads backtraces to file, line and inlined functions; DWARF of an enemy leads nowhere, at a cost that is linear in its size.
using System.Buffers.Binary;
using System.Text;
using Tarn.Symbols;
using Tarn.Wasi.Tests.Support;
using Tarn.Wasm;

namespace Tarn.Cli.Tests.Symbols;

/// <summary>Backtraces say where in the source they are.</summary>
public sealed class DwarfTests
{
    [Theory]
    [InlineData("places-4")]
    [InlineData("places-5")]
    public void A_trap_names_the_line_and_the_functions_that_were_inlined(string program)
    {
        TrapException trap = Trap(program, "inlined", 0);
        Assert.Equal(
            [
                $"divide (inlined), src/debug/places.c:{Line("places.c", "divide")}",
                $"twice (inlined), src/debug/places.c:{Line("places.c", "twice")}",
                $"outer, src/debug/places.c:{Line("places.c", "outer")}",
                $"inlined, src/debug/places.c:{Line("places.c", "inlined")}",
            ],
            Told(trap));
        Assert.Equal([$"loop, src/debug/places.c:{Line("places.c", "loop")}"], Told(Trap(program, "loop", 9)));
        IReadOnlyList<SourceLocation> places = trap.GuestBacktrace[0].Locations;
        Assert.Equal(["divide", "twice", "outer"], places.Select(place => place.FunctionName));
        Assert.Equal(14, places[0].Column);
        Assert.Equal("outer", trap.GuestBacktrace[0].FunctionName);
    }

    [Fact]
    public void Names_of_cpp_are_decoded_in_frames_and_in_inlined_functions()
    {
        string[] told = Told(Trap("shapes", "run", 9));
        Assert.Equal($"shapes::Box<int, 4>::take(int, int const*) const, src/debug/shapes.cpp:{Line("shapes.cpp", "take")}", told[0]);
        Assert.StartsWith("run::$_0::operator()(int) const (inlined), src/debug/shapes.cpp:", told[1], StringComparison.Ordinal);
        Assert.Contains($"shapes::visit(int (*)(int), int), src/debug/shapes.cpp:{Line("shapes.cpp", "visit")}", told);
        Assert.Equal($"run, src/debug/shapes.cpp:{Line("shapes.cpp", "run")}", told[^1]);
    }

    [Theory]
    [InlineData("rust-legacy", "places::Shelf<T>::take", "places::run::{{closure}}")]
    [InlineData("rust-v0", "<places::Shelf<i16>>::take", "places::run::{closure#0}")]
    public void Names_and_places_of_rust(string program, string take, string closure)
    {
        string[] told = Told(Trap(program, "run", 9));
        Assert.StartsWith("core::core_arch::wasm32::unreachable (inlined), ", told[0], StringComparison.Ordinal);
        Assert.Equal(
            [
                $"places::halve (inlined), src/debug/places.rs:{Line("places.rs", "halve")}",
                $"{take}, src/debug/places.rs:{Line("places.rs", "scale")}",
                $"{closure} (inlined), src/debug/places.rs:{Line("places.rs", "run")}",
                $"places::visit, src/debug/places.rs:{Line("places.rs", "visit")}",
                $"run, src/debug/places.rs:{Line("places.rs", "run")}",
            ],
            told[1..]);
        // Dividing by zero panics, and how the panic came about is told too.
        Assert.Contains($"{take}, src/debug/places.rs:{Line("places.rs", "take")}", Told(Trap(program, "run", 10)));
    }

    [Fact]
    public void Nothing_is_read_for_a_trap_that_nobody_prints()
    {
        using Module module = Module.FromFile(Guest.Engine, Guest.PathOf("shapes"));
        using Instance instance = new Linker(Guest.Engine).Prepare(module).Instantiate();
        Assert.False(instance.GetFunction<int, int>("run").TryInvoke(9, out _, out Trap? trap));
        Assert.Equal((TrapCode.Unreachable, 4), (trap.Code, trap.Backtrace.Count));
        TrapException exception = trap.ToException();
        Assert.False(module.Core.Symbols.IsRead);
        Assert.Contains("src/debug/shapes.cpp", exception.Message, StringComparison.Ordinal);
        Assert.True(module.Core.Symbols.IsRead);
        // Also when the module is gone.
        module.Dispose();
        Assert.Contains("src/debug/shapes.cpp", trap.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_without_debug_information_says_what_it_said()
    {
        using Module module = Module.FromText(Guest.Engine, "(module (func (export \"f\") unreachable))");
        using Instance instance = new Linker(Guest.Engine).Prepare(module).Instantiate();
        TrapException trap = Assert.Throws<TrapException>(() => instance.GetFunction("f").Invoke());
        Assert.Empty(trap.GuestBacktrace[0].Locations);
        Assert.Matches("^f @ 0x[0-9a-f]+$", trap.GuestBacktrace[0].ToString());
    }

    [Theory]
    [InlineData("places-4")]
    [InlineData("places-5")]
    [InlineData("shapes")]
    [InlineData("rust-v0")]
    public void Whatever_is_in_the_sections_costs_no_more_than_its_size(string program)
    {
        byte[] bytes = File.ReadAllBytes(Guest.PathOf(program));
        WasmModule sound = WasmModule.Decode(bytes);
        List<int> places = [];
        foreach (CustomSection section in sound.CustomSections.ToArray().Where(section => section.Name.StartsWith(".debug_", StringComparison.Ordinal)))
            places.AddRange(Enumerable.Range(section.Offset, section.Length));
        var random = new Random(11);
        int known = 0;
        for (int i = 0; i < 2000; i++)
        {
            byte[] broken = [.. bytes];
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                int at = places[random.Next(places.Count)];
                broken[at] = random.Next(4) switch { 0 => 0xFF, 1 => 0, 2 => (byte)(broken[at] ^ (1 << random.Next(8))), _ => (byte)random.Next(256) };
            }
            DwarfInformation dwarf = DwarfInformation.Of(WasmModule.Decode(broken))!;
            for (uint address = 0; address < 300; address += 7)
                known += dwarf.Find(address).Length;
            Assert.True(dwarf.MostSpent <= dwarf.Allowance + 64, "the budget did not hold");
        }
        Assert.True(known > 1000, "nothing was found in any of them: the mutations are too coarse to tell anything");
    }

    [Fact]
    public void Tables_within_tables_and_entries_of_nothing_are_given_up()
    {
        // 2,000 units that each name a table of abbreviations within the one table, whose tail they share; entries whose attributes have no bytes; an inner program that repeats itself.
        var abbreviations = new List<byte>();
        for (int i = 0; i < 5000; i++)
            abbreviations.AddRange([1, 0x11, 1, 0x3F, 0x19, 0, 0]);
        abbreviations.Add(0);
        var info = new List<byte>();
        for (int i = 0; i < 2000; i++)
        {
            byte[] unit = new byte[12];
            BinaryPrimitives.WriteInt32LittleEndian(unit, 8);
            unit[4] = 4;
            BinaryPrimitives.WriteInt32LittleEndian(unit.AsSpan(6), 7 * i);
            unit[10] = 4;
            unit[11] = 1;
            info.AddRange(unit);
        }
        byte[] lines = [.. Header(4), .. Program];
        DwarfInformation dwarf = DwarfInformation.Of(WithSections((".debug_abbrev", [.. abbreviations]), (".debug_info", [.. info]), (".debug_line", lines)))!;
        long before = GC.GetAllocatedBytesForCurrentThread();
        dwarf = DwarfInformation.Of(WithSections((".debug_abbrev", [.. abbreviations]), (".debug_info", [.. info]), (".debug_line", lines)))!;
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 100 * (abbreviations.Count + info.Count), $"{allocated} bytes for {abbreviations.Count + info.Count}");
        Assert.Equal("a.c:1", Assert.Single(dwarf.Find(20)).ToString());
        // A line program of a billion rows does not fit, but one directory in a billion entries without bytes would.
        byte[] entries =
        [
            .. Unit([5, 0, 4, 0, 34, 0, 0, 0, 1, 1, 1, 0xFB, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0x19, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 1, 0x19, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], 14),
            .. Program,
        ];
        dwarf = DwarfInformation.Of(WithSections((".debug_line", entries)))!;
        Assert.Empty(dwarf.Find(20));
    }

    // One row at 16, up to 216.
    private static ReadOnlySpan<byte> Program => [0, 5, 2, 16, 0, 0, 0, 1, 2, 200, 1, 0, 1, 1];

    private static byte[] Header(byte version) =>
        Unit([version, 0, 27, 0, 0, 0, 1, 1, 1, 0xFB, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, (byte)'a', (byte)'.', (byte)'c', 0, 0, 0, 0, 0], 14);

    private static byte[] Unit(byte[] contents, int more = 0)
    {
        byte[] unit = new byte[4 + contents.Length];
        BinaryPrimitives.WriteInt32LittleEndian(unit, contents.Length + more);
        contents.CopyTo(unit, 4);
        return unit;
    }

    private static WasmModule WithSections(params ReadOnlySpan<(string Name, byte[] Contents)> sections)
    {
        var module = new List<byte>([0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0]);
        foreach ((string name, byte[] contents) in sections)
        {
            byte[] text = Encoding.UTF8.GetBytes(name);
            int size = 1 + text.Length + contents.Length;
            module.AddRange([0, (byte)(size | 0x80), (byte)((size >> 7) | 0x80), (byte)((size >> 14) | 0x80), (byte)(size >> 21), (byte)text.Length]);
            module.AddRange(text);
            module.AddRange(contents);
        }
        return WasmModule.Decode(module.ToArray());
    }

    private static TrapException Trap(string program, string function, int argument)
    {
        Module module = Guest.Module(program);
        using Instance instance = new Linker(Guest.Engine).Prepare(module).Instantiate();
        return Assert.Throws<TrapException>(() => instance.GetFunction(function).Invoke(argument));
    }

    // Without offsets and columns.
    private static string[] Told(TrapException trap) =>
        [.. string.Join('\n', trap.GuestBacktrace).Replace("   at ", "", StringComparison.Ordinal).Split('\n')
            .Select(line => System.Text.RegularExpressions.Regex.Replace(line, " @ 0x[0-9a-f]+|(?<=:[0-9]+):[0-9]+$", ""))];

    // The line that a comment marks.
    private static int Line(string file, string mark)
    {
        string path = Tarn.TestSupport.Repository.PathOf("tests", "Tarn.Wasi.Tests", "Programs", "src", "debug", file);
        return Array.FindIndex(File.ReadAllLines(path), line => line.EndsWith("// " + mark, StringComparison.Ordinal)) + 1;
    }
}
