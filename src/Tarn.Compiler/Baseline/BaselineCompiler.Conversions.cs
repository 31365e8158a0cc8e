// Conversions between numbers. Truncation compares with the exact bounds of its range (each is a power of two, hence exact in either
// float type) before it converts, so that NaN, too large and fine are told apart.
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Wasm;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Compiler.Baseline;

internal sealed partial class BaselineCompiler
{
    private bool EmitConversion(Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.I32WrapI64:
            case Opcode.I64ExtendI32U:
                Pop(Rax);
                _asm.Mov(S32, Rax, Rax);
                Push(Rax);
                return true;
            case Opcode.I64ExtendI32S or Opcode.I64Extend32S:
                EmitExtend(S64, S32);
                return true;
            case Opcode.I32Extend8S:
                EmitExtend(S32, S8);
                return true;
            case Opcode.I32Extend16S:
                EmitExtend(S32, S16);
                return true;
            case Opcode.I64Extend8S:
                EmitExtend(S64, S8);
                return true;
            case Opcode.I64Extend16S:
                EmitExtend(S64, S16);
                return true;
            case Opcode.I32ReinterpretF32 or Opcode.I64ReinterpretF64 or Opcode.F32ReinterpretI32 or Opcode.F64ReinterpretI64:
                return true;
            case Opcode.F32DemoteF64:
                PopFloat(isDouble: true, Xmm.Xmm0);
                _asm.Vec(SseOp.Cvtsd2ss, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm0);
                PushFloat(isDouble: false, Xmm.Xmm0);
                return true;
            case Opcode.F64PromoteF32:
                PopFloat(isDouble: false, Xmm.Xmm0);
                _asm.Vec(SseOp.Cvtss2sd, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm0);
                PushFloat(isDouble: true, Xmm.Xmm0);
                return true;
            case >= Opcode.F32ConvertI32S and <= Opcode.F32ConvertI64U:
                EmitConvert(isDouble: false, opcode - Opcode.F32ConvertI32S);
                return true;
            case >= Opcode.F64ConvertI32S and <= Opcode.F64ConvertI64U:
                EmitConvert(isDouble: true, opcode - Opcode.F64ConvertI32S);
                return true;
            case >= Opcode.I32TruncF32S and <= Opcode.I32TruncF64U:
                EmitTruncate(opcode - Opcode.I32TruncF32S, saturate: false);
                return true;
            case >= Opcode.I64TruncF32S and <= Opcode.I64TruncF64U:
                EmitTruncate(4 + (opcode - Opcode.I64TruncF32S), saturate: false);
                return true;
            case >= Opcode.I32TruncSatF32S and <= Opcode.I64TruncSatF64U:
                EmitTruncate(opcode - Opcode.I32TruncSatF32S, saturate: true);
                return true;
            default:
                return false;
        }
    }

    private void EmitExtend(OperandSize to, OperandSize from)
    {
        Pop(Rcx);
        _asm.Movsx(to, from, Rax, Rcx);
        Push(Rax);
    }

    // i32_s i32_u i64_s i64_u
    private void EmitConvert(bool isDouble, int index)
    {
        Pop(Rax);
        // Converting an integer keeps the register's upper part: start from zero.
        _asm.ZeroXmm(Xmm.Xmm0);
        SseOp narrow = isDouble ? SseOp.Cvtsi2sd : SseOp.Cvtsi2ss;
        SseOp wide = isDouble ? SseOp.Cvtsi2sd64 : SseOp.Cvtsi2ss64;
        if (index != 3)
        {
            _asm.Vec(index == 0 ? narrow : wide, Xmm.Xmm0, Rax);
            PushFloat(isDouble, Xmm.Xmm0);
            return;
        }
        Label large = _asm.NewLabel();
        Label done = _asm.NewLabel();
        _asm.Test(S64, Rax, Rax);
        _asm.Jcc(Condition.Less, large);
        _asm.Vec(wide, Xmm.Xmm0, Rax);
        _asm.Jmp(done);
        _asm.Bind(large);
        // Halved, with the lost bit kept sticky for rounding, then doubled.
        _asm.Mov(S64, Rcx, Rax);
        _asm.Alu(AluOp.And, S32, Rcx, 1);
        _asm.Shift(ShiftOp.Shr, S64, Rax, 1);
        _asm.Alu(AluOp.Or, S64, Rax, Rcx);
        _asm.Vec(wide, Xmm.Xmm0, Rax);
        _asm.Vec(isDouble ? SseOp.Addsd : SseOp.Addss, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm0);
        _asm.Bind(done);
        PushFloat(isDouble, Xmm.Xmm0);
    }

    // Bit 0 of the kind: unsigned; bit 1: from f64; bit 2: to i64.
    private void EmitTruncate(int kind, bool saturate)
    {
        bool isUnsigned = (kind & 1) != 0;
        bool isDouble = (kind & 2) != 0;
        bool toWide = (kind & 4) != 0;
        SseOp compare = isDouble ? SseOp.Ucomisd : SseOp.Ucomiss;
        double upper = Math.ScaleB(1.0, (toWide ? 64 : 32) - (isUnsigned ? 0 : 1));
        // The largest value below the range: -1 is excluded, and so is the first integer below the minimum where it is exact.
        bool lowerIsIncluded = !isUnsigned && (toWide || !isDouble);
        double lower = isUnsigned ? -1 : -upper - (lowerIsIncluded ? 0 : 1);
        long greatest = isUnsigned ? toWide ? -1L : 0xFFFFFFFFL : toWide ? long.MaxValue : int.MaxValue;
        long least = isUnsigned ? 0 : toWide ? long.MinValue : 0x80000000L;
        Label done = _asm.NewLabel();
        PopFloat(isDouble, Xmm.Xmm0);
        _asm.Vec(compare, Xmm.Xmm0, Xmm.Xmm0);
        Leave(Condition.Parity, saturate, TrapCode.InvalidConversionToInteger, 0, done);
        LoadConstant(isDouble, Xmm.Xmm1, upper);
        _asm.Vec(compare, Xmm.Xmm0, Xmm.Xmm1);
        Leave(Condition.AboveEqual, saturate, TrapCode.IntegerOverflow, greatest, done);
        LoadConstant(isDouble, Xmm.Xmm1, lower);
        _asm.Vec(compare, Xmm.Xmm0, Xmm.Xmm1);
        Leave(lowerIsIncluded ? Condition.Below : Condition.BelowEqual, saturate, TrapCode.IntegerOverflow, least, done);
        SseOp wide = isDouble ? SseOp.Cvttsd2si64 : SseOp.Cvttss2si64;
        if (toWide && isUnsigned)
        {
            Label small = _asm.NewLabel();
            LoadConstant(isDouble, Xmm.Xmm1, Math.ScaleB(1.0, 63));
            _asm.Vec(compare, Xmm.Xmm0, Xmm.Xmm1);
            _asm.Jcc(Condition.Below, small);
            _asm.Vec(isDouble ? SseOp.Subsd : SseOp.Subss, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm1);
            _asm.Vec(wide, Rax, Xmm.Xmm0);
            _asm.MovImm(Rcx, long.MinValue);
            _asm.Alu(AluOp.Xor, S64, Rax, Rcx);
            _asm.Jmp(done);
            _asm.Bind(small);
        }
        _asm.Vec(wide, Rax, Xmm.Xmm0);
        if (!toWide)
            _asm.Mov(S32, Rax, Rax);
        _asm.Bind(done);
        Push(Rax);
    }

    private void Leave(Condition condition, bool saturate, TrapCode code, long value, Label done)
    {
        if (!saturate)
        {
            TrapIf(condition, code);
            return;
        }
        Label stay = _asm.NewLabel();
        _asm.Jcc(condition.Negate(), stay);
        _asm.MovImm(Rax, value);
        _asm.Jmp(done);
        _asm.Bind(stay);
    }

    private void LoadConstant(bool isDouble, Xmm register, double value)
    {
        _asm.MovImm(Rcx, isDouble ? BitConverter.DoubleToInt64Bits(value) : BitConverter.SingleToUInt32Bits((float)value));
        _asm.Vec(isDouble ? SseOp.Movq : SseOp.Movd, register, Rcx);
    }
}
