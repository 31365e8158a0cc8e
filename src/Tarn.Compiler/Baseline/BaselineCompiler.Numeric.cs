// Integer and floating-point instructions. Operands come from their slots into rax and rcx, or xmm0 and xmm1, and the result goes back.
// The corner cases are the specification's: signed zeros and NaNs in min and max (4.3.3, "fmin"), ranges of truncation, division.
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Wasm;
using Tarn.Wasm.Binary;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Compiler.Baseline;

internal sealed partial class BaselineCompiler
{
    private const int RoundNearest = 8;
    private const int RoundDown = 9;
    private const int RoundUp = 10;
    private const int RoundTowardZero = 11;

    private bool EmitNumeric(Opcode opcode, ref WasmReader reader)
    {
        switch (opcode)
        {
            case Opcode.I32Const:
                _asm.MovImm(Rax, (uint)reader.ReadVarS32());
                Push(Rax);
                return true;
            case Opcode.I64Const:
                _asm.MovImm(Rax, reader.ReadVarS64());
                Push(Rax);
                return true;
            case Opcode.F32Const:
                _asm.MovImm(Rax, reader.ReadF32Bits());
                Push(Rax);
                return true;
            case Opcode.F64Const:
                _asm.MovImm(Rax, (long)reader.ReadF64Bits());
                Push(Rax);
                return true;
            case Opcode.I32Eqz or Opcode.I64Eqz:
                Pop(Rcx);
                _asm.Zero(Rax);
                _asm.Test(S64, Rcx, Rcx);
                _asm.Setcc(Condition.Equal, Rax);
                Push(Rax);
                return true;
            case >= Opcode.I32Eq and <= Opcode.I32GeU:
                EmitCompare(S32, IntegerCondition(opcode - Opcode.I32Eq));
                return true;
            case >= Opcode.I64Eq and <= Opcode.I64GeU:
                EmitCompare(S64, IntegerCondition(opcode - Opcode.I64Eq));
                return true;
            case >= Opcode.F32Eq and <= Opcode.F32Ge:
                EmitFloatCompare(isDouble: false, opcode - Opcode.F32Eq);
                return true;
            case >= Opcode.F64Eq and <= Opcode.F64Ge:
                EmitFloatCompare(isDouble: true, opcode - Opcode.F64Eq);
                return true;
            case >= Opcode.I32Clz and <= Opcode.I32Popcnt:
                EmitCount(S32, opcode - Opcode.I32Clz);
                return true;
            case >= Opcode.I64Clz and <= Opcode.I64Popcnt:
                EmitCount(S64, opcode - Opcode.I64Clz);
                return true;
            case >= Opcode.I32Add and <= Opcode.I32Rotr:
                EmitBinary(S32, opcode - Opcode.I32Add);
                return true;
            case >= Opcode.I64Add and <= Opcode.I64Rotr:
                EmitBinary(S64, opcode - Opcode.I64Add);
                return true;
            case >= Opcode.F32Abs and <= Opcode.F32Sqrt:
                EmitFloatUnary(isDouble: false, opcode - Opcode.F32Abs);
                return true;
            case >= Opcode.F64Abs and <= Opcode.F64Sqrt:
                EmitFloatUnary(isDouble: true, opcode - Opcode.F64Abs);
                return true;
            case >= Opcode.F32Add and <= Opcode.F32Copysign:
                EmitFloatBinary(isDouble: false, opcode - Opcode.F32Add);
                return true;
            case >= Opcode.F64Add and <= Opcode.F64Copysign:
                EmitFloatBinary(isDouble: true, opcode - Opcode.F64Add);
                return true;
            default:
                return EmitConversion(opcode);
        }
    }

    private static Condition IntegerCondition(int index) => index switch
    {
        0 => Condition.Equal,
        1 => Condition.NotEqual,
        2 => Condition.Less,
        3 => Condition.Below,
        4 => Condition.Greater,
        5 => Condition.Above,
        6 => Condition.LessEqual,
        7 => Condition.BelowEqual,
        8 => Condition.GreaterEqual,
        _ => Condition.AboveEqual,
    };

    private void EmitCompare(OperandSize size, Condition condition)
    {
        Pop(Rcx);
        Pop(Rdx);
        _asm.Zero(Rax);
        _asm.Cmp(size, Rdx, Rcx);
        _asm.Setcc(condition, Rax);
        Push(Rax);
    }

    private void PopFloat(bool isDouble, Xmm register)
    {
        _depth--;
        _asm.Vec(isDouble ? SseOp.MovsdLoad : SseOp.MovssLoad, register, Operand(_depth));
    }

    private void PushFloat(bool isDouble, Xmm register)
    {
        StoreVector(isDouble ? AbiType.F64 : AbiType.F32, register, Operand(_depth));
        Grow(1);
    }

    // eq, ne, lt, gt, le, ge. Less is asked as greater of the swapped operands, which is false for NaNs without a parity test.
    private void EmitFloatCompare(bool isDouble, int index)
    {
        PopFloat(isDouble, Xmm.Xmm1);
        PopFloat(isDouble, Xmm.Xmm0);
        SseOp compare = isDouble ? SseOp.Ucomisd : SseOp.Ucomiss;
        _asm.Zero(Rax);
        if (index <= 1)
        {
            _asm.Zero(Rcx);
            _asm.Vec(compare, Xmm.Xmm0, Xmm.Xmm1);
            _asm.Setcc(index == 0 ? Condition.Equal : Condition.NotEqual, Rax);
            _asm.Setcc(index == 0 ? Condition.NoParity : Condition.Parity, Rcx);
            _asm.Alu(index == 0 ? AluOp.And : AluOp.Or, S32, Rax, Rcx);
        }
        else
        {
            bool swap = index is 2 or 4;
            _asm.Vec(compare, swap ? Xmm.Xmm1 : Xmm.Xmm0, swap ? Xmm.Xmm0 : Xmm.Xmm1);
            _asm.Setcc(index <= 3 ? Condition.Above : Condition.AboveEqual, Rax);
        }
        Push(Rax);
    }

    // clz, ctz, popcnt
    private void EmitCount(OperandSize size, int index)
    {
        int bits = size == S64 ? 64 : 32;
        Pop(Rcx);
        if (index == 2)
        {
            _asm.Gp(GprOp.Popcnt, size, Rax, Rcx);
        }
        else
        {
            // bsr and bsf leave their destination undefined for zero.
            _asm.MovImm(Rdx, index == 0 ? (2 * bits) - 1 : bits);
            _asm.Gp(index == 0 ? GprOp.Bsr : GprOp.Bsf, size, Rax, Rcx);
            _asm.Cmov(Condition.Equal, size, Rax, Rdx);
            if (index == 0)
                _asm.Alu(AluOp.Xor, size, Rax, bits - 1);
        }
        Push(Rax);
    }

    // add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr
    private void EmitBinary(OperandSize size, int index)
    {
        Pop(Rcx);
        Pop(Rax);
        switch (index)
        {
            case 0:
                _asm.Add(size, Rax, Rcx);
                break;
            case 1:
                _asm.Sub(size, Rax, Rcx);
                break;
            case 2:
                _asm.Imul(size, Rax, Rcx);
                break;
            case 3 or 5:
                EmitSignedDivision(size, remainder: index == 5);
                break;
            case 4 or 6:
                _asm.Test(size, Rcx, Rcx);
                TrapIf(Condition.Equal, TrapCode.IntegerDivideByZero);
                _asm.Zero(Rdx);
                _asm.Unary(UnaryOp.Div, size, Rcx);
                if (index == 6)
                    _asm.Mov(size, Rax, Rdx);
                break;
            case 7:
                _asm.Alu(AluOp.And, size, Rax, Rcx);
                break;
            case 8:
                _asm.Alu(AluOp.Or, size, Rax, Rcx);
                break;
            case 9:
                _asm.Alu(AluOp.Xor, size, Rax, Rcx);
                break;
            default:
                ShiftOp shift = index switch
                {
                    10 => ShiftOp.Shl,
                    11 => ShiftOp.Sar,
                    12 => ShiftOp.Shr,
                    13 => ShiftOp.Rol,
                    _ => ShiftOp.Ror,
                };
                _asm.ShiftCl(shift, size, Rax);
                // A count of zero leaves the upper half as it is.
                if (size == S32)
                    _asm.Mov(S32, Rax, Rax);
                break;
        }
        Push(Rax);
    }

    private void EmitSignedDivision(OperandSize size, bool remainder)
    {
        Label done = _asm.NewLabel();
        Label divide = _asm.NewLabel();
        _asm.Test(size, Rcx, Rcx);
        TrapIf(Condition.Equal, TrapCode.IntegerDivideByZero);
        _asm.Cmp(size, Rcx, -1);
        _asm.Jcc(Condition.NotEqual, divide);
        if (remainder)
        {
            _asm.Zero(Rax);
            _asm.Jmp(done);
        }
        else
        {
            _asm.MovImm(Rdx, size == S64 ? long.MinValue : 0x80000000L);
            _asm.Cmp(size, Rax, Rdx);
            TrapIf(Condition.Equal, TrapCode.IntegerOverflow);
        }
        _asm.Bind(divide);
        _asm.Cdq(size);
        _asm.Unary(UnaryOp.Idiv, size, Rcx);
        if (remainder)
            _asm.Mov(size, Rax, Rdx);
        _asm.Bind(done);
    }

    // abs neg ceil floor trunc nearest sqrt
    private void EmitFloatUnary(bool isDouble, int index)
    {
        OperandSize size = isDouble ? S64 : S32;
        switch (index)
        {
            case 0 or 1:
                Pop(Rax);
                _asm.MovImm(Rcx, isDouble ? index == 0 ? long.MaxValue : long.MinValue : index == 0 ? 0x7FFFFFFFL : 0x80000000L);
                _asm.Alu(index == 0 ? AluOp.And : AluOp.Xor, size, Rax, Rcx);
                Push(Rax);
                return;
            case 6:
                PopFloat(isDouble, Xmm.Xmm0);
                _asm.Vec(isDouble ? SseOp.Sqrtsd : SseOp.Sqrtss, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm0);
                break;
            default:
                PopFloat(isDouble, Xmm.Xmm0);
                int mode = index switch
                {
                    2 => RoundUp,
                    3 => RoundDown,
                    4 => RoundTowardZero,
                    _ => RoundNearest,
                };
                _asm.VecImm(isDouble ? SseOp.Roundsd : SseOp.Roundss, Xmm.Xmm0, Xmm.Xmm0, mode);
                break;
        }
        PushFloat(isDouble, Xmm.Xmm0);
    }

    // add sub mul div min max copysign
    private void EmitFloatBinary(bool isDouble, int index)
    {
        if (index == 6)
        {
            OperandSize size = isDouble ? S64 : S32;
            Pop(Rcx);
            Pop(Rax);
            _asm.MovImm(Rdx, isDouble ? long.MaxValue : 0x7FFFFFFFL);
            _asm.Alu(AluOp.And, size, Rax, Rdx);
            _asm.Not(size, Rdx);
            _asm.Alu(AluOp.And, size, Rcx, Rdx);
            _asm.Alu(AluOp.Or, size, Rax, Rcx);
            Push(Rax);
            return;
        }
        PopFloat(isDouble, Xmm.Xmm1);
        PopFloat(isDouble, Xmm.Xmm0);
        switch (index)
        {
            case 0:
                _asm.Vec(isDouble ? SseOp.Addsd : SseOp.Addss, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm1);
                break;
            case 1:
                _asm.Vec(isDouble ? SseOp.Subsd : SseOp.Subss, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm1);
                break;
            case 2:
                _asm.Vec(isDouble ? SseOp.Mulsd : SseOp.Mulss, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm1);
                break;
            case 3:
                _asm.Vec(isDouble ? SseOp.Divsd : SseOp.Divss, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm1);
                break;
            default:
                EmitMinimum(isDouble, maximum: index == 5);
                break;
        }
        PushFloat(isDouble, Xmm.Xmm0);
    }

    // The hardware's min and max give the second operand for NaNs and for equal operands; so equal ones are combined by their bits
    // (zeros of either sign are equal), and NaNs are added, which makes them quiet.
    private void EmitMinimum(bool isDouble, bool maximum)
    {
        Label different = _asm.NewLabel();
        Label nan = _asm.NewLabel();
        Label done = _asm.NewLabel();
        _asm.Vec(isDouble ? SseOp.Ucomisd : SseOp.Ucomiss, Xmm.Xmm0, Xmm.Xmm1);
        _asm.Jcc(Condition.Parity, nan);
        _asm.Jcc(Condition.NotEqual, different);
        _asm.Vec(maximum ? SseOp.Andps : SseOp.Orps, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm1);
        _asm.Jmp(done);
        _asm.Bind(nan);
        _asm.Vec(isDouble ? SseOp.Addsd : SseOp.Addss, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm1);
        _asm.Jmp(done);
        _asm.Bind(different);
        SseOp op = maximum ? isDouble ? SseOp.Maxsd : SseOp.Maxss : isDouble ? SseOp.Minsd : SseOp.Minss;
        _asm.Vec(op, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm1);
        _asm.Bind(done);
    }
}
