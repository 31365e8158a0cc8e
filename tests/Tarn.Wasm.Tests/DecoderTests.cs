// The decoder against hand-written bytes: what it reads, and what it says about what it cannot.
using Tarn.Wasm.Binary;
using static Tarn.Wasm.Tests.ModuleBuilder;

namespace Tarn.Wasm.Tests;

public sealed class DecoderTests
{
    // (type (func (param i32 i64) (result f32))) (import "a" "b" (func)) (func) (table 1 funcref) (memory 1 2) (global (mut i32) i32.const 5) (export "f")
    // (start), elem, data, code, names.
    internal static ModuleBuilder Full() => new ModuleBuilder()
        .Vector(1, B(0x60, 2, 0x7F, 0x7E, 1, 0x7D), B(0x60, 0, 0))
        .Vector(2, Concat(Name("a"), Name("b"), B(0, 1)), Concat(Name("a"), Name("é"), B(3, 0x7F, 0)))
        .Vector(3, U(1), U(0))
        .Vector(4, B(0x70, 0, 1))
        .Vector(5, B(1, 1, 2))
        .Vector(13, B(0, 1))
        .Vector(6, B(0x7F, 1, 0x41, 5, 0x0B))
        .Vector(7, Concat(Name("f"), B(0, 1)), Concat(Name("m"), B(2, 0)))
        .Section(8, U(1))
        .Vector(9, Concat(B(0, 0x41, 0, 0x0B), Vec(U(1))), Concat(B(5, 0x70), Vec(B(0xD0, 0x70, 0x0B), B(0xD2, 1, 0x0B))))
        .Section(12, U(2))
        .Code(B(0, 0x0B), B(1, 1, 0x7F, 0x43, 0, 0, 0x80, 0x3F, 0x0B))
        .Vector(11, Concat(B(0, 0x41, 0, 0x0B), Vec(B(1), B(2))), Concat(B(1), Vec(B(3))))
        .Section(0, Name("name"), B(0), U(4), Name("mod"), B(1), U(3), B(1, 1), Name(""), B(2), U(7), Vec(Concat(U(2), Vec(Concat(U(2), Name("x"))))), B(0));

    [Fact]
    public void A_module_with_all_sections_is_read()
    {
        WasmModule module = Full().Decode();
        Assert.Equal("(func (param i32 i64) (result f32))", module.Types[0].Composite.ToString());
        Assert.Equal(new Import("a", "é", ExternalKind.Global, 0), module.Imports[1]);
        Assert.Equal([1, 1, 0], module.Functions.ToArray());
        Assert.Equal(1, module.ImportedFunctionCount);
        Assert.Equal("funcref", module.Tables[0].Element.ToString());
        Assert.Equal("1 2", module.Memories[0].Limits.ToString());
        Assert.Equal(65536, module.Memories[0].PageSize);
        Assert.Equal(new CoreGlobalType(ValType.I32, true), module.Globals[1]);
        WasmReader reader = module.Read(module.GlobalInitializers[0]);
        Assert.Equal(Opcode.I32Const, reader.ReadOpcode());
        Assert.Equal(5, reader.ReadVarS32());
        Assert.Equal(new Export("m", ExternalKind.Memory, 0), module.Exports[1]);
        Assert.Equal(1, module.StartFunction);
        Assert.Equal("(ref func)", module.Elements[0].Type.ToString());
        Assert.Equal((SegmentMode.Passive, true, 2), (module.Elements[1].Mode, module.Elements[1].HasExpressions, module.Elements[1].Count));
        Assert.Equal([1, 2], module.Read(module.Data[0]).ToArray());
        Assert.Equal(9, module.Bodies[1].Length);
        reader = module.ReadBody(1);
        Assert.Equal(1u, reader.ReadVarU32());
        Assert.Equal(1u, reader.ReadLocalGroup(out ValType type));
        Assert.Equal(ValType.I32, type);
        Assert.Equal(Opcode.F32Const, reader.ReadOpcode());
        Assert.Equal(0x3F800000u, reader.ReadF32Bits());
        Assert.Equal("mod", module.Names.ModuleName);
    }

    [Theory]
    [InlineData("006173", "unexpected end: a module has at least eight bytes, the magic number and the version (at byte 0x3)")]
    [InlineData("7f61736d01000000", "magic header not detected: a module starts with the bytes 00 61 73 6d (at byte 0x0)")]
    [InlineData("0061736d0d000100", "unknown binary version: this is a component; only core modules are supported (at byte 0x4)")]
    [InlineData("0061736d010000000e00", "malformed section id 14 (at byte 0x8)")]
    [InlineData("0061736d0100000001020060", "section size mismatch: section Type has 1 bytes too many (at byte 0xb)")]
    [InlineData("0061736d01000000010500", "length out of bounds: unexpected end, as section Type declares 5 bytes and 1 follow (at byte 0x9)")]
    [InlineData("0061736d01000000030100010100", "unexpected content after last section: the section Type is repeated or out of order (at byte 0xb)")]
    [InlineData("0061736d010000000106ffffffff7f00", "integer too large (at byte 0xe)")]
    [InlineData("0061736d010000000106ffffffffff00", "integer representation too long (at byte 0xe)")]
    public void Malformed_bytes_are_refused_with_reason_and_place(string hex, string message) =>
        Assert.Equal(message, Assert.Throws<MalformedModuleException>(() => WasmModule.Decode(Convert.FromHexString(hex))).Message);

    [Fact]
    public void A_declared_count_beyond_the_section_fails_before_it_allocates()
    {
        byte[] module = new ModuleBuilder().Section(1, U(1_000_000), B(0x60, 0, 0)).Build();
        long before = GC.GetAllocatedBytesForCurrentThread();
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => WasmModule.Decode(module));
        Assert.StartsWith("unexpected end of section or function: 1000000 types declared, but only 3 bytes follow", exception.Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000);
    }

    [Fact]
    public void Features_that_are_off_are_refused_by_name()
    {
        Malformed("needs the feature Simd", new ModuleBuilder().Vector(1, B(0x60, 1, 0x7B, 0)), WasmFeatures.Wasm3 & ~WasmFeatures.Simd);
        Malformed("need the feature GarbageCollection", new ModuleBuilder().Vector(1, B(0x5F, 0)), WasmFeatures.Wasm3 & ~WasmFeatures.GarbageCollection);
        Malformed("malformed limits flags", new ModuleBuilder().Vector(5, B(3, 1, 1)), WasmFeatures.Wasm3);
        Assert.True(new ModuleBuilder().Vector(5, B(3, 1, 1)).Decode(WasmFeatures.All).Memories[0].Limits.IsShared);
    }

    [Fact]
    public void A_broken_name_section_keeps_what_came_before_the_fault()
    {
        WasmModule module = new ModuleBuilder().Section(0, Name("name"), B(0), U(2), Name("m"), B(1), U(9), B(1, 0), Name("f")).Decode();
        Assert.Equal("m", module.Names.ModuleName);
        Assert.Equal(0, module.Names.Functions.Count);
    }

    private static void Malformed(string part, ModuleBuilder module, WasmFeatures features) =>
        Assert.Contains(part, Assert.Throws<MalformedModuleException>(() => module.Decode(features)).Message);
}
