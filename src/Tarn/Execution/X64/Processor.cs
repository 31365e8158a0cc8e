// Asks the processor itself, by a few instructions of our own in a page of their own, which goes away again. That is the only answer that is the same on the CLR and in a native
// program: there the CLR's intrinsics say what the program was compiled for, and code without AVX and BMI took up to 1.35 times as long.
using Tarn.Assembler.X64;
using Tarn.Platform;

namespace Tarn.Execution.X64;

internal static unsafe class Processor
{
    // A failure, of memory, is not kept.
    private static readonly Lazy<ProcessorIdentification> s_identification = new(Ask, LazyThreadSafetyMode.PublicationOnly);

    private static readonly Lazy<CpuFeatures> s_features = new(
        () => CpuFeatureDetector.Of(Identification, Environment.GetEnvironmentVariable), LazyThreadSafetyMode.PublicationOnly);

    /// <summary>What the processor says of itself.</summary>
    public static ProcessorIdentification Identification => s_identification.Value;

    /// <summary>What compiled code may use of it.</summary>
    public static CpuFeatures Features => s_features.Value;

    private static ProcessorIdentification Ask()
    {
        X64Assembler asm = new(CpuFeatures.None, initialCapacity: 256);
        var identifyLabel = ProcessorProbe.EmitIdentify(asm, OperatingSystem.IsWindows());
        var controlLabel = ProcessorProbe.EmitControlRegister(asm);
        asm.Finish();
        ReadOnlySpan<byte> code = asm.Code;
        VirtualMemory memory = VirtualMemory.Current;
        nuint bytes = memory.RoundUp((nuint)code.Length);
        byte* page = memory.Reserve(bytes);
        try
        {
            memory.Commit(page, bytes);
            code.CopyTo(new Span<byte>(page, code.Length));
            memory.Protect(page, bytes, MemoryProtection.ReadExecute);
            var identify = (delegate* unmanaged<uint, uint, uint*, void>)(page + asm.OffsetOf(identifyLabel));
            var controlRegister = (delegate* unmanaged<ulong>)(page + asm.OffsetOf(controlLabel));
            return ProcessorIdentification.Read(
                (leaf, subleaf) =>
                {
                    uint* registers = stackalloc uint[4];
                    identify(leaf, subleaf, registers);
                    return (registers[0], registers[1], registers[2], registers[3]);
                },
                () => controlRegister());
        }
        finally
        {
            memory.Release(page, bytes);
        }
    }
}
