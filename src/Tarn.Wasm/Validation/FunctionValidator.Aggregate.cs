// Structs, arrays, i31, casts: the instructions of prefix 0xFB.
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Validation;

internal sealed unsafe partial class FunctionValidator
{
    private void Aggregate(ref WasmReader reader, Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.StructNew or Opcode.StructNewDefault or Opcode.StructGet or Opcode.StructGetS or Opcode.StructGetU or Opcode.StructSet:
                Struct(ref reader, opcode);
                break;
            case Opcode.ArrayLen:
                Pop(ValType.ArrayRef.Bits);
                Push(I32);
                break;
            case >= Opcode.ArrayNew and <= Opcode.ArrayInitElem:
                ArrayOperation(ref reader, opcode);
                break;
            case Opcode.RefTest or Opcode.RefTestNull or Opcode.RefCast or Opcode.RefCastNull:
                {
                    HeapType heap = ReadHeapType(ref reader);
                    Pop(TopOf(heap));
                    if (opcode is Opcode.RefTest or Opcode.RefTestNull)
                        Push(I32);
                    else
                        Push(ValType.Reference(heap, nullable: opcode == Opcode.RefCastNull).Bits);
                    break;
                }

            case Opcode.BrOnCast or Opcode.BrOnCastFail:
                CastBranch(ref reader, opcode);
                break;
            case Opcode.AnyConvertExtern:
                Push(ValType.Reference(HeapType.Any, nullable: (Pop(ValType.ExternRef.Bits) & ValType.NullableBit) != 0).Bits);
                break;
            case Opcode.ExternConvertAny:
                Push(ValType.Reference(HeapType.Extern, nullable: (Pop(ValType.AnyRef.Bits) & ValType.NullableBit) != 0).Bits);
                break;
            case Opcode.RefI31:
                Pop(I32);
                Push(ValType.Reference(HeapType.I31, nullable: false).Bits);
                break;
            case Opcode.I31GetS or Opcode.I31GetU:
                Pop(ValType.I31Ref.Bits);
                Push(I32);
                break;
            default:
                throw new NotSupportedException($"The opcode table knows {Opcodes.Name(opcode)}, the validator does not.");
        }
    }

    private int TopOf(HeapType heap) => ValType.Reference(Subtyping.Top(heap, _context.Registry, _context.CanonicalIds), nullable: true).Bits;

    private static int NonNullTo(int typeIndex) => ValType.Reference(HeapType.Index(typeIndex), nullable: false).Bits;

    private void Struct(ref WasmReader reader, Opcode opcode)
    {
        int index = reader.ReadIndex();
        RequireKind(index, CompositeKind.Struct);
        ReadOnlySpan<FieldType> fields = ((StructType)_module.TypeArray[index].Composite).Fields;
        if (opcode == Opcode.StructNew)
        {
            for (int i = fields.Length - 1; i >= 0; i--)
                Pop(fields[i].Storage.Unpacked.Bits);
            Push(NonNullTo(index));
            return;
        }

        if (opcode == Opcode.StructNewDefault)
        {
            foreach (FieldType each in fields)
                RequireDefault(each.Storage);
            Push(NonNullTo(index));
            return;
        }

        int fieldIndex = reader.ReadIndex();
        if (fieldIndex >= fields.Length)
            Fail($"unknown field {fieldIndex}: the struct has {fields.Length}");
        FieldType field = fields[fieldIndex];
        if (opcode == Opcode.StructSet)
        {
            if (!field.IsMutable)
                Fail($"immutable field {fieldIndex} cannot be assigned (field is immutable)");
            Pop(field.Storage.Unpacked.Bits);
            Pop(NullableTo(index));
            return;
        }

        RequirePacking(field.Storage, opcode == Opcode.StructGet);
        Pop(NullableTo(index));
        Push(field.Storage.Unpacked.Bits);
    }

    private void ArrayOperation(ref WasmReader reader, Opcode opcode)
    {
        int index = reader.ReadIndex();
        RequireKind(index, CompositeKind.Array);
        FieldType element = ((ArrayType)_module.TypeArray[index].Composite).Element;
        int value = element.Storage.Unpacked.Bits;
        switch (opcode)
        {
            case Opcode.ArrayNew:
                Pop(I32);
                Pop(value);
                break;
            case Opcode.ArrayNewDefault:
                RequireDefault(element.Storage);
                Pop(I32);
                break;
            case Opcode.ArrayNewFixed:
                int count = reader.ReadIndex();
                if (count > ImplementationLimits.ArrayNewFixedOperands)
                    Fail($"too many operands of array.new_fixed: {count}; the implementation limit is {ImplementationLimits.ArrayNewFixedOperands}");
                for (int i = 0; i < count; i++)
                    Pop(value);
                break;
            case Opcode.ArrayNewData:
                Data(reader.ReadIndex());
                RequireNumeric(element.Storage);
                Pop(I32);
                Pop(I32);
                break;
            case Opcode.ArrayNewElem:
                RequireElement(Element(reader.ReadIndex()), element.Storage);
                Pop(I32);
                Pop(I32);
                break;
            case Opcode.ArrayGet or Opcode.ArrayGetS or Opcode.ArrayGetU:
                RequirePacking(element.Storage, opcode == Opcode.ArrayGet);
                Pop(I32);
                Pop(NullableTo(index));
                Push(value);
                return;
            default:
                ArrayWrite(ref reader, opcode, index, element);
                return;
        }

        Push(NonNullTo(index));
    }

    private void ArrayWrite(ref WasmReader reader, Opcode opcode, int index, FieldType element)
    {
        if (!element.IsMutable)
            Fail("immutable array cannot be assigned (array is immutable)");
        int value = element.Storage.Unpacked.Bits;
        switch (opcode)
        {
            case Opcode.ArraySet:
                PopThree(NullableTo(index), I32, value);
                return;
            case Opcode.ArrayFill:
                Pop(I32);
                PopThree(NullableTo(index), I32, value);
                return;
            case Opcode.ArrayCopy:
                int source = reader.ReadIndex();
                RequireKind(source, CompositeKind.Array);
                ValType from = ((ArrayType)_module.TypeArray[source].Composite).Element.Storage;
                if (!_context.IsSubtype(from.Bits, element.Storage.Bits))
                    Fail($"array types do not match: elements of type {from} do not fit into {element.Storage}");
                Pop(I32);
                Pop(I32);
                Pop(NullableTo(source));
                break;
            case Opcode.ArrayInitData:
                Data(reader.ReadIndex());
                RequireNumeric(element.Storage);
                Pop(I32);
                Pop(I32);
                break;
            case Opcode.ArrayInitElem:
                RequireElement(Element(reader.ReadIndex()), element.Storage);
                Pop(I32);
                Pop(I32);
                break;
        }

        Pop(I32);
        Pop(NullableTo(index));
    }

    private void RequireDefault(ValType storage)
    {
        if (!storage.IsDefaultable)
            Fail($"type mismatch: {storage} has no default value (field type is not defaultable)");
    }

    private void RequireNumeric(ValType storage)
    {
        if (storage.IsReference)
            Fail($"array type is not numeric or vector: its elements are of type {storage}");
    }

    private void RequirePacking(ValType storage, bool plain)
    {
        if (storage.IsPacked == plain)
            Fail(plain ? $"type mismatch: a field of packed type {storage} is read with sign: use _s or _u (field is packed)" : $"type mismatch: {storage} is not packed: use the plain instruction (field is unpacked)");
    }

    private void CastBranch(ref WasmReader reader, Opcode opcode)
    {
        byte flags = reader.ReadByte();
        if (flags > 3)
            Malformed($"malformed br_on_cast flags 0x{flags:x2}");
        Frame* frame = Label(reader.ReadVarU32());
        ValType source = ValType.Reference(ReadHeapType(ref reader), nullable: (flags & 1) != 0);
        ValType target = ValType.Reference(ReadHeapType(ref reader), nullable: (flags & 2) != 0);
        if (!_context.IsSubtype(target.Bits, source.Bits))
            Fail($"type mismatch: the cast's target {target} is not a subtype of its source {source}");

        // What is left of the source type once the cast has failed: a target with null takes the null away.
        ValType difference = target.IsNullable ? source.WithNullability(false) : source;
        ValType taken = opcode == Opcode.BrOnCast ? target : difference;
        ValType fallen = opcode == Opcode.BrOnCast ? difference : target;
        int* types = LabelTypes(frame, out int count);
        if (count == 0 || !_context.IsSubtype(taken.Bits, types[count - 1]))
            Fail($"type mismatch: the branch carries {taken} last, but its label takes [{TypesText(types, count)}]");
        Pop(source.Bits);
        PopAll(types, count - 1);
        PushAll(types, count - 1);
        Push(fallen.Bits);
    }
}
