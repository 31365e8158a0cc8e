// What the target can execute, as a value handed in: code for a given value is the same bytes on any machine, and tests can ask for the
// baseline on a machine that has everything. The baseline (no flag) is x86-64 with SSE4.2, POPCNT apart.
using System.Runtime.Intrinsics.X86;

namespace Tarn.Assembler.X64;

/// <summary>Extensions beyond x86-64 with SSE4.2.</summary>
[Flags]
internal enum CpuFeatures : uint
{
    None = 0,
    Popcnt = 1 << 0,
    Lzcnt = 1 << 1,
    Bmi1 = 1 << 2,
    Bmi2 = 1 << 3,
    Avx = 1 << 4,
    Avx2 = 1 << 5,
    Fma = 1 << 6,
    Movbe = 1 << 7,
    AvxVnni = 1 << 8,

    /// <summary>pdep and pext are not microcoded (they are on AMD before Zen 3).</summary>
    FastPdep = 1 << 9,

    /// <summary>rep movsb and rep stosb are fast for short lengths as well (FSRM).</summary>
    FastShortRep = 1 << 10,

    /// <summary>rep movsb and rep stosb are fast for long lengths (ERMS).</summary>
    FastRep = 1 << 11,
}

/// <summary>Finds out what this machine can execute.</summary>
internal static class CpuFeatureDetector
{
    /// <summary>True when this machine executes the baseline; without it no code may be run.</summary>
    public static bool HasBaseline => Sse42.X64.IsSupported;

    /// <summary>This machine's features; those that the CLR was told not to use (DOTNET_EnableAVX=0 and so on) are left out.</summary>
    public static CpuFeatures Detect()
    {
        var features = CpuFeatures.None;
        if (!X86Base.IsSupported)
            return features;
        Add(Popcnt.X64.IsSupported, CpuFeatures.Popcnt);
        Add(Lzcnt.X64.IsSupported, CpuFeatures.Lzcnt);
        Add(Bmi1.X64.IsSupported, CpuFeatures.Bmi1);
        Add(Bmi2.X64.IsSupported, CpuFeatures.Bmi2);
        Add(Avx.IsSupported, CpuFeatures.Avx);
        Add(Avx2.IsSupported, CpuFeatures.Avx2);
        Add(Fma.IsSupported, CpuFeatures.Fma);
        Add(AvxVnni.IsSupported, CpuFeatures.AvxVnni);

        (int maxLeaf, int vendorB, int vendorC, int vendorD) = X86Base.CpuId(0, 0);
        (int signature, _, int leaf1C, _) = X86Base.CpuId(1, 0);
        Add((leaf1C & (1 << 22)) != 0, CpuFeatures.Movbe);
        if (maxLeaf >= 7)
        {
            (_, int leaf7B, _, int leaf7D) = X86Base.CpuId(7, 0);
            Add((leaf7B & (1 << 9)) != 0, CpuFeatures.FastRep);
            Add((leaf7D & (1 << 4)) != 0, CpuFeatures.FastShortRep);
        }

        bool isAmd = vendorB == 0x68747541 && vendorD == 0x69746e65 && vendorC == 0x444d4163; // "AuthenticAMD"
        int family = ((signature >> 8) & 15) + ((signature >> 20) & 255);
        Add(Bmi2.X64.IsSupported && (!isAmd || family >= 0x19), CpuFeatures.FastPdep);
        return features;

        void Add(bool supported, CpuFeatures feature)
        {
            if (supported)
                features |= feature;
        }
    }
}
