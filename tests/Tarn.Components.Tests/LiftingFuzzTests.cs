// Random types and random values of them, from the host through one guest into another, to the host and back the same way: what comes back is what was sent. The guests use different string
// encodings, so that every string is transcoded both ways. Bounded; from new seeds in CI and with TARN_FUZZ_SECONDS (FuzzRun).
using System.Text;
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Component;

namespace Tarn.Components.Tests;

public sealed class LiftingFuzzTests
{
    private const int Runs = 60;
    private const int ValuesOfEachType = 5;

    private static readonly string[] s_primitives = ["bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string"];
    private static readonly string[] s_encodings = ["utf8", "utf16", "latin1+utf16"];

    [Fact]
    public void Random_values_pass_two_guests_unchanged()
    {
        using FuzzRun run = FuzzRun.Start(typeof(LiftingFuzzTests), nameof(Random_values_pass_two_guests_unchanged), otherwise: 1);
        using Engine engine = Guests.CreateEngine();
        for (int i = 0; i < Runs || run.GoesOn; i++)
        {
            int seed = run.First + i;
            var random = new Random(seed);
            (string type, Func<ComponentValue> next) = RandomType(random, 3);
            string text = Compose(type, s_encodings[random.Next(3)], s_encodings[random.Next(3)]);
            using Component component = Component.FromText(engine, text);
            ComponentValue? seen = null;
            ComponentLinker linker = new ComponentLinker(engine).DefineFunction("", "f", call => seen = call[0]);
            for (int j = 0; j < ValuesOfEachType; j++)
            {
                using ComponentInstance instance = linker.Instantiate(component);
                ComponentValue value = next();
                ComponentValue? back = instance.GetFunction("run").Invoke(value);
                Assert.True(value.Equals(seen), $"seed {seed}: of the type {type}, {value} was sent and the host saw {seen}");
                Assert.True(value.Equals(back), $"seed {seed}: of the type {type}, {value} was sent and {back} came back");
            }
        }
    }

    private static string Compose(string type, string outer, string inner) => $"""
        (component
          (import "f" (func $f (param "x" {type}) (result {type})))
          {Named("$Inner", type, inner)}
          {Named("$Outer", type, outer)}
          (instance $inner (instantiate $Inner (with "f" (func $f))))
          (instance $outer (instantiate $Outer (with "f" (func $inner "run"))))
          (export "run" (func $outer "run")))
        """;

    private static string Named(string name, string type, string encoding)
    {
        string text = Guests.Echo(type, Flat(type), "", encoding);
        return "(component " + name + text.TrimStart()["(component".Length..];
    }

    // The core parameters that a value of a type is passed as; a pointer where they are too many.
    private static string Flat(string type)
    {
        byte[] binary = ComponentParser.Parse(Encoding.UTF8.GetBytes($"(component (import \"f\" (func (param \"x\" {type}))))"));
        ComponentFacts facts = ComponentValidator.Validate(WasmComponent.Decode(binary), WasmFeatures.Wasm3);
        ValueTypeNode node = ((FunctionTypeNode)facts.Type.Imports["f"].Type!).Parameters[0];
        if (node.FlatCount > CanonicalLayout.MaxFlatParameters)
            return "i32*";
        List<ValType> flat = [];
        node.Flatten(flat, ValType.I32);
        return string.Join(' ', flat);
    }

    internal static (string Type, Func<ComponentValue> Next) RandomType(Random random, int depth)
    {
        int form = depth == 0 ? 0 : random.Next(6);
        switch (form)
        {
            case 1:
                (string element, Func<ComponentValue> next) = RandomType(random, depth - 1);
                return ($"(list {element})", () => ComponentValue.FromList([.. Enumerable.Range(0, random.Next(5)).Select(_ => next())]));
            case 2:
                (string Type, Func<ComponentValue> Next)[] items = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomType(random, depth - 1))];
                return ($"(tuple {string.Join(' ', items.Select(i => i.Type))})", () => ComponentValue.FromTuple([.. items.Select(i => i.Next())]));
            case 3:
                (element, next) = RandomType(random, depth - 1);
                return ($"(option {element})", () => ComponentValue.FromOption(random.Next(3) == 0 ? null : next()));
            case 4:
                (element, next) = RandomType(random, depth - 1);
                (string error, Func<ComponentValue> nextError) = RandomType(random, depth - 1);
                return ($"(result {element} (error {error}))", () => random.Next(2) == 0 ? ComponentValue.Ok(next()) : ComponentValue.Error(nextError()));
            case 5:
                (error, nextError) = RandomType(random, depth - 1);
                return ($"(result (error {error}))", () => random.Next(2) == 0 ? ComponentValue.Ok() : ComponentValue.Error(nextError()));
            default:
                string primitive = s_primitives[random.Next(s_primitives.Length)];
                return (primitive, () => RandomPrimitive(primitive, random));
        }
    }

    private static ComponentValue RandomPrimitive(string type, Random random)
    {
        ulong bits = random.Next(4) switch
        {
            0 => 0,
            1 => ulong.MaxValue,
            _ => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
        };
        return type switch
        {
            "bool" => ComponentValue.FromBoolean((bits & 1) != 0),
            "s8" => ComponentValue.FromInt8((sbyte)bits),
            "u8" => ComponentValue.FromUInt8((byte)bits),
            "s16" => ComponentValue.FromInt16((short)bits),
            "u16" => ComponentValue.FromUInt16((ushort)bits),
            "s32" => ComponentValue.FromInt32((int)bits),
            "u32" => ComponentValue.FromUInt32((uint)bits),
            "s64" => ComponentValue.FromInt64((long)bits),
            "u64" => ComponentValue.FromUInt64(bits),
            "f32" => ComponentValue.FromSingle((float)random.NextDouble() - 0.5f),
            "f64" => ComponentValue.FromDouble(random.NextDouble() * 1e300),
            "char" => ComponentValue.FromRune(RandomRune(random)),
            _ => ComponentValue.FromString(string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => RandomRune(random).ToString()))),
        };
    }

    // Of each length that the encodings know.
    private static Rune RandomRune(Random random)
    {
        while (true)
        {
            int value = random.Next(4) switch
            {
                0 => random.Next(0x80),
                1 => random.Next(0x100),
                2 => random.Next(0x10000),
                _ => random.Next(0x110000),
            };
            if (Rune.IsValid(value))
                return new Rune(value);
        }
    }
}
