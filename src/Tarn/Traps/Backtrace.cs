// Why: walks a guest stack by frame tables, innermost frame first, across activations: where an entry stub's return address is found, the exit frame
// of the activation that called the host lies just above, since nested activations start at GuestStackPointer. Reads only within the
// store's stack and ends at the first PC it cannot explain, so a walk over a damaged stack ends early instead of faulting.
using Tarn.Execution;
using Tarn.Platform;

namespace Tarn.Traps;

internal static unsafe class Backtrace
{
    public const int DefaultLimit = 1000;

    /// <summary>Frames of the guest that just trapped at a PC. To be called before GuestStackPointer is reset.</summary>
    public static int WalkTrap(ExecutionRecord* record, nint programCounter, List<FrameDescription> frames, int limit = DefaultLimit) =>
        Walk(record, programCounter, record->GuestStackPointer, frames, limit);

    /// <summary>Frames of the guests that are suspended in calls of the host, innermost first; none when the stack is empty.</summary>
    public static int WalkSuspended(ExecutionRecord* record, List<FrameDescription> frames, int limit = DefaultLimit)
    {
        nint stackPointer = record->GuestStackPointer;
        return stackPointer >= record->StackHigh ? 0 : Walk(record, ((ExitFrame*)stackPointer)->Resume, stackPointer, frames, limit);
    }

    // Invariant: stackPointer is the value of the stack pointer in the frame of programCounter when no arguments are pushed.
    private static int Walk(ExecutionRecord* record, nint programCounter, nint stackPointer, List<FrameDescription> frames, int limit)
    {
        CodeArena arena = Machine.Current.Arena;
        int first = frames.Count;
        while (frames.Count - first < limit)
        {
            // A return address may be the first byte after its block; the PC of a fault may be the first byte of its block.
            if (!TryDescribe(arena.Find(programCounter - 1), programCounter, out FrameDescription frame)
                && !TryDescribe(arena.Find(programCounter), programCounter, out frame))
            {
                break;
            }

            if (frame.Kind == FrameKind.Guest)
            {
                frames.Add(frame);
            }

            nint above = stackPointer + frame.FrameSize;
            if (frame.FrameSize < 0 || above < record->StackLow || above > record->StackHigh - sizeof(nint))
            {
                break;
            }

            if (frame.Kind == FrameKind.Entry)
            {
                // The activation's bottom: what is above is the exit frame of the one that called the host, or a link to it.
                stackPointer = above;
                if (ActivationLink.IsLink(above))
                {
                    stackPointer = ((ActivationLink*)above)->OuterStackPointer;
                    if (stackPointer <= above || stackPointer > record->StackHigh - sizeof(nint))
                        break;
                }

                programCounter = ((ExitFrame*)stackPointer)->Resume;
            }
            else
            {
                Machine.Current.Stubs.Unwind(above, frame, out programCounter, out stackPointer);
            }
        }

        return frames.Count - first;
    }

    private static bool TryDescribe(CodeBlock? block, nint programCounter, out FrameDescription frame)
    {
        frame = default;
        return block is not null && block.Owner!.TryGetFrame((int)(programCounter - (nint)block.Address), out frame);
    }
}
