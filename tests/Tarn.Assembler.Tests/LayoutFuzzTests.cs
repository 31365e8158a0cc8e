// Random functions of branches, labels, alignments, constants and calls, laid out with and without shortening. The finished code is read
// back piece by piece against the list of pieces that went in: every branch has to lead to its label, every recorded offset to its piece.
using CsCheck;
using Iced.Intel;
using Tarn.Assembler.X64;

namespace Tarn.Assembler.Tests;

public sealed class LayoutFuzzTests
{
    private const int Labels = 12;

    private enum PieceKind
    {
        Filler,
        Jmp,
        Jcc,
        Align,
        Lea,
        CallSymbol,
        Constant,
        Bind,
    }

    private readonly record struct Piece(PieceKind Kind, int Argument, int Offset = 0);

    private static Gen<Piece[]> Pieces { get; } = Gen.Select(
        Gen.Frequency(
            (6, Gen.Const(PieceKind.Filler)),
            (3, Gen.Const(PieceKind.Jmp)),
            (6, Gen.Const(PieceKind.Jcc)),
            (2, Gen.Const(PieceKind.Align)),
            (1, Gen.Const(PieceKind.Lea)),
            (1, Gen.Const(PieceKind.CallSymbol)),
            (1, Gen.Const(PieceKind.Constant)),
            (2, Gen.Const(PieceKind.Bind))),
        Gen.Int[0, 1000],
        (kind, argument) => new Piece(kind, argument)).Array[1, 60];

    [Fact]
    public void Every_branch_leads_to_its_label()
    {
        int shortened = 0;
        Pieces.Sample(
            pieces =>
            {
                int size = Check(pieces, shorten: true);
                int longSize = Check(pieces, shorten: false);
                // Alignments may give back what branches saved, never more than that: each pads by less than 64.
                Assert.True(size <= longSize + (63 * pieces.Count(p => p.Kind == PieceKind.Align)));
                if (size < longSize)
                    _ = Interlocked.Increment(ref shortened);
            },
            iter: 5_000,
            threads: 1);
        Assert.True(shortened > 500, $"Only {shortened} functions got shorter.");
    }

    private static int Check(Piece[] pieces, bool shorten)
    {
        var asm = new X64Assembler(CpuFeatures.None, shorten, 64);
        _ = asm.NewLabels(Labels);
        int bound = 0;
        var recorded = new List<Piece>();
        foreach (Piece piece in pieces)
            Emit(piece.Kind, piece.Argument);
        while (bound < Labels)
            Emit(PieceKind.Bind, 0);
        Emit(PieceKind.Filler, 3);
        asm.Finish();

        byte[] code = asm.Code.ToArray();
        int offset = 0;
        int label = 0;
        var cursor = new X64Assembler.OffsetCursor(asm);
        Queue<CodeRelocation> relocations = new(asm.Relocations.ToArray());
        foreach (Piece piece in recorded)
        {
            Assert.Equal(offset, asm.MapOffset(piece.Offset));
            Assert.Equal(offset, cursor.Map(piece.Offset));
            switch (piece.Kind)
            {
                case PieceKind.Bind:
                    Assert.Equal(offset, asm.OffsetOf(new Label(label++)));
                    break;
                case PieceKind.Filler:
                    Assert.Equal(-1, code.AsSpan(offset, piece.Argument).IndexOfAnyExcept((byte)0xF4));
                    offset += piece.Argument;
                    break;
                case PieceKind.Align:
                    int end = offset + (-offset & (Alignment(piece.Argument) - 1));
                    if (end - offset <= MaxPadding(piece.Argument))
                    {
                        while (offset < end)
                            offset += Decode(code, offset).Length;
                        Assert.Equal(end, offset);
                    }
                    break;
                default:
                    Instruction instruction = Decode(code, offset);
                    offset += instruction.Length;
                    CheckInstruction(piece, instruction, offset);
                    break;
            }
        }
        Assert.Equal(asm.CodeSize, offset);
        Assert.Empty(relocations);
        return offset;

        void Emit(PieceKind kind, int argument)
        {
            if (kind == PieceKind.Filler)
                argument = argument % 10 == 0 ? argument : argument % 40;
            if (kind == PieceKind.Bind && bound == Labels)
                return;
            recorded.Add(new Piece(kind, argument, asm.Offset));
            switch (kind)
            {
                case PieceKind.Filler:
                    for (int i = 0; i < argument; i++)
                        asm.Hlt();
                    break;
                case PieceKind.Jmp:
                    asm.Jmp(Target(argument));
                    break;
                case PieceKind.Jcc:
                    asm.Jcc((Condition)(argument & 15), Target(argument));
                    break;
                case PieceKind.Align:
                    asm.Align(Alignment(argument), MaxPadding(argument));
                    break;
                case PieceKind.Lea:
                    asm.Lea(OperandSize.S64, Gpr.Rax, Mem.At(Target(argument)));
                    break;
                case PieceKind.CallSymbol:
                    asm.CallSymbol(argument);
                    break;
                case PieceKind.Constant:
                    asm.Cmp(OperandSize.S64, Gpr.Rax, asm.Constant8((ulong)argument));
                    break;
                default:
                    asm.Bind(new Label(bound++));
                    break;
            }
        }

        void CheckInstruction(Piece piece, Instruction instruction, int end)
        {
            int target = asm.OffsetOf(Target(piece.Argument));
            switch (piece.Kind)
            {
                case PieceKind.Jmp:
                    Assert.Equal(Mnemonic.Jmp, instruction.Mnemonic);
                    Assert.Equal((ulong)target, instruction.NearBranchTarget);
                    break;
                case PieceKind.Jcc:
                    Assert.Equal((ConditionCode)((piece.Argument & 15) + 1), instruction.ConditionCode);
                    Assert.Equal((ulong)target, instruction.NearBranchTarget);
                    break;
                case PieceKind.Lea:
                    Assert.Equal((ulong)target, instruction.IPRelativeMemoryAddress);
                    break;
                case PieceKind.CallSymbol:
                    Assert.Equal(new CodeRelocation(end - 4, RelocationKind.Relative32, piece.Argument, -4), relocations.Dequeue());
                    break;
                default:
                    Assert.Equal(piece.Argument, BitConverter.ToInt64(code, (int)instruction.IPRelativeMemoryAddress));
                    break;
            }
        }
    }

    private static Label Target(int argument) => new((argument >> 4) % Labels);

    private static int Alignment(int argument) => 1 << (argument % 7);

    private static int MaxPadding(int argument) => argument % 3 == 0 ? 5 : int.MaxValue;

    private static Instruction Decode(byte[] code, int offset)
    {
        var decoder = Iced.Intel.Decoder.Create(64, new ByteArrayCodeReader(code, offset, code.Length - offset), (ulong)offset);
        Instruction instruction = decoder.Decode();
        Assert.False(instruction.IsInvalid);
        return instruction;
    }
}
