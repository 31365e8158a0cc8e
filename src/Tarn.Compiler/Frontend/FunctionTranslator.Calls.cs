// Calls. A call through a table checks in order: the index, that the element is not null, and that the function has the expected type; what the
// table's type already promises is not checked. A function reference is the address of a record that holds code, VM context and type id (docs/abi.md).
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Wasm;

namespace Tarn.Compiler.Frontend;

/// <content>Calls.</content>
internal sealed partial class FunctionTranslator
{
    private void Call(int function, bool tail)
    {
        var typeIndex = _module.FunctionArray[function];
        if (function < _module.ImportedFunctionCount)
        {
            // The record lies in the VM context; its address needs no load and is not null.
            var record = _builder.Address(_builder.VmContext(), _layout.FunctionReference(function));
            EmitCall(tail ? IrOpcode.TailCallReference : IrOpcode.CallReference, record, typeIndex);
        }
        else
        {
            EmitCall(tail ? IrOpcode.TailCall : IrOpcode.Call, function, typeIndex);
        }
    }

    private void CallReference(int typeIndex, bool tail)
    {
        var reference = Pop();
        TrapIf(_builder.IsZero(reference), TrapCode.NullReference);
        EmitCall(tail ? IrOpcode.TailCallReference : IrOpcode.CallReference, reference, typeIndex);
    }

    private void CallIndirect(int typeIndex, int table, bool tail)
    {
        var reference = LoadElement(table, Pop(), TrapCode.UndefinedElement);
        var element = _module.TableArray[table].Element;
        if (element.IsNullable)
        {
            TrapIf(_builder.IsZero(reference), TrapCode.IndirectCallToNull);
        }

        if (!IsSubtype(element, typeIndex))
        {
            CheckFunctionType(reference, typeIndex);
        }

        EmitCall(tail ? IrOpcode.TailCallReference : IrOpcode.CallReference, reference, typeIndex);
    }

    private void CheckFunctionType(Value reference, int typeIndex)
    {
        var actual = _builder.LoadReadOnly(reference, FunctionReferenceRecord.TypeId, IrType.I32, 2);
        var expected = _builder.Numbered(IrOpcode.TypeId, IrType.I32, typeIndex);
        var equal = _builder.Compare(IntegerCondition.Equal, actual, expected);
        if (_module.TypeArray[typeIndex].IsFinal)
        {
            TrapIf(_builder.IsZero(equal), TrapCode.BadSignature);
            return;
        }

        // A subtype will do. Equality is the usual case; the rest is left to the runtime.
        var ask = _function.AddBlock(IrBlockFlags.Cold);
        var join = _function.AddBlock();
        Terminate(
            IrOpcode.BranchIf, equal, _function.AddEdge(_builder.Block, join, []), _function.AddEdge(_builder.Block, ask, []));
        var mark = _function.Instructions.Count;
        StartBlock(ask);
        var isSubtype = CallBuiltin(BuiltinId.IsSubtype, actual, expected);
        TrapIf(_builder.IsZero(isSubtype), TrapCode.BadSignature);
        Terminate(IrOpcode.Jump, _function.AddEdge(ask, join, []));
        _builder.Values.TruncateToInstruction(mark);
        StartBlock(join);
    }

    // Whether every function in a table of this element type has the expected type or a subtype of it.
    private bool IsSubtype(ValType element, int typeIndex)
    {
        if (!element.IsConcrete)
        {
            return false;
        }

        var ids = _module.CanonicalIds;
        return ids.Length > typeIndex && _module.Registry is not null
            && _module.Registry.IsSubtype(ids[element.Heap.TypeIndex], ids[typeIndex]);
    }

    private void EmitCall(IrOpcode opcode, int target, int typeIndex)
    {
        var type = (CoreFunctionType)_module.TypeArray[typeIndex].Composite;
        _budget.Charge((long)ComplexityLimits.PassedValue * (type.ParameterCount + type.ResultCount), "many arguments and results of calls");
        var signature = SignatureOf(typeIndex);
        var count = _function.Signatures[signature].ParameterCount;
        SpendOnValues(type.ParameterCount + type.ResultCount);
        var start = _function.Pool.AddRange(_stack.Span[(_stack.Count - count)..]);
        _stack.Truncate(_stack.Count - count);
        if (IrOpcodeInfo.IsTerminator(opcode))
        {
            Terminate(opcode, target, start, count, signature);
            return;
        }

        var call = _builder.Emit(opcode, IrType.None, target, start, count, signature);
        for (var i = 0; i < _function.Signatures[signature].ResultCount; i++)
        {
            Push(Result(call, i, _function.ResultsOf(signature)[i]));
        }

        EndCall();
    }

    private Value FunctionReference(int function)
    {
        var offset = _layout.FunctionReference(function);
        if (offset < 0)
        {
            return CallBuiltin(BuiltinId.FunctionReference, _builder.I32(function));
        }

        return _builder.Unary(IrOpcode.Bitcast, IrType.Ref, _builder.Address(_builder.VmContext(), offset));
    }
}
