// What the validator says: the error carries function, name, offset, instruction and rule, and each rule is worded so that a person can mend the module. The
// catalogue is a golden file: a module in text, then the message.
using System.Text;
using Tarn.TestSupport;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;
using static Tarn.Wasm.Tests.ModuleBuilder;

namespace Tarn.Wasm.Tests.Validation;

public sealed class ValidatorTests
{
    [Fact]
    public void An_error_carries_function_name_offset_instruction_and_rule()
    {
        byte[] module = WatParser.Parse(Encoding.UTF8.GetBytes("(module (import \"a\" \"b\" (func)) (func $fine) (func $sum (result i32) nop (i32.add (i32.const 1) (i64.const 2))))"));
        InvalidModuleException error = Assert.Throws<InvalidModuleException>(() => Validate(module));
        Assert.Equal(2, error.FunctionIndex);
        Assert.Equal("sum", error.FunctionName);
        Assert.Equal("i32.add", error.Instruction);
        Assert.Equal((byte)Opcode.I32Add, module[(int)error.Offset]);
        Assert.Equal("type mismatch: instruction requires [i32 i32] but stack has [i32 i64]", error.Rule);
        Assert.Equal($"{error.Rule} (in function 2 \"sum\", i32.add at byte 0x{error.Offset:x})", error.Message);
    }

    [Fact]
    public void A_function_without_a_name_is_told_by_its_index_alone()
    {
        byte[] module = new ModuleBuilder().Vector(1, B(0x60, 0, 0)).Vector(3, U(0), U(0)).Code(B(0, 0x0B), B(0, 0x1A, 0x0B)).Build();
        InvalidModuleException error = Assert.Throws<InvalidModuleException>(() => Validate(module));
        Assert.Equal((1, null, "drop"), (error.FunctionIndex, error.FunctionName, error.Instruction));
        Assert.Equal(module.Length - 2, error.Offset);
    }

    [Fact]
    public void An_error_outside_of_functions_points_at_the_item()
    {
        // The second of three exports, and the third of three functions, whose type is missing.
        byte[] module = new ModuleBuilder().Vector(1, B(0x60, 0, 0)).Vector(3, U(0)).Vector(7, Concat(Name("a"), B(0, 0)), Concat(Name("b"), B(0, 7)), Concat(Name("c"), B(0, 0))).Code(B(0, 0x0B)).Build();
        InvalidModuleException error = Assert.Throws<InvalidModuleException>(() => Validate(module));
        Assert.Equal((byte)'b', module[(int)error.Offset + 1]);
        Assert.Null(error.FunctionIndex);
        Assert.Null(error.Instruction);

        module = new ModuleBuilder().Vector(1, B(0x60, 0, 0)).Vector(2, B(0, 0, 0, 0)).Vector(3, U(0), U(9)).Code(B(0, 0x0B), B(0, 0x0B)).Build();
        error = Assert.Throws<InvalidModuleException>(() => Validate(module));
        Assert.Equal(9, module[(int)error.Offset]);
        Assert.Equal(2, error.FunctionIndex);
    }

    [Fact]
    public void An_error_in_an_import_points_at_the_import()
    {
        byte[] module = new ModuleBuilder().Vector(1, B(0x60, 0, 0)).Vector(2, Concat(Name("a"), Name("b"), B(0, 0)), Concat(Name("x"), Name("y"), B(2, 1, 2, 1))).Build();
        InvalidModuleException error = Assert.Throws<InvalidModuleException>(() => Validate(module));
        Assert.StartsWith("size minimum must not be greater than maximum", error.Rule);
        Assert.Equal((byte)'x', module[(int)error.Offset + 1]);
    }

    [Fact]
    public void A_module_both_malformed_and_invalid_is_malformed()
    {
        // memory.init names a data segment without a data count section, in a body behind an invalid one.
        byte[] module = new ModuleBuilder().Vector(1, B(0x60, 0, 0)).Vector(3, U(0), U(0)).Vector(5, B(0, 1))
            .Code(B(0, 0x1A, 0x0B), B(0, 0x41, 0, 0x41, 0, 0x41, 0, 0xFC, 8, 0, 0, 0x0B)).Vector(11, B(1, 0)).Build();
        Assert.StartsWith("data count section required: memory.init", Assert.Throws<MalformedModuleException>(() => Validate(module)).Problem);
    }

    [Theory]
    [InlineData(0x06, "try")]
    [InlineData(0x07, "catch")]
    [InlineData(0x09, "rethrow")]
    [InlineData(0x18, "delegate")]
    [InlineData(0x19, "catch_all")]
    public void Legacy_exception_instructions_are_refused_by_name(int opcode, string name)
    {
        byte[] module = new ModuleBuilder().Vector(1, B(0x60, 0, 0)).Vector(3, U(0)).Code(B(0, opcode, 0x40, 0x0B, 0x0B)).Build();
        MalformedModuleException error = Assert.Throws<MalformedModuleException>(() => Validate(module));
        Assert.Equal(
            $"illegal opcode {opcode:x2}: {name} belongs to the legacy exception instructions, which WebAssembly 3.0 replaced by try_table and throw_ref; it needs the feature LegacyExceptions, which is off", error.Problem);
        Assert.Equal((byte)opcode, module[(int)error.Offset]);
    }

    [Theory]
    [InlineData(WasmFeatures.LegacyExceptions, "(func try end)")]
    [InlineData(WasmFeatures.LegacyExceptions, "(func (try (do) (catch_all (rethrow 0))))")]
    [InlineData(WasmFeatures.SignExtension, "(func (drop (i32.extend8_s (i32.const 1))))")]
    [InlineData(WasmFeatures.SaturatingFloatToInt, "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))")]
    [InlineData(WasmFeatures.BulkMemory, "(memory 1) (func (memory.fill (i32.const 1) (i32.const 1) (i32.const 1)))")]
    [InlineData(WasmFeatures.TailCalls, "(func (return_call 0))")]
    [InlineData(WasmFeatures.Simd, "(func (drop (v128.const i64x2 1 2)))")]
    [InlineData(WasmFeatures.RelaxedSimd, "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))")]
    [InlineData(WasmFeatures.Exceptions, "(func (block $b (result exnref) (try_table (catch_all_ref $b)) unreachable) throw_ref)")]
    [InlineData(WasmFeatures.FunctionReferences, "(func (block (br_on_null 0 (ref.null func)) drop))")]
    [InlineData(WasmFeatures.GarbageCollection, "(func (drop (ref.i31 (i32.const 1))))")]
    [InlineData(WasmFeatures.Threads, "(memory 1 1 shared) (func (atomic.fence))")]
    [InlineData(WasmFeatures.CustomPageSizes, "(memory 1 (pagesize 1))")]
    [InlineData(WasmFeatures.WideArithmetic, "(func (param i64) (i64.mul_wide_s (local.get 0) (local.get 0)) drop drop)")]
    [InlineData(WasmFeatures.MultiMemory, "(memory 1) (memory 1)")]
    [InlineData(WasmFeatures.Memory64, "(memory i64 1)")]
    [InlineData(WasmFeatures.ExtendedConstants, "(global i32 (i32.add (i32.const 1) (i32.const 2)))")]
    [InlineData(WasmFeatures.MultiValue, "(func (result i32 i32) (i32.const 1) (i32.const 2))")]
    [InlineData(WasmFeatures.MutableGlobals, "(global (export \"g\") (mut i32) (i32.const 1))")]
    [InlineData(WasmFeatures.ReferenceTypes, "(func (param externref))")]
    public void A_feature_is_wholly_there_or_refused(WasmFeatures feature, string fields)
    {
        byte[] module = WatParser.Parse(Encoding.UTF8.GetBytes($"(module {fields})"), null, new WatOptions { Features = WasmFeatures.All });
        Validate(module, WasmFeatures.All);
        WasmException refusal = Assert.ThrowsAny<WasmException>(() => Validate(module, WasmFeatures.All & ~feature));
        // Flags of limits and constant expressions are refused by the specification's words, the rest by the feature's name.
        if (feature is not (WasmFeatures.CustomPageSizes or WasmFeatures.Memory64 or WasmFeatures.Threads or WasmFeatures.ExtendedConstants))
            Assert.Contains(feature.ToString(), refusal.Message);
    }

    [Fact]
    public void Every_rule_is_worded_for_a_person()
    {
        string path = Repository.PathOf("tests", "Tarn.Wasm.Tests", "Validation", "Golden", "rules.txt");
        StringBuilder catalogue = new();
        List<string> accepted = [];
        foreach (string line in File.ReadLines(path))
        {
            if (line.StartsWith("    ", StringComparison.Ordinal))
                continue;
            catalogue.Append(line).Append('\n');
            if (line.Length == 0 || line[0] == '#')
                continue;
            byte[] module = WatParser.Parse(Encoding.UTF8.GetBytes($"(module {line})"), null, new WatOptions { Features = WasmFeatures.All });
            try
            {
                Validate(module, WasmFeatures.All);
                accepted.Add(line);
            }
            catch (InvalidModuleException e)
            {
                catalogue.Append("    ").Append(e.Message).Append('\n');
            }
        }

        Assert.Empty(accepted);
        GoldenFile.Check("tests/Tarn.Wasm.Tests/Validation/Golden/rules.txt", catalogue.ToString());
    }

    [Fact]
    public void Types_of_two_modules_are_one_where_they_are_equal_as_groups()
    {
        TypeRegistry registry = new();
        int[] first = Ids("(module (rec (type $a (struct (field (ref null $b)))) (type $b (struct (field (ref null $a))))) (type $f (func (param (ref $a)))))");
        int[] second = Ids("(module (type (func)) (rec (type $x (struct (field (ref null $y)))) (type $y (struct (field (ref null $x))))) (type $g (func (param (ref $x)))))");
        int[] alone = Ids("(module (type $self (struct (field (ref null $self)))) (type $h (func (param (ref $self)))))");
        Assert.Equal(first, second[1..]);
        Assert.DoesNotContain(alone[0], first);
        Assert.DoesNotContain(alone[1], first);
        int before = registry.Count;
        Ids("(module (type (func)) (rec (type $x (struct (field (ref null $y)))) (type $y (struct (field (ref null $x))))))");
        Assert.Equal(before, registry.Count);

        int[] Ids(string text)
        {
            WasmModule module = WasmModule.Decode(WatParser.Parse(Encoding.UTF8.GetBytes(text)));
            ModuleValidator.Validate(module, registry);
            return module.CanonicalIds.ToArray();
        }
    }

    [Fact]
    public void Validation_allocates_nothing_for_each_instruction()
    {
        // Twice the module, ten times over: what grows with instructions shows, what a module costs at all does not.
        long small = Allocated(1_000), large = Allocated(20_000);
        Assert.True(large - small < 8_000, $"{small} bytes for 1,000 rounds, {large} for 20,000");

        static long Allocated(int rounds)
        {
            byte[] round = B(0x02, 0x40, 0x20, 0, 0x41, 3, 0x6A, 0x21, 0, 0x20, 0, 0x0D, 0, 0x10, 0, 0x03, 0x7F, 0x20, 0, 0x0B, 0x1A, 0x0B, 0x20, 1, 0xFD, 0x0F, 0x1A);
            // Bodies of one size, so that the stack is the same: many for the large module.
            byte[] body = Concat(B(0), [.. Enumerable.Repeat(round, 100).SelectMany(b => b)], B(0x0B));
            WasmModule module = new ModuleBuilder().Vector(1, B(0x60, 2, 0x7F, 0x7F, 0), B(0x60, 0, 0)).Vector(2, B(0, 0, 0, 1))
                .Vector(3, [.. Enumerable.Repeat(U(0), rounds / 100)]).Code([.. Enumerable.Repeat(body, rounds / 100)]).Decode();
            ModuleValidator.Validate(module, new TypeRegistry(), 1);
            long before = GC.GetAllocatedBytesForCurrentThread();
            ModuleValidator.Validate(module, new TypeRegistry(), 1);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private static void Validate(byte[] module, WasmFeatures features = WasmFeatures.Wasm3) => ModuleValidator.Validate(WasmModule.Decode(module, features), new TypeRegistry(), 1);
}
