// What the command line says and understands beyond its help: files that are something else, imports that are missing, numbers at their ends, options at unexpected places.
using System.IO.Compression;
using Tarn.Cli.Tests.Support;
using Tarn.TestSupport;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Cli.Tests;

/// <summary>A message names what is wrong and what to do about it.</summary>
public sealed class HintTests : IDisposable
{
    private const string Echo = "(module (func (export \"i\") (param i64 i32) (result i64 i32) local.get 0 local.get 1) (func (export \"f\") (param f32 f64) (result f32 f64) local.get 0 local.get 1))";
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Verbs { get; } = ["run", "compile", "validate", "print", "parse", "inspect", "pool"];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Verbs))]
    public void What_is_not_a_module_is_named_by_every_command_alike(string verb)
    {
        byte[] hello = File.ReadAllBytes(Guest.PathOf("hello"));
        using var gzip = new MemoryStream();
        using (var compressor = new GZipStream(gzip, CompressionLevel.Fastest, leaveOpen: true))
            compressor.Write(hello);
        (string Name, byte[] Bytes, string Message, int Status)[] files =
        [
            ("page.wasm", [.. "\n  <!DOCTYPE html><html><body>404</body></html>"u8], "is an HTML or XML page", 2),
            ("lfs.wasm", [.. "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"u8], "is a pointer of Git LFS", 2),
            ("module.wasm.gz", gzip.ToArray(), "is compressed (gzip)", 2),
            ("empty.wasm", [], "is empty", 2),
            ("component.wasm", [0, (byte)'a', (byte)'s', (byte)'m', 13, 0, 1, 0], "is a component", 2),
            ("elf", [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0], "is an ELF file", 2),
            ("utf16.wat", [0xFF, 0xFE, (byte)'(', 0], "is text in UTF-16", 2),
            ("two.wasm", [.. hello, .. hello], "the module ends here and a second one begins", 1),
        ];
        foreach ((string name, byte[] bytes, _, _) in files)
            File.WriteAllBytes(_directory[name], bytes);
        foreach ((string name, _, string message, int status) in files)
        {
            // Components are run.
            if (verb == "run" && name == "component.wasm")
                continue;
            GuestResult result = CommandLine.Run(verb, _directory[name]);
            Assert.Contains(message, result.Error, StringComparison.Ordinal);
            Assert.Equal((status, ""), (result.Status, result.Output));
        }
    }

    [Theory]
    [InlineData("(module (memory 1 2 shared))", "a shared memory needs the feature Threads", "--features threads")]
    [InlineData("(module (memory 5 (pagesize 1)))", "a page size of a memory's own needs the feature CustomPageSizes", "--features custom-page-sizes")]
    [InlineData("(module (memory 1) (func (result i32) (i32.atomic.load (i32.const 0))))", "needs the feature Threads", "--features threads")]
    public void A_feature_that_is_off_is_named_with_its_option(string text, string message, string option)
    {
        File.WriteAllText(_directory["m.wat"], text);
        foreach (string verb in (string[])["run", "compile", "validate", "inspect"])
        {
            GuestResult result = CommandLine.Run(verb, _directory["m.wat"]);
            Assert.Contains(message, result.Error, StringComparison.Ordinal);
            Assert.Contains($"hint: {option} lets modules use it", result.Error, StringComparison.Ordinal);
            // Where in the text it is.
            Assert.Contains("m.wat:1:", result.Error, StringComparison.Ordinal);
            Assert.Equal(1, result.Status);
        }
    }

    [Fact]
    public void A_page_size_before_the_size_is_told_where_it_stands()
    {
        File.WriteAllText(_directory["m.wat"], "(module (memory (pagesize 1) 5))");
        Assert.Contains("a page size, which needs the feature CustomPageSizes, stands behind it, as in (memory 5 (pagesize 1))", CommandLine.Run("validate", _directory["m.wat"]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Features_are_options_of_run_and_compile()
    {
        File.WriteAllText(_directory["p.wat"], "(module (memory 5 (pagesize 1)) (func (export \"f\") (result i32) (memory.size)))");
        string add = Repository.PathOf("samples", "add.wat");
        Assert.Equal(new GuestResult(0, "5\n", ""), CommandLine.Run("run", "--features", "custom-page-sizes", _directory["p.wat"]));
        Assert.Equal(0, CommandLine.Run("compile", "-f", "custom-page-sizes", _directory["p.wat"]).Status);
        Assert.Equal(new GuestResult(0, "5\n", ""), CommandLine.Run("run", "-f", "custom-page-sizes", _directory["p.tarn"]));
        Assert.Contains("There is no feature called 'nonsense'", CommandLine.Run("run", "-f", "nonsense", add).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(import \"env\" \"memory\" (memory 1))", "expects its host to bring the memory")]
    [InlineData("(import \"env\" \"__c_longjmp\" (tag (param i32)))", "expects its host to bring a tag")]
    [InlineData("(import \"env\" \"__indirect_function_table\" (table 1 funcref))", "linked when it starts")]
    [InlineData("(import \"env\" \"__stack_pointer\" (global (mut i32)))", "linked when it starts")]
    [InlineData("(import \"env\" \"f\" (func))", "built for a JavaScript host")]
    [InlineData("(import \"env\" \"f\" (func)) (import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i32)))", "built for WASI and expects f of its host")]
    [InlineData("(import \"wasi_snapshot_preview1\" \"thread_spawn\" (func))", "not part of that version of WASI")]
    [InlineData("(import \"wasi:cli/environment@0.2.0\" \"get-arguments\" (func))", "WASI preview 2")]
    [InlineData("(import \"mine\" \"f\" (func))", "tarn run offers WASI and nothing else")]
    public void A_missing_import_has_the_hint_of_its_kind(string import, string hint)
    {
        File.WriteAllText(_directory["m.wat"], $"(module {import} (func (export \"_start\")))");
        GuestResult result = CommandLine.Run("run", _directory["m.wat"]);
        Assert.Contains("\nhint: ", result.Error, StringComparison.Ordinal);
        Assert.Contains(hint, result.Error, StringComparison.Ordinal);
        Assert.Equal((1, ""), (result.Status, result.Output));
    }

    [Fact]
    public void Unknown_functions_trap_or_return_zero_if_asked_to()
    {
        File.WriteAllText(_directory["m.wat"], "(module (import \"env\" \"f\" (func $f (param i32) (result i64 f32 externref))) (func (export \"g\") (param i32) (result i64 f32 externref) (if (local.get 0) (then (return (call $f (i32.const 1))))) (i64.const 7) (f32.const 1) (ref.null extern)))");
        Assert.Equal(new GuestResult(0, "7\n1\nexternref:null\n", ""), CommandLine.Run("run", "--unknown-imports", "trap", _directory["m.wat"], "0"));
        Assert.Equal(134, CommandLine.Run("run", "--unknown-imports", "trap", _directory["m.wat"], "1").Status);
        Assert.Equal(new GuestResult(0, "0\n0\nexternref:null\n", ""), CommandLine.Run("run", "--unknown-imports", "zero", _directory["m.wat"], "1"));
        Assert.Contains("--unknown-imports maybe: give refuse, trap or zero", CommandLine.Run("run", "--unknown-imports", "maybe", _directory["m.wat"], "1").Error, StringComparison.Ordinal);
        // What is defined stays what it is.
        Assert.Equal(new GuestResult(0, "Hello, world!\n", ""), CommandLine.Run("run", "--unknown-imports", "zero", Guest.PathOf("hello")));
    }

    [Fact]
    public void Emscriptens_word_of_growth_is_known_and_harmless()
    {
        File.WriteAllText(_directory["m.wat"], """
            (module (import "env" "emscripten_notify_memory_growth" (func $n (param i32))) (import "wasi_snapshot_preview1" "proc_exit" (func $x (param i32)))
              (memory (export "memory") 1)
              (func (export "_start") (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then (call $n (i32.const 0)))) (call $x (i32.const 5))))
            """);
        Assert.Equal(new GuestResult(5, "", ""), CommandLine.Run("run", _directory["m.wat"]));
    }

    [Fact]
    public void Programs_for_the_snapshot_before_preview_1_run()
    {
        File.WriteAllText(_directory["m.wat"], "(module (import \"wasi_unstable\" \"proc_exit\" (func $x (param i32))) (memory (export \"memory\") 1) (func (export \"_start\") (call $x (i32.const 6))))");
        Assert.Equal(new GuestResult(6, "", ""), CommandLine.Run("run", _directory["m.wat"]));
    }

    [Fact]
    public void Invoke_may_stand_behind_the_module_and_the_verb_may_be_missing()
    {
        string add = Repository.PathOf("samples", "add.wat");
        Assert.Equal(new GuestResult(0, "3\n", ""), CommandLine.Run("run", add, "--invoke", "add", "1", "2"));
        Assert.Equal(new GuestResult(0, "3\n", ""), CommandLine.Run("run", add, "--invoke=add", "1", "2"));
        Assert.Equal(new GuestResult(0, "-1\n", ""), CommandLine.Run(add, "1", "-2"));
        // A program's arguments are its own.
        Assert.Contains("argument 1: --invoke\n", CommandLine.Run("run", Guest.PathOf("arguments"), "--invoke", "f", "0").Output, StringComparison.Ordinal);
        Assert.Contains("Try: tarn --help", CommandLine.Run("rum", add).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("i 18446744073709551616 0", "18446744073709551616 does not fit an i64")]
    [InlineData("i -9223372036854775809 0", "-9223372036854775809 does not fit an i64")]
    [InlineData("i 0x10000000000000000 0", "0x10000000000000000 does not fit an i64")]
    [InlineData("i 0 99999999999999999999999999", "99999999999999999999999999 does not fit an i32")]
    [InlineData("i 0 0x", "\"0x\" is no i32")]
    [InlineData("f 1e39 0", "1e39 does not fit an f32")]
    [InlineData("f 0 1e999", "1e999 does not fit an f64")]
    [InlineData("f 0 -0x1p1024", "-0x1p1024 does not fit an f64")]
    [InlineData("f nan:0x800000 0", "nan:0x800000 does not fit an f32")]
    [InlineData("f x 0", "\"x\" is no f32")]
    public void A_number_that_does_not_fit_is_refused_in_our_words(string line, string message)
    {
        File.WriteAllText(_directory["m.wat"], Echo);
        GuestResult result = CommandLine.Run(["run", "--invoke", line.Split(' ')[0], _directory["m.wat"], .. line.Split(' ')[1..]]);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal((1, ""), (result.Status, result.Output));
    }

    [Theory]
    [InlineData("i 18446744073709551615 4294967295", "-1\n-1\n")]
    [InlineData("i -9_223_372_036_854_775_808 0x8000_0000", "-9223372036854775808\n-2147483648\n")]
    [InlineData("f 0x1.8p1 0x1p-1074", "3\n5E-324\n")]
    [InlineData("f .5 5.", "0.5\n5\n")]
    [InlineData("f 3.4028235e38 1.7976931348623157e308", "3.4028235E+38\n1.7976931348623157E+308\n")]
    [InlineData("f nan:0x1 nan:0x8000000000001", "nan:0x1\nnan:0x8000000000001\n")]
    [InlineData("f -nan nan", "-nan\nnan\n")]
    [InlineData("f Infinity -inf", "inf\n-inf\n")]
    public void Numbers_are_read_and_written_as_the_text_format_has_them(string line, string output)
    {
        File.WriteAllText(_directory["m.wat"], Echo);
        string[] words = line.Split(' ');
        Assert.Equal(new GuestResult(0, output, ""), CommandLine.Run(["run", "--invoke", words[0], _directory["m.wat"], .. words[1..]]));
        // What was written is read again.
        Assert.Equal(new GuestResult(0, output, ""), CommandLine.Run(["run", "--invoke", words[0], _directory["m.wat"], .. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)]));
    }

    [Fact]
    public void A_memory_of_4_GiB_is_refused_with_an_option_that_there_is()
    {
        File.WriteAllText(_directory["m.wat"], "(module (memory 65536) (func (export \"f\") (result i32) (i32.store8 (i32.const -1) (i32.const 1)) (memory.size)))");
        GuestResult refused = CommandLine.Run("run", _directory["m.wat"]);
        Assert.Equal(1, refused.Status);
        Assert.DoesNotContain("EngineOptions", refused.Error, StringComparison.Ordinal);
        Assert.Contains("--max-memory", refused.Error, StringComparison.Ordinal);
        Assert.Equal(new GuestResult(0, "65536\n", ""), CommandLine.Run("run", "--max-memory", "4G", _directory["m.wat"]));
    }

    [Fact]
    public void The_stack_has_an_option()
    {
        File.WriteAllText(_directory["m.wat"], "(module (func $f (export \"f\") (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0)))))");
        Assert.Equal(134, CommandLine.Run("run", _directory["m.wat"], "500000").Status);
        Assert.Equal(new GuestResult(0, "500000\n", ""), CommandLine.Run("run", "--max-stack", "256M", _directory["m.wat"], "500000"));
        Assert.Contains("--max-stack 1K: give a size of at least 128K", CommandLine.Run("run", "--max-stack", "1K", _directory["m.wat"], "1").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(module\n  (func (export \"f\")\n    (local.set 3\n      (i32.const 1))))", "m.wat:3:6")]
    [InlineData("(module\n  (func (export \"_start\") (result i32)\n    i64.const 1\n  ))", "m.wat:4:3")]
    [InlineData("(module\n\n  (memory 70000))", "m.wat:3:4")]
    [InlineData("(module\n (func)\n (export \"a\" (func 0)) (export \"a\" (func 0)))", "m.wat:3:25")]
    public void What_is_invalid_in_a_text_is_said_of_its_line(string text, string place)
    {
        File.WriteAllText(_directory["m.wat"], text);
        foreach (string verb in (string[])["run", "compile", "validate", "print", "parse", "inspect"])
        {
            GuestResult result = CommandLine.Run(verb, _directory["m.wat"]);
            Assert.Contains(place, result.Error, StringComparison.Ordinal);
            Assert.Contains("^", result.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("at byte", result.Error, StringComparison.Ordinal);
            Assert.Equal(1, result.Status);
        }
    }

    [Theory]
    [InlineData("(func (export \"_start\") (loop (br 0)))")]
    [InlineData("(func $s (loop (br 0))) (start $s) (func (export \"_start\"))")]
    public void A_timeout_is_told_as_one_wherever_it_runs_out(string fields)
    {
        File.WriteAllText(_directory["m.wat"], $"(module {fields})");
        GuestResult result = CommandLine.Run("run", "--timeout", "0.5", _directory["m.wat"]);
        Assert.Equal(124, result.Status);
        Assert.Contains("its 0.5 s (--timeout) were over", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("interrupted", result.Error, StringComparison.Ordinal);
    }
}
