// What users do wrong, and what is wrong with their streams: each ends in a sentence on standard error and a documented exit status, never in a stack trace or an abort.
using Tarn.Cli.Tests.Support;
using Tarn.TestSupport;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Cli.Tests;

/// <summary>The command line says what is wrong in words for its user.</summary>
public sealed class CommandLineFaultTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("run DIR", 2, "is a directory")]
    [InlineData("run DIR/garbage", 2, "neither a binary module")]
    [InlineData("validate DIR/garbage", 2, "neither a binary module")]
    [InlineData("run DIR/empty", 2, "is empty")]
    [InlineData("run DIR/syntax.wat", 1, "syntax.wat:2:3")]
    [InlineData("compile DIR/compiled.tarn", 2, "which only tarn run")]
    [InlineData("validate DIR/compiled.tarn", 2, "which only tarn run")]
    [InlineData("compile DIR/two.wat -o DIR/missing/two.tarn", 2, "missing/two.tarn")]
    [InlineData("run --dir DIR/empty DIR/two.wat", 1, "say which function to call with --invoke; the module exports a, b")]
    [InlineData("run --dir DIR/empty --invoke a DIR/two.wat", 2, "is not a directory")]
    [InlineData("run --invoke c DIR/two.wat", 1, "--invoke c: the module exports no function of that name; it exports a, b")]
    [InlineData("run --invoke m DIR/two.wat", 1, "--invoke m: the module exports no function of that name; it exports a, b")]
    [InlineData("run --invoke a DIR/two.wat 1 x", 1, "argument 2: \"x\" is no f64")]
    [InlineData("run --invoke a DIR/two.wat --1 1", 1, "argument 1: \"--1\" is no i32")]
    [InlineData("run --invoke a DIR/two.wat 4294967296 1", 1, "4294967296 does not fit an i32")]
    [InlineData("run --wordy DIR/two.wat", 1, "There is no option --wordy.")]
    [InlineData("run --timeout soon DIR/two.wat", 1, "--timeout soon: give a number of seconds")]
    [InlineData("run --fuel 1.5 DIR/two.wat", 1, "--fuel 1.5: give a number of instructions")]
    [InlineData("run --memory huge DIR/two.wat", 1, "--memory huge: give guarded or checked")]
    public void A_mistake_is_named(string line, int status, string message)
    {
        File.WriteAllBytes(_directory["garbage"], [7, 200, 0, 27, 255]);
        File.WriteAllText(_directory["empty"], "");
        File.WriteAllText(_directory["syntax.wat"], "(module\n  oops)");
        File.WriteAllText(_directory["two.wat"], "(module (memory (export \"m\") 1) (func (export \"a\") (param i32 f64)) (func (export \"b\")))");
        File.WriteAllText(_directory["compiled.tarn"], "TARNAOT\0and so on");
        GuestResult result = CommandLine.Run(line.Replace("DIR", _directory.Path, StringComparison.Ordinal).Split(' '));
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal((status, ""), (result.Status, result.Output));
        Assert.DoesNotContain("Parameter '", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_function_that_is_not_there_is_missed_before_anything_runs()
    {
        File.WriteAllText(_directory["start.wat"], "(module (func $f unreachable) (start $f) (func (export \"g\")))");
        Assert.Equal(1, CommandLine.Run("run", "--invoke", "h", _directory["start.wat"]).Status);
    }

    [Fact]
    public void Numbers_that_are_none_have_names()
    {
        File.WriteAllText(_directory["f.wat"], "(module (func (export \"f\") (param f32 f64 f64) (result f32 f64 f64) local.get 0 local.get 1 local.get 2))");
        Assert.Equal(new GuestResult(0, "-inf\ninf\nnan\n", ""), CommandLine.Run("run", _directory["f.wat"], "-inf", "inf", "nan"));
    }

    [Theory]
    [InlineData("tarn run HELLO >&-", 0, "", "")]
    [InlineData("tarn run CAT <&-", 99, "", "errno 8")]
    [InlineData("tarn run CAT <&- 2>&-", 99, "", "")]
    [InlineData("tarn run CAT </", 99, "", "errno 31")]
    [InlineData("tarn run MISSING 2>&-", 2, "", "")]
    [InlineData("tarn run MISSING 2>/dev/full", 2, "", "")]
    [InlineData("tarn run MISSING <&- >&- 2>&-", 2, "", "")]
    [InlineData("tarn run ADD 1 2 >&-", 2, "", "tarn: standard output is closed\n")]
    [InlineData("tarn run ADD 1 2 >/dev/full", 2, "", "tarn: No space left on device")]
    [InlineData("tarn run CRASH abort >&- 2>&-", 134, "", "")]
    [InlineData("tarn run <(cat HELLO)", 0, "Hello, world!\n", "")]
    [InlineData("tarn run - < HELLO", 0, "Hello, world!\n", "")]
    [InlineData("ulimit -v 3000000; tarn run HELLO", 0, "Hello, world!\n", "")]
    [InlineData("ulimit -v 3000000; tarn run --verbose --max-memory 1M HELLO", 0, "Hello, world!\n", "memories are checked")]
    [InlineData("ulimit -v 3000000; tarn run --memory guarded HELLO", 1, "", "MemoryStrategy.Checked")]
    // A limit for sizes of files, which the kernel enforces by a signal; the runtime's own code lies in such a file unless it is told otherwise.
    [InlineData("export DOTNET_EnableWriteXorExecute=0; ulimit -f 1; tarn compile WORDS -o words.tarn", 2, "", "(ulimit -f)")]
    [InlineData("export DOTNET_EnableWriteXorExecute=0; export TARN_CACHE_DIR=$PWD/cache; ulimit -f 1; tarn run WORDS", 134, "", "index out of bounds")]
    public void Streams_may_be_anything(string line, int status, string output, string error)
    {
        line = line.Replace("HELLO", Guest.PathOf("hello"), StringComparison.Ordinal).Replace("CAT", Guest.PathOf("cat"), StringComparison.Ordinal)
            .Replace("WORDS", Guest.PathOf("words"), StringComparison.Ordinal)
            .Replace("CRASH", Guest.PathOf("crash"), StringComparison.Ordinal).Replace("ADD", Repository.PathOf("samples", "add.wat"), StringComparison.Ordinal);
        // A descriptor of the runtime's that took a closed stream's number would be read, or waited for, for ever.
        GuestResult result = CommandLine.Shell($"cd '{_directory.Path}'; {line}");
        Assert.Equal((status, output), (result.Status, result.Output));
        Assert.Contains(error, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_lost_in_a_pipe_whose_reader_is_slow()
    {
        File.WriteAllText(_directory["flood.wat"], """
            (module
              (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (memory (export "memory") 2)
              (data (i32.const 0) "\40\00\00\00\a0\86\01\00")
              (func (export "_start") (local $n i32) (local $errno i32)
                (loop $again
                  (local.set $errno (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                  (if (local.get $errno) (then (call $exit (local.get $errno))))
                  (local.set $n (i32.add (local.get $n) (i32.const 1)))
                  (br_if $again (i32.lt_u (local.get $n) (i32.const 300)))
                  (call $exit (i32.const 7)))))
            """);
        Assert.Equal("30000000\n7\n", CommandLine.Shell($"tarn run '{_directory["flood.wat"]}' | (sleep 1; wc -c); echo ${{PIPESTATUS[0]}}").Output.Replace(" ", "", StringComparison.Ordinal));
        // A reader that goes away is EPIPE to the guest, which decides what it makes of it.
        Assert.Equal("64\n", CommandLine.Shell($"tarn run '{_directory["flood.wat"]}' | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}").Output);
        // So is a limit for sizes of files EFBIG, which the kernel tells by a signal too.
        Assert.Equal("22\n", CommandLine.Shell($"export DOTNET_EnableWriteXorExecute=0; (ulimit -f 100; tarn run '{_directory["flood.wat"]}' > '{_directory["out"]}'); echo $?").Output);
    }

    [Fact]
    public void What_a_module_calls_things_is_shown_and_not_obeyed()
    {
        File.WriteAllText(_directory["names.wat"], "(module (func (export \"\\1b]0;title\\07\") unreachable) (func (export \"b\\u{202e}\")))");
        GuestResult listed = CommandLine.Run("run", _directory["names.wat"]);
        Assert.Contains("exports \\u{1b}]0;title\\u{7}, b\\u{202e}", listed.Error, StringComparison.Ordinal);
        GuestResult trapped = CommandLine.Run("run", "--invoke", "\u001b]0;title\a", _directory["names.wat"]);
        Assert.Equal(134, trapped.Status);
        Assert.Contains("at \\u{1b}]0;title\\u{7} @", trapped.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', listed.Error + trapped.Error);
    }
}
