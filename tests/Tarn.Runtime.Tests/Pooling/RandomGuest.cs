// A random module that can do everything an instance can do to itself, and random sequences of what it and its host do. The transcript of a sequence holds all
// that can be observed: results, traps, and at the end memory, tables and globals. Two instances are equal if equal sequences give equal transcripts.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Tarn.Runtime.Tests.Pooling;

internal sealed class RandomGuest
{
    public const int MostPages = 6;
    public const int MostElements = 12;

    private readonly int _dataSegments;

    public RandomGuest(Random random)
    {
        int pages = random.Next(0, 4);
        string maximum = random.Next(3) switch { 0 => "", 1 => $" {random.Next(pages, 10)}", _ => $" {pages}" };
        int elements = random.Next(3, 6);
        bool writesTables = random.Next(2) == 0;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            (module
              (type $v (func (result i32)))
              (memory (export "memory") {pages}{maximum})
              (table $t (export "t") {elements}{(random.Next(2) == 0 ? "" : " 9")} funcref)
              (table $x (export "x") 2 externref)
              (global $g (export "g") (mut i32) (i32.const {random.Next()}))
              (global $h (export "h") (mut i64) (i64.const {random.NextInt64()}))
              (global $r (export "r") (mut externref) (ref.null extern))
              (func $a (result i32) (i32.const 11))
              (func $b (result i32) (i32.const 22))
              (elem (table $t) (i32.const 1) func $a)
              (elem $e func $b $a $b)
              (func (export "store8") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
              (func (export "store64") (param i32 i32) (i64.store offset=4090 (local.get 0) (i64.extend_i32_s (local.get 1))))
              (func (export "load8") (param i32) (result i32) (i32.load8_u (local.get 0)))
              (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
              (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
              (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
              (func (export "size") (result i32) memory.size)
              (func (export "setG") (param i32) (global.set $g (local.get 0)))
              (func (export "setR") (param externref) (global.set $r (local.get 0)))
              (func (export "tgrow") (param i32) (result i32) (table.grow $t (ref.func $b) (local.get 0)))
              (func (export "tsize") (result i32) (table.size $t))
              (func (export "tcall") (param i32) (result i32) (call_indirect $t (type $v) (local.get 0)))
              (func (export "tinit") (param i32 i32 i32) (table.init $t $e (local.get 0) (local.get 1) (local.get 2)))
              (func (export "edrop") (elem.drop $e))
              (func (export "unreachable") unreachable)
              (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
              (func $deep (export "deep") (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))

            """);
        if (writesTables)
        {
            text.Append("""
                (func (export "tset") (param i32 i32) (table.set $t (local.get 0) (table.get $t (local.get 1))))
                (func (export "tfill") (param i32 i32) (table.fill $t (local.get 0) (ref.null func) (local.get 1)))
                (func (export "tcopy") (param i32 i32 i32) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
                (func (export "xset") (param i32 externref) (table.set $x (local.get 0) (local.get 1)))

                """);
        }
        _dataSegments = random.Next(0, 4);
        for (int i = 0; i < _dataSegments; i++)
        {
            int length = random.Next(1, random.Next(2) == 0 ? 20 : 9000);
            string at = random.Next(3) == 0 || pages * 65536 <= length ? "" : $"(i32.const {random.Next(0, (pages * 65536) - length)}) ";
            text.Append(CultureInfo.InvariantCulture, $"(data $d{i} {at}\"{string.Concat(Enumerable.Repeat($"\\{random.Next(1, 256):x2}z", (length + 1) / 2))}\")\n");
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"init{i}\") (param i32 i32 i32) (memory.init $d{i} (local.get 0) (local.get 1) (local.get 2)))\n");
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"drop{i}\") (data.drop $d{i}))\n");
        }
        text.Append(')');
        Text = text.ToString();
        Functions = [.. new[] { "store8", "store64", "load8", "fill", "copy", "grow", "size", "setG", "setR", "tgrow", "tsize", "tcall", "tinit", "edrop", "unreachable", "divide", "deep" }];
        if (writesTables)
            Functions.AddRange(["tset", "tfill", "tcopy", "xset"]);
        for (int i = 0; i < _dataSegments; i++)
            Functions.AddRange([$"init{i}", $"drop{i}"]);
    }

    public string Text { get; }

    public List<string> Functions { get; }

    /// <summary>Does a random sequence and says everything that can be observed.</summary>
    public string Run(Instance instance, int seed, int steps)
    {
        var random = new Random(seed);
        var transcript = new StringBuilder(Describe(instance));
        for (int i = 0; i < steps; i++)
            transcript.Append(random.Next(4) == 0 ? ActAsHost(instance, random) : ActAsGuest(instance, random)).Append('\n');
        return transcript.Append(Describe(instance)).ToString();
    }

    /// <summary>Memory, tables and globals, read without opening anything for writing.</summary>
    public static string Describe(Instance instance)
    {
        Memory memory = instance.Memory;
        byte[] bytes = new byte[memory.Length];
        memory.CopyTo(0, bytes);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"memory {memory.Pages} of {memory.GrowthLimit} {Convert.ToHexString(SHA256.HashData(bytes))}\n");
        foreach (string name in new[] { "t", "x" })
        {
            Table table = instance.GetTable(name);
            text.Append(CultureInfo.InvariantCulture, $"{name} of {table.GrowthLimit}:");
            for (int i = 0; i < table.Length; i++)
            {
                Value element = table.Get(i);
                text.Append(' ').Append(element.IsNull ? "null" : element.Kind == ValueKind.FuncRef ? element.AsFunction().Invoke()[0].AsInt32().ToString(CultureInfo.InvariantCulture) : element.AsObject());
            }
            text.Append('\n');
        }
        foreach (string name in new[] { "g", "h" })
            text.Append(name).Append(' ').Append(instance.GetGlobal(name).Value.ToString()).Append('\n');
        text.Append("r ").Append(instance.GetGlobal("r").Value.AsObject()).Append('\n');
        return text.ToString();
    }

    private static int Address(Random random) => random.Next(8) switch
    {
        0 => random.Next(),
        1 => -random.Next(1, 100),
        2 => (random.Next(0, 7) << 16) + random.Next(-8, 8),
        3 => (random.Next(0, 96) << 12) + random.Next(-8, 8),
        _ => random.Next(0, 3 * 65536),
    };

    private static string ActAsHost(Instance instance, Random random)
    {
        Memory memory = instance.Memory;
        switch (random.Next(7))
        {
            case 0 when memory.Length >= 8:
                memory.Write(random.NextInt64(0, memory.Length - 7), random.NextInt64());
                return "host write";
            case 1 when memory.Length > 0:
                int start = random.Next(0, (int)memory.Length);
                memory.AsSpan(start, Math.Min(random.Next(0, 20000), (int)memory.Length - start)).Fill((byte)random.Next());
                return "host fill";
            case 2 when random.Next(4) == 0:
                memory.AsSpan().Fill((byte)random.Next());
                return "host fills all";
            case 3:
                return $"host grows: {memory.TryGrow(random.Next(0, 3), out long before)} {before}";
            case 4:
                Table table = instance.GetTable("t");
                table.Set(random.Next(0, (int)table.Length), table.Get(random.Next(0, (int)table.Length)));
                return "host sets element";
            case 5:
                instance.GetTable("x").Set(random.Next(0, 2), Value.FromObject($"secret {random.Next(10)}"));
                return "host sets object";
            default:
                instance.GetGlobal("h").Value = random.NextInt64();
                return "host sets global";
        }
    }

    private string ActAsGuest(Instance instance, Random random)
    {
        string name = Functions[random.Next(Functions.Count)];
        Function function = instance.GetFunction(name);
        FunctionType signature = function.Type;
        var arguments = new Value[signature.Parameters.Length];
        for (int i = 0; i < arguments.Length; i++)
        {
            bool isSmall = name[0] == 't' || name is "grow" or "xset" || (name.StartsWith("init", StringComparison.Ordinal) && i > 0);
            arguments[i] = signature.Parameters[i] == ValueKind.ExternRef
                ? Value.FromObject($"secret {random.Next(10)}")
                : Value.FromInt32(isSmall ? random.Next(0, 5) : i == 2 ? random.Next(0, 9000) : Address(random));
        }
        var results = new Value[signature.Results.Length];
        return function.TryInvoke(arguments, results, out Trap? trap)
            ? $"{name}({string.Join(", ", arguments.Select(a => a.ToString()))}) = {string.Join(", ", results.Select(r => r.ToString()))}"
            : $"{name}({string.Join(", ", arguments.Select(a => a.ToString()))}) traps {trap.Code}";
    }
}
