// What lifting and lowering do to the guest's memory, compared with Wasmtime byte by byte. Lowering: a list of random values of a random type goes into a guest, which returns all that was written
// to its memory. Lifting: a guest returns random bytes as a value of a random type; both read the same value, or both trap. Bounded; from new seeds in CI and with TARN_FUZZ_SECONDS (FuzzRun).
using System.Globalization;
using System.Text;
using Tarn.TestSupport;
using Tarn.Wasm.Component;
using Peer = Wasmtime.Components;

namespace Tarn.Components.Tests;

public sealed class WasmtimeDifferentialTests
{
    private const int Runs = 40;
    private const int ValuesOfEachType = 4;
    private const int LiftsOfEachType = 12;

    [Fact]
    public void Lifting_and_lowering_agree_with_Wasmtime()
    {
        using FuzzRun run = FuzzRun.Start(typeof(WasmtimeDifferentialTests), nameof(Lifting_and_lowering_agree_with_Wasmtime), otherwise: 1);
        using Engine engine = Guests.CreateEngine();
        using Wasmtime.Engine peerEngine = new();
        using Peer.ComponentLinker peerLinker = new(peerEngine);
        int values = 0, traps = 0;
        for (int i = 0; i < Runs || run.GoesOn; i++)
        {
            int seed = run.First + i;
            var random = new Random(seed);
            (string type, Func<ComponentValue> next) = LiftingFuzzTests.RandomType(random, 3);
            // How much is allocated for a string whose length in the other encoding is not known is left to the host: Wasmtime asks for too much for UTF-16 and shrinks it.
            bool isUtf8 = random.Next(2) == 0;
            int lowered = isUtf8 || !type.Contains("string", StringComparison.Ordinal) ? ValuesOfEachType : 0;
            byte[] bytes = ComponentParser.Parse(Encoding.UTF8.GetBytes(Probe(type, isUtf8 ? "utf8" : "utf16")));
            using Component component = Component.FromBytes(engine, bytes);
            using Peer.Component peer = Peer.Component.FromBytes(peerEngine, bytes);
            ComponentTemplate template = new ComponentLinker(engine).Prepare(component);
            for (int j = 0; j < lowered; j++)
            {
                ComponentValue list = ComponentValue.FromList([.. Enumerable.Range(0, random.Next(4)).Select(_ => next())]);
                string what = $"seed {seed}: of the type {type}, {list}";
                string own = Own(template, "dump", list), theirs = Theirs(peerEngine, peerLinker, peer, "dump", ToPeer(list));
                Assert.True(own == theirs, $"{what} is lowered to {own} here and to {theirs} by Wasmtime");
            }

            for (int j = 0; j < LiftsOfEachType; j++)
            {
                byte[] memory = RandomBytes(random);
                string own = Own(template, "make", ComponentValue.FromBytes(memory));
                string theirs = Theirs(peerEngine, peerLinker, peer, "make", Peer.ComponentValue.List([.. memory.Select(Peer.ComponentValue.U8)]));
                Assert.True(own == theirs, $"seed {seed}: of the type {type}, {Convert.ToHexString(memory)} is {own} here and {theirs} in Wasmtime");
                _ = own == "trap" ? traps++ : values++;
            }
        }

        // Neither of the two answers may be the only one that was compared.
        Assert.True(values > Runs && traps > Runs, $"{values} values and {traps} traps were compared");
    }

    private static string Probe(string type, string encoding) => $"""
        (component
          (core module $m {Guests.Allocator}
            (func (export "dump") (param i32 i32) (result i32)
              (i32.store (i32.const 8) (local.get 0)) (i32.store (i32.const 12) (local.get 1))
              (i32.store (i32.const 0) (i32.const 8)) (i32.store (i32.const 4) (i32.sub (global.get $next) (i32.const 8)))
              (i32.const 0))
            (func (export "make") (param i32 i32) (result i32) (local.get 0)))
          (core instance $i (instantiate $m))
          (func (export "dump") (param "x" (list {type})) (result (list u8))
            (canon lift (core func $i "dump") string-encoding={encoding} (memory (core memory $i "mem")) (realloc (core func $i "realloc"))))
          (func (export "make") (param "x" (list u8)) (result (tuple {type} u8 u8))
            (canon lift (core func $i "make") string-encoding={encoding} (memory (core memory $i "mem")) (realloc (core func $i "realloc")))))
        """;

    // Words that are small, places in memory with little behind them, or anything.
    private static byte[] RandomBytes(Random random)
    {
        byte[] bytes = new byte[random.Next(1, 24) * 4];
        int kind = random.Next(3);
        for (int i = 0; i < bytes.Length; i += 4)
        {
            uint word = random.Next(kind + 3) switch
            {
                0 => (uint)random.Next(3),
                1 => (uint)random.Next(256) * 4,
                2 => (uint)random.Next(0x41, 0x7A) * 0x01010101,
                3 => (uint)random.Next(2) * 0x0101_0101u,
                _ => (uint)random.NextInt64(uint.MaxValue),
            };
            BitConverter.TryWriteBytes(bytes.AsSpan(i), word);
        }

        return bytes;
    }

    private static string Own(ComponentTemplate template, string function, ComponentValue argument)
    {
        using ComponentInstance instance = template.Instantiate();
        try
        {
            return Text(instance.GetFunction(function).Invoke(argument)!);
        }
        catch (Exception e) when (e is ComponentTrapException or TrapException)
        {
            return "trap";
        }
    }

    private static string Theirs(Wasmtime.Engine engine, Peer.ComponentLinker linker, Peer.Component component, string function, Peer.ComponentValue argument)
    {
        using Wasmtime.Store store = new(engine);
        try
        {
            return Text(linker.Instantiate(store, component).GetFunction(function)!.Call(argument)!);
        }
        catch (Wasmtime.WasmtimeException)
        {
            return "trap";
        }
    }

    private static string Text(ComponentValue value) => value.Kind switch
    {
        ComponentValueKind.Bool => value.AsBoolean() ? "1" : "0",
        ComponentValueKind.S8 => Number(value.AsInt8()),
        ComponentValueKind.U8 => Number(value.AsUInt8()),
        ComponentValueKind.S16 => Number(value.AsInt16()),
        ComponentValueKind.U16 => Number(value.AsUInt16()),
        ComponentValueKind.S32 => Number(value.AsInt32()),
        ComponentValueKind.U32 => Number(value.AsUInt32()),
        ComponentValueKind.S64 => Number(value.AsInt64()),
        ComponentValueKind.U64 => value.AsUInt64().ToString(CultureInfo.InvariantCulture),
        ComponentValueKind.F32 => Real(value.AsSingle()),
        ComponentValueKind.F64 => Real(value.AsDouble()),
        ComponentValueKind.Char => Number(value.AsRune().Value),
        ComponentValueKind.String => $"'{value.AsString()}'",
        ComponentValueKind.Option => value.Payload is ComponentValue some ? $"some({Text(some)})" : "none",
        ComponentValueKind.Result => $"{value.Case[..2]}({(value.Payload is ComponentValue payload ? Text(payload) : "")})",
        _ => $"[{string.Join(',', Enumerable.Range(0, value.Count).Select(i => Text(value[i])))}]",
    };

    private static string Text(Peer.ComponentValue value) => value.Kind switch
    {
        Peer.ComponentValueKind.Bool => value.AsBool() ? "1" : "0",
        Peer.ComponentValueKind.S8 => Number(value.AsS8()),
        Peer.ComponentValueKind.U8 => Number(value.AsU8()),
        Peer.ComponentValueKind.S16 => Number(value.AsS16()),
        Peer.ComponentValueKind.U16 => Number(value.AsU16()),
        Peer.ComponentValueKind.S32 => Number(value.AsS32()),
        Peer.ComponentValueKind.U32 => Number(value.AsU32()),
        Peer.ComponentValueKind.S64 => Number(value.AsS64()),
        Peer.ComponentValueKind.U64 => value.AsU64().ToString(CultureInfo.InvariantCulture),
        Peer.ComponentValueKind.F32 => Real(value.AsF32()),
        Peer.ComponentValueKind.F64 => Real(value.AsF64()),
        Peer.ComponentValueKind.Char => Number(value.AsRune().Value),
        Peer.ComponentValueKind.String => $"'{value.AsString()}'",
        Peer.ComponentValueKind.Option => value.IsSome ? $"some({Text(value.Payload!)})" : "none",
        Peer.ComponentValueKind.Result => $"{(value.IsOk ? "ok" : "er")}({(value.Payload is Peer.ComponentValue payload ? Text(payload) : "")})",
        Peer.ComponentValueKind.List => $"[{string.Join(',', value.AsList().Select(Text))}]",
        _ => $"[{string.Join(',', value.AsTuple().Select(Text))}]",
    };

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Real(double value) => double.IsNaN(value) ? "nan" : BitConverter.DoubleToInt64Bits(value).ToString("x", CultureInfo.InvariantCulture);

    private static Peer.ComponentValue ToPeer(ComponentValue value) => value.Kind switch
    {
        ComponentValueKind.Bool => Peer.ComponentValue.Bool(value.AsBoolean()),
        ComponentValueKind.S8 => Peer.ComponentValue.S8(value.AsInt8()),
        ComponentValueKind.U8 => Peer.ComponentValue.U8(value.AsUInt8()),
        ComponentValueKind.S16 => Peer.ComponentValue.S16(value.AsInt16()),
        ComponentValueKind.U16 => Peer.ComponentValue.U16(value.AsUInt16()),
        ComponentValueKind.S32 => Peer.ComponentValue.S32(value.AsInt32()),
        ComponentValueKind.U32 => Peer.ComponentValue.U32(value.AsUInt32()),
        ComponentValueKind.S64 => Peer.ComponentValue.S64(value.AsInt64()),
        ComponentValueKind.U64 => Peer.ComponentValue.U64(value.AsUInt64()),
        ComponentValueKind.F32 => Peer.ComponentValue.F32(value.AsSingle()),
        ComponentValueKind.F64 => Peer.ComponentValue.F64(value.AsDouble()),
        ComponentValueKind.Char => Peer.ComponentValue.Char(value.AsRune()),
        ComponentValueKind.String => Peer.ComponentValue.String(value.AsString()),
        ComponentValueKind.Option => value.Payload is ComponentValue some ? Peer.ComponentValue.Some(ToPeer(some)) : Peer.ComponentValue.None(),
        ComponentValueKind.Result => value.Case == "ok" ? Peer.ComponentValue.Ok(value.Payload is ComponentValue ok ? ToPeer(ok) : null) : Peer.ComponentValue.Err(ToPeer(value.Payload!)),
        ComponentValueKind.List => Peer.ComponentValue.List([.. Items(value)]),
        _ => Peer.ComponentValue.Tuple([.. Items(value)]),
    };

    private static IEnumerable<Peer.ComponentValue> Items(ComponentValue value) => Enumerable.Range(0, value.Count).Select(i => ToPeer(value[i]));
}
