// Entry, calls, returns, branches, checks; and the switch over opcodes that everything hangs on.
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <content>Control.</content>
internal sealed partial class X64Lowering
{
    private AbiType[] _parameterTypes = new AbiType[32];
    private AbiType[] _resultTypes = new AbiType[32];
    private ValueLocation[] _parameterPlaces = new ValueLocation[32];
    private ValueLocation[] _resultPlaces = new ValueLocation[32];
    private VReg[] _registerArguments = new VReg[32];

    private static void ToAbi(ReadOnlySpan<IrType> types, ref AbiType[] abi, ref ValueLocation[] places)
    {
        if (abi.Length < types.Length)
        {
            abi = new AbiType[2 * types.Length];
            places = new ValueLocation[2 * types.Length];
        }

        for (var k = 0; k < types.Length; k++)
        {
            abi[k] = IrTypes.ToAbi(types[k]);
        }
    }

    private CallShape AssignPlaces(ReadOnlySpan<IrType> parameters, ReadOnlySpan<IrType> results)
    {
        ToAbi(parameters, ref _parameterTypes, ref _parameterPlaces);
        ToAbi(results, ref _resultTypes, ref _resultPlaces);
        return CallConvention.Assign(
            _parameterTypes.AsSpan(0, parameters.Length), _resultTypes.AsSpan(0, results.Length), _parameterPlaces, _resultPlaces);
    }

    // The function's parameters: registers are defined by the entry's label, stack arguments stay where they are until wanted.
    private protected override void LowerEntry()
    {
        var ir = _ir;
        var parameters = ir.ParameterTypes;
        var shape = AssignPlaces(parameters, ir.ResultTypes);
        _machine.IncomingBytes = shape.StackArgumentBytes;
        var first = ir.Blocks[IrFunction.Entry].First;
        Begin(X64Opcode.Label, 0);
        if (_hiddenResult >= 0)
        {
            Add(_hiddenResult, OperandKind.DefFixed, CallConvention.IntegerArgumentRegisters[0]);
        }

        var k = 0;
        for (var i = first; k < parameters.Length; i = ir.Links[i].Next, k++)
        {
            var v = _virtual[i];
            ref var place = ref _parameterPlaces[k];
            if (v < 0 || place.Kind == LocationKind.Memory)
            {
                continue;
            }

            if (place.Kind == LocationKind.IntegerRegister)
            {
                Add(v, OperandKind.DefFixed, place.Value);
            }
            else
            {
                AddVector(v, OperandKind.DefFixed, place.Value);
            }
        }

        k = 0;
        for (var i = first; k < parameters.Length; i = ir.Links[i].Next, k++)
        {
            var v = _virtual[i];
            if (v >= 0 && _parameterPlaces[k].Kind == LocationKind.Memory)
            {
                EmitLoad(v, parameters[k], Math.Max(WidthOf(parameters[k]), 4), signed: false, Address.Of(X64AddressKind.Incoming, _parameterPlaces[k].Value));

                // The collector does not look where the caller left a reference, so that is good only once.
                if (parameters[k] != IrType.Managed)
                {
                    _machine.Instructions[_open].Flags |= MachineFlags.Rematerialisable | MachineFlags.MemoryResident;
                }
            }
        }
    }

    // Arguments beyond the registers are pushed, last one first, right before the call; rsp is back after it.
    private int PushStackArguments(ReadOnlySpan<Value> arguments, ReadOnlySpan<IrType> parameters)
    {
        var bytes = 0;
        for (var k = arguments.Length - 1; k >= 0; k--)
        {
            if (_parameterPlaces[k].Kind != LocationKind.Memory)
            {
                continue;
            }

            var type = parameters[k];
            bytes += type == IrType.V128 ? 16 : 8;
            if (_ir.Get(arguments[k]).Opcode == IrOpcode.Constant && type is IrType.I64 or IrType.Ref or IrType.Managed or IrType.I32
                && IsImmediate(arguments[k], out var immediate) && (type != IrType.I32 || immediate >= 0))
            {
                Begin(X64Opcode.PushImmediate, 8, immediate: immediate);
                continue;
            }

            var v = Use(arguments[k]);
            Begin(X64Opcode.Push, type == IrType.V128 ? 16 : 8);
            Add(v, OperandKind.UseAny);
        }

        return bytes;
    }

    private void AddRegisterArguments(ReadOnlySpan<Value> arguments)
    {
        for (var k = 0; k < arguments.Length; k++)
        {
            ref var place = ref _parameterPlaces[k];
            if (place.Kind == LocationKind.IntegerRegister)
            {
                Add(_registerArguments[k], OperandKind.UseFixed, place.Value);
            }
            else if (place.Kind == LocationKind.VectorRegister)
            {
                AddVector(_registerArguments[k], OperandKind.UseFixed, place.Value);
            }
        }
    }

    private void UseArguments(ReadOnlySpan<Value> arguments)
    {
        if (_registerArguments.Length < arguments.Length)
        {
            _registerArguments = new VReg[2 * arguments.Length];
        }

        for (var k = 0; k < arguments.Length; k++)
        {
            if (_parameterPlaces[k].Kind != LocationKind.Memory)
            {
                _registerArguments[k] = UseOnce(arguments[k]);
            }
        }
    }

    // For what is moved on. A constant of another block is made anew: it will be in any case, and need not be alive over all blocks in between.
    private VReg UseOnce(Value value)
    {
        ref var constant = ref _ir.Get(value);
        return constant.Opcode == IrOpcode.Constant && constant.Type is IrType.I32 or IrType.I64 && !IsInRootLine(value)
            ? LoadConstant(TypeOf(constant.Type), constant.Bits)
            : Use(value);
    }

    private void LowerCall(Value i, ref IrInstruction instruction)
    {
        var ir = _ir;
        var arguments = ir.PoolOf(i);
        CallShape shape;
        ReadOnlySpan<IrType> parameters;
        ReadOnlySpan<IrType> results;
        var opcode = X64Opcode.Call;
        var target = instruction.ValueA;
        if (instruction.Opcode == IrOpcode.CallBuiltin)
        {
            opcode = X64Opcode.CallBuiltin;
            var id = (BuiltinId)instruction.A;
            var builtinParameters = BuiltinSignatures.Parameters(id);
            var builtinResults = BuiltinSignatures.Results(id);
            for (var k = 0; k < builtinParameters.Length; k++)
            {
                _builtinTypes[k] = IrTypes.Of(builtinParameters[k]);
            }

            for (var k = 0; k < builtinResults.Length; k++)
            {
                _builtinTypes[16 + k] = IrTypes.Of(builtinResults[k]);
            }

            parameters = _builtinTypes.AsSpan(0, builtinParameters.Length);
            results = _builtinTypes.AsSpan(16, builtinResults.Length);
        }
        else
        {
            parameters = ir.ParametersOf(instruction.D);
            results = ir.ResultsOf(instruction.D);
            if (instruction.Opcode == IrOpcode.CallReference)
            {
                opcode = X64Opcode.CallReference;
                _machine.SavesVmContext = true;
            }
            else if (_reloadsAfterCalls)
            {
                _machine.SavesVmContext = true;
            }
        }

        _machine.HasCalls = true;
        shape = AssignPlaces(parameters, results);
        UseArguments(arguments);
        var reference = opcode == X64Opcode.CallReference ? Use(target) : VReg.None;
        var buffer = VReg.None;
        if (shape.HasResultBuffer)
        {
            _machine.ResultBufferBytes = Math.Max(_machine.ResultBufferBytes, shape.ResultBufferBytes);
            buffer = _machine.NewVirtualRegister(MachineType.I64);
            Begin(X64Opcode.Lea, 8);
            Add(buffer, OperandKind.Def);
            AddAddress(Address.Of(X64AddressKind.ResultBuffer, 0));
        }

        PushStackArguments(arguments, parameters);
        var reloads = opcode == X64Opcode.CallReference || (opcode == X64Opcode.Call && _reloadsAfterCalls);
        Begin(opcode, 0, reloads ? 1 : 0, shape.StackArgumentBytes, target);
        _machine.Instructions[_open].Flags = MachineFlags.Call;
        for (var r = ir.Links[i].Next; r >= 0 && ir.Get(r).Opcode == IrOpcode.Result; r = ir.Links[r].Next)
        {
            ref var place = ref _resultPlaces[ir.Get(r).B];
            if (_virtual[r] < 0 || place.Kind == LocationKind.Memory)
            {
                continue;
            }

            if (place.Kind == LocationKind.IntegerRegister)
            {
                Add(_virtual[r], OperandKind.DefFixed, place.Value);
            }
            else
            {
                AddVector(_virtual[r], OperandKind.DefFixed, place.Value);
            }
        }

        if (buffer >= 0)
        {
            Add(buffer, OperandKind.UseFixed, CallConvention.IntegerArgumentRegisters[0]);
        }

        if (reference >= 0)
        {
            Add(reference, OperandKind.UseFixed, CallConvention.FunctionReferenceRegister);
        }

        AddRegisterArguments(arguments);

        for (var r = ir.Links[i].Next; r >= 0 && ir.Get(r).Opcode == IrOpcode.Result; r = ir.Links[r].Next)
        {
            var index = ir.Get(r).B;
            if (_virtual[r] >= 0 && _resultPlaces[index].Kind == LocationKind.Memory)
            {
                EmitLoad(_virtual[r], results[index], WidthOf(results[index]), signed: false, Address.Of(X64AddressKind.ResultBuffer, _resultPlaces[index].Value));
            }
        }
    }

    private readonly IrType[] _builtinTypes = new IrType[24];

    private void LowerTailCall(Value i, ref IrInstruction instruction)
    {
        var ir = _ir;
        var arguments = ir.PoolOf(i);
        var parameters = ir.ParametersOf(instruction.D);
        var shape = AssignPlaces(parameters, ir.ResultsOf(instruction.D));
        UseArguments(arguments);
        var isReference = instruction.Opcode == IrOpcode.TailCallReference;
        var reference = isReference ? Use(instruction.ValueA) : VReg.None;
        var hidden = shape.HasResultBuffer ? HiddenResult() : VReg.None;
        PushStackArguments(arguments, parameters);
        Begin(isReference ? X64Opcode.TailCallReference : X64Opcode.TailCall, 0, immediate: shape.StackArgumentBytes, aux: instruction.A);
        if (hidden >= 0)
        {
            Add(hidden, OperandKind.UseFixed, CallConvention.IntegerArgumentRegisters[0]);
        }

        if (reference >= 0)
        {
            Add(reference, OperandKind.UseFixed, CallConvention.FunctionReferenceRegister);
        }

        AddRegisterArguments(arguments);

        // The stack check in the prologue answers for the callee's frame as well as for this one.
        _machine.HasCalls = true;
    }

    private VReg HiddenResult()
    {
        if (_hiddenResult < 0)
        {
            _hiddenResult = _machine.NewVirtualRegister(MachineType.I64);
        }

        return _hiddenResult;
    }

    private void LowerReturn(Value i)
    {
        var ir = _ir;
        var values = ir.PoolOf(i);
        var types = ir.ResultTypes;
        ToAbi(types, ref _resultTypes, ref _resultPlaces);
        var bytes = CallConvention.AssignResults(_resultTypes.AsSpan(0, types.Length), _resultPlaces);
        if (_registerArguments.Length < values.Length)
        {
            _registerArguments = new VReg[2 * values.Length];
        }

        for (var k = 0; k < values.Length; k++)
        {
            _registerArguments[k] = UseOnce(values[k]);
        }

        for (var k = 0; bytes != 0 && k < values.Length; k++)
        {
            if (_resultPlaces[k].Kind != LocationKind.Memory)
            {
                continue;
            }

            // An i32 is stored with its zero upper half.
            var isVector = types[k] is IrType.F32 or IrType.F64 or IrType.V128;
            Begin(isVector ? X64Opcode.StoreVector : X64Opcode.Store, isVector ? WidthOf(types[k]) : 8);
            Add(_registerArguments[k], OperandKind.Use);
            AddAddress(new Address { Kind = X64AddressKind.Registers, Base = HiddenResult(), Index = VReg.None, Displacement = _resultPlaces[k].Value });
        }

        Begin(X64Opcode.Return, 0);
        for (var k = 0; k < values.Length; k++)
        {
            if (_resultPlaces[k].Kind == LocationKind.IntegerRegister)
            {
                Add(_registerArguments[k], OperandKind.UseFixed, _resultPlaces[k].Value);
            }
            else if (_resultPlaces[k].Kind == LocationKind.VectorRegister)
            {
                AddVector(_registerArguments[k], OperandKind.UseFixed, _resultPlaces[k].Value);
            }
        }
    }

    private void LowerSwitch(ref IrInstruction instruction, int block)
    {
        if (AddSwitchEdges(instruction, block, out var start) == 1)
        {
            Begin(X64Opcode.Jump, 0);
            return;
        }

        var index = Use(instruction.ValueA);
        Begin(X64Opcode.Switch, 4, immediate: instruction.C, aux: start);
        Add(_machine.NewVirtualRegister(MachineType.I64), OperandKind.Temp);
        Add(_machine.NewVirtualRegister(MachineType.I64), OperandKind.Temp);
        Add(index, OperandKind.Use);
    }

    private protected override void LowerInstruction(Value i, ref IrInstruction instruction, int block)
    {
        switch (instruction.Opcode)
        {
            case IrOpcode.Constant:
                LowerConstant(i, ref instruction);
                break;
            case IrOpcode.VmContext:
                Begin(X64Opcode.Lea, 8);
                _machine.Instructions[_open].Flags = MachineFlags.Rematerialisable;
                Add(_virtual[i], OperandKind.Def);
                AddAddress(Address.Of(X64AddressKind.VmContext, 0));
                break;
            case IrOpcode.TypeId:
                Begin(X64Opcode.LoadTypeId, 4, aux: instruction.A);
                _machine.Instructions[_open].Flags = MachineFlags.Rematerialisable;
                Add(_virtual[i], OperandKind.Def);
                break;
            case IrOpcode.Add:
                LowerAdd(i, ref instruction);
                break;
            case IrOpcode.Sub:
                LowerSub(i, ref instruction);
                break;
            case IrOpcode.Mul:
                LowerMul(i, ref instruction);
                break;
            case IrOpcode.MulHighSigned:
                LowerMulHigh(i, ref instruction, signed: true);
                break;
            case IrOpcode.MulHighUnsigned:
                LowerMulHigh(i, ref instruction, signed: false);
                break;
            case IrOpcode.DivSigned:
                LowerDivision(i, ref instruction, signed: true, remainder: false);
                break;
            case IrOpcode.DivUnsigned:
                LowerDivision(i, ref instruction, signed: false, remainder: false);
                break;
            case IrOpcode.RemSigned:
                LowerDivision(i, ref instruction, signed: true, remainder: true);
                break;
            case IrOpcode.RemUnsigned:
                LowerDivision(i, ref instruction, signed: false, remainder: true);
                break;
            case IrOpcode.And:
                LowerLogic(i, ref instruction, AluOp.And);
                break;
            case IrOpcode.Or:
                LowerLogic(i, ref instruction, AluOp.Or);
                break;
            case IrOpcode.Xor:
                LowerLogic(i, ref instruction, AluOp.Xor);
                break;
            case IrOpcode.ShiftLeft:
                LowerShift(i, ref instruction, ShiftOp.Shl);
                break;
            case IrOpcode.ShiftRightSigned:
                LowerShift(i, ref instruction, ShiftOp.Sar);
                break;
            case IrOpcode.ShiftRightUnsigned:
                LowerShift(i, ref instruction, ShiftOp.Shr);
                break;
            case IrOpcode.RotateLeft:
                LowerShift(i, ref instruction, ShiftOp.Rol);
                break;
            case IrOpcode.RotateRight:
                LowerShift(i, ref instruction, ShiftOp.Ror);
                break;
            case IrOpcode.CountLeadingZeros:
                LowerBitCount(i, ref instruction, X64BitCount.Leading);
                break;
            case IrOpcode.CountTrailingZeros:
                LowerBitCount(i, ref instruction, X64BitCount.Trailing);
                break;
            case IrOpcode.PopulationCount:
                LowerBitCount(i, ref instruction, X64BitCount.Population);
                break;
            case IrOpcode.SignExtend8:
                EmitExtend(i, 1, SignExtensionTo(instruction.Type), instruction.ValueA);
                break;
            case IrOpcode.SignExtend16:
                EmitExtend(i, 2, SignExtensionTo(instruction.Type), instruction.ValueA);
                break;
            case IrOpcode.SignExtend32:
            case IrOpcode.ExtendSigned:
                EmitExtend(i, 4, LoadExtension.Sign64, instruction.ValueA);
                break;
            case IrOpcode.ExtendUnsigned:
                break;
            case IrOpcode.Wrap:
                LowerWrap(i, ref instruction);
                break;
            case IrOpcode.CompareInteger:
                LowerSetInteger(i, ref instruction);
                break;
            case IrOpcode.CompareFloat:
                LowerSet(i, LowerCompareFloat(ref instruction));
                break;
            case IrOpcode.Select:
                LowerSelect(i, ref instruction);
                break;
            case IrOpcode.FloatAdd:
                LowerFloatBinary(i, ref instruction, SseOp.Addss, SseOp.Addsd, commutes: true);
                break;
            case IrOpcode.FloatSub:
                LowerFloatBinary(i, ref instruction, SseOp.Subss, SseOp.Subsd, commutes: false);
                break;
            case IrOpcode.FloatMul:
                LowerFloatBinary(i, ref instruction, SseOp.Mulss, SseOp.Mulsd, commutes: true);
                break;
            case IrOpcode.FloatDiv:
                LowerFloatBinary(i, ref instruction, SseOp.Divss, SseOp.Divsd, commutes: false);
                break;
            case IrOpcode.FloatMin:
                LowerMinMax(i, ref instruction, isMax: false);
                break;
            case IrOpcode.FloatMax:
                LowerMinMax(i, ref instruction, isMax: true);
                break;
            case IrOpcode.FloatCopySign:
                LowerCopySign(i, ref instruction);
                break;
            case IrOpcode.FloatAbs:
                LowerSign(i, ref instruction, negate: false);
                break;
            case IrOpcode.FloatNeg:
                LowerSign(i, ref instruction, negate: true);
                break;
            case IrOpcode.FloatSqrt:
                LowerFloatUnary(i, ref instruction, SseOp.Sqrtss, SseOp.Sqrtsd);
                break;
            case IrOpcode.FloatNearest:
                LowerFloatUnary(i, ref instruction, SseOp.Roundss, SseOp.Roundsd, 8);
                break;
            case IrOpcode.FloatFloor:
                LowerFloatUnary(i, ref instruction, SseOp.Roundss, SseOp.Roundsd, 9);
                break;
            case IrOpcode.FloatCeil:
                LowerFloatUnary(i, ref instruction, SseOp.Roundss, SseOp.Roundsd, 10);
                break;
            case IrOpcode.FloatTrunc:
                LowerFloatUnary(i, ref instruction, SseOp.Roundss, SseOp.Roundsd, 11);
                break;
            case IrOpcode.Promote:
            case IrOpcode.Demote:
                LowerFloatUnary(i, ref instruction, SseOp.Cvtss2sd, SseOp.Cvtsd2ss);
                break;
            case IrOpcode.ConvertToSigned:
                LowerToInteger(i, ref instruction, signed: true, saturate: false);
                break;
            case IrOpcode.ConvertToUnsigned:
                LowerToInteger(i, ref instruction, signed: false, saturate: false);
                break;
            case IrOpcode.SaturateToSigned:
                LowerToInteger(i, ref instruction, signed: true, saturate: true);
                break;
            case IrOpcode.SaturateToUnsigned:
                LowerToInteger(i, ref instruction, signed: false, saturate: true);
                break;
            case IrOpcode.ConvertFromSigned:
                LowerFromInteger(i, ref instruction, signed: true);
                break;
            case IrOpcode.ConvertFromUnsigned:
                LowerFromInteger(i, ref instruction, signed: false);
                break;
            case IrOpcode.Bitcast:
                LowerBitcast(i, ref instruction);
                break;
            case IrOpcode.Load:
            case IrOpcode.LoadVm:
                LowerLoad(i, ref instruction);
                break;
            case IrOpcode.Store:
            case IrOpcode.StoreVm:
                LowerStore(i, ref instruction);
                break;
            case IrOpcode.BoundsCheck:
                LowerBoundsCheck(i, ref instruction);
                break;
            case IrOpcode.AtomicLoad:
                LowerAtomicLoad(i, ref instruction);
                break;
            case IrOpcode.AtomicStore:
                LowerAtomicStore(i, ref instruction);
                break;
            case IrOpcode.AtomicReadModifyWrite:
                LowerAtomicReadModifyWrite(i, ref instruction);
                break;
            case IrOpcode.AtomicCompareExchange:
                LowerAtomicCompareExchange(i, ref instruction);
                break;
            case IrOpcode.AtomicFence:
                Begin(X64Opcode.Fence, 0);
                break;
            case IrOpcode.Allocate:
                LowerAllocate(i, ref instruction);
                break;
            case IrOpcode.ElementOffset:
                LowerElementOffset(i, ref instruction);
                break;
            case IrOpcode.WriteBarrier:
                LowerWriteBarrier(ref instruction);
                break;
            case IrOpcode.TrapIf:
                EmitTrapIf(LowerCondition(instruction.ValueA), instruction.Aux);
                break;
            case IrOpcode.TrapIfNot:
                EmitTrapIf(Negate(LowerCondition(instruction.ValueA)), instruction.Aux);
                break;
            case IrOpcode.InterruptCheck:
                if (!IsCheckSuperfluous)
                {
                    Begin(X64Opcode.InterruptCheck, 0);
                }

                break;
            case IrOpcode.FuelCheck:
                var record = Use(instruction.ValueA);
                Begin(X64Opcode.FuelCheck, 8, immediate: instruction.D);
                Add(record, OperandKind.Use);
                break;
            case IrOpcode.FuelCharge:
                var charged = Use(instruction.ValueA);
                var units = Use(instruction.ValueB);
                Begin(X64Opcode.FuelCharge, 8);
                Add(charged, OperandKind.Use);
                Add(units, OperandKind.Use);
                break;
            case IrOpcode.Call:
            case IrOpcode.CallReference:
            case IrOpcode.CallBuiltin:
                LowerCall(i, ref instruction);
                break;
            case IrOpcode.Jump:
                AddSuccessor(new(instruction.A));
                Begin(X64Opcode.Jump, 0);
                break;
            case IrOpcode.BranchIf:
                if (AddSuccessor(new(instruction.B)) == AddSuccessor(new(instruction.C)))
                {
                    Begin(X64Opcode.Jump, 0);
                    break;
                }

                var condition = LowerCondition(instruction.ValueA);
                Begin(X64Opcode.JumpIf, 0, condition);
                _machine.Instructions[_open].Flags = MachineFlags.ReadsFlags;
                break;
            case IrOpcode.BranchOnThrow:
                AddSuccessor(new(instruction.B));
                AddSuccessor(new(instruction.C));
                Begin(X64Opcode.BranchOnThrow, 0, aux: instruction.D);
                break;
            case IrOpcode.Switch:
                LowerSwitch(ref instruction, block);
                break;
            case IrOpcode.Return:
                LowerReturn(i);
                break;
            case IrOpcode.TailCall:
            case IrOpcode.TailCallReference:
                LowerTailCall(i, ref instruction);
                break;
            case IrOpcode.Trap:
                Begin(X64Opcode.Trap, 0, aux: instruction.Aux);
                break;
            case >= IrOpcode.VectorShuffle and <= IrOpcode.VectorPromote:
                LowerVector(i, ref instruction);
                break;
            default:
                throw new NotSupportedException($"The compiler does not know the IR instruction {instruction.Opcode} yet.");
        }
    }

    private static LoadExtension SignExtensionTo(IrType type) => type == IrType.I64 ? LoadExtension.Sign64 : LoadExtension.Sign32;
}
