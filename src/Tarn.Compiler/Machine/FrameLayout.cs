// Where the parts of a frame are. Offsets count in bytes from the stack pointer, which has one value between prologue and epilogue:
//
//   | spill slots | result buffer | VM context | saved registers | return address | stack arguments |
//   0             ResultOffset    ContextOffset LocalBytes       Size
//
// The frame tables of backtraces hold Size, so a target whose calls leave the return address in a register stores it at the top of the frame.
using System.Numerics;
using Tarn.Compiler.Allocate;

namespace Tarn.Compiler.Machine;

/// <summary>The frame of a function.</summary>
internal readonly struct FrameLayout
{
    /// <summary>Bytes of a spill slot.</summary>
    public const int SlotBytes = 8;

    /// <summary>Lays out the frame of a function whose registers are allocated.</summary>
    public FrameLayout(MachineFunction machine, Allocation allocation, RegisterFile registers)
    {
        ResultOffset = SlotBytes * allocation.SlotCount;
        ContextOffset = ResultOffset + ((machine.ResultBufferBytes + SlotBytes - 1) & -SlotBytes);
        LocalBytes = ContextOffset + (machine.SavesVmContext ? SlotBytes : 0);
        Saved = allocation.UsedRegisters & registers.CalleeSaved;
        SavedBytes = SlotBytes * BitOperations.PopCount(Saved);
    }

    /// <summary>Where the buffer for results of calls is.</summary>
    public int ResultOffset { get; }

    /// <summary>Where the VM context is kept, if it is.</summary>
    public int ContextOffset { get; }

    /// <summary>Bytes below the saved registers.</summary>
    public int LocalBytes { get; }

    /// <summary>The callee-saved registers that the function writes.</summary>
    public ulong Saved { get; }

    /// <summary>Bytes of the saved registers.</summary>
    public int SavedBytes { get; }

    /// <summary>Bytes from the stack pointer to the return address.</summary>
    public int Size => LocalBytes + SavedBytes;
}
