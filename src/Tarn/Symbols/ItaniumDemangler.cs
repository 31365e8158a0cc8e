// C++ names of the Itanium ABI: what compilers make of functions, methods, operators, templates, lambdas, virtual tables and thunks. Expressions in template arguments and types that
// stand for themselves (decltype) are left alone: such a name stays as it is. Return types, which templates have in their names, are left out.
//
// Every type is a pair of texts, what stands to the left and to the right of a declared name, since pointers to functions and arrays go in between.
// Substitutions grow with what has been parsed; their lengths are bounded with the whole.
using System.Globalization;
using System.Text;

namespace Tarn.Symbols;

internal ref struct ItaniumDemangler
{
    private const int MostSubstitutions = 1000;
    private const int MostSteps = 20_000;

    // Two letters, and what they stand for.
    private static readonly Dictionary<string, string> s_operators =
        "ps+ ng- ad& de* co~ pl+ mi- ml* dv/ rm% an& or| eo^ aS= pL+= mI-= mL*= dV/= rM%= aN&= oR|= eO^= ls<< rs>> lS<<= rS>>= eq== ne!= lt< gt> le<= ge>= ss<=> nt! aa&& oo|| pp++ mm-- cm, pm->* pt-> cl() ix[] qu? nw_new na_new[] dl_delete da_delete[] aw_co_await"
            .Split(' ').ToDictionary(word => word[..2], word => word[2] == '_' ? " " + word[3..] : word[2..]);

    private readonly ReadOnlySpan<char> _name;
    private readonly List<CType> _substitutions = [];
    private List<CType> _arguments = [];
    private int _at;
    private int _depth;
    private int _typeDepth;
    private int _steps;
    private bool _failed;

    private ItaniumDemangler(ReadOnlySpan<char> name) => _name = name;

    /// <summary>The declaration; null if the name is of another scheme.</summary>
    public static string? Demangle(string name)
    {
        var parser = new ItaniumDemangler(name.AsSpan(2));
        string text = parser.Encoding();
        return parser._failed || parser._at != parser._name.Length || text.Length == 0 ? null : text;
    }

    private readonly char Peek => _at < _name.Length ? _name[_at] : '\0';

    private readonly bool At(string text) => _name[_at..].StartsWith(text, StringComparison.Ordinal);

    private bool Eat(string text)
    {
        if (!At(text))
            return false;
        _at += text.Length;
        return true;
    }

    private string Fail()
    {
        _failed = true;
        return "";
    }

    private string Checked(string text) => text.Length > Demangler.LongestName ? Fail() : text;

    private bool Enter()
    {
        if (++_depth > Demangler.Deepest || ++_steps > MostSteps)
            Fail();
        return !_failed;
    }

    private CType Remember(CType type)
    {
        if (_substitutions.Count < MostSubstitutions)
            _substitutions.Add(type);
        else
            Fail();
        return type;
    }

    private string Encoding()
    {
        if (!Enter())
            return "";
        string text = Special() ?? Function();
        _depth--;
        return Checked(text);
    }

    private string? Special()
    {
        (string code, string words)[] tables = [("TV", "vtable for "), ("TT", "VTT for "), ("TI", "typeinfo for "), ("TS", "typeinfo name for ")];
        foreach ((string code, string words) in tables)
        {
            if (Eat(code))
                return words + Type().ToString();
        }
        if (Eat("GV"))
            return "guard variable for " + Name(out _);
        if (Eat("TW"))
            return "thread-local wrapper routine for " + Name(out _);
        if (Eat("TH"))
            return "thread-local initialization routine for " + Name(out _);
        if (Eat("Th"))
        {
            Number();
            return Eat("_") ? "non-virtual thunk to " + Encoding() : Fail();
        }
        if (Eat("Tv"))
        {
            Number();
            bool first = Eat("_");
            Number();
            return first && Eat("_") ? "virtual thunk to " + Encoding() : Fail();
        }
        return null;
    }

    private string Function()
    {
        string name = Name(out Ending ending);
        if (_failed || _at == _name.Length || Peek is 'E')
            return name;
        // Templates have their return type in front of the parameters, except for constructors, destructors and conversions.
        if (ending.IsTemplate && !ending.HasNoReturnType)
            Type();
        string parameters = Parameters();
        return $"{name}({parameters}){ending.Qualifiers}";
    }

    // Types up to the end of the name or an E that is not theirs.
    private string Parameters()
    {
        var text = new StringBuilder();
        if (Peek == 'v' && (_at + 1 == _name.Length || _name[_at + 1] == 'E'))
        {
            _at++;
            return "";
        }
        while (!_failed && _at < _name.Length && Peek != 'E')
        {
            string type = Type().ToString();
            if (text.Length > 0 && type.Length > 0)
                text.Append(", ");
            text.Append(type);
            if (text.Length > Demangler.LongestName)
                Fail();
        }
        return text.ToString();
    }

    private string Name(out Ending ending)
    {
        ending = default;
        if (!Enter())
            return "";
        string text;
        if (Peek == 'N')
        {
            text = Nested(ref ending);
        }
        else if (Peek == 'Z')
        {
            text = Local(ref ending);
        }
        else
        {
            bool substituted = false;
            if (At("St"))
            {
                _at += 2;
                text = "std::" + Unqualified("", ref ending);
            }
            else if (Peek == 'S')
            {
                text = Substitution().ToString();
                substituted = true;
            }
            else
            {
                text = Unqualified("", ref ending);
            }
            if (Peek == 'I')
            {
                if (!substituted)
                    Remember(new CType(text));
                text += TemplateArguments();
                ending.IsTemplate = true;
            }
        }
        _depth--;
        return Checked(text);
    }

    private string Nested(ref Ending ending)
    {
        _at++;
        string qualifiers = "";
        while (Peek is 'r' or 'V' or 'K')
            qualifiers = (Next() switch { 'K' => " const", 'V' => " volatile", _ => " restrict" }) + qualifiers;
        if (Eat("R"))
            qualifiers += " &";
        else if (Eat("O"))
            qualifiers += " &&";
        string text = "";
        bool substituted = false;
        while (!_failed && !Eat("E"))
        {
            if (++_steps > MostSteps || _at >= _name.Length)
                return Fail();
            if (text.Length > 0 && !substituted)
                Remember(new CType(text));
            substituted = false;
            if (At("St") && text.Length == 0)
            {
                _at += 2;
                text = "std";
                substituted = true;
            }
            else if (Peek == 'S' && text.Length == 0)
            {
                text = Substitution().ToString();
                substituted = true;
            }
            else if (Peek == 'T' && text.Length == 0)
            {
                text = TemplateParameter().ToString();
            }
            else if (Peek == 'I' && text.Length > 0)
            {
                text += TemplateArguments();
                ending.IsTemplate = true;
            }
            else
            {
                ending = default;
                string part = Unqualified(text, ref ending);
                text = text.Length == 0 ? part : $"{text}::{part}";
            }
            Checked(text);
        }
        ending.Qualifiers = qualifiers;
        return text;
    }

    private string Local(ref Ending ending)
    {
        _at++;
        string function = Encoding();
        if (!Eat("E"))
            return Fail();
        if (Eat("s"))
        {
            Discriminator();
            return function + "::string literal";
        }
        if (Eat("d"))
        {
            Number();
            if (!Eat("_"))
                return Fail();
        }
        string name = Name(out ending);
        Discriminator();
        return $"{function}::{name}";
    }

    private void Discriminator()
    {
        if (!Eat("_"))
            return;
        if (Eat("_"))
        {
            Number();
            _ = Eat("_");
        }
        else if (char.IsAsciiDigit(Peek))
        {
            _at++;
        }
    }

    private string Unqualified(string scope, ref Ending ending)
    {
        _ = Eat("L");
        string text;
        if (char.IsAsciiDigit(Peek))
        {
            text = SourceName();
        }
        else if (Peek == 'C' && _at + 1 < _name.Length && _name[_at + 1] is '1' or '2' or '3' or 'I')
        {
            _at++;
            bool inherited = Eat("I");
            Next();
            if (inherited)
                Type();
            ending.HasNoReturnType = true;
            text = LastPart(scope);
        }
        else if (Peek == 'D' && _at + 1 < _name.Length && _name[_at + 1] is '0' or '1' or '2')
        {
            _at += 2;
            ending.HasNoReturnType = true;
            text = "~" + LastPart(scope);
        }
        else if (Eat("Ut"))
        {
            Number();
            text = Eat("_") ? "{unnamed type}" : Fail();
        }
        else if (Eat("Ul"))
        {
            string parameters = Parameters();
            string number = Eat("E") ? Number() : Fail();
            text = Eat("_") ? $"{{lambda({parameters})#{(number.Length == 0 ? 1 : int.Parse(number, CultureInfo.InvariantCulture) + 2)}}}" : Fail();
        }
        else
        {
            text = Operator(ref ending);
        }
        while (!_failed && Eat("B"))
            text += $"[abi:{SourceName()}]";
        return text;
    }

    // Of a scope such as ns::Vector<int>, Vector.
    private static string LastPart(string scope)
    {
        int end = scope.Length, depth = 0;
        for (int i = scope.Length - 1; i >= 0; i--)
        {
            if (scope[i] is '>' or ']')
                depth++;
            else if (scope[i] is '<' or '[' && --depth == 0)
                end = i;
            else if (scope[i] == ':' && depth == 0)
                return i < end ? scope[(i + 1)..end] : scope;
        }
        return end < 0 ? scope : scope[..end];
    }

    private string Operator(ref Ending ending)
    {
        if (Eat("cv"))
        {
            ending.HasNoReturnType = true;
            return "operator " + Type().ToString();
        }
        if (Eat("li"))
            return "operator\"\" " + SourceName();
        if (_at + 2 > _name.Length)
            return Fail();
        string? symbol = s_operators.GetValueOrDefault(_name.Slice(_at, 2).ToString());
        if (symbol is null)
            return Fail();
        _at += 2;
        return "operator" + symbol;
    }

    private string SourceName()
    {
        int length = 0;
        if (!char.IsAsciiDigit(Peek))
            return Fail();
        while (char.IsAsciiDigit(Peek) && length <= _name.Length)
            length = (length * 10) + (Next() - '0');
        if (length == 0 || length > _name.Length - _at)
            return Fail();
        string text = _name.Slice(_at, length).ToString();
        _at += length;
        return text.StartsWith("_GLOBAL__N", StringComparison.Ordinal) ? "(anonymous namespace)" : text;
    }

    private string TemplateArguments()
    {
        if (!Enter())
            return "";
        _at++;
        var arguments = new List<CType>();
        ArgumentsInto(arguments);
        _depth--;
        // Those of a type are not what parameters of the function's template stand for.
        if (_typeDepth == 0)
            _arguments = arguments;
        return Checked($"<{CType.Join(arguments)}>");
    }

    private void ArgumentsInto(List<CType> arguments)
    {
        while (!_failed && !Eat("E"))
        {
            if (_at >= _name.Length || ++_steps > MostSteps)
            {
                Fail();
            }
            else if (Eat("J"))
            {
                var pack = new List<CType>();
                if (Enter())
                    ArgumentsInto(pack);
                _depth--;
                arguments.Add(new CType(Pack: pack));
            }
            else if (Peek == 'L')
            {
                arguments.Add(new CType(Literal()));
            }
            else
            {
                // An expression (X) is one too many for us, and fails as a type.
                arguments.Add(Type());
            }
        }
    }

    private string Literal()
    {
        _at++;
        if (Eat("_Z"))
        {
            string function = Encoding();
            return Eat("E") ? "&" + function : Fail();
        }
        char kind = Peek;
        string type = Type().ToString();
        bool negative = Eat("n");
        int start = _at;
        while (char.IsAsciiHexDigit(Peek) && Peek != 'E')
            _at++;
        string value = (negative ? "-" : "") + _name[start.._at].ToString();
        if (!Eat("E"))
            return Fail();
        return kind switch
        {
            'b' => value == "0" ? "false" : "true",
            'i' => value,
            'j' => value + "u",
            'l' => value + "l",
            'm' => value + "ul",
            'x' => value + "ll",
            'y' => value + "ull",
            _ => value.Length == 0 ? type : $"({type}){value}",
        };
    }

    private char Next() => _at < _name.Length ? _name[_at++] : '\0';

    private string Number()
    {
        int start = _at;
        _ = Eat("n");
        while (char.IsAsciiDigit(Peek) && _at - start < 9)
            _at++;
        return _name[start.._at].ToString();
    }

    private int Base36()
    {
        int value = 0;
        if (Eat("_"))
            return 0;
        while (!_failed && !Eat("_"))
        {
            char c = Next();
            int digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetterUpper(c) ? c - 'A' + 10 : -1;
            if (digit < 0 || value > MostSubstitutions)
                Fail();
            value = (value * 36) + Math.Max(0, digit);
        }
        return value + 1;
    }

    private CType Substitution()
    {
        _at++;
        string? known = Peek switch
        {
            't' => "std",
            'a' => "std::allocator",
            'b' => "std::basic_string",
            's' => "std::string",
            'i' => "std::istream",
            'o' => "std::ostream",
            'd' => "std::iostream",
            _ => null,
        };
        if (known is not null)
        {
            _at++;
            return new CType(known);
        }
        int index = Base36();
        return Indexed(_substitutions, index);
    }

    private CType TemplateParameter()
    {
        _at++;
        int index = Base36();
        return Indexed(_arguments, index);
    }

    private CType Indexed(List<CType> list, int index)
    {
        if (index < list.Count)
            return list[index];
        Fail();
        return default;
    }

    private CType Type()
    {
        if (!Enter())
            return default;
        _typeDepth++;
        CType type = TypeCore();
        _typeDepth--;
        _depth--;
        Checked(type.ToString());
        return type;
    }

    private CType TypeCore()
    {
        if (Builtin(Peek) is string builtin)
        {
            _at++;
            return new CType(builtin);
        }
        switch (Peek)
        {
            case 'P':
                _at++;
                return Remember(Type().Pointed("*"));
            case 'R':
                _at++;
                return Remember(Type().Pointed("&"));
            case 'O':
                _at++;
                return Remember(Type().Pointed("&&"));
            case 'r' or 'V' or 'K':
                string qualifiers = "";
                while (Peek is 'r' or 'V' or 'K')
                    qualifiers = (Next() switch { 'K' => " const", 'V' => " volatile", _ => " restrict" }) + qualifiers;
                return Remember(Type().Qualified(qualifiers));
            case 'F':
                _at++;
                _ = Eat("Y");
                string result = Type().ToString();
                string parameters = Parameters();
                if (!Eat("E"))
                    Fail();
                return Remember(new CType(result + " ", $"({parameters})"));
            case 'A':
                _at++;
                string length = Number();
                if (!Eat("_"))
                    Fail();
                CType element = Type();
                return Remember(new CType(element.Left, $" [{length}]{element.Right?.TrimStart()}"));
            case 'M':
                _at++;
                string owner = Type().ToString();
                return Remember(Type().Pointed($" {owner}::*"));
            case 'T':
                CType parameter = Remember(TemplateParameter());
                return Peek == 'I' ? Remember(new CType(parameter + TemplateArguments())) : parameter;
            case 'S' when !At("St"):
                CType known = Substitution();
                return Peek == 'I' ? Remember(new CType(known + TemplateArguments())) : known;
            case 'u':
                _at++;
                return Remember(new CType(SourceName()));
            case 'U':
                _at++;
                string vendor = SourceName();
                CType inner = Type();
                return Remember(inner with { Left = $"{inner.Left} {vendor}" });
            case 'D':
                return Extended();
            default:
                return Remember(new CType(Name(out _)));
        }
    }

    private CType Extended()
    {
        _at++;
        char kind = Next();
        switch (kind)
        {
            case 'n':
                return new CType("std::nullptr_t");
            case 'i':
                return new CType("char32_t");
            case 's':
                return new CType("char16_t");
            case 'u':
                return new CType("char8_t");
            case 'a':
                return new CType("auto");
            case 'c':
                return new CType("decltype(auto)");
            case 'h':
                return new CType("_Float16");
            case 'p':
                return Remember(Type());
            case 'o':
                CType function = Type();
                return function with { Right = function.Right + " noexcept" };
            default:
                Fail();
                return default;
        }
    }

    private static string? Builtin(char c) => c switch
    {
        'v' => "void",
        'w' => "wchar_t",
        'b' => "bool",
        'c' => "char",
        'a' => "signed char",
        'h' => "unsigned char",
        's' => "short",
        't' => "unsigned short",
        'i' => "int",
        'j' => "unsigned int",
        'l' => "long",
        'm' => "unsigned long",
        'x' => "long long",
        'y' => "unsigned long long",
        'n' => "__int128",
        'o' => "unsigned __int128",
        'f' => "float",
        'd' => "double",
        'e' => "long double",
        'g' => "__float128",
        'z' => "...",
        _ => null,
    };

    // What a name ends in, as far as the type behind it depends on that.
    private struct Ending
    {
        public bool IsTemplate;
        public bool HasNoReturnType;
        public string? Qualifiers;
    }

    // A pack of types is treated as each of them.
    private readonly record struct CType(string? Left = null, string? Right = null, List<CType>? Pack = null)
    {
        public static string Join(List<CType> types) => string.Join(", ", types.Select(type => type.ToString()).Where(type => type.Length > 0));

        public CType Pointed(string by)
        {
            if (Pack is not null)
                return new CType(Pack: [.. Pack.Select(type => type.Pointed(by))]);
            // Already within parentheses: a pointer to a pointer to a function.
            bool between = !string.IsNullOrEmpty(Right) && !Right.StartsWith(')');
            string left = Left ?? "";
            // References to references are what the stronger one says.
            if (by == "&&" && left.EndsWith('&') && !between)
                return this;
            if (by == "&" && left.EndsWith("&&", StringComparison.Ordinal) && !between)
                return this with { Left = left[..^1] };
            if (by == "&" && left.EndsWith('&') && !between)
                return this;
            return between ? new CType($"{left.TrimEnd()} ({by.TrimStart()}", ")" + Right) : new CType(left + by, Right);
        }

        public CType Qualified(string qualifiers)
        {
            if (Pack is not null)
                return new CType(Pack: [.. Pack.Select(type => type.Qualified(qualifiers))]);
            return Right?.StartsWith('(') == true ? this with { Right = Right + qualifiers } : this with { Left = Left + qualifiers };
        }

        public override string ToString() => Pack is null ? Left + Right : Join(Pack);
    }
}
