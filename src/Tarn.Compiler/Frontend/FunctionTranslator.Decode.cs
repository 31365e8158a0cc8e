// The instruction switch. Simple instructions go by the table in SimpleInstructions.cs; prefixed pages have switches of their own.
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

/// <content>The decoder.</content>
internal sealed partial class FunctionTranslator
{
    private void Decode(ref WasmReader reader)
    {
        while (_frames.Count > 0)
        {
            _function.CurrentWasmOffset = reader.Position;
            var opcode = reader.ReadByte();
            ref readonly var simple = ref SimpleInstruction.Of(opcode);
            if (simple.Kind != SimpleKind.None)
            {
                Spend((Opcode)opcode);
                TranslateSimple(in simple, ref reader);
                continue;
            }

            switch ((Opcode)opcode)
            {
                case Opcode.LocalGet:
                    Spend((Opcode)opcode);
                    Push(_locals[(int)reader.ReadVarU32()]);
                    break;
                case Opcode.LocalSet:
                    Spend((Opcode)opcode);
                    _locals[(int)reader.ReadVarU32()] = Pop();
                    break;
                case Opcode.LocalTee:
                    Spend((Opcode)opcode);
                    _locals[(int)reader.ReadVarU32()] = _stack[_stack.Count - 1];
                    break;
                case Opcode.I32Const:
                    Spend((Opcode)opcode);
                    Push(_builder.I32(reader.ReadVarS32()));
                    break;
                case Opcode.I64Const:
                    Spend((Opcode)opcode);
                    Push(_builder.I64(reader.ReadVarS64()));
                    break;
                case Opcode.F32Const:
                    Spend((Opcode)opcode);
                    Push(_builder.Constant(IrType.F32, reader.ReadF32Bits()));
                    break;
                case Opcode.F64Const:
                    Spend((Opcode)opcode);
                    Push(_builder.Constant(IrType.F64, reader.ReadF64Bits()));
                    break;
                case Opcode.End:
                    EndFrame(ref reader);
                    break;
                default:
                    DecodeOther((Opcode)opcode, ref reader);
                    break;
            }
        }
    }

    private void TranslateSimple(in SimpleInstruction simple, ref WasmReader reader)
    {
        Value right;
        switch (simple.Kind)
        {
            case SimpleKind.Load:
                Load(in simple, reader.ReadMemoryArgument());
                break;
            case SimpleKind.Store:
                Store(in simple, reader.ReadMemoryArgument());
                break;
            case SimpleKind.Binary:
                right = Pop();
                Push(_builder.Binary(simple.Operation, simple.Type, Pop(), right));
                break;
            case SimpleKind.Compare:
                right = Pop();
                Push(_builder.Compare((IntegerCondition)simple.Aux, Pop(), right));
                break;
            case SimpleKind.IsZero:
                Push(_builder.IsZero(Pop()));
                break;
            case SimpleKind.Unary:
                Push(Canonical(simple.Operation, simple.Type, _builder.Unary(simple.Operation, simple.Type, Operand(simple.Operation, Pop()))));
                break;
            case SimpleKind.FloatBinary:
                right = Operand(simple.Operation, Pop());
                Push(Canonical(simple.Operation, simple.Type, _builder.FloatBinary(simple.Operation, simple.Type, Operand(simple.Operation, Pop()), right)));
                break;
            default:
                right = Operand(IrOpcode.CompareFloat, Pop());
                Push(_builder.CompareFloat((FloatCondition)simple.Aux, Operand(IrOpcode.CompareFloat, Pop()), right));
                break;
        }
    }

    private void DecodeOther(Opcode opcode, ref WasmReader reader)
    {
        switch (opcode)
        {
            // Structure costs no fuel.
            case Opcode.Nop:
                return;
            case Opcode.Block:
                PushFrame(FrameKind.Block, reader.ReadBlockType());
                return;
            case Opcode.Loop:
                StartLoop(reader.ReadBlockType());
                return;
            case Opcode.Else:
                StartElse(ref reader);
                return;
            case Opcode.TryTable:
                StartTryTable(ref reader);
                return;
            case Opcode.Try:
                StartTry(reader.ReadBlockType());
                return;
            case Opcode.Catch:
                reader.ReadVarU32();
                StartCatch(ref reader);
                return;
            case Opcode.CatchAll:
                StartCatch(ref reader);
                return;
            case Opcode.Delegate:
                reader.ReadVarU32();
                EndFrame(ref reader);
                return;
        }

        if (opcode < (Opcode)0xFB)
        {
            Spend(opcode);
        }

        switch (opcode)
        {
            case Opcode.Unreachable:
                Trap(TrapCode.Unreachable);
                break;
            case Opcode.If:
                StartIf(reader.ReadBlockType(), ref reader);
                return;
            case Opcode.Br:
                Branch((int)reader.ReadVarU32());
                break;
            case Opcode.BrIf:
                BranchIf(Pop(), (int)reader.ReadVarU32());
                break;
            case Opcode.BrTable:
                BranchTable(ref reader);
                break;
            case Opcode.Throw:
                Throw((int)reader.ReadVarU32());
                break;
            case Opcode.ThrowRef:
                ThrowReference(Pop());
                break;
            case Opcode.Rethrow:
                Rethrow((int)reader.ReadVarU32());
                break;
            case Opcode.Return:
                Branch(_frames.Count - 1);
                break;
            case Opcode.BrOnNull:
                BranchOnNull((int)reader.ReadVarU32(), branchIfNull: true);
                break;
            case Opcode.BrOnNonNull:
                BranchOnNull((int)reader.ReadVarU32(), branchIfNull: false);
                break;
            case Opcode.Call:
                Call((int)reader.ReadVarU32(), tail: false);
                break;
            case Opcode.CallIndirect:
                CallIndirect((int)reader.ReadVarU32(), (int)reader.ReadVarU32(), tail: false);
                break;
            case Opcode.CallRef:
                CallReference((int)reader.ReadVarU32(), tail: false);
                break;
            case Opcode.ReturnCall:
                Call((int)reader.ReadVarU32(), tail: true);
                break;
            case Opcode.ReturnCallIndirect:
                CallIndirect((int)reader.ReadVarU32(), (int)reader.ReadVarU32(), tail: true);
                break;
            case Opcode.ReturnCallRef:
                CallReference((int)reader.ReadVarU32(), tail: true);
                break;
            case Opcode.Drop:
                Pop();
                break;
            case Opcode.Select:
                Select();
                break;
            case Opcode.SelectTyped:
                InstructionSkipper.SkipImmediates(ref reader, opcode);
                Select();
                break;
            case Opcode.GlobalGet:
                GlobalGet((int)reader.ReadVarU32());
                break;
            case Opcode.GlobalSet:
                GlobalSet((int)reader.ReadVarU32());
                break;
            case Opcode.TableGet:
                TableGet((int)reader.ReadVarU32());
                break;
            case Opcode.TableSet:
                TableSet((int)reader.ReadVarU32());
                break;
            case Opcode.MemorySize:
                MemorySize((int)reader.ReadVarU32());
                break;
            case Opcode.MemoryGrow:
                MemoryGrow((int)reader.ReadVarU32());
                break;
            case Opcode.RefNull:
                Push(_builder.Zero(ValueTypes.IsManaged(_module, reader.ReadHeapType()) ? IrType.Managed : IrType.Ref));
                break;
            case Opcode.RefIsNull:
                Push(_builder.IsZero(Pop()));
                break;
            case Opcode.RefFunc:
                Push(FunctionReference((int)reader.ReadVarU32()));
                break;
            case Opcode.RefEq:
                Push(_builder.Compare(IntegerCondition.Equal, Pop(), Pop()));
                break;
            case Opcode.RefAsNonNull:
                TrapIf(_builder.IsZero(_stack[_stack.Count - 1]), TrapCode.NullReference);
                break;
            case (Opcode)0xFC:
                DecodeMiscellaneous(ReadPrefixed(ref reader, 0xFC), ref reader);
                break;
            case (Opcode)0xFE:
                DecodeAtomic(ReadPrefixed(ref reader, 0xFE), ref reader);
                break;
            case (Opcode)0xFD:
                DecodeVector(ReadPrefixed(ref reader, 0xFD), ref reader);
                break;
            case (Opcode)0xFB:
                DecodeObject(ReadPrefixed(ref reader, 0xFB), ref reader);
                break;
            default:
                throw Unsupported(opcode);
        }

        if (_builder.Block < 0)
        {
            SkipUnreachable(ref reader);
        }
    }

    private void DecodeMiscellaneous(Opcode opcode, ref WasmReader reader)
    {
        Spend(opcode);
        switch (opcode)
        {
            case >= Opcode.I32TruncSatF32S and <= Opcode.I64TruncSatF64U:
                Push(_builder.Unary(
                    ((int)opcode & 1) == 0 ? IrOpcode.SaturateToSigned : IrOpcode.SaturateToUnsigned,
                    opcode < Opcode.I64TruncSatF32S ? IrType.I32 : IrType.I64,
                    Pop()));
                break;
            case Opcode.MemoryInit:
                var data = (int)reader.ReadVarU32();
                MemoryInit(data, (int)reader.ReadVarU32());
                break;
            case Opcode.DataDrop:
                CallBuiltin(BuiltinId.DataDrop, _builder.I32((int)reader.ReadVarU32()));
                break;
            case Opcode.MemoryCopy:
                var destination = (int)reader.ReadVarU32();
                MemoryCopy(destination, (int)reader.ReadVarU32());
                break;
            case Opcode.MemoryFill:
                MemoryFill((int)reader.ReadVarU32());
                break;
            case Opcode.TableInit:
                var element = (int)reader.ReadVarU32();
                TableInit(element, (int)reader.ReadVarU32());
                break;
            case Opcode.ElemDrop:
                CallBuiltin(BuiltinId.ElementDrop, _builder.I32((int)reader.ReadVarU32()));
                break;
            case Opcode.TableCopy:
                var to = (int)reader.ReadVarU32();
                TableCopy(to, (int)reader.ReadVarU32());
                break;
            case Opcode.TableGrow:
                TableGrow((int)reader.ReadVarU32());
                break;
            case Opcode.TableSize:
                TableSize((int)reader.ReadVarU32());
                break;
            case Opcode.TableFill:
                TableFill((int)reader.ReadVarU32());
                break;
            case Opcode.I64Add128 or Opcode.I64Sub128:
                WideAddition(opcode == Opcode.I64Sub128);
                break;
            case Opcode.I64MulWideS or Opcode.I64MulWideU:
                var right = Pop();
                var left = Pop();
                Push(_builder.Binary(IrOpcode.Mul, IrType.I64, left, right));
                Push(_builder.Binary(
                    opcode == Opcode.I64MulWideS ? IrOpcode.MulHighSigned : IrOpcode.MulHighUnsigned, IrType.I64, left, right));
                break;
            default:
                throw Unsupported(opcode);
        }
    }

    private void Select()
    {
        var condition = Pop();
        var otherwise = Pop();
        var value = Pop();
        Push(_builder.Select(_function.TypeOf(value), condition, value, otherwise));
    }

    private void WideAddition(bool subtract)
    {
        var rightHigh = Pop();
        var rightLow = Pop();
        var leftHigh = Pop();
        var leftLow = Pop();
        var opcode = subtract ? IrOpcode.Sub : IrOpcode.Add;
        var low = _builder.Binary(opcode, IrType.I64, leftLow, rightLow);

        // The sum has wrapped if it is below an operand; the difference borrows if the left one is below the right one.
        var carry = _builder.Compare(IntegerCondition.LessUnsigned, subtract ? leftLow : low, subtract ? rightLow : leftLow);
        var high = _builder.Binary(opcode, IrType.I64, leftHigh, rightHigh);
        Push(low);
        Push(_builder.Binary(opcode, IrType.I64, high, ExtendUnsigned(carry)));
    }

    private static Opcode ReadPrefixed(ref WasmReader reader, byte prefix)
        => (Opcode)(reader.ReadVarU32() + prefix switch { 0xFB => 0x100u, 0xFC => 0x200u, 0xFE => 0x300u, _ => 0x400u });

    private UnsupportedModuleException Unsupported(Opcode opcode)
        => new(Opcodes.Name(opcode), _function.FunctionIndex, _function.CurrentWasmOffset);
}
