// Vector instructions. Loads and stores that do more than move 16 bytes are put together from what the IR has: a load that extends is a load of 8 bytes into a vector, then an
// extension; one that fills all lanes or one lane is a load of a number, then a splat or a replacement. The code generator finds them again as one instruction.
using Tarn.Compiler.IR;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

/// <content>Vectors.</content>
internal sealed partial class FunctionTranslator
{
    private void DecodeVector(Opcode opcode, ref WasmReader reader)
    {
        Spend(opcode);
        switch (opcode)
        {
            case Opcode.V128Load:
                Push(LoadVector(reader.ReadMemoryArgument(), Pop(), IrType.V128, 4));
                break;
            case >= Opcode.V128Load8x8S and <= Opcode.V128Load32x2U:
                var half = LoadVector(reader.ReadMemoryArgument(), Pop(), IrType.V128, 3);
                Push(_builder.VectorOperation(
                    ((int)opcode & 1) != 0 ? IrOpcode.VectorExtendLowSigned : IrOpcode.VectorExtendLowUnsigned,
                    (VectorShape)((int)VectorShape.I16x8 + ((opcode - Opcode.V128Load8x8S) >> 1)),
                    half));
                break;
            case >= Opcode.V128Load8Splat and <= Opcode.V128Load64Splat:
                var widthLog2 = opcode - Opcode.V128Load8Splat;
                var number = LoadVector(reader.ReadMemoryArgument(), Pop(), widthLog2 == 3 ? IrType.I64 : IrType.I32, widthLog2);
                Push(_builder.VectorOperation(IrOpcode.VectorSplat, (VectorShape)widthLog2, number));
                break;
            case Opcode.V128Load32Zero or Opcode.V128Load64Zero:
                Push(LoadVector(reader.ReadMemoryArgument(), Pop(), IrType.V128, opcode == Opcode.V128Load32Zero ? 2 : 3));
                break;
            case >= Opcode.V128Load8Lane and <= Opcode.V128Load64Lane:
                LoadLane((VectorShape)(opcode - Opcode.V128Load8Lane), ref reader);
                break;
            case >= Opcode.V128Store8Lane and <= Opcode.V128Store64Lane:
                StoreLane((VectorShape)(opcode - Opcode.V128Store8Lane), ref reader);
                break;
            case Opcode.V128Store:
                var stored = Pop();
                StoreVector(reader.ReadMemoryArgument(), stored, 4);
                break;
            case Opcode.V128Const:
                reader.ReadV128(out var low, out var high);
                Push(_builder.Vector(new UInt128(high, low)));
                break;
            case Opcode.I8x16Shuffle:
                reader.ReadV128(out low, out high);
                var second = Pop();
                Push(_builder.Shuffle(Pop(), second, new UInt128(high, low)));
                break;
            default:
                TranslateVector(opcode, ref reader);
                break;
        }
    }

    private void TranslateVector(Opcode opcode, ref WasmReader reader)
    {
        ref readonly var row = ref VectorInstruction.Of(opcode);
        if (row.Operation == IrOpcode.Nop)
        {
            throw Unsupported(opcode);
        }

        var mask = IrOpcodeInfo.ValueMask(row.Operation);
        var lane = IrOpcodeInfo.HasLane(row.Operation) ? reader.ReadByte() : 0;
        var c = (mask & 4) != 0 ? Pop() : Value.None;
        var b = (mask & 2) != 0 ? Pop() : Value.None;
        var a = Pop();
        Push(_target.Deterministic
            ? DeterministicVector(in row, a, b, c, lane)
            : _builder.VectorOperation(row.Operation, row.Shape, a, b, c, row.Condition, lane));
    }

    private Value LoadVector(MemoryArgument argument, Value index, IrType type, int widthLog2)
    {
        var address = Address(argument.Memory, index, argument.Offset, 1 << widthLog2);
        return _builder.Emit(
            IrOpcode.Load,
            type,
            address.Base,
            address.Index,
            -1,
            (int)address.Offset,
            MemoryAccess.Create(widthLog2, mayFault: address.MayFault).Bits,
            RegionOf(argument.Memory));
    }

    private void StoreVector(MemoryArgument argument, Value value, int widthLog2)
        => EmitStore(Address(argument.Memory, Pop(), argument.Offset, 1 << widthLog2), value, widthLog2, argument.Memory);

    private void LoadLane(VectorShape shape, ref WasmReader reader)
    {
        var argument = reader.ReadMemoryArgument();
        var lane = reader.ReadByte();
        var vector = Pop();
        var number = LoadVector(argument, Pop(), shape.LaneType(), (int)shape);
        Push(_builder.VectorOperation(IrOpcode.VectorReplace, shape, vector, number, lane: lane));
    }

    private void StoreLane(VectorShape shape, ref WasmReader reader)
    {
        var argument = reader.ReadMemoryArgument();
        var lane = reader.ReadByte();
        StoreVector(argument, _builder.VectorOperation(IrOpcode.VectorExtract, shape, Pop(), lane: lane), (int)shape);
    }
}
