// Tests and casts of references. What a reference is follows from its low bits (null, i31, handle, object) and, for an object, from the type id in its header. A test of a final type is
// one comparison of ids; of another type one more load, from the display of the object's type (Cohen's method), for types deeper than the display a question to the runtime.
//
// A test is emitted as branches to two blocks, so that a branch on a cast needs no value in between.
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

/// <content>Casts.</content>
internal sealed partial class FunctionTranslator
{
    // Blocks that the test in progress leads to.
    private Block _passes;
    private Block _fails;

    private void DecodeCast(Opcode opcode, ref WasmReader reader)
    {
        switch (opcode)
        {
            case Opcode.RefTest or Opcode.RefTestNull:
                RefTest(reader.ReadHeapType(), opcode == Opcode.RefTestNull);
                break;
            case Opcode.RefCast or Opcode.RefCastNull:
                RefCast(reader.ReadHeapType(), opcode == Opcode.RefCastNull);
                break;
            case Opcode.BrOnCast or Opcode.BrOnCastFail:
                var flags = reader.ReadByte();
                var depth = (int)reader.ReadVarU32();
                reader.ReadHeapType();
                BranchOnCast(depth, reader.ReadHeapType(), (flags & 2) != 0, opcode == Opcode.BrOnCast);
                break;
            default:
                throw Unsupported(opcode);
        }
    }

    private void RefTest(HeapType target, bool allowsNull)
    {
        var mark = BeginTest();
        var join = _function.AddBlock();
        var result = _function.AddBlockParameter(join, IrType.I32);
        var yes = _builder.I32(1);
        var no = _builder.I32(0);
        Test(Pop(), target, allowsNull);
        EndTest(_passes, mark);
        Terminate(IrOpcode.Jump, _function.AddEdge(_builder.Block, join, [yes]));
        EndTest(_fails, mark);
        Terminate(IrOpcode.Jump, _function.AddEdge(_builder.Block, join, [no]));
        EndTest(join, mark);
        Push(result);
    }

    private void RefCast(HeapType target, bool allowsNull)
    {
        var mark = BeginTest();
        Test(_stack[_stack.Count - 1], target, allowsNull);
        var passes = _passes;
        EndTest(_fails, mark);
        Trap(TrapCode.CastFailure);
        EndTest(passes, mark);
    }

    private void BranchOnCast(int depth, HeapType target, bool allowsNull, bool branchIfPassed)
    {
        var mark = BeginTest();
        Test(_stack[_stack.Count - 1], target, allowsNull);
        var stays = branchIfPassed ? _fails : _passes;
        EndTest(branchIfPassed ? _passes : _fails, mark);
        Branch(depth);
        EndTest(stays, mark);
    }

    private int BeginTest()
    {
        _passes = _function.AddBlock();
        _fails = _function.AddBlock();
        return _function.Instructions.Count;
    }

    // Continues in a block that more than one way may lead to: what was learnt on them is forgotten.
    private void EndTest(Block block, int mark)
    {
        _builder.Values.TruncateToInstruction(mark);
        StartBlock(block);
    }

    // Ends the current block: goes to the block of those that pass, or of those that fail.
    private void Test(Value reference, HeapType target, bool allowsNull)
    {
        var isFunction = !ValueTypes.IsManaged(_module, target);
        if (IsBottom(target))
        {
            Split(_builder.IsZero(reference), allowsNull ? _passes : _fails, _fails);
            return;
        }

        if (IsTop(target))
        {
            Split(_builder.IsZero(reference), allowsNull ? _passes : _fails, _passes);
            return;
        }

        SplitAndGoOn(_builder.IsZero(reference), allowsNull ? _passes : _fails);
        if (isFunction)
        {
            TestType(_builder.LoadReadOnly(reference, FunctionReferenceRecord.TypeId, IrType.I32, 2), target.TypeIndex);
            return;
        }

        var bits = BitsOf(reference);
        if (target == HeapType.I31)
        {
            Split(_builder.Binary(IrOpcode.And, IrType.I32, bits, _builder.I32(ObjectLayout.SmallIntegerBit)), _passes, _fails);
            return;
        }

        var tag = _builder.Binary(IrOpcode.And, IrType.I32, bits, _builder.I32(ObjectLayout.TagMask));
        if (target == HeapType.Eq)
        {
            Split(_builder.Compare(IntegerCondition.Equal, tag, _builder.I32(ObjectLayout.HandleTag)), _fails, _passes);
            return;
        }

        SplitAndGoOn(tag, _fails);
        var actual = _builder.Emit(
            IrOpcode.Load, IrType.I32, HeapBase(), reference, -1, ObjectLayout.TypeId, MemoryAccess.Create(2).Bits, AliasRegion.HeapHeader);
        if (target.IsConcrete)
        {
            TestType(actual, target.TypeIndex);
            return;
        }

        var kind = _builder.LoadReadOnly(Descriptor(actual), ObjectLayout.DescriptorKind, IrType.I32, 2);
        var expected = target == HeapType.Struct ? CompositeKind.Struct : CompositeKind.Array;
        Split(_builder.Compare(IntegerCondition.Equal, kind, _builder.I32((int)expected)), _passes, _fails);
    }

    // The address of a type's descriptor, from its id: the shift wraps within the area that all descriptors have.
    private Value Descriptor(Value typeId)
    {
        var offset = _builder.Binary(IrOpcode.ShiftLeft, IrType.I32, typeId, _builder.I32(ObjectLayout.DescriptorShift));
        var area = _builder.LoadReadOnly(_builder.VmContext(), VmContextHeader.TypeDescriptors, IrType.I64, 3);
        return _builder.Binary(IrOpcode.Add, IrType.I64, area, ExtendUnsigned(offset));
    }

    private void TestType(Value actual, int typeIndex)
    {
        var expected = TypeIdOf(typeIndex);
        var isSame = _builder.Compare(IntegerCondition.Equal, actual, expected);
        if (_module.TypeArray[typeIndex].IsFinal)
        {
            Split(isSame, _passes, _fails);
            return;
        }

        SplitAndGoOn(isSame, _passes);
        var depth = DepthOf(typeIndex);
        if (depth >= ObjectLayout.DisplayLength || _module.TypeArray[typeIndex].Composite.Kind == CompositeKind.Function)
        {
            Split(CallBuiltin(BuiltinId.IsSubtype, actual, expected), _passes, _fails);
            return;
        }

        var above = _builder.LoadReadOnly(Descriptor(actual), ObjectLayout.DescriptorDisplay + (sizeof(int) * depth), IrType.I32, 2);
        Split(_builder.Compare(IntegerCondition.Equal, above, expected), _passes, _fails);
    }

    private int DepthOf(int typeIndex)
    {
        var depth = 0;
        for (var type = typeIndex; _module.TypeArray[type].HasSupertype; type = _module.TypeArray[type].Supertype)
        {
            depth++;
        }

        return depth;
    }

    private void Split(Value condition, Block ifSo, Block ifNot)
    {
        var block = _builder.Block;
        condition = _builder.Condition(condition, out var inverted);
        if (inverted)
        {
            (ifSo, ifNot) = (ifNot, ifSo);
        }

        var taken = _function.AddEdge(block, ifSo, []);
        Terminate(IrOpcode.BranchIf, condition, taken, _function.AddEdge(block, ifNot, []));
    }

    private void SplitAndGoOn(Value condition, Block ifSo)
    {
        var next = _function.AddBlock();
        Split(condition, ifSo, next);
        StartBlock(next);
    }

    private static bool IsTop(HeapType type) => type == HeapType.Any || type == HeapType.Extern || type == HeapType.Func || type == HeapType.Exn;

    private static bool IsBottom(HeapType type) => type == HeapType.None || type == HeapType.NoExtern || type == HeapType.NoFunc || type == HeapType.NoExn;
}
