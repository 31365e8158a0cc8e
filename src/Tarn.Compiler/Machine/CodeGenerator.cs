// The back half of compiling a function: IR in, machine code out. Owns the state of its stages and reuses it; one object serves one thread.
using Tarn.Assembler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Machine;

/// <summary>Generates a target's code for functions in IR.</summary>
internal sealed class CodeGenerator(MachineTarget target)
{
    // The checker keeps a bit for each value in each block. Functions beyond this exist only to find out what compilers do with them.
    private const long LargestChecked = 1L << 31;

    private readonly Lowering _lowering = target.CreateLowering();
    private readonly LinearScan _scan = new(target.Registers);
    private readonly CodeEmitter _emitter = target.CreateEmitter();
    private GrowableArray<Relocation> _relocations = new(64);
    private MachineVerifier? _verifier;
    private AllocationChecker? _checker;

    /// <summary>What code is generated for.</summary>
    public MachineTarget Target => target;

    /// <summary>Whether each function is verified as lowered and as allocated: for tests and fuzzing.</summary>
    public bool ChecksAllocation { get; set; }

    /// <summary>The function as lowered.</summary>
    public MachineFunction Machine { get; } = new();

    /// <summary>Where its values are.</summary>
    public Allocation Allocation { get; } = new();

    /// <summary>Number of live segments, uses and live ranges of the last function.</summary>
    public int RangeCount => _scan.RangeCount;

    /// <summary>The emitter, which holds the code of the last function.</summary>
    public CodeEmitter Emitter => _emitter;

    /// <summary>Records what the register allocator decides, until <see cref="EndTrace"/>.</summary>
    public AllocationTrace BeginTrace() => _scan.BeginTrace(target.Names);

    /// <summary>Ends the trace.</summary>
    public void EndTrace() => _scan.EndTrace();

    /// <summary>Generates code for a function whose order has been computed; it stays in this object until the next one.</summary>
    public void Generate(IrFunction function, bool reloadsAfterCalls)
    {
        _lowering.Lower(function, Machine, reloadsAfterCalls);
        var isChecked = ChecksAllocation && (long)Machine.Blocks.Count * Machine.Types.Count <= LargestChecked;
        if (isChecked)
        {
            (_verifier ??= new MachineVerifier(target.Forms)).Verify(Machine);
        }

        _scan.Run(Machine, Allocation);
        if (isChecked)
        {
            (_checker ??= new AllocationChecker(target.Registers)).Check(Machine, Allocation);
        }

        _emitter.Emit(Machine, Allocation);
    }

    /// <summary>What was generated, as an object that lives on.</summary>
    public CompiledFunction ToCompiledFunction()
    {
        _relocations.Clear();
        _emitter.CopyRelocations(ref _relocations);
        return new CompiledFunction
        {
            Code = _emitter.Code.ToArray(),
            Relocations = _relocations.Span.ToArray(),
            TrapSites = _emitter.TrapSites.ToArray(),
            CallSites = _emitter.CallSites.ToArray(),
            References = _emitter.References.ToArray(),
            FrameSize = _emitter.FrameSize,
            StackArgumentBytes = Machine.IncomingBytes,
            SavedRegisters = _emitter.SavedRegisters,
            Handlers = _emitter.ToHandlerTable(),
        };
    }
}
