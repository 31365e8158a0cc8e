// Parses test scripts (.wast): the specification's script language, with the thread directives of the threads proposal. Modules are stepped over by their
// parentheses. A script may also be the fields of a single module, without the word.
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Tarn.Wasm.Text;

namespace Tarn.Wast;

/// <summary>Parses scripts.</summary>
internal ref struct ScriptParser
{
    private const int ThreadNesting = 16;

    private readonly byte[] _source;
    private readonly TokenList _tokens;
    private readonly string? _fileName;
    private int _at;
    private int _depth;
    private int _line;
    private int _lineOffset;

    private ScriptParser(byte[] source, string? fileName)
    {
        _source = source;
        _fileName = fileName;
        _tokens = Lexer.Run(source, 0, source.Length, fileName);
        _line = 1;
    }

    /// <summary>Parses a script.</summary>
    /// <exception cref="TextFormatException">It is malformed outside of its modules.</exception>
    public static Script Parse(byte[] source, string? fileName = null)
    {
        ScriptParser parser = new(source, fileName);
        return new Script(source, fileName, parser.Commands());
    }

    private readonly TokenKind Kind => _tokens[_at].Kind;

    private readonly ReadOnlySpan<byte> Text => TextOf(_at);

    private readonly ReadOnlySpan<byte> TextOf(int token) => _source.AsSpan(_tokens[token].Start, _tokens[token].End - _tokens[token].Start);

    private readonly bool Is(int token, ReadOnlySpan<byte> keyword) => _tokens[token].Kind == TokenKind.Keyword && TextOf(token).SequenceEqual(keyword);

    private readonly bool IsField(int token) => Is(token, "func"u8) || Is(token, "type"u8) || Is(token, "rec"u8) || Is(token, "import"u8) || Is(token, "export"u8)
        || Is(token, "memory"u8) || Is(token, "table"u8) || Is(token, "global"u8) || Is(token, "tag"u8) || Is(token, "elem"u8) || Is(token, "data"u8)
        || Is(token, "start"u8);

    private List<ScriptCommand> Commands()
    {
        List<ScriptCommand> commands = [];
        if (Kind == TokenKind.Open && IsField(_at + 1))
        {
            ScriptModule module = new(ScriptModuleForm.Text, null, _source, 0, _source.Length, _fileName);
            commands.Add(new ScriptCommand { Kind = ScriptCommandKind.Module, Line = LineOf(_tokens[_at].Start), Module = module });
            return commands;
        }

        while (Kind != TokenKind.End)
            commands.Add(Command());
        return commands;
    }

    private ScriptCommand Command()
    {
        int open = _at;
        int line = LineOf(_tokens[open].Start);
        Open();
        if (Kind != TokenKind.Keyword)
            Unexpected("a directive");
        ReadOnlySpan<byte> word = Text;
        ScriptCommand command;
        if (word.SequenceEqual("module"u8))
        {
            _at = open;
            return ModuleCommand(line);
        }

        if (word.SequenceEqual("invoke"u8) || word.SequenceEqual("get"u8))
        {
            _at = open;
            return new ScriptCommand { Kind = ScriptCommandKind.Action, Line = line, Action = Action() };
        }

        _at++;
        if (word.SequenceEqual("assert_return"u8))
            command = new ScriptCommand { Kind = ScriptCommandKind.AssertReturn, Line = line, Action = Action(), Results = Results() };
        else if (word.SequenceEqual("assert_trap"u8))
            command = AssertTrap(line);
        else if (word.SequenceEqual("assert_exhaustion"u8))
            command = new ScriptCommand { Kind = ScriptCommandKind.AssertExhaustion, Line = line, Action = Action(), Text = String() };
        else if (word.SequenceEqual("assert_exception"u8))
            command = new ScriptCommand { Kind = ScriptCommandKind.AssertException, Line = line, Action = Action() };
        else if (word.SequenceEqual("assert_malformed"u8))
            command = AssertModule(ScriptCommandKind.AssertMalformed, line);
        else if (word.SequenceEqual("assert_invalid"u8))
            command = AssertModule(ScriptCommandKind.AssertInvalid, line);
        else if (word.SequenceEqual("assert_unlinkable"u8))
            command = AssertModule(ScriptCommandKind.AssertUnlinkable, line);
        else if (word.SequenceEqual("assert_malformed_custom"u8))
            command = AssertModule(ScriptCommandKind.AssertMalformedCustom, line);
        else if (word.SequenceEqual("assert_invalid_custom"u8))
            command = AssertModule(ScriptCommandKind.AssertInvalidCustom, line);
        else if (word.SequenceEqual("register"u8))
            command = new ScriptCommand { Kind = ScriptCommandKind.Register, Line = line, Text = String(), Name = OptionalIdentifier() };
        else if (word.SequenceEqual("thread"u8))
            command = Thread(line);
        else if (word.SequenceEqual("wait"u8))
            command = new ScriptCommand { Kind = ScriptCommandKind.Wait, Line = line, Name = Identifier() };
        else
            command = UnknownCommand();
        Close();
        return command;
    }

    [DoesNotReturn]
    private ScriptCommand UnknownCommand()
    {
        _at--;
        Unexpected("a directive");
        return null!;
    }

    private ScriptCommand ModuleCommand(int line)
    {
        if (Is(_at + 2, "instance"u8))
        {
            _at += 3;
            string? first = OptionalIdentifier();
            string? second = OptionalIdentifier();
            Close();
            // With one identifier it is the definition's, and the instance has none.
            return new ScriptCommand
            {
                Kind = ScriptCommandKind.ModuleInstance,
                Line = line,
                Name = second == null ? null : first,
                Target = second ?? first,
            };
        }

        bool definition = Is(_at + 2, "definition"u8);
        ScriptModule module = Module();
        return new ScriptCommand
        {
            Kind = definition ? ScriptCommandKind.ModuleDefinition : ScriptCommandKind.Module,
            Line = line,
            Name = module.Name,
            Module = module,
        };
    }

    /// <summary>A module in any form; only strings are looked into.</summary>
    private ScriptModule Module()
    {
        int open = _at;
        Open();
        if (!Is(_at, "module"u8))
            Unexpected("a module");
        _at++;
        if (Is(_at, "definition"u8))
            _at++;
        string? name = OptionalIdentifier();
        bool binary = Is(_at, "binary"u8);
        if (!binary && !Is(_at, "quote"u8))
        {
            int close = _tokens[open].Match;
            _at = close + 1;
            return new ScriptModule(ScriptModuleForm.Text, name, _source, _tokens[open].Start, _tokens[close].End, _fileName);
        }

        _at++;
        ByteBuffer bytes = new();
        while (Kind == TokenKind.String)
        {
            StringLiteral.AppendTo(bytes, Text);
            _at++;
        }

        Close();
        byte[] content = bytes.ToArray();
        string place = $"{_fileName ?? "script"}, module quoted at line {LineOf(_tokens[open].Start)}";
        return new ScriptModule(binary ? ScriptModuleForm.Binary : ScriptModuleForm.Quote, name, content, 0, content.Length, place);
    }

    private ScriptCommand AssertModule(ScriptCommandKind kind, int line) => new() { Kind = kind, Line = line, Module = Module(), Text = String() };

    private ScriptCommand AssertTrap(int line) => Kind == TokenKind.Open && Is(_at + 1, "module"u8)
        ? AssertModule(ScriptCommandKind.AssertTrap, line)
        : new ScriptCommand { Kind = ScriptCommandKind.AssertTrap, Line = line, Action = Action(), Text = String() };

    private ScriptCommand Thread(int line)
    {
        if (++_depth > ThreadNesting)
            Fail($"threads are nested more than {ThreadNesting} deep");
        string name = Identifier();
        string? shared = null;
        if (Kind == TokenKind.Open && Is(_at + 1, "shared"u8))
        {
            _at += 2;
            Open();
            if (!Is(_at, "module"u8))
                Unexpected("(module $name)");
            _at++;
            shared = Identifier();
            Close();
            Close();
        }

        List<ScriptCommand> commands = [];
        while (Kind == TokenKind.Open)
            commands.Add(Command());
        _depth--;
        return new ScriptCommand { Kind = ScriptCommandKind.Thread, Line = line, Name = name, Target = shared, Commands = [.. commands] };
    }

    private ScriptAction Action()
    {
        Open();
        bool get = Is(_at, "get"u8);
        if (!get && !Is(_at, "invoke"u8))
            Unexpected("(invoke …) or (get …)");
        _at++;
        string? instance = OptionalIdentifier();
        string export = String();
        List<ScriptValue>? arguments = null;
        while (!get && Kind == TokenKind.Open)
            (arguments ??= []).Add(Value(pattern: false));
        Close();
        return new ScriptAction(get, instance, export, arguments == null ? [] : [.. arguments]);
    }

    private ScriptResult[] Results()
    {
        if (Kind != TokenKind.Open)
            return [];
        List<ScriptResult> results = [];
        while (Kind == TokenKind.Open)
        {
            if (!Is(_at + 1, "either"u8))
            {
                results.Add(new ScriptResult(Value(pattern: true), null));
                continue;
            }

            _at += 2;
            List<ScriptValue> alternatives = [];
            while (Kind == TokenKind.Open)
                alternatives.Add(Value(pattern: true));
            Close();
            results.Add(new ScriptResult(default, [.. alternatives]));
        }

        return [.. results];
    }

    private ScriptValue Value(bool pattern)
    {
        Open();
        ReadOnlySpan<byte> word = Text;
        _at++;
        ScriptValue value;
        if (word.SequenceEqual("i32.const"u8))
            value = new ScriptValue { Kind = ScriptValueKind.I32, Low = (uint)Integer(32) };
        else if (word.SequenceEqual("i64.const"u8))
            value = new ScriptValue { Kind = ScriptValueKind.I64, Low = Integer(64) };
        else if (word.SequenceEqual("f32.const"u8))
            value = new ScriptValue { Kind = ScriptValueKind.F32, Low = Float(32, pattern, out NanClass nan), NanLanes = (byte)nan };
        else if (word.SequenceEqual("f64.const"u8))
            value = new ScriptValue { Kind = ScriptValueKind.F64, Low = Float(64, pattern, out NanClass nan), NanLanes = (byte)nan };
        else if (word.SequenceEqual("v128.const"u8))
            value = Vector(pattern);
        else if (word.SequenceEqual("ref.null"u8))
            value = NullReference(pattern);
        else if (word.SequenceEqual("ref.extern"u8))
            value = Reference(ScriptValueKind.RefExtern, needsPayload: !pattern);
        else if (word.SequenceEqual("ref.host"u8))
            value = Reference(ScriptValueKind.RefHost, needsPayload: true);
        else
            value = ReferencePattern(word, pattern);
        Close();
        return value;
    }

    private ScriptValue ReferencePattern(ReadOnlySpan<byte> word, bool pattern)
    {
        ScriptValueKind? kind = !pattern ? null
            : word.SequenceEqual("ref.func"u8) ? ScriptValueKind.RefFunc
            : word.SequenceEqual("ref.any"u8) ? ScriptValueKind.RefAny
            : word.SequenceEqual("ref.eq"u8) ? ScriptValueKind.RefEq
            : word.SequenceEqual("ref.i31"u8) ? ScriptValueKind.RefI31
            : word.SequenceEqual("ref.struct"u8) ? ScriptValueKind.RefStruct
            : word.SequenceEqual("ref.array"u8) ? ScriptValueKind.RefArray
            : word.SequenceEqual("ref.exn"u8) ? ScriptValueKind.RefExn
            : null;
        if (kind == null)
        {
            _at--;
            Unexpected(pattern ? "a result" : "a constant");
        }

        return Reference(kind.Value, needsPayload: false);
    }

    private ScriptValue Reference(ScriptValueKind kind, bool needsPayload)
    {
        if (Kind != TokenKind.Natural && !needsPayload)
            return new ScriptValue { Kind = kind };
        return new ScriptValue { Kind = kind, Low = Integer(32), HasPayload = true };
    }

    private ScriptValue NullReference(bool pattern)
    {
        byte heap = 0;
        if (Kind == TokenKind.Keyword)
        {
            if (!ModuleParser.TryAbstractHeapType(Text, out heap))
                Unexpected("a heap type");
            _at++;
        }
        else if (Kind is TokenKind.Natural or TokenKind.Identifier)
        {
            _at++;
        }
        else if (!pattern)
        {
            Unexpected("a heap type");
        }

        return new ScriptValue { Kind = ScriptValueKind.RefNull, HeapType = heap };
    }

    private ulong Integer(int bits)
    {
        if (Kind is not (TokenKind.Natural or TokenKind.Integer))
            Unexpected("an integer");
        if (!NumberSyntax.TryInteger(Text, bits, out ulong value))
            Fail($"i{bits} constant out of range");
        _at++;
        return bits == 64 ? value : value & ((1UL << bits) - 1);
    }

    private ulong Float(int bits, bool pattern, out NanClass nan)
    {
        nan = !pattern ? NanClass.Exact : Is(_at, "nan:canonical"u8) ? NanClass.Canonical : Is(_at, "nan:arithmetic"u8) ? NanClass.Arithmetic : NanClass.Exact;
        if (nan != NanClass.Exact)
        {
            _at++;
            return bits == 32 ? 0x7FC0_0000UL : 0x7FF8_0000_0000_0000;
        }

        if (Kind is not (TokenKind.Natural or TokenKind.Integer or TokenKind.Float))
            Unexpected("a number");
        ulong value;
        bool valid;
        if (bits == 32)
        {
            valid = NumberSyntax.TryFloat32(Text, out uint narrow);
            value = narrow;
        }
        else
        {
            valid = NumberSyntax.TryFloat64(Text, out value);
        }

        if (!valid)
            Fail($"f{bits} constant out of range");
        _at++;
        return value;
    }

    private ScriptValue Vector(bool pattern)
    {
        LaneShape shape = Is(_at, "i8x16"u8) ? LaneShape.I8X16
            : Is(_at, "i16x8"u8) ? LaneShape.I16X8
            : Is(_at, "i32x4"u8) ? LaneShape.I32X4
            : Is(_at, "i64x2"u8) ? LaneShape.I64X2
            : Is(_at, "f32x4"u8) ? LaneShape.F32X4
            : Is(_at, "f64x2"u8) ? LaneShape.F64X2
            : LaneShape.None;
        int bits = shape switch
        {
            LaneShape.I8X16 => 8,
            LaneShape.I16X8 => 16,
            LaneShape.I32X4 or LaneShape.F32X4 => 32,
            _ => 64,
        };
        if (shape == LaneShape.None)
            Unexpected("a shape such as i32x4");
        _at++;
        UInt128 all = 0;
        int nans = 0;
        for (int lane = 0; lane < 128 / bits; lane++)
        {
            NanClass nan = NanClass.Exact;
            ulong value = shape >= LaneShape.F32X4 ? Float(bits, pattern, out nan) : Integer(bits);
            all |= (UInt128)value << (lane * bits);
            nans |= (int)nan << (lane * 2);
        }

        return new ScriptValue { Kind = ScriptValueKind.V128, Shape = shape, Low = (ulong)all, High = (ulong)(all >> 64), NanLanes = (byte)nans };
    }

    private string String()
    {
        if (Kind != TokenKind.String)
            Unexpected("a string");
        if (!StringLiteral.IsUtf8(Text))
            Fail("malformed UTF-8 encoding");
        string value = Encoding.UTF8.GetString(StringLiteral.ToBytes(Text));
        _at++;
        return value;
    }

    private string Identifier()
    {
        string? name = OptionalIdentifier();
        if (name == null)
            Unexpected("an identifier");
        return name;
    }

    private string? OptionalIdentifier()
    {
        if (Kind != TokenKind.Identifier)
            return null;
        ReadOnlySpan<byte> text = Text[1..];
        _at++;
        return Encoding.UTF8.GetString(text[0] == '"' ? StringLiteral.ToBytes(text) : text);
    }

    private void Open()
    {
        if (Kind != TokenKind.Open)
            Unexpected("'('");
        _at++;
    }

    private void Close()
    {
        if (Kind != TokenKind.Close)
            Unexpected("')'");
        _at++;
    }

    /// <summary>The line of an offset; offsets are asked for in rising order.</summary>
    private int LineOf(int offset)
    {
        for (; _lineOffset < offset; _lineOffset++)
        {
            byte c = _source[_lineOffset];
            if (c == '\n' || (c == '\r' && _source[_lineOffset + 1] != '\n'))
                _line++;
        }

        return _line;
    }

    [DoesNotReturn]
    private readonly void Unexpected(string expected)
    {
        ref Token token = ref _tokens[_at];
        string word = token.Kind == TokenKind.End ? "at the end" : $"'{Encoding.UTF8.GetString(_source, token.Start, Math.Min(60, token.End - token.Start))}'";
        bool unknown = token.Kind == TokenKind.Keyword && !Keywords.IsKnown(Text);
        Fail($"{(unknown ? "unknown operator" : "unexpected token")} {word}, expected {expected}");
    }

    [DoesNotReturn]
    private readonly void Fail(string reason) => throw TextFormatException.At(_source, _tokens[_at].Start, _tokens[_at].End, reason, _fileName);
}
