// The gate's steps on the machine itself: volatile accesses, and the operating system's process-wide barrier (membarrier on Linux).
using System.Runtime.CompilerServices;

namespace Tarn.Scheduling;

internal readonly struct GateSteps : IGateSteps
{
    private static int s_threads;

    [ThreadStatic]
    private static int t_thread;

    /// <summary>Gets a number of the thread's own, which no other thread will have. Reading it is cheaper than the managed id.</summary>
    public static int Thread
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            int thread = t_thread;
            return thread != 0 ? thread : Assign();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Assign() => t_thread = Interlocked.Increment(ref s_threads);

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
