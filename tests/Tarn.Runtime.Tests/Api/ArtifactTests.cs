// Compiled modules as bytes and as files: what was written is what is loaded, and what is damaged, cut off, foreign or changing is refused with a typed error,
// whatever happens to the file meanwhile.
using System.Diagnostics;
using Tarn.TestSupport;
using MachineLayer = Tarn.Execution.Machine;

namespace Tarn.Runtime.Tests.Api;

[Collection(ProcessWideCollection.Name)]
public sealed class ArtifactTests : IDisposable
{
    private const string Text = """
        (module
          (memory 1)
          (table 2 funcref)
          (elem (i32.const 0) $inner $set)
          (func $inner (param i32) (result i32) (i32.div_u (i32.const 84) (local.get 0)))
          (func $set (table.set (i32.const 1) (ref.func $inner)))
          (func $outer (export "divide") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))
          (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
          (func (export "set") (call $set)))
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("tarn-artifacts-").FullName;
    private readonly Engine _engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
    private readonly byte[] _artifact;

    public ArtifactTests()
    {
        using Module module = Module.FromText(_engine, Text);
        _artifact = module.Serialize();
    }

    private string File => Path.Combine(_folder, "module.tarn");

    public void Dispose()
    {
        _engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(CompilationMode.Eager)]
    [InlineData(CompilationMode.Lazy)]
    public void A_loaded_module_behaves_as_the_compiled_one(CompilationMode mode)
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationMode = mode });
        using Module compiled = Module.FromText(engine, Text);
        System.IO.File.WriteAllBytes(File, _artifact);
        using Module loaded = Module.DeserializeFile(engine, File);
        string observed = Observe(compiled);
        Assert.Equal(observed, Observe(loaded));
        // What was loaded is what is saved, byte for byte, and once more; however it was compiled, and when.
        Assert.Equal(_artifact, loaded.Serialize());
        using Module again = Module.Deserialize(engine, loaded.Serialize());
        Assert.Equal(_artifact, again.Serialize());
        Assert.Equal(observed, Observe(again));
        Assert.Equal(_artifact, compiled.Serialize());
        Assert.Equal(observed, Observe(compiled));
    }

    // Every kind of relocation, traps, calls and type tests, in modules of the corpus.
    [Theory]
    [InlineData(CompilationMode.Eager)]
    [InlineData(CompilationMode.Lazy)]
    public void Nothing_of_the_corpus_changes_by_being_loaded_and_saved(CompilationMode mode)
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationMode = mode, Features = WasmFeatures.All });
        int compared = 0;
        foreach (byte[] bytes in ModuleCorpus.All.Where(m => m.Length is > 200 and < 20_000).Take(150))
        {
            Module compiled;
            try
            {
                compiled = Module.FromBytes(engine, bytes);
            }
            catch (WasmException)
            {
                continue;
            }
            using (compiled)
            {
                byte[] saved;
                try
                {
                    saved = compiled.Serialize();
                }
                catch (WasmException)
                {
                    // What this version cannot compile yet is found when it comes to it.
                    Assert.Equal(CompilationMode.Lazy, mode);
                    continue;
                }
                using Module loaded = Module.Deserialize(engine, saved);
                Assert.Equal(saved, loaded.Serialize());
                Assert.Equal(compiled.Wasm.Facts, loaded.Wasm.Facts);
                compared++;
            }
        }
        Assert.True(compared > 50, $"{compared}");
    }

    // The code is read from where it runs: freed memory there would end the process.
    [Theory]
    [InlineData(CompilationMode.Eager)]
    [InlineData(CompilationMode.Lazy)]
    public void A_module_may_be_disposed_while_it_is_saved(CompilationMode mode)
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationMode = mode, CompilationThreads = 1 });
        int saved = 0;
        for (int round = 0; round < 300; round++)
        {
            Module module = Module.FromText(engine, Text);
            using var start = new Barrier(2);
            var saver = new Thread(() =>
            {
                start.SignalAndWait();
                try
                {
                    Assert.Equal(_artifact, module.Serialize());
                    saved++;
                }
                catch (ObjectDisposedException)
                {
                    // It came too late.
                }
            });
            saver.Start();
            start.SignalAndWait();
            Thread.SpinWait(round * 20);
            module.Dispose();
            saver.Join();
            Assert.Throws<ObjectDisposedException>(module.Serialize);
        }
        Assert.Equal(0, engine.Core.Types.Count);
        TestContext.Current.TestOutputHelper?.WriteLine($"{saved} of 300 were saved");
    }

    [Fact]
    public void A_module_without_functions_is_loaded()
    {
        using Module empty = Module.FromText(_engine, "(module (memory (export \"m\") 1))");
        using Module loaded = Module.Deserialize(_engine, empty.Serialize());
        Assert.Equal("m", Assert.Single(loaded.Exports).Name);
    }

    [Fact]
    public void No_prefix_is_accepted()
    {
        long before = MachineLayer.Current.Arena.CodeBytesInUse;
        for (int length = 0; length < _artifact.Length; length++)
        {
            byte[] prefix = _artifact[..length];
            Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(_engine, prefix));
            if (length % 97 == 0)
            {
                System.IO.File.WriteAllBytes(File, prefix);
                Assert.Throws<IncompatibleArtifactException>(() => Module.DeserializeFile(_engine, File));
            }
        }
        Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(_engine, [.. _artifact, 0]));
        // Code that other tests have forgotten may be freed meanwhile.
        Assert.InRange(MachineLayer.Current.Arena.CodeBytesInUse, 0, before);
    }

    [Fact]
    public void No_byte_can_change_unseen()
    {
        long before = MachineLayer.Current.Arena.CodeBytesInUse;
        var random = new Random(7);
        for (int at = 0; at < _artifact.Length; at++)
        {
            byte[] damaged = (byte[])_artifact.Clone();
            damaged[at] ^= (byte)random.Next(1, 256);
            Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(_engine, damaged));
        }
        // Words that change places keep sums, and must not keep this one.
        for (int round = 0; round < 2000; round++)
        {
            int a = random.Next(_artifact.Length / 8) * 8;
            int b = random.Next(_artifact.Length / 8) * 8;
            byte[] damaged = (byte[])_artifact.Clone();
            _artifact.AsSpan(a, 8).CopyTo(damaged.AsSpan(b));
            _artifact.AsSpan(b, 8).CopyTo(damaged.AsSpan(a));
            if (!damaged.AsSpan().SequenceEqual(_artifact))
                Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(_engine, damaged));
        }
        // Code that other tests have forgotten may be freed meanwhile.
        Assert.InRange(MachineLayer.Current.Arena.CodeBytesInUse, 0, before);
    }

    [Fact]
    public void Foreign_files_are_refused_with_the_reason()
    {
        Assert.Contains("TARNAOT", Refusal("\0asm\x01\0\0\0"u8.ToArray()), StringComparison.Ordinal);
        Assert.Contains("another format", Refusal([.. _artifact[..8], 2, 0, 0, 0, .. _artifact[12..]]), StringComparison.Ordinal);
        using var other = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, EnableFuel = true });
        Assert.Contains("another engine", Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(other, _artifact)).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => Module.DeserializeFile(_engine, File + ".missing"));
        Assert.Throws<UnauthorizedAccessException>(() => Module.DeserializeFile(_engine, _folder));
    }

    [Fact]
    public async Task A_file_that_changes_under_us_is_the_old_one_or_refused()
    {
        // Large enough that reading takes several calls of the system.
        string functions = string.Concat(Enumerable.Range(0, 4000).Select(i => $"(func (param i32) (result i32) (i32.mul (local.get 0) (i32.const {i})))\n"));
        byte[] artifact;
        using (Module large = Module.FromText(_engine, $"(module (func (export \"f\") (result i32) i32.const 7)\n{functions})"))
            artifact = large.Serialize();
        await System.IO.File.WriteAllBytesAsync(File, artifact, TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(
            () =>
            {
                var random = new Random(3);
                using var file = new FileStream(File, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
                while (!stop.IsCancellationRequested)
                {
                    file.SetLength(random.Next(artifact.Length));
                    file.Position = 0;
                    file.Write(artifact);
                    file.Position = random.Next(artifact.Length - 64);
                    file.Write(new byte[64]);
                    file.Position = 0;
                    file.Write(artifact);
                }
            },
            TestContext.Current.CancellationToken);
        int refused = 0;
        int loaded = 0;
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < 300 || ((refused == 0 || loaded == 0) && Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(30)); i++)
        {
            try
            {
                using Module module = Module.DeserializeFile(_engine, File);
                using Instance instance = new Linker(_engine).Prepare(module).Instantiate();
                Assert.Equal(7, instance.GetFunction<int>("f").Invoke());
                loaded++;
            }
            catch (IncompatibleArtifactException)
            {
                refused++;
            }
        }
        await stop.CancelAsync();
        await writer;
        Assert.True(refused > 0 && loaded > 0, $"{loaded} loaded, {refused} refused: the race did not happen");
    }

    [Fact]
    public async Task A_pipe_is_read_to_its_end()
    {
        using (Process make = Process.Start("mkfifo", [File]))
            await make.WaitForExitAsync(TestContext.Current.CancellationToken);
        Task writer = Task.Run(() => System.IO.File.WriteAllBytes(File, _artifact), TestContext.Current.CancellationToken);
        using Module module = Module.DeserializeFile(_engine, File);
        Assert.Equal(3, module.Exports.Count);
        await writer;
    }

    private static string Observe(Module module)
    {
        using InstanceTemplate template = new Linker(module.Engine).Prepare(module);
        using Instance instance = template.Instantiate();
        Trap divided = Assert.Throws<TrapException>(() => instance.GetFunction<int, int>("divide").Invoke(0)).Trap;
        Trap outside = Assert.Throws<TrapException>(() => instance.GetFunction<int, int>("load").Invoke(70_000)).Trap;
        instance.GetAction("set").Invoke();
        Assert.Equal([TrapCode.IntegerDivideByZero, TrapCode.MemoryOutOfBounds], [divided.Code, outside.Code]);
        Assert.Equal(["inner", "outer"], divided.Backtrace.Select(frame => frame.FunctionName));
        return $"{instance.GetFunction<int, int>("divide").Invoke(2)} {divided} {outside} {module.Core.WritesTableElements}";
    }

    private string Refusal(byte[] bytes) => Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(_engine, bytes)).Message;
}
