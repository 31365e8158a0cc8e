// Labels, branches at the edges of their reach, relocations, and what misuse says.
using System.Buffers.Binary;
using Iced.Intel;
using Tarn.Assembler.X64;

namespace Tarn.Assembler.Tests;

public sealed class LabelTests
{
    [Theory]
    [InlineData(0, 2)]
    [InlineData(127, 2)]
    [InlineData(128, 5)]
    [InlineData(100_000, 5)]
    public void Forward_jump_reaches(int distance, int length)
    {
        foreach (bool shorten in new[] { true, false })
        {
            X64Assembler asm = Make(shorten);
            Label target = asm.NewLabel();
            asm.Jmp(target);
            asm.Nop(distance);
            asm.Bind(target);
            asm.Ret();
            asm.Finish();
            int expected = shorten ? length : 5;
            Assert.Equal(expected + distance, asm.OffsetOf(target));
            AssertBranch(asm, 0, Mnemonic.Jmp, expected, expected + distance);
            Assert.Equal(0xC3, asm.Code[^1]);
        }
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(127, 2)]
    [InlineData(128, 6)]
    [InlineData(100_000, 6)]
    public void Forward_conditional_jump_reaches(int distance, int length)
    {
        foreach (Condition condition in Enum.GetValues<Condition>())
        {
            X64Assembler asm = Make(true);
            Label target = asm.NewLabel();
            asm.Jcc(condition, target);
            asm.Nop(distance);
            asm.Bind(target);
            asm.Ret();
            asm.Finish();
            Instruction branch = AssertBranch(asm, 0, null, length, length + distance);
            Assert.Equal((ConditionCode)((int)condition + 1), branch.ConditionCode);
        }
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(126, 2)]
    [InlineData(127, 5)]
    [InlineData(100_000, 5)]
    public void Backward_jump_reaches(int distance, int length)
    {
        foreach (bool shorten in new[] { true, false })
        {
            X64Assembler asm = Make(shorten);
            asm.Ret();
            Label target = asm.BindNew();
            asm.Nop(distance);
            asm.Jmp(target);
            asm.Finish();
            Assert.Equal(1, asm.OffsetOf(target));
            AssertBranch(asm, distance + 1, Mnemonic.Jmp, length, 1);
            Assert.Equal(distance + 1 + length, asm.CodeSize);
        }
    }

    [Theory]
    [InlineData(126, 2)]
    [InlineData(127, 6)]
    public void Backward_conditional_jump_reaches(int distance, int length)
    {
        foreach (bool shorten in new[] { true, false })
        {
            X64Assembler asm = Make(shorten);
            Label target = asm.BindNew();
            asm.Nop(distance);
            asm.Jcc(Condition.NotEqual, target);
            asm.Finish();
            AssertBranch(asm, distance, Mnemonic.Jne, length, 0);
        }
    }

    [Fact]
    public void A_branch_that_reaches_once_others_are_short_becomes_short_as_well()
    {
        X64Assembler asm = Make(true);
        Label outer = asm.NewLabel();
        Label inner = asm.NewLabel();
        asm.Jmp(outer);
        asm.Nop(60);
        asm.Jcc(Condition.Equal, inner);
        asm.Nop(65);
        asm.Bind(inner);
        asm.Bind(outer);
        asm.Finish();
        // 60 + 6 + 65 is too far for 8 bits, 60 + 2 + 65 is not.
        AssertBranch(asm, 0, Mnemonic.Jmp, 2, 129);
        AssertBranch(asm, 62, Mnemonic.Je, 2, 129);
    }

    [Fact]
    public void A_backward_branch_that_reaches_once_others_are_short_becomes_short_as_well()
    {
        X64Assembler asm = Make(true);
        Label top = asm.BindNew();
        Label inner = asm.NewLabel();
        asm.Jcc(Condition.Equal, inner);
        asm.Nop(124);
        asm.Bind(inner);
        asm.Jmp(top);
        asm.Finish();
        AssertBranch(asm, 126, Mnemonic.Jmp, 2, 0);
    }

    [Fact]
    public void Code_after_an_alignment_is_aligned_though_branches_before_it_shrank()
    {
        for (int alignment = 2; alignment <= 64; alignment *= 2)
        {
            for (int filler = 0; filler < 140; filler++)
            {
                X64Assembler asm = Make(true);
                Label over = asm.NewLabel();
                Label loop = asm.NewLabel();
                asm.Jcc(Condition.Above, over);
                asm.Nop(filler);
                Label before = asm.BindNew();
                int beforeOffset = asm.Offset;
                asm.Align(alignment);
                asm.Bind(loop);
                asm.Bind(over);
                asm.Cpuid();
                asm.Jcc(Condition.Below, loop);
                asm.Jmp(before);
                asm.Finish();
                int start = asm.OffsetOf(loop);
                Assert.Equal(0, start % alignment);
                Assert.True(asm.RequiredAlignment >= alignment);
                Assert.Equal(asm.OffsetOf(before), asm.MapOffset(beforeOffset));
                Assert.True(start - asm.OffsetOf(before) < alignment);
                int branchLength = asm.Code[0] == 0x0F ? 6 : 2;
                AssertBranch(asm, 0, Mnemonic.Ja, branchLength, start);
                AssertBranch(asm, start + 2, Mnemonic.Jb, 2, start);
                Assert.Equal(branchLength + filler, asm.OffsetOf(before));
            }
        }
    }

    [Fact]
    public void Padding_beyond_the_most_allowed_is_left_out()
    {
        foreach (bool shorten in new[] { true, false })
        {
            for (int filler = 1; filler < 32; filler++)
            {
                X64Assembler asm = Make(shorten);
                Label next = asm.NewLabel();
                asm.Jmp(next);
                asm.Bind(next);
                asm.Nop(filler);
                asm.Align(16, maxPadding: 5);
                Label after = asm.BindNew();
                asm.Finish();
                int end = (shorten ? 2 : 5) + filler;
                int padding = -end & 15;
                Assert.Equal(padding <= 5 ? end + padding : end, asm.OffsetOf(after));
            }
        }
    }

    [Fact]
    public void Relocations_follow_the_code()
    {
        X64Assembler asm = Make(true);
        Label end = asm.NewLabel();
        asm.CallSymbol(1);
        asm.Jcc(Condition.Equal, end);
        asm.JmpSymbol(2);
        asm.Jmp(end);
        asm.JccSymbol(Condition.Above, 3);
        asm.MovSymbolAddress(Gpr.R9, 4, 12);
        asm.Cmp(OperandSize.S32, Mem.AtSymbol(5), 0x1234567);
        asm.Bind(end);
        asm.Finish();
        CodeRelocation[] expected =
        [
            new(1, RelocationKind.Relative32, 1, -4),
            new(5 + 2 + 1, RelocationKind.Relative32, 2, -4),
            new(12 + 2 + 2, RelocationKind.Relative32, 3, -4),
            new(20 + 2, RelocationKind.Absolute64, 4, 12),
            new(30 + 2, RelocationKind.Relative32, 5, -8),
        ];
        Assert.Equal(expected, asm.Relocations.ToArray());
        Assert.Equal(40, asm.CodeSize);
    }

    [Fact]
    public void Local_calls_find_their_label()
    {
        X64Assembler asm = Make(true);
        Label function = asm.NewLabel();
        Label skip = asm.NewLabel();
        asm.Call(function);
        asm.Jmp(skip);
        asm.Bind(skip);
        asm.Bind(function);
        asm.Call(function);
        asm.Finish();
        AssertBranch(asm, 0, Mnemonic.Call, 5, 7);
        AssertBranch(asm, 7, Mnemonic.Call, 5, 7);
    }

    [Fact]
    public void Jump_tables_lead_to_their_targets()
    {
        X64Assembler asm = Make(true);
        Label first = asm.NewLabels(4);
        Label[] cases = [.. Enumerable.Range(first.Id, 4).Select(id => new Label(id))];
        Label table = asm.AddJumpTable([cases[3], cases[0], cases[0], cases[2]]);
        Label other = asm.AddJumpTable([cases[1]]);
        asm.JmpTable(table, Gpr.Rcx, Gpr.Rdx);
        asm.JmpTable(other, Gpr.Rcx, Gpr.Rdx);
        foreach (Label label in cases)
        {
            asm.Bind(label);
            asm.Jmp(cases[3]);
        }
        asm.Finish();
        AssertTable(table, cases[3], cases[0], cases[0], cases[2]);
        AssertTable(other, cases[1]);
        Assert.Equal(asm.OffsetOf(table) + 16, asm.OffsetOf(other));
        var decoder = Iced.Intel.Decoder.Create(64, asm.Code[..asm.CodeSize].ToArray());
        Assert.Equal((ulong)asm.OffsetOf(table), decoder.Decode().IPRelativeMemoryAddress);

        void AssertTable(Label label, params Label[] targets)
        {
            int start = asm.OffsetOf(label);
            Assert.Equal(0, start % 4);
            Assert.True(start >= asm.CodeSize);
            for (int i = 0; i < targets.Length; i++)
                Assert.Equal(asm.OffsetOf(targets[i]), start + BinaryPrimitives.ReadInt32LittleEndian(asm.Code[(start + (i * 4))..]));
        }
    }

    [Fact]
    public void Large_functions_grow_the_buffer()
    {
        var asm = new X64Assembler(CpuFeatures.None, shortenBranches: true, initialCapacity: 1);
        Label far = asm.NewLabel();
        asm.Jmp(far);
        for (int i = 0; i < 200_000; i++)
        {
            Label next = asm.NewLabel();
            asm.Jcc(Condition.Equal, next);
            asm.MovImm64(Gpr.Rax, i);
            asm.Bind(next);
        }
        asm.Bind(far);
        asm.Finish();
        Assert.Equal(5 + (200_000 * 12), asm.CodeSize);
        AssertBranch(asm, 0, Mnemonic.Jmp, 5, asm.CodeSize);
        for (int i = 0; i < 200_000; i += 999)
        {
            AssertBranch(asm, 5 + (i * 12), Mnemonic.Je, 2, 5 + (i * 12) + 12);
            Assert.Equal(i, BinaryPrimitives.ReadInt64LittleEndian(asm.Code[(5 + (i * 12) + 4)..]));
        }
    }

    [Fact]
    public void Misuse_is_named()
    {
        X64Assembler asm = Make(true);
        Label label = asm.NewLabel();
        Assert.False(asm.IsBound(label));
        Assert.Contains("L0 is not bound", Assert.Throws<InvalidOperationException>(() => asm.OffsetOf(label)).Message, StringComparison.Ordinal);
        asm.Nop(3);
        asm.Bind(label);
        Assert.True(asm.IsBound(label));
        Assert.Contains("L0 is bound twice", Assert.Throws<InvalidOperationException>(() => asm.Bind(label)).Message, StringComparison.Ordinal);
        asm.Finish();
        _ = Assert.Throws<InvalidOperationException>(asm.Finish);
        Action<Label>[] uses =
        [
            l => asm.Jmp(l),
            l => asm.Jcc(Condition.Equal, l),
            l => asm.Call(l),
            l => asm.Lea(OperandSize.S64, Gpr.Rax, Mem.At(l)),
            l => asm.AddJumpTable([l]),
        ];
        foreach (Action<Label> use in uses)
        {
            asm.Reset();
            use(asm.NewLabel());
            Assert.Contains("used but never bound", Assert.Throws<InvalidOperationException>(asm.Finish).Message, StringComparison.Ordinal);
        }
    }

    private static X64Assembler Make(bool shorten) => new(CpuFeatures.None, shorten);

    private static Instruction AssertBranch(X64Assembler asm, int offset, Mnemonic? mnemonic, int length, int target)
    {
        var decoder = Iced.Intel.Decoder.Create(64, asm.Code[offset..Math.Min(offset + 15, asm.Code.Length)].ToArray(), (ulong)offset);
        Instruction instruction = decoder.Decode();
        if (mnemonic != null)
            Assert.Equal(mnemonic, instruction.Mnemonic);
        Assert.Equal(length, instruction.Length);
        Assert.Equal((ulong)target, instruction.NearBranchTarget);
        return instruction;
    }
}
