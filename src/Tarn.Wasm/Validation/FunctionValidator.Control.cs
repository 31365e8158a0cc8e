// Blocks, branches, calls and exceptions. The memory rules are those of FunctionValidator.cs.
using System.Runtime.CompilerServices;
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Validation;

internal sealed unsafe partial class FunctionValidator
{
    // The frame's operands start at the current height.
    private void EnterFrame(byte opcode, int blockType, int result)
    {
        if (_depth == _frameArray.Length)
        {
            if (_depth > ImplementationLimits.BlockNesting)
                TooDeep();
            GrowFrames();
        }

        Frame* frame = &_frames[_depth++];
        frame->BlockType = blockType;
        frame->Result = result;
        frame->Height = (int)((ulong)((byte*)_sp - (byte*)_stack) / sizeof(int));
        frame->InitializedCount = _initializedCount;
        frame->Opcode = opcode;
        frame->IsUnreachable = false;
        _bottom = _sp;
    }

    // Apart, so that what builds the message is not inlined into the hot loop with its caller.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TooDeep() => Fail($"blocks nested too deeply: the implementation limit is {ImplementationLimits.BlockNesting}");

    private int* Parameters(Frame* frame, out int count)
    {
        count = 0;
        if (frame->BlockType < 0)
            return null;
        SignatureShape* shape = &_shapes[frame->BlockType];
        count = shape->ParameterCount;
        return _signatureTypes + shape->ParameterStart;
    }

    private int* Results(Frame* frame, out int count)
    {
        if (frame->BlockType >= 0)
        {
            SignatureShape* shape = &_shapes[frame->BlockType];
            count = shape->ResultCount;
            return _signatureTypes + shape->ResultStart;
        }

        count = frame->BlockType == SingleResult ? 1 : 0;
        return &frame->Result;
    }

    // What a branch to the frame carries: a loop's parameters, any other block's results.
    private int* LabelTypes(Frame* frame, out int count) => frame->Opcode == (byte)Opcode.Loop ? Parameters(frame, out count) : Results(frame, out count);

    private Frame* Label(uint label)
    {
        if (label >= (uint)_depth)
            Fail($"unknown label {label}: {_depth} are open");
        return &_frames[_depth - 1 - (int)label];
    }

    // Ends the innermost frame: its results must be all there is above its height.
    private void LeaveFrame()
    {
        Frame* frame = &_frames[_depth - 1];
        int* results = Results(frame, out int count);
        PopBlockResults(results, count);
        if (frame->Opcode == (byte)Opcode.If)
        {
            // Without else, the parameters pass through.
            int* parameters = Parameters(frame, out int parameterCount);
            bool matches = parameterCount == count;
            for (int i = 0; matches && i < count; i++)
                matches = _context.IsSubtype(parameters[i], results[i]);
            if (!matches)
                Fail($"type mismatch: if without else has type [{TypesText(parameters, parameterCount)}] -> [{TypesText(results, count)}], but its parameters must match its results");
        }

        ForgetInitialized(frame->InitializedCount);
        if (--_depth == 0)
            return;
        _bottom = _stack + frame[-1].Height;
        PushAll(results, count);
    }

    private string Ending => _depth > 1 ? "block" : _functionIndex < 0 ? "constant expression" : "function";

    private void PopBlockResults(int* results, int count)
    {
        PopAll(results, count, _frames[_depth - 1].Opcode is (byte)Opcode.Try or (byte)Opcode.Catch or (byte)Opcode.CatchAll ? "instruction" : Ending);
        if (_sp != _bottom)
            Fail($"type mismatch: {Ending} requires [] but stack has [{StackText((int)(_sp - _bottom))}] beyond its results");
    }

    // Locals that were assigned since a frame began are uninitialised again after it.
    private void ForgetInitialized(int count)
    {
        while (_initializedCount > count)
            _locals[_initialized[--_initializedCount]] |= Uninitialized;
    }

    private void Initialize(int local)
    {
        if (_locals[local] >= 0)
            return;
        _locals[local] &= ~Uninitialized;
        if (_initializedCount == _initialized.Length)
            Array.Resize(ref _initialized, _initialized.Length * 2);
        _initialized[_initializedCount++] = local;
    }

    private void EnterBlock(ref WasmReader reader, Opcode opcode)
    {
        int at = reader.Position;
        BlockType type = reader.ReadBlockType();
        if (type.IsEmpty)
        {
            Condition(opcode);
            Catches(ref reader, opcode);
            EnterFrame((byte)opcode, EmptyBlock, 0);
            return;
        }

        if (!type.HasTypeIndex)
        {
            CheckType(type.Result, at);
            Condition(opcode);
            Catches(ref reader, opcode);
            EnterFrame((byte)opcode, SingleResult, type.Result.Bits);
            return;
        }

        SignatureShape* shape = FunctionShape(type.TypeIndex);
        if ((_features & WasmFeatures.MultiValue) == 0)
            Malformed("malformed block type: a type index needs the feature MultiValue, which is off");
        Condition(opcode);
        int* parameters = _signatureTypes + shape->ParameterStart;
        PopAll(parameters, shape->ParameterCount);
        Catches(ref reader, opcode);
        EnterFrame((byte)opcode, type.TypeIndex, 0);
        PushAll(parameters, shape->ParameterCount);
    }

    private void Condition(Opcode opcode)
    {
        if (opcode == Opcode.If)
            Pop(I32);
    }

    // Clauses of try_table branch to labels around it, so they are checked before its own frame exists.
    private void Catches(ref WasmReader reader, Opcode opcode)
    {
        if (opcode is not (Opcode.TryTable or Opcode.Try))
            return;
        _facts |= ModuleFacts.UsesExceptions;
        if (opcode == Opcode.Try)
            return;
        for (int count = reader.ReadCount(int.MaxValue, "catch clauses", 2); count > 0; count--)
        {
            byte kind = reader.ReadByte();
            if (kind > 3)
                Malformed($"malformed catch clause 0x{kind:x2}");
            int* carried = null;
            int carriedCount = 0;
            if (kind < 2)
            {
                SignatureShape* tag = TagShape(reader.ReadIndex());
                carried = _signatureTypes + tag->ParameterStart;
                carriedCount = tag->ParameterCount;
            }

            bool withReference = (kind & 1) != 0;
            int* label = LabelTypes(Label(reader.ReadVarU32()), out int labelCount);
            bool matches = labelCount == carriedCount + (withReference ? 1 : 0) && (!withReference || _context.IsSubtype(s_exnRef, label[labelCount - 1]));
            for (int i = 0; matches && i < carriedCount; i++)
                matches = _context.IsSubtype(carried[i], label[i]);
            if (!matches)
            {
                Fail($"type mismatch: the catch clause carries [{TypesText(carried, carriedCount)}{(withReference ? carriedCount > 0 ? " (ref exn)" : "(ref exn)" : "")}], "
                    + $"but its label takes [{TypesText(label, labelCount)}]");
            }
        }
    }

    private void Else()
    {
        Frame* frame = &_frames[_depth - 1];
        if (frame->Opcode != (byte)Opcode.If)
            Malformed("unexpected else: the innermost block is not an if, or has had its else");
        int* results = Results(frame, out int count);
        PopBlockResults(results, count);
        ForgetInitialized(frame->InitializedCount);
        frame->Opcode = (byte)Opcode.Else;
        frame->IsUnreachable = false;
        int* parameters = Parameters(frame, out int parameterCount);
        PushAll(parameters, parameterCount);
    }

    // A part of a legacy try, for a tag or for all, begins like the else of an if.
    private void Catch(SignatureShape* tag, Opcode opcode)
    {
        Frame* frame = &_frames[_depth - 1];
        if (frame->Opcode is not ((byte)Opcode.Try or (byte)Opcode.Catch))
            Malformed($"unexpected {Opcodes.Name(opcode)}: the innermost block is not a try, or has had its catch_all");
        int* results = Results(frame, out int count);
        PopBlockResults(results, count);
        ForgetInitialized(frame->InitializedCount);
        frame->Opcode = (byte)opcode;
        frame->IsUnreachable = false;
        if (tag != null)
            PushAll(_signatureTypes + tag->ParameterStart, tag->ParameterCount);
    }

    // Ends a try; the label is counted from outside of it.
    private void Delegate(uint label)
    {
        Frame* frame = &_frames[_depth - 1];
        if (frame->Opcode != (byte)Opcode.Try)
            Malformed("unexpected delegate: the innermost block is not a try, or has had a catch");
        if (label >= (uint)_depth - 1)
            Fail($"unknown label {label}: {_depth - 1} are open");
        LeaveFrame();
    }

    private void Branch(uint label)
    {
        int* types = LabelTypes(Label(label), out int count);
        PopAll(types, count);
        SetUnreachable();
    }

    private void BranchIf(uint label)
    {
        Pop(I32);
        PassThrough(Label(label));
    }

    // Pops what a label takes and pushes it again: from here on, the values have the label's types.
    private void PassThrough(Frame* frame)
    {
        int* types = LabelTypes(frame, out int count);
        PopAll(types, count);
        PushAll(types, count);
    }

    private void BranchTable(ref WasmReader reader)
    {
        int count = reader.ReadCount(ImplementationLimits.BranchTableLabels, "labels of br_table");
        int labelsAt = reader.Position;
        Pop(I32);

        // The default comes last but fixes how many values all labels take.
        for (int i = 0; i < count; i++)
            reader.ReadVarU32();
        Frame* frame = Label(reader.ReadVarU32());
        LabelTypes(frame, out int arity);
        CheckTop(frame);
        int end = reader.Position;
        reader.Seek(labelsAt);
        Frame* last = frame;
        for (int i = 0; i < count; i++)
        {
            frame = Label(reader.ReadVarU32());
            if (frame == last)
                continue;
            last = frame;
            int* types = LabelTypes(frame, out int labelCount);
            if (labelCount != arity)
                Fail($"type mismatch: labels of br_table differ in arity: {arity} values for the default, [{TypesText(types, labelCount)}] for another");
            if (arity > 0)
                CheckTop(frame);
        }

        reader.Seek(end);
        SetUnreachable();
    }

    // Whether the operands on top match a label, which leaves them as they are.
    private void CheckTop(Frame* frame)
    {
        int* before = _sp;
        int* types = LabelTypes(frame, out int count);
        PopAll(types, count);
        _sp = before;
    }

    private void Return()
    {
        int* types = Results(&_frames[0], out int count);
        PopAll(types, count);
        SetUnreachable();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ApplySignature(SignatureShape shape)
    {
        PopAll(_signatureTypes + shape.ParameterStart, shape.ParameterCount);
        PushAll(_signatureTypes + shape.ResultStart, shape.ResultCount);
    }

    private void TailCall(SignatureShape shape)
    {
        int* results = Results(&_frames[0], out int count);
        bool matches = shape.ResultCount == count;
        for (int i = 0; matches && i < count; i++)
            matches = _context.IsSubtype(_signatureTypes[shape.ResultStart + i], results[i]);
        if (!matches)
        {
            Fail($"type mismatch: the tail call returns [{TypesText(_signatureTypes + shape.ResultStart, shape.ResultCount)}], "
                + $"but the current function requires result type [{TypesText(results, count)}]");
        }

        PopAll(_signatureTypes + shape.ParameterStart, shape.ParameterCount);
        SetUnreachable();
    }

    private SignatureShape* FunctionOf(int function)
    {
        if (function >= _context.FunctionCount)
            Fail($"unknown function {function}: the module has {_context.FunctionCount}");
        return &_shapes[_context.FunctionTypes[function]];
    }

    private SignatureShape* FunctionShape(int typeIndex)
    {
        RequireKind(typeIndex, CompositeKind.Function);
        return &_shapes[typeIndex];
    }

    private SignatureShape* TagShape(int tag)
    {
        if (tag >= _module.TagArray.Length)
            Fail($"unknown tag {tag}: the module has {_module.TagArray.Length}");
        return &_shapes[_module.TagArray[tag].TypeIndex];
    }

    private void RequireKind(int typeIndex, CompositeKind kind)
    {
        if (typeIndex >= _context.TypeCount)
            Fail($"unknown type {typeIndex}: the module has {_context.TypeCount}");
        if (_shapes[typeIndex].Kind != kind)
            Fail($"type mismatch: type {typeIndex} is {_module.TypeArray[typeIndex].Composite}, but the instruction needs a {Name(kind)} type");
    }

    private static string Name(CompositeKind kind) => kind switch
    {
        CompositeKind.Function => "function",
        CompositeKind.Struct => "struct",
        _ => "array",
    };

    private SignatureShape* Indirect(ref WasmReader reader)
    {
        SignatureShape* shape = FunctionShape(reader.ReadIndex());
        ref readonly CoreTableType table = ref Table(reader.ReadIndex());
        if (!_context.IsSubtype(table.Element.Bits, ValType.FuncRef.Bits))
            Fail($"type mismatch: an indirect call needs a table of functions, but this one holds {table.Element}");
        Pop(table.Limits.AddressType.Bits);
        return shape;
    }

    private ref readonly CoreTableType Table(int index)
    {
        if (index >= _module.TableArray.Length)
            Fail($"unknown table {index}: the module has {_module.TableArray.Length}");
        return ref _module.TableArray[index];
    }
}
