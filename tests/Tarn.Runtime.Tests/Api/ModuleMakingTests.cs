// The ways to a module: bytes, memory, streams, asynchronously, through the cache; validation without a module; and what this version cannot execute, which is refused when the
// module is made and never by a guest that runs.
using System.Text;

namespace Tarn.Runtime.Tests.Api;

/// <summary>Making, validating and keeping modules.</summary>
public sealed class ModuleMakingTests : IDisposable
{
    private const string Add = "(module (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))";
    private readonly Engine _engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
    private readonly string _directory = Directory.CreateTempSubdirectory("tarn-cache-").FullName;

    public void Dispose()
    {
        _engine.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Every_source_makes_the_same_module()
    {
        byte[] text = Encoding.UTF8.GetBytes(Add);
        byte[] binary = WatParserOf(Add);
        foreach (byte[] bytes in new[] { text, binary })
        {
            Check(Module.FromBytes(_engine, bytes));
            Check(Module.FromBytes(_engine, bytes.AsSpan()));
            Check(Module.FromBytes(_engine, bytes.AsMemory()));
            using (var stream = new MemoryStream(bytes))
                Check(Module.FromStream(_engine, stream));
            using (var stream = new MemoryStream(bytes))
                Check(await Module.FromStreamAsync(_engine, stream, cancellationToken: TestContext.Current.CancellationToken));
            Check(await Module.CompileAsync(_engine, bytes, cancellationToken: TestContext.Current.CancellationToken));
            Module.Validate(_engine, bytes);
            Assert.True(Module.TryValidate(_engine, bytes, out _));
        }
        Assert.Equal(0, _engine.Core.Types.Count);

        void Check(Module module)
        {
            using (module)
            {
                using InstanceTemplate template = new Linker(_engine).Prepare(module);
                using Instance instance = template.Instantiate();
                Assert.Equal(5, instance.GetFunction<int, int, int>("add").Invoke(2, 3));
            }
        }
    }

    [Fact]
    public void Memory_is_not_copied()
    {
        byte[] binary = WatParserOf(Add);
        using Module module = Module.FromBytes(_engine, binary.AsMemory());
        Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(module.Wasm.Bytes, out ArraySegment<byte> kept));
        Assert.Same(binary, kept.Array);
        using Module copied = Module.FromBytes(_engine, binary);
        Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(copied.Wasm.Bytes, out kept));
        Assert.NotSame(binary, kept.Array);
    }

    [Fact]
    public async Task Progress_rises_to_the_end_and_a_token_ends_it()
    {
        byte[] binary = WatParserOf(Large(1000));
        var seen = new Recorder();
        using (await Module.CompileAsync(_engine, binary, seen, TestContext.Current.CancellationToken))
        {
        }
        Assert.InRange(seen.Values.Count, 2, 101);
        Assert.Equal(0, seen.Values[0].Fraction);
        Assert.Equal(1, seen.Values[^1].Fraction);
        Assert.Equal(seen.Values.OrderBy(p => p.CompiledBytes), seen.Values);
        using var stop = new CancellationTokenSource();
        var stopper = new Recorder { OnReport = progress => { if (progress.Fraction > 0.1) stop.Cancel(); } };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Module.CompileAsync(_engine, binary, stopper, stop.Token));
        Assert.True(stopper.Values[^1].Fraction < 1);
        Assert.Equal(0, _engine.Core.Types.Count);
    }

    [Fact]
    public void Validation_reports_what_making_the_module_would()
    {
        byte[] invalid = WatParserOf("(module (func (result i32)))");
        Assert.False(Module.TryValidate(_engine, invalid, out WasmException? error));
        Assert.Equal(Assert.Throws<InvalidModuleException>(() => Module.FromBytes(_engine, invalid)).Message, Assert.IsType<InvalidModuleException>(error).Message);
        Assert.Throws<MalformedModuleException>(() => Module.Validate(_engine, [0, 1, 2]));
        Assert.Throws<TextFormatException>(() => Module.Validate(_engine, "(modul"u8));
        Assert.Equal(0, _engine.Core.Types.Count);
    }

    [Theory]
    [InlineData("(memory 1 1 shared) (func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0))))", "memory.atomic.wait32", 0)]
    [InlineData("(memory 1 1 shared) (func nop) (func (return) (drop (memory.atomic.notify (i32.const 0) (i32.const 0))))", "memory.atomic.notify", 1)]
    public void What_cannot_be_executed_is_refused_when_the_module_is_made(string fields, string instruction, int? function)
    {
        foreach (CompilationMode mode in Enum.GetValues<CompilationMode>())
        {
            using var engine = new Engine(new EngineOptions
            {
                AllocationStrategy = AllocationStrategy.OnDemand,
                CompilationMode = mode,
                Features = WasmFeatures.Wasm3 | WasmFeatures.Threads,
            });
            byte[] binary = WatParserOf($"(module {fields})");
            UnsupportedModuleException e = Assert.Throws<UnsupportedModuleException>(() => Module.FromBytes(engine, binary));
            Assert.Equal((instruction, function), (e.Instruction, e.FunctionIndex));
            Assert.InRange(e.Offset, 8, binary.Length - 1);
            Assert.Equal(1, Assert.Throws<UnsupportedModuleException>(() => Module.FromText(engine, $"(module {fields})")).Line);
            Assert.Throws<UnsupportedModuleException>(() => Module.Validate(engine, binary));
            Assert.Equal(0, engine.Core.Types.Count);
        }
    }

    [Fact]
    public void A_cache_keeps_what_was_compiled()
    {
        byte[] binary = WatParserOf(Large(6000));
        Assert.True(binary.Length >= CompilationCache.SmallestModule);
        var cache = new CompilationCache(Path.Combine(_directory, "modules"));
        EngineOptions options = _engine.Options with { CompilationCache = cache };
        byte[] compiled;
        using (var first = new Engine(options))
        {
            using Module module = Module.FromBytes(first, binary);
            compiled = module.Serialize();
            using Module small = Module.FromText(first, Add);
        }
        string file = Assert.Single(Directory.GetFiles(cache.Directory));
        DateTime kept = File.GetLastWriteTimeUtc(file);
        Assert.Equal(compiled, File.ReadAllBytes(file));
        File.SetLastWriteTimeUtc(file, kept - TimeSpan.FromDays(1));
        using (var second = new Engine(options))
        {
            using Module module = Module.FromBytes(second, binary);
            using InstanceTemplate template = new Linker(second).Prepare(module);
            using Instance instance = template.Instantiate();
            Assert.Equal(5999, instance.GetFunction<int>("f5999").Invoke());
        }
        Assert.True(File.GetLastWriteTimeUtc(file) > kept - TimeSpan.FromDays(1), "The module was not taken from the cache.");
        using (var other = new Engine(options with { EnableFuel = true }))
            Module.FromBytes(other, binary).Dispose();
        Assert.Equal(2, Directory.GetFiles(cache.Directory).Length);
        using (var tiny = new Engine(options with { CompilationCache = new CompilationCache(cache.Directory, capacity: 10), EnableInterruption = false }))
            Module.FromBytes(tiny, binary).Dispose();
        Assert.Equal(2, Directory.GetFiles(cache.Directory).Length);
    }

    private static byte[] WatParserOf(string text) => Wasm.Text.WatParser.Parse(Encoding.UTF8.GetBytes(text), null);

    private static string Large(int functions) =>
        "(module " + string.Concat(Enumerable.Range(0, functions).Select(i => $"(func (export \"f{i}\") (result i32) (i32.mul (i32.const 1) (i32.const {i})))")) + ")";

    private sealed class Recorder : IProgress<CompilationProgress>
    {
        public List<CompilationProgress> Values { get; } = [];

        public Action<CompilationProgress>? OnReport { get; init; }

        public void Report(CompilationProgress value)
        {
            Values.Add(value);
            OnReport?.Invoke(value);
        }
    }
}
