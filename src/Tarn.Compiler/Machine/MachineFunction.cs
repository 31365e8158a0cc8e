// A function at machine level: what lowering makes, the allocator reads and the emitter prints. All arrays are reused.
//
// Invariants, which lowering keeps and the allocator relies on:
// - blocks are in an order in which each block comes after its dominators, and loops are contiguous;
// - virtual registers are defined exactly once, by an operand before (in dominance) all uses;
// - an operand list has at most one UseTied and one DefTied, which have the same register class.
using System.Runtime.CompilerServices;
using Tarn.Assembler;

namespace Tarn.Compiler.Machine;

/// <summary>A function at machine level.</summary>
internal sealed class MachineFunction
{
    /// <summary>Index of the function, for messages.</summary>
    public int FunctionIndex;

    /// <summary>What making code of the function has cost so far, and may cost: that of its IR.</summary>
    public FunctionBudget Budget = new();

    /// <summary>Instructions of all blocks, in order.</summary>
    public GrowableArray<MachineInstruction> Instructions = new(1024);

    /// <summary>Offset in the module of each instruction.</summary>
    public GrowableArray<int> Sources = new(1024);

    /// <summary>Operands.</summary>
    public GrowableArray<MachineOperand> Operands = new(4096);

    /// <summary>Blocks in order.</summary>
    public GrowableArray<MachineBlock> Blocks = new(128);

    /// <summary>Edges, grouped by source.</summary>
    public GrowableArray<MachineEdge> Edges = new(128);

    /// <summary>Incoming edges, grouped by target.</summary>
    public GrowableArray<int> Predecessors = new(128);

    /// <summary>Arguments of edges: virtual registers.</summary>
    public GrowableArray<VReg> Arguments = new(128);

    /// <summary>Loops.</summary>
    public GrowableArray<MachineLoop> Loops = new(16);

    /// <summary>Types of the virtual registers.</summary>
    public GrowableArray<MachineType> Types = new(1024);

    /// <summary>Constants that do not fit an immediate.</summary>
    public GrowableArray<ulong> Constants = new(16);

    /// <summary>Numbers of outgoing edges, one for each entry of each switch.</summary>
    public GrowableArray<int> SwitchTargets = new(16);

    /// <summary>Scopes of exception handlers, in the form of <see cref="Abi.HandlerTable.Scopes"/>.</summary>
    public GrowableArray<int> HandlerScopes = new(8);

    /// <summary>Bytes of the frame for results of calls that do not fit registers.</summary>
    public int ResultBufferBytes;

    /// <summary>Whether the function calls anything that is not a leaf of the runtime.</summary>
    public bool HasCalls;

    /// <summary>Whether any virtual register is a managed reference.</summary>
    public bool HasManagedReferences;

    /// <summary>Whether the VM context has to be kept in the frame, since some call does not preserve it.</summary>
    public bool SavesVmContext;

    /// <summary>Bytes of arguments on the stack, popped on return.</summary>
    public int IncomingBytes;

    /// <summary>For targets whose callers write arguments into the frame: bytes of it that they may write, whether the function reads them or not.</summary>
    public int ParameterBytes;

    /// <summary>Forgets everything and keeps the storage.</summary>
    public void Clear()
    {
        Instructions.Clear();
        Sources.Clear();
        Operands.Clear();
        Blocks.Clear();
        Edges.Clear();
        Predecessors.Clear();
        Arguments.Clear();
        Loops.Clear();
        Types.Clear();
        Constants.Clear();
        SwitchTargets.Clear();
        HandlerScopes.Clear();
        ResultBufferBytes = 0;
        HasCalls = false;
        HasManagedReferences = false;
        SavesVmContext = false;
        IncomingBytes = 0;
        ParameterBytes = 0;
    }

    /// <summary>Makes a virtual register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public VReg NewVirtualRegister(MachineType type)
    {
        HasManagedReferences |= type == MachineType.Managed;
        return new VReg(Types.Add(type));
    }

    /// <summary>Operands of an instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<MachineOperand> OperandsOf(in MachineInstruction instruction)
        => Operands.Span.Slice(instruction.OperandStart, OperandCountOf(instruction));

    /// <summary>Number of operands; labels and calls may have more than a byte can count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int OperandCountOf(in MachineInstruction instruction)
        => instruction.OperandCount != byte.MaxValue ? instruction.OperandCount : instruction.Displacement;

    /// <summary>Arguments of an edge.</summary>
    public Span<VReg> ArgumentsOf(in MachineEdge edge) => Arguments.Span.Slice(edge.ArgumentStart, edge.ArgumentCount);

    /// <summary>The call that a block ends in which may go to a handler, or −1.</summary>
    public int ThrowingCall(in MachineBlock block)
    {
        if (Instructions[block.End - 1].Opcode != MachineOpcode.BranchOnThrow)
        {
            return -1;
        }

        var call = block.End - 2;
        while (call > block.First && (Instructions[call].Flags & MachineFlags.Call) == 0)
        {
            call--;
        }

        return call;
    }

    /// <summary>Outgoing edges of a block.</summary>
    public Span<MachineEdge> SuccessorsOf(in MachineBlock block) => Edges.Span.Slice(block.SuccessorStart, block.SuccessorCount);

    /// <summary>Fills in the incoming edges from the outgoing ones.</summary>
    public void ComputePredecessors()
    {
        foreach (ref var block in Blocks.Span)
        {
            block.PredecessorCount = 0;
        }

        foreach (ref var edge in Edges.Span)
        {
            Blocks[edge.To].PredecessorCount++;
        }

        var start = 0;
        foreach (ref var block in Blocks.Span)
        {
            block.PredecessorStart = start;
            start += block.PredecessorCount;
            block.PredecessorCount = 0;
        }

        Predecessors.Clear();
        Predecessors.AddDefault(start);
        for (var i = 0; i < Edges.Count; i++)
        {
            ref var target = ref Blocks[Edges[i].To];
            Predecessors[target.PredecessorStart + target.PredecessorCount++] = i;
        }
    }
}
