// Linear memory. This file decides which accesses are checked and how, and so is one half of the argument that guests cannot leave their memory; the other
// half is the reservation and the signal handler.
//
// Guarded, 32-bit memory: index < 2^32 and offset + size <= GuardBytes, so every byte of the access is in the reservation of 4 GiB + GuardBytes, where
// what is not committed faults. Any other access is compared with the memory's length first:
// BoundsCheck(index, length, offset + size) holds if index + offset + size <= length as mathematical integers. Offsets that do not fit the check's 32 bits are added to
// the index beforehand, in 64 bits, which cannot wrap for a 32-bit index and is itself checked for a 64-bit one.
//
// Lengths only grow, so a check that has passed stays true, whatever is called in between.
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

/// <content>Linear memory.</content>
internal sealed partial class FunctionTranslator
{
    // Bytes that memory.fill and memory.copy of a constant length handle without a call.
    private const int MaximumInlineBytes = 64;

    // An address that may be accessed: base, index (−1 for none), offset, and whether the access may fault.
    private readonly record struct MemoryAddress(int Base, int Index, uint Offset, bool MayFault);

    private void Load(in SimpleInstruction simple, MemoryArgument argument)
    {
        var access = new MemoryAccess(simple.Aux);
        var address = Address(argument.Memory, Pop(), argument.Offset, access.Width);
        Push(_builder.Emit(
            IrOpcode.Load,
            simple.Type,
            address.Base,
            address.Index,
            -1,
            (int)address.Offset,
            MemoryAccess.Create(access.WidthLog2, access.Signed, mayFault: address.MayFault).Bits,
            RegionOf(argument.Memory)));
    }

    private void Store(in SimpleInstruction simple, MemoryArgument argument)
    {
        var value = Pop();
        var access = new MemoryAccess(simple.Aux);
        var address = Address(argument.Memory, Pop(), argument.Offset, access.Width);
        EmitStore(address, Narrow(value, access.Width), access.WidthLog2, argument.Memory);
    }

    private void EmitStore(MemoryAddress address, Value value, int widthLog2, int memory)
        => _builder.Emit(
            IrOpcode.Store,
            IrType.None,
            address.Base,
            address.Index,
            value,
            (int)address.Offset,
            MemoryAccess.Create(widthLog2, mayFault: address.MayFault).Bits,
            RegionOf(memory));

    // A store of the low bytes does not need what only changes the high ones.
    private Value Narrow(Value value, int width)
    {
        while (true)
        {
            ref var i = ref _function.Get(value);
            var bits = width * 8;
            switch (i.Opcode)
            {
                case IrOpcode.Wrap when width <= 4:
                case IrOpcode.ExtendSigned or IrOpcode.ExtendUnsigned or IrOpcode.SignExtend32 when width <= 4:
                case IrOpcode.SignExtend16 when width <= 2:
                case IrOpcode.SignExtend8 when width == 1:
                    value = i.ValueA;
                    continue;
                case IrOpcode.And when bits < 64 && _builder.IsConstant(i.ValueB, out var mask) && (~mask & ((1UL << bits) - 1)) == 0:
                    value = i.ValueA;
                    continue;
                default:
                    return value;
            }
        }
    }

    // Checks an access as far as it is needed.
    private MemoryAddress Address(int memory, Value index, ulong offset, int size)
    {
        ref var type = ref _module.MemoryArray[memory];

        // A memory of smaller pages may end in the middle of a page of the system, where nothing faults.
        var guarded = _target.MemoryStrategy == MemoryStrategy.Guarded && !type.Limits.Is64 && type.PageSizeLog2 == 16;

        // What the field holds, and for guarded accesses what the guard covers.
        var limit = Math.Min(uint.MaxValue, guarded ? Math.Max(_target.GuardBytes, (ulong)size) : uint.MaxValue) - (ulong)size;
        if (_builder.IsConstant(index, out var constant))
        {
            var minimum = MinimumBytes(in type);
            if (constant <= minimum && offset <= minimum - constant && (ulong)size <= minimum - constant - offset && constant + offset <= uint.MaxValue)
            {
                // Inside the memory at its smallest.
                return new MemoryAddress(MemoryBase(memory), -1, (uint)(constant + offset), false);
            }
        }
        else
        {
            _builder.FoldAddress(ref index, ref offset, limit);
        }

        if (guarded && offset <= limit)
        {
            return new MemoryAddress(MemoryBase(memory), index, (uint)offset, true);
        }

        return CheckedAddress(memory, in type, index, offset, size);
    }

    private MemoryAddress CheckedAddress(int memory, in CoreMemoryType type, Value index, ulong offset, int size)
    {
        var minimum = MinimumBytes(in type);
        if (offset + (ulong)size > uint.MaxValue || offset > uint.MaxValue)
        {
            var wide = ExtendUnsigned(index);
            var sum = _builder.Binary(IrOpcode.Add, IrType.I64, wide, _builder.I64((long)offset));
            if (type.Limits.Is64)
            {
                TrapIf(_builder.Compare(IntegerCondition.LessUnsigned, sum, wide), TrapCode.MemoryOutOfBounds);
            }

            index = sum;
            offset = 0;
        }

        var end = offset + (ulong)size;
        var most = _builder.MaximumOf(index);
        if (most > minimum || end > minimum - most)
        {
            _builder.Emit(
                IrOpcode.BoundsCheck, IrType.None, index, MemoryLength(memory), -1, (int)(uint)end, (byte)TrapCode.MemoryOutOfBounds);
        }

        return new MemoryAddress(MemoryBase(memory), index, (uint)offset, false);
    }

    private static ulong MinimumBytes(in CoreMemoryType type)
    {
        var pages = type.Limits.Minimum;
        return pages > ulong.MaxValue >> type.PageSizeLog2 ? ulong.MaxValue : pages << type.PageSizeLog2;
    }

    private AliasRegion RegionOf(int memory)
    {
        var defined = memory - _module.ImportedMemoryCount;
        return defined < 0
            ? AliasRegion.MemoryImported
            : (AliasRegion)Math.Min((int)AliasRegion.MemoryDefined + defined, (int)AliasRegion.MemoryLast);
    }

    private Value MemoryBase(int memory)
        => _builder.LoadReadOnly(_builder.VmContext(), _layout.Memory(memory) + VmContextLayout.EntryBase, IrType.I64, 3);

    // A shared memory is an object of its own, so its length is never in this instance's context.
    private Value MemoryLength(int memory)
        => IsShared(memory)
            ? EntryLength(_layout.Memory(memory), imported: true, AliasRegion.SharedMemoryLength)
            : EntryLength(_layout.Memory(memory), memory < _module.ImportedMemoryCount, AliasRegion.MemoryLength);

    // The length field of a memory or table, here or with its owner.
    private Value EntryLength(int entry, bool imported, AliasRegion region)
    {
        var record = _builder.VmContext();
        var offset = entry + VmContextLayout.EntryLength;
        if (imported)
        {
            record = _builder.LoadReadOnly(record, entry + VmContextLayout.EntryRecord, IrType.I64, 3);
            offset = VmContextLayout.EntryLength;
        }

        return _builder.Emit(IrOpcode.LoadVm, IrType.I64, record, -1, -1, offset, MemoryAccess.Create(3).Bits, region);
    }

    private bool Is64(int memory) => _module.MemoryArray[memory].Limits.Is64;

    private bool IsShared(int memory) => _module.MemoryArray[memory].Limits.IsShared;

    // The size of a shared memory is read anew each time, in order with atomic accesses (threads proposal, "memory.size").
    private Value CurrentLength(int memory)
    {
        if (!IsShared(memory))
        {
            return MemoryLength(memory);
        }

        var record = _builder.LoadReadOnly(_builder.VmContext(), _layout.Memory(memory) + VmContextLayout.EntryRecord, IrType.I64, 3);
        return _builder.Emit(
            IrOpcode.AtomicLoad,
            IrType.I64,
            record,
            d: VmContextLayout.EntryLength,
            aux: MemoryAccess.Create(3, atomic: true).Bits,
            region: AliasRegion.SharedMemoryLength);
    }

    private void MemorySize(int memory)
    {
        var pages = _builder.Binary(
            IrOpcode.ShiftRightUnsigned, IrType.I64, CurrentLength(memory), _builder.I64(_module.MemoryArray[memory].PageSizeLog2));
        Push(Is64(memory) ? pages : _builder.Unary(IrOpcode.Wrap, IrType.I32, pages));
    }

    private void MemoryGrow(int memory)
    {
        var delta = ExtendUnsigned(Pop());
        var previous = CallBuiltin(BuiltinId.MemoryGrow, _builder.I32(memory), delta);
        SpendOnGrowth(previous, delta, _module.MemoryArray[memory].PageSizeLog2, _target.FuelTable.GrownBytesPerUnit);
        Push(Is64(memory) ? previous : _builder.Unary(IrOpcode.Wrap, IrType.I32, previous));
    }

    private void MemoryInit(int segment, int memory)
    {
        var count = Pop();
        var source = Pop();
        SpendOnSize(count, _target.FuelTable.BytesPerUnit);
        CallBuiltin(BuiltinId.MemoryInit, _builder.I32(memory), _builder.I32(segment), ExtendUnsigned(Pop()), source, count);
    }

    private void MemoryFill(int memory)
    {
        var count = Pop();
        var value = Pop();
        var destination = CheckRange(memory, Pop(), count);
        SpendOnSize(count, _target.FuelTable.BytesPerUnit);
        if (_builder.IsConstant(count, out var bytes) && bytes <= MaximumInlineBytes)
        {
            // The byte repeated; each store takes as much of it as it is wide.
            var low = _builder.Binary(IrOpcode.And, IrType.I64, ExtendUnsigned(value), _builder.I64(0xFF));
            var repeated = _builder.Binary(IrOpcode.Mul, IrType.I64, low, _builder.I64(0x0101010101010101));
            for (var done = 0; done < (int)bytes;)
            {
                var log = Math.Min(3, int.Log2((int)bytes - done));
                EmitStore(new MemoryAddress(destination, -1, (uint)done, false), repeated, log, memory);
                done += 1 << log;
            }

            return;
        }

        CallBuiltin(BuiltinId.MemoryFillBytes, destination, value, ExtendUnsigned(count));
    }

    private void MemoryCopy(int destinationMemory, int sourceMemory)
    {
        var count = Pop();
        var sourceIndex = ExtendUnsigned(Pop());
        var destination = CheckRange(destinationMemory, Pop(), count);
        var source = CheckRange(sourceMemory, sourceIndex, count);
        SpendOnSize(count, _target.FuelTable.BytesPerUnit);
        if (_builder.IsConstant(count, out var bytes) && bytes <= MaximumInlineBytes)
        {
            // All loads come before all stores, so that overlapping ranges are right. They keep their index, even a constant one: an address without is taken for one that is within
            // the memory at its smallest, whatever was checked, and may be loaded from before the check.
            var sourceBase = MemoryBase(sourceMemory);
            _scratch.Clear();
            for (var done = 0; done < (int)bytes;)
            {
                var log = Math.Min(3, int.Log2((int)bytes - done));
                _scratch.Add(_builder.Emit(
                    IrOpcode.Load,
                    log == 3 ? IrType.I64 : IrType.I32,
                    sourceBase,
                    sourceIndex,
                    -1,
                    done,
                    MemoryAccess.Create(log).Bits,
                    RegionOf(sourceMemory)));
                done += 1 << log;
            }

            for (int i = 0, done = 0; i < _scratch.Count; i++)
            {
                var log = Math.Min(3, int.Log2((int)bytes - done));
                EmitStore(new MemoryAddress(destination, -1, (uint)done, false), _scratch[i], log, destinationMemory);
                done += 1 << log;
            }

            return;
        }

        CallBuiltin(BuiltinId.MemoryCopyBytes, destination, source, ExtendUnsigned(count));
    }

    // Traps unless start + count lies within the memory; the address of start.
    private Value CheckRange(int memory, Value start, Value count)
    {
        var length = MemoryLength(memory);
        CheckRange(length, start, count, Is64(memory), TrapCode.MemoryOutOfBounds);
        return _builder.Binary(IrOpcode.Add, IrType.I64, MemoryBase(memory), ExtendUnsigned(start));
    }

    private void CheckRange(Value length, Value start, Value count, bool is64, TrapCode code)
    {
        var wideStart = ExtendUnsigned(start);
        var wideCount = ExtendUnsigned(count);
        if (!is64)
        {
            var end = _builder.Binary(IrOpcode.Add, IrType.I64, wideStart, wideCount);
            TrapIf(_builder.Compare(IntegerCondition.GreaterUnsigned, end, length), code);
            return;
        }

        TrapIf(_builder.Compare(IntegerCondition.GreaterUnsigned, wideCount, length), code);
        var last = _builder.Binary(IrOpcode.Sub, IrType.I64, length, wideCount);
        TrapIf(_builder.Compare(IntegerCondition.GreaterUnsigned, wideStart, last), code);
    }
}
