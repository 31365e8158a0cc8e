// Why: goes through the frames of a guest stack by frame tables, innermost frame first, across activations: where an entry stub's return address is found, the exit frame
// of the activation that called the host is just above, since nested activations start at GuestStackPointer. Reads only within the
// store's stack and ends at the first PC it cannot explain, so a walk over a damaged stack ends early instead of faulting.
using Tarn.Execution;
using Tarn.Platform;

namespace Tarn.Traps;

/// <summary>Frames of a guest stack.</summary>
internal unsafe ref struct StackFrames
{
    private readonly ExecutionRecord* _record;
    private readonly Machine _machine;
    private nint _programCounter;
    private nint _stackPointer;
    private bool _isFirst;

    /// <summary>Starts at a frame.</summary>
    /// <param name="record">The store's execution record.</param>
    /// <param name="programCounter">Return address or trap site in the frame.</param>
    /// <param name="stackPointer">The stack pointer in the frame when no arguments are pushed.</param>
    public StackFrames(ExecutionRecord* record, nint programCounter, nint stackPointer)
    {
        _record = record;
        _machine = GuestExecution.Of(record).Machine;
        _programCounter = programCounter;
        _stackPointer = stackPointer;
        _isFirst = true;
        Exit = (ExitFrame*)stackPointer;
    }

    /// <summary>The frame.</summary>
    public FrameDescription Current { get; private set; }

    /// <summary>Its stack pointer.</summary>
    public readonly nint StackPointer => _stackPointer;

    /// <summary>The exit frame of the activation that the frame is of, where the walk began at one: registers of its innermost frame are saved there.</summary>
    public ExitFrame* Exit { get; private set; }

    /// <summary>Goes to the next frame.</summary>
    public bool MoveNext()
    {
        if (!_isFirst && !Leave())
            return false;
        _isFirst = false;
        // A return address may be the first byte after its block; the PC of a fault may be the first byte of its block.
        if (!TryDescribe(_machine.Arena.Find(_programCounter - 1), _programCounter, out FrameDescription frame)
            && !TryDescribe(_machine.Arena.Find(_programCounter), _programCounter, out frame))
        {
            return false;
        }
        Current = frame;
        return true;
    }

    private bool Leave()
    {
        FrameDescription frame = Current;
        nint above = _stackPointer + frame.FrameSize;
        if (frame.FrameSize < 0 || above < _record->StackLow || above > _record->StackHigh - sizeof(nint))
            return false;
        if (frame.Kind != FrameKind.Entry)
        {
            _machine.Stubs.Unwind(above, frame, out _programCounter, out _stackPointer);
            return true;
        }
        // The activation's bottom: what is above is the exit frame of the one that called the host, or a link to it.
        _stackPointer = above;
        if (ActivationLink.IsLink(above))
        {
            _stackPointer = ((ActivationLink*)above)->OuterStackPointer;
            if (_stackPointer <= above || _stackPointer > _record->StackHigh - sizeof(nint))
                return false;
        }
        Exit = (ExitFrame*)_stackPointer;
        _programCounter = Exit->Resume;
        return true;
    }

    private static bool TryDescribe(CodeBlock? block, nint programCounter, out FrameDescription frame)
    {
        frame = default;
        return block is not null && block.Owner!.TryGetFrame((int)(programCounter - (nint)block.Address), out frame);
    }
}
