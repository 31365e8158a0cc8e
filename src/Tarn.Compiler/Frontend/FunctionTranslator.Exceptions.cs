// Exceptions. While the body of a try_table is translated there is a scope, and every call that can throw ends its block with a branch: on to the next instruction, or to the landing
// of the innermost scope. The landing asks which clause has caught (the runtime has written its number to the VM context), takes the payload from there, and branches to the clause's
// label; a clause of a scope further out is left to that scope's landing. So each call adds two edges, however many clauses there are around it.
//
// A throw that is certain to be caught by a clause around it is a branch, and nothing is thrown. Two tags may be one only if both are imported.
//
// The old instructions come to the same: a try has a scope until its first catch, and its clauses have labels where their catches begin; a catch whose exception is thrown again by a
// rethrow keeps the exception's reference; delegate gives the body another scope.
using Tarn.Assembler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

/// <content>Exceptions.</content>
internal sealed partial class FunctionTranslator
{
    private struct TryScope
    {
        // Offset in the function's table.
        public int Table;

        // The scope around, or −1.
        public int Parent;
        public int ClauseStart;
        public int ClauseCount;
        public int FrameIndex;
        public bool CatchesAll;

        // The label that calls which throw go to.
        public Frame Landing;
    }

    private struct TryClause
    {
        // Index of the tag, or −1 for all.
        public int Tag;
        public bool WantsReference;

        // The label that it branches to, counted from outside of the frame; −1 for that of a catch.
        public int Depth;
        public Frame Label;
    }

    private GrowableArray<TryScope> _scopes = new(8);
    private GrowableArray<TryClause> _clauses = new(16);
    private GrowableArray<Edge> _outcomes = new(16);
    private int _scope;
    private int _clauseNumber;

    private void ResetExceptions()
    {
        _scopes.Clear();
        _clauses.Clear();
        _scope = -1;
        _clauseNumber = 0;
    }

    private void StartTryTable(ref WasmReader reader)
    {
        PushFrame(FrameKind.Try, reader.ReadBlockType());
        var start = _clauses.Count;
        var all = false;
        for (var count = reader.ReadVarU32(); count > 0; count--)
        {
            var kind = reader.ReadByte();
            var tag = kind < 2 ? (int)reader.ReadVarU32() : -1;
            var depth = (int)reader.ReadVarU32();

            // What comes after a clause for all catches nothing.
            if (!all)
            {
                _clauses.Add(new TryClause { Tag = tag, WantsReference = (kind & 1) != 0, Depth = depth });
                all = tag < 0;
            }
        }

        // Without clauses it is a block.
        if (_clauses.Count > start)
        {
            OpenScope(start, all);
        }
    }

    private void StartTry(BlockType type)
    {
        PushFrame(FrameKind.Try, type);
        ref var frame = ref _frames[_frames.Count - 1];
        ref var scanned = ref _scan.Frames[frame.Scan];
        if (scanned.Delegate > 0)
        {
            _scope = _frames[_frames.Count - 1 - scanned.Delegate].InnerScope;
            frame.InnerScope = _scope;
            return;
        }

        var start = _clauses.Count;
        var all = false;
        for (var c = scanned.FirstCatch; c > 0; c = _scan.Catches[c - 1].Next)
        {
            ref var clause = ref _scan.Catches[c - 1];
            var types = _types.Count;
            foreach (var parameter in clause.Tag < 0 ? default : TagType(clause.Tag).Parameters)
            {
                _types.Add(TypeOf(parameter));
            }

            if (clause.IsRethrown)
            {
                _types.Add(IrType.Managed);
            }

            var label = LabelLike(frame);
            label.ResultStart = types;
            label.ResultCount = _types.Count - types;
            _clauses.Add(new TryClause { Tag = clause.Tag, WantsReference = clause.IsRethrown, Depth = -1, Label = label });
            all |= clause.Tag < 0;
        }

        if (_clauses.Count > start)
        {
            OpenScope(start, all);
        }
    }

    // A label that starts with the frame's stack and differs in the frame's locals, without values of its own.
    private static Frame LabelLike(in Frame frame) => new()
    {
        Kind = FrameKind.Block,
        Scan = frame.Scan,
        Height = frame.Height,
        ResultStart = frame.ResultStart,
        Header = Block.None,
        PendingHead = -1,
        ElseEdge = Edge.None,
        Scope = -1,
        OuterScope = -1,
        InnerScope = -1,
        Caught = Value.None,
        SavedBy = -1,
    };

    private void OpenScope(int clauseStart, bool catchesAll)
    {
        ref var frame = ref _frames[_frames.Count - 1];
        var table = _function.HandlerScopes.Count;
        var count = _clauses.Count - clauseStart;
        _function.HandlerScopes.Add(_scope < 0 ? -1 : _scopes[_scope].Table);
        _function.HandlerScopes.Add(_clauseNumber);
        _function.HandlerScopes.Add(count);
        for (var k = clauseStart; k < _clauses.Count; k++)
        {
            _function.HandlerScopes.Add(HandlerTable.Clause(_clauses[k].Tag, _clauses[k].WantsReference));
        }

        _clauseNumber += count;
        frame.Scope = _scopes.Add(new TryScope
        {
            Table = table,
            Parent = _scope,
            ClauseStart = clauseStart,
            ClauseCount = count,
            FrameIndex = _frames.Count - 1,
            CatchesAll = catchesAll,
            Landing = LabelLike(frame),
        });
        _scope = frame.Scope;
        frame.InnerScope = _scope;
    }

    // The innermost frame's scope ends: what was thrown in it goes to the clauses from here.
    private void CloseScope()
    {
        ref var frame = ref _frames[_frames.Count - 1];
        var scope = frame.Scope;
        frame.Scope = -1;
        _scope = frame.OuterScope;
        frame.InnerScope = _scope;
        if (_scopes[scope].Landing.PendingCount == 0)
        {
            return;
        }

        if (_builder.Block >= 0)
        {
            JumpToEnd(ref frame);
        }

        Join(ref _scopes[scope].Landing);
        MarkCold();
        EmitLanding(scope);
    }

    private void EmitLanding(int index)
    {
        var scope = _scopes[index];
        var goesOn = !scope.CatchesAll && scope.Parent >= 0;
        var count = scope.ClauseCount + (goesOn ? 1 : 0);
        if (count == 1)
        {
            EmitOutcome(in scope, 0);
            return;
        }

        var number = _builder.Emit(
            IrOpcode.LoadVm, IrType.I32, _builder.VmContext(), -1, -1, _layout.Exception + VmContextLayout.ExceptionClause, MemoryAccess.Create(2).Bits, AliasRegion.Execution);
        number = _builder.Binary(IrOpcode.Sub, IrType.I32, number, _builder.I32(_function.HandlerScopes[scope.Table + HandlerTable.FirstClause]));
        _outcomes.Clear();
        for (var k = 0; k < count; k++)
        {
            _outcomes.Add(_function.AddEdge(_builder.Block, _function.AddBlock(IrBlockFlags.Cold), []));
        }

        if (count == 2)
        {
            Terminate(IrOpcode.BranchIf, number, _outcomes[1], _outcomes[0]);
        }
        else
        {
            Terminate(IrOpcode.Switch, number, _function.SwitchEdges.AddRange(_outcomes.Span), count);
        }

        var mark = _function.Instructions.Count;
        for (var k = 0; k < count; k++)
        {
            _builder.Values.TruncateToInstruction(mark);
            StartBlock(_function.Edges[_outcomes[k]].To);
            EmitOutcome(in scope, k);
        }
    }

    // Takes a clause's values and goes to its label, or on to the scope around.
    private void EmitOutcome(in TryScope scope, int k)
    {
        if (k == scope.ClauseCount)
        {
            Terminate(IrOpcode.Jump, LandingEdge(scope.Parent));
            return;
        }

        var height = _stack.Count;
        var clause = scope.ClauseStart + k;
        if (_clauses[clause].Tag >= 0)
        {
            PushPayload(_clauses[clause].Tag);
        }

        if (_clauses[clause].WantsReference)
        {
            Push(_builder.Emit(
                IrOpcode.LoadVm, IrType.Managed, _builder.VmContext(), -1, -1, _layout.Exception + VmContextLayout.ExceptionReference, MemoryAccess.Create(3).Bits, AliasRegion.Execution));
        }

        GoToClause(scope.FrameIndex, clause);
        _stack.Truncate(height);
    }

    // With the clause's values on the stack.
    private void GoToClause(int frameIndex, int clause)
    {
        if (_clauses[clause].Depth >= 0)
        {
            Branch(_frames.Count - frameIndex + _clauses[clause].Depth);
            return;
        }

        _branchNumber++;
        SpendOnValues(_clauses[clause].Label.ResultCount);
        Terminate(IrOpcode.Jump, ForwardEdge(ref _clauses[clause].Label));
    }

    private int LandingEdge(int scope)
    {
        _branchNumber++;
        return ForwardEdge(ref _scopes[scope].Landing);
    }

    // A call has been made: what it throws goes to the landing, if there is one.
    private void EndCall()
    {
        if (_scope >= 0)
        {
            BranchOnThrow(_function.AddBlock());
        }
    }

    private void BranchOnThrow(Block next)
    {
        var landing = LandingEdge(_scope);
        Terminate(IrOpcode.BranchOnThrow, -1, _function.AddEdge(_builder.Block, next, []), landing, _scopes[_scope].Table);
        StartBlock(next);
    }

    // A call that does not return has been made.
    private void EndThrow()
    {
        MarkCold();
        if (_scope >= 0)
        {
            BranchOnThrow(_function.AddBlock(IrBlockFlags.Cold));
        }

        Trap(TrapCode.Unreachable);
    }

    private void MarkCold()
    {
        if (_builder.Block != IrFunction.Entry)
        {
            _function.Blocks[_builder.Block].Flags |= IrBlockFlags.Cold;
        }
    }

    private CoreFunctionType TagType(int tag) => (CoreFunctionType)_module.TypeArray[_module.TagArray[tag].TypeIndex].Composite;

    private int PayloadOffset(int value) => _layout.Exception + VmContextLayout.ExceptionPayload + (value * VmContextLayout.PayloadValueSize);

    private void PushPayload(int tag)
    {
        var type = TagType(tag);
        _budget.Charge((long)ComplexityLimits.PassedValue * type.ParameterCount, "many values of exceptions");
        for (var i = 0; i < type.ParameterCount; i++)
        {
            var valueType = TypeOf(type.Parameters[i]);
            Push(_builder.Emit(
                IrOpcode.LoadVm, valueType, _builder.VmContext(), -1, -1, PayloadOffset(i), MemoryAccess.Create(WidthLog2(valueType)).Bits, AliasRegion.Execution));
        }
    }

    private void Throw(int tag)
    {
        var type = TagType(tag);
        SpendOnValues(type.ParameterCount);
        _budget.Charge((long)ComplexityLimits.PassedValue * type.ParameterCount, "many values of exceptions");
        if (FindClause(tag, out var scope) is var clause and >= 0)
        {
            if (_clauses[clause].Tag < 0)
            {
                _stack.Truncate(_stack.Count - type.ParameterCount);
            }

            GoToClause(_scopes[scope].FrameIndex, clause);
            return;
        }

        var first = _stack.Count - type.ParameterCount;
        for (var i = 0; i < type.ParameterCount; i++)
        {
            var value = _stack[first + i];
            _builder.Emit(
                IrOpcode.StoreVm, IrType.None, _builder.VmContext(), -1, value, PayloadOffset(i), MemoryAccess.Create(WidthLog2(_function.TypeOf(value))).Bits, AliasRegion.Execution);
        }

        _stack.Truncate(first);
        CallBuiltin(BuiltinId.Throw, _builder.I32(tag));
        EndThrow();
    }

    // The clause around that is certain to catch a tag and wants values only; −1 if there is none.
    private int FindClause(int tag, out int scope)
    {
        for (scope = _scope; scope >= 0; scope = _scopes[scope].Parent)
        {
            var start = _scopes[scope].ClauseStart;
            for (var clause = start; clause < start + _scopes[scope].ClauseCount; clause++)
            {
                var other = _clauses[clause].Tag;
                if (other < 0 || other == tag)
                {
                    return _clauses[clause].WantsReference ? -1 : clause;
                }

                if (other < _module.ImportedTagCount && tag < _module.ImportedTagCount)
                {
                    return -1;
                }
            }
        }

        return -1;
    }

    private void ThrowReference(Value reference)
    {
        TrapIf(_builder.IsZero(reference), TrapCode.NullReference);
        CallBuiltin(BuiltinId.ThrowReference, reference);
        EndThrow();
    }

    private void StartCatch(ref WasmReader reader)
    {
        ref var frame = ref _frames[_frames.Count - 1];
        if (frame.Kind == FrameKind.Try)
        {
            frame.NextClause = frame.Scope >= 0 ? _scopes[frame.Scope].ClauseStart : -1;
            CloseScope();
            frame = ref _frames[_frames.Count - 1];
            frame.Kind = FrameKind.Catch;
        }

        if (_builder.Block >= 0)
        {
            JumpToEnd(ref frame);
        }

        frame.Caught = Value.None;
        var clause = frame.NextClause++;
        if (_clauses[clause].Label.PendingCount == 0)
        {
            SkipUnreachable(ref reader);
            return;
        }

        Join(ref _clauses[clause].Label);
        if (_clauses[clause].WantsReference)
        {
            frame.Caught = Pop();
        }
    }

    private void Rethrow(int depth) => ThrowReference(_frames[_frames.Count - 1 - depth].Caught);
}
