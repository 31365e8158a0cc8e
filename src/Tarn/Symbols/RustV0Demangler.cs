// Rust's v0 names (RFC 2603): paths, generic arguments, types and constants in a grammar of one letter each, with references back into the name itself. Hashes of crates and
// disambiguators are left out. A reference may only lead backwards, and depth and length are bounded: references within references double what is printed.
using System.Globalization;
using System.Text;

namespace Tarn.Symbols;

internal ref struct RustV0Demangler
{
    private readonly ReadOnlySpan<char> _name;
    private readonly StringBuilder _text;
    private int _at;
    private int _depth;
    private int _lifetimes;
    private bool _failed;

    private RustV0Demangler(ReadOnlySpan<char> name)
    {
        _name = name;
        _text = new StringBuilder();
    }

    /// <summary>The path; null if the name is of another scheme.</summary>
    public static string? Demangle(string name)
    {
        var parser = new RustV0Demangler(name.AsSpan(2));
        parser.Path(inValue: true);
        return parser._failed || parser._text.Length == 0 ? null : parser._text.ToString();
    }

    private readonly char Peek => _at < _name.Length ? _name[_at] : '\0';

    private char Next() => _at < _name.Length ? _name[_at++] : '\0';

    private bool Eat(char c)
    {
        if (Peek != c)
            return false;
        _at++;
        return true;
    }

    private void Fail() => _failed = true;

    private void Print(ReadOnlySpan<char> text)
    {
        if (_text.Length + text.Length > Demangler.LongestName)
            Fail();
        else if (!_failed)
            _text.Append(text);
    }

    private bool Enter()
    {
        if (++_depth > Demangler.Deepest)
            Fail();
        return !_failed;
    }

    private void Path(bool inValue)
    {
        if (!Enter())
            return;
        switch (Next())
        {
            case 'C':
                _ = Disambiguator();
                Print(Identifier());
                break;
            case 'N':
                char space = Next();
                if (!char.IsAsciiLetter(space))
                {
                    Fail();
                    break;
                }
                Path(inValue);
                ulong number = Disambiguator();
                string name = Identifier();
                if (char.IsAsciiLetterUpper(space))
                {
                    string kind = space switch { 'C' => "closure", 'S' => "shim", _ => space.ToString() };
                    Print(string.Create(CultureInfo.InvariantCulture, $"::{{{kind}{(name.Length == 0 ? "" : ":" + name)}#{number}}}"));
                }
                else if (name.Length > 0)
                {
                    Print("::");
                    Print(name);
                }
                break;
            case 'M':
                SkipImplementation();
                Print("<");
                Type();
                Print(">");
                break;
            case 'X':
                SkipImplementation();
                Print("<");
                Type();
                Print(" as ");
                Path(inValue: false);
                Print(">");
                break;
            case 'Y':
                Print("<");
                Type();
                Print(" as ");
                Path(inValue: false);
                Print(">");
                break;
            case 'I':
                Path(inValue);
                if (inValue)
                    Print("::");
                Print("<");
                Arguments();
                Print(">");
                break;
            case 'B':
                int back = BackReference();
                if (back >= 0)
                {
                    int here = _at;
                    _at = back;
                    Path(inValue);
                    _at = here;
                }
                break;
            default:
                Fail();
                break;
        }
        _depth--;
    }

    // The path of the module that an implementation stands in, which says nothing to people.
    private void SkipImplementation()
    {
        _ = Disambiguator();
        int length = _text.Length;
        Path(inValue: false);
        if (!_failed)
            _text.Length = length;
    }

    private void Arguments()
    {
        for (bool first = true; !_failed && !Eat('E'); first = false)
        {
            if (!first)
                Print(", ");
            if (Eat('L'))
                Lifetime(Base62());
            else if (Eat('K'))
                Constant();
            else
                Type();
        }
    }

    private void Type()
    {
        if (!Enter())
            return;
        char tag = Peek;
        if (Basic(tag) is string basic)
        {
            _at++;
            Print(basic);
            _depth--;
            return;
        }
        switch (tag)
        {
            case 'A':
                _at++;
                Print("[");
                Type();
                Print("; ");
                Constant();
                Print("]");
                break;
            case 'S':
                _at++;
                Print("[");
                Type();
                Print("]");
                break;
            case 'T':
                _at++;
                Print("(");
                int count = 0;
                for (; !_failed && !Eat('E'); count++)
                {
                    if (count > 0)
                        Print(", ");
                    Type();
                }
                Print(count == 1 ? ",)" : ")");
                break;
            case 'R' or 'Q':
                _at++;
                Print("&");
                if (Eat('L') && Base62() is > 0 and ulong lifetime)
                {
                    Lifetime(lifetime);
                    Print(" ");
                }
                if (tag == 'Q')
                    Print("mut ");
                Type();
                break;
            case 'P' or 'O':
                _at++;
                Print(tag == 'P' ? "*const " : "*mut ");
                Type();
                break;
            case 'F':
                _at++;
                CoreFunctionType();
                break;
            case 'D':
                _at++;
                TraitObject();
                break;
            case 'B':
                _at++;
                int back = BackReference();
                if (back >= 0)
                {
                    int here = _at;
                    _at = back;
                    Type();
                    _at = here;
                }
                break;
            default:
                Path(inValue: false);
                break;
        }
        _depth--;
    }

    private void CoreFunctionType()
    {
        int bound = Binder();
        if (Eat('U'))
            Print("unsafe ");
        if (Eat('K'))
        {
            Print("extern \"");
            Print(Eat('C') ? "C" : Identifier().Replace('_', '-'));
            Print("\" ");
        }
        Print("fn(");
        for (bool first = true; !_failed && !Eat('E'); first = false)
        {
            if (!first)
                Print(", ");
            Type();
        }
        Print(")");
        if (!Eat('u'))
        {
            Print(" -> ");
            Type();
        }
        _lifetimes -= bound;
    }

    private void TraitObject()
    {
        Print("dyn ");
        int bound = Binder();
        for (bool first = true; !_failed && !Eat('E'); first = false)
        {
            if (!first)
                Print(" + ");
            // Associated types go between the brackets of the trait's own arguments.
            bool hasArguments = Peek == 'I';
            Path(inValue: false);
            if (!_failed && Peek == 'p' && hasArguments)
                _text.Length--;
            bool isBound = Peek == 'p';
            while (!_failed && Eat('p'))
            {
                Print(hasArguments ? ", " : "<");
                hasArguments = true;
                Print(Identifier());
                Print(" = ");
                Type();
            }
            if (isBound)
                Print(">");
        }
        _lifetimes -= bound;
        if (!Eat('L'))
        {
            Fail();
            return;
        }
        if (Base62() is > 0 and ulong lifetime)
        {
            Print(" + ");
            Lifetime(lifetime);
        }
    }

    private int Binder()
    {
        if (!Eat('G'))
            return 0;
        ulong count = Base62() + 1;
        if (count > Demangler.Deepest)
        {
            Fail();
            return 0;
        }
        Print("for<");
        for (int i = 0; i < (int)count; i++)
        {
            if (i > 0)
                Print(", ");
            _lifetimes++;
            Lifetime(1);
        }
        Print("> ");
        return (int)count;
    }

    // Counted from the innermost binder; 0 is the one that is left out.
    private void Lifetime(ulong index)
    {
        if (index == 0)
        {
            Print("'_");
            return;
        }
        if (index > (ulong)_lifetimes)
        {
            Fail();
            return;
        }
        int depth = _lifetimes - (int)index;
        Print(depth < 26 ? $"'{(char)('a' + depth)}" : string.Create(CultureInfo.InvariantCulture, $"'_{depth}"));
    }

    private void Constant()
    {
        if (!Enter())
            return;
        char type = Next();
        switch (type)
        {
            case 'p':
                Print("_");
                break;
            case 'B':
                int back = BackReference();
                if (back >= 0)
                {
                    int here = _at;
                    _at = back;
                    Constant();
                    _at = here;
                }
                break;
            default:
                if (Basic(type) is null)
                {
                    Fail();
                    break;
                }
                bool negative = Eat('n');
                int start = _at;
                while (char.IsAsciiHexDigitLower(Peek))
                    _at++;
                ReadOnlySpan<char> digits = _name[start.._at];
                if (!Eat('_'))
                {
                    Fail();
                    break;
                }
                ConstantValue(type, negative, digits);
                break;
        }
        _depth--;
    }

    private void ConstantValue(char type, bool negative, ReadOnlySpan<char> digits)
    {
        bool fits = ulong.TryParse(digits.Length == 0 ? "0" : digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value);
        if (negative)
            Print("-");
        if (type == 'b' && fits)
            Print(value == 0 ? "false" : "true");
        else if (type == 'c' && fits && value <= int.MaxValue && Rune.IsValid((int)value))
            Print(value < ' ' ? string.Create(CultureInfo.InvariantCulture, $"'\\u{{{value:x}}}'") : $"'{new Rune((int)value)}'");
        else
            Print(fits ? value.ToString(CultureInfo.InvariantCulture) : $"0x{digits}");
    }

    private ulong Disambiguator() => Eat('s') ? Base62() + 1 : 0;

    private string Identifier()
    {
        bool punycode = Eat('u');
        int length = 0;
        if (!char.IsAsciiDigit(Peek))
        {
            Fail();
            return "";
        }
        if (!Eat('0'))
        {
            while (char.IsAsciiDigit(Peek) && length <= _name.Length)
                length = (length * 10) + (Next() - '0');
        }
        _ = Eat('_');
        if (length > _name.Length - _at)
        {
            Fail();
            return "";
        }
        string text = _name.Slice(_at, length).ToString();
        _at += length;
        return punycode ? Punycode.Decode(text) ?? $"punycode{{{text}}}" : text;
    }

    private ulong Base62()
    {
        if (Eat('_'))
            return 0;
        ulong value = 0;
        while (!_failed)
        {
            char c = Next();
            if (c == '_')
                return value + 1;
            int digit = c is >= '0' and <= '9' ? c - '0' : c is >= 'a' and <= 'z' ? c - 'a' + 10 : c is >= 'A' and <= 'Z' ? c - 'A' + 36 : -1;
            if (digit < 0 || value > (ulong.MaxValue - 61) / 62)
                Fail();
            value = (value * 62) + (ulong)Math.Max(0, digit);
        }
        return 0;
    }

    private int BackReference()
    {
        int start = _at - 1;
        ulong target = Base62();
        if (target < (ulong)start)
            return (int)target;
        Fail();
        return -1;
    }

    private static string? Basic(char tag) => tag switch
    {
        'a' => "i8",
        'b' => "bool",
        'c' => "char",
        'd' => "f64",
        'e' => "str",
        'f' => "f32",
        'h' => "u8",
        'i' => "isize",
        'j' => "usize",
        'l' => "i32",
        'm' => "u32",
        'n' => "i128",
        'o' => "u128",
        'p' => "_",
        's' => "i16",
        't' => "u16",
        'u' => "()",
        'v' => "...",
        'x' => "i64",
        'y' => "u64",
        'z' => "!",
        _ => null,
    };
}
