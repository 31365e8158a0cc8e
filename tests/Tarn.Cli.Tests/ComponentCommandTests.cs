// tarn component and tarn run of components, as processes: what is made is validated, shown and run.
using System.Net;
using Tarn.Cli.Tests.Support;
using Tarn.Wasi;
using Tarn.Wasi.Tests.Support;
using Tarn.Wasm;

namespace Tarn.Cli.Tests;

public sealed class ComponentCommandTests : IDisposable
{
    private const string Wit = "package a:b;\n\n/// A world.\nworld w {\n  import log: func(text: string);\n\n  export double: func(x: u32) -> u32;\n}\n";

    private const string Core = """
        (module
          (import "$root" "log" (func $log (param i32 i32)))
          (memory (export "memory") 1)
          (func (export "double") (param i32) (result i32) (i32.add (local.get 0) (local.get 0))))
        """;

    // A program of WASI 0.2 that writes through a stream and ends with a status.
    private const string Program = """
        (component
          (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
          (core func $exit (canon lower (func $exit "exit")))
          (core module $m
            (import "h" "exit" (func $exit (param i32)))
            (func (export "fail") (result i32) (call $exit (i32.const 1)) (i32.const 0))
            (func (export "spin") (result i32) (loop $again (br $again)) (i32.const 0)))
          (core instance $i (instantiate $m (with "h" (instance (export "exit" (func $exit))))))
          (func $run (result (result)) (canon lift (core func $i "FUNCTION")))
          (instance $interface (export "run" (func $run)))
          (export "wasi:cli/run@0.2.0" (instance $interface)))
        """;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_module_and_its_world_become_a_component()
    {
        File.WriteAllText(_directory["w.wit"], Wit);
        File.WriteAllText(_directory["m.wat"], Core);
        Succeed("component", "embed", _directory["w.wit"], _directory["m.wat"], "-o", _directory["embedded.wasm"]);
        Succeed("component", "new", _directory["embedded.wasm"], "-o", _directory["c.wasm"]);
        Assert.Contains("c.wasm: valid (1 imports, 1 exports", Succeed("component", "validate", _directory["c.wasm"]), StringComparison.Ordinal);
        string world = Succeed("component", "wit", _directory["c.wasm"]);
        Assert.Contains("  import log: func(text: string);\n\n  export double: func(x: u32) -> u32;\n", world, StringComparison.Ordinal);
        Succeed("component", "print", _directory["c.wasm"], "-o", _directory["c.wat"]);
        Succeed("component", "parse", _directory["c.wat"], "-o", _directory["again.wasm"]);
        Assert.Equal(File.ReadAllText(_directory["c.wat"]), Succeed("component", "print", _directory["again.wasm"]));
    }

    [Fact]
    public void An_adapter_provides_what_a_module_imports_under_its_name()
    {
        File.WriteAllText(_directory["w.wit"], "package a:b;\nworld w { }\nworld old { import log: func(text: string); export start: func(); }\n");
        File.WriteAllText(_directory["m.wat"], "(module (import \"old\" \"say\" (func $say (param i32 i32))) (memory (export \"memory\") 1) (func (export \"main\") (call $say (i32.const 0) (i32.const 3))))");
        File.WriteAllText(_directory["old.wat"], """
            (module
              (import "$root" "log" (func $log (param i32 i32)))
              (import "__main_module__" "main" (func $main))
              (func (export "say") (param i32 i32) (call $log (local.get 0) (local.get 1)))
              (func (export "start") (call $main))
              (func (export "unused") (call $main)))
            """);
        Succeed("component", "embed", _directory["w.wit"], _directory["m.wat"], "--world", "w", "-o", _directory["m.wasm"]);
        Succeed("component", "embed", _directory["w.wit"], _directory["old.wat"], "--world", "old", "-o", _directory["old.wasm"]);
        Succeed("component", "new", _directory["m.wasm"], "--adapt", _directory["old.wasm"], "-o", _directory["c.wasm"]);
        Assert.Contains("import log: func(text: string);", Succeed("component", "wit", _directory["c.wasm"]), StringComparison.Ordinal);
        Assert.DoesNotContain("unused", Succeed("component", "print", _directory["c.wasm"]), StringComparison.Ordinal);
        GuestResult refused = CommandLine.Run("component", "new", _directory["m.wasm"], "--adapt", "other=" + _directory["old.wasm"], "-o", _directory["d.wasm"]);
        Assert.NotEqual(0, refused.Status);
        Assert.Contains("`old` `say`", refused.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", 80, true)]
    [InlineData("127.0.0.1", "127.0.0.2", 80, false)]
    [InlineData("127.0.0.1:80", "127.0.0.1", 80, true)]
    [InlineData("127.0.0.1:80", "127.0.0.1", 81, false)]
    [InlineData("10.0.0.0/8:443", "10.1.2.3", 443, true)]
    [InlineData("10.0.0.0/8", "11.1.2.3", 443, false)]
    [InlineData("::1", "::1", 80, true)]
    [InlineData("[::1]:80", "::1", 81, false)]
    [InlineData("fe80::/16", "fe80::1", 81, true)]
    [InlineData("*:53", "1.2.3.4", 53, true)]
    [InlineData("*:53", "1.2.3.4", 54, false)]
    public void Rules_for_the_network_permit_what_they_say(string rule, string address, int port, bool permits)
    {
        WasiNetworkOptions options = Running.NetworkRules.Network([rule])!;
        Assert.Equal(permits, options.Filter(WasiSocketUse.TcpConnect, new IPEndPoint(IPAddress.Parse(address), port)));
        Assert.Equal(rule.StartsWith('*'), options.NameFilter is not null);
    }

    [Theory]
    [InlineData("")]
    [InlineData("localhost")]
    [InlineData("127.0.0.1:")]
    [InlineData("127.0.0.1:0")]
    [InlineData("127.0.0.1:65536")]
    [InlineData("10.0.0.0/33")]
    [InlineData("[::1]:x")]
    [InlineData(":80")]
    public void Rules_that_are_not_understood_are_refused(string rule)
    {
        GuestResult refused = CommandLine.Run("run", "--allow-network", rule, Guest.PathOf("hello"));
        Assert.Equal(1, refused.Status);
        Assert.Contains("--allow-network", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_core_module_gets_no_network()
    {
        GuestResult refused = CommandLine.Run("run", "--allow-network", "127.0.0.1", Guest.PathOf("hello"));
        Assert.Equal(1, refused.Status);
        Assert.Contains("are for components", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_package_is_shown_encoded_and_shown_again()
    {
        File.WriteAllText(_directory["w.wit"], Wit);
        Assert.Equal(Wit, Succeed("component", "wit", _directory["w.wit"]));
        Succeed("component", "wit", _directory["w.wit"], "-o", _directory["p.wasm"]);
        Assert.Equal(Wit.Replace("/// A world.\n", "", StringComparison.Ordinal), Succeed("component", "wit", _directory["p.wasm"]));
    }

    [Fact]
    public void What_is_wrong_is_said_with_its_place()
    {
        File.WriteAllText(_directory["w.wit"], "package a:b;\ninterface i {\n  f: func(x: nothing);\n}\n");
        GuestResult result = CommandLine.Run("component", "wit", _directory["w.wit"]);
        Assert.Equal(1, result.Status);
        Assert.Contains("w.wit:3:14", result.Error, StringComparison.Ordinal);

        File.WriteAllText(_directory["two.wit"], "package a:b; world v {} world w {}");
        File.WriteAllText(_directory["m.wat"], "(module)");
        Assert.Contains("choose one of v, w with --world", CommandLine.Run("component", "embed", _directory["two.wit"], _directory["m.wat"], "-o", _directory["x.wasm"]).Error, StringComparison.Ordinal);

        File.WriteAllText(_directory["one.wit"], "package a:b; world w { export f: func(); }");
        Succeed("component", "embed", _directory["one.wit"], _directory["m.wat"], "-o", _directory["e.wasm"]);
        GuestResult missing = CommandLine.Run("component", "new", _directory["e.wasm"], "-o", _directory["c.wasm"]);
        Assert.Equal(1, missing.Status);
        Assert.Contains("no export `f`", missing.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_component_is_run_as_a_program()
    {
        File.WriteAllText(_directory["fail.wat"], Program.Replace("FUNCTION", "fail", StringComparison.Ordinal));
        Assert.Equal(new GuestResult(1, "", ""), CommandLine.Run("run", _directory["fail.wat"]));
        File.WriteAllText(_directory["spin.wat"], Program.Replace("FUNCTION", "spin", StringComparison.Ordinal));
        GuestResult stopped = CommandLine.Run("run", "--timeout", "0.5", _directory["spin.wat"]);
        Assert.Equal(124, stopped.Status);
        Assert.Contains("--timeout", stopped.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_import_that_nothing_defines_is_named()
    {
        File.WriteAllText(_directory["c.wat"], Program.Replace("FUNCTION", "fail", StringComparison.Ordinal).Replace("wasi:cli/exit@0.2.0", "other:world/exit@1.0.0", StringComparison.Ordinal));
        GuestResult refused = CommandLine.Run("run", _directory["c.wat"]);
        Assert.Equal(1, refused.Status);
        Assert.Contains("other:world/exit@1.0.0", refused.Error, StringComparison.Ordinal);
        GuestResult trapped = CommandLine.Run("run", "--unknown-imports", "trap", _directory["c.wat"]);
        Assert.Equal(134, trapped.Status);
        Assert.Contains("is not defined", trapped.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dump_of_a_component_that_trapped_has_all_its_core_instances()
    {
        File.WriteAllText(_directory["crash.wat"], """
            (component
              (core module $first (memory (export "memory") 2) (global (export "g") (mut i32) (i32.const 7)))
              (core module $second
                (import "first" "memory" (memory 1))
                (import "first" "g" (global $g (mut i32)))
                (global (mut i64) (i64.const -3))
                (func $inner (i32.store (i32.const 65536) (i32.const 0x11223344)) (global.set $g (i32.const 9)) unreachable)
                (func (export "crash") (result i32) (call $inner) (i32.const 0))
                (func (export "lie") (result i32) (i32.const 5)))
              (core instance $one (instantiate $first))
              (core instance $two (instantiate $second (with "first" (instance $one))))
              (func $run (result (result)) (canon lift (core func $two "FUNCTION")))
              (instance $interface (export "run" (func $run)))
              (export "wasi:cli/run@0.2.0" (instance $interface)))
            """);
        string source = File.ReadAllText(_directory["crash.wat"]);
        File.WriteAllText(_directory["crash.wat"], source.Replace("FUNCTION", "crash", StringComparison.Ordinal));
        GuestResult result = CommandLine.Run("run", "--coredump", _directory["core"], _directory["crash.wat"]);
        Assert.Equal(134, result.Status);
        WasmModule dump = WasmModule.Decode(File.ReadAllBytes(_directory["core"]));
        // Two instances of two modules: both have memory 0 and global 0, and the second has a global more.
        Assert.Equal([2, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0, 2, 0, 1], Section(dump, "coreinstances"));
        // Two frames of instance 1, functions 0 and 1.
        byte[] stack = Section(dump, "corestack");
        Assert.Equal([2, 0, 1, 0], stack[6..10]);
        Assert.Equal([0, 0, 0, 1, 1], stack[11..16]);
        Assert.Equal([2UL], dump.Memories.ToArray().Select(memory => memory.Limits.Minimum));
        Assert.Equal(0x11223344, System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(dump.Read(dump.Data[0])));
        string text = CommandLine.Run("print", _directory["core"]).Output;
        Assert.Contains("(global (;0;) (mut i32) (i32.const 9))", text, StringComparison.Ordinal);
        Assert.Contains("(global (;1;) (mut i64) (i64.const -3))", text, StringComparison.Ordinal);

        // A rule of the canonical ABI that is broken is a trap too, outside of the guest's code.
        File.WriteAllText(_directory["lie.wat"], source.Replace("FUNCTION", "lie", StringComparison.Ordinal));
        Assert.Equal(134, CommandLine.Run("run", "--coredump", _directory["lied"], _directory["lie.wat"]).Status);
        Assert.Equal(0, Section(WasmModule.Decode(File.ReadAllBytes(_directory["lied"])), "corestack")[6]);
    }

    [Fact]
    public void A_component_that_traps_before_it_is_an_instance_leaves_no_dump_and_that_is_said()
    {
        File.WriteAllText(_directory["c.wat"], Program.Replace("FUNCTION", "fail", StringComparison.Ordinal).Replace("(func (export \"fail\")", "(func $start unreachable) (start $start) (func (export \"fail\")", StringComparison.Ordinal));
        GuestResult result = CommandLine.Run("run", "--coredump", _directory["core"], _directory["c.wat"]);
        Assert.Equal(134, result.Status);
        Assert.Contains("--coredump: the guest trapped while it was instantiated", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_directory["core"]));
    }

    private static byte[] Section(WasmModule module, string name)
    {
        Assert.True(module.TryGetCustomSection(name, out CustomSection section));
        return module.Read(section).ToArray();
    }

    private static string Succeed(params string[] arguments)
    {
        GuestResult result = CommandLine.Run(arguments);
        Assert.True(result.Status == 0, $"tarn {string.Join(' ', arguments)}: {result.Error}");
        return result.Output;
    }
}
