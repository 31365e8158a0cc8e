// Parses scripts whose directives are over components. Core modules may stand beside them.
using System.Text;
using Tarn.Wasm.Component;
using Tarn.Wasm.Text;

namespace Tarn.Wast.Components;

/// <summary>Parser of scripts over components.</summary>
internal sealed class ComponentScriptParser
{
    private readonly byte[] _source;
    private readonly ComponentTokens _tokens;
    private readonly string? _fileName;
    private int _line = 1;
    private int _lineOffset;

    private ComponentScriptParser(byte[] source, string? fileName)
    {
        _source = source;
        _fileName = fileName;
        _tokens = new ComponentTokens(source, 0, source.Length, fileName);
    }

    /// <summary>Parses a script.</summary>
    /// <exception cref="TextFormatException">It is malformed outside of its components.</exception>
    public static List<ComponentCommand> Parse(byte[] source, string? fileName = null)
    {
        ComponentScriptParser parser = new(source, fileName);
        List<ComponentCommand> commands = [];
        while (parser._tokens.Kind != TokenKind.End)
            commands.Add(parser.Command());
        return commands;
    }

    private ComponentCommand Command()
    {
        int line = LineOf(_tokens[_tokens.At].Start);
        if (AtSource())
            return SourceCommand(line);
        if (_tokens.AtForm("invoke"u8))
            return new ComponentCommand { Kind = ComponentCommandKind.Invoke, Line = line, Action = Action() };
        _tokens.Open();
        ComponentCommand command;
        if (_tokens.TryKeyword("assert_return"u8))
        {
            ComponentAction action = Action();
            List<ComponentScriptValue> results = [];
            while (_tokens.Kind == TokenKind.Open)
                results.Add(Value());
            command = new ComponentCommand { Kind = ComponentCommandKind.AssertReturn, Line = line, Action = action, Results = [.. results] };
        }
        else if (_tokens.TryKeyword("assert_trap"u8))
        {
            command = AtSource()
                ? Assert(ComponentCommandKind.AssertTrap, line)
                : new ComponentCommand { Kind = ComponentCommandKind.AssertTrap, Line = line, Action = Action(), Text = _tokens.Name() };
        }
        else if (_tokens.TryKeyword("assert_malformed"u8))
        {
            command = Assert(ComponentCommandKind.AssertMalformed, line);
        }
        else if (_tokens.TryKeyword("assert_invalid"u8))
        {
            command = Assert(ComponentCommandKind.AssertInvalid, line);
        }
        else if (_tokens.TryKeyword("assert_unlinkable"u8))
        {
            command = Assert(ComponentCommandKind.AssertUnlinkable, line);
        }
        else
        {
            _tokens.Keyword("register"u8);
            command = new ComponentCommand { Kind = ComponentCommandKind.Register, Line = line, Text = _tokens.Name(), Name = _tokens.OptionalIdentifier() };
        }

        _tokens.Close();
        return command;
    }

    private bool AtSource() => _tokens.AtForm("component"u8) || _tokens.AtForm("module"u8);

    private ComponentCommand Assert(ComponentCommandKind kind, int line) => new() { Kind = kind, Line = line, Source = Source(), Text = _tokens.Name() };

    private ComponentCommand SourceCommand(int line)
    {
        if (_tokens.Is(_tokens.At + 2, "instance"u8) && _tokens[_tokens.At + 3].Kind == TokenKind.Identifier)
        {
            _tokens.At += 3;
            string? first = _tokens.OptionalIdentifier();
            string? second = _tokens.OptionalIdentifier();
            _tokens.Close();
            return new ComponentCommand { Kind = ComponentCommandKind.Instance, Line = line, Name = second is null ? null : first, Target = second ?? first };
        }

        bool definition = _tokens.Is(_tokens.At + 2, "definition"u8);
        ComponentSource source = Source();
        return new ComponentCommand { Kind = definition ? ComponentCommandKind.Definition : ComponentCommandKind.Component, Line = line, Name = source.Name, Source = source };
    }

    private ComponentSource Source()
    {
        int open = _tokens.At, close = _tokens[open].Match;
        bool module = _tokens.Is(open + 1, "module"u8);
        _tokens.At += 2;
        _tokens.TryKeyword("definition"u8);
        string? name = _tokens.OptionalIdentifier();
        bool binary = _tokens.Is(_tokens.At, "binary"u8);
        if (!binary && !_tokens.Is(_tokens.At, "quote"u8))
        {
            _tokens.At = close + 1;
            return new ComponentSource(module, ScriptModuleForm.Text, name, _source, _tokens[open].Start, _tokens[close].End, _fileName);
        }

        _tokens.At++;
        ByteBuffer bytes = new();
        while (_tokens.Kind == TokenKind.String)
        {
            StringLiteral.AppendTo(bytes, _tokens.Text);
            _tokens.At++;
        }

        _tokens.Close();
        string place = $"{_fileName ?? "script"}, quoted at line {LineOf(_tokens[open].Start)}";
        return new ComponentSource(module, binary ? ScriptModuleForm.Binary : ScriptModuleForm.Quote, name, bytes.ToArray(), 0, bytes.Count, place);
    }

    private ComponentAction Action()
    {
        _tokens.Open();
        _tokens.Keyword("invoke"u8);
        string? instance = _tokens.OptionalIdentifier();
        string export = _tokens.Name();
        List<ComponentScriptValue> arguments = [];
        while (_tokens.Kind == TokenKind.Open)
            arguments.Add(Value());
        _tokens.Close();
        return new ComponentAction(instance, export, [.. arguments]);
    }

    private ComponentScriptValue Value()
    {
        _tokens.Open();
        ComponentScriptValue value = BareValue();
        _tokens.Close();
        return value;
    }

    private ComponentScriptValue BareValue()
    {
        if (_tokens.Kind != TokenKind.Keyword)
            _tokens.Unexpected("a value");
        string word = Encoding.UTF8.GetString(_tokens.Text);
        _tokens.At++;
        switch (word)
        {
            case "bool.const":
                bool isTrue = _tokens.TryKeyword("true"u8);
                if (!isTrue)
                    _tokens.Keyword("false"u8);
                return new ComponentScriptValue { Kind = ValueTypeKind.Bool, Bits = isTrue ? 1UL : 0 };
            case "s8.const" or "s16.const" or "s32.const" or "s64.const" or "u8.const" or "u16.const" or "u32.const" or "u64.const":
                return Integer(word[..^6]);
            case "f32.const" or "f64.const":
                return Float(word[0..3] == "f32");
            case "char.const":
                return new ComponentScriptValue { Kind = ValueTypeKind.Char, Bits = (ulong)_tokens.Name().EnumerateRunes().First().Value };
            case "str.const":
                return new ComponentScriptValue { Kind = ValueTypeKind.String, Text = _tokens.Name() };
            case "list.const":
                return new ComponentScriptValue { Kind = ValueTypeKind.List, Items = Values() };
            case "tuple.const":
                return new ComponentScriptValue { Kind = ValueTypeKind.Tuple, Items = Values() };
            case "record.const":
                List<string> names = [];
                List<ComponentScriptValue> fields = [];
                while (_tokens.TryForm("field"u8))
                {
                    names.Add(_tokens.Name());
                    fields.Add(_tokens.Kind == TokenKind.Open ? Value() : BareValue());
                    _tokens.Close();
                }

                return new ComponentScriptValue { Kind = ValueTypeKind.Record, Names = [.. names], Items = [.. fields] };
            case "variant.const":
                string variantCase = _tokens.Name();
                return new ComponentScriptValue { Kind = ValueTypeKind.Variant, Text = variantCase, Items = Values() };
            case "enum.const":
                return new ComponentScriptValue { Kind = ValueTypeKind.Enum, Text = _tokens.Name() };
            case "option.none":
                return new ComponentScriptValue { Kind = ValueTypeKind.Option, Text = "none" };
            case "option.some":
                return new ComponentScriptValue { Kind = ValueTypeKind.Option, Text = "some", Items = Values() };
            case "result.ok":
                return new ComponentScriptValue { Kind = ValueTypeKind.Result, Text = "ok", Items = Values() };
            case "result.err":
                return new ComponentScriptValue { Kind = ValueTypeKind.Result, Text = "error", Items = Values() };
            case "flags.const":
                List<string> flags = [];
                while (_tokens.Kind == TokenKind.String)
                    flags.Add(_tokens.Name());
                return new ComponentScriptValue { Kind = ValueTypeKind.Flags, Names = [.. flags] };
            default:
                _tokens.At--;
                _tokens.Unexpected("a value");
                return null!;
        }
    }

    private ComponentScriptValue[] Values()
    {
        List<ComponentScriptValue> values = [];
        while (_tokens.Kind != TokenKind.Close)
            values.Add(_tokens.Kind == TokenKind.Open ? Value() : BareValue());
        return [.. values];
    }

    private ComponentScriptValue Integer(string type)
    {
        ValueTypeKind kind = Enum.Parse<ValueTypeKind>(type, ignoreCase: true);
        ReadOnlySpan<byte> text = _tokens.Text;
        bool negative = text[0] == '-';
        if (_tokens.Kind is not (TokenKind.Natural or TokenKind.Integer) || !NumberSyntax.TryMagnitude(text[0] is (byte)'-' or (byte)'+' ? text[1..] : text, out ulong magnitude))
        {
            _tokens.Unexpected("an integer");
            return null!;
        }

        _tokens.At++;
        return new ComponentScriptValue { Kind = kind, Bits = negative ? (ulong)-(long)magnitude : magnitude };
    }

    private ComponentScriptValue Float(bool single)
    {
        ValueTypeKind kind = single ? ValueTypeKind.F32 : ValueTypeKind.F64;
        ReadOnlySpan<byte> text = _tokens.Text;
        if (text.StartsWith("nan:"u8))
        {
            bool canonical = text.SequenceEqual("nan:canonical"u8);
            if (canonical || text.SequenceEqual("nan:arithmetic"u8))
            {
                _tokens.At++;
                return new ComponentScriptValue { Kind = kind, Nan = canonical ? NanClass.Canonical : NanClass.Arithmetic };
            }
        }

        ulong bits;
        if (single)
        {
            if (!NumberSyntax.TryFloat32(text, out uint bits32))
                _tokens.Unexpected("a number");
            bits = bits32;
        }
        else if (!NumberSyntax.TryFloat64(text, out bits))
        {
            _tokens.Unexpected("a number");
        }

        _tokens.At++;
        return new ComponentScriptValue { Kind = kind, Bits = bits };
    }

    private int LineOf(int offset)
    {
        for (; _lineOffset < offset; _lineOffset++)
            _line += _source[_lineOffset] == '\n' ? 1 : 0;
        return _line;
    }
}
