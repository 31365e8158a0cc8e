// Floating-point instructions and conversions.
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <content>Floating point.</content>
internal sealed partial class X64Lowering
{
    private OperandKind FirstSourceKind => HasAvx ? OperandKind.Use : OperandKind.UseTied;

    private OperandKind DefinitionKind => HasAvx ? OperandKind.Def : OperandKind.DefTied;

    private void EmitVectorBinary(VReg definition, SseOp op, int width, VReg left, in Source right)
    {
        Begin(X64Opcode.VectorBinary, width, immediate: (int)op);
        Add(definition, DefinitionKind);
        Add(left, FirstSourceKind);
        AddSource(right);
    }

    private void LowerFloatBinary(Value i, ref IrInstruction instruction, SseOp single, SseOp @double, bool commutes)
    {
        var width = WidthOf(instruction.Type);
        var a = instruction.ValueA;
        var b = instruction.ValueB;
        if (commutes && !CanMergeLoad(b, width) && (CanMergeLoad(a, width) || _ir.Get(a).Opcode == IrOpcode.Constant))
        {
            (a, b) = (b, a);
        }

        var right = SourceOf(b, width);
        EmitVectorBinary(_virtual[i], width == 4 ? single : @double, width, Use(a), right);
    }

    private void LowerMinMax(Value i, ref IrInstruction instruction, bool isMax)
    {
        var left = Use(instruction.ValueA);
        var right = Use(instruction.ValueB);
        Begin(X64Opcode.MinMax, WidthOf(instruction.Type), isMax ? 1 : 0);
        Add(_virtual[i], DefinitionKind);
        Add(left, FirstSourceKind);
        Add(right, OperandKind.Use);
    }

    // The smaller or the greater of two numbers, written as a comparison and a choice. Unlike WebAssembly's, the processor's minimum is just that: "first < second ?
    // first : second", with NaN and with zeros of both signs. Nothing is to be predicted, where the choice would be a branch.
    private bool TryLowerSelectOfCompared(Value i, ref IrInstruction instruction)
    {
        ref var compare = ref _ir.Get(instruction.ValueA);
        if (compare.Opcode != IrOpcode.CompareFloat)
        {
            return false;
        }

        var (lesser, greater, ifLess, otherwise) = compare.FloatCondition switch
        {
            FloatCondition.Less => (compare.ValueA, compare.ValueB, instruction.ValueB, instruction.ValueC),
            FloatCondition.NotLess => (compare.ValueA, compare.ValueB, instruction.ValueC, instruction.ValueB),
            FloatCondition.Greater => (compare.ValueB, compare.ValueA, instruction.ValueB, instruction.ValueC),
            FloatCondition.NotGreater => (compare.ValueB, compare.ValueA, instruction.ValueC, instruction.ValueB),
            _ => (Value.None, Value.None, instruction.ValueB, instruction.ValueC),
        };
        var isMinimum = ifLess == lesser && otherwise == greater;
        if (!isMinimum && (ifLess != greater || otherwise != lesser))
        {
            return false;
        }

        // The comparison is left out, unless others want it.
        if (IsMergeable(instruction.ValueA))
        {
            _merged[instruction.A] = true;
            _colors.UsesOf(lesser)--;
            _colors.UsesOf(greater)--;
        }

        var width = WidthOf(instruction.Type);
        var second = SourceOf(otherwise, width);
        var op = isMinimum ? width == 4 ? SseOp.Minss : SseOp.Minsd : width == 4 ? SseOp.Maxss : SseOp.Maxsd;
        EmitVectorBinary(_virtual[i], op, width, Use(ifLess), second);
        return true;
    }

    private static ulong SignBit(int width) => width == 4 ? 0x8000_0000UL : 0x8000_0000_0000_0000UL;

    private static ulong MagnitudeMask(int width) => width == 4 ? 0x7FFF_FFFFUL : 0x7FFF_FFFF_FFFF_FFFFUL;

    private void LowerSign(Value i, ref IrInstruction instruction, bool negate)
    {
        var width = WidthOf(instruction.Type);
        var value = Use(instruction.ValueA);
        EmitVectorBinary(
            _virtual[i], negate ? SseOp.Xorps : SseOp.Andps, width, value, ConstantSource(negate ? SignBit(width) : MagnitudeMask(width), 0, 16));
    }

    private void LowerCopySign(Value i, ref IrInstruction instruction)
    {
        var width = WidthOf(instruction.Type);
        var type = TypeOf(instruction.Type);
        var magnitude = _machine.NewVirtualRegister(type);
        EmitVectorBinary(magnitude, SseOp.Andps, width, Use(instruction.ValueA), ConstantSource(MagnitudeMask(width), 0, 16));
        VReg sign;
        if (_ir.IsConstant(instruction.ValueB, out var bits))
        {
            sign = LoadConstant(type, bits & SignBit(width));
        }
        else
        {
            sign = _machine.NewVirtualRegister(type);
            EmitVectorBinary(sign, SseOp.Andps, width, Use(instruction.ValueB), ConstantSource(SignBit(width), 0, 16));
        }

        Begin(X64Opcode.VectorBinary, width, immediate: (int)SseOp.Orps);
        Add(_virtual[i], DefinitionKind);
        Add(magnitude, FirstSourceKind);
        Add(sign, OperandKind.Use);
    }

    private void LowerFloatUnary(Value i, ref IrInstruction instruction, SseOp single, SseOp @double, int immediate = -1)
    {
        var width = WidthOf(_ir.TypeOf(instruction.ValueA));
        var source = SourceOf(instruction.ValueA, width);
        Begin(
            immediate < 0 ? X64Opcode.VectorUnary : X64Opcode.VectorUnaryImmediate, width, Math.Max(immediate, 0),
            (int)(width == 4 ? single : @double));
        Add(_virtual[i], OperandKind.Def);
        AddSource(source);
    }

    private void LowerFromInteger(Value i, ref IrInstruction instruction, bool signed)
    {
        var from = _ir.TypeOf(instruction.ValueA);
        var floatWidth = WidthOf(instruction.Type);
        if (from == IrType.I64 && !signed)
        {
            var wide = Use(instruction.ValueA);
            Begin(X64Opcode.Unsigned64ToFloat, 8, aux: floatWidth);
            Add(_virtual[i], OperandKind.DefEarly);
            Add(_machine.NewVirtualRegister(MachineType.I64), OperandKind.Temp);
            Add(wide, OperandKind.UseLate);
            return;
        }

        // An unsigned i32 is a non-negative i64.
        var width = from == IrType.I32 && signed ? 4 : 8;
        var source = from == IrType.I32 && !signed ? new Source { Virtual = Use(instruction.ValueA) } : SourceOf(instruction.ValueA, width);
        Begin(X64Opcode.IntegerToFloat, width, aux: floatWidth);
        Add(_virtual[i], OperandKind.Def);
        AddSource(source);
    }

    private void LowerToInteger(Value i, ref IrInstruction instruction, bool signed, bool saturate)
    {
        var value = Use(instruction.ValueA);
        Begin(
            X64Opcode.Truncate, WidthOf(_ir.TypeOf(instruction.ValueA)), (int)((signed ? X64Truncation.Signed : 0) | (saturate ? X64Truncation.Saturate : 0)),
            aux: WidthOf(instruction.Type));
        Add(Definition(i), OperandKind.DefEarly);
        Add(_machine.NewVirtualRegister(MachineType.I64), OperandKind.Temp);
        Add(_machine.NewVirtualRegister(MachineType.F64), OperandKind.Temp);
        Add(value, OperandKind.UseLate);
    }

    private void LowerBitcast(Value i, ref IrInstruction instruction)
    {
        if (Resolve(i) != i)
        {
            return;
        }

        var width = WidthOf(instruction.Type);
        var isVector = instruction.Type is IrType.F32 or IrType.F64;
        if (TryMergeLoad(instruction.ValueA, width, out var address))
        {
            EmitLoad(_virtual[i], instruction.Type, width, signed: false, address);
            return;
        }

        var value = Use(instruction.ValueA);
        if (isVector == _ir.TypeOf(instruction.ValueA) is IrType.F32 or IrType.F64)
        {
            Begin(X64Opcode.Copy, width);
        }
        else
        {
            Begin(X64Opcode.MoveBits, width);
        }

        Add(_virtual[i], OperandKind.Def);
        Add(value, OperandKind.UseAny);
    }
}
