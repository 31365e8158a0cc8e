// Blocks and branches. A label that is branched to forward collects its incoming edges, each with the values it brings: the results on the stack and those locals
// that are assigned within the frame (no other can differ). When the frame ends, a value that is the same on all edges is used as it is; the others
// become parameters. A loop's header exists before its back edges, so it gets a parameter for each local that the scan says is assigned within.
//
// Value numbering: what was computed before the first edge to a label dominates the label; everything later is forgotten at the join.
using Tarn.Assembler;
using Tarn.Compiler.IR;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

/// <content>Control flow.</content>
internal sealed partial class FunctionTranslator
{
    private enum FrameKind : byte
    {
        Function,
        Block,
        Loop,
        If,
        Else,
        Try,
        Catch,
    }

    private struct Frame
    {
        public FrameKind Kind;

        // Index in the scan.
        public int Scan;

        // Height of the stack without the frame's parameters.
        public int Height;
        public int ParameterCount;

        // Types of the results in _types.
        public int ResultStart;
        public int ResultCount;

        // For a loop that is branched to, its header.
        public Block Header;

        // Incoming edges of the label at the end, newest first, and the number of instructions when the first was made.
        public int PendingHead;
        public int PendingCount;
        public int FirstEdgeInstruction;

        // For an if, the edge to the else arm and what it brings: parameters, then assigned locals.
        public Edge ElseEdge;
        public int ElseSaved;
        public int ElseInstruction;

        // For a try_table or try, its scope; for a catch, the exception's reference, if something within throws it again.
        public int Scope;
        public Value Caught;

        // The scope around the frame, the one that what is thrown within goes to first, and for a catch, the clause that its next catch belongs to.
        public int OuterScope;
        public int InnerScope;
        public int NextClause;

        // The instruction of the last branch that saved values for this label, and where; entries of one table share them.
        public int SavedBy;
        public int SavedStart;
    }

    private struct Pending
    {
        public Edge Edge;
        public int Saved;
        public int Next;
    }

    private GrowableArray<Frame> _frames = new(64);
    private GrowableArray<Pending> _pending = new(64);
    private GrowableArray<Value> _saved = new(256);
    private GrowableArray<Value> _scratch = new(64);
    private GrowableArray<int> _slots = new(64);
    private int _nextScanFrame;
    private GrowableArray<int> _distinct = new(16);
    private int _branchNumber;

    // A branch to the function's label returns on the spot, if that copies no more than so many results; else all such branches share one return.
    private const int MostCopiedResults = 4;

    private void PushFunctionFrame()
    {
        var results = _types.AddRange(_function.ResultTypes);
        PushFrame(FrameKind.Function, 0, results, _function.ResultTypes.Length);
    }

    private ref Frame PushFrame(FrameKind kind, int parameterCount, int resultStart, int resultCount)
    {
        var index = _frames.Add(new Frame
        {
            Kind = kind,
            Scan = _nextScanFrame++,
            Height = _stack.Count - parameterCount,
            ParameterCount = parameterCount,
            ResultStart = resultStart,
            ResultCount = resultCount,
            Header = Block.None,
            PendingHead = -1,
            ElseEdge = Edge.None,
            SavedBy = -1,
            Scope = -1,
            OuterScope = _scope,
            InnerScope = _scope,
            Caught = Value.None,
        });
        return ref _frames[index];
    }

    private ref Frame PushFrame(FrameKind kind, BlockType type)
    {
        var start = _types.Count;
        if (type.HasTypeIndex)
        {
            var function = (CoreFunctionType)_module.TypeArray[type.TypeIndex].Composite;
            _budget.Charge((long)ComplexityLimits.SavedValue * function.ResultCount, "many results of blocks");
            foreach (var result in function.Results)
            {
                _types.Add(TypeOf(result));
            }

            return ref PushFrame(kind, function.ParameterCount, start, function.ResultCount);
        }

        if (!type.IsEmpty)
        {
            _types.Add(TypeOf(type.Result));
        }

        return ref PushFrame(kind, 0, start, type.IsEmpty ? 0 : 1);
    }

    private void StartLoop(BlockType type)
    {
        ref var frame = ref PushFrame(FrameKind.Loop, type);
        if (_scan.Frames[frame.Scan].BranchCount == 0)
        {
            return;
        }

        var assigned = _scan.AssignedIn(frame.Scan);
        Count(frame.ParameterCount + assigned.Length, 1 + _scan.Frames[frame.Scan].BranchCount);
        var header = _function.AddBlock(IrBlockFlags.LoopHeader);
        frame.Header = header;
        _scratch.Clear();
        for (var i = frame.Height; i < _stack.Count; i++)
        {
            _scratch.Add(_stack[i]);
            _stack[i] = _function.AddBlockParameter(header, _function.TypeOf(_stack[i]));
        }

        foreach (var local in assigned)
        {
            _scratch.Add(_locals[local]);
            _locals[local] = _function.AddBlockParameter(header, _localTypes[local]);
        }

        var edge = _function.AddEdge(_builder.Block, header, _scratch.Span);
        Terminate(IrOpcode.Jump, edge);
        StartBlock(header);
        if (_target.Interruption)
        {
            Check(IrOpcode.InterruptCheck);
        }
    }

    private void StartIf(BlockType type, ref WasmReader reader)
    {
        var condition = _builder.Condition(Pop(), out var inverted);
        ref var frame = ref PushFrame(FrameKind.If, type);
        var known = _builder.IsConstant(condition, out var bits);
        if (known && bits != 0 != inverted)
        {
            // Always taken: the else arm is unreachable.
            return;
        }

        frame.ElseInstruction = _function.Instructions.Count;
        frame.ElseSaved = _saved.Count;
        SaveValues(frame.Height, frame.ParameterCount, frame.Kind, frame.Scan);
        var otherwise = _function.AddEdge(_builder.Block, Block.None, []);
        frame.ElseEdge = otherwise;
        if (known)
        {
            Terminate(IrOpcode.Jump, otherwise);
            SkipUnreachable(ref reader);
            return;
        }

        var then = _function.AddBlock();
        var edge = _function.AddEdge(_builder.Block, then, []);
        Terminate(IrOpcode.BranchIf, condition, inverted ? otherwise : edge, inverted ? edge : otherwise);
        StartBlock(then);
    }

    private void StartElse(ref WasmReader reader)
    {
        ref var frame = ref _frames[_frames.Count - 1];
        frame.Kind = FrameKind.Else;
        if (_builder.Block >= 0)
        {
            JumpToEnd(ref frame);
        }

        if (frame.ElseEdge.IsNone)
        {
            SkipUnreachable(ref reader);
            return;
        }

        EnterElse(ref frame);
    }

    private void EnterElse(ref Frame frame)
    {
        _builder.Values.TruncateToInstruction(frame.ElseInstruction);
        var saved = frame.ElseSaved;
        _stack.Truncate(frame.Height);
        for (var i = 0; i < frame.ParameterCount; i++)
        {
            _stack.Add(_saved[saved++]);
        }

        RestoreLocals(frame.Scan, saved);
        Land(frame.ElseEdge);
        frame.ElseEdge = Edge.None;
    }

    private void EndFrame(ref WasmReader reader)
    {
        if (_frames[_frames.Count - 1].Scope >= 0)
        {
            CloseScope();
        }

        ref var frame = ref _frames[_frames.Count - 1];
        _scope = frame.OuterScope;
        if (frame.Kind == FrameKind.If && !frame.ElseEdge.IsNone)
        {
            // No else arm: the parameters are the results.
            if (_builder.Block < 0 && frame.PendingCount == 0)
            {
                EnterElse(ref frame);
            }
            else
            {
                if (_builder.Block >= 0)
                {
                    JumpToEnd(ref frame);
                }

                if (frame.PendingCount == 0 || frame.FirstEdgeInstruction > frame.ElseInstruction)
                {
                    frame.FirstEdgeInstruction = frame.ElseInstruction;
                }

                frame.PendingHead = _pending.Add(new Pending { Edge = frame.ElseEdge, Saved = frame.ElseSaved, Next = frame.PendingHead });
                frame.PendingCount++;
            }
        }

        if (frame.Kind == FrameKind.Function)
        {
            if (frame.PendingCount > 0)
            {
                if (_builder.Block >= 0)
                {
                    JumpToEnd(ref frame);
                }

                Join(ref frame);
            }

            if (_builder.Block >= 0)
            {
                Return();
            }

            _frames.Pop();
            return;
        }

        if (frame.PendingCount > 0)
        {
            if (_builder.Block >= 0)
            {
                JumpToEnd(ref frame);
            }

            Join(ref frame);
        }

        _types.Truncate(frame.ResultStart);
        _frames.Pop();
        if (_builder.Block < 0)
        {
            SkipUnreachable(ref reader);
        }
    }

    // The label's block, with parameters for what differs between its edges.
    private void Join(ref Frame frame)
    {
        _builder.Values.TruncateToInstruction(frame.FirstEdgeInstruction);
        _stack.Truncate(frame.Height);
        var assigned = LocalsOf(frame.Kind, frame.Scan);
        ref var newest = ref _pending[frame.PendingHead];
        if (frame.PendingCount == 1)
        {
            var saved = newest.Saved;
            for (var i = 0; i < frame.ResultCount; i++)
            {
                _stack.Add(_saved[saved++]);
            }

            for (var i = 0; i < assigned.Length; i++)
            {
                _locals[assigned[i]] = _saved[saved++];
            }

            Land(newest.Edge);
            return;
        }

        // Entries of one table share what they save, and follow each other here.
        _distinct.Clear();
        for (var p = frame.PendingHead; p >= 0; p = _pending[p].Next)
        {
            if (_distinct.Count == 0 || _distinct[_distinct.Count - 1] != _pending[p].Saved)
            {
                _distinct.Add(_pending[p].Saved);
            }
        }

        var block = _function.AddBlock();
        _slots.Clear();
        var total = frame.ResultCount + assigned.Length;
        for (var slot = 0; slot < total; slot++)
        {
            var value = _saved[newest.Saved + slot];
            var same = true;
            for (var d = 1; d < _distinct.Count && same; d++)
            {
                same = _saved[_distinct[d] + slot] == value;
            }

            if (!same)
            {
                _slots.Add(slot);
                var type = slot < frame.ResultCount ? _types[frame.ResultStart + slot] : _localTypes[assigned[slot - frame.ResultCount]];
                value = _function.AddBlockParameter(block, type);
            }

            if (slot < frame.ResultCount)
            {
                _stack.Add(value);
            }
            else
            {
                _locals[assigned[slot - frame.ResultCount]] = value;
            }
        }

        Count(_slots.Count, frame.PendingCount);
        for (var p = frame.PendingHead; p >= 0; p = _pending[p].Next)
        {
            ref var edge = ref _function.Edges[_pending[p].Edge];
            edge.To = block;
            edge.ArgumentStart = _function.Pool.Count;
            edge.ArgumentCount = _slots.Count;
            foreach (var slot in _slots.Span)
            {
                _function.Pool.Add(_saved[_pending[p].Saved + slot]);
            }
        }

        StartBlock(block);
    }

    // Continues where a single edge leads: in the block it comes from, if that does nothing but go there.
    private void Land(Edge edge)
    {
        ref var e = ref _function.Edges[edge];
        var last = _function.Blocks[e.From].Last;
        if (_function.Get(last).Opcode == IrOpcode.Jump)
        {
            _function.Remove(last);
            StartBlock(e.From);
            return;
        }

        var block = _function.AddBlock();
        e.To = block;
        StartBlock(block);
    }

    private void JumpToEnd(ref Frame frame)
    {
        _branchNumber++;
        Terminate(IrOpcode.Jump, ForwardEdge(ref frame));
    }

    // An edge from the current block to the end of a frame, which brings the topmost values.
    private Edge ForwardEdge(ref Frame frame)
    {
        if (frame.PendingCount == 0)
        {
            frame.FirstEdgeInstruction = _function.Instructions.Count;
        }

        if (frame.SavedBy != _branchNumber)
        {
            frame.SavedBy = _branchNumber;
            frame.SavedStart = _saved.Count;
            SaveValues(_stack.Count - frame.ResultCount, frame.ResultCount, frame.Kind, frame.Scan);
        }

        var edge = _function.AddEdge(_builder.Block, Block.None, []);
        frame.PendingHead = _pending.Add(new Pending { Edge = edge, Saved = frame.SavedStart, Next = frame.PendingHead });
        frame.PendingCount++;
        return edge;
    }

    private void SaveValues(int start, int count, FrameKind kind, int scan)
    {
        var locals = LocalsOf(kind, scan);
        _budget.Charge((long)ComplexityLimits.SavedValue * (count + locals.Length), "many values saved for labels");
        _saved.AddRange(_stack.Span.Slice(start, count));
        foreach (var local in locals)
        {
            _saved.Add(_locals[local]);
        }
    }

    // The locals that may differ where a frame ends; after the function's end nobody reads any.
    private ReadOnlySpan<int> LocalsOf(FrameKind kind, int scan) => kind == FrameKind.Function ? [] : _scan.AssignedIn(scan);

    // Charges for a block's parameters and the values that edges to it carry.
    private void Count(int parameters, int edges)
    {
        _budget.Charge((long)ComplexityLimits.Parameter * parameters, "many values that differ at labels");
        _budget.Charge((long)ComplexityLimits.EdgeArgument * parameters * edges, "many values brought to labels");
    }

    private void RestoreLocals(int scan, int saved)
    {
        foreach (var local in _scan.AssignedIn(scan))
        {
            _locals[local] = _saved[saved++];
        }
    }

    // An edge from the current block to a label. The function's label is not a block if there are few results: an edge to it leads to a return of its own.
    private Edge EdgeTo(int depth)
    {
        ref var frame = ref _frames[_frames.Count - 1 - depth];
        if (frame.Header >= 0)
        {
            _scratch.Clear();
            _scratch.AddRange(_stack.Span[(_stack.Count - frame.ParameterCount)..]);
            foreach (var local in _scan.AssignedIn(frame.Scan))
            {
                _scratch.Add(_locals[local]);
            }

            return _function.AddEdge(_builder.Block, frame.Header, _scratch.Span);
        }

        if (frame.Kind != FrameKind.Function || frame.ResultCount > MostCopiedResults)
        {
            return ForwardEdge(ref frame);
        }

        ChargeReturn();
        var block = _function.AddBlock();
        var edge = _function.AddEdge(_builder.Block, block, []);
        var values = _function.Pool.AddRange(_stack.Span[(_stack.Count - frame.ResultCount)..]);
        _function.Append(block, IrOpcode.Return, IrType.None, -1, values, frame.ResultCount);
        return edge;
    }

    private int ValuesOf(int depth)
    {
        ref var frame = ref _frames[_frames.Count - 1 - depth];
        return frame.Kind == FrameKind.Loop ? frame.ParameterCount : frame.ResultCount;
    }

    private void Branch(int depth)
    {
        _branchNumber++;
        SpendOnValues(ValuesOf(depth));
        ref var frame = ref _frames[_frames.Count - 1 - depth];
        if (frame.Kind == FrameKind.Function && frame.ResultCount <= MostCopiedResults)
        {
            Return();
        }
        else
        {
            Terminate(IrOpcode.Jump, EdgeTo(depth));
        }
    }

    private void BranchIf(Value condition, int depth)
    {
        _branchNumber++;
        condition = _builder.Condition(condition, out var inverted);
        if (_builder.IsConstant(condition, out var bits))
        {
            if (bits != 0 != inverted)
            {
                Branch(depth);
            }
            else
            {
                SpendOnValues(ValuesOf(depth));
            }

            return;
        }

        SpendOnValues(ValuesOf(depth));
        var taken = EdgeTo(depth);
        var next = _function.AddBlock();
        var edge = _function.AddEdge(_builder.Block, next, []);
        Terminate(IrOpcode.BranchIf, condition, inverted ? edge : taken, inverted ? taken : edge);
        StartBlock(next);
    }

    private void BranchTable(ref WasmReader reader)
    {
        _branchNumber++;
        var index = Pop();
        var count = (int)reader.ReadVarU32();
        if (_builder.IsConstant(index, out var bits))
        {
            var taken = 0u;
            for (var i = 0; i <= count; i++)
            {
                var depth = reader.ReadVarU32();
                if (i <= (long)bits)
                {
                    taken = depth;
                }
            }

            Branch((int)taken);
            return;
        }

        _targets.Clear();
        for (var i = 0; i <= count; i++)
        {
            _targets.Add((int)reader.ReadVarU32());
        }

        // Entries at the end that equal the default are not needed.
        while (count > 0 && _targets[count - 1] == _targets[count])
        {
            count--;
            _targets.Truncate(count + 1);
        }

        if (count == 0)
        {
            Branch(_targets[0]);
            return;
        }

        // All labels of a table take the same number.
        SpendOnValues(ValuesOf(_targets[0]));
        _edges.Clear();
        for (var i = 0; i <= count; i++)
        {
            _edges.Add(EdgeTo(_targets[i]));
        }

        if (count == 1)
        {
            Terminate(IrOpcode.BranchIf, index, _edges[1], _edges[0]);
            return;
        }

        var start = _function.SwitchEdges.AddRange(_edges.Span);
        Terminate(IrOpcode.Switch, index, start, count + 1);
    }

    private GrowableArray<int> _targets = new(64);
    private GrowableArray<Edge> _edges = new(64);

    private void ChargeReturn() => _budget.Charge((long)ComplexityLimits.PassedValue * _function.ResultTypes.Length, "many results returned");

    private void Return()
    {
        ChargeReturn();
        var count = _function.ResultTypes.Length;
        var start = _function.Pool.AddRange(_stack.Span[(_stack.Count - count)..]);
        Terminate(IrOpcode.Return, -1, start, count);
    }

    private void BranchOnNull(int depth, bool branchIfNull)
    {
        var reference = Pop();
        var isNull = _builder.IsZero(reference);
        if (branchIfNull)
        {
            BranchIf(isNull, depth);
            if (_builder.Block >= 0)
            {
                Push(reference);
            }
        }
        else
        {
            Push(reference);
            BranchIf(_builder.IsZero(isNull), depth);
            if (_builder.Block >= 0)
            {
                Pop();
            }
        }
    }

    // Steps over code that cannot be reached, up to the else or end of the innermost frame, which is then read as usual.
    private void SkipUnreachable(ref WasmReader reader)
    {
        var depth = 0;
        while (true)
        {
            var position = reader.Position;
            var opcode = (Opcode)reader.ReadByte();
            switch (opcode)
            {
                case Opcode.Block or Opcode.Loop or Opcode.If or Opcode.TryTable or Opcode.Try:
                    InstructionSkipper.SkipImmediates(ref reader, opcode);
                    _nextScanFrame++;
                    depth++;
                    continue;
                case Opcode.Else or Opcode.Catch or Opcode.CatchAll when depth == 0:
                    reader.Seek(position);
                    return;
                case Opcode.End or Opcode.Delegate:
                    if (depth-- == 0)
                    {
                        reader.Seek(position);
                        return;
                    }

                    InstructionSkipper.SkipImmediates(ref reader, opcode);
                    continue;
                case >= (Opcode)0xFB:
                    opcode = ReadPrefixed(ref reader, (byte)opcode);
                    break;
            }

            InstructionSkipper.SkipImmediates(ref reader, opcode);
        }
    }
}
