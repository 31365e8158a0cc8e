// Patterns of vector instructions that become one machine instruction compute what the pattern does, with all of the processor's extensions and with fewer, and
// near misses of the patterns do too.
using Tarn.Assembler.X64;
using Tarn.Compiler.Targets.X64;
using Tarn.Execution.X64;

namespace Tarn.Runtime.Tests.Arithmetic;

public sealed class VectorPatternTests
{
    public static TheoryData<string> Targets => ["all", "AVX2", "SSE4.1"];

    private static Engine CreateEngine(string target) => new(new EngineOptions
    {
        AllocationStrategy = AllocationStrategy.OnDemand,
        CodeTarget = target switch
        {
            "AVX2" => new X64Target(Processor.Features & ~CpuFeatures.AnyAvx512),
            "SSE4.1" => new X64Target(CpuFeatures.None),
            _ => null,
        },
    });

    // A function of two vectors, given and returned by their halves.
    private static Func<ulong[], ulong[]> Compile(Engine engine, string body)
    {
        string text = $"""
            (module (func (export "f") (param i64 i64 i64 i64) (result i64 i64) (local $a v128) (local $b v128) (local $r v128)
              (local.set $a (i64x2.replace_lane 1 (i64x2.splat (local.get 0)) (local.get 1)))
              (local.set $b (i64x2.replace_lane 1 (i64x2.splat (local.get 2)) (local.get 3)))
              (local.set $r {body})
              (i64x2.extract_lane 0 (local.get $r)) (i64x2.extract_lane 1 (local.get $r))))
            """;
        Module module = Module.FromText(engine, text);
        Instance instance = new Linker(engine).Instantiate(new Store(engine), module);
        Function function = instance.GetFunction("f");
        return halves =>
        {
            var results = new Value[2];
            function.Invoke([(long)halves[0], (long)halves[1], (long)halves[2], (long)halves[3]], results);
            return [(ulong)results[0].AsInt64(), (ulong)results[1].AsInt64()];
        };
    }

    private static void Check(string target, string body, Func<ulong, ulong, ulong> half, int seed)
    {
        using Engine engine = CreateEngine(target);
        Func<ulong[], ulong[]> function = Compile(engine, body);
        Random random = new(seed);
        for (int i = 0; i < 50; i++)
        {
            ulong[] inputs = [.. Enumerable.Range(0, 4).Select(_ => (ulong)random.NextInt64(long.MinValue, long.MaxValue))];
            ulong[] results = function(inputs);
            Assert.Equal(half(inputs[0], inputs[2]), results[0]);
            Assert.Equal(half(inputs[1], inputs[3]), results[1]);
        }
    }

    private static ulong Lanes(ulong value, int bits, Func<ulong, ulong> lane)
    {
        ulong mask = bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        ulong result = 0;
        for (int at = 0; at < 64; at += bits)
            result |= (lane((value >> at) & mask) & mask) << at;
        return result;
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Rotations(string target)
    {
        foreach (int bits in (int[])[16, 32, 64])
        {
            string shape = $"i{bits}x{128 / bits}";
            foreach (int count in (int[])[1, 7, 8, bits / 2, bits - 8, bits - 1])
            {
                foreach (string join in (string[])["v128.or", "v128.xor", shape + ".add"])
                {
                    string left = $"({shape}.shl (local.get $a) (i32.const {count}))", right = $"({shape}.shr_u (local.get $a) (i32.const {bits - count}))";
                    ulong Expected(ulong a, ulong b) => Lanes(a, bits, x => (x << count) | (x >> (bits - count)));
                    Check(target, $"({join} {left} {right})", Expected, count);
                    Check(target, $"({join} {right} {left})", Expected, count);
                }
            }

            // Not rotations: other counts, another source, a signed shift.
            Check(target, $"(v128.or ({shape}.shl (local.get $a) (i32.const 8)) ({shape}.shr_u (local.get $a) (i32.const {bits - 7})))", (a, b) => Lanes(a, bits, x => (x << 8) | (x >> (bits - 7))), 1);
            Check(target, $"(v128.or ({shape}.shl (local.get $a) (i32.const 8)) ({shape}.shr_u (local.get $b) (i32.const {bits - 8})))", (a, b) => Lanes(a, bits, x => x << 8) | Lanes(b, bits, x => x >> (bits - 8)), 2);
            Check(
                target,
                $"(v128.or ({shape}.shl (local.get $a) (i32.const 8)) ({shape}.shr_s (local.get $a) (i32.const {bits - 8})))",
                (a, b) => Lanes(a, bits, x => (x << 8) | (ulong)((long)(x << (64 - bits)) >> (64 - 8))),
                3);
        }

        // Lanes of the sum are not those of the shifts.
        Check(target, "(i16x8.add (i32x4.shl (local.get $a) (i32.const 8)) (i32x4.shr_u (local.get $a) (i32.const 24)))", (a, b) => Lanes(a, 32, x => (x << 8) | (x >> 24)), 4);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Products_of_lower_halves(string target)
    {
        const string Mask = "(v128.const i64x2 0xffffffff 0xffffffff)";
        Check(target, $"(i64x2.mul (v128.and (local.get $a) {Mask}) (v128.and {Mask} (local.get $b)))", (a, b) => (ulong)(uint)a * (uint)b, 1);
        Check(target, $"(i64x2.mul (i64x2.shr_u (local.get $a) (i32.const 32)) (v128.and (local.get $b) {Mask}))", (a, b) => (a >> 32) * (uint)b, 2);
        Check(target, "(i64x2.mul (i64x2.shr_u (local.get $a) (i32.const 40)) (v128.const i64x2 77 77))", (a, b) => (a >> 40) * 77, 3);
        Check(target, "(i64x2.mul (v128.and (local.get $a) (v128.const i64x2 0xffff 0xffff)) (i64x2.shr_u (local.get $b) (i32.const 33)))", (a, b) => (a & 0xFFFF) * (b >> 33), 4);

        // Upper halves that count.
        Check(target, $"(i64x2.mul (v128.and (local.get $a) {Mask}) (local.get $b))", (a, b) => (uint)a * b, 5);
        Check(target, "(i64x2.mul (i64x2.shr_u (local.get $a) (i32.const 31)) (i64x2.shr_u (local.get $b) (i32.const 32)))", (a, b) => (a >> 31) * (b >> 32), 6);
        Check(target, "(i64x2.mul (i64x2.shr_s (local.get $a) (i32.const 32)) (i64x2.shr_u (local.get $b) (i32.const 32)))", (a, b) => (ulong)((long)a >> 32) * (b >> 32), 7);
        Check(target, "(i64x2.mul (i32x4.shr_u (local.get $a) (i32.const 3)) (i64x2.shr_u (local.get $b) (i32.const 32)))", (a, b) => Lanes(a, 32, x => x >> 3) * (b >> 32), 8);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Sums_of_products(string target)
    {
        static ulong Dot(ulong a, ulong b)
        {
            ulong result = 0;
            for (int at = 0; at < 64; at += 32)
                result |= (ulong)(uint)(((short)(a >> at) * (short)(b >> at)) + ((short)(a >> (at + 16)) * (short)(b >> (at + 16)))) << at;
            return result;
        }

        static ulong Add(ulong a, ulong b) => (((a & 0xFFFFFFFF) + (b & 0xFFFFFFFF)) & 0xFFFFFFFF) | (((a >> 32) + (b >> 32)) << 32);

        const string Product = "(i32x4.dot_i16x8_s (local.get $a) (local.get $b))";
        Check(target, $"(i32x4.add (i32x4.mul (local.get $a) (local.get $a)) {Product})", (a, b) => Add(Lanes(a, 32, x => x * x), Dot(a, b)), 1);
        Check(target, $"(i32x4.add {Product} (local.get $b))", (a, b) => Add(Dot(a, b), b), 2);
        Check(target, $"(i32x4.add {Product} (i32x4.dot_i16x8_s (local.get $a) (local.get $a)))", (a, b) => Add(Dot(a, b), Dot(a, a)), 3);
        Check(target, $"(i64x2.add {Product} (local.get $b))", (a, b) => Dot(a, b) + b, 4);
    }

    // Both extremes at once: the one sum of products that does not fit 32 bits.
    [Theory]
    [MemberData(nameof(Targets))]
    public void The_largest_product_wraps(string target)
    {
        using Engine engine = CreateEngine(target);
        Func<ulong[], ulong[]> function = Compile(engine, "(i32x4.add (i32x4.dot_i16x8_s (local.get $a) (local.get $b)) (i32x4.splat (i32.const -1)))");
        ulong lowest = 0x8000_8000_8000_8000;
        Assert.Equal([0x7FFF_FFFF_7FFF_FFFFUL, 0x7FFF_FFFF_7FFF_FFFFUL], function([lowest, lowest, lowest, lowest]));
    }
}
