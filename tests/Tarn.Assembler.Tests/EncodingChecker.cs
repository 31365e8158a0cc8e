// Emits one instruction at a time and compares what Iced decodes with what was asked: mnemonic, operands, length. Every instruction goes
// through Finish, so that operands relative to rip are compared by what they finally point at, and is encoded again by Iced, so that ours is
// never the longer one.
using System.Globalization;
using System.Text;
using Iced.Intel;
using Tarn.Assembler.X64;
using Tarn.TestSupport;
using Decoder = Iced.Intel.Decoder;
using Encoder = Iced.Intel.Encoder;

namespace Tarn.Assembler.Tests;

internal sealed class EncodingChecker
{
    /// <summary>The constant that <see cref="ConstantMem"/> means.</summary>
    private const ulong Constant = 0x1122334455667788;
    private const int Symbol = 77;

    private readonly byte[] _code = new byte[256];
    private readonly SpanReader _reader;
    private readonly Decoder _decoder;
    private readonly Encoder _encoder;
    private readonly CountingWriter _writer = new();

    public EncodingChecker(CpuFeatures features = CpuFeatures.None)
    {
        Asm = new X64Assembler(features);
        _reader = new SpanReader(_code);
        _decoder = Decoder.Create(64, _reader);
        _encoder = Encoder.Create(64, _writer);
        _ = Begin();
    }

    public X64Assembler Asm { get; }

    public int Count { get; private set; }

    public static Mem LabelMem => Mem.At(new Label(0));

    public static Mem ConstantMem => Mem.AtConstant(0);

    public static Mem SymbolMem => Mem.AtSymbol(Symbol);

    private X64Assembler Begin()
    {
        Asm.Reset();
        // Code before the instruction: the label's place is not the instruction's, and displacements are not 0 by chance.
        Asm.Bind(Asm.NewLabel());
        Asm.Nop(Lead);
        _ = Asm.Constant8(Constant);
        return Asm;
    }

    private const int Lead = 3;

    /// <summary>Checks the instruction emitted since the last check.</summary>
    public void Expect(Mnemonic mnemonic, params ReadOnlySpan<Operand> operands) => Check(mnemonic, operands, commutes: false);

    /// <summary>The same, the last two operands in either order.</summary>
    public void ExpectCommutative(Mnemonic mnemonic, params ReadOnlySpan<Operand> operands) => Check(mnemonic, operands, commutes: true);

    private void Check(Mnemonic mnemonic, ReadOnlySpan<Operand> operands, bool commutes)
    {
        Asm.Finish();
        Asm.Code.CopyTo(_code);
        _reader.Position = Lead;
        _decoder.IP = Lead;
        _decoder.Decode(out Instruction instruction);
        string? problem = null;
        if (instruction.IsInvalid || Lead + instruction.Length != Asm.CodeSize)
            problem = "length";
        else if (instruction.Mnemonic != mnemonic)
            problem = "mnemonic";
        else if (instruction.OpCount != operands.Length)
            problem = "operand count";
        else
            problem = Compare(instruction, operands);
        if (problem != null && commutes)
        {
            Operand[] swapped = operands.ToArray();
            (swapped[^1], swapped[^2]) = (swapped[^2], swapped[^1]);
            problem = Compare(instruction, swapped);
        }
        if (problem == null)
        {
            _writer.Count = 0;
            _ = _encoder.Encode(instruction, instruction.IP);
            if (_writer.Count < instruction.Length)
                problem = $"length: {instruction.Length}, though {_writer.Count} would do";
        }
        if (problem != null)
            Assert.Fail(Describe(problem, mnemonic, operands));
        Count++;
        _ = Begin();
    }

    private string Describe(string problem, Mnemonic mnemonic, ReadOnlySpan<Operand> operands)
    {
        var text = new StringBuilder();
        _ = text.Append(CultureInfo.InvariantCulture, $"wrong {problem}\nasked: {mnemonic}");
        foreach (Operand operand in operands)
            _ = text.Append(' ').Append(operand.ToString());
        _ = text.Append("\ngot:\n").Append(Disassembler.Format(Asm.Code[Lead..Asm.CodeSize], Lead));
        return text.ToString();
    }

    private string? Compare(in Instruction instruction, ReadOnlySpan<Operand> operands)
    {
        for (int i = 0; i < operands.Length; i++)
        {
            Operand operand = operands[i];
            OpKind kind = instruction.GetOpKind(i);
            bool isSame = operand.Kind switch
            {
                OperandKind.Register => kind == OpKind.Register && instruction.GetOpRegister(i) == operand.Register,
                OperandKind.Immediate => IsImmediate(kind) && ((instruction.GetImmediate(i) ^ (ulong)operand.Value) << (64 - operand.Bits)) == 0,
                _ => kind == OpKind.Memory && IsSameMemory(instruction, operand.Mem),
            };
            if (!isSame)
                return $"operand {i}";
        }
        return null;
    }

    private static bool IsImmediate(OpKind kind) => kind is >= OpKind.Immediate8 and <= OpKind.Immediate32to64;

    private bool IsSameMemory(in Instruction instruction, Mem mem)
    {
        Register segment = mem.Segment switch
        {
            Segment.Fs => Register.FS,
            Segment.Gs => Register.GS,
            _ => Register.None,
        };
        if (instruction.SegmentPrefix != segment)
            return false;
        if (mem.Kind != MemKind.Address)
        {
            if (instruction.MemoryBase != Register.RIP || instruction.MemoryIndex != Register.None)
                return false;
            ulong target = instruction.IPRelativeMemoryAddress;
            switch (mem.Kind)
            {
                case MemKind.Label:
                    return target == 0;
                case MemKind.Constant:
                    return target % 8 == 0 && target >= (ulong)Asm.CodeSize && BitConverter.ToUInt64(_code, (int)target) == Constant;
                default:
                    CodeRelocation relocation = Assert.Single(Asm.Relocations.ToArray());
                    return relocation.Kind == RelocationKind.Relative32 && relocation.Symbol == Symbol
                        && relocation.Offset - relocation.Addend == Asm.CodeSize && BitConverter.ToInt32(_code, relocation.Offset) == 0;
            }
        }
        return instruction.MemoryBase == (mem.HasBase ? Operand.Gpr64(mem.Base) : Register.None)
            && instruction.MemoryIndex == (mem.HasIndex ? Operand.Gpr64(mem.Index) : Register.None)
            && (!mem.HasIndex || instruction.MemoryIndexScale == 1 << mem.ScaleLog2)
            && (long)instruction.MemoryDisplacement64 == mem.Value;
    }

    private sealed class SpanReader(byte[] bytes) : CodeReader
    {
        public int Position { get; set; }

        public override int ReadByte() => bytes[Position++];
    }

    private sealed class CountingWriter : CodeWriter
    {
        public int Count { get; set; }

        public override void WriteByte(byte value) => Count++;
    }
}
