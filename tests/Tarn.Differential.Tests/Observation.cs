// What a run of one module shows from outside, in a form that two engines can be compared by.
using System.Text;

namespace Tarn.Differential.Tests;

/// <summary>A transcript: one line for each call (results or trap), then memory and globals.</summary>
internal sealed class Observation
{
    private readonly StringBuilder _lines = new();

    /// <summary>The host functions mix their arguments into this, so that a call with other arguments, or in another order, shows.</summary>
    public ulong HostHash { get; set; } = 14695981039346656037;

    public void Line(string text) => _lines.Append(text).Append('\n');

    public void Memory(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in bytes)
        {
            hash = (hash ^ b) * 1099511628211;
        }

        Line($"memory {bytes.Length} {hash:x16}");
    }

    public override string ToString() => _lines + $"host {HostHash:x16}\n";

    /// <summary>The arguments of the k-th call of an export: the same for each engine.</summary>
    public static long Argument(int seed, int call, int position) => unchecked(((seed * 7919L) + (call * 104729L) + (position * 1299709L)) * 0x5851F42D4C957F2DL) >> ((position + call) % 3 * 20);

    public long Mix(int a, long b, float c, double d)
    {
        ulong h = HostHash;
        h = (h ^ (uint)a) * 1099511628211;
        h = (h ^ (ulong)b) * 1099511628211;
        h = (h ^ BitConverter.SingleToUInt32Bits(c)) * 1099511628211;
        h = (h ^ BitConverter.DoubleToUInt64Bits(d)) * 1099511628211;
        HostHash = h;
        return (long)(h >> 7);
    }

    public void Note(int a) => HostHash = (HostHash ^ (uint)a) * 1099511628211;
}
