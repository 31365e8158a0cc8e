// JavaScript as a component: QuickJS with a script in it, made by componentize-qjs of npm. On demand, and from pools of the preset for components; a slot that is used again is a fresh one.
using System.Diagnostics;
using Tarn.Components;
using Tarn.TestSupport;

namespace Tarn.Wasi.Tests;

public sealed class RealComponentTests(ITestOutputHelper output)
{
    private const string Package = "componentize-qjs@0.4.5";
    private const string Binding = "@andreiltd/componentize-qjs-binding-linux-x64-gnu@0.4.5";

    private const string World = "package a:b; world w { export add: func(a: u32, b: u32) -> u32; export greet: func(name: string) -> string; export count: func() -> u32; }";

    private const string Script = """
        let calls = 0;
        export function add(a, b) { return a + b; }
        export function greet(name) { return `hello ${name} ${[1, 2, 3].map(x => x * x).join()}`; }
        export function count() { return ++calls; }
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void JavaScript_runs_as_a_component(bool pooled)
    {
        byte[] bytes = Make();
        EngineOptions options = pooled
            ? new EngineOptions { AllocationStrategy = AllocationStrategy.Pooling, Pooling = PoolingOptions.ForComponents(2) }
            : new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand };
        using Engine engine = new(options);
        using Component component = Component.FromBytes(engine, bytes);
        output.WriteLine(component.DescribeResources().ToString());
        ComponentTemplate template = new ComponentLinker(engine).DefineWasi().Prepare(component);
        for (int round = 0; round < 4; round++)
        {
            using WasiContext context = new(new WasiOptions());
            long start = Stopwatch.GetTimestamp();
            using ComponentInstance instance = template.Instantiate(context);
            Assert.Equal(5U, instance.GetFunction("add").Invoke(ComponentValue.FromUInt32(2), ComponentValue.FromUInt32(3))!.AsUInt32());
            Assert.Equal("hello wörld 1,4,9", instance.GetFunction("greet").Invoke(ComponentValue.FromString("wörld"))!.AsString());
            // What an earlier instance counted is forgotten.
            Assert.Equal(1U, instance.GetFunction("count").Invoke()!.AsUInt32());
            Assert.Equal(2U, instance.GetFunction("count").Invoke()!.AsUInt32());
            output.WriteLine($"{(pooled ? "pooled" : "on demand")}, round {round}: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.00} ms");
        }
    }

    [Fact]
    public void A_pool_that_is_exhausted_takes_nothing_and_names_the_limit()
    {
        byte[] bytes = Make();
        using Engine engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.Pooling, Pooling = PoolingOptions.ForComponents(1) });
        using Component component = Component.FromBytes(engine, bytes);
        ComponentTemplate template = new ComponentLinker(engine).DefineWasi().Prepare(component);
        using WasiContext context = new(new WasiOptions());
        for (int round = 0; round < 3; round++)
        {
            using ComponentInstance first = template.Instantiate(context);
            PoolExhaustedException exhausted = Assert.Throws<PoolExhaustedException>(() => template.Instantiate(context));
            Assert.Contains("raise the limit", exhausted.Message, StringComparison.Ordinal);
            Assert.Equal(1U, first.GetFunction("count").Invoke()!.AsUInt32());
        }
    }

    private static byte[] Make()
    {
        string? package = NpmPackages.TryGet(Package, out string absence), binding = package is null ? null : NpmPackages.TryGet(Binding, out absence);
        Assert.SkipWhen(package is null || binding is null, $"NOT RUN: {absence}");
        string folder = Repository.PathOf("artifacts", "npm", "javascript");
        string made = Path.Combine(folder, $"made-{Environment.ProcessId}.wasm");
        string modules = Path.Combine(folder, "node_modules", "@andreiltd");
        Directory.CreateDirectory(modules);
        foreach ((string link, string target) in new[] { (Path.Combine(modules, "componentize-qjs-binding-linux-x64-gnu"), binding!), (Path.Combine(folder, "node_modules", "componentize-qjs"), package!) })
        {
            if (!Directory.Exists(link))
                Directory.CreateSymbolicLink(link, target);
        }

        string script = Path.Combine(folder, "make.mjs");
        File.WriteAllText(Path.Combine(folder, "world.wit"), World);
        File.WriteAllText(script, $$"""
            import fs from 'node:fs';
            import qjs from './node_modules/componentize-qjs/index.js';
            const made = await qjs.componentize({ witPath: {{System.Text.Json.JsonSerializer.Serialize(Path.Combine(folder, "world.wit"))}}, jsSource: {{System.Text.Json.JsonSerializer.Serialize(Script)}}, sync: true });
            fs.writeFileSync(process.argv[2], made.component);
            """);
        ProcessStartInfo start = new("node", ["--preserve-symlinks", "--preserve-symlinks-main", script, made]) { RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"The component was not made: {error}");
        byte[] bytes = File.ReadAllBytes(made);
        File.Delete(made);
        return bytes;
    }
}
