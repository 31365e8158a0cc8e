// Where code looks for an interruption and where it need not: every way to go on for ever has a check on it, loops that are over soon have none.
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Targets.X64;
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Compiler.Tests.Emit;

public sealed class InterruptionTests
{
    [Theory]
    [InlineData("(i32.const 0)", "(i32.add (local.get $i) (i32.const 1))", "(i32.lt_u (local.get $i) (i32.const 100))")]
    [InlineData("(i32.const 0)", "(i32.add (local.get $i) (i32.const 4))", "(i32.ne (local.get $i) (i32.const 400))")]
    [InlineData("(i32.const -400)", "(i32.add (local.get $i) (i32.const 4))", "(local.get $i)")]
    [InlineData("(i32.const 400)", "(i32.sub (local.get $i) (i32.const 4))", "(local.get $i)")]
    [InlineData("(i32.and (local.get $n) (i32.const 63))", "(i32.add (local.get $i) (i32.const 1))", "(i32.lt_s (local.get $i) (i32.const 64))")]
    public void Short_loops_are_not_checked(string start, string step, string goesOn) => Assert.Equal(0, Checks(Loop(start, step, goesOn, "")));

    [Theory]

    // Limits that nobody knows, or that are far away.
    [InlineData("(i32.const 0)", "(i32.add (local.get $i) (i32.const 1))", "(i32.lt_u (local.get $i) (local.get $n))")]
    [InlineData("(i32.const 0)", "(i32.add (local.get $i) (i32.const 1))", "(i32.lt_u (local.get $i) (i32.const 100000000))")]
    [InlineData("(local.get $n)", "(i32.add (local.get $i) (i32.const 4))", "(local.get $i)")]

    // Steps that miss the end, or come to it only after going round.
    [InlineData("(i32.const 1)", "(i32.add (local.get $i) (i32.const 2))", "(local.get $i)")]
    [InlineData("(i32.const -401)", "(i32.add (local.get $i) (i32.const 4))", "(local.get $i)")]
    [InlineData("(i32.const 0)", "(i32.add (local.get $i) (i32.const 4))", "(local.get $i)")]
    [InlineData("(i32.const 0)", "(i32.sub (local.get $i) (i32.const 4))", "(i32.ne (local.get $i) (i32.const 400))")]

    // No step at all, none upwards, one that is not constant.
    [InlineData("(i32.const 0)", "(local.get $i)", "(i32.lt_u (local.get $i) (i32.const 100))")]
    [InlineData("(i32.const 0)", "(i32.sub (local.get $i) (i32.const 1))", "(i32.lt_s (local.get $i) (i32.const 100))")]
    [InlineData("(i32.const 0)", "(i32.add (local.get $i) (local.get $n))", "(i32.lt_u (local.get $i) (i32.const 100))")]

    // The last step wraps below the limit again.
    [InlineData("(i32.const 0)", "(i32.add (local.get $i) (i32.const 0x10000000))", "(i32.le_u (local.get $i) (i32.const 0xFFFFFFF0))")]
    public void Loops_that_may_be_long_are(string start, string step, string goesOn) => Assert.Equal(1, Checks(Loop(start, step, goesOn, "")));

    [Fact]
    public void A_short_loop_with_a_call_is_checked_and_so_is_the_entry() =>
        Assert.Equal(2, Checks(Loop("(i32.const 0)", "(i32.add (local.get $i) (i32.const 1))", "(i32.lt_u (local.get $i) (i32.const 100))", "(call $other)")));

    [Fact]
    public void A_loop_round_a_short_one_is_checked() => Assert.Equal(1, Checks("""
        (module (memory 1) (func (param $n i32) (local $i i32)
          (loop $outer
            (local.set $i (i32.const 0))
            (loop $inner
              (i32.store (local.get $i) (local.get $n))
              (br_if $inner (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 400))))
            (br_if $outer (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
        """));

    [Fact]
    public void A_second_way_round_a_short_loop_is_a_reason_to_check() => Assert.Equal(1, Checks("""
        (module (memory 1) (func (param $n i32) (local $i i32)
          (loop $again
            (br_if $again (i32.load (local.get $n)))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 400))))))
        """));

    [Theory]
    [InlineData("(module (func (param i32) (result i32) local.get 0))", 0)]
    [InlineData("(module (func $f (param i32) (result i32) (call $f (local.get 0))))", 1)]
    [InlineData("(module (func $f (param i32) (result i32) (return_call $f (local.get 0))))", 1)]
    [InlineData("(module (type $t (func)) (table 1 funcref) (func (return_call_indirect (type $t) (i32.const 0))))", 1)]
    [InlineData("(module (type $t (func)) (func (param (ref $t)) (return_call_ref $t (local.get 0))))", 1)]
    public void Entries_are_checked_where_something_is_called(string text, int checks) => Assert.Equal(checks, Checks(text));

    private static string Loop(string start, string step, string goesOn, string body) => $"""
        (module (memory 1) (func (export "run") (param $n i32) (local $i i32)
          (local.set $i {start})
          (loop $again
            {body}
            (i32.store (i32.and (local.get $i) (i32.const 0xFFC)) (local.get $n))
            (local.set $i {step})
            (br_if $again {goesOn})))
          (func $other))
        """;

    // In the first function's code: cmp dword [r14+8], 0.
    private static int Checks(string text)
    {
        var module = WasmModule.Decode(WatParser.Parse(System.Text.Encoding.UTF8.GetBytes(text)));
        ModuleValidator.Validate(module, new TypeRegistry());
        var code = new FunctionCompilation(new X64Target(CpuFeatureDetector.Detect())) { ChecksAllocation = true }
            .Compile(module, new VmContextLayout(module), 0, TargetDescription.Default with { Interruption = true }).Code.AsSpan();
        var count = 0;
        ReadOnlySpan<byte> check = [0x41, 0x83, 0x7E, VmContextHeader.InterruptRequested, 0];
        for (var i = 0; i < code.Length; i++)
        {
            count += code[i..].StartsWith(check) ? 1 : 0;
        }

        return count;
    }
}
