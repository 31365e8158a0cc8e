// Work that shares nothing, to tell what two threads are worth: on a virtual machine two processors can be two threads of one core, now and then or always,
// and .NET's collector stops all threads. No contender can scale better than this does.
using System.Runtime.CompilerServices;

namespace Tarn.Bench.Instantiate;

internal static class Controls
{
    /// <summary>Rounds of <see cref="Add"/> and of <see cref="Allocate"/>, each of about 50 ns.</summary>
    public const int Rounds = 800_000;

    private const int Steps = 64;
    private static readonly object s_target = new();

    /// <summary>Independent chains of additions, which fill a core's units: two threads on one core would halve each other's speed.</summary>
    public static void Add()
    {
        for (int i = 0; i < Rounds; i++)
            Chains((ulong)i);
    }

    /// <summary>The same, and what an instance of the pools costs of the heap.</summary>
    public static void Allocate()
    {
        for (int i = 0; i < Rounds; i++)
        {
            object made = new Handle { Target = s_target, First = i };
            Chains((ulong)i);
            GC.KeepAlive(made);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Chains(ulong seed)
    {
        ulong a = seed, b = seed + 1, c = seed + 2, d = seed + 3, e = seed + 4;
        for (int i = 0; i < Steps; i++)
        {
            a += d ^ 1;
            b ^= e + 3;
            c += a ^ 5;
            d ^= b + 7;
            e += c ^ 9;
        }
        return a + b + c + d + e;
    }

    // As large as an Instance.
    private sealed class Handle
    {
        public object? Target;
        public long First;
    }
}
