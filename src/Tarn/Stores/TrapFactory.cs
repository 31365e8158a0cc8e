// Puts traps into words: the machine's code and program counter become the public code, a backtrace with names, and for memory
// faults the address within the memory. Runs before the guest's frames are dropped, since the backtrace is read from them.
using Tarn.Diagnostics;
using Tarn.Execution;
using Tarn.Memories;
using Tarn.Modules;
using Tarn.Platform;
using Tarn.Traps;
using Tarn.Wasm.Binary;
using AbiTrapCode = Tarn.Compiler.Abi.TrapCode;

namespace Tarn.Stores;

internal static unsafe class TrapFactory
{
    private const int MostFrames = 100;

    /// <summary>A trap of compiled code.</summary>
    public static TrapException Create(StoreCore store, in GuestTrap trap)
    {
        var frames = new List<FrameDescription>();
        Backtrace.WalkTrap(store.Execution, trap.ProgramCounter, frames, MostFrames);
        TrapCode code = PublicCode(trap.Code, frames);
        ulong? address = null;
        ulong? size = null;
        if (trap.IsFault && trap.Code == AbiTrapCode.NullReference)
        {
            if (store.ManagedHeap is not { } heap || !heap.Space.Contains(trap.FaultAddress))
                throw Escaped(trap, Frames(frames));
        }
        else if (trap.IsFault)
        {
            MemoryInstance memory = FindMemory(trap) ?? throw Escaped(trap, Frames(frames));
            address = (ulong)(trap.FaultAddress - (nint)memory.Base);
            size = memory.ByteLength;
            // Within bounds the only reason for a fault is a page that the system would not make accessible: no fault of the guest.
            if (address < size)
            {
                string detail = $"the system refused to make the memory's page at 0x{address:x} accessible (error {memory.Slot?.OpenError ?? 0}): it has no memory left, or the process too many mappings";
                return new TrapException(new Trap(TrapCode.AllocationTooLarge, Frames(frames), detail: detail), store);
            }
        }
        TarnMetrics.CountTrap(code);
        return new TrapException(new Trap(code, Frames(frames), address, size), store);
    }

    /// <summary>A trap that managed code found while the guest is suspended.</summary>
    public static TrapException Create(StoreCore store, TrapCode code, string? detail)
    {
        var frames = new List<FrameDescription>();
        Backtrace.WalkSuspended(store.Execution, frames, MostFrames);
        TarnMetrics.CountTrap(code);
        return new TrapException(new Trap(code, Frames(frames), detail: detail), store);
    }

    /// <summary>The calls in progress of a guest that has left for the host.</summary>
    public static GuestFrame[] SuspendedFrames(StoreCore store)
    {
        var frames = new List<FrameDescription>();
        Backtrace.WalkSuspended(store.Execution, frames, MostFrames);
        return Frames(frames);
    }

    private static GuestFrame[] Frames(List<FrameDescription> frames)
    {
        var result = new GuestFrame[frames.Count];
        for (int i = 0; i < result.Length; i++)
        {
            FrameDescription frame = frames[i];
            var module = frame.Module as ModuleCore;
            result[i] = new GuestFrame(module?.ShortName, frame.FunctionIndex, module?.FunctionName(frame.FunctionIndex), (uint)frame.WasmOffset) { Symbols = module?.Symbols };
        }
        return result;
    }

    // Compiled code faults in the reservations of its own memories or nowhere. What is outside may have been read or written before, so nothing in this process can be
    // trusted any more: better that it ends than that the guest goes on trying.
    private static InvalidOperationException Escaped(in GuestTrap trap, GuestFrame[] frames)
    {
        string message = $"a guest's access to 0x{trap.FaultAddress:x} is outside of all its memories; this is a bug in Tarn\n{string.Join('\n', frames)}";
        Environment.FailFast(message);
        return new InvalidOperationException(message);
    }

    private static MemoryInstance? FindMemory(in GuestTrap trap)
    {
        if (trap.Context == null || InstanceData.FromContext(trap.Context) is not InstanceData instance)
            return null;
        foreach (MemoryInstance memory in instance.Memories)
        {
            if ((ulong)(trap.FaultAddress - (nint)memory.Base) < memory.ReservedBytes)
                return memory;
        }
        return null;
    }

    private static TrapCode PublicCode(AbiTrapCode code, List<FrameDescription> frames) => code switch
    {
        AbiTrapCode.Unreachable => TrapCode.Unreachable,
        AbiTrapCode.MemoryOutOfBounds => TrapCode.MemoryOutOfBounds,
        AbiTrapCode.TableOutOfBounds => TrapCode.TableOutOfBounds,
        AbiTrapCode.IndirectCallToNull => TrapCode.UninitializedElement,
        AbiTrapCode.BadSignature => TrapCode.IndirectCallTypeMismatch,
        AbiTrapCode.UndefinedElement => TrapCode.UndefinedElement,
        AbiTrapCode.IntegerDivideByZero => TrapCode.IntegerDivideByZero,
        AbiTrapCode.IntegerOverflow => TrapCode.IntegerOverflow,
        AbiTrapCode.InvalidConversionToInteger => TrapCode.InvalidConversionToInteger,
        AbiTrapCode.StackOverflow => TrapCode.StackExhausted,
        AbiTrapCode.NullReference => NullReferenceCode(frames),
        AbiTrapCode.CastFailure => TrapCode.CastFailure,
        AbiTrapCode.ArrayOutOfBounds => TrapCode.ArrayOutOfBounds,
        AbiTrapCode.UnalignedAtomic => TrapCode.UnalignedAtomic,
        AbiTrapCode.Interrupted => TrapCode.Interrupted,
        AbiTrapCode.OutOfFuel => TrapCode.OutOfFuel,
        AbiTrapCode.OutOfMemory or AbiTrapCode.AllocationTooLarge => TrapCode.AllocationTooLarge,
        AbiTrapCode.UncaughtException => TrapCode.UncaughtException,
        AbiTrapCode.AtomicWaitOnUnsharedMemory => TrapCode.ExpectedSharedMemory,
        _ => throw new InvalidOperationException($"Guest code left by a trap site that no table knows (code {code}); this is a bug in Tarn."),
    };

    // Compiled code has one code for null references; what was null, the instruction tells.
    private static TrapCode NullReferenceCode(List<FrameDescription> frames)
    {
        if (frames.Count == 0 || frames[0].Module is not ModuleCore module || (uint)frames[0].WasmOffset >= (uint)module.Wasm.Bytes.Length)
            return TrapCode.NullReference;
        ReadOnlySpan<byte> bytes = module.Wasm.Bytes.Span;
        Opcode opcode = new WasmReader(bytes, frames[0].WasmOffset, bytes.Length, module.Wasm.Features).ReadOpcode();
        return opcode switch
        {
            Opcode.CallRef or Opcode.ReturnCallRef => TrapCode.NullFunctionReference,
            Opcode.StructGet or Opcode.StructGetS or Opcode.StructGetU or Opcode.StructSet => TrapCode.NullStructureReference,
            Opcode.I31GetS or Opcode.I31GetU => TrapCode.NullI31Reference,
            >= Opcode.ArrayNew and <= Opcode.ArrayInitElem => TrapCode.NullArrayReference,
            _ => TrapCode.NullReference,
        };
    }
}
