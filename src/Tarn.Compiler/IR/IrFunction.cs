// One function's IR: arrays of structs, reused from function to function through Reset, so that compiling in steady state
// allocates nothing. Everything is named by index: an instruction (= value), a block, an edge, a place in the pool.
//
// Invariants (IrVerifier checks them):
// - block 0 is the entry; its parameters are the function's; it has no incoming edges;
// - a block's list holds its parameters first, then other instructions, then one terminator, and Links of each name that block;
// - an operand's definition dominates its use;
// - an edge passes exactly one value of the right type for each parameter of its target;
// - Nop and Alias are not in any block's list.
//
// Order, predecessors, dominators and loops are valid from ComputeOrder (IrFunction.Order.cs) until the graph next changes.
using System.Runtime.CompilerServices;
using Tarn.Assembler;
using Tarn.Compiler.Abi;

namespace Tarn.Compiler.IR;

/// <summary>An instruction's place: its neighbours, its block and where in the module it came from.</summary>
internal struct IrLink
{
    /// <summary>Next instruction of the block, or none.</summary>
    public Value Next;

    /// <summary>Previous instruction of the block, or none.</summary>
    public Value Previous;

    /// <summary>The block, or none when not linked.</summary>
    public Block Block;

    /// <summary>Offset in the module of the WebAssembly instruction, for traps and backtraces.</summary>
    public int WasmOffset;
}

/// <summary>A function in SSA form.</summary>
internal sealed partial class IrFunction
{
    /// <summary>Instructions, which are values.</summary>
    public GrowableArray<IrInstruction> Instructions = new(1024);

    /// <summary>Places of the instructions.</summary>
    public GrowableArray<IrLink> Links = new(1024);

    /// <summary>Blocks.</summary>
    public GrowableArray<IrBlock> Blocks = new(128);

    /// <summary>Edges.</summary>
    public GrowableArray<IrEdge> Edges = new(256);

    /// <summary>Lists of values: arguments of calls and of edges.</summary>
    public GrowableArray<Value> Pool = new(1024);

    /// <summary>Lists of edges: those of switches.</summary>
    public GrowableArray<Edge> SwitchEdges = new(64);

    /// <summary>128-bit constants.</summary>
    public GrowableArray<UInt128> Vectors = new(4);

    /// <summary>Signatures of calls.</summary>
    public GrowableArray<IrSignature> Signatures = new(16);

    /// <summary>Types that the signatures refer to.</summary>
    public GrowableArray<IrType> SignatureTypes = new(64);

    /// <summary>The scopes whose handlers catch what calls throw, in the form of <see cref="HandlerTable.Scopes"/>.</summary>
    public GrowableArray<int> HandlerScopes = new(8);

    /// <summary>Index of the function in its module.</summary>
    public int FunctionIndex;

    /// <summary>The function's own signature in <see cref="Signatures"/>.</summary>
    public int Signature;

    /// <summary>Whether any instruction calls (builtins included, cold checks excluded).</summary>
    public bool HasCalls;

    /// <summary>Whether any instruction takes a lane out of a vector.</summary>
    public bool TakesLanes;

    /// <summary>No 32-bit memory of the function's module can ever have more bytes than this.</summary>
    public ulong LargestMemory = 1UL << 32;

    /// <summary>Bytes behind a guarded memory's reservation that fault (<see cref="TargetDescription.GuardBytes"/>).</summary>
    public ulong GuardBytes = TargetDescription.Default.GuardBytes;

    /// <summary>Whether accesses may fault at all (<see cref="TargetDescription.CatchesFaults"/>).</summary>
    public bool CatchesFaults = true;

    /// <summary>Where new instructions are said to come from.</summary>
    public int CurrentWasmOffset;

    /// <summary>What making code of the function has cost so far, and may cost.</summary>
    public FunctionBudget Budget { get; } = new();

    /// <summary>The entry block.</summary>
    public static Block Entry => new(0);

    /// <summary>Types of the function's parameters.</summary>
    public ReadOnlySpan<IrType> ParameterTypes => ParametersOf(Signature);

    /// <summary>Types of the function's results.</summary>
    public ReadOnlySpan<IrType> ResultTypes => ResultsOf(Signature);

    /// <summary>Forgets everything and keeps the storage.</summary>
    public void Reset(int functionIndex)
    {
        Instructions.Clear();
        Links.Clear();
        Blocks.Clear();
        Edges.Clear();
        Pool.Clear();
        SwitchEdges.Clear();
        Vectors.Clear();
        Signatures.Clear();
        SignatureTypes.Clear();
        HandlerScopes.Clear();
        Order.Clear();
        Predecessors.Clear();
        FunctionIndex = functionIndex;
        Signature = -1;
        HasCalls = false;
        TakesLanes = false;
        LargestMemory = 1UL << 32;
        GuardBytes = TargetDescription.Default.GuardBytes;
        CatchesFaults = true;
        CurrentWasmOffset = 0;
    }

    /// <summary>Parameter types of a signature.</summary>
    public ReadOnlySpan<IrType> ParametersOf(int signature)
    {
        ref var s = ref Signatures[signature];
        return SignatureTypes.Span.Slice(s.ParameterStart, s.ParameterCount);
    }

    /// <summary>Result types of a signature.</summary>
    public ReadOnlySpan<IrType> ResultsOf(int signature)
    {
        ref var s = ref Signatures[signature];
        return SignatureTypes.Span.Slice(s.ResultStart, s.ResultCount);
    }

    /// <summary>Adds a signature.</summary>
    public int AddSignature(ReadOnlySpan<IrType> parameters, ReadOnlySpan<IrType> results)
    {
        var parameterStart = SignatureTypes.AddRange(parameters);
        var resultStart = SignatureTypes.AddRange(results);
        return Signatures.Add(new IrSignature(parameterStart, parameters.Length, resultStart, results.Length));
    }

    /// <summary>The instruction that defines a value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref IrInstruction Get(Value instruction) => ref Instructions[instruction];

    /// <summary>The type of a value.</summary>
    public IrType TypeOf(Value value) => Instructions[value].Type;

    /// <summary>Adds an empty block.</summary>
    public Block AddBlock(IrBlockFlags flags = IrBlockFlags.None) => new(Blocks.Add(new IrBlock
    {
        First = Value.None,
        Last = Value.None,
        ImmediateDominator = Block.None,
        OrderIndex = -1,
        LoopHeader = Block.None,
        LoopParent = Block.None,
        Flags = flags,
    }));

    /// <summary>Adds a parameter after those that a block has.</summary>
    public Value AddBlockParameter(Block block, IrType type)
    {
        var instruction = NewInstruction(IrOpcode.BlockParameter, type, block, Blocks[block].ParameterCount++);
        var last = Blocks[block].Last;
        if (last >= 0 && Instructions[last].Opcode == IrOpcode.BlockParameter)
        {
            LinkLast(block, instruction);
            return instruction;
        }

        last = Value.None;
        for (var i = Blocks[block].First; i >= 0 && Instructions[i].Opcode == IrOpcode.BlockParameter; i = Links[i].Next)
        {
            last = i;
        }

        if (last < 0)
        {
            LinkFirst(block, instruction);
        }
        else
        {
            LinkAfter(last, instruction);
        }

        return instruction;
    }

    /// <summary>Adds an edge; the caller puts it into a terminator of <paramref name="from"/>.</summary>
    public Edge AddEdge(Block from, Block to, ReadOnlySpan<Value> arguments)
    {
        var start = Pool.AddRange(arguments);
        return new(Edges.Add(new IrEdge { From = from, To = to, ArgumentStart = start, ArgumentCount = arguments.Length }));
    }

    /// <summary>The arguments of an edge.</summary>
    public Span<Value> ArgumentsOf(Edge edge)
    {
        ref var e = ref Edges[edge];
        return Pool.Span.Slice(e.ArgumentStart, e.ArgumentCount);
    }

    /// <summary>Adds the uses that an instruction makes of values to their counts.</summary>
    public void CountOperands(Value instruction, Span<int> counts)
    {
        ref var i = ref Instructions[instruction];
        var mask = IrOpcodeInfo.ValueMask(i.Opcode);
        if ((mask & 1) != 0 && i.A >= 0)
        {
            counts[i.A]++;
        }

        if ((mask & 2) != 0 && i.B >= 0)
        {
            counts[i.B]++;
        }

        if ((mask & 4) != 0 && i.C >= 0)
        {
            counts[i.C]++;
        }

        if ((mask & 8) != 0)
        {
            foreach (var value in PoolOf(instruction))
            {
                counts[value]++;
            }
        }
    }

    /// <summary>Adds the uses that a block's outgoing edges make of values to their counts.</summary>
    public void CountArguments(Block block, Span<int> counts)
    {
        for (int k = 0, n = SuccessorCount(block); k < n; k++)
        {
            foreach (var value in ArgumentsOf(Successor(block, k)))
            {
                counts[value]++;
            }
        }
    }

    /// <summary>The values in the pool that an instruction's B and C name.</summary>
    public Span<Value> PoolOf(Value instruction)
    {
        ref var i = ref Instructions[instruction];
        return Pool.Span.Slice(i.B, i.C);
    }

    /// <summary>Number of edges that leave a block.</summary>
    public int SuccessorCount(Block block)
    {
        ref var terminator = ref Instructions[Blocks[block].Last];
        return terminator.Opcode switch
        {
            IrOpcode.Jump => 1,
            IrOpcode.BranchIf or IrOpcode.BranchOnThrow => 2,
            IrOpcode.Switch => terminator.C,
            _ => 0,
        };
    }

    /// <summary>An edge that leaves a block.</summary>
    public Edge Successor(Block block, int index)
    {
        ref var terminator = ref Instructions[Blocks[block].Last];
        return terminator.Opcode switch
        {
            IrOpcode.Jump => new(terminator.A),
            IrOpcode.BranchIf or IrOpcode.BranchOnThrow => new(index == 0 ? terminator.B : terminator.C),
            _ => SwitchEdges[terminator.B + index],
        };
    }

    /// <summary>
    /// The instruction before which others are put that belong to the end of a block: its terminator or, where that asks whether a call has thrown, the call. What came after the call
    /// would not be executed on the way to the handler.
    /// </summary>
    public Value EndOf(Block block)
    {
        var last = Blocks[block].Last;
        return Instructions[last].Opcode == IrOpcode.BranchOnThrow ? CallBefore(last) : last;
    }

    /// <summary>
    /// Finds for each block the one that its straight line starts with: a call that may throw ends a block, but what comes after it continues from there as if it did not. The order must
    /// have been computed.
    /// </summary>
    public void FindLines(ref GrowableArray<Block> lines)
    {
        lines.Fill(Blocks.Count, Block.None);
        foreach (var block in Order.Span)
        {
            lines[block] = block;
            if (HandlerScopes.Count > 0 && Blocks[block].PredecessorCount == 1)
            {
                var edge = PredecessorsOf(block)[0];
                ref var branch = ref Instructions[Blocks[Edges[edge].From].Last];
                lines[block] = branch.Opcode == IrOpcode.BranchOnThrow && branch.B == edge ? lines[Edges[edge].From] : block;
            }
        }
    }

    /// <summary>The call that a <see cref="IrOpcode.BranchOnThrow"/> belongs to.</summary>
    public Value CallBefore(Value branch)
    {
        var call = Links[branch].Previous;
        while (call >= 0 && Instructions[call].Opcode == IrOpcode.Result)
        {
            call = Links[call].Previous;
        }

        return call;
    }

    /// <summary>Makes an instruction that is not yet in a block.</summary>
    public Value NewInstruction(
        IrOpcode opcode, IrType type, int a = -1, int b = -1, int c = -1, int d = 0, byte aux = 0, AliasRegion region = AliasRegion.None)
    {
        TakesLanes |= opcode == IrOpcode.VectorExtract;
        Links.Add(new IrLink { Next = Value.None, Previous = Value.None, Block = Block.None, WasmOffset = CurrentWasmOffset });
        return new(Instructions.Add(new IrInstruction
        {
            Opcode = opcode,
            Type = type,
            Aux = aux,
            Region = region,
            A = a,
            B = b,
            C = c,
            D = d,
        }));
    }

    /// <summary>Makes an instruction at the end of a block.</summary>
    public Value Append(
        Block block, IrOpcode opcode, IrType type, int a = -1, int b = -1, int c = -1, int d = 0, byte aux = 0,
        AliasRegion region = AliasRegion.None)
    {
        var instruction = NewInstruction(opcode, type, a, b, c, d, aux, region);
        LinkLast(block, instruction);
        return instruction;
    }

    /// <summary>Makes a constant that is not yet in a block.</summary>
    public Value NewConstant(IrType type, ulong bits) => NewInstruction(IrOpcode.Constant, type, (int)bits, (int)(bits >> 32), 0);

    /// <summary>Makes a v128 constant that is not yet in a block.</summary>
    public Value NewVectorConstant(UInt128 bits) => NewInstruction(IrOpcode.Constant, IrType.V128, Vectors.Add(bits), 0, 0);

    /// <summary>Links an instruction at the end of a block.</summary>
    public void LinkLast(Block block, Value instruction)
    {
        ref var b = ref Blocks[block];
        ref var link = ref Links[instruction];
        link.Block = block;
        link.Next = Value.None;
        link.Previous = b.Last;
        if (b.Last >= 0)
        {
            Links[b.Last].Next = instruction;
        }
        else
        {
            b.First = instruction;
        }

        b.Last = instruction;
    }

    /// <summary>Links an instruction at the start of a block.</summary>
    public void LinkFirst(Block block, Value instruction)
    {
        var first = Blocks[block].First;
        if (first < 0)
        {
            LinkLast(block, instruction);
        }
        else
        {
            LinkBefore(first, instruction);
        }
    }

    /// <summary>Links an instruction before another.</summary>
    public void LinkBefore(Value position, Value instruction)
    {
        ref var at = ref Links[position];
        ref var link = ref Links[instruction];
        link.Block = at.Block;
        link.Next = position;
        link.Previous = at.Previous;
        if (at.Previous >= 0)
        {
            Links[at.Previous].Next = instruction;
        }
        else
        {
            Blocks[at.Block].First = instruction;
        }

        at.Previous = instruction;
    }

    /// <summary>Links an instruction after another.</summary>
    public void LinkAfter(Value position, Value instruction)
    {
        var next = Links[position].Next;
        if (next < 0)
        {
            LinkLast(Links[position].Block, instruction);
        }
        else
        {
            LinkBefore(next, instruction);
        }
    }

    /// <summary>Takes an instruction out of its block; it can be linked elsewhere.</summary>
    public void Unlink(Value instruction)
    {
        ref var link = ref Links[instruction];
        ref var block = ref Blocks[link.Block];
        if (link.Previous >= 0)
        {
            Links[link.Previous].Next = link.Next;
        }
        else
        {
            block.First = link.Next;
        }

        if (link.Next >= 0)
        {
            Links[link.Next].Previous = link.Previous;
        }
        else
        {
            block.Last = link.Previous;
        }

        link.Next = Value.None;
        link.Previous = Value.None;
        link.Block = Block.None;
    }

    /// <summary>Takes an instruction out of its block for good.</summary>
    public void Remove(Value instruction)
    {
        Unlink(instruction);
        Instructions[instruction].Opcode = IrOpcode.Nop;
    }

    /// <summary>The value's constant bits, if it is a constant of an integer, reference or float type.</summary>
    public bool IsConstant(Value value, out ulong bits)
    {
        ref var i = ref Instructions[value];
        bits = i.Bits;
        return i.Opcode == IrOpcode.Constant && i.Type != IrType.V128;
    }
}
