// tarn snapshot as a process: what initialization left is what tarn run continues from, and what cannot be taken is said.
using Tarn.Cli.Tests.Support;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Cli.Tests;

public sealed class SnapshotCommandTests : IDisposable
{
    private const string Text = """
        (module
          (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1) (data (i32.const 0) "file")
          (global $n (mut i32) (i32.const 1))
          (func (export "_initialize") (if (i32.ne (global.get $n) (i32.const 1)) (then unreachable)) (global.set $n (i32.const 2)))
          (func (export "init") (i32.store (i32.const 5000) (i32.const 40)))
          (func (export "open") (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 64))))
          (func (export "leave") (call $exit (i32.const 3)))
          (func (export "trap") unreachable)
          (func (export "answer") (param i32) (result i32) (i32.add (local.get 0) (i32.add (global.get $n) (i32.load (i32.const 5000))))))
        """;

    private readonly TemporaryDirectory _directory = new();

    public SnapshotCommandTests() => File.WriteAllText(_directory["m.wat"], Text);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Run_continues_from_the_state_that_initialization_left()
    {
        GuestResult made = Tarn("snapshot", _directory["m.wat"], "--invoke", "init");
        Assert.Equal((0, ""), (made.Status, made.Error));
        Assert.Contains("m.tarn: ", made.Output, StringComparison.Ordinal);
        Assert.Equal((0, "142\n"), Outcome(Tarn("run", "--invoke", "answer", _directory["m.tarn"], "100")));
        // Once more, from there.
        Assert.Equal(0, Tarn("snapshot", _directory["m.tarn"], "--invoke", "init", "-o", _directory["again.tarn"]).Status);
        Assert.Equal((0, "142\n"), Outcome(Tarn("run", "--invoke", "answer", _directory["again.tarn"], "100")));
    }

    [Theory]
    [InlineData("trap", 134, "unreachable")]
    [InlineData("leave", 1, "ended the program, with status 3")]
    [InlineData("open", 1, "WASI descriptor 4 open")]
    [InlineData("missing", 1, "missing")]
    public void What_cannot_be_taken_is_said(string function, int status, string message)
    {
        File.WriteAllText(_directory["file"], "");
        GuestResult result = Tarn("snapshot", "--dir", _directory.Path + "::/", "--invoke", function, _directory["m.wat"]);
        Assert.Equal(status, result.Status);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_directory["m.tarn"]));
    }

    [Fact]
    public void A_module_without_an_initialization_is_refused()
    {
        File.WriteAllText(_directory["e.wat"], "(module)");
        GuestResult result = Tarn("snapshot", _directory["e.wat"]);
        Assert.Equal(1, result.Status);
        Assert.Contains("--invoke", result.Error, StringComparison.Ordinal);
    }

    private static (int Status, string Output) Outcome(GuestResult result) => (result.Status, result.Output);

    private static GuestResult Tarn(params string[] arguments) => CommandLine.Run(arguments);
}
