// Why: the registers that a guest's frames keep for their callers, as they were where an exception's way up has come to. Which they are is the machine's business (MachineStubs).
using System.Runtime.CompilerServices;

namespace Tarn.Execution;

/// <summary>Values of preserved registers and the VM context, in the frame that unwinding has reached.</summary>
internal unsafe struct UnwoundRegisters
{
    /// <summary>The VM context that the frame's function runs with. Known to be that of the frame once <see cref="MachineStubs.EnterFrame"/> has seen it.</summary>
    public VmContext* VmContext;

    /// <summary>The preserved registers.</summary>
    public Preserved Values;

    /// <summary>As many as any machine preserves.</summary>
    [InlineArray(5)]
    internal struct Preserved
    {
        private ulong _first;
    }
}
