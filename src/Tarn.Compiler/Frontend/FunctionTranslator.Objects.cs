// Managed objects: structures, arrays, i31. Objects are accessed at the heap's base plus a reference of 32 bits plus an offset below the guard, so whatever a reference is, an access
// stays within the heap's reservation (ObjectLayout). Null is in a zone that is never accessible: the first access of an object is its null check, unless the field is beyond that zone.
// Element offsets are computed in 32 bits, which wrap before they could leave the heap.
//
// Allocation is inline: a bump of the heap's top, which the collector makes room for. Nothing between Allocate and the stores that initialise the object may be a safepoint.
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

/// <content>Structures, arrays and i31.</content>
internal sealed partial class FunctionTranslator
{
    // Arrays up to this many elements that one instruction makes from constants or operands are stored to without a loop.
    private const int MostUnrolled = 8;

    private int[]?[] _fieldOffsets = [];

    private void DecodeObject(Opcode opcode, ref WasmReader reader)
    {
        Spend(opcode);
        switch (opcode)
        {
            case Opcode.StructNew:
                StructNew((int)reader.ReadVarU32(), isDefault: false);
                break;
            case Opcode.StructNewDefault:
                StructNew((int)reader.ReadVarU32(), isDefault: true);
                break;
            case Opcode.StructGet or Opcode.StructGetS or Opcode.StructGetU:
                var read = (int)reader.ReadVarU32();
                StructGet(read, (int)reader.ReadVarU32(), opcode == Opcode.StructGetS);
                break;
            case Opcode.StructSet:
                var written = (int)reader.ReadVarU32();
                StructSet(written, (int)reader.ReadVarU32());
                break;
            case Opcode.ArrayNew or Opcode.ArrayNewDefault:
                ArrayNew((int)reader.ReadVarU32(), opcode == Opcode.ArrayNewDefault);
                break;
            case Opcode.ArrayNewFixed:
                var made = (int)reader.ReadVarU32();
                ArrayNewFixed(made, (int)reader.ReadVarU32());
                break;
            case Opcode.ArrayNewData or Opcode.ArrayNewElem:
                var filled = (int)reader.ReadVarU32();
                ArrayNewSegment(opcode == Opcode.ArrayNewData ? BuiltinId.ArrayNewData : BuiltinId.ArrayNewElement, filled, (int)reader.ReadVarU32());
                break;
            case Opcode.ArrayGet or Opcode.ArrayGetS or Opcode.ArrayGetU:
                ArrayGet((int)reader.ReadVarU32(), opcode == Opcode.ArrayGetS);
                break;
            case Opcode.ArraySet:
                ArraySet((int)reader.ReadVarU32());
                break;
            case Opcode.ArrayLen:
                Push(ArrayLength(Pop()));
                break;
            case Opcode.ArrayFill:
                ArrayFill((int)reader.ReadVarU32());
                break;
            case Opcode.ArrayCopy:
                var to = (int)reader.ReadVarU32();
                reader.ReadVarU32();
                ArrayCopy(to);
                break;
            case Opcode.ArrayInitData or Opcode.ArrayInitElem:
                var initialised = (int)reader.ReadVarU32();
                ArrayInitSegment(opcode == Opcode.ArrayInitData ? BuiltinId.ArrayInitData : BuiltinId.ArrayInitElement, initialised, (int)reader.ReadVarU32());
                break;
            case Opcode.RefI31:
                var shifted = _builder.Binary(IrOpcode.ShiftLeft, IrType.I32, Pop(), _builder.I32(1));
                Push(_builder.Unary(IrOpcode.Bitcast, IrType.Managed, _builder.Binary(IrOpcode.Or, IrType.I32, shifted, _builder.I32(ObjectLayout.SmallIntegerBit))));
                break;
            case Opcode.I31GetS or Opcode.I31GetU:
                var small = Pop();
                TrapIf(_builder.IsZero(small), TrapCode.NullReference);
                Push(_builder.Binary(opcode == Opcode.I31GetS ? IrOpcode.ShiftRightSigned : IrOpcode.ShiftRightUnsigned, IrType.I32, BitsOf(small), _builder.I32(1)));
                break;

            // Both hierarchies are represented alike.
            case Opcode.AnyConvertExtern or Opcode.ExternConvertAny:
                break;
            default:
                DecodeCast(opcode, ref reader);
                break;
        }
    }

    private Value HeapBase() => _builder.LoadReadOnly(_builder.VmContext(), VmContextHeader.HeapBase, IrType.I64, 3);

    // The bits of a managed reference. Good for tags and i31 only: the bits of an object's reference change when it moves.
    private Value BitsOf(Value reference) => _builder.Unary(IrOpcode.Bitcast, IrType.I32, reference);

    private StructType StructOf(int typeIndex) => (StructType)_module.TypeArray[typeIndex].Composite;

    private FieldType ElementOf(int typeIndex) => ((ArrayType)_module.TypeArray[typeIndex].Composite).Element;

    private int[] FieldOffsets(int typeIndex)
    {
        if (_fieldOffsets.Length < _module.TypeArray.Length)
        {
            Array.Resize(ref _fieldOffsets, _module.TypeArray.Length);
        }

        return _fieldOffsets[typeIndex] ??= ObjectLayout.FieldOffsets(StructOf(typeIndex));
    }

    private void ForgetFieldOffsets() => Array.Clear(_fieldOffsets);

    // ---- Fields and elements

    private AliasRegion RegionOf(ValType storage, bool isElement)
        => storage.IsReference ? AliasRegion.HeapReferences : isElement ? AliasRegion.HeapElements : AliasRegion.HeapFields;

    private Value LoadStorage(ValType storage, bool signed, Value index, int offset, bool mayFault, bool isElement)
    {
        var type = storage.IsReference ? (ValueTypes.IsManaged(_module, storage.Heap) ? IrType.Managed : IrType.I32) : TypeOf(storage.Unpacked);
        var value = _builder.Emit(
            IrOpcode.Load,
            type,
            HeapBase(),
            index,
            -1,
            offset,
            MemoryAccess.Create(ObjectLayout.ShiftOf(storage), signed, mayFault: mayFault).Bits,
            RegionOf(storage, isElement));
        return storage.IsReference && type != IrType.Managed ? FunctionOfHandle(value) : value;
    }

    private void StoreStorage(ValType storage, Value value, Value index, int offset, bool mayFault, bool isElement, AliasRegion? region = null)
    {
        if (_function.TypeOf(value) == IrType.Ref)
        {
            value = HandleOfFunction(value);
        }

        _builder.Emit(
            IrOpcode.Store,
            IrType.None,
            HeapBase(),
            index,
            Narrow(value, storage.IsReference ? 4 : storage.Size),
            offset,
            MemoryAccess.Create(ObjectLayout.ShiftOf(storage), mayFault: mayFault).Bits,
            region ?? RegionOf(storage, isElement));
    }

    private bool IsFunction(ValType storage) => storage.IsReference && !ValueTypes.IsManaged(_module, storage.Heap);

    // Objects name functions by their index in a table of the store: a wrong one is a function of the store, or a trap, but never an address of the guest's choice.
    private Value FunctionOfHandle(Value handle)
    {
        var count = _builder.Emit(
            IrOpcode.LoadVm, IrType.I64, Execution(), -1, -1, ExecutionRecordLayout.FunctionCount, MemoryAccess.Create(3).Bits, AliasRegion.Execution);
        _builder.Emit(IrOpcode.BoundsCheck, IrType.None, handle, count, -1, 1, (byte)TrapCode.NullReference);
        var table = _builder.Emit(
            IrOpcode.LoadVm, IrType.I64, Execution(), -1, -1, ExecutionRecordLayout.Functions, MemoryAccess.Create(3).Bits, AliasRegion.Execution);
        return _builder.Emit(IrOpcode.LoadVm, IrType.Ref, table, handle, -1, 0, MemoryAccess.Create(3, scaleLog2: 3).Bits, AliasRegion.Execution);
    }

    // A guest's function that objects have named before has its index in its record. The handle of an imported copy is that of the function it is a copy of.
    private Value HandleOfFunction(Value reference)
    {
        if (_builder.IsConstant(reference, out _))
        {
            return _builder.I32(0);
        }

        var join = _function.AddBlock();
        var result = _function.AddBlockParameter(join, IrType.I32);
        var ask = _function.AddBlock(IrBlockFlags.Cold);
        var guest = _function.AddBlock();
        var mark = _function.Instructions.Count;
        if (!_builder.IsConstant(_builder.IsZero(reference), out _))
        {
            var known = _function.AddBlock();
            Terminate(IrOpcode.BranchIf, _builder.IsZero(reference), _function.AddEdge(_builder.Block, join, [_builder.I32(0)]), _function.AddEdge(_builder.Block, known, []));
            StartBlock(known);
        }

        var host = _builder.LoadReadOnly(reference, FunctionReferenceRecord.HostFunction, IrType.I32, 2);
        var isGuest = _builder.Compare(IntegerCondition.Equal, host, _builder.I32(unchecked((int)FunctionReferenceRecord.NotAHostFunction)));
        Terminate(IrOpcode.BranchIf, isGuest, _function.AddEdge(_builder.Block, guest, []), _function.AddEdge(_builder.Block, ask, []));
        StartBlock(guest);
        var handle = _builder.Emit(
            IrOpcode.LoadVm, IrType.I32, reference, -1, -1, FunctionReferenceRecord.Opaque, MemoryAccess.Create(2).Bits, AliasRegion.Execution);
        Terminate(IrOpcode.BranchIf, handle, _function.AddEdge(guest, join, [handle]), _function.AddEdge(guest, ask, []));
        _builder.Values.TruncateToInstruction(mark);
        StartBlock(ask);
        var asked = CallBuiltin(BuiltinId.FunctionHandle, reference);
        Terminate(IrOpcode.Jump, _function.AddEdge(_builder.Block, join, [asked]));
        _builder.Values.TruncateToInstruction(mark);
        StartBlock(join);
        return result;
    }

    private void WriteBarrier(Value value, Value index, int offset)
    {
        // Constants are null.
        if (_function.TypeOf(value) == IrType.Managed && !_builder.IsConstant(value, out _) && !IsSmallInteger(value))
        {
            _builder.Emit(IrOpcode.WriteBarrier, IrType.None, HeapBase(), index, -1, offset);
        }
    }

    private bool IsSmallInteger(Value value)
    {
        ref var i = ref _function.Get(value);
        return i.Opcode == IrOpcode.Bitcast && _function.TypeOf(i.ValueA) == IrType.I32;
    }

    private void RequireNotNull(Value reference)
    {
        if (_function.Get(reference).Opcode != IrOpcode.Allocate)
        {
            TrapIf(_builder.IsZero(reference), TrapCode.NullReference);
        }
    }

    private bool IsNullCheckedByAccess(int offset, ValType storage) => _target.CatchesFaults && offset + ObjectLayout.BytesOf(storage) <= ObjectLayout.NullZone;

    private void StructGet(int typeIndex, int field, bool signed)
    {
        var storage = StructOf(typeIndex).Fields[field].Storage;
        var offset = FieldOffsets(typeIndex)[field];
        var reference = Pop();
        var checks = IsNullCheckedByAccess(offset, storage);
        if (!checks)
        {
            RequireNotNull(reference);
        }

        Push(LoadStorage(storage, signed, reference, offset, checks, isElement: false));
    }

    private void StructSet(int typeIndex, int field)
    {
        var storage = StructOf(typeIndex).Fields[field].Storage;
        var offset = FieldOffsets(typeIndex)[field];
        var value = Pop();
        var reference = Pop();
        var checks = IsNullCheckedByAccess(offset, storage) && !IsFunction(storage);
        if (!checks)
        {
            RequireNotNull(reference);
        }

        StoreStorage(storage, value, reference, offset, checks, isElement: false);
        WriteBarrier(value, reference, offset);
    }

    // ---- Allocation

    private Value TypeIdOf(int typeIndex) => _builder.Numbered(IrOpcode.TypeId, IrType.I32, typeIndex);

    private Value Allocate(int typeIndex, int bytes, Value size)
    {
        var made = _builder.Emit(IrOpcode.Allocate, IrType.Managed, Execution(), size, -1, bytes, 0, AliasRegion.HeapLayout);
        StoreHeader(made, ObjectLayout.TypeId, TypeIdOf(typeIndex));
        return made;
    }

    private void StoreHeader(Value reference, int offset, Value value) => _builder.Emit(
        IrOpcode.Store, IrType.None, HeapBase(), reference, value, offset, MemoryAccess.Create(2).Bits, AliasRegion.HeapHeader);

    private void StructNew(int typeIndex, bool isDefault)
    {
        var fields = StructOf(typeIndex).Fields;
        var offsets = FieldOffsets(typeIndex);
        var bytes = offsets[^1];
        SpendOnSize(_builder.I32(bytes), _target.FuelTable.BytesPerUnit);
        var first = _stack.Count - (isDefault ? 0 : fields.Length);

        // Handles of functions are asked for before there is an object: asking is a call.
        for (var i = 0; i < fields.Length && !isDefault; i++)
        {
            if (IsFunction(fields[i].Storage))
            {
                _stack[first + i] = HandleOfFunction(_stack[first + i]);
            }
        }

        var isLarge = bytes > ObjectLayout.LargestInline;
        var made = isLarge ? CallBuiltin(BuiltinId.AllocateObject, TypeIdOf(typeIndex), _builder.I32(0)) : Allocate(typeIndex, bytes, Value.None);
        for (var i = 0; i < fields.Length && !(isLarge && isDefault); i++)
        {
            var storage = fields[i].Storage;
            var value = isDefault ? _builder.Zero(storage.IsReference ? IrType.I32 : TypeOf(storage.Unpacked)) : _stack[first + i];
            StoreStorage(storage, value, made, offsets[i], mayFault: false, isElement: false);
            if (isLarge)
            {
                WriteBarrier(value, made, offsets[i]);
            }
        }

        _stack.Truncate(first);
        Push(made);
    }

    private void ArrayNewFixed(int typeIndex, int count)
    {
        var storage = ElementOf(typeIndex).Storage;
        var first = _stack.Count - count;
        if (IsFunction(storage))
        {
            for (var i = first; i < _stack.Count; i++)
            {
                _stack[i] = HandleOfFunction(_stack[i]);
            }
        }

        _budget.Charge((long)ComplexityLimits.PassedValue * count, "many elements of arrays");
        var bytes = ObjectLayout.ArrayBytes(storage, count);
        SpendOnSize(_builder.I32((int)Math.Min(bytes, int.MaxValue)), _target.FuelTable.BytesPerUnit);
        var isLarge = bytes > ObjectLayout.LargestInline;
        Value made;
        if (isLarge)
        {
            made = CallBuiltin(BuiltinId.AllocateObject, TypeIdOf(typeIndex), _builder.I32(count));
        }
        else
        {
            made = Allocate(typeIndex, (int)bytes, Value.None);
            StoreHeader(made, ObjectLayout.Length, _builder.I32(count));
        }

        var shift = ObjectLayout.ShiftOf(storage);
        for (var i = 0; i < count; i++)
        {
            var value = _stack[first + i];
            StoreStorage(storage, value, made, ObjectLayout.Elements + (i << shift), mayFault: false, isElement: true);
            if (isLarge)
            {
                WriteBarrier(value, made, ObjectLayout.Elements + (i << shift));
            }
        }

        _stack.Truncate(first);
        Push(made);
    }

    private void ArrayNew(int typeIndex, bool isDefault)
    {
        var storage = ElementOf(typeIndex).Storage;
        var shift = ObjectLayout.ShiftOf(storage);
        var length = Pop();
        var value = isDefault ? _builder.Zero(storage.IsReference ? IrType.I32 : TypeOf(storage.Unpacked)) : Pop();
        if (_function.TypeOf(value) == IrType.Ref)
        {
            value = HandleOfFunction(value);
        }

        SpendOnElements(length, shift);
        var isZero = IsZeroConstant(value);
        if (_builder.IsConstant(length, out var known) && ObjectLayout.ArrayBytes(storage, (long)known) <= ObjectLayout.LargestInline)
        {
            var made = Allocate(typeIndex, (int)ObjectLayout.ArrayBytes(storage, (long)known), Value.None);
            StoreHeader(made, ObjectLayout.Length, length);
            InitialiseElements(made, storage, value, length);
            Push(made);
            return;
        }

        // Small arrays here, large ones by the runtime, which clears them.
        var isLarge = _builder.Compare(IntegerCondition.GreaterUnsigned, length, _builder.I32((ObjectLayout.LargestInline - ObjectLayout.Elements) >> shift));
        var large = _function.AddBlock(IrBlockFlags.Cold);
        var small = _function.AddBlock();
        var join = _function.AddBlock();
        var result = _function.AddBlockParameter(join, IrType.Managed);
        var mark = _function.Instructions.Count;
        Terminate(IrOpcode.BranchIf, isLarge, _function.AddEdge(_builder.Block, large, []), _function.AddEdge(_builder.Block, small, []));
        StartBlock(large);
        var cleared = CallBuiltin(BuiltinId.AllocateObject, TypeIdOf(typeIndex), length);
        if (!isZero)
        {
            FillElements(cleared, storage, value, _builder.I32(0), length, hasBarrier: true);
        }

        Terminate(IrOpcode.Jump, _function.AddEdge(_builder.Block, join, [cleared]));
        _builder.Values.TruncateToInstruction(mark);
        StartBlock(small);
        var size = _builder.Binary(IrOpcode.ShiftLeft, IrType.I64, ExtendUnsigned(length), _builder.I64(shift));
        size = _builder.Binary(IrOpcode.Add, IrType.I64, size, _builder.I64(ObjectLayout.Elements + ObjectLayout.Alignment - 1));
        size = _builder.Binary(IrOpcode.And, IrType.I64, size, _builder.I64(-ObjectLayout.Alignment));
        var array = Allocate(typeIndex, 0, size);
        StoreHeader(array, ObjectLayout.Length, length);
        InitialiseElements(array, storage, value, length);
        Terminate(IrOpcode.Jump, _function.AddEdge(_builder.Block, join, [array]));
        _builder.Values.TruncateToInstruction(mark);
        StartBlock(join);
        Push(result);
    }

    private bool IsZeroConstant(Value value)
    {
        ref var i = ref _function.Get(value);
        return i.Opcode == IrOpcode.Constant && (i.Type == IrType.V128 ? _function.Vectors[i.A] == 0 : i.Bits == 0);
    }

    private void InitialiseElements(Value array, ValType storage, Value value, Value length)
    {
        if (_builder.IsConstant(length, out var known) && known <= MostUnrolled)
        {
            for (var i = 0; i < (int)known; i++)
            {
                StoreStorage(storage, value, array, ObjectLayout.Elements + (i << ObjectLayout.ShiftOf(storage)), mayFault: false, isElement: true);
            }
        }
        else if (IsZeroConstant(value))
        {
            // By words: objects end at whole ones.
            var words = _builder.Binary(IrOpcode.ShiftLeft, IrType.I32, length, _builder.I32(ObjectLayout.ShiftOf(storage)));
            words = _builder.Binary(IrOpcode.Add, IrType.I32, words, _builder.I32(sizeof(long) - 1));
            words = _builder.Binary(IrOpcode.ShiftRightUnsigned, IrType.I32, words, _builder.I32(3));
            FillElements(array, ValType.I64, _builder.I64(0), _builder.I32(0), words, hasBarrier: false, RegionOf(storage, isElement: true));
        }
        else
        {
            FillElements(array, storage, value, _builder.I32(0), length, hasBarrier: false);
        }
    }

    private void SpendOnElements(Value count, int shift)
    {
        if (_target.Fuel)
        {
            SpendOnSize(_builder.Binary(IrOpcode.ShiftLeft, IrType.I64, ExtendUnsigned(count), _builder.I64(shift)), _target.FuelTable.BytesPerUnit);
        }
    }

    // A loop that stores a value to elements from one index to another, which have been checked. It has no safepoint.
    private void FillElements(Value array, ValType storage, Value value, Value start, Value end, bool hasBarrier, AliasRegion? region = null)
    {
        var header = _function.AddBlock(IrBlockFlags.LoopHeader);
        var body = _function.AddBlock();
        var exit = _function.AddBlock();
        var index = _function.AddBlockParameter(header, IrType.I32);
        var mark = _function.Instructions.Count;
        Terminate(IrOpcode.Jump, _function.AddEdge(_builder.Block, header, [start]));
        _builder.Block = header;
        var isDone = _builder.Compare(IntegerCondition.GreaterEqualUnsigned, index, end);
        Terminate(IrOpcode.BranchIf, isDone, _function.AddEdge(header, exit, []), _function.AddEdge(header, body, []));
        _builder.Block = body;
        var element = ElementOffset(array, storage, index);
        StoreStorage(storage, value, element, ObjectLayout.Elements, mayFault: false, isElement: true, region);
        if (hasBarrier)
        {
            WriteBarrier(value, element, ObjectLayout.Elements);
        }

        var next = _builder.Binary(IrOpcode.Add, IrType.I32, index, _builder.I32(1));
        _builder.Emit(IrOpcode.Jump, IrType.None, _function.AddEdge(body, header, [next]));
        _builder.Values.TruncateToInstruction(mark);
        StartBlock(exit);
    }

    // ---- Arrays

    private Value ArrayLength(Value array)
    {
        if (!_target.CatchesFaults)
        {
            RequireNotNull(array);
        }

        return _builder.Emit(
            IrOpcode.Load, IrType.I32, HeapBase(), array, -1, ObjectLayout.Length, MemoryAccess.Create(2, mayFault: _target.CatchesFaults).Bits, AliasRegion.HeapHeader);
    }

    private Value ElementOffset(Value array, ValType storage, Value index) => _builder.Emit(
        IrOpcode.ElementOffset, IrType.I32, array, index, -1, 0, MemoryAccess.Create(2, scaleLog2: Math.Min(ObjectLayout.ShiftOf(storage), 3)).Bits, AliasRegion.HeapLayout);

    // The offset of an element whose index has been checked, and what is left of the element's offset for a constant index.
    private Value Element(Value array, ValType storage, Value index, out int offset)
    {
        if (_builder.IsConstant(index, out var known) && known < ObjectLayout.NullZone / 16)
        {
            offset = ObjectLayout.Elements + ((int)known << ObjectLayout.ShiftOf(storage));
            return array;
        }

        offset = ObjectLayout.Elements;
        if (storage.IsVector)
        {
            // Processors scale by 8 at the most.
            index = _builder.Binary(IrOpcode.ShiftLeft, IrType.I32, index, _builder.I32(1));
        }

        return ElementOffset(array, storage, index);
    }

    private void ArrayGet(int typeIndex, bool signed)
    {
        var storage = ElementOf(typeIndex).Storage;
        var index = Pop();
        var array = Pop();
        TrapIf(_builder.Compare(IntegerCondition.GreaterEqualUnsigned, index, ArrayLength(array)), TrapCode.ArrayOutOfBounds);
        var element = Element(array, storage, index, out var offset);
        Push(LoadStorage(storage, signed, element, offset, mayFault: false, isElement: true));
    }

    private void ArraySet(int typeIndex)
    {
        var storage = ElementOf(typeIndex).Storage;
        var value = Pop();
        var index = Pop();
        var array = Pop();
        TrapIf(_builder.Compare(IntegerCondition.GreaterEqualUnsigned, index, ArrayLength(array)), TrapCode.ArrayOutOfBounds);
        if (_function.TypeOf(value) == IrType.Ref)
        {
            value = HandleOfFunction(value);
        }

        var element = Element(array, storage, index, out var offset);
        StoreStorage(storage, value, element, offset, mayFault: false, isElement: true);
        WriteBarrier(value, element, offset);
    }

    // Traps unless index + count <= length as integers.
    private void CheckElements(Value index, Value count, Value array)
    {
        var end = _builder.Binary(IrOpcode.Add, IrType.I64, ExtendUnsigned(index), ExtendUnsigned(count));
        TrapIf(_builder.Compare(IntegerCondition.GreaterUnsigned, end, ExtendUnsigned(ArrayLength(array))), TrapCode.ArrayOutOfBounds);
    }

    private void ArrayFill(int typeIndex)
    {
        var storage = ElementOf(typeIndex).Storage;
        var count = Pop();
        var value = Pop();
        var start = Pop();
        var array = Pop();
        CheckElements(start, count, array);
        SpendOnElements(count, ObjectLayout.ShiftOf(storage));
        if (_function.TypeOf(value) == IrType.Ref)
        {
            value = HandleOfFunction(value);
        }

        FillElements(array, storage, value, start, _builder.Binary(IrOpcode.Add, IrType.I32, start, count), hasBarrier: true);
    }

    private void ArrayCopy(int typeIndex)
    {
        var storage = ElementOf(typeIndex).Storage;
        var count = Pop();
        var sourceIndex = Pop();
        var source = Pop();
        var destinationIndex = Pop();
        var destination = Pop();
        CheckElements(destinationIndex, count, destination);
        CheckElements(sourceIndex, count, source);
        SpendOnElements(count, ObjectLayout.ShiftOf(storage));
        if (storage.IsReference && !IsFunction(storage))
        {
            CallBuiltin(BuiltinId.ArrayCopyReferences, destination, destinationIndex, source, sourceIndex, count);
            return;
        }

        // Addresses do not outlive the call, which is no safepoint.
        var bytes = _builder.Binary(IrOpcode.ShiftLeft, IrType.I64, ExtendUnsigned(count), _builder.I64(ObjectLayout.ShiftOf(storage)));
        var to = AddressOfElement(destination, storage, destinationIndex);
        CallBuiltin(BuiltinId.MemoryCopyBytes, to, AddressOfElement(source, storage, sourceIndex), bytes);
    }

    private Value AddressOfElement(Value array, ValType storage, Value index)
    {
        var element = Element(array, storage, index, out var offset);
        if (_function.TypeOf(element) == IrType.Managed)
        {
            element = ElementOffset(element, storage, _builder.I32(0));
        }

        return _builder.Address(_builder.Binary(IrOpcode.Add, IrType.I64, HeapBase(), ExtendUnsigned(element)), offset);
    }

    private void ArrayNewSegment(BuiltinId builtin, int typeIndex, int segment)
    {
        var count = Pop();
        var offset = Pop();
        SpendOnElements(count, ObjectLayout.ShiftOf(ElementOf(typeIndex).Storage));
        Push(CallBuiltin(builtin, TypeIdOf(typeIndex), _builder.I32(segment), offset, count));
    }

    private void ArrayInitSegment(BuiltinId builtin, int typeIndex, int segment)
    {
        var count = Pop();
        var offset = Pop();
        var index = Pop();
        var array = Pop();
        RequireNotNull(array);
        SpendOnElements(count, ObjectLayout.ShiftOf(ElementOf(typeIndex).Storage));
        CallBuiltin(builtin, array, index, _builder.I32(segment), offset, count);
    }
}
