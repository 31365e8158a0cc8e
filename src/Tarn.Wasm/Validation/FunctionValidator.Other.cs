// All instructions, decoded afresh: those that the hot loop does not know, and those it does when a fast path did not fit. Simple ones go by the opcode
// table's signature; the rest is one case each, after the core specification's "Validation: Instructions".
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Validation;

internal sealed unsafe partial class FunctionValidator
{
    /// <summary>Validates the instruction at _next and moves _next behind it.</summary>
    private void Instruction()
    {
        int end = (int)(_bodyEnd - _code);
        WasmReader reader = new(new ReadOnlySpan<byte>(_code, end), (int)(_next - _code), end, _features);
        Opcode opcode = reader.ReadOpcode();
        OpcodeSignature signature = Opcodes.Signature(opcode);
        if ((int)opcode >= 0x100)
            NotePage(opcode);
        if (!signature.DependsOnContext)
            Simple(ref reader, opcode, signature);
        else if ((int)opcode < 0x100)
            Core(ref reader, opcode);
        else if ((int)opcode < 0x200)
            Aggregate(ref reader, opcode);
        else
            Bulk(ref reader, opcode);
        _next = _code + reader.Position;
    }

    private void NotePage(Opcode opcode) => _facts |= ((int)opcode >> 8) switch
    {
        1 => ModuleFacts.UsesAggregates,
        3 => ModuleFacts.UsesAtomics,
        _ => ModuleFacts.None,
    };

    private void Simple(ref WasmReader reader, Opcode opcode, OpcodeSignature signature)
    {
        int address = I32;
        switch (Opcodes.Immediate(opcode))
        {
            case ImmediateKind.None:
                break;
            case ImmediateKind.Memarg:
                address = MemoryAccess(ref reader, opcode);
                break;
            case ImmediateKind.MemargLane:
                address = MemoryAccess(ref reader, opcode);
                CheckLane(reader.ReadByte(), 16 >> Opcodes.Alignment(opcode));
                break;
            case ImmediateKind.Lane:
                CheckLane(reader.ReadByte(), LaneCount(opcode));
                break;
            case ImmediateKind.Shuffle:
                for (int i = 0; i < 16; i++)
                    CheckLane(reader.ReadByte(), 32);
                break;
            case ImmediateKind.Memory:
                address = Memory(reader.ReadIndex()).Limits.AddressType.Bits;
                break;
            case ImmediateKind.Data:
                Data(reader.ReadIndex());
                break;
            case ImmediateKind.Element:
                Element(reader.ReadIndex());
                break;
            case ImmediateKind.Fence:
                if (reader.ReadByte() != 0)
                    Malformed("malformed memory order: zero byte expected");
                break;
            default:
                InstructionSkipper.SkipImmediates(ref reader, opcode);
                break;
        }

        int count = signature.OperandCount;
        int* operands = stackalloc int[4];
        for (int i = 0; i < count; i++)
            operands[i] = Concrete(signature.Operand(i), address);
        PopAll(operands, count);
        for (int i = 0; i < signature.ResultCount; i++)
            Push(Concrete(signature.Result(i), address));
    }

    private static int Concrete(byte type, int address) => type == OpcodeSignature.Address ? address : type;

    private int MemoryAccess(ref WasmReader reader, Opcode opcode)
    {
        MemoryArgument argument = reader.ReadMemoryArgument();
        ref readonly CoreMemoryType memory = ref Memory(argument.Memory);
        int natural = Opcodes.Alignment(opcode);
        if (argument.Align > natural)
            Fail($"alignment must not be larger than natural: 2 to the power of {argument.Align}, for an access of {1 << natural} bytes");
        if (argument.Align < natural && Opcodes.Category(opcode) == OpcodeCategory.Atomic)
            Fail($"alignment must be equal to natural: 2 to the power of {argument.Align}, for an atomic access of {1 << natural} bytes");
        if (argument.Offset > uint.MaxValue && !memory.Limits.Is64)
            Fail($"offset out of range: {argument.Offset}, in a memory with 32-bit addresses");
        return memory.Limits.AddressType.Bits;
    }

    private void CheckLane(int lane, int count)
    {
        if (lane >= count)
            Fail($"invalid lane index {lane}: there are {count}");
    }

    private static int LaneCount(Opcode opcode) => opcode switch
    {
        <= Opcode.I8x16ReplaceLane => 16,
        <= Opcode.I16x8ReplaceLane => 8,
        <= Opcode.I32x4ReplaceLane => 4,
        <= Opcode.I64x2ReplaceLane => 2,
        <= Opcode.F32x4ReplaceLane => 4,
        _ => 2,
    };

    private void Core(ref WasmReader reader, Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.Block or Opcode.Loop or Opcode.If or Opcode.TryTable or Opcode.Try:
                EnterBlock(ref reader, opcode);
                break;
            case Opcode.Else:
                Else();
                break;
            case Opcode.Br:
                Branch(reader.ReadVarU32());
                break;
            case Opcode.BrIf:
                BranchIf(reader.ReadVarU32());
                break;
            case Opcode.BrTable:
                BranchTable(ref reader);
                break;
            case Opcode.Return:
                Return();
                break;
            case Opcode.Throw:
                _facts |= ModuleFacts.UsesExceptions;
                SignatureShape* tag = TagShape(reader.ReadIndex());
                PopAll(_signatureTypes + tag->ParameterStart, tag->ParameterCount);
                SetUnreachable();
                break;
            case Opcode.Catch:
                Catch(TagShape(reader.ReadIndex()), opcode);
                break;
            case Opcode.CatchAll:
                Catch(null, opcode);
                break;
            case Opcode.Delegate:
                Delegate(reader.ReadVarU32());
                break;
            case Opcode.Rethrow:
                if (Label(reader.ReadVarU32())->Opcode is not ((byte)Opcode.Catch or (byte)Opcode.CatchAll))
                    Fail("invalid rethrow label: it is that of no catch");
                SetUnreachable();
                break;
            case Opcode.ThrowRef:
                _facts |= ModuleFacts.UsesExceptions;
                Pop(ValType.ExnRef.Bits);
                SetUnreachable();
                break;
            case Opcode.Drop:
                Pop();
                break;
            case Opcode.Select:
                Select();
                break;
            case Opcode.SelectTyped:
                SelectTyped(ref reader);
                break;
            case Opcode.LocalGet or Opcode.LocalSet or Opcode.LocalTee:
                Local(reader.ReadIndex(), opcode);
                break;
            case Opcode.GlobalGet or Opcode.GlobalSet:
                Global(reader.ReadIndex(), opcode);
                break;
            case Opcode.TableGet or Opcode.TableSet:
                TableAccess(reader.ReadIndex(), opcode);
                break;
            case Opcode.RefNull or Opcode.RefIsNull or Opcode.RefFunc or Opcode.RefEq or Opcode.RefAsNonNull or Opcode.BrOnNull or Opcode.BrOnNonNull:
                Reference(ref reader, opcode);
                break;
            default:
                Call(ref reader, opcode);
                break;
        }
    }

    private void Call(ref WasmReader reader, Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.Call:
                ApplySignature(*FunctionOf(reader.ReadIndex()));
                break;
            case Opcode.ReturnCall:
                int callee = reader.ReadIndex();
                TailCall(*FunctionOf(callee));
                if (callee < _module.ImportedFunctionCount)
                    _module.SetTailCallsLeave();
                break;
            case Opcode.CallIndirect:
                ApplySignature(*Indirect(ref reader));
                break;
            case Opcode.ReturnCallIndirect:
                TailCall(*Indirect(ref reader));
                _module.SetTailCallsLeave();
                break;
            case Opcode.CallRef or Opcode.ReturnCallRef:
                int type = reader.ReadIndex();
                SignatureShape* shape = FunctionShape(type);
                Pop(NullableTo(type));
                if (opcode == Opcode.CallRef)
                {
                    ApplySignature(*shape);
                    break;
                }
                TailCall(*shape);
                _module.SetTailCallsLeave();
                break;
            default:
                throw new NotSupportedException($"The opcode table knows {Opcodes.Name(opcode)}, the validator does not.");
        }
    }

    private static int NullableTo(int typeIndex) => ValType.Reference(HeapType.Index(typeIndex), nullable: true).Bits;

    private void Select()
    {
        Pop(I32);
        int second = Pop();
        int first = Pop();
        if (((first | second) & ValType.ReferenceBit) != 0)
            Fail($"type mismatch: select without a type takes numbers and vectors, but stack has [{Text(first)} {Text(second)}]; write the type out");
        if (first != second && first != 0 && second != 0)
            Fail($"type mismatch: select requires two operands of one type but stack has [{Text(first)} {Text(second)}]");
        Push(first == 0 ? second : first);
    }

    private void SelectTyped(ref WasmReader reader)
    {
        uint count = reader.ReadVarU32();
        if (count != 1)
            Fail($"invalid result arity: select has one result type, not {count}");
        int at = reader.Position;
        ValType type = reader.ReadValType();
        CheckType(type, at);
        Pop(I32);
        Pop(type.Bits);
        Pop(type.Bits);
        Push(type.Bits);
    }

    private void Local(int local, Opcode opcode)
    {
        if (local >= _localCount)
            Fail($"unknown local {local}: the function has {_localCount}");
        if (opcode == Opcode.LocalGet)
        {
            if (_locals[local] < 0)
                Fail($"uninitialized local {local}: it is of the non-null type {Text(_locals[local])} and not assigned on every path");
            Push(_locals[local]);
            return;
        }

        int type = _locals[local] & ~Uninitialized;
        Pop(type);
        Initialize(local);
        if (opcode == Opcode.LocalTee)
            Push(type);
    }

    private void Global(int global, Opcode opcode)
    {
        if (global >= _context.GlobalCount)
            Fail($"unknown global {global}: the module has {_context.GlobalCount}");
        int type = _context.GlobalTypes[global];
        if (opcode == Opcode.GlobalGet)
        {
            Push(type & ~ValidationContext.Immutable);
            return;
        }

        if (type < 0)
            Fail($"immutable global {global} cannot be assigned (global is immutable)");
        Pop(type);
    }

    private void TableAccess(int index, Opcode opcode)
    {
        ref readonly CoreTableType table = ref Table(index);
        int address = table.Limits.AddressType.Bits;
        if (opcode == Opcode.TableSet)
        {
            _module.SetWritesTables();
            Pop(table.Element.Bits);
        }
        Pop(address);
        if (opcode == Opcode.TableGet)
            Push(table.Element.Bits);
    }

    private HeapType ReadHeapType(ref WasmReader reader)
    {
        int at = reader.Position;
        HeapType heap = reader.ReadHeapType();
        if (heap.IsConcrete && heap.TypeIndex >= _context.TypeCount)
            throw Invalid($"unknown type {heap.TypeIndex}: the module has {_context.TypeCount}", at, null);
        return heap;
    }

    // A reference that is known not to be null; the bottom type becomes a reference to the bottom heap type.
    private static int NonNull(int reference) =>
        reference == 0 ? ValType.Reference(HeapType.Bottom, nullable: false).Bits : new ValType(reference).WithNullability(false).Bits;

    private void Reference(ref WasmReader reader, Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.RefNull:
                Push(ValType.Reference(ReadHeapType(ref reader), nullable: true).Bits);
                break;
            case Opcode.RefIsNull:
                PopReference();
                Push(I32);
                break;
            case Opcode.RefFunc:
                int function = reader.ReadIndex();
                FunctionOf(function);
                if (!_context.IsDeclared(function))
                    Fail($"undeclared function reference {function}: ref.func may name functions that an element segment, export or global mentions");
                Push(ValType.Reference(HeapType.Index(_context.FunctionTypes[function]), nullable: false).Bits);
                break;
            case Opcode.RefEq:
                Pop(ValType.EqRef.Bits);
                Pop(ValType.EqRef.Bits);
                Push(I32);
                break;
            case Opcode.RefAsNonNull:
                Push(NonNull(PopReference()));
                break;
            case Opcode.BrOnNull:
                {
                    Frame* frame = Label(reader.ReadVarU32());
                    int reference = PopReference();
                    PassThrough(frame);
                    Push(NonNull(reference));
                    break;
                }

            case Opcode.BrOnNonNull:
                {
                    int* types = LabelTypes(Label(reader.ReadVarU32()), out int count);
                    if (count == 0 || (types[count - 1] & ValType.ReferenceBit) == 0)
                        Fail($"type mismatch: br_on_non_null needs a label that takes a reference last, but this one takes [{TypesText(types, count)}]");
                    Pop(types[count - 1] | ValType.NullableBit);
                    PopAll(types, count - 1);
                    PushAll(types, count - 1);
                    break;
                }
        }
    }

    private ref readonly CoreMemoryType Memory(int index)
    {
        if (index >= _module.MemoryArray.Length)
            Fail($"unknown memory {index}: the module has {_module.MemoryArray.Length}");
        return ref _module.MemoryArray[index];
    }

    // Bodies come before the data section, so that one pass over the module needs the count ahead of it.
    private void Data(int index)
    {
        if (_module.DeclaredDataCount < 0)
            throw BodyStructure.MissingDataCount(CurrentOpcode(), _at - _code);
        if (index >= _module.DeclaredDataCount)
            Fail($"unknown data segment {index}: the module has {_module.DeclaredDataCount}");
    }

    private ValType Element(int index)
    {
        if (index >= _module.ElementArray.Length)
            Fail($"unknown elem segment {index}: the module has {_module.ElementArray.Length}");
        return _module.ElementArray[index].Type;
    }

    private void Bulk(ref WasmReader reader, Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.MemoryInit:
                int data = reader.ReadIndex();
                int address = Memory(reader.ReadIndex()).Limits.AddressType.Bits;
                Data(data);
                PopThree(address, I32, I32);
                break;
            case Opcode.MemoryCopy:
                int to = Memory(reader.ReadIndex()).Limits.AddressType.Bits;
                int from = Memory(reader.ReadIndex()).Limits.AddressType.Bits;
                PopThree(to, from, to == I64 && from == I64 ? I64 : I32);
                break;
            case Opcode.MemoryFill:
                address = Memory(reader.ReadIndex()).Limits.AddressType.Bits;
                PopThree(address, I32, address);
                break;
            case Opcode.TableInit:
                {
                    int segment = reader.ReadIndex();
                    ref readonly CoreTableType table = ref Table(reader.ReadIndex());
                    RequireElement(Element(segment), table.Element);
                    PopThree(table.Limits.AddressType.Bits, I32, I32);
                    break;
                }

            case Opcode.TableCopy:
                {
                    ref readonly CoreTableType target = ref Table(reader.ReadIndex());
                    ref readonly CoreTableType source = ref Table(reader.ReadIndex());
                    RequireElement(source.Element, target.Element);
                    bool both64 = target.Limits.Is64 && source.Limits.Is64;
                    PopThree(target.Limits.AddressType.Bits, source.Limits.AddressType.Bits, both64 ? I64 : I32);
                    break;
                }

            case Opcode.TableGrow:
                {
                    ref readonly CoreTableType table = ref Table(reader.ReadIndex());
                    Pop(table.Limits.AddressType.Bits);
                    Pop(table.Element.Bits);
                    Push(table.Limits.AddressType.Bits);
                    break;
                }

            case Opcode.TableSize:
                Push(Table(reader.ReadIndex()).Limits.AddressType.Bits);
                break;
            case Opcode.TableFill:
                {
                    ref readonly CoreTableType table = ref Table(reader.ReadIndex());
                    address = table.Limits.AddressType.Bits;
                    PopThree(address, table.Element.Bits, address);
                    break;
                }

            default:
                throw new NotSupportedException($"The opcode table knows {Opcodes.Name(opcode)}, the validator does not.");
        }
    }

    private void PopThree(int first, int second, int third)
    {
        int* types = stackalloc int[3];
        types[0] = first;
        types[1] = second;
        types[2] = third;
        PopAll(types, 3);
    }

    private void RequireElement(ValType source, ValType target)
    {
        if (!_context.IsSubtype(source.Bits, target.Bits))
            Fail($"type mismatch: elements of type {source} do not fit into {target}");
    }
}
