// The numbers of WASI's options at their extremes: refused in words, or they work for the life of a guest. Found by reflection, so that a new one is tried too.
using System.Reflection;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>Options at their extremes.</summary>
public sealed class ExtremeOptionsTests
{
    private const int Work = 3;

    [Fact]
    public void Every_number_is_refused_in_words_or_works()
    {
        PropertyInfo[] numbers = [.. typeof(WasiOptions).GetProperties().Where(p => p.CanWrite && (p.PropertyType == typeof(int) || p.PropertyType == typeof(long)))];
        Assert.NotEmpty(numbers);
        foreach (PropertyInfo number in numbers)
        {
            foreach (long value in Extremes())
            {
                if (number.PropertyType == typeof(int) && value is < int.MinValue or > int.MaxValue)
                    continue;
                WasiOptions options = new() { Preopens = [WasiPreopen.Memory(new WasiMemoryFileSystem(), "/work")] };
                number.SetValue(options, number.PropertyType == typeof(int) ? (object)(int)value : value);
                try
                {
                    using var guest = new RawGuest(options);
                    WasiErrno errno = guest.Open(Work, "new", out _, WasiOpenFlags.Create);
                    Assert.True(errno is WasiErrno.Success or WasiErrno.TooManyDescriptors, $"{number.Name} = {value}: {errno}");
                }
                catch (ArgumentException e)
                {
                    Assert.Contains(number.Name, e.Message, StringComparison.Ordinal);
                }
            }
        }
    }

    [Fact]
    public void A_file_system_of_any_capacity_is_refused_in_words_or_keeps_to_it()
    {
        foreach (long capacity in Extremes())
        {
            try
            {
                var files = new WasiMemoryFileSystem(capacity);
                using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Memory(files, "/work")] });
                WasiErrno errno = guest.Open(Work, "new", out _, WasiOpenFlags.Create);
                Assert.True(errno is WasiErrno.Success or WasiErrno.NoSpace, $"{capacity}: {errno}");
            }
            catch (ArgumentException e)
            {
                Assert.NotEmpty(e.Message);
            }
        }
    }

    private static IEnumerable<long> Extremes()
    {
        for (int bit = 0; bit < 63; bit++)
        {
            for (int near = -1; near <= 1; near++)
                yield return (1L << bit) + near;
        }
        yield return -1;
        yield return int.MinValue;
        yield return long.MinValue;
        yield return long.MaxValue;
    }
}
