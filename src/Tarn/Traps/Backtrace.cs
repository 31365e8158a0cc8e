// Why: what the frames of a guest stack say of where the guest was (StackFrames): for traps and for guests that wait.
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

    private static int Walk(ExecutionRecord* record, nint programCounter, nint stackPointer, List<FrameDescription> frames, int limit)
    {
        int first = frames.Count;
        var walk = new StackFrames(record, programCounter, stackPointer);
        while (frames.Count - first < limit && walk.MoveNext())
        {
            if (walk.Current.Kind == FrameKind.Guest)
                frames.Add(walk.Current);
        }
        return frames.Count - first;
    }
}
