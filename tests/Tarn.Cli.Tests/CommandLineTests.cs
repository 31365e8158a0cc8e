// tarn run and tarn compile from the outside: exit statuses, streams, limits, messages, files.
using System.Diagnostics;
using Tarn.Cli.Tests.Support;
using Tarn.TestSupport;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Cli.Tests;

/// <summary>The command line does what its help says.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Arguments_behind_the_module_are_the_guests()
    {
        string program = Guest.PathOf("arguments");
        GuestResult result = CommandLine.Run("run", "--env", "A=1", "-e", "TARN_TEST_VARIABLE", program, "--help", "-x", "--", "7");
        Assert.Equal((7, ""), (result.Status, result.Error));
        Assert.Equal(
            $"argument 0: {program}\nargument 1: --help\nargument 2: -x\nargument 3: --\nargument 4: 7\nvariable: A=1\nvariable: TARN_TEST_VARIABLE=passed on\n", result.Output);
    }

    [Fact]
    public void Standard_streams_go_through()
    {
        string text = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"line {i}\n"));
        GuestResult result = CommandLine.Finish(CommandLine.Start(null, "run", Guest.PathOf("cat")), text);
        Assert.Equal(new GuestResult(0, text, $"{text.Length} bytes\n"), result);
    }

    [Fact]
    public void Modules_come_from_standard_input()
    {
        const string Text = "(module (func (export \"f\") (result i32) (i32.const 7)))";
        string binary = _directory["f.wasm"];
        Assert.Equal(new GuestResult(0, "", ""), CommandLine.Finish(CommandLine.Start(null, "parse", "-", "-o", binary), Text));
        GuestResult printed = CommandLine.Run("print", binary);
        Assert.Equal(0, printed.Status);
        GuestResult again = CommandLine.Finish(CommandLine.Start(null, "print", "-"), printed.Output);
        Assert.Equal(printed, again);
        GuestResult valid = CommandLine.Finish(CommandLine.Start(null, "validate", "-"), printed.Output);
        Assert.Equal(0, valid.Status);
        Assert.StartsWith("(standard input): valid", valid.Output, StringComparison.Ordinal);
        GuestResult invalid = CommandLine.Finish(CommandLine.Start(null, "validate", "-"), Text.Replace("i32.const 7", "i64.const 7", StringComparison.Ordinal));
        Assert.Equal(1, invalid.Status);
        Assert.Contains("type mismatch", invalid.Error + invalid.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Directories_are_those_given_and_no_others()
    {
        GuestResult result = CommandLine.Run("run", "--dir", $"{_directory.Path}::/work", Guest.PathOf("files"), "/work");
        Assert.Equal(new GuestResult(0, "files: all well\n", ""), result);
        GuestResult refused = CommandLine.Run("run", "--read-dir", $"{_directory.Path}::/work", Guest.PathOf("files"), "/work");
        Assert.Equal(99, refused.Status);
        GuestResult nothing = CommandLine.Run("run", Guest.PathOf("files"), _directory.Path);
        Assert.Equal(99, nothing.Status);
        GuestResult missing = CommandLine.Run("run", "--dir", _directory["not-there"], Guest.PathOf("hello"));
        Assert.Equal(2, missing.Status);
        Assert.Contains("There is no directory", missing.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("abort", "at fail @", "abort(), failed assertions")]
    [InlineData("divide", "at divide @", "divided by zero")]
    [InlineData("outside", "at outside @", "wild or null pointer")]
    public void A_trap_is_told_with_a_backtrace_and_a_hint(string how, string frame, string hint)
    {
        GuestResult result = CommandLine.Run("run", Guest.PathOf("crash"), how);
        Assert.Equal((134, "before\n"), (result.Status, result.Output));
        Assert.Contains(frame, result.Error, StringComparison.Ordinal);
        Assert.Contains("hint: ", result.Error, StringComparison.Ordinal);
        Assert.Contains(hint, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_end_a_guest_that_never_ends()
    {
        GuestResult late = CommandLine.Run("run", "--timeout", "3", Guest.PathOf("crash"), "spin");
        Assert.Equal(124, late.Status);
        Assert.Contains("the guest was stopped: its 3 s (--timeout) were over", late.Error, StringComparison.Ordinal);
        Assert.Contains("at main @", late.Error, StringComparison.Ordinal);
        GuestResult empty = CommandLine.Run("run", "--fuel", "1000000", Guest.PathOf("crash"), "spin");
        Assert.Equal(134, empty.Status);
        Assert.Contains("--fuel", empty.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_guest_that_waits_for_ever_ends_too()
    {
        // What it reads comes back, and then nothing comes: it hangs in a read of the system's, which hears no cancellation.
        using Process process = CommandLine.Start(null, "run", "--timeout", "4", Guest.PathOf("cat"));
        process.StandardInput.WriteLine("it reads");
        process.StandardInput.Flush();
        Assert.Equal("it reads", process.StandardOutput.ReadLine());
        CommandLine.WaitForExit(process);
        Assert.Equal(124, process.ExitCode);
        Assert.Equal(
            "tarn: the guest was ended in a call that cannot be interrupted, such as reading its input: its 4 s (--timeout) were over\n", process.StandardError.ReadToEnd());
    }

    [Fact]
    public void Time_before_the_guest_has_begun_is_not_the_guests()
    {
        using Process process = CommandLine.Start(null, "run", "--timeout", "3", "-");
        // More than fits a pipe: when it is written, the command has begun to read.
        process.StandardInput.Write(new string(' ', 1 << 20));
        process.StandardInput.Flush();
        Assert.False(process.WaitForExit(TimeSpan.FromSeconds(3.5)));
        Assert.Equal(new GuestResult(0, "7\n", ""), CommandLine.Finish(process, "(module (func (export \"f\") (result i32) i32.const 7))"));
    }

    [Theory]
    [InlineData("--timeout", "0.3", 124)]
    [InlineData("--fuel", "100000", 134)]
    public void Limits_hold_for_a_start_function(string option, string value, int status)
    {
        File.WriteAllText(_directory["start.wat"], "(module (func $f (loop $l (br $l))) (start $f) (func (export \"f\")))");
        GuestResult result = CommandLine.Run("run", option, value, _directory["start.wat"]);
        Assert.Equal(status, result.Status);
        Assert.Contains(option, result.Error, StringComparison.Ordinal);
        Assert.Contains("at f @", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Before_the_guest_has_begun_a_signal_ends_the_process_at_once()
    {
        using Process process = CommandLine.Start(null, "run", "-");
        // Once more than fits a pipe is written, the command has begun to read and listens for signals.
        process.StandardInput.Write(new string(' ', 1 << 20));
        process.StandardInput.Flush();
        Signal(process, "-INT");
        CommandLine.WaitForExit(process);
        Assert.Equal(130, process.ExitCode);
        Assert.Equal("tarn: interrupted before the guest was started\n", process.StandardError.ReadToEnd());
    }

    [Fact]
    public void Control_C_interrupts_the_guest()
    {
        using Process process = CommandLine.Start(null, "run", Guest.PathOf("crash"), "spin");
        Assert.Equal("before", process.StandardOutput.ReadLine());
        Signal(process, "-INT");
        CommandLine.WaitForExit(process);
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("interrupted", process.StandardError.ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_has_the_size_it_is_given()
    {
        File.WriteAllText(_directory["grow.wat"], "(module (memory 1) (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0))))");
        Assert.Equal("-1\n", CommandLine.Run("run", "--max-memory", "1M", _directory["grow.wat"], "16").Output);
        Assert.Equal("1\n", CommandLine.Run("run", "--max-memory", "1M", _directory["grow.wat"], "15").Output);
        Assert.Equal(1, CommandLine.Run("run", "--max-memory", "lots", _directory["grow.wat"], "15").Status);
        GuestResult refused = CommandLine.Run("run", "--max-memory", "64K", Guest.PathOf("hello"));
        Assert.Equal(1, refused.Status);
        Assert.Contains("--max-memory", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Functions_are_called_with_values()
    {
        string add = Repository.PathOf("samples", "add.wat");
        Assert.Equal(new GuestResult(0, "-1\n", ""), CommandLine.Run("run", "--invoke", "add", add, "2", "-3"));
        GuestResult few = CommandLine.Run("run", "--invoke", "add", add, "2");
        Assert.Equal(1, few.Status);
        Assert.Contains("takes 2 arguments", few.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Vectors_are_given_and_printed()
    {
        string path = Path.Combine(Path.GetTempPath(), $"tarn-vectors-{Guid.NewGuid():n}.wat");
        File.WriteAllText(path, """(module (func (export "add") (param v128 v128) (result v128) (i32x4.add (local.get 0) (local.get 1))))""");
        try
        {
            Assert.Equal(new GuestResult(0, "0x00000004fffffffd0000000200000002\n", ""), CommandLine.Run("run", "--invoke", "add", path, "i32x4:1,2,-3,4", "0x1"));
            Assert.Equal(
                new GuestResult(0, "0x3f8000003f8000003f80000180ff02ff\n", ""),
                CommandLine.Run("run", "--invoke", "add", path, "i8x16:255,2,-1,-128,1,0,128,63,0,0,128,63,0,0,128,63", "0x00000000000000000000000000000000"));
            foreach (string wrong in (string[])["1", "0x", "0x123456789012345678901234567890123", "i32x4:1,2,3", "i32x3:1,2,3", "i8x16:256,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", "f32x4:1,2,3,x"])
            {
                Assert.Equal(1, CommandLine.Run("run", "--invoke", "add", path, wrong, "0x1").Status);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void What_cannot_run_is_refused_with_advice()
    {
        File.WriteAllBytes(_directory["component.wasm"], [0, (byte)'a', (byte)'s', (byte)'m', 0x0d, 0, 1, 0]);
        Assert.Contains("the component is not a program", CommandLine.Run("run", _directory["component.wasm"]).Error, StringComparison.Ordinal);
        File.WriteAllText(_directory["env.wat"], "(module (import \"env\" \"f\" (func)) (func (export \"_start\")))");
        GuestResult foreign = CommandLine.Run("run", _directory["env.wat"]);
        Assert.Equal(1, foreign.Status);
        Assert.Contains("Emscripten", foreign.Error, StringComparison.Ordinal);
        Assert.Equal(2, CommandLine.Run("run", _directory["missing.wasm"]).Status);
    }

    [Fact]
    public void A_module_compiled_ahead_of_time_runs()
    {
        GuestResult compiled = CommandLine.Run("compile", Guest.PathOf("words"), "-o", _directory["words.tarn"]);
        Assert.Equal((0, ""), (compiled.Status, compiled.Error));
        GuestResult result = CommandLine.Run("run", "--dir", $"{_directory.Path}::/data", _directory["words.tarn"], "/data");
        Assert.Equal((2, "four 1\none 1\nthree 4\ntwo 3\none TWO two\n"), (result.Status, result.Output));
        // Limits are not part of the code: the same file runs within any.
        Assert.Equal(2, CommandLine.Run("run", "--max-memory", "64M", "--dir", $"{_directory.Path}::/data", _directory["words.tarn"], "/data").Status);
        GuestResult fuel = CommandLine.Run("run", "--fuel", "10", _directory["words.tarn"]);
        Assert.Equal(1, fuel.Status);
        Assert.Contains("compile it again", fuel.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_cache_survives_races_and_damage()
    {
        string cache = _directory["cache"];
        Directory.CreateDirectory(_directory["data"]);
        string[] arguments = ["run", "--dir", $"{_directory["data"]}::/data", Guest.PathOf("words")];
        Process[] racing = [.. Enumerable.Range(0, 4).Select(_ => CommandLine.Start(cache, [.. arguments, "/data/missing"]))];
        foreach (Process process in racing)
            _ = CommandLine.Finish(process);
        string file = Assert.Single(Directory.GetFiles(cache));
        Assert.EndsWith(".tarn", file, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(2, CommandLine.Finish(CommandLine.Start(cache, [.. arguments, "/data"])).Status);

        byte[] bytes = File.ReadAllBytes(file);
        byte[] damaged = [.. bytes];
        damaged[^100] ^= 0xff;
        File.WriteAllBytes(file, damaged);
        Assert.Equal(2, CommandLine.Finish(CommandLine.Start(cache, [.. arguments, "/data"])).Status);
        Assert.True(bytes.AsSpan().SequenceEqual(File.ReadAllBytes(file)), "what was damaged is not replaced");
        File.WriteAllBytes(file, bytes[..50]);
        Assert.Equal(2, CommandLine.Finish(CommandLine.Start(cache, [.. arguments, "/data"])).Status);

        // A directory that others may write to holds nothing that is executed.
        File.WriteAllBytes(file, damaged);
        File.SetUnixFileMode(cache, File.GetUnixFileMode(cache) | UnixFileMode.OtherWrite);
        Assert.Equal(2, CommandLine.Finish(CommandLine.Start(cache, [.. arguments, "/data"])).Status);
        Assert.True(damaged.AsSpan().SequenceEqual(File.ReadAllBytes(file)), "an unsafe cache was written to");
    }

    [Theory]
    // What is above counts as well: whoever may write there can put another directory in its place.
    [InlineData("mkdir -m 777 above; mkdir -m 700 above/cache", "above/cache", false)]
    [InlineData("mkdir -m 775 above; mkdir -m 700 above/cache", "above/cache", false)]
    [InlineData("mkdir -m 777 above; mkdir -p -m 700 above/a/b/cache; chmod 755 above/a above/a/b", "above/a/b/cache", false)]
    [InlineData("mkdir -m 1777 above; mkdir -m 700 above/cache", "above/cache", true)]
    [InlineData("mkdir -m 755 above; mkdir -m 700 above/cache; ln -s above link", "link/cache", true)]
    [InlineData("mkdir -m 777 above; mkdir -m 700 cache; ln -s ../cache above/link", "above/link", false)]
    [InlineData("mkdir -m 755 above; mkdir -m 700 cache; ln -s ../cache above/link", "above/link", true)]
    [InlineData("mkdir -m 755 above; mkdir -m 700 cache; ln -s $PWD/cache above/link", "above/../above/./link", true)]
    [InlineData("ln -s link link", "link", false)]
    [InlineData("mkdir -m 700 cache; touch cache/file; chmod 600 cache/file", "cache/file", false)]
    public void A_cache_is_used_only_where_nobody_else_can_exchange_it(string make, string path, bool used)
    {
        Assert.Equal(0, CommandLine.Shell($"cd '{_directory.Path}'; {make}").Status);
        Assert.Equal(used, Caching.PrivateDirectory.Is(Path.Combine(_directory.Path, path)));
    }

    [Fact]
    public void A_cache_of_another_user_is_not_used()
    {
        Assert.SkipUnless(Environment.UserName == "root", "NOT RUN: only root can give a directory to somebody else");
        string cache = _directory["theirs"];
        Directory.CreateDirectory(cache);
        Directory.CreateDirectory(_directory["data"]);
        using (Process change = Process.Start("chown", ["12345", cache]))
            change.WaitForExit();
        Assert.Equal(2, CommandLine.Finish(CommandLine.Start(cache, "run", "--dir", $"{_directory["data"]}::/data", Guest.PathOf("words"), "/data")).Status);
        Assert.Empty(Directory.GetFiles(cache));
        // Nor is one of ours in a directory of theirs.
        Directory.CreateDirectory(Path.Combine(cache, "ours"));
        File.SetUnixFileMode(Path.Combine(cache, "ours"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.False(Caching.PrivateDirectory.Is(Path.Combine(cache, "ours")));
    }

    private static void Signal(Process process, string signal)
    {
        using Process kill = Process.Start("kill", [signal, process.Id.ToString()])!;
        kill.WaitForExit();
    }
}
