// Atomic accesses. Their effective address must be aligned, which is checked first, and is always compared with the memory's length: atomics are rare, and so the
// machine instructions behind them never need to be trap sites.
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

/// <content>Atomics.</content>
internal sealed partial class FunctionTranslator
{
    private void DecodeAtomic(Opcode opcode, ref WasmReader reader)
    {
        Spend(opcode);
        if (opcode == Opcode.AtomicFence)
        {
            reader.Skip(1);
            _builder.Emit(IrOpcode.AtomicFence, IrType.None);
            return;
        }

        var argument = reader.ReadMemoryArgument();
        var widthLog2 = Opcodes.Alignment(opcode);
        var access = MemoryAccess.Create(widthLog2, atomic: true).Bits;
        var region = RegionOf(argument.Memory);
        switch (opcode)
        {
            case Opcode.MemoryAtomicNotify:
                {
                    var count = Pop();
                    var ea = EffectiveAddress(argument, Pop(), widthLog2);
                    Push(CallBuiltin(BuiltinId.MemoryAtomicNotify, _builder.I32(argument.Memory), ea, count));
                    break;
                }

            case Opcode.MemoryAtomicWait32 or Opcode.MemoryAtomicWait64:
                {
                    var timeout = Pop();
                    var expected = Pop();
                    var ea = EffectiveAddress(argument, Pop(), widthLog2);
                    var wait = opcode == Opcode.MemoryAtomicWait32 ? BuiltinId.MemoryAtomicWait32 : BuiltinId.MemoryAtomicWait64;
                    Push(CallBuiltin(wait, _builder.I32(argument.Memory), ea, expected, timeout));
                    break;
                }

            case >= Opcode.I32AtomicLoad and <= Opcode.I64AtomicLoad32U:
                {
                    var type = AtomicType(opcode, Opcode.I32AtomicLoad);
                    Push(_builder.Emit(IrOpcode.AtomicLoad, type, AtomicAddress(argument, Pop(), widthLog2), aux: access, region: region));
                    break;
                }

            case >= Opcode.I32AtomicStore and <= Opcode.I64AtomicStore32:
                {
                    var value = Pop();
                    var address = AtomicAddress(argument, Pop(), widthLog2);
                    _builder.Emit(IrOpcode.AtomicStore, IrType.None, address, value, aux: access, region: region);
                    break;
                }

            case >= Opcode.I32AtomicRmwAdd and < Opcode.I32AtomicRmwCmpxchg:
                {
                    var value = Pop();
                    var address = AtomicAddress(argument, Pop(), widthLog2);
                    var operation = (AtomicOperation)((opcode - Opcode.I32AtomicRmwAdd) / 7);
                    Push(_builder.Emit(
                        IrOpcode.AtomicReadModifyWrite, AtomicType(opcode, Opcode.I32AtomicRmwAdd), address, value, (int)operation, 0, access, region));
                    break;
                }

            case >= Opcode.I32AtomicRmwCmpxchg and <= Opcode.I64AtomicRmw32CmpxchgU:
                {
                    var replacement = Pop();
                    var expected = Pop();
                    var address = AtomicAddress(argument, Pop(), widthLog2);
                    Push(_builder.Emit(
                        IrOpcode.AtomicCompareExchange, AtomicType(opcode, Opcode.I32AtomicRmwCmpxchg), address, expected, replacement, 0, access, region));
                    break;
                }

            default:
                throw Unsupported(opcode);
        }
    }

    // Groups of seven: i32, i64, i32 8, i32 16, i64 8, i64 16, i64 32.
    private static IrType AtomicType(Opcode opcode, Opcode first) => ((opcode - first) % 7) is 0 or 2 or 3 ? IrType.I32 : IrType.I64;

    private Value AtomicAddress(MemoryArgument argument, Value index, int widthLog2)
        => _builder.Binary(IrOpcode.Add, IrType.I64, MemoryBase(argument.Memory), EffectiveAddress(argument, index, widthLog2));

    // Index plus offset as I64: aligned and within bounds.
    private Value EffectiveAddress(MemoryArgument argument, Value index, int widthLog2)
    {
        var wide = ExtendUnsigned(index);
        var address = _builder.Binary(IrOpcode.Add, IrType.I64, wide, _builder.I64((long)argument.Offset));
        if (Is64(argument.Memory) && argument.Offset != 0)
        {
            TrapIf(_builder.Compare(IntegerCondition.LessUnsigned, address, wide), TrapCode.MemoryOutOfBounds);
        }

        var size = 1 << widthLog2;
        var misaligned = _builder.Unary(
            IrOpcode.Wrap, IrType.I32, _builder.Binary(IrOpcode.And, IrType.I64, address, _builder.I64(size - 1)));
        TrapIf(misaligned, TrapCode.UnalignedAtomic);
        _builder.Emit(
            IrOpcode.BoundsCheck, IrType.None, address, MemoryLength(argument.Memory), -1, size, (byte)TrapCode.MemoryOutOfBounds);
        return address;
    }
}
