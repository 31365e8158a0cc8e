// A first sweep over a body: for each block, loop, if (and the body itself) which locals are assigned within and how many branches go to its label. With this the
// builder knows at a loop's start which locals need a parameter, and at a join which ones can differ, so it builds SSA in one decode.
//
// Frames are numbered in the order of their opening; the body is frame 0. A frame's set of locals is the union of its own assignments and the sets of the frames
// within; they are collected on a stack and condensed whenever a frame ends, so that the work per frame is bounded by the number of locals, not of assignments.
using Tarn.Assembler;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

/// <summary>What the scan knows of a block, loop, if or body.</summary>
internal struct ScanFrame
{
    /// <summary>Start of the assigned locals in <see cref="FunctionScan.Assigned"/>.</summary>
    public int AssignedStart;

    /// <summary>Number of different locals assigned within.</summary>
    public int AssignedCount;

    /// <summary>Number of branches to the label (each entry of a table counts).</summary>
    public int BranchCount;

    /// <summary>For a <c>try</c>, its first catch in <see cref="FunctionScan.Catches"/>, counted from 1; 0 for none.</summary>
    public int FirstCatch;

    /// <summary>For a <c>try</c> that ends in <c>delegate</c>, one more than its label; otherwise 0.</summary>
    public int Delegate;
}

/// <summary>A <c>catch</c> or <c>catch_all</c> of a <c>try</c>.</summary>
internal struct ScanCatch
{
    /// <summary>Index of the tag, or −1 for all.</summary>
    public int Tag;

    /// <summary>The next one of the same <c>try</c>, counted from 1; 0 for none.</summary>
    public int Next;

    /// <summary>Whether its exception is thrown again by a <c>rethrow</c>.</summary>
    public bool IsRethrown;
}

/// <summary>Scans function bodies.</summary>
internal sealed class FunctionScan
{
    private struct Open
    {
        public int Frame;
        public int StackStart;

        // The catch that has been met last, counted from 1.
        public int LastCatch;
    }

    private GrowableArray<int> _stack = new(256);
    private GrowableArray<Open> _open = new(64);
    private int[] _marks = new int[256];
    private int _mark;
    private int[] _namedMarks = new int[256];
    private int _namedMark;

    /// <summary>Frames in order of their opening.</summary>
    public GrowableArray<ScanFrame> Frames = new(64);

    /// <summary>The catches of the body.</summary>
    public GrowableArray<ScanCatch> Catches = new(16);

    /// <summary>Locals, each frame's together.</summary>
    public GrowableArray<int> Assigned = new(256);

    /// <summary>The locals that instructions name, once each.</summary>
    public GrowableArray<int> Named = new(64);

    /// <summary>Whether a function of the module is called (builtins do not count).</summary>
    public bool HasCalls { get; private set; }

    /// <summary>Whether a function is called in place of returning.</summary>
    public bool HasTailCalls { get; private set; }

    /// <summary>The locals assigned within a frame.</summary>
    public ReadOnlySpan<int> AssignedIn(int frame)
    {
        ref var f = ref Frames[frame];
        return Assigned.Span.Slice(f.AssignedStart, f.AssignedCount);
    }

    /// <summary>Scans from the first instruction to the end of the body. What the frames' lists of locals come to is charged.</summary>
    public void Run(WasmReader reader, int localCount, FunctionBudget budget)
    {
        _stack.Clear();
        _open.Clear();
        Frames.Clear();
        Assigned.Clear();
        Named.Clear();
        Catches.Clear();
        HasCalls = false;
        HasTailCalls = false;
        if (_marks.Length < localCount || _mark > int.MaxValue / 2)
        {
            _marks = new int[Math.Max(localCount, _marks.Length * 2)];
            _mark = 0;
        }

        if (_namedMarks.Length < localCount || _namedMark == int.MaxValue)
        {
            _namedMarks = new int[Math.Max(localCount, _namedMarks.Length * 2)];
            _namedMark = 0;
        }

        _namedMark++;

        Push();
        while (_open.Count > 0)
        {
            var first = reader.ReadByte();
            switch (first)
            {
                case (byte)Opcode.Block or (byte)Opcode.Loop or (byte)Opcode.If:
                    reader.ReadBlockType();
                    Push();
                    break;
                case (byte)Opcode.TryTable:
                    ReadTryTable(ref reader);
                    Push();
                    break;
                case (byte)Opcode.Try:
                    reader.ReadBlockType();
                    Push();
                    break;
                case (byte)Opcode.Catch:
                    AddCatch((int)reader.ReadVarU32());
                    break;
                case (byte)Opcode.CatchAll:
                    AddCatch(-1);
                    break;
                case (byte)Opcode.Rethrow:
                    Catches[_open[_open.Count - 1 - (int)reader.ReadVarU32()].LastCatch - 1].IsRethrown = true;
                    break;
                case (byte)Opcode.Delegate:
                    Frames[_open[_open.Count - 1].Frame].Delegate = 1 + (int)reader.ReadVarU32();
                    budget.Charge((long)ComplexityLimits.SavedValue * Pop(), "local variables assigned in nested blocks");
                    break;
                case (byte)Opcode.End:
                    budget.Charge((long)ComplexityLimits.SavedValue * Pop(), "local variables assigned in nested blocks");
                    break;
                case (byte)Opcode.Br or (byte)Opcode.BrIf or (byte)Opcode.BrOnNull or (byte)Opcode.BrOnNonNull:
                    CountBranch((int)reader.ReadVarU32());
                    break;
                case (byte)Opcode.BrTable:
                    for (var n = reader.ReadVarU32() + 1; n > 0; n--)
                    {
                        CountBranch((int)reader.ReadVarU32());
                    }

                    break;
                case (byte)Opcode.LocalSet or (byte)Opcode.LocalTee:
                    _stack.Add(Name((int)reader.ReadVarU32()));
                    break;
                case (byte)Opcode.LocalGet:
                    Name((int)reader.ReadVarU32());
                    break;
                case (byte)Opcode.GlobalGet or (byte)Opcode.GlobalSet:
                    reader.ReadVarU32();
                    break;
                case (byte)Opcode.I32Const:
                    reader.ReadVarS32();
                    break;
                case >= (byte)Opcode.I32Load and <= (byte)Opcode.I64Store32:
                    reader.ReadMemoryArgument();
                    break;
                case >= (byte)Opcode.I32Eqz and <= (byte)Opcode.I64Extend32S:
                    break;
                case (byte)Opcode.Call:
                    HasCalls = true;
                    reader.ReadVarU32();
                    break;
                case (byte)Opcode.CallIndirect or (byte)Opcode.CallRef:
                    HasCalls = true;
                    InstructionSkipper.SkipImmediates(ref reader, (Opcode)first);
                    break;
                case (byte)Opcode.ReturnCall or (byte)Opcode.ReturnCallIndirect or (byte)Opcode.ReturnCallRef:
                    HasTailCalls = true;
                    InstructionSkipper.SkipImmediates(ref reader, (Opcode)first);
                    break;
                case 0xFB or 0xFC or 0xFD or 0xFE:
                    SkipPrefixed(ref reader, first);
                    break;
                default:
                    InstructionSkipper.SkipImmediates(ref reader, (Opcode)first);
                    break;
            }
        }
    }

    private void SkipPrefixed(ref WasmReader reader, byte prefix)
    {
        var code = (int)reader.ReadVarU32();
        var opcode = (Opcode)(code + prefix switch { 0xFB => 0x100, 0xFC => 0x200, 0xFE => 0x300, _ => 0x400 });
        if (opcode is Opcode.BrOnCast or Opcode.BrOnCastFail)
        {
            reader.Skip(1);
            CountBranch((int)reader.ReadVarU32());
            reader.ReadHeapType();
            reader.ReadHeapType();
            return;
        }

        InstructionSkipper.SkipImmediates(ref reader, opcode);
    }

    private int Name(int local)
    {
        ref var mark = ref _namedMarks[local];
        if (mark != _namedMark)
        {
            mark = _namedMark;
            Named.Add(local);
        }

        return local;
    }

    private void ReadTryTable(ref WasmReader reader)
    {
        reader.ReadBlockType();
        for (var count = reader.ReadVarU32(); count > 0; count--)
        {
            if (reader.ReadByte() < 2)
            {
                reader.ReadVarU32();
            }

            CountBranch((int)reader.ReadVarU32());
        }
    }

    private void AddCatch(int tag)
    {
        ref var open = ref _open[_open.Count - 1];
        Catches.Add(new ScanCatch { Tag = tag });
        if (open.LastCatch == 0)
        {
            Frames[open.Frame].FirstCatch = Catches.Count;
        }
        else
        {
            Catches[open.LastCatch - 1].Next = Catches.Count;
        }

        open.LastCatch = Catches.Count;
    }

    private void CountBranch(int depth) => Frames[_open[_open.Count - 1 - depth].Frame].BranchCount++;

    private void Push()
    {
        var frame = Frames.Add(default);
        _open.Add(new Open { Frame = frame, StackStart = _stack.Count });
    }

    // Gives the number of different locals that the frame assigns.
    private int Pop()
    {
        var open = _open.Pop();
        var mark = ++_mark;
        var start = Assigned.Count;
        var kept = open.StackStart;
        for (var i = open.StackStart; i < _stack.Count; i++)
        {
            var local = _stack[i];
            if (_marks[local] != mark)
            {
                _marks[local] = mark;
                _stack[kept++] = local;
                Assigned.Add(local);
            }
        }

        // What is left stands for this frame in the one around.
        _stack.Truncate(kept);
        ref var frame = ref Frames[open.Frame];
        frame.AssignedStart = start;
        frame.AssignedCount = Assigned.Count - start;
        return frame.AssignedCount;
    }
}
