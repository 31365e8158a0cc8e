// Modules whose one interesting function repeats a construct `count` times, each time over `width` values: the product that a short body can ask for. The constructs are
// all that can move many values with few bytes: calls, returns, branches, blocks with parameters, switches, selects, locals assigned in nests.
namespace Tarn.Compiler.Tests.Limits;

/// <summary>Makes the modules.</summary>
internal static class BombModule
{
    private const byte I32 = 0x7F;
    private const byte Empty = 0x40;
    private const byte Function = 0x70;

    // Types of the modules: the function's own, and block and call types over `width` values.
    private const int Own = 0;
    private const int ToMany = 1;
    private const int Many = 2;
    private const int FromMany = 3;

    // Functions: the one that matters, then one of each type.
    private const int CallToMany = 1;
    private const int CallMany = 2;
    private const int CallFromMany = 3;

    /// <summary>Gets the names of all constructs.</summary>
    public static IReadOnlyList<string> Constructs { get; } =
    [
        "call", "call_indirect", "call_ref", "call results dropped", "return_call", "return_call_indirect", "return_call_ref",
        "return", "br to function", "br_if to function", "br_if to block", "br_if to loop", "br_on_null to function", "br_on_null to block", "br_on_non_null to block",
        "br_table to function", "br_table to block", "br_table to both", "br_table to loop", "br_table to many blocks", "br_table of different values",
        "blocks with parameters", "nested blocks with parameters", "loops with parameters", "nested loops with parameters", "ifs with parameters", "ifs with else",
        "selects", "locals", "locals in nested blocks", "locals in nested loops", "locals in ifs", "locals declared", "locals read",
        "nested loops", "nested loops counting down", "nested loops with exits", "nested loops with exits to the end", "nested loops with returns", "nested loops with values alive", "nested blocks", "nested ifs",
        "loops", "switch entries", "alive over blocks", "alive over calls", "alive over calls in loops", "constants", "constants of one bucket", "values", "loads", "stores and loads", "globals",
        "tests of the same", "ifs of the same",
        "hole over calls", "hole over divisions", "hole over branches", "alive over divisions in loops", "counters of one loop", "branches aside in loops",
    ];

    /// <summary>Makes a module.</summary>
    public static byte[] Create(string construct, int width, int count)
    {
        var body = new List<byte>();
        var locals = 0;
        var resultCount = 0;
        switch (construct)
        {
            case "call":
                Get(width);
                Repeat(count, _ => Op(0x10, CallMany));
                Drop(width);
                break;
            case "call_indirect":
                Get(width);
                Repeat(count, _ => { Op(0x20, 0); Op(0x11, Many); body.Add(0); });
                Drop(width);
                break;
            case "call_ref":
                Get(width);
                Repeat(count, _ => { Op(0xD2, CallMany); Op(0x14, Many); });
                Drop(width);
                break;
            case "call results dropped":
                Repeat(count, _ => Op(0x10, CallToMany));
                body.Add(0x0F);
                break;
            case "return_call":
                resultCount = width;
                Get(width);
                Repeat(count, i => { If(i); Op(0x04, Many); Op(0x12, CallMany); body.Add(0x0B); });
                break;
            case "return_call_indirect":
                resultCount = width;
                Get(width);
                Repeat(count, i => { If(i); Op(0x04, Many); Op(0x20, 0); Op(0x13, Many); body.Add(0); body.Add(0x0B); });
                break;
            case "return_call_ref":
                resultCount = width;
                Get(width);
                Repeat(count, i => { If(i); Op(0x04, Many); Op(0xD2, CallMany); Op(0x15, Many); body.Add(0x0B); });
                break;
            case "return":
                resultCount = width;
                Get(width);
                Repeat(count, i => { If(i); Op(0x04, Many); body.Add(0x0F); body.Add(0x0B); });
                break;
            case "br to function":
                resultCount = width;
                Get(width);
                Repeat(count, i => { If(i); Op(0x04, Many); Op(0x0C, 1); body.Add(0x0B); });
                break;
            case "br_if to function":
                resultCount = width;
                Get(width);
                Repeat(count, i => { If(i); Op(0x0D, 0); });
                break;
            case "br_if to block":
                Op(0x02, ToMany);
                Get(width);
                Repeat(count, i => { If(i); Op(0x0D, 0); Const(i); body.Add(0x6A); });
                body.Add(0x0B);
                Drop(width);
                break;
            case "br_if to loop":
                Get(width);
                Op(0x03, Many);
                Repeat(count, i => { If(i); Op(0x0D, 0); Const(i); body.Add(0x6A); });
                body.Add(0x0B);
                Drop(width);
                break;
            case "br_on_null to function":
                resultCount = width;
                Get(width);
                Repeat(count, _ => { Op(0xD0, Function); Op(0xD5, 0); body.Add(0x1A); });
                break;
            case "br_on_null to block":
                Op(0x02, ToMany);
                Get(width);
                Repeat(count, _ => { Op(0x20, 0); Op(0x25, 0); Op(0xD5, 0); body.Add(0x1A); });
                body.Add(0x0B);
                Drop(width);
                break;
            case "br_on_non_null to block":
                // The label takes the values and a reference.
                Op(0x02, 4);
                Get(width);
                Repeat(count, _ => { Op(0x20, 0); Op(0x25, 0); Op(0xD6, 0); });
                Op(0xD2, 0);
                body.Add(0x0B);
                body.Add(0x1A);
                Drop(width);
                break;
            case "br_table to function":
                resultCount = width;
                Get(width);
                Table(_ => 0);
                break;
            case "br_table to block":
                Op(0x02, ToMany);
                Get(width);
                Table(_ => 0);
                body.Add(0x0B);
                Drop(width);
                break;
            case "br_table to both":
                resultCount = width;
                Op(0x02, ToMany);
                Get(width);
                Table(i => i & 1);
                body.Add(0x0B);
                break;
            case "br_table to loop":
                Get(width);
                Op(0x03, Many);
                Table(_ => 0);
                body.Add(0x0B);
                Drop(width);
                break;
            case "br_table to many blocks":
                Repeat(count, _ => Op(0x02, ToMany));
                Get(width);
                Table(i => i < count ? i : 0);
                Repeat(count, _ => body.Add(0x0B));
                Drop(width);
                break;
            case "br_table of different values":
                Op(0x02, ToMany);
                Op(0x02, ToMany);
                Get(width);
                Repeat(count, i =>
                {
                    Const(i);
                    body.Add(0x6A);
                    If(i);
                    Op(0x04, Many);
                    Op(0x20, 0);
                    body.AddRange([0x0E, 3, 1, 2, 1, 2]);
                    body.Add(0x0B);
                });
                body.Add(0x0B);
                body.Add(0x0B);
                Drop(width);
                break;
            case "blocks with parameters":
                Get(width);
                Repeat(count, i => { Op(0x02, Many); If(i); Op(0x0D, 0); Const(i); body.Add(0x6A); body.Add(0x0B); });
                Drop(width);
                break;
            case "nested blocks with parameters":
                Get(width);
                Repeat(count, _ => Op(0x02, Many));
                Repeat(count, i => { If(i); Op(0x0D, i); Const(i); body.Add(0x6A); });
                Repeat(count, _ => body.Add(0x0B));
                Drop(width);
                break;
            case "loops with parameters":
                Get(width);
                Repeat(count, i => { Op(0x03, Many); If(i); Op(0x0D, 0); Const(i); body.Add(0x6A); body.Add(0x0B); });
                Drop(width);
                break;
            case "nested loops with parameters":
                Get(width);
                Repeat(count, _ => Op(0x03, Many));
                Repeat(count, i => { If(i); Op(0x0D, 0); Const(i); body.Add(0x6A); body.Add(0x0B); });
                Drop(width);
                break;
            case "ifs with parameters":
                Get(width);
                Repeat(count, i => { If(i); Op(0x04, Many); Const(i); body.Add(0x6A); body.Add(0x0B); });
                Drop(width);
                break;
            case "ifs with else":
                Repeat(count, i =>
                {
                    If(i);
                    Op(0x04, ToMany);
                    Op(0x10, CallToMany);
                    body.Add(0x05);
                    Op(0x10, CallToMany);
                    body.Add(0x0B);
                    Op(0x10, CallFromMany);
                });
                break;
            case "selects":
                Get(width);
                Repeat(count, _ => { Op(0x20, 1); Op(0x20, 0); body.Add(0x1B); });
                Drop(width);
                break;
            case "locals":
                locals = width;
                Op(0x02, Empty);
                Repeat(count, i => { Op(0x20, 0); Const(i); body.Add(0x6A); Op(0x21, 2 + (i % width)); If(i + 7); Op(0x0D, 0); });
                body.Add(0x0B);
                Read();
                break;
            case "locals in nested blocks":
                locals = width;
                Repeat(count, _ => Op(0x02, Empty));
                Repeat(width, i => Set(2 + i));
                Repeat(count, i => { If(i); Op(0x0D, 0); Set(2 + (i % width)); body.Add(0x0B); });
                Read();
                break;
            case "locals in nested loops":
                locals = width;
                Repeat(count, _ => Op(0x03, Empty));
                Repeat(width, i => Set(2 + i));
                Repeat(count, i => { If(i); Op(0x0D, 0); body.Add(0x0B); });
                Read();
                break;
            case "locals in ifs":
                locals = width;
                Repeat(count, i => { If(i); Op(0x04, Empty); Set(2 + (i % width)); body.Add(0x05); Set(2 + ((i * 7) % width)); body.Add(0x0B); });
                Read();
                break;
            case "locals declared":
                locals = Math.Min(width * 40, 49_000);
                Repeat(count, _ => { Op(0x20, 0); Op(0x21, 2); });
                break;
            case "locals read":
                locals = Math.Min(width * 40, 49_000);
                Op(0x20, locals);
                Op(0x21, 0);
                Repeat(count, _ => { Op(0x03, Empty); Op(0x20, locals); Op(0x0D, 0); body.Add(0x0B); });
                break;
            case "nested loops":
                Repeat(count, _ => Op(0x03, Empty));
                Repeat(count, i => { If(i); Op(0x0D, 0); body.Add(0x0B); });
                break;
            case "nested loops counting down":
                Repeat(count, _ => Op(0x03, Empty));
                Repeat(count, _ => { Op(0x20, 0); Const(1); body.Add(0x6B); Op(0x22, 0); Op(0x0D, 0); body.Add(0x0B); });
                break;
            case "nested loops with exits":
                Repeat(count, _ => Op(0x03, Empty));
                Repeat(count, i => { If(i); Op(0x0D, (count - 1 - i) / 2); If(i + 7); Op(0x0D, 0); body.Add(0x0B); });
                break;
            case "nested loops with exits to the end":
                Op(0x02, Empty);
                Repeat(count, _ => Op(0x03, Empty));
                Repeat(count, i => { If(i); Op(0x0D, count - i); If(i + 7); Op(0x0D, 0); body.Add(0x0B); });
                body.Add(0x0B);
                break;
            case "nested loops with returns":
                Repeat(count, _ => Op(0x03, Empty));
                Repeat(count, i => { If(i); Op(0x04, Empty); body.Add(0x0F); body.Add(0x0B); If(i + 7); Op(0x0D, 0); body.Add(0x0B); });
                break;
            case "nested loops with values alive":
                locals = width;
                Repeat(width, i => Set(2 + i));
                Repeat(count, _ => Op(0x03, Empty));
                Op(0x10, CallFromNothing);
                Repeat(count, i => { Op(0x20, 2 + (i % width)); Const(i); body.Add(0x46); Op(0x0D, 0); body.Add(0x0B); });
                Read();
                break;
            case "nested blocks":
                Repeat(count, _ => Op(0x02, Empty));
                Repeat(count, i => { If(i); Op(0x0D, i); });
                Repeat(count, _ => body.Add(0x0B));
                break;
            case "nested ifs":
                Repeat(count, i => { If(i); Op(0x04, Empty); });
                Repeat(count, i => { Set(0); body.Add(0x05); Set(1); body.Add(0x0B); });
                break;
            case "loops":
                Repeat(count, i => { Op(0x03, Empty); If(i); Op(0x0D, 0); body.Add(0x0B); });
                break;
            case "switch entries":
                Repeat(count, _ => Op(0x02, Empty));
                Table(i => i < count ? i : 0);
                Repeat(count, i => { body.Add(0x0B); Set(i & 1); });
                break;
            case "alive over blocks":
                Get(width, distinct: true);
                Repeat(count, i => { If(i); Op(0x04, Empty); Op(0x10, CallFromNothing); body.Add(0x0B); });
                Repeat(width - 1, _ => body.Add(0x73));
                Op(0x24, 0);
                break;
            case "alive over calls":
                Get(width, distinct: true);
                Repeat(count, _ => Op(0x10, CallFromNothing));
                Repeat(width - 1, _ => body.Add(0x73));
                Op(0x24, 0);
                break;
            case "alive over calls in loops":
                Get(width, distinct: true);
                Repeat(count, i => { Op(0x03, Empty); Op(0x10, CallFromNothing); If(i); Op(0x0D, 0); body.Add(0x0B); });
                Repeat(width - 1, _ => body.Add(0x73));
                Op(0x24, 0);
                break;
            case "constants":
                Repeat(count, i => { Op(0x20, 0); Const(i * 7919); body.Add(0x73); Op(0x21, 0); });
                break;
            case "constants of one bucket":
                Repeat(count, i => { Op(0x20, 0); Const((int)(uint)(((ulong)(uint)i * 0x0000_0100_0000_0000UL / 0x9E3779B97F4A7C15UL) + (uint)(i << 8))); body.Add(0x73); Op(0x21, 0); });
                break;
            case "values":
                Repeat(count, i => { Op(0x20, 0); Op(0x20, 1); body.Add((byte)(0x6A + (i % 3))); Op(0x21, i & 1); });
                break;
            case "loads":
                Repeat(count, i => { Op(0x20, 0); body.AddRange([0x28, 2]); Leb((i % width) * 4); Op(0x20, 1); body.Add(0x6A); Op(0x21, 1); });
                break;
            case "stores and loads":
                Repeat(count, i => { Op(0x20, 0); Op(0x20, 1); body.AddRange([0x36, 2]); Leb((i % width) * 4); Op(0x20, 0); body.AddRange([0x28, 2]); Leb((i * 7 % width) * 4); Op(0x21, 1); });
                break;
            case "globals":
                Repeat(count, i => { Op(0x23, 0); Op(0x20, 0); body.Add(0x6A); Op(0x24, 0); });
                break;
            case "tests of the same":
                Repeat(count, i => { Op(0x20, 0); Const(5); body.Add(0x49); Op(0x20, 1); Op(0x20, 0); body.Add(0x1B); Op(0x21, 1); });
                break;
            case "ifs of the same":
                Repeat(count, i => { Op(0x20, 0); Const(5); body.Add(0x49); Op(0x04, Empty); Set(1); body.Add(0x0B); });
                break;
            case "hole over calls":
                Hole(_ => Op(0x10, CallFromNothing));
                break;
            case "hole over divisions":
                Hole(i => { Op(0x20, 0); Const(i); Op(0x20, 1); body.AddRange([0x6E, 0x73]); Op(0x21, 0); });
                break;
            case "hole over branches":
                Hole(i => { If(i); Op(0x04, Empty); Op(0x10, CallFromNothing); body.Add(0x0B); });
                break;
            case "alive over divisions in loops":
                Get(width, distinct: true);
                Repeat(count, i => { Op(0x03, Empty); Op(0x20, 0); Op(0x20, 1); body.Add(0x6E); Op(0x22, 1); Const(i); body.Add(0x46); Op(0x0D, 0); body.Add(0x0B); });
                Repeat(width - 1, _ => body.Add(0x73));
                Op(0x24, 0);
                break;
            case "counters of one loop":
                // Each is stepped, and an address.
                locals = count;
                Op(0x03, Empty);
                Repeat(count, i => { Op(0x20, 2 + i); Op(0x20, 2 + i); body.AddRange([0x36, 2, 4]); Op(0x20, 2 + i); Const(1); body.Add(0x6A); Op(0x21, 2 + i); });
                Op(0x20, 2);
                Const(100);
                body.Add(0x49);
                Op(0x0D, 0);
                body.Add(0x0B);
                break;
            case "branches aside in loops":
                locals = 4;
                Op(0x03, Empty);
                Op(0x02, Empty);
                Repeat(count, i => { Set(2); Op(0x20, 2); Op(0x21, 3); If(i); Op(0x0D, 0); });
                body.Add(0x0B);
                Op(0x03, Empty);
                Repeat(count, i => { If(i); Op(0x04, Empty); Set(4); body.Add(0x05); Set(5); body.Add(0x0B); });
                If(7);
                Op(0x0D, 0);
                body.Add(0x0B);
                Op(0x20, 3);
                Op(0x0D, 0);
                body.Add(0x0B);
                break;
            default:
                throw new ArgumentException($"There is no construct '{construct}'.");
        }

        body.Add(0x0B);
        return Module(width, resultCount, locals, body);

        void Op(byte opcode, int immediate)
        {
            body.Add(opcode);
            if (immediate is Empty or Function)
            {
                body.Add((byte)immediate);
            }
            else
            {
                Leb(immediate);
            }
        }

        void Leb(int value) => Write(body, value);

        void Const(int value)
        {
            body.Add(0x41);
            for (var more = true; more;)
            {
                var low = (byte)(value & 0x7F);
                value >>= 7;
                more = !((value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0));
                body.Add(more ? (byte)(low | 0x80) : low);
            }
        }

        // A condition that no other one decides.
        void If(int i)
        {
            Op(0x20, 0);
            Const(i);
            body.Add(0x46);
        }

        void Get(int n, bool distinct = false) => Repeat(n, i =>
        {
            Op(0x20, i & 1);
            if (distinct)
            {
                body.AddRange([0x28, 2]);
                Leb(4 * i);
            }
        });

        // Values that are alive before and in one arm, but not in the other, which comes first.
        void Hole(Action<int> between)
        {
            locals = width;
            Repeat(width, i => { Op(0x20, 0); body.AddRange([0x28, 2]); Leb(4 * i); Op(0x21, 2 + i); });
            If(0);
            Op(0x04, Empty);
            Repeat(count, between);
            body.Add(0x05);
            Repeat(width, i => { Op(0x20, 1); Op(0x20, 2 + i); body.Add(0x73); Op(0x21, 1); });
            body.Add(0x0B);
            Op(0x20, 1);
            body.AddRange([0x24, 0]);
        }

        void Drop(int n) => Repeat(n, _ => body.Add(0x1A));

        void Set(int local)
        {
            Op(0x20, 0);
            Const(local);
            body.Add(0x6A);
            Op(0x21, local);
        }

        void Read()
        {
            Repeat(width, i => Op(0x20, 2 + i));
            Repeat(width - 1, _ => body.Add(0x73));
            Op(0x24, 0);
        }

        void Table(Func<int, int> label)
        {
            Op(0x20, 0);
            Op(0x0E, count);
            for (var i = 0; i <= count; i++)
            {
                Leb(label(i));
            }
        }
    }

    private const int CallFromNothing = 4;

    private static void Repeat(int n, Action<int> part)
    {
        for (var i = 0; i < n; i++)
        {
            part(i);
        }
    }

    private static byte[] Module(int width, int resultCount, int locals, List<byte> body)
    {
        List<byte> module = [0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0];
        List<byte> types = [];
        Write(types, 6);
        Type(2, resultCount);
        Type(0, width);
        Type(width, width);
        Type(width, 0);
        Type(0, width, reference: true);
        Type(0, 0);
        Section(1, types);
        Section(3, [5, Own, ToMany, Many, FromMany, 5]);
        Section(4, [1, Function, 0, 10]);
        Section(5, [1, 0, 1]);
        Section(6, [1, I32, 1, 0x41, 0, 0x0B]);
        Section(9, [1, 3, 0, 2, 0, CallMany]);
        List<byte> code = [];
        Write(code, 5);
        Body(code, locals, body);
        List<byte> toMany = [];
        Repeat(width, _ => toMany.AddRange([0x41, 0]));
        toMany.Add(0x0B);
        Body(code, 0, toMany);
        List<byte> many = [];
        Repeat(width, i =>
        {
            many.Add(0x20);
            Write(many, i);
        });
        many.Add(0x0B);
        Body(code, 0, many);
        Body(code, 0, [0x0B]);
        Body(code, 0, [0x0B]);
        Section(10, code);
        return [.. module];

        void Type(int parameters, int results, bool reference = false)
        {
            types.Add(0x60);
            Write(types, parameters);
            Repeat(parameters, _ => types.Add(I32));
            Write(types, results + (reference ? 1 : 0));
            Repeat(results, _ => types.Add(I32));
            if (reference)
            {
                types.AddRange([0x64, Function]);
            }
        }

        void Section(byte id, List<byte> content)
        {
            module.Add(id);
            Write(module, content.Count);
            module.AddRange(content);
        }
    }

    private static void Body(List<byte> code, int locals, List<byte> instructions)
    {
        List<byte> body = [];
        if (locals == 0)
        {
            body.Add(0);
        }
        else
        {
            body.Add(1);
            Write(body, locals);
            body.Add(I32);
        }

        body.AddRange(instructions);
        Write(code, body.Count);
        code.AddRange(body);
    }

    private static void Write(List<byte> bytes, int value)
    {
        var rest = (uint)value;
        while (rest >= 0x80)
        {
            bytes.Add((byte)(rest | 0x80));
            rest >>= 7;
        }

        bytes.Add((byte)rest);
    }
}
