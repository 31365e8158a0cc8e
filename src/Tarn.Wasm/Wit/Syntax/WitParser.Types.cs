// Type definitions and types.
namespace Tarn.Wasm.Wit;

internal sealed partial class WitParser
{
    private static readonly Dictionary<string, WitTypeKind> s_primitives =
        Enum.GetValues<WitTypeKind>().Where(kind => kind.IsPrimitive()).ToDictionary(kind => kind.Keyword(), StringComparer.Ordinal);

    // A type definition, or null where none begins.
    private TypeDefSyntax? TypeDef(in AttributesSyntax attributes)
    {
        if (Accept("type"))
        {
            WitName name = Name();
            Expect("=");
            TypeSyntaxNode type = Type(1);
            Expect(";");
            return new TypeDefSyntax(name, attributes, TypeDefSyntaxKind.Alias, type, [], []);
        }

        if (Accept("record"))
            return Members(attributes, TypeDefSyntaxKind.Record);
        if (Accept("variant"))
            return Members(attributes, TypeDefSyntaxKind.Variant);
        if (Accept("flags"))
            return Members(attributes, TypeDefSyntaxKind.Flags);
        if (Accept("enum"))
            return Members(attributes, TypeDefSyntaxKind.Enum);
        return Accept("resource") ? Resource(attributes) : null;
    }

    private TypeDefSyntax Members(in AttributesSyntax attributes, TypeDefSyntaxKind kind)
    {
        WitName name = Name();
        Expect("{");
        List<MemberSyntax> members = [];
        while (!Accept("}"))
        {
            string? docs = _token.Docs;
            WitName member = Name();
            TypeSyntaxNode? type = null;
            if (kind == TypeDefSyntaxKind.Record)
            {
                Expect(":");
                type = Type(1);
            }
            else if (kind == TypeDefSyntaxKind.Variant && Accept("("))
            {
                type = Type(1);
                Expect(")");
            }

            members.Add(new MemberSyntax(member, docs, type));
            if (!Accept(","))
            {
                Expect("}");
                break;
            }
        }

        return new TypeDefSyntax(name, attributes, kind, null, [.. members], []);
    }

    private TypeDefSyntax Resource(in AttributesSyntax attributes)
    {
        WitName name = Name();
        List<FunctionSyntax> functions = [];
        if (Accept(";"))
            return new TypeDefSyntax(name, attributes, TypeDefSyntaxKind.Resource, null, [], []);
        Expect("{");
        while (!Accept("}"))
        {
            AttributesSyntax inner = Attributes();
            if (Is("constructor"))
            {
                WitName constructor = new("constructor", Span);
                Advance();
                (WitName, TypeSyntaxNode)[] parameters = Parameters();
                TypeSyntaxNode? result = Accept("->") ? Type(1) : null;
                functions.Add(new FunctionSyntax(constructor, inner, WitFunctionKind.Constructor, false, parameters, result));
            }
            else
            {
                WitName function = Name("`constructor` or an identifier");
                Expect(":");
                WitFunctionKind kind = Accept("static") ? WitFunctionKind.Static : WitFunctionKind.Method;
                functions.Add(Function(function, inner, kind));
            }

            Expect(";");
        }

        return new TypeDefSyntax(name, attributes, TypeDefSyntaxKind.Resource, null, [], [.. functions]);
    }

    private TypeSyntaxNode Type(int depth)
    {
        WitSpan span = Span;
        if (depth > MaximumDepth)
            throw span.Error("Types are nested too deeply.");
        TypeSyntaxNode Make(WitTypeKind kind, TypeSyntaxNode?[]? arguments = null, uint length = 0, WitName name = default) => new(kind, name, arguments ?? [], length, span);
        if (_token.Kind == WitTokenKind.Identifier)
        {
            WitName name = Name();
            return Make(WitTypeKind.Named, name: name);
        }

        if (_token.Kind != WitTokenKind.Keyword)
            throw Expected("a type");
        string word = _token.Text;
        if (s_primitives.TryGetValue(word, out WitTypeKind primitive))
        {
            Advance();
            return Make(primitive);
        }

        switch (word)
        {
            case "list":
                Advance();
                Expect("<");
                TypeSyntaxNode element = Type(depth + 1);
                if (!Accept(","))
                {
                    Expect(">");
                    return Make(WitTypeKind.List, [element]);
                }

                WitSpan lengthSpan = Span;
                uint length = Integer("the length of a list of a fixed length");
                if (length == 0)
                    throw lengthSpan.Error("The length of a list of a fixed length is at least 1.");
                Expect(">");
                return Make(WitTypeKind.FixedLengthList, [element], length);
            case "map":
                Advance();
                Expect("<");
                TypeSyntaxNode key = Type(depth + 1);
                Expect(",");
                TypeSyntaxNode value = Type(depth + 1);
                Expect(">");
                return Make(WitTypeKind.Map, [key, value]);
            case "option":
                Advance();
                Expect("<");
                TypeSyntaxNode payload = Type(depth + 1);
                Expect(">");
                return Make(WitTypeKind.Option, [payload]);
            case "result":
                Advance();
                return Make(WitTypeKind.Result, ResultArguments(depth));
            case "tuple":
                Advance();
                Expect("<");
                List<TypeSyntaxNode> elements = [];
                while (!Accept(">"))
                {
                    elements.Add(Type(depth + 1));
                    if (!Accept(","))
                    {
                        Expect(">");
                        break;
                    }
                }

                return Make(WitTypeKind.Tuple, [.. elements]);
            case "stream" or "future":
                Advance();
                TypeSyntaxNode? content = null;
                if (Accept("<"))
                {
                    content = Type(depth + 1);
                    Expect(">");
                }

                return Make(word == "stream" ? WitTypeKind.Stream : WitTypeKind.Future, [content]);
            case "own" or "borrow":
                Advance();
                Expect("<");
                WitName resource = Name();
                Expect(">");
                return Make(word == "own" ? WitTypeKind.Own : WitTypeKind.Borrow, name: resource);
            default:
                throw Expected("a type");
        }
    }

    private TypeSyntaxNode?[] ResultArguments(int depth)
    {
        if (!Accept("<"))
            return [null, null];
        TypeSyntaxNode? success = null, failure = null;
        if (Accept("_"))
        {
            Expect(",");
            failure = Type(depth + 1);
        }
        else
        {
            success = Type(depth + 1);
            if (Accept(","))
                failure = Type(depth + 1);
        }

        Expect(">");
        return [success, failure];
    }
}
