// Integer instructions over all operand shapes. Families are driven by their enums.
using Iced.Intel;
using Tarn.Assembler.X64;
using static Tarn.Assembler.Tests.Operand;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Assembler.Tests;

public sealed class IntegerEncodingTests
{
    private readonly EncodingChecker _checker = new();

    private X64Assembler Asm => _checker.Asm;

    [Fact]
    public void Every_memory_operand_in_every_kind_of_instruction()
    {
        foreach (Mem mem in Shapes.All)
        {
            Asm.Mov(S64, Gpr.Rsi, mem);
            _checker.Expect(Mnemonic.Mov, Of(S64, Gpr.Rsi), mem);
            Asm.Mov(S8, mem, Gpr.Rdi);
            _checker.Expect(Mnemonic.Mov, mem, Of(S8, Gpr.Rdi));
            Asm.MovImm(S16, mem, 0x1234);
            _checker.Expect(Mnemonic.Mov, mem, Imm(0x1234, 16));
            Asm.Alu(AluOp.Sub, S32, mem, 5);
            _checker.Expect(Mnemonic.Sub, mem, Imm(5, 32));
            Asm.Alu(AluOp.Sub, S64, mem, 5000);
            _checker.Expect(Mnemonic.Sub, mem, Imm(5000, 64));
            Asm.Sse(SseOp.Addsd, Xmm.Xmm9, mem);
            _checker.Expect(Mnemonic.Addsd, Xmm.Xmm9, mem);
            Asm.SseImm(SseOp.Pinsrq, Xmm.Xmm1, mem, 1);
            _checker.Expect(Mnemonic.Pinsrq, Xmm.Xmm1, mem, Imm(1));
            Asm.Avx(SseOp.Addps, Xmm.Xmm1, Xmm.Xmm9, mem);
            _checker.Expect(Mnemonic.Vaddps, Xmm.Xmm1, Xmm.Xmm9, mem);
            Asm.Avx(SseOp.Pshufb, Xmm.Xmm10, Xmm.Xmm9, mem);
            _checker.Expect(Mnemonic.Vpshufb, Xmm.Xmm10, Xmm.Xmm9, mem);
            Asm.Ymm(SseOp.MovdquStore, mem, Xmm.Xmm10);
            _checker.Expect(Mnemonic.Vmovdqu, mem, Ymm(Xmm.Xmm10));
            Asm.Bmi(BmiOp.Shlx, S64, Gpr.R9, mem, Gpr.Rax);
            _checker.Expect(Mnemonic.Shlx, Of(S64, Gpr.R9), mem, Of(S64, Gpr.Rax));
        }
    }

    [Fact]
    public void Moves_between_registers()
    {
        ForRegisterPairs(Shapes.Sizes, (size, a, b) =>
        {
            Asm.Mov(size, a, b);
            _checker.Expect(Mnemonic.Mov, Of(size, a), Of(size, b));
            Asm.Xchg(size, a, b);
            _checker.ExpectCommutative(Mnemonic.Xchg, Of(size, a), Of(size, b));
        });
        ForRegisterPairs([S8, S16], (from, a, b) =>
        {
            Asm.Movzx(from, a, b);
            _checker.Expect(Mnemonic.Movzx, Of(S32, a), Of(from, b));
            foreach (OperandSize to in Shapes.WideSizes.Where(s => s > from))
            {
                Asm.Movsx(to, from, a, b);
                _checker.Expect(Mnemonic.Movsx, Of(to, a), Of(from, b));
            }
        });
        ForRegisterPairs([S64], (_, a, b) =>
        {
            Asm.Movzx(S32, a, b);
            _checker.Expect(Mnemonic.Mov, Of(S32, a), Of(S32, b));
            Asm.Movsx(S64, S32, a, b);
            _checker.Expect(Mnemonic.Movsxd, Of(S64, a), Of(S32, b));
        });
    }

    [Fact]
    public void Moves_with_memory()
    {
        foreach (Mem mem in Shapes.Corners)
        {
            foreach (Gpr r in Shapes.Gprs)
            {
                foreach (OperandSize size in Shapes.Sizes)
                {
                    Asm.Mov(size, r, mem);
                    _checker.Expect(Mnemonic.Mov, Of(size, r), mem);
                    Asm.Mov(size, mem, r);
                    _checker.Expect(Mnemonic.Mov, mem, Of(size, r));
                    Asm.Xchg(size, mem, r);
                    _checker.Expect(Mnemonic.Xchg, mem, Of(size, r));
                    Asm.Cmpxchg(size, mem, r);
                    _checker.Expect(Mnemonic.Cmpxchg, mem, Of(size, r));
                    Asm.Xadd(size, mem, r);
                    _checker.Expect(Mnemonic.Xadd, mem, Of(size, r));
                    if (size == S8)
                        continue;
                    Asm.Lea(size, r, mem);
                    // lea takes no segment: the prefix is there but ignored, and is not asked for.
                    _checker.Expect(Mnemonic.Lea, Of(size, r), mem);
                    Asm.Movbe(size, r, mem);
                    _checker.Expect(Mnemonic.Movbe, Of(size, r), mem);
                    Asm.Movbe(size, mem, r);
                    _checker.Expect(Mnemonic.Movbe, mem, Of(size, r));
                }
                Asm.Movzx(S8, r, mem);
                _checker.Expect(Mnemonic.Movzx, Of(S32, r), mem);
                Asm.Movzx(S16, r, mem);
                _checker.Expect(Mnemonic.Movzx, Of(S32, r), mem);
                Asm.Movzx(S32, r, mem);
                _checker.Expect(Mnemonic.Mov, Of(S32, r), mem);
                Asm.Movsx(S16, S8, r, mem);
                _checker.Expect(Mnemonic.Movsx, Of(S16, r), mem);
                Asm.Movsx(S32, S8, r, mem);
                _checker.Expect(Mnemonic.Movsx, Of(S32, r), mem);
                Asm.Movsx(S64, S8, r, mem);
                _checker.Expect(Mnemonic.Movsx, Of(S64, r), mem);
                Asm.Movsx(S32, S16, r, mem);
                _checker.Expect(Mnemonic.Movsx, Of(S32, r), mem);
                Asm.Movsx(S64, S16, r, mem);
                _checker.Expect(Mnemonic.Movsx, Of(S64, r), mem);
                Asm.Movsx(S64, S32, r, mem);
                _checker.Expect(Mnemonic.Movsxd, Of(S64, r), mem);
            }
            Asm.Cmpxchg16b(mem);
            _checker.Expect(Mnemonic.Cmpxchg16b, mem);
            foreach (OperandSize size in Shapes.Sizes)
            {
                foreach (int value in Shapes.Immediates)
                {
                    Asm.MovImm(size, mem, value);
                    _checker.Expect(Mnemonic.Mov, mem, Imm(value, Bits(size)));
                }
            }
        }
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(1, 5)]
    [InlineData(int.MaxValue, 5)]
    [InlineData(uint.MaxValue, 5)]
    [InlineData(-1, 7)]
    [InlineData(int.MinValue, 7)]
    [InlineData(uint.MaxValue + 1L, 10)]
    [InlineData(int.MinValue - 1L, 10)]
    [InlineData(long.MinValue, 10)]
    [InlineData(long.MaxValue, 10)]
    public void Constants_take_the_shortest_form(long value, int length)
    {
        foreach (Gpr r in Shapes.Gprs)
        {
            Asm.Reset();
            Asm.MovImm(r, value);
            Assert.Equal(length + (length == 5 && r >= Gpr.R8 ? 1 : 0), Asm.Offset);
            var checker = new EncodingChecker();
            checker.Asm.MovImm(r, value);
            checker.Expect(Mnemonic.Mov, Of(length == 5 ? S32 : S64, r), Imm(value, length == 5 ? 32 : 64));
        }
    }

    [Fact]
    public void Constants_in_fixed_forms()
    {
        foreach (Gpr r in Shapes.Gprs)
        {
            Asm.MovImm64(r, 3);
            _checker.Expect(Mnemonic.Mov, Of(S64, r), Imm(3, 64));
            Asm.MovImm32(r, -3);
            _checker.Expect(Mnemonic.Mov, Of(S32, r), Imm(-3, 32));
            Asm.Zero(r);
            _checker.Expect(Mnemonic.Xor, Of(S32, r), Of(S32, r));
        }
    }

    [Fact]
    public void Arithmetic_on_registers()
    {
        foreach (AluOp op in Enum.GetValues<AluOp>())
        {
            Mnemonic mnemonic = Enum.Parse<Mnemonic>(op.ToString());
            ForRegisterPairs(Shapes.Sizes, (size, a, b) =>
            {
                Asm.Alu(op, size, a, b);
                _checker.Expect(mnemonic, Of(size, a), Of(size, b));
            });
            foreach (OperandSize size in Shapes.Sizes)
            {
                foreach (Gpr r in Shapes.Gprs)
                {
                    foreach (int value in Shapes.Immediates)
                    {
                        Asm.Alu(op, size, r, value);
                        _checker.Expect(mnemonic, Of(size, r), Imm(value, Bits(size)));
                    }
                }
            }
        }
    }

    [Fact]
    public void Arithmetic_with_memory()
    {
        foreach (AluOp op in Enum.GetValues<AluOp>())
        {
            Mnemonic mnemonic = Enum.Parse<Mnemonic>(op.ToString());
            foreach (Mem mem in Shapes.Corners)
            {
                foreach (OperandSize size in Shapes.Sizes)
                {
                    foreach (Gpr r in Shapes.Gprs)
                    {
                        Asm.Alu(op, size, r, mem);
                        _checker.Expect(mnemonic, Of(size, r), mem);
                        Asm.Alu(op, size, mem, r);
                        _checker.Expect(mnemonic, mem, Of(size, r));
                    }
                    foreach (int value in Shapes.Immediates)
                    {
                        Asm.Alu(op, size, mem, value);
                        _checker.Expect(mnemonic, mem, Imm(value, Bits(size)));
                    }
                }
            }
        }
    }

    [Fact]
    public void Wrappers_mean_what_they_say()
    {
        var mem = new Mem(Gpr.Rbx, 4);
        Operand a = Of(S64, Gpr.Rcx);
        Operand b = Of(S64, Gpr.R10);
        Asm.Add(S64, Gpr.Rcx, Gpr.R10);
        _checker.Expect(Mnemonic.Add, a, b);
        Asm.Add(S64, Gpr.Rcx, mem);
        _checker.Expect(Mnemonic.Add, a, mem);
        Asm.Add(S64, Gpr.Rcx, 0);
        _checker.Expect(Mnemonic.Add, a, Imm(0, 64));
        Asm.Sub(S64, Gpr.Rcx, Gpr.R10);
        _checker.Expect(Mnemonic.Sub, a, b);
        Asm.Sub(S64, Gpr.Rcx, mem);
        _checker.Expect(Mnemonic.Sub, a, mem);
        Asm.Sub(S64, Gpr.Rcx, 0);
        _checker.Expect(Mnemonic.Sub, a, Imm(0, 64));
        Asm.Cmp(S64, Gpr.Rcx, Gpr.R10);
        _checker.Expect(Mnemonic.Cmp, a, b);
        Asm.Cmp(S64, Gpr.Rcx, mem);
        _checker.Expect(Mnemonic.Cmp, a, mem);
        Asm.Cmp(S64, mem, Gpr.Rcx);
        _checker.Expect(Mnemonic.Cmp, mem, a);
        Asm.Cmp(S64, Gpr.Rcx, 0);
        _checker.Expect(Mnemonic.Cmp, a, Imm(0, 64));
        Asm.Cmp(S64, mem, 0);
        _checker.Expect(Mnemonic.Cmp, mem, Imm(0, 64));
        Asm.Neg(S64, Gpr.Rcx);
        _checker.Expect(Mnemonic.Neg, a);
        Asm.Not(S64, Gpr.Rcx);
        _checker.Expect(Mnemonic.Not, a);
        Asm.Imul(S64, Gpr.Rcx, Gpr.R10);
        _checker.Expect(Mnemonic.Imul, a, b);
        Asm.Imul(S64, Gpr.Rcx, mem);
        _checker.Expect(Mnemonic.Imul, a, mem);
    }

    [Fact]
    public void Tests()
    {
        ForRegisterPairs(Shapes.Sizes, (size, a, b) =>
        {
            Asm.Test(size, a, b);
            _checker.Expect(Mnemonic.Test, Of(size, a), Of(size, b));
        });
        foreach (OperandSize size in Shapes.Sizes)
        {
            foreach (Gpr r in Shapes.Gprs)
            {
                foreach (int value in Shapes.Immediates)
                {
                    Asm.Test(size, r, value);
                    _checker.Expect(Mnemonic.Test, Of(size, r), Imm(value, Bits(size)));
                }
            }
            foreach (Mem mem in Shapes.Corners)
            {
                Asm.Test(size, mem, Gpr.Rsi);
                _checker.Expect(Mnemonic.Test, mem, Of(size, Gpr.Rsi));
                Asm.Test(size, mem, Gpr.R14);
                _checker.Expect(Mnemonic.Test, mem, Of(size, Gpr.R14));
                Asm.Test(size, mem, 0x71);
                _checker.Expect(Mnemonic.Test, mem, Imm(0x71, Bits(size)));
            }
        }
    }

    [Fact]
    public void One_operand()
    {
        foreach (OperandSize size in Shapes.Sizes)
        {
            foreach (UnaryOp op in Enum.GetValues<UnaryOp>())
            {
                Mnemonic mnemonic = Enum.Parse<Mnemonic>(op.ToString());
                foreach (Gpr r in Shapes.Gprs)
                {
                    Asm.Unary(op, size, r);
                    _checker.Expect(mnemonic, Of(size, r));
                }
                foreach (Mem mem in Shapes.Corners)
                {
                    Asm.Unary(op, size, mem);
                    _checker.Expect(mnemonic, mem);
                }
            }
            foreach (Gpr r in Shapes.Gprs)
            {
                Asm.Inc(size, r);
                _checker.Expect(Mnemonic.Inc, Of(size, r));
                Asm.Dec(size, r);
                _checker.Expect(Mnemonic.Dec, Of(size, r));
                if (size >= S32)
                {
                    Asm.Bswap(size, r);
                    _checker.Expect(Mnemonic.Bswap, Of(size, r));
                }
            }
            foreach (Mem mem in Shapes.Corners)
            {
                Asm.Inc(size, mem);
                _checker.Expect(Mnemonic.Inc, mem);
                Asm.Dec(size, mem);
                _checker.Expect(Mnemonic.Dec, mem);
            }
        }
        Asm.Cdq(S16);
        _checker.Expect(Mnemonic.Cwd);
        Asm.Cdq(S32);
        _checker.Expect(Mnemonic.Cdq);
        Asm.Cdq(S64);
        _checker.Expect(Mnemonic.Cqo);
    }

    [Fact]
    public void Register_from_register_or_memory()
    {
        foreach (GprOp op in Enum.GetValues<GprOp>())
        {
            Mnemonic mnemonic = Enum.Parse<Mnemonic>(op.ToString());
            OperandSize[] sizes = op is GprOp.Popcnt or GprOp.Lzcnt or GprOp.Tzcnt ? [S32, S64] : [S16, S32, S64];
            ForRegisterPairs(sizes, (size, a, b) =>
            {
                Asm.Gp(op, size, a, b);
                _checker.Expect(mnemonic, Of(size, a), Of(size, b));
            });
            foreach (OperandSize size in sizes)
            {
                foreach (Mem mem in Shapes.Corners)
                {
                    Asm.Gp(op, size, Gpr.R15, mem);
                    _checker.Expect(mnemonic, Of(size, Gpr.R15), mem);
                }
            }
        }
    }

    [Fact]
    public void Multiplication_by_an_immediate()
    {
        foreach (int value in Shapes.Immediates)
        {
            ForRegisterPairs(Shapes.WideSizes, (size, a, b) =>
            {
                Asm.Imul(size, a, b, value);
                _checker.Expect(Mnemonic.Imul, Of(size, a), Of(size, b), Imm(value, Bits(size)));
            });
            foreach (OperandSize size in Shapes.WideSizes)
            {
                foreach (Mem mem in Shapes.Corners)
                {
                    Asm.Imul(size, Gpr.R9, mem, value);
                    _checker.Expect(Mnemonic.Imul, Of(size, Gpr.R9), mem, Imm(value, Bits(size)));
                }
            }
        }
    }

    [Fact]
    public void Conditions()
    {
        foreach (Condition condition in Enum.GetValues<Condition>())
        {
            // The disassembler's names of the conditions are the manual's.
            string suffix = new[] { "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g" }[(int)condition];
            Mnemonic cmov = Enum.Parse<Mnemonic>("cmov" + suffix, ignoreCase: true);
            Mnemonic set = Enum.Parse<Mnemonic>("set" + suffix, ignoreCase: true);
            ForRegisterPairs(Shapes.WideSizes, (size, a, b) =>
            {
                Asm.Cmov(condition, size, a, b);
                _checker.Expect(cmov, Of(size, a), Of(size, b));
            });
            foreach (Gpr r in Shapes.Gprs)
            {
                Asm.Setcc(condition, r);
                _checker.Expect(set, Of(S8, r));
            }
            foreach (Mem mem in Shapes.Corners)
            {
                Asm.Setcc(condition, mem);
                _checker.Expect(set, mem);
                Asm.Cmov(condition, S64, Gpr.R8, mem);
                _checker.Expect(cmov, Of(S64, Gpr.R8), mem);
            }
        }
    }

    [Theory]
    [InlineData(Condition.Below, Condition.AboveEqual, Condition.Above)]
    [InlineData(Condition.BelowEqual, Condition.Above, Condition.AboveEqual)]
    [InlineData(Condition.Less, Condition.GreaterEqual, Condition.Greater)]
    [InlineData(Condition.LessEqual, Condition.Greater, Condition.GreaterEqual)]
    [InlineData(Condition.Equal, Condition.NotEqual, Condition.Equal)]
    [InlineData(Condition.NotEqual, Condition.Equal, Condition.NotEqual)]
    internal void Conditions_negate_and_swap(Condition condition, Condition negated, Condition swapped)
    {
        Assert.Equal(negated, condition.Negate());
        Assert.Equal(condition, negated.Negate());
        Assert.Equal(swapped, condition.SwapOperands());
        Assert.Equal(condition, swapped.SwapOperands());
    }

    [Fact]
    public void Shifts()
    {
        foreach (ShiftOp op in Enum.GetValues<ShiftOp>())
        {
            Mnemonic mnemonic = Enum.Parse<Mnemonic>(op.ToString());
            foreach (OperandSize size in Shapes.Sizes)
            {
                foreach (Gpr r in Shapes.Gprs)
                {
                    Asm.ShiftCl(op, size, r);
                    _checker.Expect(mnemonic, Of(size, r), Of(S8, Gpr.Rcx));
                    for (int count = 0; count < Bits(size); count++)
                    {
                        Asm.Shift(op, size, r, count);
                        _checker.Expect(mnemonic, Of(size, r), Imm(count));
                    }
                }
                foreach (Mem mem in Shapes.Corners)
                {
                    Asm.ShiftCl(op, size, mem);
                    _checker.Expect(mnemonic, mem, Of(S8, Gpr.Rcx));
                    Asm.Shift(op, size, mem, 1);
                    _checker.Expect(mnemonic, mem, Imm(1));
                    Asm.Shift(op, size, mem, 7);
                    _checker.Expect(mnemonic, mem, Imm(7));
                }
            }
        }
        ForRegisterPairs(Shapes.WideSizes, (size, a, b) =>
        {
            Asm.Shld(size, a, b, 5);
            _checker.Expect(Mnemonic.Shld, Of(size, a), Of(size, b), Imm(5));
            Asm.Shrd(size, a, b, 15);
            _checker.Expect(Mnemonic.Shrd, Of(size, a), Of(size, b), Imm(15));
            Asm.ShldCl(size, a, b);
            _checker.Expect(Mnemonic.Shld, Of(size, a), Of(size, b), Of(S8, Gpr.Rcx));
            Asm.ShrdCl(size, a, b);
            _checker.Expect(Mnemonic.Shrd, Of(size, a), Of(size, b), Of(S8, Gpr.Rcx));
        });
    }

    [Fact]
    public void Bit_tests()
    {
        foreach (BitTestOp op in Enum.GetValues<BitTestOp>())
        {
            Mnemonic mnemonic = Enum.Parse<Mnemonic>(op.ToString());
            ForRegisterPairs(Shapes.WideSizes, (size, a, b) =>
            {
                Asm.BitTest(op, size, a, b);
                _checker.Expect(mnemonic, Of(size, a), Of(size, b));
                Asm.BitTest(op, size, a, (int)b);
                _checker.Expect(mnemonic, Of(size, a), Imm((int)b));
            });
            foreach (OperandSize size in Shapes.WideSizes)
            {
                foreach (Mem mem in Shapes.Corners)
                {
                    Asm.BitTest(op, size, mem, 9);
                    _checker.Expect(mnemonic, mem, Imm(9));
                }
            }
        }
    }

    [Fact]
    public void Bmi()
    {
        OperandSize[] sizes = [S32, S64];
        foreach (BmiOp op in Enum.GetValues<BmiOp>())
        {
            Mnemonic mnemonic = Enum.Parse<Mnemonic>(op.ToString());
            ForRegisterPairs(sizes, (size, a, b) =>
            {
                var c = (Gpr)(((int)a + ((int)b * 3)) & 15);
                Asm.Bmi(op, size, a, b, c);
                _checker.Expect(mnemonic, Of(size, a), Of(size, b), Of(size, c));
            });
            foreach (OperandSize size in sizes)
            {
                foreach (Mem mem in Shapes.Corners)
                {
                    if (op is BmiOp.Andn or BmiOp.Pdep or BmiOp.Pext or BmiOp.Mulx)
                    {
                        Asm.Bmi(op, size, Gpr.R9, Gpr.R14, mem);
                        _checker.Expect(mnemonic, Of(size, Gpr.R9), Of(size, Gpr.R14), mem);
                    }
                    else
                    {
                        Asm.Bmi(op, size, Gpr.R9, mem, Gpr.R14);
                        _checker.Expect(mnemonic, Of(size, Gpr.R9), mem, Of(size, Gpr.R14));
                    }
                }
            }
        }
        foreach (BlsOp op in Enum.GetValues<BlsOp>())
        {
            Mnemonic mnemonic = Enum.Parse<Mnemonic>(op.ToString());
            ForRegisterPairs(sizes, (size, a, b) =>
            {
                Asm.Bls(op, size, a, b);
                _checker.Expect(mnemonic, Of(size, a), Of(size, b));
            });
            foreach (Mem mem in Shapes.Corners)
            {
                Asm.Bls(op, S64, Gpr.R12, mem);
                _checker.Expect(mnemonic, Of(S64, Gpr.R12), mem);
            }
        }
        ForRegisterPairs(sizes, (size, a, b) =>
        {
            Asm.Rorx(size, a, b, 31);
            _checker.Expect(Mnemonic.Rorx, Of(size, a), Of(size, b), Imm(31));
        });
        foreach (Mem mem in Shapes.Corners)
        {
            Asm.Rorx(S32, Gpr.Rbp, mem, 3);
            _checker.Expect(Mnemonic.Rorx, Of(S32, Gpr.Rbp), mem, Imm(3));
        }
    }

    [Fact]
    public void Stack_and_control()
    {
        foreach (Gpr r in Shapes.Gprs)
        {
            Asm.Push(r);
            _checker.Expect(Mnemonic.Push, Of(S64, r));
            Asm.Pop(r);
            _checker.Expect(Mnemonic.Pop, Of(S64, r));
            Asm.Call(r);
            _checker.Expect(Mnemonic.Call, Of(S64, r));
            Asm.Jmp(r);
            _checker.Expect(Mnemonic.Jmp, Of(S64, r));
        }
        foreach (Mem mem in Shapes.Corners)
        {
            Asm.Push(mem);
            _checker.Expect(Mnemonic.Push, mem);
            Asm.Pop(mem);
            _checker.Expect(Mnemonic.Pop, mem);
            Asm.Call(mem);
            _checker.Expect(Mnemonic.Call, mem);
            Asm.Jmp(mem);
            _checker.Expect(Mnemonic.Jmp, mem);
        }
        foreach (int value in Shapes.Immediates)
        {
            Asm.Push(value);
            _checker.Expect(Mnemonic.Push, Imm(value, 64));
        }
        Asm.Ret();
        _checker.Expect(Mnemonic.Ret);
        Asm.Ret(8);
        _checker.Expect(Mnemonic.Ret, Imm(8, 16));
        Asm.Ret(0xFFF8);
        _checker.Expect(Mnemonic.Ret, Imm(0xFFF8, 16));
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => Asm.Ret(0x10000));
        Asm.Leave();
        _checker.Expect(Mnemonic.Leave);
    }

    [Fact]
    public void Locked()
    {
        var mem = new Mem(Gpr.R12, Gpr.Rcx, 3, 8);
        Asm.Lock();
        Asm.Xadd(S64, mem, Gpr.Rdx);
        Asm.Lock();
        Asm.Cmpxchg(S16, mem, Gpr.Rdx);
        Asm.Lock();
        Asm.Alu(AluOp.Or, S8, mem, Gpr.Rsi);
        Asm.Lock();
        Asm.Cmpxchg16b(mem);
        Asm.Finish();
        var decoder = Decoder.Create(64, Asm.Code[3..Asm.CodeSize].ToArray());
        foreach (Mnemonic mnemonic in new[] { Mnemonic.Xadd, Mnemonic.Cmpxchg, Mnemonic.Or, Mnemonic.Cmpxchg16b })
        {
            Instruction instruction = decoder.Decode();
            Assert.True(instruction.HasLockPrefix);
            Assert.Equal(mnemonic, instruction.Mnemonic);
            Assert.Equal(Register.R12, instruction.MemoryBase);
        }
    }

    private static int Bits(OperandSize size) => 8 << (int)size;

    private static void ForRegisterPairs(IEnumerable<OperandSize> sizes, Action<OperandSize, Gpr, Gpr> action)
    {
        foreach (OperandSize size in sizes)
        {
            foreach (Gpr a in Shapes.Gprs)
            {
                foreach (Gpr b in Shapes.Gprs)
                    action(size, a, b);
            }
        }
    }
}
