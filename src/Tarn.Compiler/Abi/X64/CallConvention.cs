// Why: the guest calling convention on x86-64, computed in one place for the compiler (call sites, prologues) and for the runtime's stubs.
// Pure: types in, locations out. If the two sides ever disagreed, values would arrive in the wrong registers and the callee would pop the
// wrong number of bytes, so nobody else may assign locations.
//
//   integers and references  rdi rsi rdx rcx r8 r9   results  rax rdx rcx rsi rdi r8
//   f32 f64 v128             xmm0..xmm7              results  xmm0..xmm7
//   what is left over        [rsp+8] on entry, upward, 8 bytes each (v128: 16); the callee pops
//   results left over        8 bytes each (v128: 16) in the buffer whose address is the hidden first integer argument
namespace Tarn.Compiler.Abi.X64;

internal static class CallConvention
{
    // Hardware numbers of the registers.
    public const byte VmContextRegister = 14;
    public const byte FunctionReferenceRegister = 0;

    public static ReadOnlySpan<byte> IntegerArgumentRegisters => [7, 6, 2, 1, 8, 9];

    public static ReadOnlySpan<byte> IntegerResultRegisters => [0, 2, 1, 6, 7, 8];

    /// <summary>xmm0 up to this many, for arguments and for results.</summary>
    public const int VectorRegisterCount = 8;

    /// <summary>rbx rbp r12 r13 r15, one bit for each hardware number. No vector register is preserved.</summary>
    public const ushort CalleeSavedMask = (1 << 3) | (1 << 5) | (1 << 12) | (1 << 13) | (1 << 15);

    public static bool IsVector(AbiType type) => type >= AbiType.F32;

    public static int StackSize(AbiType type) => type == AbiType.V128 ? 16 : 8;

    /// <summary>Assigns locations; the spans for locations are at least as long as those of the types.</summary>
    public static CallShape Assign(
        ReadOnlySpan<AbiType> parameters, ReadOnlySpan<AbiType> results, Span<ValueLocation> parameterLocations, Span<ValueLocation> resultLocations)
    {
        int bufferBytes = AssignResults(results, resultLocations);
        int stackBytes = AssignParameters(parameters, parameterLocations, hiddenArgument: bufferBytes != 0);
        return new CallShape(stackBytes, bufferBytes);
    }

    /// <summary>Locations of the results, buffer offsets for those left over; returns the size of the buffer, 0 when none is needed.</summary>
    public static int AssignResults(ReadOnlySpan<AbiType> results, Span<ValueLocation> locations) =>
        Assign(results, locations, IntegerResultRegisters, usedIntegers: 0);

    /// <summary>Locations of the parameters, stack offsets (from the first stack argument) for those left over; returns the bytes the callee pops.</summary>
    public static int AssignParameters(ReadOnlySpan<AbiType> parameters, Span<ValueLocation> locations, bool hiddenArgument) =>
        Assign(parameters, locations, IntegerArgumentRegisters, usedIntegers: hiddenArgument ? 1 : 0);

    private static int Assign(ReadOnlySpan<AbiType> types, Span<ValueLocation> locations, ReadOnlySpan<byte> integerRegisters, int usedIntegers)
    {
        int vectors = 0;
        int bytes = 0;
        for (int i = 0; i < types.Length; i++)
        {
            AbiType type = types[i];
            if (IsVector(type))
            {
                if (vectors < VectorRegisterCount)
                {
                    locations[i] = new ValueLocation(LocationKind.VectorRegister, vectors++);
                    continue;
                }
            }
            else if (usedIntegers < integerRegisters.Length)
            {
                locations[i] = new ValueLocation(LocationKind.IntegerRegister, integerRegisters[usedIntegers++]);
                continue;
            }

            locations[i] = new ValueLocation(LocationKind.Memory, bytes);
            bytes += StackSize(type);
        }

        return bytes;
    }
}

/// <summary>What a signature asks of its caller beyond registers.</summary>
/// <param name="StackArgumentBytes">Pushed by the caller, popped by the callee; a multiple of 8.</param>
/// <param name="ResultBufferBytes">Size of the buffer for results left over; 0 if there is no hidden argument.</param>
internal readonly record struct CallShape(int StackArgumentBytes, int ResultBufferBytes)
{
    /// <summary>The first integer argument is the address of the result buffer.</summary>
    public bool HasResultBuffer => ResultBufferBytes != 0;
}

internal enum LocationKind : byte
{
    IntegerRegister,
    VectorRegister,

    /// <summary>Stack argument (offset from the first one, which is at [rsp+8] on entry) or place in the result buffer.</summary>
    Memory,
}

/// <summary>Where a value is at a call boundary: a hardware register number, or a byte offset.</summary>
internal readonly record struct ValueLocation(LocationKind Kind, int Value);
