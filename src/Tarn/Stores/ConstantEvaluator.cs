// Evaluates constant expressions at instantiation: globals' and tables' initial values, segment offsets, element items (core
// specification 3.0, "Constant expressions"). The module has been validated, so types fit and indices exist; what is left to
// the evaluator are values. The stack is a few slots on the thread's own stack: validation bounds neither depth nor length, so it
// grows on the heap beyond that.
using Tarn.Heaps;
using Tarn.Wasm.Binary;

namespace Tarn.Stores;

internal static unsafe class ConstantEvaluator
{
    private const int InlineStack = 16;

    /// <summary>Evaluates an expression that ends with <c>end</c>; the reader is left behind it.</summary>
    public static RawValue Evaluate(InstanceData instance, ref WasmReader reader)
    {
        RawValue* inline = stackalloc RawValue[InlineStack];
        Span<RawValue> stack = new(inline, InlineStack);
        int depth = 0;
        while (true)
        {
            if (depth + 1 >= stack.Length)
            {
                var larger = new RawValue[stack.Length * 2];
                stack.CopyTo(larger);
                stack = larger;
            }
            Opcode opcode = reader.ReadOpcode();
            switch (opcode)
            {
                case Opcode.End:
                    return stack[depth - 1];
                case Opcode.I32Const:
                    stack[depth++].Low = (uint)reader.ReadVarS32();
                    break;
                case Opcode.I64Const:
                    stack[depth++].Low = (ulong)reader.ReadVarS64();
                    break;
                case Opcode.F32Const:
                    stack[depth++].Low = reader.ReadF32Bits();
                    break;
                case Opcode.F64Const:
                    stack[depth++].Low = reader.ReadF64Bits();
                    break;
                case Opcode.V128Const:
                    reader.ReadV128(out stack[depth].Low, out stack[depth].High);
                    depth++;
                    break;
                case Opcode.RefNull:
                    _ = reader.ReadHeapType();
                    stack[depth++].Low = 0;
                    break;
                case Opcode.RefFunc:
                    stack[depth++].Low = (ulong)instance.FunctionRecord(reader.ReadIndex());
                    break;
                case Opcode.GlobalGet:
                    stack[depth++] = *instance.GlobalCell(reader.ReadIndex());
                    break;
                case Opcode.I32Add:
                    depth--;
                    stack[depth - 1].Low = (uint)(stack[depth - 1].Low + stack[depth].Low);
                    break;
                case Opcode.I32Sub:
                    depth--;
                    stack[depth - 1].Low = (uint)(stack[depth - 1].Low - stack[depth].Low);
                    break;
                case Opcode.I32Mul:
                    depth--;
                    stack[depth - 1].Low = (uint)(stack[depth - 1].Low * stack[depth].Low);
                    break;
                case Opcode.I64Add:
                    depth--;
                    stack[depth - 1].Low += stack[depth].Low;
                    break;
                case Opcode.I64Sub:
                    depth--;
                    stack[depth - 1].Low -= stack[depth].Low;
                    break;
                case Opcode.I64Mul:
                    depth--;
                    stack[depth - 1].Low *= stack[depth].Low;
                    break;
                case Opcode.RefI31:
                    stack[depth - 1].Low = (uint)(stack[depth - 1].Low << 1) | Compiler.Abi.ObjectLayout.SmallIntegerBit;
                    break;
                case Opcode.AnyConvertExtern or Opcode.ExternConvertAny:
                    break;
                case Opcode.StructNew or Opcode.StructNewDefault or Opcode.ArrayNew or Opcode.ArrayNewDefault or Opcode.ArrayNewFixed:
                    int used = Allocate(instance, opcode, ref reader, stack[..depth], out ulong made);
                    depth -= used;
                    stack[depth++] = new RawValue { Low = made };
                    break;
                default:
                    throw new InstantiationException($"The constant expression at byte 0x{reader.Position:x} uses {Opcodes.Name(opcode)}, which this version of Tarn cannot evaluate.");
            }
        }
    }

    // Objects are made without collecting: what is on the stack is found by no collector. Gives how many values were taken from the stack.
    private static int Allocate(InstanceData instance, Opcode opcode, ref WasmReader reader, ReadOnlySpan<RawValue> stack, out ulong made)
    {
        int index = reader.ReadIndex();
        WasmModule wasm = instance.Module.Wasm;
        uint typeId = (uint)wasm.CanonicalIds[index];
        ManagedHeap heap = instance.Store.RequireManagedHeap();
        switch (opcode)
        {
            case Opcode.StructNew:
                int fields = ((StructType)wasm.Types[index].Composite).Fields.Length;
                made = HeapOperations.NewStruct(heap, typeId, stack[^fields..]);
                return fields;
            case Opcode.StructNewDefault:
                made = HeapOperations.NewStruct(heap, typeId, []);
                return 0;
            case Opcode.ArrayNew:
                made = HeapOperations.NewArray(heap, typeId, (uint)stack[^1].Low, stack[^2]);
                return 2;
            case Opcode.ArrayNewDefault:
                made = HeapOperations.NewArray(heap, typeId, (uint)stack[^1].Low, default(RawValue));
                return 1;
            default:
                int count = reader.ReadIndex();
                made = HeapOperations.NewArray(heap, typeId, stack[^count..]);
                return count;
        }
    }
}
