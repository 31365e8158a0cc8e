// A try_table costs nothing until something is thrown: what is executed then is instruction for instruction what is executed without it. Handlers lie behind.
using System.Text;
using System.Text.RegularExpressions;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Targets.X64;
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Compiler.Tests.Emit;

public sealed partial class HandlerTests
{
    // In each, TRY and END stand for the try_table or nothing.
    public static TheoryData<string> Bodies =>
    [
        "(param i32) (result i64) TRY (call $f (i64.const 1) (local.get 0)) (return) END (unreachable)",
        "(param i32) (result i64) (local i64) TRY (loop $l (local.set 1 (call $f (local.get 1) (local.get 0))) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (return (local.get 1)) END (unreachable)",
        "(param i32) (result i64) (local i64) TRY (loop $l (local.set 1 (i64.add (i64.mul (local.get 1) (i64.const 3)) (call $i (local.get 0)))) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (return (local.get 1)) END (unreachable)",
        "(param i32) (result i64) (local i64 f64 f64) (local.set 2 (f64.convert_i32_s (local.get 0))) TRY (local.set 1 (call $f (i64.const 2) (local.get 0))) (local.set 3 (f64.mul (local.get 2) (f64.convert_i64_s (local.get 1)))) (return (i64.trunc_f64_s (f64.add (local.get 2) (local.get 3)))) END (unreachable)",
    ];

    // Where a result lives on over a second call, the allocator may put it away and fetch it at another place, since a call that may throw ends a block.
    public static TheoryData<string> LongerBodies =>
    [
        "(param i32) (result i64) TRY (return (i64.add (call_indirect (param i64) (result i64) (i64.const 4) (local.get 0)) (call_indirect (param i64) (result i64) (i64.const 5) (i32.const 1)))) END (unreachable)",
        "(param i32) (result i64) (local i64) TRY (local.set 1 (call $i (local.get 0))) (memory.grow (local.get 0)) (drop) (return (i64.add (local.get 1) (i64.load (local.get 0)))) END (unreachable)",
    ];

    [Theory]
    [MemberData(nameof(LongerBodies))]
    public void Code_that_throws_nothing_is_no_longer_with_a_handler(string body)
    {
        var plain = Hot(Compile(body.Replace("TRY", "(block $x", StringComparison.Ordinal).Replace("END", ")", StringComparison.Ordinal)));
        var handling = Hot(Compile(body.Replace("TRY", "(block $x (try_table (catch_all $x)", StringComparison.Ordinal).Replace("END", ") (br $x))", StringComparison.Ordinal)));
        Assert.True(handling.Split('\n').Length <= plain.Split('\n').Length, $"{plain}\n---\n{handling}");
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Code_that_throws_nothing_is_the_same_with_a_handler(string body)
    {
        var plain = Compile(body.Replace("TRY", "(block $x", StringComparison.Ordinal).Replace("END", ")", StringComparison.Ordinal));
        var handling = Compile(body.Replace("TRY", "(block $x (try_table (catch_all $x)", StringComparison.Ordinal).Replace("END", ") (br $x))", StringComparison.Ordinal));
        Assert.Null(plain.Handlers);
        Assert.NotNull(handling.Handlers);
        Assert.Equal(plain.FrameSize, handling.FrameSize);
        Assert.Equal(Hot(plain), Hot(handling));
        Assert.All(handling.Handlers.Sites, site => Assert.True(site.LandingOffset > site.ReturnOffset));
    }

    // The instructions up to the last return, without the distances of jumps.
    private static string Hot(CompiledFunction function)
    {
        string[] lines = Disassembler.Format(function.Code, withBytes: false).Split('\n');
        var end = Array.FindLastIndex(lines, line => line.TrimEnd().EndsWith(" ret", StringComparison.Ordinal));
        return string.Join('\n', lines.Take(end + 1).Select(line => Address().Replace(line, "")));
    }

    [GeneratedRegex("^ *[0-9A-Fa-f]+:? |[0-9A-Fa-f]{8,}h?|(?<=j[a-z]+ .*)[0-9A-Fa-f]+h?$")]
    private static partial Regex Address();

    private static CompiledFunction Compile(string body)
    {
        var text = $$"""
            (module
              (import "e" "i" (func $i (param i32) (result i64)))
              (memory 1) (table 2 funcref)
              (func $run {{body}})
              (func $f (param i64 i32) (result i64) (local.get 0))
              (func $g (param i64) (result i64) (local.get 0)))
            """;
        var module = WasmModule.Decode(WatParser.Parse(Encoding.UTF8.GetBytes(text)), WasmFeatures.All);
        ModuleValidator.Validate(module, new TypeRegistry(), 1);
        var compilation = new FunctionCompilation(new X64Target(Tarn.Assembler.X64.CpuFeatureDetector.Detect())) { ChecksAllocation = true };
        return compilation.Compile(module, new VmContextLayout(module), 0, TargetDescription.Default);
    }
}
