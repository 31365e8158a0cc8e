// What the command line tells of a trap: places in the source, from debug information or a source map beside the module, and a dump for a debugger.
using System.Buffers.Binary;
using System.Text;
using Tarn.Cli.Tests.Support;
using Tarn.Wasi.Tests.Support;
using Tarn.Wasm;

namespace Tarn.Cli.Tests;

/// <summary>A trap can be found in the source and looked at afterwards.</summary>
public sealed class TrapTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_trap_names_file_and_line_also_of_a_compiled_module()
    {
        Assert.Equal(0, CommandLine.Run("compile", Guest.PathOf("places-5"), "-o", _directory["places.tarn"]).Status);
        foreach (string path in (string[])[Guest.PathOf("places-4"), Guest.PathOf("places-5"), _directory["places.tarn"]])
        {
            GuestResult result = CommandLine.Run("run", "--invoke", "inlined", path, "0");
            Assert.Equal(134, result.Status);
            Assert.Matches(
                "\n   at divide \\(inlined\\), src/debug/places.c:5:14\n   at twice \\(inlined\\), src/debug/places.c:9:10\n   at outer @ 0x[0-9a-f]+, src/debug/places.c:12:20\n   at inlined @ 0x[0-9a-f]+, src/debug/places.c:16:10\n",
                result.Error);
        }
    }

    [Theory]
    [InlineData("m.wasm.map", true)]
    [InlineData("./m.wasm.map", true)]
    [InlineData("http://127.0.0.1:1/build/m.wasm.map", true)]
    [InlineData("../m.wasm.map", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("other.map", false)]
    [InlineData("", false)]
    [InlineData(".", false)]
    public void A_source_map_beside_the_module_is_read(string address, bool found)
    {
        byte[] text = Encoding.UTF8.GetBytes(address);
        byte[] name = "sourceMappingURL"u8.ToArray();
        byte[] module =
        [
            0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, (byte)'f', 0, 0, 10, 5, 1, 3, 0, 0, 11,
            0, (byte)(2 + name.Length + text.Length), (byte)name.Length, .. name, (byte)text.Length, .. text,
        ];
        File.WriteAllBytes(_directory["m.wasm"], module);
        // From the code section's contents on: line 7, column 3.
        File.WriteAllText(_directory["m.wasm.map"], """{"version":3,"sources":["assembly/index.ts"],"names":[],"mappings":"0BAME"}""");
        GuestResult result = CommandLine.Run("run", _directory["m.wasm"]);
        Assert.Equal(134, result.Status);
        Assert.Equal(found, result.Error.Contains("at f @ 0x1e, assembly/index.ts:7:3\n", StringComparison.Ordinal));
        Assert.Contains("at f @ 0x1e", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dump_of_a_guest_that_trapped_is_a_module_with_its_memories_globals_and_stack()
    {
        File.WriteAllText(_directory["m.wat"], """
            (module $example
              (memory 3) (memory 1) (global $a (mut i32) (i32.const 1)) (global $b i64 (i64.const -2)) (global $c (mut f32) (f32.const 1.5)) (global $d (mut funcref) (ref.func $inner)) (global $e f64 (f64.const nan:0x1))
              (func $inner (i32.store (i32.const 131072) (i32.const 0x11223344)) (i32.store 1 (i32.const 8) (i32.const 0x55)) (global.set $a (i32.const -70000)) unreachable)
              (func (export "f") (call $inner)))
            """);
        GuestResult result = CommandLine.Run("run", "--coredump", _directory["core"], _directory["m.wat"]);
        Assert.Equal(134, result.Status);
        WasmModule dump = WasmModule.Decode(File.ReadAllBytes(_directory["core"]));
        Assert.Equal(["core", "coremodules", "coreinstances", "corestack"], dump.CustomSections.ToArray().Select(section => section.Name));
        // Version, "main", two frames of instance 0: $inner and f, their offsets, no locals and no operands.
        byte[] stack = Section(dump, "corestack");
        Assert.Equal([0, 4, (byte)'m', (byte)'a', (byte)'i', (byte)'n', 2, 0, 0, 0], stack[..10]);
        Assert.Equal([0, 0], stack[11..13]);
        Assert.Equal([0, 0, 1], stack[13..16]);
        Assert.Equal([1, 0, 0, 2, 0, 1, 5, 0, 1, 2, 3, 4], Section(dump, "coreinstances"));
        Assert.Equal([3UL, 1UL], dump.Memories.ToArray().Select(memory => memory.Limits.Minimum));
        GuestResult valid = CommandLine.Run("validate", _directory["core"]);
        Assert.Equal(0, valid.Status);
        string text = CommandLine.Run("print", _directory["core"]).Output;
        Assert.Contains("(global (;0;) (mut i32) (i32.const -70000))", text, StringComparison.Ordinal);
        Assert.Contains("(global (;1;) i64 (i64.const -2))", text, StringComparison.Ordinal);
        Assert.Contains("nan:0x1", text, StringComparison.Ordinal);
        // Two pages hold something, one of each memory.
        Assert.Equal(2, dump.Data.Length);
        ReadOnlySpan<byte> page = dump.Read(dump.Data[0]);
        Assert.Equal((65536, 0x11223344), (page.Length, BinaryPrimitives.ReadInt32LittleEndian(page)));
        Assert.Equal(0x55, dump.Read(dump.Data[1])[8]);
    }

    [Fact]
    public void A_dump_is_made_of_what_traps_and_says_why_it_cannot_be()
    {
        string crash = Guest.PathOf("crash");
        Assert.Equal(124, CommandLine.Run("run", "--timeout", "1", "--coredump", _directory["late"], crash, "spin").Status);
        Assert.Equal(0, CommandLine.Run("validate", _directory["late"]).Status);
        Assert.Equal(0, CommandLine.Run("run", "--coredump", _directory["none"], Guest.PathOf("hello")).Status);
        Assert.False(File.Exists(_directory["none"]));
        GuestResult refused = CommandLine.Run("run", "--coredump", _directory["not/there"], crash, "abort");
        Assert.Equal(134, refused.Status);
        Assert.Contains("tarn: --coredump ", refused.Error, StringComparison.Ordinal);
        Assert.Contains("the guest trapped", refused.Error, StringComparison.Ordinal);
    }

    private static byte[] Section(WasmModule module, string name)
    {
        Assert.True(module.TryGetCustomSection(name, out CustomSection section));
        return module.Read(section).ToArray();
    }
}
