// Where a value is after allocation, in one int:
//
//   kind  bits 28..30   payload
//   0     register      its number, 0..63
//   1     spill slot    index in units of 8 bytes
//   2     nowhere: repeat the definition of virtual register `payload`
//   −1    none
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Where a value is.</summary>
internal readonly record struct Location(int Value)
{
    private const int KindShift = 28;
    private const int PayloadMask = (1 << KindShift) - 1;

    /// <summary>No location.</summary>
    public static Location None => new(-1);

    /// <summary>A register.</summary>
    public static Location Register(int register) => new(register);

    /// <summary>A spill slot.</summary>
    public static Location Slot(int index) => new(index | (1 << KindShift));

    /// <summary>Wherever the definition of a virtual register is repeated.</summary>
    public static Location Rematerialise(VReg virtualRegister) => new(virtualRegister.Index | (2 << KindShift));

    /// <summary>Whether it is a register.</summary>
    public bool IsRegister => (uint)Value < 64;

    /// <summary>Whether it is a spill slot.</summary>
    public bool IsSlot => Value >> KindShift == 1;

    /// <summary>Whether the value is made anew.</summary>
    public bool IsRematerialised => Value >> KindShift == 2;

    /// <summary>Whether there is no location.</summary>
    public bool IsNone => Value < 0;

    /// <summary>The virtual register whose definition is repeated.</summary>
    public VReg VirtualRegister => new(Payload);

    /// <summary>Register number, slot or virtual register.</summary>
    public int Payload => Value & PayloadMask;

    /// <inheritdoc/>
    public override string ToString() => IsNone ? "-" : IsRegister ? $"r{Value}" : IsSlot ? $"slot{Payload}" : $"remat(v{Payload})";
}

/// <summary>How a move is done.</summary>
internal enum MoveKind : byte
{
    /// <summary>To := From. Never from slot to slot.</summary>
    Move,

    /// <summary>To and From, integer registers, change their contents.</summary>
    Exchange,

    /// <summary>To := From, both slots, with no register free for it.</summary>
    SlotToSlot,
}

/// <summary>A move that the allocator inserts before an instruction.</summary>
internal struct AllocatedMove
{
    /// <summary>The instruction it comes before. Moves of one instruction are done one after the other.</summary>
    public int Instruction;

    /// <summary>Source.</summary>
    public Location From;

    /// <summary>Target.</summary>
    public Location To;

    /// <summary>Virtual register moved: gives the type.</summary>
    public VReg VirtualRegister;

    /// <summary>How.</summary>
    public MoveKind Kind;
}

/// <summary>What the collector finds and changes at a safepoint.</summary>
internal struct Safepoint
{
    /// <summary>The instruction.</summary>
    public int Instruction;

    /// <summary>Start of its places in <see cref="Allocation.References"/>.</summary>
    public int Start;

    /// <summary>Number of its places.</summary>
    public int Count;
}

/// <summary>The result of register allocation.</summary>
internal sealed class Allocation
{
    /// <summary>Location of each operand of the function; none for a rematerialisable definition that no register needs.</summary>
    public GrowableArray<Location> Locations = new(4096);

    /// <summary>Moves in the order of instructions.</summary>
    public GrowableArray<AllocatedMove> Moves = new(1024);

    /// <summary>Number of spill slots of 8 bytes.</summary>
    public int SlotCount;

    /// <summary>The safepoints that managed references live across, in the order of instructions.</summary>
    public GrowableArray<Safepoint> Safepoints = new(16);

    /// <summary>Places of managed references, each safepoint's together: slots, and registers where the safepoint preserves them.</summary>
    public GrowableArray<Location> References = new(64);

    /// <summary>All registers written anywhere.</summary>
    public ulong UsedRegisters;

    /// <summary>Forgets everything and keeps the storage.</summary>
    public void Clear()
    {
        Locations.Clear();
        Moves.Clear();
        Safepoints.Clear();
        References.Clear();
        SlotCount = 0;
        UsedRegisters = 0;
    }
}
