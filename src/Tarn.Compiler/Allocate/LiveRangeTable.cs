// What the phases of register allocation share: segments, uses, virtual registers and live ranges, in flat lists that refer to each other
// by index. The builder writes segments and uses, the walk live ranges and their locations, the move resolver reads all of it. Nothing
// here decides anything; the questions below are those that more than one phase asks.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Live ranges of one function. Reused.</summary>
internal sealed class LiveRangeTable
{
    /// <summary>A position after every other one.</summary>
    public const int Never = int.MaxValue;

    /// <summary>Most predecessors of a block that a search looks at.</summary>
    public const int EdgesSearched = 8;

    /// <summary>Most live ranges, segments or blocks that a search for one position looks at.</summary>
    public const int SearchLimit = 16;

    /// <summary>Steps after which a search reports them to the function's budget.</summary>
    public const int StepsAtOnce = 1 << 12;

    /// <summary>The function whose registers are allocated.</summary>
    public MachineFunction Function = null!;

    /// <summary>Segments of virtual registers and of fixed registers.</summary>
    public GrowableArray<LiveSegment> Segments = new(4096);

    /// <summary>Uses.</summary>
    public GrowableArray<UsePosition> Uses = new(4096);

    /// <summary>What is known of each virtual register.</summary>
    public GrowableArray<VirtualRegisterState> States = new(1024);

    /// <summary>Live ranges.</summary>
    public GrowableArray<LiveRange> Ranges = new(2048);

    /// <summary>Instructions that are calls, in order.</summary>
    public GrowableArray<int> Calls = new(64);

    /// <summary>For each block, the call at its end that may go to a handler, or −1.</summary>
    public GrowableArray<int> ThrowingCalls = new(128);

    /// <summary>Block of each instruction.</summary>
    public GrowableArray<int> BlockOf = new(1024);

    /// <summary>For each edge argument the block parameter that it is passed to.</summary>
    public GrowableArray<VReg> ParameterOf = new(128);

    /// <summary>Estimated frequencies of the blocks.</summary>
    public readonly BlockFrequencies Frequencies = new();

    /// <summary>Steps of searches since they were last reported to the function's budget.</summary>
    public int Steps;

    /// <summary>For each register the first segment in which an instruction needs it, or −1.</summary>
    public readonly int[] FixedHead = new int[64];

    /// <summary>Number of segments, uses and live ranges.</summary>
    public int Count => Segments.Count + Uses.Count + Ranges.Count;

    /// <summary>Returns the position at which the last segment of a list ends.</summary>
    public int EndOf(int segment)
    {
        while (Segments[segment].Next >= 0)
        {
            segment = Segments[segment].Next;
        }

        return Segments[segment].To;
    }

    /// <summary>Returns the group of virtual registers that one belongs to: those which meet in block parameters.</summary>
    public VReg GroupOf(VReg v)
    {
        while (States[v].Group != v)
        {
            States[v].Group = States[States[v].Group].Group;
            v = States[v].Group;
        }

        return v;
    }

    /// <summary>
    /// Whether a virtual register is a managed reference. It is in no register while a call runs, since the code that saved that register would keep the old reference when the object moves;
    /// and its segments are exact, since a safepoint names the place of each.
    /// </summary>
    public bool IsManaged(VReg v) => Function.Types[v] == MachineType.Managed;

    /// <summary>Whether a virtual register is a block parameter.</summary>
    public bool IsParameter(in VirtualRegisterState state)
        => Function.Instructions[state.Definition].Opcode == 0 && Function.Operands[state.DefinitionOperand].Kind == OperandKind.Def;

    /// <summary>Returns how often a block is expected to run.</summary>
    public int FrequencyOf(int block) => Frequencies[block];

    /// <summary>Returns how often the moves of an edge are expected to run.</summary>
    public int EdgeFrequency(int from, int to) => FrequencyOf(Function.Blocks[from].SuccessorCount == 1 ? from : to);

    /// <summary>Returns the register that a value is in at a position that the walk has passed, or −1.</summary>
    public int RegisterAt(VReg v, int position)
    {
        var p = States[v].FirstRange;
        for (var k = 0; p >= 0 && k < SearchLimit; k++, p = Ranges[p].NextRange)
        {
            if (position < Ranges[p].End)
            {
                return position >= Ranges[p].Start && Ranges[p].Location.IsRegister ? Ranges[p].Location.Value : -1;
            }
        }

        return -1;
    }

    /// <summary>Whether a value is in a register at a position that the walk has passed.</summary>
    public bool IsInRegisterAt(VReg v, int position) => RegisterAt(v, position) >= 0;

    /// <summary>Whether a live range is live at a position that the walk has not passed, as far as a bounded search tells.</summary>
    public bool IsLiveAt(int range, int position)
    {
        var segment = Ranges[range].CurrentSegment;
        for (var k = 0; segment >= 0 && k < SearchLimit; k++, segment = Segments[segment].Next)
        {
            if (position < Segments[segment].To)
            {
                return position >= Segments[segment].From;
            }
        }

        return false;
    }

    /// <summary>Reports the steps of searches to the function's budget. Searches that are short in what compilers emit can be made long on purpose.</summary>
    /// <exception cref="FunctionTooComplexException">There were too many.</exception>
    public void CountSteps()
    {
        Function.Budget.Step(Steps);
        Steps = 0;
    }
}
