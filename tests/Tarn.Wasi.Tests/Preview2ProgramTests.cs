// The programs of preview 1 as components of WASI 0.2: the same bytes as without the adapter. Two things are the adapter's own: it writes no more than the first piece of a vectored write,
// for which the programs `files` and `large` look, and of an exit status it passes on whether it is 0.
using System.IO.Pipelines;
using System.Text;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

public sealed class Preview2ProgramTests
{
    [Fact]
    public void Hello_says_hello() => Assert.Equal(Guest.Run("hello", []), AdaptedGuest.Run("hello", []));

    [Theory]
    [InlineData("hello")]
    [InlineData("arguments", "a", "")]
    [InlineData("polling")]
    public void Components_made_here_behave_as_those_of_the_tools(string program, params string[] arguments) =>
        Assert.Equal(AdaptedGuest.Run(program, arguments), AdaptedGuest.Run(program, arguments, isMadeHere: true));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Directories_behave(bool onHost)
    {
        using var directory = new TemporaryDirectory();
        WasiPreopen preopen = onHost ? WasiPreopen.Host(directory.Path, "/work") : WasiPreopen.Memory(new WasiMemoryFileSystem(), "/work");
        Assert.Equal(new GuestResult(0, "directories: all well\n", ""), AdaptedGuest.Run("directories", ["/work"], new WasiOptions { Preopens = [preopen] }));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rust_counts_words(bool onHost)
    {
        using var directory = new TemporaryDirectory();
        WasiPreopen preopen = onHost ? WasiPreopen.Host(directory.Path, "/data") : WasiPreopen.Memory(new WasiMemoryFileSystem(), "/data");
        GuestResult result = AdaptedGuest.Run("words", ["/data"], new WasiOptions { Preopens = [preopen], Environment = [new("GREETING", "grüß dich")] });
        Assert.Equal(new GuestResult(1, "four 1\none 1\nthree 4\ntwo 3\none TWO two\n", "grüß dich\n"), result);
    }

    [Fact]
    public void Arguments_and_variables_arrive()
    {
        WasiOptions options = new() { Environment = [new("A", "1=2"), new("EMPTY", "")] };
        GuestResult plain = Guest.Run("arguments", ["", "a b", "日本語", "0"], options);
        Assert.Equal(plain, AdaptedGuest.Run("arguments", ["", "a b", "日本語", "0"], options));
    }

    [Fact]
    public void Time_and_random_bytes_can_be_foreseen()
    {
        WasiOptions options = new()
        {
            TimeProvider = new ManualTime(new DateTimeOffset(2001, 2, 3, 4, 5, 6, TimeSpan.Zero)),
            RandomSource = static bytes => bytes.Fill(0xab),
        };
        Assert.Equal(Guest.Run("clocks", [], options), AdaptedGuest.Run("clocks", [], options));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5_000_000)]
    public void Streams_carry_any_amount(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        string text = Convert.ToHexString(bytes);
        GuestResult result = AdaptedGuest.Run("cat", [], new WasiOptions { StandardInput = new MemoryStream(Encoding.UTF8.GetBytes(text)) });
        Assert.Equal((0, $"{text.Length} bytes\n"), (result.Status, result.Error));
        Assert.True(text == result.Output);
    }

    [Fact]
    public async Task Input_that_comes_in_pieces_is_polled_for()
    {
        var pipe = new Pipe();
        using var time = new CountedTime();
        Task feeding = Task.Run(async () =>
        {
            foreach (string piece in (string[])["one", "two"])
            {
                await time.WaitedInVainAsync();
                await pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(piece));
            }
            await time.WaitedInVainAsync();
            await pipe.Writer.CompleteAsync();
        });
        GuestResult result = AdaptedGuest.Run("polling", [], new WasiOptions { StandardInput = pipe.Reader.AsStream(), TimeProvider = time });
        await feeding;
        Assert.Equal(new GuestResult(0, "read one\nread two\ntimeouts some\n", ""), result);
    }

    [Fact]
    public void A_directory_for_reading_only_stays_as_it_is()
    {
        using var directory = new TemporaryDirectory();
        GuestResult result = AdaptedGuest.Run("directories", ["/work"], new WasiOptions { Preopens = [WasiPreopen.Host(directory.Path, "/work", WasiRights.ReadOnly)] });
        Assert.NotEqual(0, result.Status);
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
    }

    [Fact]
    public void A_crash_is_a_trap_that_names_the_function()
    {
        TrapException trap = Assert.Throws<TrapException>(() => AdaptedGuest.Run("crash", ["abort"]));
        Assert.Contains(trap.GuestBacktrace, frame => frame.ToString().Contains("fail", StringComparison.Ordinal));
    }

    [Fact]
    public void A_guest_that_waits_for_input_is_stopped()
    {
        using CancellationTokenSource stop = new(TimeSpan.FromMilliseconds(500));
        Assert.ThrowsAny<OperationCanceledException>(() => AdaptedGuest.Run("cat", [], new WasiOptions { StandardInput = new Pipe().Reader.AsStream() }, cancellationToken: stop.Token));
    }
}
