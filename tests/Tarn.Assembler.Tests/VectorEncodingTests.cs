// Every member of the vector table in every form that its bits claim, over all operand shapes. Nothing here names an operation: a line added
// to the table is tested by being there.
using System.Collections.Immutable;
using Iced.Intel;
using Tarn.Assembler.X64;
using static Tarn.Assembler.Tests.Operand;
using static Tarn.Assembler.X64.X64Encoding;

namespace Tarn.Assembler.Tests;

public sealed class VectorEncodingTests
{
    private static readonly string[] s_suffixes = ["64", "Load", "Store", "ToGpr", "Xmm", "Imm", "Gpr", "Evex"];

    private static readonly ImmutableHashSet<CpuidFeature> s_legacyFeatures =
        [CpuidFeature.SSE, CpuidFeature.SSE2, CpuidFeature.SSE3, CpuidFeature.SSSE3, CpuidFeature.SSE4_1, CpuidFeature.SSE4_2];

    private static readonly ImmutableHashSet<CpuidFeature> s_evexFeatures =
    [
        CpuidFeature.AVX512F, CpuidFeature.AVX512VL, CpuidFeature.AVX512BW, CpuidFeature.AVX512DQ, CpuidFeature.AVX512_VBMI, CpuidFeature.AVX512_BITALG,
        CpuidFeature.AVX512_VNNI,
    ];

    private static readonly ImmutableHashSet<CpuidFeature> s_vexFeatures =
        [CpuidFeature.AVX, CpuidFeature.AVX2, CpuidFeature.FMA, CpuidFeature.AVX_VNNI];

    public static TheoryData<string> LegacyOps { get; } = [.. Enum.GetNames<SseOp>().Where(n => !Enum.Parse<SseOp>(n).IsVexOnly())];

    public static TheoryData<string> VexOps { get; } = [.. Enum.GetNames<SseOp>().Where(n => ((uint)Enum.Parse<SseOp>(n) & (LegacyOnly | EvexBit)) == 0)];

    public static TheoryData<string> EvexOps { get; } = [.. Enum.GetNames<SseOp>().Where(n => Enum.Parse<SseOp>(n).IsEvex())];

    public static TheoryData<string> WideOps { get; } = [.. Enum.GetNames<SseOp>().Where(n => ((uint)Enum.Parse<SseOp>(n) & Wide) != 0)];

    [Fact]
    public void Operations_are_distinct() =>
        Assert.Equal(Enum.GetNames<SseOp>().Length, Enum.GetValues<SseOp>().Distinct().Count());

    [Theory]
    [MemberData(nameof(LegacyOps))]
    public void Legacy_form(string name)
    {
        SseOp op = Enum.Parse<SseOp>(name);
        Mnemonic mnemonic = MnemonicOf(name, vex: false);
        var checker = new EncodingChecker();
        X64Assembler asm = checker.Asm;
        OperandSize gpr = GprSize(op);
        if (op.Shape() == SseShape.ShiftImm)
        {
            foreach (Xmm x in Shapes.Xmms)
            {
                asm.SseImm(op, x, (int)x * 17);
                checker.Expect(mnemonic, x, Imm((int)x * 17));
            }
        }
        for (int i = 0; i < 256 && HasRegisterForm(op) && op.Shape() != SseShape.ShiftImm; i++)
        {
            int low = i & 15;
            int high = i >> 4;
            switch (op.Shape(), op.HasImmediate())
            {
                case (SseShape.Rm or SseShape.Rvm, false):
                    asm.Sse(op, (Xmm)low, (Xmm)high);
                    checker.Expect(mnemonic, (Xmm)low, (Xmm)high);
                    break;
                case (SseShape.Rm or SseShape.Rvm, true):
                    asm.SseImm(op, (Xmm)low, (Xmm)high, i);
                    checker.Expect(mnemonic, (Xmm)low, (Xmm)high, Imm(i));
                    break;
                case (SseShape.RmGpr or SseShape.RvmGpr, false):
                    asm.Sse(op, (Xmm)low, (Gpr)high);
                    checker.Expect(mnemonic, (Xmm)low, Of(gpr, (Gpr)high));
                    break;
                case (SseShape.RmGpr or SseShape.RvmGpr, true):
                    asm.SseImm(op, (Xmm)low, (Gpr)high, i);
                    checker.Expect(mnemonic, (Xmm)low, Of(gpr, (Gpr)high), Imm(i));
                    break;
                case (SseShape.MrGpr or SseShape.GprRm, false):
                    asm.Sse(op, (Gpr)low, (Xmm)high);
                    checker.Expect(mnemonic, Of(gpr, (Gpr)low), (Xmm)high);
                    break;
                case (SseShape.MrGpr or SseShape.GprRm, true):
                    asm.SseImm(op, (Gpr)low, (Xmm)high, i);
                    checker.Expect(mnemonic, Of(gpr, (Gpr)low), (Xmm)high, Imm(i));
                    break;
                default:
                    Assert.Fail($"The test does not know the operands of {name}.");
                    break;
            }
        }
        for (int i = 0; i < Shapes.Corners.Length && HasMemoryForm(op); i++)
        {
            Mem mem = Shapes.Corners[i];
            var x = (Xmm)(i & 15);
            switch (op.Shape(), op.HasImmediate())
            {
                case (SseShape.Rm or SseShape.Rvm or SseShape.RmGpr or SseShape.RvmGpr, false):
                    asm.Sse(op, x, mem);
                    checker.Expect(mnemonic, x, mem);
                    break;
                case (SseShape.Rm or SseShape.Rvm or SseShape.RmGpr or SseShape.RvmGpr, true):
                    asm.SseImm(op, x, mem, i);
                    checker.Expect(mnemonic, x, mem, Imm(i));
                    break;
                case (SseShape.Store or SseShape.MrGpr, false):
                    asm.Sse(op, mem, x);
                    checker.Expect(mnemonic, mem, x);
                    break;
                case (SseShape.MrGpr, true):
                    asm.SseImm(op, mem, x, i);
                    checker.Expect(mnemonic, mem, x, Imm(i));
                    break;
                case (SseShape.GprRm, false):
                    asm.Sse(op, (Gpr)x, mem);
                    checker.Expect(mnemonic, Of(gpr, (Gpr)x), mem);
                    break;
                default:
                    Assert.Fail($"The test does not know the operands of {name}.");
                    break;
            }
        }
        Assert.True(checker.Count >= 16);
        AssertEncoding(mnemonic, EncodingKind.Legacy, s_legacyFeatures);
    }

    [Theory]
    [MemberData(nameof(VexOps))]
    public void Vex_form(string name)
    {
        SseOp op = Enum.Parse<SseOp>(name);
        Mnemonic mnemonic = MnemonicOf(name, vex: true);
        var checker = new EncodingChecker(CpuFeatures.Avx);
        X64Assembler asm = checker.Asm;
        OperandSize gpr = GprSize(op);
        for (int i = 0; i < 256 * 3 && HasRegisterForm(op); i++)
        {
            int low = i & 15;
            int high = (i >> 4) & 15;
            // Three operands: each register in each place, and each pair of first and last.
            int middle = (low + (high * 3) + ((i >> 8) * 8)) & 15;
            switch (op.Shape(), op.HasImmediate())
            {
                case (SseShape.Rm, false):
                    asm.Avx(op, (Xmm)low, (Xmm)high);
                    checker.Expect(mnemonic, (Xmm)low, (Xmm)high);
                    break;
                case (SseShape.Rm or SseShape.ShiftImm, true):
                    asm.AvxImm(op, (Xmm)low, (Xmm)high, i);
                    checker.Expect(mnemonic, (Xmm)low, (Xmm)high, Imm(i));
                    break;
                case (SseShape.Rvm, false):
                    asm.Avx(op, (Xmm)low, (Xmm)middle, (Xmm)high);
                    if (op.IsCommutative())
                        checker.ExpectCommutative(mnemonic, (Xmm)low, (Xmm)middle, (Xmm)high);
                    else
                        checker.Expect(mnemonic, (Xmm)low, (Xmm)middle, (Xmm)high);
                    break;
                case (SseShape.Rvm, true):
                    asm.AvxImm(op, (Xmm)low, (Xmm)middle, (Xmm)high, i);
                    checker.Expect(mnemonic, (Xmm)low, (Xmm)middle, (Xmm)high, Imm(i));
                    break;
                case (SseShape.Is4, _):
                    asm.AvxBlend(op, (Xmm)low, (Xmm)middle, (Xmm)high, (Xmm)(i * 7 & 15));
                    checker.Expect(mnemonic, (Xmm)low, (Xmm)middle, (Xmm)high, (Xmm)(i * 7 & 15));
                    break;
                case (SseShape.RmGpr, false):
                    asm.Avx(op, (Xmm)low, (Gpr)high);
                    checker.Expect(mnemonic, (Xmm)low, Of(gpr, (Gpr)high));
                    break;
                case (SseShape.RvmGpr, false):
                    asm.Avx(op, (Xmm)low, (Xmm)middle, (Gpr)high);
                    checker.Expect(mnemonic, (Xmm)low, (Xmm)middle, Of(gpr, (Gpr)high));
                    break;
                case (SseShape.RvmGpr, true):
                    asm.AvxImm(op, (Xmm)low, (Xmm)middle, (Gpr)high, i);
                    checker.Expect(mnemonic, (Xmm)low, (Xmm)middle, Of(gpr, (Gpr)high), Imm(i));
                    break;
                case (SseShape.MrGpr or SseShape.GprRm, false):
                    asm.Avx(op, (Gpr)low, (Xmm)high);
                    checker.Expect(mnemonic, Of(gpr, (Gpr)low), (Xmm)high);
                    break;
                case (SseShape.MrGpr or SseShape.GprRm, true):
                    asm.AvxImm(op, (Gpr)low, (Xmm)high, i);
                    checker.Expect(mnemonic, Of(gpr, (Gpr)low), (Xmm)high, Imm(i));
                    break;
                default:
                    Assert.Fail($"The test does not know the operands of {name}.");
                    break;
            }
        }
        for (int i = 0; i < Shapes.Corners.Length && HasMemoryForm(op); i++)
        {
            Mem mem = Shapes.Corners[i];
            var x = (Xmm)(i & 15);
            var v = (Xmm)(i * 5 & 15);
            switch (op.Shape(), op.HasImmediate())
            {
                case (SseShape.Rm or SseShape.RmGpr, false):
                    asm.Avx(op, x, mem);
                    checker.Expect(mnemonic, x, mem);
                    break;
                case (SseShape.Rm, true):
                    asm.AvxImm(op, x, mem, i);
                    checker.Expect(mnemonic, x, mem, Imm(i));
                    break;
                case (SseShape.Rvm or SseShape.RvmGpr, false):
                    asm.Avx(op, x, v, mem);
                    checker.Expect(mnemonic, x, v, mem);
                    break;
                case (SseShape.Rvm or SseShape.RvmGpr, true):
                    asm.AvxImm(op, x, v, mem, i);
                    checker.Expect(mnemonic, x, v, mem, Imm(i));
                    break;
                case (SseShape.Is4, _):
                    asm.AvxBlend(op, x, v, mem, (Xmm)(i * 7 & 15));
                    checker.Expect(mnemonic, x, v, mem, (Xmm)(i * 7 & 15));
                    break;
                case (SseShape.Store or SseShape.MrGpr, false):
                    asm.Avx(op, mem, x);
                    checker.Expect(mnemonic, mem, x);
                    break;
                case (SseShape.MrGpr, true):
                    asm.AvxImm(op, mem, x, i);
                    checker.Expect(mnemonic, mem, x, Imm(i));
                    break;
                case (SseShape.GprRm, false):
                    asm.Avx(op, (Gpr)x, mem);
                    checker.Expect(mnemonic, Of(gpr, (Gpr)x), mem);
                    break;
                default:
                    Assert.Fail($"The test does not know the operands of {name}.");
                    break;
            }
        }
        Assert.True(checker.Count >= 16);
        AssertEncoding(mnemonic, EncodingKind.VEX, s_vexFeatures);
    }

    [Theory]
    [MemberData(nameof(EvexOps))]
    public void Evex_form(string name)
    {
        SseOp op = Enum.Parse<SseOp>(name);
        Mnemonic mnemonic = MnemonicOf(name, vex: true);
        var checker = new EncodingChecker(CpuFeatures.Avx);
        X64Assembler asm = checker.Asm;
        OperandSize gpr = GprSize(op);
        for (int i = 0; i < 256 * 3; i++)
        {
            var low = (Xmm)(i & 15);
            int number = (i >> 4) & 15;
            var high = (Xmm)number;
            var middle = (Xmm)(((i & 15) + (number * 3) + ((i >> 8) * 8)) & 15);
            switch (op.Shape(), op.HasImmediate())
            {
                case (SseShape.Rm, false):
                    asm.Vec(op, low, high);
                    checker.Expect(mnemonic, low, high);
                    break;
                case (SseShape.ShiftImm, true):
                    asm.VecImm(op, low, high, i);
                    checker.Expect(mnemonic, low, high, Imm(i));
                    break;
                case (SseShape.Rvm, false):
                    asm.Vec(op, low, middle, high);
                    checker.Expect(mnemonic, low, middle, high);
                    break;
                case (SseShape.Rvm, true):
                    asm.VecImm(op, low, middle, high, i);
                    checker.Expect(mnemonic, low, middle, high, Imm(i));
                    break;
                case (SseShape.RmGpr, false):
                    asm.Vec(op, low, (Gpr)number);
                    checker.Expect(mnemonic, low, Of(gpr, (Gpr)number));
                    break;
                default:
                    Assert.Fail($"The test does not know the operands of {name}.");
                    break;
            }
        }
        for (int i = 0; i < Shapes.Corners.Length && HasMemoryForm(op); i++)
        {
            Mem mem = Shapes.Corners[i];
            var x = (Xmm)(i & 15);
            var v = (Xmm)(i * 5 & 15);
            switch (op.Shape(), op.HasImmediate())
            {
                case (SseShape.Rm, false):
                    asm.Vec(op, x, mem);
                    checker.Expect(mnemonic, x, mem);
                    break;
                case (SseShape.Rvm, false):
                    asm.Vec(op, x, v, mem);
                    checker.Expect(mnemonic, x, v, mem);
                    break;
                case (SseShape.Rvm, true):
                    asm.VecImm(op, x, v, mem, i);
                    checker.Expect(mnemonic, x, v, mem, Imm(i));
                    break;
                default:
                    Assert.Fail($"The test does not know the operands of {name}.");
                    break;
            }
        }

        // Displacements that are and are not whole units, up to the ends of a byte's range.
        int unit = ((uint)op & HalfMemory) != 0 ? 8 : 16;
        for (int d = -129 * unit; HasMemoryForm(op) && d <= 129 * unit; d += unit / 4)
        {
            var mem = new Mem(Gpr.R13, d);
            if (op.Shape() == SseShape.Rm)
            {
                asm.Vec(op, Xmm.Xmm9, mem);
                checker.Expect(mnemonic, Xmm.Xmm9, mem);
            }
            else if (op.HasImmediate())
            {
                asm.VecImm(op, Xmm.Xmm9, Xmm.Xmm3, mem, 5);
                checker.Expect(mnemonic, Xmm.Xmm9, Xmm.Xmm3, mem, Imm(5));
            }
            else
            {
                asm.Vec(op, Xmm.Xmm9, Xmm.Xmm3, mem);
                checker.Expect(mnemonic, Xmm.Xmm9, Xmm.Xmm3, mem);
            }
        }
        Assert.True(checker.Count >= 16);
        AssertEncoding(mnemonic, EncodingKind.EVEX, s_evexFeatures);
    }

    [Theory]
    [MemberData(nameof(WideOps))]
    public void Wide_form(string name)
    {
        SseOp op = Enum.Parse<SseOp>(name);
        Mnemonic mnemonic = MnemonicOf(name, vex: true);
        var checker = new EncodingChecker(CpuFeatures.Avx);
        X64Assembler asm = checker.Asm;
        bool isBroadcast = name.Contains("broadcast", StringComparison.Ordinal);
        for (int i = 0; i < 256 && HasRegisterForm(op); i++)
        {
            var low = (Xmm)(i & 15);
            var high = (Xmm)(i >> 4);
            var middle = (Xmm)(((i & 15) + ((i >> 4) * 3)) & 15);
            switch (op.Shape(), op.HasImmediate())
            {
                case (SseShape.Rm, false):
                    asm.Ymm(op, low, high);
                    checker.Expect(mnemonic, Ymm(low), isBroadcast ? high : Ymm(high));
                    break;
                case (SseShape.Rm or SseShape.ShiftImm, true):
                    asm.YmmImm(op, low, high, i);
                    checker.Expect(mnemonic, Ymm(low), Ymm(high), Imm(i));
                    break;
                case (SseShape.Rvm, false):
                    asm.Ymm(op, low, middle, high);
                    checker.Expect(mnemonic, Ymm(low), Ymm(middle), Ymm(high));
                    break;
                case (SseShape.Rvm, true):
                    asm.YmmImm(op, low, middle, high, i);
                    checker.Expect(mnemonic, Ymm(low), Ymm(middle), Ymm(high), Imm(i));
                    break;
                default:
                    Assert.Fail($"The test does not know the operands of {name}.");
                    break;
            }
        }
        for (int i = 0; i < Shapes.Corners.Length && HasMemoryForm(op); i++)
        {
            Mem mem = Shapes.Corners[i];
            var x = (Xmm)(i & 15);
            var v = (Xmm)(i * 5 & 15);
            switch (op.Shape(), op.HasImmediate())
            {
                case (SseShape.Rm, false):
                    asm.Ymm(op, x, mem);
                    checker.Expect(mnemonic, Ymm(x), mem);
                    break;
                case (SseShape.Rm, true):
                    asm.YmmImm(op, x, mem, i);
                    checker.Expect(mnemonic, Ymm(x), mem, Imm(i));
                    break;
                case (SseShape.Rvm, false):
                    asm.Ymm(op, x, v, mem);
                    checker.Expect(mnemonic, Ymm(x), Ymm(v), mem);
                    break;
                case (SseShape.Rvm, true):
                    asm.YmmImm(op, x, v, mem, i);
                    checker.Expect(mnemonic, Ymm(x), Ymm(v), mem, Imm(i));
                    break;
                case (SseShape.Store, false):
                    asm.Ymm(op, mem, x);
                    checker.Expect(mnemonic, mem, Ymm(x));
                    break;
                default:
                    Assert.Fail($"The test does not know the operands of {name}.");
                    break;
            }
        }
        Assert.True(checker.Count >= 16);
    }

    [Theory]
    [InlineData(CpuFeatures.None)]
    [InlineData(CpuFeatures.Avx)]
    internal void Vec_chooses_by_features(CpuFeatures features)
    {
        bool avx = features == CpuFeatures.Avx;
        var checker = new EncodingChecker(features);
        X64Assembler asm = checker.Asm;
        var mem = new Mem(Gpr.R12, 8);
        foreach (string name in Enum.GetNames<SseOp>())
        {
            SseOp op = Enum.Parse<SseOp>(name);
            if (op.IsVexOnly() || ((uint)op & LegacyOnly) != 0)
                continue;
            Mnemonic mnemonic = MnemonicOf(name, avx);
            OperandSize size = GprSize(op);
            bool three = avx && op.Shape() is SseShape.Rvm or SseShape.RvmGpr;
            const Xmm d = Xmm.Xmm3;
            const Xmm s = Xmm.Xmm12;
            const Gpr g = Gpr.R9;
            Operand[] dst = avx && three ? [d, d] : [d];
            Operand[] imm = op.HasImmediate() ? [Imm(5)] : [];
            if (HasRegisterForm(op))
            {
                switch (op.Shape())
                {
                    case SseShape.Rm or SseShape.Rvm:
                        if (op.HasImmediate())
                            asm.VecImm(op, d, s, 5);
                        else
                            asm.Vec(op, d, s);
                        if (three && op.IsCommutative())
                            checker.ExpectCommutative(mnemonic, d, d, s);
                        else
                            checker.Expect(mnemonic, [.. dst, s, .. imm]);
                        break;
                    case SseShape.ShiftImm:
                        asm.VecImm(op, d, d, 5);
                        checker.Expect(mnemonic, avx ? [d, d, Imm(5)] : [d, Imm(5)]);
                        break;
                    case SseShape.RmGpr or SseShape.RvmGpr:
                        if (op.HasImmediate())
                            asm.VecImm(op, d, g, 5);
                        else
                            asm.Vec(op, d, g);
                        checker.Expect(mnemonic, [.. dst, Of(size, g), .. imm]);
                        if (op.Shape() == SseShape.RvmGpr && op.HasImmediate() && avx)
                        {
                            asm.VecImm(op, d, s, g, 5);
                            checker.Expect(mnemonic, d, s, Of(size, g), Imm(5));
                        }

                        break;
                    default:
                        if (op.HasImmediate())
                            asm.VecImm(op, g, s, 5);
                        else
                            asm.Vec(op, g, s);
                        checker.Expect(mnemonic, [Of(size, g), s, .. imm]);
                        break;
                }
                if (op.Shape() == SseShape.Rvm && !op.HasImmediate() && !avx)
                {
                    asm.Vec(op, d, d, s);
                    checker.Expect(mnemonic, d, s);
                }
                else if (op.Shape() == SseShape.Rvm && !op.HasImmediate())
                {
                    asm.Vec(op, d, s, Xmm.Xmm4);
                    checker.Expect(mnemonic, d, s, Xmm.Xmm4);
                }
            }
            if (HasMemoryForm(op))
            {
                switch (op.Shape())
                {
                    case SseShape.Store or SseShape.MrGpr:
                        if (op.HasImmediate())
                            asm.VecImm(op, mem, s, 5);
                        else
                            asm.Vec(op, mem, s);
                        checker.Expect(mnemonic, [mem, s, .. imm]);
                        break;
                    case SseShape.GprRm:
                        asm.Vec(op, g, mem);
                        checker.Expect(mnemonic, Of(size, g), mem);
                        break;
                    default:
                        if (op.HasImmediate())
                            asm.VecImm(op, d, mem, 5);
                        else
                            asm.Vec(op, d, mem);
                        checker.Expect(mnemonic, [.. dst, mem, .. imm]);
                        break;
                }
                if (op.Shape() == SseShape.Rvm && !op.HasImmediate())
                {
                    asm.Vec(op, d, avx ? s : d, mem);
                    checker.Expect(mnemonic, avx ? [d, s, mem] : [d, mem]);
                }
            }
        }
        foreach (Xmm dst in Shapes.Xmms)
        {
            asm.ZeroXmm(dst);
            checker.Expect(avx ? Mnemonic.Vxorps : Mnemonic.Xorps, avx ? [dst, dst, dst] : [dst, dst]);
            foreach (Xmm src in Shapes.Xmms)
            {
                asm.MovXmm(dst, src);
                checker.Expect(avx ? Mnemonic.Vmovaps : Mnemonic.Movaps, dst, src);
            }
        }
        Assert.True(checker.Count > 500);
    }

    [Fact]
    public void Upper_halves_are_cleared()
    {
        var checker = new EncodingChecker(CpuFeatures.Avx);
        checker.Asm.Vzeroupper();
        checker.Expect(Mnemonic.Vzeroupper);
        checker.Asm.Vzeroall();
        checker.Expect(Mnemonic.Vzeroall);
    }

    private static bool HasRegisterForm(SseOp op) => ((uint)op & MemOnly) == 0;

    private static bool HasMemoryForm(SseOp op) => ((uint)op & RegOnly) == 0;

    private static OperandSize GprSize(SseOp op) => ((uint)op & W) != 0 ? OperandSize.S64 : OperandSize.S32;

    private static Mnemonic MnemonicOf(string name, bool vex)
    {
        string stem = name;
        foreach (string suffix in s_suffixes)
        {
            if (stem.EndsWith(suffix, StringComparison.Ordinal))
                stem = stem[..^suffix.Length];
        }
        if (vex && !Enum.Parse<SseOp>(name).IsVexOnly())
            stem = "V" + stem;
        return Enum.Parse<Mnemonic>(stem, ignoreCase: true);
    }

    // That there is such an encoding at all within the features that the compiler checks for.
    private static void AssertEncoding(Mnemonic mnemonic, EncodingKind encoding, ImmutableHashSet<CpuidFeature> features) =>
        Assert.Contains(
            Enum.GetValues<Code>(),
            code => code.Mnemonic() == mnemonic && code.Encoding() == encoding && code.CpuidFeatures().All(features.Contains));
}
