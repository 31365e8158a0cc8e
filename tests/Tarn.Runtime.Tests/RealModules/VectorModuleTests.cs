// Modules out of npm that need simd128, run as their packages run them: an inference back end and an HTTP parser. Their results are those of the same packages' scalar
// modules and of V8, bit for bit.
using System.Text;
using Tarn.TestSupport;

namespace Tarn.Runtime.Tests.RealModules;

public sealed class VectorModuleTests
{
    private const string Inference = "@tensorflow/tfjs-backend-wasm@4.22.0";
    private const string Parser = "undici@7.16.0";
    private const int Size = 61;

    // What V8 computes (Node 20 and 26): an FNV-1a hash of the result's bytes, over inputs from the same generator.
    private static readonly (string Operation, ulong Hash)[] s_expected =
    [
        ("BatchMatMul", 0xdf3b1a3f51e7178e), ("Add", 0x931e254769597f8e), ("Multiply", 0xcd0472fab8f9eb6b), ("Maximum", 0x927b5fe8aa8c06e4), ("SquaredDifference", 0xdc2c7426ec011249),
        ("Exp", 0xfc31a66ca8a4f65), ("Relu", 0xf8c72939ba1671e1), ("Tanh", 0x79171881299a834d), ("Sqrt", 0xafefcb0e83d91d3b), ("Floor", 0x4feea1cbcd5be548),
    ];

    private static Engine CreateEngine() => new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });

    private static string Folder(string package)
    {
        string? folder = NpmPackages.TryGet(package, out string absence);
        Assert.SkipWhen(folder is null, absence);
        return folder!;
    }

    [Theory]
    [InlineData("dist/tfjs-backend-wasm-simd.wasm")]
    [InlineData("dist/tfjs-backend-wasm.wasm")]
    public void Inference_computes_what_V8_computes(string path)
    {
        using Engine engine = CreateEngine();
        using Module module = Module.FromFile(engine, Path.Combine(Folder(Inference), path));
        var linker = new Linker(engine);
        linker.DefineFunction("env", "abort", () => throw new InvalidOperationException("The module aborted."));
        linker.DefineFunction("env", "emscripten_memcpy_big", (Caller caller, int to, int from, int bytes) => caller.Memory.CopyFrom(to, caller.Memory.AsSpan().Slice(from, bytes).ToArray()));
        linker.DefineFunction("env", "emscripten_get_heap_max", () => 1 << 30);
        linker.DefineFunction("env", "emscripten_resize_heap", (int _) => 0);
        linker.DefineFunction("wasi_snapshot_preview1", "fd_close", (int _) => 0);
        linker.DefineFunction("wasi_snapshot_preview1", "fd_write", (int _, int _, int _, int _) => 0);
        linker.DefineFunction("wasi_snapshot_preview1", "fd_seek", (int _, int _, int _, int _, int _) => 0);
        using var store = new Store(engine);
        Instance instance = linker.Instantiate(store, module);
        instance.GetFunction("__wasm_call_ctors").Invoke([], []);
        instance.GetFunction("init").Invoke([], []);

        int first = CreateTensor(instance, 0), second = CreateTensor(instance, 1), result = CreateTensor(instance, 2);
        uint seed = 1;
        Fill(instance, first, ref seed);
        Fill(instance, second, ref seed);
        int matrices = WriteIntegers(instance, 1, Size, Size), flat = WriteIntegers(instance, Size * Size);
        foreach ((string operation, ulong hash) in s_expected)
        {
            // Tensors are named by their numbers.
            int[] arguments = operation switch
            {
                "BatchMatMul" => [0, matrices, 3, 1, matrices, 3, 0, 0, 2],
                "Add" or "Multiply" or "Maximum" or "SquaredDifference" => [0, flat, 1, 1, flat, 1, 1, 2],
                _ => [0, 1, 2],
            };
            instance.GetFunction(operation).Invoke([.. arguments.Select(argument => (Value)argument)], []);
            Assert.Equal($"{operation} {hash:x}", $"{operation} {Hash(instance.Memory!.AsSpan().Slice(result, sizeof(float) * Size * Size)):x}");
        }
    }

    private static int Allocate(Instance instance, int bytes)
    {
        var results = new Value[1];
        instance.GetFunction("malloc").Invoke([bytes], results);
        return results[0].AsInt32();
    }

    private static int CreateTensor(Instance instance, int id)
    {
        int at = Allocate(instance, sizeof(float) * Size * Size);
        instance.GetFunction("register_tensor").Invoke([id, Size * Size, at], []);
        return at;
    }

    private static void Fill(Instance instance, int at, ref uint seed)
    {
        for (int i = 0; i < Size * Size; i++)
        {
            seed = (seed * 1664525) + 1013904223;
            instance.Memory!.Write(at + (sizeof(float) * i), (float)(((seed >> 8) / 16777216.0) - 0.5));
        }
    }

    private static int WriteIntegers(Instance instance, params ReadOnlySpan<int> values)
    {
        int at = Allocate(instance, sizeof(int) * values.Length);
        for (int i = 0; i < values.Length; i++)
            instance.Memory!.Write(at + (sizeof(int) * i), values[i]);
        return at;
    }

    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (byte b in bytes)
            hash = (hash ^ b) * 0x100000001b3;
        return hash;
    }

    [Fact]
    public void A_parser_finds_what_its_scalar_form_finds()
    {
        string folder = Path.Combine(Folder(Parser), "lib", "llhttp");
        using Engine engine = CreateEngine();
        using Module vectors = Module.FromBytes(engine, Decode(Path.Combine(folder, "llhttp_simd-wasm.js")).AsSpan());
        using Module scalar = Module.FromBytes(engine, Decode(Path.Combine(folder, "llhttp-wasm.js")).AsSpan());
        Random random = new(7);
        int events = 0;
        for (int i = 0; i < 40; i++)
        {
            byte[] message = CreateMessage(random);
            string found = Parse(engine, vectors, message, new Random(i));
            Assert.Equal(Parse(engine, scalar, message, new Random(i)), found);
            events += found.Split('\n').Length;
        }

        Assert.True(events > 400, $"{events} events");
    }

    private static byte[] Decode(string path)
    {
        string text = File.ReadAllText(path);
        int start = text.IndexOf("wasmBase64 = '", StringComparison.Ordinal) + "wasmBase64 = '".Length;
        return Convert.FromBase64String(text[start..text.IndexOf('\'', start)]);
    }

    private static byte[] CreateMessage(Random random)
    {
        StringBuilder text = new("HTTP/1.1 200 OK\r\n");
        for (int k = random.Next(1, 12); k > 0; k--)
        {
            // Sometimes a character that a header must not have.
            string value = new([.. Enumerable.Range(0, random.Next(0, 90)).Select(_ => random.Next(400) == 0 ? (char)random.Next(1, 32) : (char)random.Next(32, 127))]);
            text.Append($"X-{new string('h', random.Next(1, 40))}{k}: {value}\r\n");
        }

        int length = random.Next(0, 300);
        text.Append($"Content-Length: {length}\r\n\r\n").Append('b', length);
        return Encoding.Latin1.GetBytes(text.ToString());
    }

    // What the parser reports of a message that arrives in pieces.
    private static string Parse(Engine engine, Module module, byte[] message, Random random)
    {
        StringBuilder events = new();
        int Report(string text)
        {
            events.Append(text).Append('\n');
            return 0;
        }

        var linker = new Linker(engine);
        foreach (string name in (string[])["url", "status", "header_field", "header_value", "body"])
            linker.DefineFunction("env", "wasm_on_" + name, (int _, int at, int length) => Report($"{name} {at} {length}"));
        foreach (string name in (string[])["message_begin", "message_complete"])
            linker.DefineFunction("env", "wasm_on_" + name, (int _) => Report(name));
        linker.DefineFunction("env", "wasm_on_headers_complete", (int _, int status, int upgrade, int keepAlive) => Report($"headers {status} {upgrade} {keepAlive}"));
        using var store = new Store(engine);
        Instance instance = linker.Instantiate(store, module);
        instance.GetFunction("_initialize").Invoke([], []);
        var results = new Value[1];
        instance.GetFunction("llhttp_alloc").Invoke([2], results);
        int parser = results[0].AsInt32(), buffer = Allocate(instance, message.Length);
        for (int at = 0; at < message.Length;)
        {
            int length = Math.Min(random.Next(1, 200), message.Length - at);
            instance.Memory!.CopyFrom(buffer, message.AsSpan(at, length));
            instance.GetFunction("llhttp_execute").Invoke([parser, buffer, length], results);
            Report($"executed {results[0].AsInt32()}");
            at += results[0].AsInt32() == 0 ? length : message.Length;
        }

        return events.ToString();
    }
}
