// Makes modules that do little else than compute addresses and use them: loops with counters that go up, down and round, pointers beside them, sums, masks, shifts and
// scales, static offsets up to the largest, memories that end at any page and grow while the loop runs, tables, and ranges filled and copied. The numbers come from where 32
// and 64 bits wrap, where memories end, and where the guard does. An access that would end everything too early is masked into memory, or made in one round only.
//
// Everything follows from the seed. Functions take (i32, i32, i64) and give an i64, a sum of all that was loaded; $fuel ends what would go on for ever.
using System.Globalization;
using System.Text;

namespace Tarn.Differential.Tests;

/// <summary>One module in text, for a seed.</summary>
internal sealed class AddressModuleGenerator(int seed)
{
    public const int FunctionsInModule = 12;
    private const int Fuel = 600;
    private const int TableLength = 8;

    private static readonly uint[] s_numbers =
    [
        0, 1, 2, 3, 4, 7, 8, 16, 100, 0xFFF, 0x1000, 0x7FFF, 0x8000, 0xFFF8, 0xFFFC, 0xFFFF, 0x10000, 0x10001, 0x1FFFF, 0x20000, 0x30000, 0x100000, 0x1FF0000, 0x1FFFFF8, 0x2000000, 0x2000004,
        0x10000000, 0x20000000, 0x3FFFFFFF, 0x40000000, 0x7FFF0000, 0x7FFFFFF0, 0x7FFFFFFF, 0x80000000, 0x80000001, 0x80010000, 0xC0000000, 0xFFFE0000, 0xFFFF0000, 0xFFFFF000, 0xFFFFFF00, 0xFFFFFFF0,
        0xFFFFFFF8, 0xFFFFFFFC, 0xFFFFFFFE, 0xFFFFFFFF,
    ];

    private static readonly string[] s_loads = ["i32.load", "i64.load", "i32.load8_u", "i32.load8_s", "i32.load16_u", "i32.load16_s", "i64.load8_u", "i64.load16_s", "i64.load32_u", "i64.load32_s"];

    private static readonly string[] s_stores = ["i32.store", "i64.store", "i32.store8", "i32.store16", "i64.store8", "i64.store16", "i64.store32"];

    private static readonly string[] s_conditions = ["lt_u", "le_u", "gt_u", "ge_u", "lt_s", "le_s", "gt_s", "ge_s", "ne", "eq"];

    private readonly Random _random = new(seed);
    private readonly StringBuilder _text = new();
    private bool _is64;
    private int _memories;
    private long _pages;
    private int _loops;
    private int _depth;

    /// <summary>Arguments of each function, for as many calls as there are.</summary>
    public List<(int A, int B, long C)> Arguments { get; } = [];

    public string Generate()
    {
        _is64 = _random.Next(4) == 0;
        _memories = _random.Next(4) == 0 ? 2 : 1;
        _pages = _random.Next(6) switch { 0 => 0, 1 => 2, 2 => 3, _ => 1 };
        _text.Append("(module\n");
        for (int m = 0; m < _memories; m++)
        {
            string maximum = _random.Next(3) switch { 0 => "", 1 => $" {_pages + _random.Next(4)}", _ => $" {_pages + 40}" };
            _text.Append(CultureInfo.InvariantCulture, $"  (memory $m{m} (export \"m{m}\"){(_is64 ? " i64" : "")} {_pages}{maximum})\n");
            for (long page = 0; page <= _pages * 0x10000; page += 0x8000)
            {
                long at = Math.Clamp(page - 32, 0, Math.Max(0, (_pages * 0x10000) - 64));
                if (_pages > 0)
                {
                    _text.Append(CultureInfo.InvariantCulture, $"  (data (memory $m{m}) ({Index}.const {at}) \"{string.Concat(Enumerable.Range(0, 64).Select(i => $"\\{(byte)(seed + at + (i * 37) + m):x2}"))}\")\n");
                }
            }
        }

        _text.Append(CultureInfo.InvariantCulture, $"  (type $t (func (param i32) (result i32))) (table $t {TableLength} {TableLength + _random.Next(3)} funcref) (elem (i32.const 1) $e0 $e1 $e2 $e0 $e1)\n");
        _text.Append("  (func $e0 (type $t) (i32.add (local.get 0) (i32.const 4))) (func $e1 (type $t) (i32.shl (local.get 0) (i32.const 2))) (func $e2 (type $t) (i32.sub (i32.const 0) (local.get 0)))\n");
        _text.Append("  (global $g (mut i32) (i32.const 16)) (global $h (mut i64) (i64.const -8))\n");
        for (int f = 0; f < FunctionsInModule; f++)
        {
            Function(f);
        }

        return _text.Append(")\n").ToString();
    }

    private string Index => _is64 ? "i64" : "i32";

    private void Function(int index)
    {
        _loops = 0;
        _depth = 0;
        uint x = Pick();
        Arguments.Add(((int)x, (int)Pick(), (long)(((ulong)(_random.Next(3) == 0 ? Pick() : 0) << 32) | Pick())));
        _text.Append(CultureInfo.InvariantCulture, $"  (func (export \"f{index}\") (param $a i32) (param $b i32) (param $c i64) (result i64)\n    (local $fuel i32) (local $sum i64) (local $i i32) (local $j i32) (local $p i32) (local $q i32) (local $w i64) (local $go i32)\n");
        _text.Append(CultureInfo.InvariantCulture, $"    (local.set $fuel (i32.const {Fuel})) (local.set $p {Number()}) (local.set $q {(_random.Next(2) == 0 ? "(local.get $a)" : Number())}) (local.set $w {Long()})\n");
        for (int n = _random.Next(1, 4); n > 0; n--)
        {
            Statement();
        }

        if (_loops == 0)
        {
            Loop();
        }

        _text.Append("    (i64.add (local.get $sum) (i64.xor (i64.extend_i32_u (local.get $i)) (i64.xor (local.get $w) (i64.extend_i32_u (local.get $p))))))\n");
    }

    private void Statement()
    {
        switch (_random.Next(_depth == 0 ? 10 : 22))
        {
            case < 5 when _depth < 2 && _loops < 4:
                Loop();
                break;
            case < 6:
                string from = Local();
                Line($"(local.set {Local()} (i32.{(_random.Next(2) == 0 ? "add" : "sub")} (local.get {from}) {Number()}))");
                break;
            case 6:
                Line($"(local.set $w (i64.add (local.get $w) {Long()}))");
                break;
            case 7:
                Line($"(local.set {Local()} {Wild(3)})");
                break;
            case 8:
                If();
                break;
            case 9:
                Line($"(drop (memory.grow $m{Memory()} ({Index}.const {_random.Next(3)})))");
                break;
            case 10:
                Line($"(local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call_indirect (type $t) (local.get {Local()}) {TableIndex()}))))");
                break;
            case 11:
                Range();
                break;
            case 12:
                Line($"(global.set $g {Wild(2)})");
                break;
            case 13:
                Line($"(local.set $sum (i64.add (local.get $sum) (i64.mul {Extended($"(memory.size $m{Memory()})")} (i64.const 77))))");
                break;
            default:
                Access();
                break;
        }
    }

    private void If()
    {
        _depth++;
        Line($"(if (i32.{Condition()} (local.get {Local()}) {Number()}) (then");
        Statement();
        if (_random.Next(2) == 0)
        {
            Line(") (else");
            Statement();
        }

        Line("))");
        _depth--;
    }

    // Often the shape that a compiler makes: a counter and what moves beside it, compared before or after the step, at the bottom.
    private void Loop()
    {
        _loops++;
        _depth++;
        string label = $"$l{_loops}";
        string counter = _random.Next(3) == 0 ? "$j" : "$i";
        bool isLong = _random.Next(6) == 0;
        if (isLong)
        {
            counter = "$w";
        }

        string type = isLong ? "i64" : "i32";
        string step = StepOf(type);
        Line($"(local.set {counter} {(isLong ? Long() : _random.Next(3) == 0 ? "(local.get $b)" : Number())})");
        Line($"(loop {label}");
        Line("(if (i32.eqz (local.tee $fuel (i32.sub (local.get $fuel) (i32.const 1)))) (then (return (local.get $sum))))");
        for (int n = _random.Next(1, 5); n > 0; n--)
        {
            Statement();
        }

        string beside = _random.Next(2) == 0 ? "$p" : "$q";
        string increment = $"(local.set {counter} ({type}.{(_random.Next(5) == 0 ? "sub" : "add")} (local.get {counter}) {step}))";
        string limit = _random.Next(4) == 0
            ? (isLong ? "(i64.and (local.get $c) (i64.const 0xFFFFFF))" : _random.Next(2) == 0 ? "(i32.and (local.get $a) (i32.const 0xFFFFF))" : "(local.get $b)")
            : isLong ? Long() : Number();
        string operands = _random.Next(6) == 0 ? $"{limit} (local.get {counter})" : $"(local.get {counter}) {limit}";
        string comparison = $"(local.set $go ({type}.{Condition()} {operands}))";
        if (_random.Next(3) != 0)
        {
            Line($"(local.set {beside} (i32.add (local.get {beside}) {StepOf("i32")}))");
        }

        Line(_random.Next(2) == 0 ? increment + comparison : comparison + increment);
        Line($"(br_if {label} {(_random.Next(5) == 0 ? "(i32.eqz (local.get $go))" : "(local.get $go)")}))");
        _depth--;
    }

    private void Access()
    {
        int memory = Memory();
        string address = _random.Next(5) < 3 ? Tame() : Wild(3);
        string at = _is64 ? LongAddress(address) : address;
        string access;
        ulong offset = Offset();
        if (_random.Next(3) == 0)
        {
            string store = s_stores[_random.Next(s_stores.Length)];
            string value = store[1] == '3' ? $"(local.get {Local()})" : "(local.get $w)";
            access = $"({store} $m{memory} offset={offset} {at} {value})";
        }
        else
        {
            access = _random.Next(12) == 0
                ? $"(i32.store8 $m{memory} offset={offset} {at} (i32.add (i32.load8_u $m{memory} offset={offset} {at}) (i32.const 1)))"
                : $"(local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 5)) {Extended(Load(memory, offset, at))}))";
        }

        // Several round one address fold into each other.
        if (_random.Next(3) == 0 && !_is64)
        {
            access += $"(local.set $sum (i64.add (local.get $sum) {Extended(Load(memory, offset, $"(i32.add {address} (i32.const {_random.Next(-8, 64)}))"))}))";
        }

        Line(_random.Next(3) == 0 ? $"(if (i32.eq (local.get $fuel) (i32.const {Fuel - _random.Next(1, 40)})) (then {access}))" : access);
    }

    private void Range()
    {
        int memory = Memory();
        string destination = _is64 ? LongAddress(Tame()) : Tame();
        string source = _is64 ? LongAddress(_random.Next(4) == 0 ? Wild(2) : Tame()) : _random.Next(4) == 0 ? Wild(2) : Tame();
        uint length = _random.Next(8) switch { 0 => 0, 1 => Pick(), 2 => 64, 3 => 65, _ => (uint)_random.Next(1, 200) };
        string count = _random.Next(5) == 0 ? (_is64 ? "(i64.and (local.get $w) (i64.const 127))" : $"(i32.and (local.get {Local()}) (i32.const 127))") : $"({Index}.const {length})";
        Line(_random.Next(2) == 0
            ? $"(memory.fill $m{memory} {destination} (local.get {Local()}) {count})"
            : $"(memory.copy $m{memory} $m{Memory()} {destination} {source} {count})");
    }

    private string Load(int memory, ulong offset, string at) => $"({s_loads[_random.Next(s_loads.Length)]} $m{memory} offset={offset} {at})";

    // The result of a load or size as i64: its name says what it is.
    private string Extended(string value) => value.StartsWith("(i64.", StringComparison.Ordinal) || (value.StartsWith("(memory.size", StringComparison.Ordinal) && _is64)
        ? value
        : $"(i64.extend_i32_{(_random.Next(2) == 0 ? 'u' : 's')} {value})";

    private string LongAddress(string address) => _random.Next(6) switch
    {
        0 => $"(i64.add (i64.extend_i32_u {address}) {Long()})",
        1 => $"(i64.extend_i32_s {address})",
        2 => $"(i64.and (local.get $w) (i64.const {Pick()}))",
        3 => $"(i64.shl (i64.extend_i32_u {address}) (i64.const {_random.Next(0, 34)}))",
        _ => $"(i64.extend_i32_u {address})",
    };

    // An address that is mostly within memory.
    private string Tame()
    {
        uint mask = _pages == 0 ? 0xFFu : _random.Next(3) == 0 ? 0xFFFFu : (uint)((_pages << 16) - 1) & 0x1FFFF;
        return _random.Next(4) switch
        {
            0 => $"(i32.and {Wild(2)} (i32.const {mask}))",
            1 => $"(i32.shr_u {Wild(2)} (i32.const {_random.Next(15, 30)}))",
            2 => $"(i32.rem_u {Wild(2)} (i32.const {_random.Next(1, 0x10000)}))",
            _ => $"(i32.add (i32.and (local.get {Local()}) (i32.const {mask & 0xFFFC})) (i32.const {_random.Next(0, 64)}))",
        };
    }

    // Any i32.
    private string Wild(int depth)
    {
        if (depth == 0)
        {
            return _random.Next(3) == 0 ? Number() : $"(local.get {Local()})";
        }

        depth--;
        switch (_random.Next(20))
        {
            case < 6:
                return $"(i32.add {Wild(depth)} {Number()})";
            case 6:
                return $"(i32.add {Wild(depth)} {Wild(depth)})";
            case 7:
                return $"(i32.sub {Wild(depth)} {Wild(depth)})";
            case 8 or 9:
                return $"(i32.shl {Wild(depth)} (i32.const {_random.Next(0, 6)}))";
            case 10:
                return $"(i32.mul {Wild(depth)} (i32.const {_random.Next(0, 40)}))";
            case 11:
                return $"(i32.and {Wild(depth)} {Number()})";
            case 12:
                return $"(i32.or {Wild(depth)} (i32.const {_random.Next(0, 16)}))";
            case 13:
                return $"(i32.wrap_i64 {(_random.Next(2) == 0 ? "(local.get $w)" : _random.Next(2) == 0 ? "(local.get $c)" : $"(i64.{(_random.Next(2) == 0 ? "shr_u" : "mul")} (local.get $c) (i64.const {_random.Next(1, 40)}))")})";
            case 14:
                return $"(select {Wild(depth)} {Wild(depth)} (i32.{Condition()} (local.get {Local()}) {Number()}))";
            case 15:
                return _is64 || _pages == 0 ? "(global.get $g)" : $"({s_loads[new[] { 0, 2, 3, 4, 5 }[_random.Next(5)]]} $m{Memory()} (i32.and {Wild(depth)} (i32.const 0xFFF8)))";
            case 16:
                return $"(i32.{(_random.Next(2) == 0 ? "shr_u" : "shr_s")} {Wild(depth)} (i32.const {_random.Next(0, 33)}))";
            case 17:
                return $"(i32.{(_random.Next(2) == 0 ? "extend8_s" : "extend16_s")} {Wild(depth)})";
            case 18:
                return $"(i32.{(_random.Next(2) == 0 ? "rotl" : "shl")} {Wild(depth)} (local.get {Local()}))";
            default:
                return "(global.get $g)";
        }
    }

    private string TableIndex() => _random.Next(4) switch
    {
        0 => $"(i32.and {Wild(2)} (i32.const 7))",
        1 => $"(i32.add (i32.and (local.get {Local()}) (i32.const 3)) (i32.const {_random.Next(0, 5)}))",
        2 => $"(i32.rem_u {Wild(1)} (i32.const {_random.Next(1, 10)}))",
        _ => _random.Next(8) == 0 ? Wild(2) : $"(i32.const {_random.Next(1, 6)})",
    };

    private string StepOf(string type)
    {
        long step = _random.Next(4) switch { 0 => (int)Pick(), 1 => 1L << _random.Next(0, 32), 2 => -_random.Next(1, 65536), _ => _random.Next(1, 64) };
        return type == "i64" && _random.Next(3) == 0 ? $"(i64.const {step << _random.Next(0, 33)})" : $"({type}.const {(type == "i64" ? step : (int)step)})";
    }

    private ulong Offset() => _random.Next(5) switch
    {
        < 3 => (ulong)_random.Next(0, 128),
        3 => (ulong)_random.Next(0, 0x10000),
        _ => _is64 && _random.Next(3) == 0 ? (ulong.MaxValue >> _random.Next(0, 40)) - (ulong)_random.Next(0, 16) : _random.Next(3) == 0 ? Pick() : 0x1FFFFFC + (ulong)_random.Next(0, 16),
    };

    private string Number() => $"(i32.const {Pick()})";

    private string Long()
    {
        ulong high = _random.Next(3) == 0 ? Pick() : _random.Next(4) == 0 ? uint.MaxValue : 0;
        return $"(i64.const {(long)((high << 32) | Pick())})";
    }

    private uint Pick()
    {
        uint number = s_numbers[_random.Next(s_numbers.Length)];
        return _random.Next(4) == 0 ? number + (uint)_random.Next(-70, 70) : _random.Next(12) == 0 ? (uint)_random.Next() : number;
    }

    private int Memory() => _random.Next(_memories);

    private string Local() => _random.Next(6) switch { 0 => "$a", 1 => "$b", 2 => "$j", 3 => "$q", 4 => "$p", _ => "$i" };

    private string Condition() => s_conditions[_random.Next(s_conditions.Length)];

    private void Line(string text) => _text.Append("    ").Append(text).Append('\n');
}
