// Parses components in the text format (Explainer.md): one pass from tokens to the binary format. An identifier means what came before it, so that indices are known when they are used.
// What a definition needs first (a type that is written in place, an alias of an item of an instance or of a scope around this one) is written before it, since each definition is put
// together in a buffer of its own. Core modules within are parsed by the core parser.
//
// The parts: this one has the fields of components, ComponentTypeParser the types, CoreTypeParser core types, CanonicalParser canonical definitions.
using System.Text;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>Parser of components.</summary>
internal sealed class ComponentParser
{
    private static readonly byte[] s_header = [0x00, 0x61, 0x73, 0x6D, 0x0D, 0x00, 0x01, 0x00];

    private readonly ReadOnlyMemory<byte> _source;
    private readonly ComponentTokens _tokens;
    private readonly WatOptions _options;
    private readonly ComponentTypeParser _types;
    private readonly CanonicalParser _canonical;

    private ComponentParser(ReadOnlyMemory<byte> source, int start, int end, string? fileName, WatOptions options, bool lenient)
    {
        _source = source;
        _tokens = new ComponentTokens(source, start, end, fileName);
        _options = options;
        ItemParser items = new(_tokens, lenient);
        _types = new ComponentTypeParser(_tokens, items);
        _canonical = new CanonicalParser(_tokens, items, _types);
        Items = items;
    }

    private ItemParser Items { get; }

    /// <summary>The binary form of a component in text: <c>(component …)</c> in any of its forms, or its fields alone.</summary>
    /// <param name="source">UTF-8.</param>
    /// <param name="fileName">Its name in messages.</param>
    /// <param name="options">Options.</param>
    /// <param name="lenient">Whether indices may be written as they were before sorts had to be named.</param>
    /// <exception cref="TextFormatException">The text is malformed.</exception>
    public static byte[] Parse(ReadOnlyMemory<byte> source, string? fileName = null, WatOptions? options = null, bool lenient = false) =>
        Parse(source, 0, source.Length, fileName, options, lenient);

    /// <summary>As above, for a component that stands within a larger source.</summary>
    public static byte[] Parse(ReadOnlyMemory<byte> source, int start, int end, string? fileName, WatOptions? options, bool lenient = false) =>
        new ComponentParser(source, start, end, fileName, options ?? WatOptions.Default, lenient).ParseComponent();

    /// <summary>Whether text is that of a component and not of a core module.</summary>
    public static bool IsComponent(ReadOnlySpan<byte> source)
    {
        try
        {
            TokenList tokens = Lexer.Run(source, 0, source.Length, null);
            return tokens[0].Kind == TokenKind.Open && tokens[1].Kind == TokenKind.Keyword && source[tokens[1].Start..tokens[1].End].SequenceEqual("component"u8);
        }
        catch (TextFormatException)
        {
            return false;
        }
    }

    private byte[] ParseComponent()
    {
        if (!_tokens.AtForm("component"u8))
            return Fields(null, null, 0);
        _tokens.At += 2;
        _tokens.TryKeyword("definition"u8);
        byte[] bytes = Body(null, 0);
        _tokens.Close();
        if (_tokens.Kind != TokenKind.End)
            _tokens.Unexpected("the end: a component is all there is");
        return bytes;
    }

    /// <summary>A component behind its keyword, up to its closing parenthesis.</summary>
    private byte[] Body(TextScope? parent, int depth)
    {
        string? name = _tokens.OptionalIdentifier();
        return Body(parent, name, depth);
    }

    private byte[] Body(TextScope? parent, string? name, int depth)
    {
        if (_tokens.TryKeyword("binary"u8))
            return _tokens.Strings();
        if (_tokens.TryKeyword("quote"u8))
            return Parse(_tokens.Strings(), $"{_tokens.FileName ?? "text"} (quoted component)", _options);
        return Fields(parent, name, depth);
    }

    private byte[] Fields(TextScope? parent, string? name, int depth)
    {
        if (depth >= ComponentLimits.Nesting)
            _tokens.Fail(_tokens.At, $"nesting too deep: components and types are more than {ComponentLimits.Nesting} levels within each other");
        TextScope scope = new(parent, name, isType: false);
        while (true)
        {
            _tokens.CustomSections(scope.Writer);
            if (_tokens.Kind != TokenKind.Open)
                break;
            int close = _tokens[_tokens.At].Match;
            _tokens.At++;
            Field(scope, depth);
            if (_tokens.At != close)
                _tokens.Unexpected("')'");
            _tokens.Close();
        }

        if (_tokens.Kind != TokenKind.Close && _tokens.Kind != TokenKind.End)
            _tokens.Unexpected("a field of a component");
        if (_options.EmitNames)
            NameSection(scope);
        ByteBuffer sections = scope.Writer.Finish();
        byte[] result = new byte[s_header.Length + sections.Count];
        s_header.CopyTo(result, 0);
        sections.Span.CopyTo(result.AsSpan(s_header.Length));
        return result;
    }

    private void Field(TextScope scope, int depth)
    {
        if (_tokens.TryKeyword("core"u8))
            CoreField(scope);
        else if (_tokens.TryKeyword("component"u8))
            Component(scope, depth);
        else if (_tokens.TryKeyword("instance"u8))
            Instance(scope, depth);
        else if (_tokens.TryKeyword("alias"u8))
            _types.Alias(scope);
        else if (_tokens.TryKeyword("type"u8))
            _types.TypeField(scope, depth);
        else if (_tokens.TryKeyword("canon"u8))
            _canonical.Field(scope);
        else if (_tokens.TryKeyword("func"u8))
            Function(scope, depth);
        else if (_tokens.TryKeyword("value"u8))
            Value(scope, depth);
        else if (_tokens.TryKeyword("start"u8))
            Start(scope);
        else if (_tokens.TryKeyword("import"u8))
            _types.Import(scope, depth);
        else if (_tokens.TryKeyword("export"u8))
            Export(scope, depth);
        else
            _tokens.Unexpected("a field of a component");
    }

    private void CoreField(TextScope scope)
    {
        if (_tokens.TryKeyword("module"u8))
            CoreModule(scope);
        else if (_tokens.TryKeyword("instance"u8))
            CoreInstance(scope);
        else if (_tokens.TryKeyword("type"u8))
            _types.Core.Define(scope, isGroup: false);
        else if (_tokens.TryKeyword("rec"u8))
            _types.Core.Define(scope, isGroup: true);
        else if (_tokens.TryKeyword("func"u8))
            _canonical.CoreFunction(scope);
        else
            _tokens.Unexpected("a core module, instance, type or function");
    }

    private void CoreModule(TextScope scope)
    {
        string? name = _tokens.OptionalIdentifier();
        List<ExternNameText> exports = _types.InlineExports();
        if (_types.TryInlineImport(out ExternNameText import))
        {
            ByteBuffer type = _types.Core.ModuleType(scope, null);
            scope.Writer.Add(3, type);
            scope.TryDefine(ComponentSort.CoreType, null, out int typeIndex);
            _types.AddImport(scope, import, ComponentSort.CoreModule, name, typeIndex);
            _types.AddExports(scope, exports, ComponentSort.CoreModule);
            return;
        }

        if (TryInlineAlias(scope, ComponentSort.CoreModule, name))
        {
            _types.AddExports(scope, exports, ComponentSort.CoreModule);
            return;
        }

        int close = _tokens[FindOpen()].Match;
        byte[] bytes = ModuleBytes(close);
        _tokens.At = close;
        scope.Writer.AddWhole(1, bytes);
        Items.Define(scope, ComponentSort.CoreModule, name);
        _types.AddExports(scope, exports, ComponentSort.CoreModule);
    }

    // (alias export $instance "name") in the place of a definition.
    private bool TryInlineAlias(TextScope scope, ComponentSort sort, string? name)
    {
        if (!_tokens.AtForm("alias"u8, "export"u8))
            return false;
        _tokens.At += 3;
        int instance = Items.Index(scope, ComponentSort.Instance);
        Items.AddAlias(scope, sort, instance, _tokens.Name(), core: false, name);
        _tokens.Close();
        return true;
    }

    // The parenthesis that is open around the current token.
    private int FindOpen()
    {
        for (int at = _tokens.At; ; at--)
        {
            Token token = _tokens[at];
            if (token.Kind == TokenKind.Close && at != _tokens.At)
                at = token.Match;
            else if (token.Kind == TokenKind.Open && token.Match >= _tokens.At && at != _tokens.At)
                return at;
        }
    }

    private byte[] ModuleBytes(int close)
    {
        if (_tokens.TryKeyword("binary"u8))
            return _tokens.Strings();
        if (_tokens.TryKeyword("quote"u8))
            return WatParser.Parse(_tokens.Strings(), $"{_tokens.FileName ?? "text"} (quoted module)", _options);
        // From behind the token before, so that an annotation of the module's name is among what is parsed.
        int start = _tokens[_tokens.At - 1].End;
        return WatParser.ParseFields(_source.Span, start, _tokens[close].Start, _tokens.FileName, _options);
    }

    private void CoreInstance(TextScope scope)
    {
        string? name = _tokens.OptionalIdentifier();
        if (_tokens.TryForm("instantiate"u8))
        {
            int module = Items.Reference(scope, ComponentSort.CoreModule);
            ByteBuffer arguments = new();
            uint count = 0;
            while (_tokens.TryForm("with"u8))
            {
                string argument = _tokens.Name();
                int instance;
                if (_tokens.TryForm("instance"u8))
                {
                    if (_tokens.AtForm("export"u8) || _tokens.Kind == TokenKind.Close)
                    {
                        CoreExports(scope);
                        Items.Define(scope, ComponentSort.CoreInstance, null);
                        instance = scope.Count(ComponentSort.CoreInstance) - 1;
                    }
                    else
                    {
                        instance = Items.Index(scope, ComponentSort.CoreInstance);
                    }

                    _tokens.Close();
                }
                else
                {
                    instance = Items.Index(scope, ComponentSort.CoreInstance);
                }

                _tokens.Close();
                arguments.Counted(Encoding.UTF8.GetBytes(argument));
                arguments.Byte(0x12);
                arguments.U32((uint)instance);
                count++;
            }

            _tokens.Close();
            ByteBuffer content = new();
            content.Byte(0);
            content.U32((uint)module);
            content.U32(count);
            content.Bytes(arguments);
            scope.Writer.Add(2, content);
        }
        else
        {
            CoreExports(scope);
        }

        Items.Define(scope, ComponentSort.CoreInstance, name);
    }

    private void CoreExports(TextScope scope)
    {
        ByteBuffer exports = new();
        uint count = 0;
        while (_tokens.TryForm("export"u8))
        {
            exports.Counted(Encoding.UTF8.GetBytes(_tokens.Name()));
            (ComponentSort sort, int index) = Items.CoreItem(scope);
            exports.Byte(sort.Code());
            exports.U32((uint)index);
            _tokens.Close();
            count++;
        }

        ByteBuffer content = new();
        content.Byte(1);
        content.U32(count);
        content.Bytes(exports);
        scope.Writer.Add(2, content);
    }

    private void Component(TextScope scope, int depth)
    {
        string? name = _tokens.OptionalIdentifier();
        List<ExternNameText> exports = _types.InlineExports();
        if (_types.TryInlineImport(out ExternNameText import))
        {
            int type = _types.ExternTypeUse(scope, ComponentSort.Component, depth);
            _types.AddImport(scope, import, ComponentSort.Component, name, type);
        }
        else if (!TryInlineAlias(scope, ComponentSort.Component, name))
        {
            byte[] bytes = Body(scope, name, depth + 1);
            scope.Writer.AddWhole(4, bytes);
            Items.Define(scope, ComponentSort.Component, name);
        }

        _types.AddExports(scope, exports, ComponentSort.Component);
    }

    private void Instance(TextScope scope, int depth)
    {
        string? name = _tokens.OptionalIdentifier();
        List<ExternNameText> exports = _types.InlineExports();
        if (_types.TryInlineImport(out ExternNameText import))
        {
            int type = _types.ExternTypeUse(scope, ComponentSort.Instance, depth);
            _types.AddImport(scope, import, ComponentSort.Instance, name, type);
            _types.AddExports(scope, exports, ComponentSort.Instance);
            return;
        }

        if (!TryInlineAlias(scope, ComponentSort.Instance, name))
        {
            if (_tokens.TryForm("instantiate"u8))
            {
                Instantiate(scope);
                _tokens.Close();
            }
            else
            {
                InstanceExports(scope);
            }

            Items.Define(scope, ComponentSort.Instance, name);
        }

        _types.AddExports(scope, exports, ComponentSort.Instance);
    }

    private void Instantiate(TextScope scope)
    {
        int component = Items.Reference(scope, ComponentSort.Component);
        ByteBuffer arguments = new();
        uint count = 0;
        while (_tokens.TryForm("with"u8))
        {
            string name = _tokens.Name();
            ComponentSort sort;
            int index;
            if (_tokens.AtForm("instance"u8) && (_tokens[_tokens.At + 2].Kind == TokenKind.Close || (_tokens[_tokens.At + 2].Kind == TokenKind.Open && _tokens.Is(_tokens.At + 3, "export"u8))))
            {
                _tokens.At += 2;
                InstanceExports(scope);
                Items.Define(scope, ComponentSort.Instance, null);
                (sort, index) = (ComponentSort.Instance, scope.Count(ComponentSort.Instance) - 1);
                _tokens.Close();
            }
            else
            {
                (sort, index) = Items.Item(scope);
            }

            _tokens.Close();
            arguments.Counted(Encoding.UTF8.GetBytes(name));
            TextScope.WriteSort(arguments, sort);
            arguments.U32((uint)index);
            count++;
        }

        ByteBuffer content = new();
        content.Byte(0);
        content.U32((uint)component);
        content.U32(count);
        content.Bytes(arguments);
        scope.Writer.Add(5, content);
    }

    private void InstanceExports(TextScope scope)
    {
        ByteBuffer exports = new();
        uint count = 0;
        while (_tokens.TryForm("export"u8))
        {
            ExternNameText name = _types.Name();
            (ComponentSort sort, int index) = Items.Item(scope);
            name.Write(exports);
            TextScope.WriteSort(exports, sort);
            exports.U32((uint)index);
            _tokens.Close();
            count++;
        }

        ByteBuffer content = new();
        content.Byte(1);
        content.U32(count);
        content.Bytes(exports);
        scope.Writer.Add(5, content);
    }

    private void Function(TextScope scope, int depth)
    {
        string? name = _tokens.OptionalIdentifier();
        List<ExternNameText> exports = _types.InlineExports();
        if (_types.TryInlineImport(out ExternNameText import))
        {
            int type = _types.ExternTypeUse(scope, ComponentSort.Function, depth);
            _types.AddImport(scope, import, ComponentSort.Function, name, type);
        }
        else if (!TryInlineAlias(scope, ComponentSort.Function, name))
        {
            int type = _types.ExternTypeUse(scope, ComponentSort.Function, depth);
            _canonical.Lift(scope, type);
            Items.Define(scope, ComponentSort.Function, name);
        }

        _types.AddExports(scope, exports, ComponentSort.Function);
    }

    private void Value(TextScope scope, int depth)
    {
        string? name = _tokens.OptionalIdentifier();
        List<ExternNameText> exports = _types.InlineExports();
        if (!_types.TryInlineImport(out ExternNameText import))
            _tokens.Unexpected("(import …): values are imported");
        _types.AddValueImport(scope, import, name, depth);
        _types.AddExports(scope, exports, ComponentSort.Value);
    }

    private void Start(TextScope scope)
    {
        if (scope.HasStart)
            _tokens.Fail(_tokens.At, "component cannot have more than one start function");
        scope.HasStart = true;
        int function = Items.Reference(scope, ComponentSort.Function);
        ByteBuffer arguments = new();
        uint count = 0;
        while (_tokens.TryForm("value"u8))
        {
            arguments.U32((uint)Items.AliasPath(scope, ComponentSort.Value));
            _tokens.Close();
            count++;
        }

        List<string?> results = [];
        while (_tokens.TryForm("result"u8))
        {
            if (!_tokens.TryForm("value"u8))
                _tokens.Unexpected("(value …)");
            results.Add(_tokens.OptionalIdentifier());
            _tokens.Close();
            _tokens.Close();
        }

        ByteBuffer content = new();
        content.U32((uint)function);
        content.U32(count);
        content.Bytes(arguments);
        content.U32((uint)results.Count);
        scope.Writer.AddWhole(9, content.Span);
        foreach (string? result in results)
            Items.Define(scope, ComponentSort.Value, result);
    }

    private void Export(TextScope scope, int depth)
    {
        string? identifier = _tokens.OptionalIdentifier();
        ExternNameText name = _types.Name();
        (ComponentSort sort, int index) = Items.Item(scope);
        ByteBuffer? ascribed = null;
        if (_tokens.Kind == TokenKind.Open)
        {
            ascribed = new ByteBuffer();
            ComponentSort ascription = _types.Extern(scope, ascribed, depth, out _);
            if (ascription != sort)
                _tokens.Fail(_tokens.At - 1, $"unexpected token: the type of a {sort.Keyword()} was expected");
        }

        _types.AddExport(scope, name, sort, index, identifier, ascribed);
    }

    private static void NameSection(TextScope scope)
    {
        if (scope.Name is null && scope.Defined.Count == 0)
            return;
        ComponentNames names = new() { Name = scope.Name };
        foreach ((ComponentSort sort, int index, string name) in scope.Defined)
            names.Add(sort, index, name);
        ByteBuffer content = new();
        content.Counted(Encoding.UTF8.GetBytes(ComponentNames.SectionName));
        content.Bytes(names.Encode());
        scope.Writer.AddWhole(0, content.Span);
    }
}
