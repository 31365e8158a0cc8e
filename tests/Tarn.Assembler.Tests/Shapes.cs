// The operands over which encodings are tried: all registers, and memory operands with every special case of ModRM and SIB.
using System.Collections.Immutable;
using Tarn.Assembler.X64;

namespace Tarn.Assembler.Tests;

internal static class Shapes
{
    public static ImmutableArray<Gpr> Gprs { get; } = [.. Enum.GetValues<Gpr>()];

    public static ImmutableArray<Xmm> Xmms { get; } = [.. Enum.GetValues<Xmm>()];

    public static ImmutableArray<OperandSize> Sizes { get; } = [.. Enum.GetValues<OperandSize>()];

    /// <summary>16, 32 and 64 bits.</summary>
    public static ImmutableArray<OperandSize> WideSizes { get; } = [.. Sizes.Skip(1)];

    public static ImmutableArray<int> Immediates { get; } =
        [0, 1, -1, 127, 128, -128, -129, 255, 256, 0x7FFF, 0x8000, 0xFFFF, -0x8000, 0x12345678, int.MaxValue, int.MinValue];

    /// <summary>Each special case once.</summary>
    public static ImmutableArray<Mem> Corners { get; } = MakeCorners();

    /// <summary>All registers as base and index, all scales, displacements on both sides of each boundary.</summary>
    public static ImmutableArray<Mem> All { get; } = MakeAll();

    private static ImmutableArray<Mem> MakeCorners()
    {
        var list = new List<Mem>();
        foreach (Gpr @base in Gprs)
        {
            list.Add(new Mem(@base));
            list.Add(new Mem(@base, (int)@base % 2 == 0 ? 127 : -128));
            list.Add(new Mem(@base, (int)@base % 2 == 0 ? 128 : -129));
        }
        foreach (Gpr @base in new[] { Gpr.Rax, Gpr.Rsp, Gpr.Rbp, Gpr.R12, Gpr.R13 })
        {
            foreach (Gpr index in new[] { Gpr.Rax, Gpr.Rbp, Gpr.R12, Gpr.R13, Gpr.R15 })
                list.Add(new Mem(@base, index, (int)index & 3, (int)@base * 16));
        }
        list.Add(Mem.Indexed(Gpr.Rbp, 3, 0));
        list.Add(Mem.Indexed(Gpr.R12, 0, -5));
        list.Add(Mem.Absolute(0));
        list.Add(Mem.Absolute(-8).In(Segment.Fs));
        list.Add(new Mem(Gpr.R13).In(Segment.Gs));
        list.Add(EncodingChecker.LabelMem);
        list.Add(EncodingChecker.ConstantMem);
        list.Add(EncodingChecker.SymbolMem);
        return [.. list];
    }

    private static ImmutableArray<Mem> MakeAll()
    {
        int[] displacements = [0, 1, -1, 127, 128, -128, -129, int.MaxValue, int.MinValue];
        var list = new List<Mem>(Corners);
        foreach (int displacement in displacements)
        {
            list.Add(Mem.Absolute(displacement));
            foreach (Gpr @base in Gprs)
            {
                list.Add(new Mem(@base, displacement));
                list.Add(new Mem(@base, displacement).In(Segment.Fs));
                list.Add(new Mem(@base, displacement).In(Segment.Gs));
            }
            foreach (Gpr index in Gprs.Where(r => r != Gpr.Rsp))
            {
                for (int scale = 0; scale < 4; scale++)
                {
                    list.Add(Mem.Indexed(index, scale, displacement));
                    foreach (Gpr @base in Gprs)
                        list.Add(new Mem(@base, index, scale, displacement));
                }
            }
        }
        return [.. list];
    }
}
