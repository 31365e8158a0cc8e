// What the target can execute, as a value handed in: code for a given value is the same bytes on any machine, and tests can ask for the
// baseline on a machine that has everything. The baseline (no flag) is x86-64 with SSE4.2, POPCNT apart.
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

    /// <summary>AVX-512 F, VL, BW and DQ, all of them.</summary>
    Avx512 = 1 << 12,

    /// <summary>AVX-512 VBMI.</summary>
    Avx512Vbmi = 1 << 13,

    /// <summary>AVX-512 BITALG.</summary>
    Avx512Bitalg = 1 << 14,

    /// <summary>AVX-512 VNNI.</summary>
    Avx512Vnni = 1 << 15,

    /// <summary>All that is encoded with EVEX.</summary>
    AnyAvx512 = Avx512 | Avx512Vbmi | Avx512Bitalg | Avx512Vnni,
}
