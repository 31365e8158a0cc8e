// Instructions that speak to the machine.
using Iced.Intel;
using Tarn.Assembler.X64;
using static Tarn.Assembler.Tests.Operand;

namespace Tarn.Assembler.Tests;

public sealed class SystemEncodingTests
{
    private readonly EncodingChecker _checker = new();

    private X64Assembler Asm => _checker.Asm;

    [Fact]
    public void Without_operands()
    {
        Action<X64Assembler>[] emit =
        [
            a => a.Cld(), a => a.Std(), a => a.Syscall(), a => a.Lfence(), a => a.Mfence(), a => a.Sfence(), a => a.Pushfq(), a => a.Popfq(),
            a => a.Cpuid(), a => a.Xgetbv(), a => a.Rdtsc(), a => a.Rdtscp(), a => a.Pause(), a => a.Endbr64(), a => a.Ud2(), a => a.Int3(),
            a => a.Hlt(),
        ];
        Mnemonic[] mnemonics =
        [
            Mnemonic.Cld, Mnemonic.Std, Mnemonic.Syscall, Mnemonic.Lfence, Mnemonic.Mfence, Mnemonic.Sfence, Mnemonic.Pushfq, Mnemonic.Popfq,
            Mnemonic.Cpuid, Mnemonic.Xgetbv, Mnemonic.Rdtsc, Mnemonic.Rdtscp, Mnemonic.Pause, Mnemonic.Endbr64, Mnemonic.Ud2, Mnemonic.Int3,
            Mnemonic.Hlt,
        ];
        for (int i = 0; i < mnemonics.Length; i++)
        {
            emit[i](Asm);
            _checker.Expect(mnemonics[i]);
        }
    }

    [Fact]
    public void String_instructions_are_repeated()
    {
        Asm.RepMovsb();
        Asm.RepMovsq();
        Asm.RepStosb();
        Asm.RepStosq();
        var decoder = Decoder.Create(64, Asm.Code[3..].ToArray());
        foreach (Code code in new[] { Code.Movsb_m8_m8, Code.Movsq_m64_m64, Code.Stosb_m8_AL, Code.Stosq_m64_RAX })
        {
            Instruction instruction = decoder.Decode();
            Assert.Equal(code, instruction.Code);
            Assert.True(instruction.HasRepPrefix);
        }
    }

    [Fact]
    public void Segment_bases()
    {
        foreach (Gpr r in Shapes.Gprs)
        {
            Operand operand = Of(OperandSize.S64, r);
            Asm.Rdfsbase(r);
            _checker.Expect(Mnemonic.Rdfsbase, operand);
            Asm.Rdgsbase(r);
            _checker.Expect(Mnemonic.Rdgsbase, operand);
            Asm.Wrfsbase(r);
            _checker.Expect(Mnemonic.Wrfsbase, operand);
            Asm.Wrgsbase(r);
            _checker.Expect(Mnemonic.Wrgsbase, operand);
        }
    }

    [Fact]
    public void With_memory()
    {
        foreach (Mem mem in Shapes.Corners)
        {
            Asm.Ldmxcsr(mem);
            _checker.Expect(Mnemonic.Ldmxcsr, mem);
            Asm.Stmxcsr(mem);
            _checker.Expect(Mnemonic.Stmxcsr, mem);
            Asm.Prefetch(PrefetchHint.NonTemporal, mem);
            _checker.Expect(Mnemonic.Prefetchnta, mem);
            Asm.Prefetch(PrefetchHint.T0, mem);
            _checker.Expect(Mnemonic.Prefetcht0, mem);
            Asm.Prefetch(PrefetchHint.T1, mem);
            _checker.Expect(Mnemonic.Prefetcht1, mem);
            Asm.Prefetch(PrefetchHint.T2, mem);
            _checker.Expect(Mnemonic.Prefetcht2, mem);
            Asm.Prefetchw(mem);
            _checker.Expect(Mnemonic.Prefetchw, mem);
        }
    }

    [Fact]
    public void Nops_are_few_and_exact()
    {
        for (int bytes = 0; bytes <= 200; bytes++)
        {
            Asm.Reset();
            Asm.Nop(bytes);
            Assert.Equal(bytes, Asm.Offset);
            var decoder = Decoder.Create(64, Asm.Code.ToArray());
            int count = 0;
            for (; decoder.IP < (ulong)bytes; count++)
            {
                Instruction instruction = decoder.Decode();
                Assert.True(instruction.Mnemonic == Mnemonic.Nop || instruction.Code == Code.Xchg_r16_AX, instruction.ToString());
            }
            Assert.Equal((bytes + 8) / 9, count);
        }
    }

    [Fact]
    public void Bytes_go_out_as_they_are()
    {
        byte[] large = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 7))];
        Asm.Reset();
        Asm.Bytes(large);
        Asm.Finish();
        Assert.Equal(large, Asm.Code.ToArray());
    }
}
