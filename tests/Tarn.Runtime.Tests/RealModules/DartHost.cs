// As much of JavaScript as a program compiled from Dart asks for: strings, numbers, arrays, regular expressions and functions, as host functions over externref and anyref. What it has no
// answer to ends the guest with the import's name.
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Tarn.Runtime.Tests.RealModules;

/// <summary>The imports of a module that dart2wasm has made.</summary>
internal sealed class DartHost
{
    private readonly Dictionary<string, Func<object?[], object?>> _functions;
    private Instance? _instance;
    private object? _format;

    public DartHost()
    {
        _functions = new Dictionary<string, Func<object?[], object?>>
        {
            ["_36"] = a => new JsArray(Enumerable.Repeat<object?>(null, (int)Number(a[0]))),
            ["_38"] = a => (double)Length(a[0]),
            ["_40"] = a => Item(a[0], (int)Number(a[1])),
            ["_41"] = a => ((JsArray)a[0]!)[(int)Number(a[1])] = a[2],
            ["_73"] = a => double.Parse((string)a[0]!, CultureInfo.InvariantCulture),
            ["_77"] = a => double.TryParse((string)a[0]!, CultureInfo.InvariantCulture, out double number) ? number : double.NaN,
            ["_78"] = _ => "",
            ["_82"] = _ => null,
            ["_83"] = _ => false,
            ["_101"] = a => a[1] is JsRegExp expression ? expression.Replace((string)a[0]!, (string)a[2]!) : ((string)a[0]!).Replace((string)a[1]!, (string)a[2]!, StringComparison.Ordinal),
            ["_103"] = a => ((string)a[0]!).ToLowerInvariant(),
            ["_104"] = a => ((string)a[0]!).ToUpperInvariant(),
            ["_105"] = a => ((string)a[0]!).Trim(),
            ["_108"] = a => new StringBuilder().Insert(0, (string)a[0]!, (int)a[1]!).ToString(),
            ["_109"] = a => (double)((string)a[0]!).IndexOf((string)a[1]!, Math.Min((int)a[2]!, ((string)a[0]!).Length), StringComparison.Ordinal),
            ["_110"] = a => (double)LastIndexOf((string)a[0]!, (string)a[1]!, Number(a[2])),
            ["_111"] = a => new JsArray(a[1] is JsRegExp separator ? separator.Split((string)a[0]!) : ((string)a[1]!).Length == 0 ? ((string)a[0]!).Select(c => c.ToString()) : ((string)a[0]!).Split((string)a[1]!)),
            ["_112"] = a => Equals(a[0], a[1]),
            ["_113"] = a => a[0] is JsArray,
            ["_124"] = a => (double)Length(a[0]),
            ["_126"] = a => Item(a[0], (int)a[1]!),
            ["_127"] = a => ((JsArray)a[0]!)[(int)a[1]!] = a[2],
            ["_132"] = _ => false,
            ["_134"] = _ => false,
            ["_136"] = _ => false,
            ["_138"] = _ => false,
            ["_140"] = _ => false,
            ["_142"] = _ => false,
            ["_144"] = _ => false,
            ["_148"] = _ => false,
            ["_150"] = _ => false,
            ["_181"] = _ => new Dictionary<string, object?>(),
            ["_182"] = a => ((Dictionary<string, object?>)a[0]!)["success"] = a[1],
            ["_183"] = a => ((Dictionary<string, object?>)a[0]!)["code"] = a[1],
            ["_184"] = a => ((Dictionary<string, object?>)a[0]!)["error"] = a[1],
            ["_185"] = a => _format = a[0],
            ["_186"] = a => new JsFunction("_186", a[0]!),
            ["_205"] = a => JsRegExp.TryMake((string)a[0]!, (string)a[1]!),
            ["_206"] = a => ((JsRegExp)a[0]!).Exec((string)a[1]!),
            ["_207"] = a => ((JsRegExp)a[0]!).Exec((string)a[1]!) is not null,
            ["_208"] = a => ((JsArray)a[0]!).Pop(),
            ["_210"] = a => a[0] is null,
            ["_212"] = a => a[0] is JsFunction,
            ["_215"] = a => a[0] is JsRegExp,
            ["_216"] = a => Equals(a[0], a[1]),
            ["_217"] = a => Number(a[0]),
            ["_218"] = a => a[0],
            ["_219"] = a => a[0] is true ? 1 : a[0] is false ? 0 : (int)Number(a[0]),
            ["_220"] = a => (int)a[0]! != 0,
            ["_221"] = a => Length(a[0]),
            ["_223"] = a => Item(a[0], (int)a[1]!),
            ["_224"] = a => ((JsFunction)a[0]!).Closure,
            ["_231"] = a => Property(a[0], (string)a[1]!),
            ["_235"] = a => Text(a[0]),
            ["_237"] = a => new JsFunction("_237", a[0]!),
            ["_238"] = a => new JsFunction("_238", a[0]!),
            ["_239"] = a => TypeOf(a[0]),
            ["_257"] = a => (double)((JsMatch)a[0]!).Index,
            ["_259"] = a => ((JsRegExp)a[0]!).Flags,
            ["_260"] = a => ((JsRegExp)a[0]!).Flags.Contains('m'),
            ["_261"] = a => ((JsRegExp)a[0]!).Flags.Contains('i'),
            ["_262"] = a => ((JsRegExp)a[0]!).Flags.Contains('u'),
            ["_263"] = a => ((JsRegExp)a[0]!).Flags.Contains('s'),
            ["_264"] = a => ((JsRegExp)a[0]!).LastIndex = (int)Number(a[1]),
            ["_269"] = _ => 0.25,
            ["_272"] = _ => new Dictionary<string, object?>(),
            ["_273"] = a => Radix((int)a[0]!, (int)a[1]!),
            ["_274"] = a => Radix((long)a[0]!, (int)a[1]!),
            ["_275"] = a => Number(a[0]).ToString("R", CultureInfo.InvariantCulture),
            ["charCodeAt"] = a => (int)((string)a[0]!)[(int)a[1]!],
            ["compare"] = a => Math.Sign(string.CompareOrdinal((string)a[0]!, (string)a[1]!)),
            ["concat"] = a => (string)a[0]! + (string)a[1]!,
            ["equals"] = a => Equals(a[0], a[1]),
            ["length"] = a => ((string?)a[0])?.Length ?? 0,
            ["substring"] = a => ((string)a[0]!)[(int)a[1]!..Math.Min((int)a[2]!, ((string)a[0]!).Length)],
            ["test"] = a => a[0] is string,
            ["fromCharCodeArray"] = a => FromCharacters((ArrayReference)a[0]!, (int)a[1]!, (int)a[2]!),
            ["intoCharCodeArray"] = a => IntoCharacters((string)a[0]!, (ArrayReference)a[1]!, (int)a[2]!),
        };
    }

    /// <summary>Functions that the guest has called, with how often.</summary>
    public Dictionary<string, int> Calls { get; } = [];

    /// <summary>Instantiates the program and runs its main function, which leaves what it exports to JavaScript.</summary>
    public void Start(Store store, Module module)
    {
        var linker = new Linker(store.Engine);
        foreach (ModuleImport import in module.Imports)
        {
            if (import.Type is FunctionType type)
                linker.DefineFunction(import.Module, import.Name, type, (_, arguments, results) => Call(import.Name, type, arguments, results));
            else
                linker.Define(import.Module, import.Name, store.CreateGlobal((GlobalType)import.Type, Value.FromObject(string.Intern(import.Name))));
        }
        _instance = linker.Instantiate(store, module);
        _instance.GetFunction("$invokeMain").Invoke(Value.FromObject(new JsArray([])));
    }

    /// <summary>Calls the program's function for formatting source text.</summary>
    public string Format(string source)
    {
        var format = (JsFunction)_format!;
        Value[] result = _instance!.GetFunction(format.Export).Invoke(
            Value.FromAny(format.Closure), Value.FromInt32(3), Value.FromObject(source), Value.FromObject("stdin.dart"), Value.FromObject("""{"lineEnding":"\n"}"""));
        var outcome = (Dictionary<string, object?>)result[0].AsObject()!;
        return outcome["success"] is true ? (string)outcome["code"]! : throw new InvalidOperationException((string)outcome["error"]!);
    }

    private void Call(string name, FunctionType type, ReadOnlySpan<Value> arguments, Span<Value> results)
    {
        Calls[name] = Calls.GetValueOrDefault(name) + 1;
        if (!_functions.TryGetValue(name, out Func<object?[], object?>? function))
            throw new NotSupportedException($"The import {name} is not there.");
        object?[] values = new object?[arguments.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = arguments[i].Kind switch
            {
                ValueKind.I32 => arguments[i].AsInt32(),
                ValueKind.I64 => arguments[i].AsInt64(),
                ValueKind.F64 => arguments[i].AsDouble(),
                ValueKind.AnyRef => FromGuest(arguments[i].AsAny()),
                _ => FromGuest(arguments[i].AsObject()),
            };
        }
        object? result = function(values);
        if (results.Length == 0)
            return;
        results[0] = type.Results[0].Kind switch
        {
            ValueKind.I32 => Value.FromInt32(result is bool truth ? (truth ? 1 : 0) : (int)result!),
            ValueKind.F64 => Value.FromDouble(Number(result)),
            ValueKind.AnyRef => Value.FromAny(ToGuest(result)),
            _ => Value.FromObject(ToGuest(result)),
        };
    }

    // Small integers are i31 on the guest's side, as the JavaScript interface has it.
    private static object? FromGuest(object? value) => value is I31Reference small ? (double)small.Value : value;

    private static object? ToGuest(object? value) => value switch
    {
        int number => ToGuest((double)number),
        double number when number == Math.Truncate(number) && Math.Abs(number) < 1 << 30 && !double.IsNegative(number) => new I31Reference((int)number),
        _ => value,
    };

    private static double Number(object? value) => value switch
    {
        double number => number,
        int number => number,
        true => 1,
        false or null => 0,
        _ => double.Parse((string)value, CultureInfo.InvariantCulture),
    };

    private static int Length(object? value) => value is string text ? text.Length : ((JsArray)value!).Count;

    private static object? Item(object? value, int index) => value is string text ? text[index].ToString() : index < ((JsArray)value!).Count ? ((JsArray)value)[index] : null;

    private static object? Property(object? value, string name) => name == "length" ? (double)Length(value) : ((Dictionary<string, object?>)value!).GetValueOrDefault(name);

    private static string Text(object? value) => value switch
    {
        null => "null",
        bool truth => truth ? "true" : "false",
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static int TypeOf(object? value) => value switch
    {
        null => 1,
        bool => 2,
        double or int => 3,
        string => 4,
        JsArray => 5,
        _ => 19,
    };

    private static int LastIndexOf(string text, string part, double from)
    {
        int start = (int)Math.Clamp(double.IsNaN(from) ? text.Length : from, 0, text.Length);
        for (int i = Math.Min(start, text.Length - part.Length); i >= 0; i--)
        {
            if (string.CompareOrdinal(text, i, part, 0, part.Length) == 0)
                return i;
        }
        return -1;
    }

    private static string Radix(long value, int radix)
    {
        if (radix == 10)
            return value.ToString(CultureInfo.InvariantCulture);
        var digits = new StringBuilder();
        ulong rest = (ulong)Math.Abs(value);
        do
        {
            digits.Insert(0, "0123456789abcdefghijklmnopqrstuvwxyz"[(int)(rest % (ulong)radix)]);
            rest /= (ulong)radix;
        }
        while (rest != 0);
        return (value < 0 ? "-" : "") + digits;
    }

    private static string FromCharacters(ArrayReference characters, int start, int end)
    {
        char[] text = new char[Math.Max(0, end - start)];
        characters.CopyTo<char>(start, text);
        return new string(text);
    }

    private static int IntoCharacters(string text, ArrayReference characters, int start)
    {
        characters.CopyFrom<char>(start, text);
        return text.Length;
    }

    private class JsArray(IEnumerable<object?> items) : List<object?>(items)
    {
        public object? Pop()
        {
            if (Count == 0)
                return null;
            object? last = this[^1];
            RemoveAt(Count - 1);
            return last;
        }
    }

    // A closure of the guest's, and the export by which it is called.
    private sealed record JsFunction(string Export, object Closure);

    private sealed class JsMatch(IEnumerable<object?> groups, int index) : JsArray(groups)
    {
        public int Index => index;
    }

    private sealed class JsRegExp(Regex expression, string flags)
    {
        public string Flags => flags;

        public int LastIndex { get; set; }

        public static object TryMake(string pattern, string flags)
        {
            RegexOptions options = RegexOptions.CultureInvariant;
            if (flags.Contains('i'))
                options |= RegexOptions.IgnoreCase;
            if (flags.Contains('m'))
                options |= RegexOptions.Multiline;
            if (flags.Contains('s'))
                options |= RegexOptions.Singleline;
            try
            {
                return new JsRegExp(new Regex(pattern, options), flags);
            }
            catch (ArgumentException e)
            {
                return e.Message;
            }
        }

        public string Replace(string text, string with) => expression.Replace(text, _ => with);

        public string[] Split(string text) => expression.Split(text);

        public JsMatch? Exec(string text)
        {
            bool isStateful = flags.Contains('g') || flags.Contains('y');
            int start = isStateful ? LastIndex : 0;
            Match match = start <= text.Length ? expression.Match(text, start) : Match.Empty;
            if (!match.Success || (flags.Contains('y') && match.Index != start))
            {
                LastIndex = 0;
                return null;
            }
            if (isStateful)
                LastIndex = match.Index + match.Length;
            return new JsMatch(match.Groups.Cast<Group>().Select(g => g.Success ? g.Value : null), match.Index);
        }
    }
}
