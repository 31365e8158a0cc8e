// The system's generator, asked directly: the framework's would load OpenSSL, which takes longer than a small guest runs.
namespace Tarn.Wasi.Host;

internal static unsafe class SystemRandom
{
    public static void Fill(Span<byte> destination)
    {
        if (!OperatingSystem.IsLinux())
        {
            System.Security.Cryptography.RandomNumberGenerator.Fill(destination);
            return;
        }
        fixed (byte* start = destination)
        {
            int filled = 0;
            while (filled < destination.Length)
            {
                nint count = Libc.GetRandom(start + filled, (nuint)(destination.Length - filled), 0);
                if (count > 0)
                    filled += (int)count;
                else if (LinuxErrno.Last() != WasiErrno.Interrupted)
                    throw new IOException($"The system gives no random bytes: {LinuxErrno.Last()}.");
            }
        }
    }
}
