// Questions about opcodes, answered from the generated tables (Opcodes.g.cs). Shared by decoder, validator, compiler, printer and text parser,
// so that an instruction is described in exactly one place: opcodes.tsv.
namespace Tarn.Wasm;

/// <summary>Names, immediates, types and features of the instructions.</summary>
internal static partial class Opcodes
{
    private static readonly string?[] s_names = new string?[TableSize];

    /// <summary>Every opcode of the table in the order of its value, the legacy ones included.</summary>
    public static ReadOnlySpan<ushort> All => AllTable;

    /// <summary>Whether the value is an instruction at all (values come from decoding, so they may be anything below <see cref="TableSize"/>).</summary>
    public static bool IsDefined(Opcode opcode) => (uint)opcode < TableSize && (FlagsTable[(int)opcode] & 1) != 0;

    /// <summary>Whether the instruction may stand in a constant expression (<c>global.get</c> and <c>ref.func</c> under conditions of their own).</summary>
    public static bool IsConstant(Opcode opcode) => (FlagsTable[(int)opcode] & 2) != 0;

    /// <summary>Whether this is one of the exception instructions that WebAssembly 3.0 replaced.</summary>
    public static bool IsLegacy(Opcode opcode) => (FlagsTable[(int)opcode] & 4) != 0;

    /// <summary>What follows the opcode in the binary format.</summary>
    public static ImmediateKind Immediate(Opcode opcode) => (ImmediateKind)ImmediateTable[(int)opcode];

    /// <summary>What the instruction is about.</summary>
    public static OpcodeCategory Category(Opcode opcode) => (OpcodeCategory)CategoryTable[(int)opcode];

    /// <summary>The feature that the instruction needs; none for those of WebAssembly 1.0.</summary>
    public static WasmFeatures Feature(Opcode opcode) => s_featureList[FeatureTable[(int)opcode]];

    /// <summary>Log2 of the natural alignment of a memory access.</summary>
    public static int Alignment(Opcode opcode) => AlignmentTable[(int)opcode];

    /// <summary>Operand and result types.</summary>
    public static OpcodeSignature Signature(Opcode opcode) => new(SignatureTable[(int)opcode]);

    /// <summary>Packed signatures by opcode (see <see cref="OpcodeSignature"/>), without bounds check; for the validator's loop, whose index is a byte.</summary>
    public static ref ulong SignatureReference => ref System.Runtime.InteropServices.MemoryMarshal.GetReference(SignatureTable);

    /// <summary>As <see cref="Alignment"/>, for single-byte opcodes.</summary>
    public static int AlignmentAt(byte opcode) => AlignmentTable[opcode];

    /// <summary>The name as in the text format.</summary>
    public static string Name(Opcode opcode) => s_names[(int)opcode] ??= System.Text.Encoding.ASCII.GetString(NameUtf8(opcode));

    /// <summary>The name as in the text format, in UTF-8.</summary>
    public static ReadOnlySpan<byte> NameUtf8(Opcode opcode) => NameBytes.Slice(NameOffsetTable[(int)opcode], NameLengthTable[(int)opcode]);

    /// <summary>Finds an instruction by its text format name. <c>select</c>, <c>ref.test</c> and <c>ref.cast</c> find their plain, non-null forms.</summary>
    public static bool TryFind(ReadOnlySpan<byte> name, out Opcode opcode)
    {
        uint h = 2166136261;
        foreach (byte c in name)
            h = (h ^ c) * 16777619;
        for (uint slot = (h ^ (h >> 16)) & (HashSize - 1); HashTable[(int)slot] != 0; slot = (slot + 1) & (HashSize - 1))
        {
            opcode = (Opcode)(HashTable[(int)slot] - 1);
            if (name.SequenceEqual(NameUtf8(opcode)))
                return true;
        }

        opcode = default;
        return false;
    }

    /// <summary>As the overload for UTF-8.</summary>
    public static bool TryFind(ReadOnlySpan<char> name, out Opcode opcode)
    {
        opcode = default;
        if (name.Length > 64)
            return false;
        Span<byte> bytes = stackalloc byte[name.Length];
        return System.Text.Ascii.FromUtf16(name, bytes, out int written) == System.Buffers.OperationStatus.Done && TryFind(bytes[..written], out opcode);
    }

    /// <summary>The bytes that encode an opcode: its prefix (0 where there is none) and the number after it.</summary>
    public static (byte Prefix, uint Code) Encoding(Opcode opcode) => ((int)opcode >> 8) switch
    {
        0 => (0, (uint)opcode),
        1 => (0xFB, (uint)opcode & 0xFF),
        2 => (0xFC, (uint)opcode & 0xFF),
        3 => (0xFE, (uint)opcode & 0xFF),
        _ => (0xFD, (uint)opcode - 0x400),
    };
}
