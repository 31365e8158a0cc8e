// The encoding of stored states: what goes in comes out, and nothing else fits.
using Tarn.Orleans.Actors;

namespace Tarn.Orleans.Tests;

public sealed class ZeroRunsTests
{
    [Fact]
    public void Bytes_come_back()
    {
        var random = new Random(20);
        for (int i = 0; i < 3000; i++)
        {
            byte[] bytes = new byte[random.Next(600)];
            for (int n = random.Next(40); n > 0 && bytes.Length > 0; n--)
            {
                int at = random.Next(bytes.Length);
                bytes.AsSpan(at, random.Next(Math.Min(30, bytes.Length - at) + 1)).Fill((byte)random.Next(256));
            }
            byte[] encoded = ZeroRuns.Encode(bytes);
            byte[] decoded = new byte[bytes.Length];
            Assert.True(ZeroRuns.TryDecode(encoded, decoded));
            Assert.Equal(bytes, decoded);
            Assert.False(ZeroRuns.TryDecode(encoded, new byte[bytes.Length + 1]));
            if (bytes.Length > 0)
                Assert.False(ZeroRuns.TryDecode(encoded, new byte[bytes.Length - 1]));
            // Whatever the bytes are, it neither throws nor writes elsewhere.
            random.NextBytes(encoded);
            ZeroRuns.TryDecode(encoded, decoded);
        }
        Assert.InRange(ZeroRuns.Encode(new byte[1 << 20]).Length, 1, 8);
    }
}
