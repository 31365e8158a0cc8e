// Labels, branches, calls and the stack. A branch is recorded as a site where its length is not yet decided; see X64Assembler.Layout.cs.
using System.Diagnostics;
using static Tarn.Assembler.X64.X64Encoding;

namespace Tarn.Assembler.X64;

internal sealed unsafe partial class X64Assembler
{
    private const int Unbound = -1;

    /// <summary>Makes a label, to be bound later.</summary>
    public Label NewLabel()
    {
        _labels.Add(Unbound);
        return new Label(_labels.Count - 1);
    }

    /// <summary>Makes so many labels with consecutive numbers and returns the first (basic blocks have numbers already).</summary>
    public Label NewLabels(int count)
    {
        int first = _labels.Count;
        _labels.SetCount(first + count);
        _labels.Span[first..].Fill(Unbound);
        return new Label(first);
    }

    public bool IsBound(Label label) => _labels[label.Id] != Unbound;

    /// <summary>Puts a label here.</summary>
    public void Bind(Label label)
    {
        ref int place = ref _labels[label.Id];
        if (place != Unbound)
            throw new InvalidOperationException($"Label {label} is bound twice: at offset {place} and at {Offset}.");
        place = Offset;
        _boundLabels.Add(label.Id);
    }

    /// <summary>Makes a label and puts it here.</summary>
    public Label BindNew()
    {
        Label label = NewLabel();
        Bind(label);
        return label;
    }

    /// <summary>Position of a bound label: provisional before <see cref="Finish"/>, final after.</summary>
    public int OffsetOf(Label label)
    {
        int place = _labels[label.Id];
        return place != Unbound ? place : throw new InvalidOperationException($"Label {label} is not bound.");
    }

    public void Jmp(Label target) => Branch(0xEB, 0xE9, 5, target);

    public void Jcc(Condition condition, Label target) => Branch(0x70 | (uint)condition, M0F | 0x80 | (uint)condition, 6, target);

    private void Branch(uint shortOpcode, uint longOpcode, int longLength, Label target)
    {
        byte* p = Begin();
        int start = (int)(p - _start);
        int place = _labels[target.Id];
        // Code only ever shrinks, so a backward branch that is short now stays short.
        if (place != Unbound && place - (start + ShortBranch) >= sbyte.MinValue)
        {
            p[0] = (byte)shortOpcode;
            p[1] = (byte)(place - (start + ShortBranch));
            _cursor = p + ShortBranch;
            if (ShortenBranches)
                _sites.Add(new Site(start, target.Id, ShortBranch, (byte)shortOpcode));
            return;
        }
        p = EmitOpcode(p, longOpcode, 0);
        // A backward displacement is known; where branches get shortened all of them are written again.
        *(int*)p = place == Unbound ? 0 : place - (start + longLength);
        _cursor = p + 4;
        if (place == Unbound || ShortenBranches)
            _sites.Add(new Site(start, target.Id, (byte)longLength, (byte)shortOpcode));
    }

    /// <summary>call to a label of this function's code.</summary>
    public void Call(Label target)
    {
        EncodePlain(0xE8);
        AddRelativeField(target);
    }

    /// <summary>call rel32 to a symbol, by relocation.</summary>
    public void CallSymbol(int symbol)
    {
        EncodePlain(0xE8);
        AddRelativeSymbol(symbol);
    }

    /// <summary>jmp rel32 to a symbol, by relocation.</summary>
    public void JmpSymbol(int symbol)
    {
        EncodePlain(0xE9);
        AddRelativeSymbol(symbol);
    }

    /// <summary>jcc rel32 to a symbol, by relocation.</summary>
    public void JccSymbol(Condition condition, int symbol)
    {
        EncodePlain(M0F | 0x80 | (uint)condition);
        AddRelativeSymbol(symbol);
    }

    private void AddRelativeField(Label target)
    {
        _fixups.Add(new Fixup(Offset, target.Id, FixupKind.Label, 0));
        Append32(0);
    }

    private void AddRelativeSymbol(int symbol)
    {
        _relocations.Add(new CodeRelocation(Offset, RelocationKind.Relative32, symbol, -4));
        Append32(0);
    }

    public void Call(Gpr target) => EncodeRR(0xFF, 2, (uint)target);

    public void Call(Mem target) => EncodeRM(0xFF, 2, target, 0);

    public void Jmp(Gpr target) => EncodeRR(0xFF, 4, (uint)target);

    public void Jmp(Mem target) => EncodeRM(0xFF, 4, target, 0);

    /// <summary>
    /// Jumps to entry <paramref name="index"/> (64 bits, in range; clobbered) of a table from <see cref="AddJumpTable"/>, by way of
    /// <paramref name="scratch"/>.
    /// </summary>
    public void JmpTable(Label table, Gpr index, Gpr scratch)
    {
        Debug.Assert(index != scratch, "The jump needs two registers.");
        Lea(OperandSize.S64, scratch, Mem.At(table));
        Movsx(OperandSize.S64, OperandSize.S32, index, new Mem(scratch, index, 2));
        Alu(AluOp.Add, OperandSize.S64, index, scratch);
        Jmp(index);
    }

    public void Ret() => EncodePlain(0xC3);

    /// <summary>Returns and pops so many bytes of arguments.</summary>
    public void Ret(int popBytes)
    {
        if ((uint)popBytes > ushort.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(popBytes), popBytes, "ret pops at most 65535 bytes.");
        EncodePlain(0xC2);
        AppendSized(OperandSize.S16, popBytes);
    }

    public void Push(Gpr operand) => EncodeO(0x50, (uint)operand);

    public void Push(Mem operand) => EncodeRM(0xFF, 6, operand, 0);

    /// <summary>Pushes 64 bits: the value sign-extended.</summary>
    public void Push(int value)
    {
        bool isShort = value == (sbyte)value;
        EncodePlain(isShort ? 0x6Au : 0x68);
        AppendSized(isShort ? OperandSize.S8 : OperandSize.S32, value);
    }

    public void Pop(Gpr operand) => EncodeO(0x58, (uint)operand);

    public void Pop(Mem operand) => EncodeRM(0x8F, 0, operand, 0);

    public void Leave() => EncodePlain(0xC9);
}
