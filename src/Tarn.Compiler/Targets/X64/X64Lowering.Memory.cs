// Addresses, loads, stores, read-modify-write forms, atomics.
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;
using Tarn.Compiler.IR.Analysis;

/// <content>Memory.</content>
internal sealed partial class X64Lowering
{
    // The address of a load or store. May emit instructions for what an address cannot hold.
    private Address AddressOf(ref IrInstruction instruction, Value value)
    {
        var access = instruction.Access;
        var linear = instruction.Opcode is IrOpcode.Load or IrOpcode.Store;
        var address = new Address { Kind = X64AddressKind.Registers, Base = VReg.None, Index = VReg.None, WasmOffset = _ir.Links[value].WasmOffset };
        var displacement = (long)instruction.Offset;
        if (linear)
        {
            address.MayFault = access.MayFault;
            address.IsNullCheck = instruction.Region < AliasRegion.MemoryImported;
        }
        else if (instruction.Opcode is IrOpcode.LoadVm or IrOpcode.StoreVm)
        {
            address.Scale = access.ScaleLog2;
        }

        // The values of the base and the index, or −1.
        var a = Resolve(instruction.ValueA);
        var b = Value.None;
        FoldConstantPart(ref a, ref displacement);
        if (_ir.Get(a).Opcode == IrOpcode.VmContext)
        {
            address.Kind = X64AddressKind.VmContext;
            a = Value.None;
        }

        var hasIndex = instruction.Opcode is IrOpcode.Load or IrOpcode.Store or IrOpcode.LoadVm or IrOpcode.StoreVm && instruction.B >= 0;
        if (hasIndex)
        {
            b = Resolve(instruction.ValueB);
            if (_ir.IsConstant(b, out var bits) && Fits((long)(bits << address.Scale) + displacement) && (long)bits >= 0 && bits <= int.MaxValue)
            {
                displacement += (long)(bits << address.Scale);
                b = Value.None;
            }
            else
            {
                // Sums of i64 wrap as addresses do; those of i32 wrap earlier and stay, unless it is known that they do not.
                if (_ir.TypeOf(b) == IrType.I64 && address.Scale == 0)
                {
                    FoldConstantPart(ref b, ref displacement);
                    FoldScale(ref b, ref address.Scale);
                }
                else if (_ir.TypeOf(b) == IrType.I32 && address.Scale == 0)
                {
                    // A fault is what stops an access that may fault: it must not reach over the guard, even if a bound were wrong.
                    var most = (linear && access.MayFault ? (long)Math.Min(_ir.GuardBytes, int.MaxValue) : int.MaxValue) - access.Width;
                    FoldNarrow(ref b, ref displacement, ref address.Scale, most);
                }
            }
        }
        else if (a >= 0 && _ir.Get(a).Opcode == IrOpcode.Add && IsMergeable(a) && !linear)
        {
            // base + index of a record.
            ref var sum = ref _ir.Get(a);
            b = Resolve(sum.ValueB);
            _merged[a] = true;
            a = Resolve(sum.ValueA);
            if (_ir.TypeOf(b) == IrType.I64)
            {
                FoldScale(ref b, ref address.Scale);
            }

            if (_ir.Get(a).Opcode == IrOpcode.VmContext)
            {
                address.Kind = X64AddressKind.VmContext;
                a = Value.None;
            }
        }

        if (a >= 0)
        {
            address.Base = Use(a);
        }

        if (b >= 0)
        {
            address.Index = Use(b);
        }

        if (displacement == (int)displacement)
        {
            address.Displacement = (int)displacement;
            return address;
        }

        // An offset of 2 GiB or more.
        var constant = LoadConstant(MachineType.I64, (ulong)displacement);
        if (address.Index < 0)
        {
            address.Index = constant;
            address.Scale = 0;
            return address;
        }

        var sumRegister = _machine.NewVirtualRegister(MachineType.I64);
        Begin(X64Opcode.Lea, 8);
        Add(sumRegister, OperandKind.Def);
        AddAddress(new Address { Kind = X64AddressKind.Registers, Base = constant, Index = address.Index, Scale = address.Scale });
        address.Index = sumRegister;
        address.Scale = 0;
        return address;
    }

    private static bool Fits(long value) => value == (int)value;

    private void FoldConstantPart(ref Value value, ref long displacement)
    {
        ref var instruction = ref _ir.Get(value);
        if (instruction.Opcode == IrOpcode.Add && instruction.Type is IrType.I64 or IrType.Ref && _ir.IsConstant(instruction.ValueB, out var bits)
            && Fits((long)bits) && Fits(displacement + (long)bits) && displacement <= int.MaxValue)
        {
            displacement += (long)bits;
            value = Resolve(instruction.ValueA);
        }
    }

    private void FoldScale(ref Value value, ref int scale)
    {
        ref var instruction = ref _ir.Get(value);
        if (scale == 0 && instruction.Opcode == IrOpcode.ShiftLeft && instruction.Type == IrType.I64 && IsMergeable(value)
            && _ir.IsConstant(instruction.ValueB, out var count) && count <= 3)
        {
            _merged[value] = true;
            value = Resolve(instruction.ValueA);
            scale = (int)count;
        }
    }

    private void FoldNarrow(ref Value value, ref long displacement, ref int scale, long most)
    {
        ref var sum = ref _ir.Get(value);
        if (sum.Opcode == IrOpcode.Add && _ir.IsConstant(sum.ValueB, out var bits) && bits <= int.MaxValue && displacement >= 0 && displacement + (long)bits <= most
            && _ranges.UpperBound(sum.ValueA, ValueRanges.Depth) <= uint.MaxValue - bits)
        {
            // No carry out of 32 bits.
            displacement += (long)bits;
            value = Resolve(sum.ValueA);
        }

        ref var shift = ref _ir.Get(value);
        if (shift.Opcode == IrOpcode.ShiftLeft && shift.Type == IrType.I32 && !_merged[value] && !LivesOn(value) && _ir.IsConstant(shift.ValueB, out var count) && count is > 0 and <= 3
            && _ranges.UpperBound(shift.ValueA, ValueRanges.Depth) <= uint.MaxValue >> (int)count)
        {
            // Scaling costs nothing, so others may do it too.
            value = Resolve(shift.ValueA);
            scale = (int)count;
        }
    }

    private VReg LoadConstant(MachineType type, ulong bits)
    {
        var v = _machine.NewVirtualRegister(type);
        EmitConstant(v, type, bits);
        return v;
    }

    private void EmitConstant(VReg v, MachineType type, ulong bits)
    {
        var index = _machine.Constants.Add(bits);
        if (type is MachineType.I32 or MachineType.I64 or MachineType.Managed)
        {
            Begin(X64Opcode.LoadConstant, type == MachineType.I32 ? 4 : 8, immediate: index);
            _machine.Instructions[_open].Flags = MachineFlags.Rematerialisable;
        }
        else
        {
            Begin(X64Opcode.LoadFloatConstant, type == MachineType.F32 ? 4 : 8, immediate: index);
            _machine.Instructions[_open].Flags = MachineFlags.Rematerialisable | MachineFlags.MemoryResident;
        }

        Add(v, OperandKind.Def);
    }

    private void LowerConstant(Value i, ref IrInstruction instruction)
    {
        if (instruction.Type == IrType.V128)
        {
            var bits = _ir.Vectors[instruction.A];
            var index = _machine.Constants.Add((ulong)bits);
            _machine.Constants.Add((ulong)(bits >> 64));
            Begin(X64Opcode.LoadFloatConstant, 16, immediate: index);
            _machine.Instructions[_open].Flags = MachineFlags.Rematerialisable | MachineFlags.MemoryResident;
            Add(_virtual[i], OperandKind.Def);
            return;
        }

        EmitConstant(_virtual[i], TypeOf(instruction.Type), instruction.Bits);
    }

    private Source ConstantSource(ulong low, ulong high, int width)
    {
        var index = _machine.Constants.Add(low);
        if (width == 16)
        {
            _machine.Constants.Add(high);
        }

        var address = Address.Of(X64AddressKind.Constant, index);
        address.Scale = width switch { 4 => 0, 8 => 1, _ => 2 };
        return new Source { IsMemory = true, Address = address };
    }

    private void LowerLoad(Value i, ref IrInstruction instruction)
    {
        var type = instruction.Type;
        var access = instruction.Access;
        var address = AddressOf(ref instruction, i);
        EmitLoad(Definition(i), type, access.Width, access.Signed, address);

        // What never changes can be read again instead of being spilled.
        if (instruction.Region == AliasRegion.ReadOnly && address.Kind == X64AddressKind.VmContext && address.Index < 0 && type is IrType.I32 or IrType.I64 or IrType.Ref or IrType.Managed)
        {
            _machine.Instructions[_open].Flags |= MachineFlags.Rematerialisable | (access.Width == 8 ? MachineFlags.MemoryResident : 0);
        }
    }

    private void EmitLoad(VReg definition, IrType type, int width, bool signed, in Address address)
    {
        if (type is IrType.F32 or IrType.F64 or IrType.V128)
        {
            Begin(X64Opcode.LoadVector, width);
        }
        else
        {
            var natural = WidthOf(type);
            Begin(X64Opcode.Load, width, (int)(!signed || width >= natural ? LoadExtension.Zero : natural == 8 ? LoadExtension.Sign64 : LoadExtension.Sign32));
        }

        Add(definition, OperandKind.Def);
        AddAddress(address);
    }

    private void LowerStore(Value i, ref IrInstruction instruction)
    {
        var width = instruction.Access.Width;
        var value = instruction.ValueC;
        if (TryLowerReadModifyWrite(i, ref instruction, width) || TryLowerStoreLane(i, ref instruction, width))
        {
            return;
        }

        var type = _ir.TypeOf(value);
        if (_ir.Get(value).Opcode == IrOpcode.Constant && type != IrType.V128)
        {
            var bits = (long)_ir.Get(value).Bits;
            if (width < 8 || Fits(bits))
            {
                var target = AddressOf(ref instruction, i);
                Begin(X64Opcode.StoreImmediate, width, immediate: (int)bits);
                AddAddress(target);
                return;
            }
        }

        // The bits of a float stored as an integer, or the other way round.
        ref var source = ref _ir.Get(value);
        if (source.Opcode == IrOpcode.Bitcast && width == WidthOf(source.Type))
        {
            value = source.ValueA;
            type = _ir.TypeOf(value);
        }

        if (type is IrType.F32 or IrType.F64 or IrType.V128)
        {
            var v = Use(value);
            var target = AddressOf(ref instruction, i);
            Begin(X64Opcode.StoreVector, width);
            Add(v, OperandKind.Use);
            AddAddress(target);
        }
        else
        {
            var v = width == 8 ? Use(value) : UseLowBits(value, 8 * width);
            var target = AddressOf(ref instruction, i);
            Begin(X64Opcode.Store, width);
            Add(v, OperandKind.Use);
            AddAddress(target);
        }
    }

    // store(p, load(p) op x)
    private bool TryLowerReadModifyWrite(Value i, ref IrInstruction store, int width)
    {
        ref var operation = ref _ir.Get(store.ValueC);
        AluOp op;
        switch (operation.Opcode)
        {
            case IrOpcode.Add:
                op = AluOp.Add;
                break;
            case IrOpcode.Sub:
                op = AluOp.Sub;
                break;
            case IrOpcode.And:
                op = AluOp.And;
                break;
            case IrOpcode.Or:
                op = AluOp.Or;
                break;
            case IrOpcode.Xor:
                op = AluOp.Xor;
                break;
            default:
                return false;
        }

        if (!IsMergeable(store.ValueC))
        {
            return false;
        }

        var loaded = operation.ValueA;
        var other = operation.ValueB;
        if (!IsSamePlace(loaded, store, width))
        {
            if (op == AluOp.Sub || !IsSamePlace(other, store, width))
            {
                return false;
            }

            (loaded, other) = (other, loaded);
        }

        _merged[store.C] = true;
        _merged[loaded] = true;
        var isImmediate = IsImmediate(other, out var immediate) || (width < 8 && _ir.IsConstant(other, out _));
        var v = isImmediate ? VReg.None : width == 8 ? Use(other) : UseLowBits(other, 8 * width);
        var address = AddressOf(ref store, i);
        if (isImmediate)
        {
            immediate = (int)_ir.Get(other).Bits;
            Begin(X64Opcode.AluMemoryImmediate, width, (int)op, immediate: immediate);
        }
        else
        {
            Begin(X64Opcode.AluMemory, width, (int)op);
            Add(v, OperandKind.Use);
        }

        AddAddress(address);
        return true;
    }

    private bool IsSamePlace(Value value, in IrInstruction store, int width)
    {
        ref var load = ref _ir.Get(value);
        var kind = store.Opcode == IrOpcode.Store ? IrOpcode.Load : IrOpcode.LoadVm;
        if (load.Opcode != kind || load.A != store.A || load.B != store.B || load.D != store.D || load.Access.Width != width
            || load.Access.ScaleLog2 != store.Access.ScaleLog2 || !IsMergeable(value) || load.Type is IrType.F32 or IrType.F64 or IrType.V128)
        {
            return false;
        }

        return _colors.IsUndisturbed(value, load, _root);
    }

    // ---- Atomics: the address is a + D, checked.

    private Address AtomicAddress(ref IrInstruction instruction, Value i)
    {
        var address = AddressOf(ref instruction, i);
        address.MayFault = instruction.Access.MayFault;
        return address;
    }

    private void LowerAtomicLoad(Value i, ref IrInstruction instruction)
        => EmitLoad(Definition(i), instruction.Type, instruction.Access.Width, signed: false, AtomicAddress(ref instruction, i));

    private void LowerAtomicStore(Value i, ref IrInstruction instruction)
    {
        var width = instruction.Access.Width;
        var value = UseWidth(instruction.ValueB, width);
        var address = AtomicAddress(ref instruction, i);
        Begin(X64Opcode.AtomicExchange, width);
        Add(_machine.NewVirtualRegister(MachineType.I64), OperandKind.DefTied);
        Add(value, OperandKind.UseTied);
        AddAddress(address);
    }

    private void LowerAtomicReadModifyWrite(Value i, ref IrInstruction instruction)
    {
        var width = instruction.Access.Width;
        var operation = (AtomicOperation)instruction.C;
        var definition = Definition(i);
        var value = UseWidth(instruction.ValueB, width);
        var address = AtomicAddress(ref instruction, i);
        switch (operation)
        {
            case AtomicOperation.Sub:
                var negated = _machine.NewVirtualRegister(TypeOf(instruction.Type));
                Begin(X64Opcode.Unary, WidthOf(instruction.Type), (int)UnaryOp.Neg);
                Add(negated, OperandKind.DefTied);
                Add(value, OperandKind.UseTied);
                value = negated;
                goto case AtomicOperation.Add;
            case AtomicOperation.Add:
                Begin(X64Opcode.AtomicAdd, width);
                break;
            case AtomicOperation.Exchange:
                Begin(X64Opcode.AtomicExchange, width);
                break;
            default:
                var op = operation switch { AtomicOperation.And => AluOp.And, AtomicOperation.Or => AluOp.Or, _ => AluOp.Xor };
                Begin(X64Opcode.AtomicLoop, width, (int)op);
                _machine.Instructions[_open].Clobbers = X64Registers.ClobberRax;
                Add(definition, OperandKind.DefFixed, X64Registers.Rax);
                Add(_machine.NewVirtualRegister(MachineType.I64), OperandKind.Temp);
                Add(value, OperandKind.UseLate);
                AddLateAddress(address);
                return;
        }

        Add(definition, OperandKind.DefTied);
        Add(value, OperandKind.UseTied);
        AddAddress(address);
    }

    private void LowerAtomicCompareExchange(Value i, ref IrInstruction instruction)
    {
        var width = instruction.Access.Width;
        var expected = UseWidth(instruction.ValueB, width);
        var replacement = UseWidth(instruction.ValueC, width);
        var address = AtomicAddress(ref instruction, i);
        Begin(X64Opcode.AtomicCompareExchange, width);
        _machine.Instructions[_open].Clobbers = X64Registers.ClobberRax;
        Add(Definition(i), OperandKind.DefFixed, X64Registers.Rax);
        Add(expected, OperandKind.UseFixed, X64Registers.Rax);
        Add(replacement, OperandKind.UseLate);
        AddLateAddress(address);
    }

    // An address read again after the first definition is written.
    private void AddLateAddress(in Address address)
    {
        var first = _machine.Operands.Count;
        AddAddress(address);
        foreach (ref var operand in _machine.Operands.Span[first..])
        {
            operand.Kind = OperandKind.UseLate;
        }
    }
}
