// 128 bits of hash, so that two states are taken for one only in theory.
namespace Tarn.Runtime.Tests.Scheduling;

internal struct StateHash()
{
    private ulong _a = 0x9E3779B97F4A7C15;
    private ulong _b = 0xC2B2AE3D27D4EB4F;

    public readonly Int128 Value => new(_a, _b);

    public void Add(long value)
    {
        _a = (_a ^ (ulong)value) * 0xFF51AFD7ED558CCD;
        _a ^= _a >> 32;
        _b = ulong.RotateLeft(_b + (ulong)value, 31) * 0x9FB21C651E98DF25;
        _b ^= _b >> 29;
    }

    public void Add(Int128 value)
    {
        Add((long)value);
        Add((long)(value >> 64));
    }
}
