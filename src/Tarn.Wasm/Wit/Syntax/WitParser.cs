// Parses a WIT file (the WIT specification, "Package declaration" to "Types") by recursive descent. Nesting of packages and types is limited, so that the parser's stack is bounded.
using System.Globalization;

namespace Tarn.Wasm.Wit;

/// <summary>Makes the syntax of a file.</summary>
internal sealed partial class WitParser
{
    /// <summary>Types and packages within each other.</summary>
    internal const int MaximumDepth = 100;

    private readonly WitSource _source;
    private readonly WitLexer _lexer;
    private WitToken _token;

    private WitParser(WitSource source)
    {
        _source = source;
        _lexer = new WitLexer(source);
    }

    /// <summary>Parses a file.</summary>
    /// <exception cref="TextFormatException">The text is not WIT.</exception>
    public static FileSyntax Parse(WitSource source)
    {
        WitParser parser = new(source);
        parser._lexer.CheckCharacters();
        parser.Advance();
        return parser.File();
    }

    private WitSpan Span => new(_source, _token.Start, _token.End);

    private void Advance() => _token = _lexer.Next();

    private bool Is(string symbol) => _token.Kind is WitTokenKind.Symbol or WitTokenKind.Keyword or WitTokenKind.Arrow && _token.Text == symbol;

    private bool Accept(string symbol)
    {
        if (!Is(symbol))
            return false;
        Advance();
        return true;
    }

    private WitSpan Expect(string symbol)
    {
        WitSpan span = Span;
        if (!Accept(symbol))
            throw Expected($"`{symbol}`");
        return span;
    }

    private TextFormatException Expected(string what) => Span.Error($"Expected {what}, found {_token.Kind switch
    {
        WitTokenKind.End => "the end of the file",
        WitTokenKind.Identifier => $"the identifier `{_token.Text}`",
        WitTokenKind.Keyword => $"the keyword `{_token.Text}`",
        WitTokenKind.Integer => "a number",
        _ => $"`{_token.Text}`",
    }}.");

    private WitName Name(string what = "an identifier")
    {
        if (_token.Kind != WitTokenKind.Identifier)
            throw Expected(what);
        WitName name = new(_token.Text, Span);
        Advance();
        return name;
    }

    private FileSyntax File()
    {
        WitPackageName? package = null;
        WitSpan packageSpan = default, docsSpan = default;
        string? docs = null;
        List<ItemSyntax> items = [];
        bool isFirst = true;
        while (_token.Kind != WitTokenKind.End)
        {
            WitToken first = _token;
            AttributesSyntax attributes = Attributes();
            if (Is("package"))
            {
                WitSpan keyword = Span;
                Advance();
                WitPackageName name = PackageName(out WitSpan span);
                if (isFirst && Accept(";"))
                {
                    (package, packageSpan, docs) = (name, span, attributes.Docs);
                    docsSpan = new WitSpan(_source, first.DocsStart, first.DocsEnd);
                }
                else
                {
                    items.Add(Nested(name, span, attributes, keyword, 1));
                }
            }
            else
            {
                items.Add(Item(attributes));
            }

            isFirst = false;
        }

        return new FileSyntax(_source, package, packageSpan, docs, docsSpan, [.. items]);
    }

    private NestedPackageSyntax Nested(WitPackageName name, WitSpan span, in AttributesSyntax attributes, WitSpan keyword, int depth)
    {
        if (depth > MaximumDepth)
            throw keyword.Error("Packages are nested too deeply.");
        Expect("{");
        List<ItemSyntax> items = [];
        while (!Accept("}"))
        {
            AttributesSyntax inner = Attributes();
            if (Is("package"))
            {
                WitSpan innerKeyword = Span;
                Advance();
                WitPackageName innerName = PackageName(out WitSpan innerSpan);
                items.Add(Nested(innerName, innerSpan, inner, innerKeyword, depth + 1));
            }
            else
            {
                items.Add(Item(inner));
            }
        }

        return new NestedPackageSyntax(new FileSyntax(_source, name, span, attributes.Docs, span, [.. items]));
    }

    private ItemSyntax Item(in AttributesSyntax attributes)
    {
        if (Accept("interface"))
        {
            WitName name = Name();
            return new InterfaceSyntax(name, attributes, InterfaceItems());
        }

        if (Accept("world"))
        {
            WitName name = Name();
            return new WorldSyntax(name, attributes, WorldItems());
        }

        if (!Accept("use"))
            throw Expected("`world`, `interface`, `use` or `package`");
        PathSyntax path = Path();
        WitName alias = Accept("as") ? Name() : path.Name;
        Expect(";");
        return new TopUseSyntax(path, alias);
    }

    private AttributesSyntax Attributes()
    {
        string? docs = _token.Docs;
        List<AttributeSyntax> list = [];
        while (Accept("@"))
        {
            WitName name = Name();
            switch (name.Text)
            {
                case "since" or "deprecated":
                    Expect("(");
                    Key("version");
                    // The version is read from the text, in which the current token is the first of it.
                    if (!Is("="))
                        throw Expected("`=`");
                    list.Add(new AttributeSyntax(name.Text, _lexer.Version(out _)));
                    Advance();
                    Expect(")");
                    break;
                case "unstable":
                    Expect("(");
                    Key("feature");
                    Expect("=");
                    list.Add(new AttributeSyntax(name.Text, Name().Text));
                    Expect(")");
                    break;
                default:
                    throw name.Span.Error($"Unknown attribute `{name.Text}`: expected `since`, `unstable` or `deprecated`.");
            }

            docs ??= _token.Docs;
        }

        return new AttributesSyntax(docs, [.. list]);
    }

    private void Key(string expected)
    {
        WitName key = Name();
        if (key.Text != expected)
            throw key.Span.Error($"Expected `{expected}`, found `{key.Text}`.");
    }

    private WitPackageName PackageName(out WitSpan span)
    {
        WitName first = Name();
        return PackageName(first, out span);
    }

    private WitPackageName PackageName(in WitName first, out WitSpan span)
    {
        Expect(":");
        WitName name = Name();
        string? version = null;
        if (Is("@"))
        {
            version = _lexer.Version(out _);
            Advance();
        }

        span = new WitSpan(_source, first.Span.Start, name.Span.End);
        return new WitPackageName(first.Text, name.Text, version);
    }

    private PathSyntax Path()
    {
        WitName first = Name();
        if (!Is(":"))
            return new PathSyntax(null, default, first);
        return PackagePath(first);
    }

    // A path whose first word has been read, in front of a colon.
    private PathSyntax PackagePath(in WitName first)
    {
        Expect(":");
        WitName package = Name();
        Expect("/");
        WitName name = Name();
        string? version = null;
        if (Is("@"))
        {
            version = _lexer.Version(out _);
            Advance();
        }

        WitSpan span = new(_source, first.Span.Start, package.Span.End);
        return new PathSyntax(new WitPackageName(first.Text, package.Text, version), span, name);
    }

    private UseSyntax Use(in AttributesSyntax attributes)
    {
        PathSyntax path = Path();
        Expect(".");
        Expect("{");
        List<UseNameSyntax> names = [];
        while (!Accept("}"))
        {
            WitName name = Name();
            names.Add(new UseNameSyntax(name, Accept("as") ? Name() : name));
            if (!Accept(","))
            {
                Expect("}");
                break;
            }
        }

        Expect(";");
        return new UseSyntax(path, [.. names], attributes);
    }

    private InterfaceItemSyntax[] InterfaceItems()
    {
        Expect("{");
        List<InterfaceItemSyntax> items = [];
        while (!Is("}"))
        {
            AttributesSyntax attributes = Attributes();
            if (Accept("use"))
                items.Add(new UseItemSyntax(Use(attributes)));
            else if (TypeDef(attributes) is TypeDefSyntax type)
                items.Add(new TypeItemSyntax(type));
            else if (_token.Kind == WitTokenKind.Identifier)
                items.Add(new FunctionItemSyntax(NamedFunction(attributes)));
            else
                throw Expected("`type`, `resource` or a function");
        }

        Advance();
        return [.. items];
    }

    private FunctionSyntax NamedFunction(in AttributesSyntax attributes)
    {
        WitName name = Name();
        Expect(":");
        FunctionSyntax function = Function(name, attributes, WitFunctionKind.Freestanding);
        Expect(";");
        return function;
    }

    // From async or func on.
    private FunctionSyntax Function(in WitName name, in AttributesSyntax attributes, WitFunctionKind kind)
    {
        bool isAsync = Accept("async");
        Expect("func");
        (WitName, TypeSyntaxNode)[] parameters = Parameters();
        TypeSyntaxNode? result = Accept("->") ? Type(1) : null;
        return new FunctionSyntax(name, attributes, kind, isAsync, parameters, result);
    }

    private (WitName Name, TypeSyntaxNode Type)[] Parameters()
    {
        Expect("(");
        List<(WitName, TypeSyntaxNode)> parameters = [];
        while (!Accept(")"))
        {
            WitName name = Name();
            Expect(":");
            parameters.Add((name, Type(1)));
            if (!Accept(","))
            {
                Expect(")");
                break;
            }
        }

        return [.. parameters];
    }

    private WorldItemSyntax[] WorldItems()
    {
        Expect("{");
        List<WorldItemSyntax> items = [];
        while (!Accept("}"))
        {
            AttributesSyntax attributes = Attributes();
            if (Accept("import"))
                items.Add(WorldExtern(false, attributes));
            else if (Accept("export"))
                items.Add(WorldExtern(true, attributes));
            else if (Accept("use"))
                items.Add(new WorldUseSyntax(Use(attributes)));
            else if (Accept("include"))
                items.Add(Include(attributes));
            else if (TypeDef(attributes) is TypeDefSyntax type)
                items.Add(new WorldTypeSyntax(type));
            else
                throw Expected("`import`, `export`, `include`, `use` or a type definition");
        }

        return [.. items];
    }

    private IncludeSyntax Include(in AttributesSyntax attributes)
    {
        PathSyntax path = Path();
        List<UseNameSyntax> names = [];
        if (Accept("with"))
        {
            Expect("{");
            while (!Accept("}"))
            {
                WitName name = Name();
                Expect("as");
                names.Add(new UseNameSyntax(name, Name()));
                if (!Accept(","))
                {
                    Expect("}");
                    break;
                }
            }

            // The semicolon may be left out behind braces.
            Accept(";");
        }
        else
        {
            Expect(";");
        }

        return new IncludeSyntax(path, [.. names], attributes);
    }

    private WorldExternSyntax WorldExtern(bool isExport, in AttributesSyntax attributes)
    {
        WitName first = Name();
        if (!Is(":"))
        {
            Expect(";");
            return new WorldExternSyntax(isExport, null, attributes, null, null, new PathSyntax(null, default, first));
        }

        Expect(":");
        if (Accept("interface"))
            return new WorldExternSyntax(isExport, first, attributes, InterfaceItems(), null, null);
        if (Is("func") || Is("async"))
        {
            FunctionSyntax function = Function(first, attributes, WitFunctionKind.Freestanding);
            Expect(";");
            return new WorldExternSyntax(isExport, first, attributes, null, function, null);
        }

        // Either `namespace:package/name` or `label: path`: the slash decides.
        WitName second = Name();
        WorldExternSyntax item;
        if (Accept("/"))
        {
            WitName name = Name();
            string? version = null;
            if (Is("@"))
            {
                version = _lexer.Version(out _);
                Advance();
            }

            WitSpan span = new(_source, first.Span.Start, second.Span.End);
            item = new WorldExternSyntax(isExport, null, attributes, null, null, new PathSyntax(new WitPackageName(first.Text, second.Text, version), span, name));
        }
        else
        {
            PathSyntax path = Is(":") ? PackagePath(second) : new PathSyntax(null, default, second);
            item = new WorldExternSyntax(isExport, first, attributes, null, null, path);
        }

        Expect(";");
        return item;
    }

    private uint Integer(string what)
    {
        if (_token.Kind != WitTokenKind.Integer)
            throw Expected(what);
        if (!uint.TryParse(_token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out uint value))
            throw Span.Error("The number does not fit into 32 bits.");
        Advance();
        return value;
    }
}
