// The gate's steps on the machine itself: volatile accesses, and the operating system's process-wide barrier (membarrier on Linux).
using System.Runtime.CompilerServices;

namespace Tarn.Scheduling;

internal readonly struct GateSteps : IGateSteps
{
    public static int Thread
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Environment.CurrentManagedThreadId;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Read(ref int location, GateField field) => Volatile.Read(ref location);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ref int location, int value, GateField field) => Volatile.Write(ref location, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Tenure ReadTenure(ref Tenure location) => Volatile.Read(ref location);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteTenure(ref Tenure location, Tenure value) => Volatile.Write(ref location, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ReadDepth(Tenure tenure) => Volatile.Read(ref tenure.Depth);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteDepth(Tenure tenure, int value) => Volatile.Write(ref tenure.Depth, value);

    public static void FenceAllThreads() => Interlocked.MemoryBarrierProcessWide();
}
