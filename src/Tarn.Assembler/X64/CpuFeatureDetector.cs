// Decides what to use of a processor. The CLR's switches that turn extensions off (DOTNET_EnableAVX2=0 and so on) hold for compiled code as well, on the CLR and in native programs
// alike: they are what people reach for to find out whether an instruction is to blame. What a switch turns off takes along what builds on it, as in the CLR.
using System.Globalization;
using System.Runtime.Intrinsics.X86;

namespace Tarn.Assembler.X64;

/// <summary>Finds out what a machine can execute.</summary>
internal static class CpuFeatureDetector
{
    /// <summary>
    /// Gets whether this machine executes the baseline; without it no code may be run. The intrinsic may be answered for what the program was compiled for, which then does not start
    /// elsewhere.
    /// </summary>
    public static bool HasBaseline => Sse42.X64.IsSupported;

    /// <summary>The features of a processor, less those that the environment turns off.</summary>
    /// <param name="processor">What it says of itself.</param>
    /// <param name="variable">An environment variable's value.</param>
    public static CpuFeatures Of(in ProcessorIdentification processor, Func<string, string?> variable)
    {
        if (IsOff("EnableHWIntrinsic", variable))
        {
            return CpuFeatures.None;
        }

        var features = CpuFeatures.None;
        var report = processor;

        // The operating system saves the lower and upper halves of vector registers.
        var hasVectors = (report.ControlRegister & 6) == 6 && Bit(report.Leaf1C, 28) && !IsOff("EnableAVX", variable);
        var hasAvx2 = hasVectors && Bit(report.Leaf7B, 5) && !IsOff("EnableAVX2", variable);
        var hasBmi2 = Bit(report.Leaf7B, 8) && !IsOff("EnableBMI2", variable);
        Add(CpuFeatures.Popcnt, Bit(report.Leaf1C, 23) && !IsOff("EnablePOPCNT", variable));
        Add(CpuFeatures.Lzcnt, Bit(report.ExtendedC, 5) && !IsOff("EnableLZCNT", variable));
        Add(CpuFeatures.Bmi1, Bit(report.Leaf7B, 3) && !IsOff("EnableBMI1", variable));
        Add(CpuFeatures.Bmi2, hasBmi2);
        Add(CpuFeatures.Avx, hasVectors);
        Add(CpuFeatures.Avx2, hasAvx2);
        Add(CpuFeatures.Fma, hasVectors && Bit(report.Leaf1C, 12) && !IsOff("EnableFMA", variable));
        Add(CpuFeatures.AvxVnni, hasAvx2 && Bit(report.Leaf7Subleaf1A, 4) && !IsOff("EnableAVXVNNI", variable));

        // The operating system saves the masks and the registers' other halves, too. The CLR has had both names for its switch.
        const uint Foundation = 1u << 16, DoubleQuad = 1u << 17, ByteWord = 1u << 30, VectorLength = 1u << 31, All = Foundation | DoubleQuad | ByteWord | VectorLength;
        var hasAvx512 = hasAvx2 && (report.ControlRegister & 0xE6) == 0xE6 && (report.Leaf7B & All) == All && !IsOff("EnableAVX512", variable) && !IsOff("EnableAVX512F", variable);
        Add(CpuFeatures.Avx512, hasAvx512);
        Add(CpuFeatures.Avx512Vbmi, hasAvx512 && Bit(report.Leaf7C, 1) && !IsOff("EnableAVX512VBMI", variable));
        Add(CpuFeatures.Avx512Vnni, hasAvx512 && Bit(report.Leaf7C, 11) && !IsOff("EnableAVX512VNNI", variable));
        Add(CpuFeatures.Avx512Bitalg, hasAvx512 && Bit(report.Leaf7C, 12) && !IsOff("EnableAVX512BITALG", variable));
        Add(CpuFeatures.Movbe, Bit(report.Leaf1C, 22) && !IsOff("EnableMOVBE", variable));
        Add(CpuFeatures.FastRep, Bit(report.Leaf7B, 9));
        Add(CpuFeatures.FastShortRep, Bit(report.Leaf7D, 4));
        var family = ((report.Signature >> 8) & 15) + ((report.Signature >> 20) & 255);
        Add(CpuFeatures.FastPdep, hasBmi2 && (!report.IsAmd || family >= 0x19));
        return features;

        void Add(CpuFeatures feature, bool supported) => features |= supported ? feature : CpuFeatures.None;
    }

    /// <summary>
    /// This machine's features by the CLR's intrinsics, for tests and tools that have no executable memory. Not for the product: in a native program the CLR's answer about vectors is
    /// what the program was compiled for.
    /// </summary>
    public static CpuFeatures Detect()
    {
        if (!X86Base.IsSupported)
        {
            return CpuFeatures.None;
        }

        return Of(ProcessorIdentification.Read(Identify, () => Avx512F.IsSupported ? 0xE6UL : Avx.IsSupported ? 6UL : 0), Environment.GetEnvironmentVariable);

        static (uint A, uint B, uint C, uint D) Identify(uint leaf, uint subleaf)
        {
            var (a, b, c, d) = X86Base.CpuId((int)leaf, (int)subleaf);
            return ((uint)a, (uint)b, (uint)c, (uint)d);
        }
    }

    private static bool Bit(uint register, int bit) => (register >> bit & 1) != 0;

    // The CLR reads its switches as hexadecimal numbers.
    private static bool IsOff(string name, Func<string, string?> variable)
        => variable("DOTNET_" + name) is string text && uint.TryParse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var value) && value == 0;
}
