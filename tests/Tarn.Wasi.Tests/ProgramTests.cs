// Programs written in C and Rust, on a directory of the host and on an in-memory file system: both must look the same to them.
using System.IO.Pipelines;
using System.Text;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>Real compilers' output runs and comes to the results it checks itself.</summary>
public sealed class ProgramTests
{
    [Fact]
    public void Hello_says_hello() => Assert.Equal(new GuestResult(0, "Hello, world!\n", ""), Guest.Run("hello", []));

    [Theory]
    [InlineData("files", "/work", true)]
    [InlineData("files", "/work", false)]
    [InlineData("directories", "/work", true)]
    [InlineData("directories", "/work", false)]
    [InlineData("large", "/work/large.bin", true)]
    [InlineData("large", "/work/large.bin", false)]
    public void Files_and_directories_behave(string program, string argument, bool onHost)
    {
        using var directory = new TemporaryDirectory();
        var memory = new WasiMemoryFileSystem(128 << 20);
        WasiPreopen preopen = onHost ? WasiPreopen.Host(directory.Path, "/work") : WasiPreopen.Memory(memory, "/work");
        GuestResult result = Guest.Run(program, [argument], new WasiOptions { Preopens = [preopen] });
        Assert.Equal(new GuestResult(0, program + ": all well\n", ""), result);
    }

    [Fact]
    public void A_memory_file_system_gives_back_what_was_deleted()
    {
        var memory = new WasiMemoryFileSystem();
        memory.CreateDirectory("kept");
        long before = memory.UsedBytes;
        GuestResult result = Guest.Run("directories", ["/work"], new WasiOptions { Preopens = [WasiPreopen.Memory(memory, "/work/kept/.."), WasiPreopen.Virtual(() => Sub(memory), "/work")] });
        Assert.Equal((0, ""), (result.Status, result.Error));
        Assert.Equal(before, memory.UsedBytes);

        static WasiDirectory Sub(WasiMemoryFileSystem memory)
        {
            using WasiDirectory root = memory.OpenRoot();
            Assert.Equal(WasiErrno.Success, root.OpenDirectory("kept", out WasiDirectory? kept));
            return kept!;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rust_counts_words(bool onHost)
    {
        using var directory = new TemporaryDirectory();
        WasiPreopen preopen = onHost ? WasiPreopen.Host(directory.Path, "/data") : WasiPreopen.Memory(new WasiMemoryFileSystem(), "/data");
        GuestResult result = Guest.Run("words", ["/data"], new WasiOptions { Preopens = [preopen], Environment = [new("GREETING", "grüß dich")] });
        Assert.Equal(new GuestResult(2, "four 1\none 1\nthree 4\ntwo 3\none TWO two\n", "grüß dich\n"), result);
    }

    [Fact]
    public void Arguments_variables_and_the_exit_status_arrive()
    {
        GuestResult result = Guest.Run("arguments", ["", "a b", "日本語", "37"], new WasiOptions { Environment = [new("A", "1=2"), new("EMPTY", "")] });
        Assert.Equal("argument 0: arguments\nargument 1: \nargument 2: a b\nargument 3: 日本語\nargument 4: 37\nvariable: A=1=2\nvariable: EMPTY=\n", result.Output);
        Assert.Equal(37, result.Status);
    }

    [Theory]
    [InlineData("A=B", "1")]
    [InlineData("", "1")]
    [InlineData("A", "\0")]
    public void A_variable_that_cannot_be_passed_is_refused(string name, string value) =>
        Assert.Throws<ArgumentException>(() => new WasiContext(new WasiOptions { Environment = [new(name, value)] }));

    [Fact]
    public void A_directory_whose_name_cannot_be_passed_is_refused() =>
        Assert.Throws<ArgumentException>(() => WasiPreopen.Memory(new WasiMemoryFileSystem(), "/work\0/secret"));

    [Fact]
    public void Time_and_random_bytes_can_be_foreseen()
    {
        var options = new WasiOptions
        {
            TimeProvider = new ManualTime(new DateTimeOffset(2001, 2, 3, 4, 5, 6, TimeSpan.Zero)),
            RandomSource = static bytes => bytes.Fill(0xab),
        };
        Assert.Equal(new GuestResult(0, "2001-02-03 04:05:06\nrandom abababab\n", ""), Guest.Run("clocks", [], options));
    }

    [Fact]
    public void The_systems_clock_runs()
    {
        GuestResult result = Guest.Run("clocks", []);
        Assert.Equal((0, ""), (result.Status, result.Error));
        Assert.StartsWith($"{DateTime.UtcNow:yyyy-MM}", result.Output, StringComparison.Ordinal);
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
        GuestResult result = Guest.Run("polling", [], new WasiOptions { StandardInput = pipe.Reader.AsStream(), TimeProvider = time });
        await feeding;
        Assert.Equal(new GuestResult(0, "read one\nread two\ntimeouts some\n", ""), result);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5_000_000)]
    public void Streams_carry_any_amount(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        using (var context = new WasiContext(new WasiOptions { StandardInput = new MemoryStream(bytes), StandardOutput = output, StandardError = error, Arguments = ["cat"] }))
        {
            using Instance instance = new Linker(Guest.Engine).DefineWasi(context).Prepare(Guest.Module("cat")).Instantiate();
            Assert.Equal(0, context.Run(instance));
        }
        Assert.True(bytes.AsSpan().SequenceEqual(output.ToArray()));
        Assert.Equal($"{length} bytes\n", Encoding.UTF8.GetString(error.ToArray()));
    }

    [Theory]
    [InlineData("abort", TrapCode.Unreachable, "fail")]
    [InlineData("divide", TrapCode.IntegerDivideByZero, "divide")]
    [InlineData("outside", TrapCode.MemoryOutOfBounds, "outside")]
    [InlineData("stack", null, "deeper")]
    public void A_crash_is_a_trap_that_names_the_function(string how, TrapCode? code, string function)
    {
        TrapException trap = Assert.Throws<TrapException>(() => Guest.Run("crash", [how]));
        if (code is not null)
            Assert.Equal(code, trap.Code);
        Assert.Contains(trap.GuestBacktrace, frame => frame.ToString().Contains(function, StringComparison.Ordinal));
    }

    [Fact]
    public void Sixteen_instances_share_a_template_and_have_contexts_of_their_own()
    {
        using InstanceTemplate template = new Linker(Guest.Engine).DefineWasi().Prepare(Guest.Module("arguments"));
        Parallel.For(0, 16, i =>
        {
            using var output = new MemoryStream();
            using var context = new WasiContext(new WasiOptions { Arguments = ["arguments", i.ToString()], StandardOutput = output });
            using Instance instance = template.Instantiate(context);
            Assert.Equal(i, context.Run(instance));
            Assert.Equal($"argument 0: arguments\nargument 1: {i}\n", Encoding.UTF8.GetString(output.ToArray()));
        });
    }
}
