// Parses types in the text of a component, and imports, exports and aliases, which components and their types share.
using System.Text;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>Parser of types.</summary>
internal sealed class ComponentTypeParser(ComponentTokens tokens, ItemParser items)
{
    private static readonly Dictionary<string, ValueTypeKind> s_primitives = new(StringComparer.Ordinal)
    {
        ["bool"] = ValueTypeKind.Bool,
        ["s8"] = ValueTypeKind.S8,
        ["u8"] = ValueTypeKind.U8,
        ["s16"] = ValueTypeKind.S16,
        ["u16"] = ValueTypeKind.U16,
        ["s32"] = ValueTypeKind.S32,
        ["u32"] = ValueTypeKind.U32,
        ["s64"] = ValueTypeKind.S64,
        ["u64"] = ValueTypeKind.U64,
        ["f32"] = ValueTypeKind.F32,
        ["f64"] = ValueTypeKind.F64,
        ["float32"] = ValueTypeKind.F32,
        ["float64"] = ValueTypeKind.F64,
        ["char"] = ValueTypeKind.Char,
        ["string"] = ValueTypeKind.String,
        ["error-context"] = ValueTypeKind.ErrorContext,
    };

    public CoreTypeParser Core { get; } = new(tokens);

    /// <summary>A name with its attributes.</summary>
    public ExternNameText Name()
    {
        // An older way to write the name of an interface.
        if (tokens.TryForm("interface"u8))
        {
            string id = tokens.Name();
            tokens.Close();
            return new ExternNameText(id, null, null, null);
        }

        ExternNameText name = new(tokens.Name(), null, null, null);
        while (true)
        {
            int at = tokens.At;
            string? known;
            if (tokens.TryForm("implements"u8))
                (known, name) = (name.Implements, name with { Implements = tokens.Name() });
            else if (tokens.TryForm("versionsuffix"u8))
                (known, name) = (name.VersionSuffix, name with { VersionSuffix = tokens.Name() });
            else if (tokens.TryForm("external-id"u8))
                (known, name) = (name.ExternalId, name with { ExternalId = tokens.Name() });
            else
                return name;
            if (known is not null)
                tokens.Fail(at, "unexpected token: an attribute is given twice");
            tokens.Close();
        }
    }

    /// <summary>Exports that are written in the definition of what they export.</summary>
    public List<ExternNameText> InlineExports()
    {
        List<ExternNameText> exports = [];
        while (AtInline("export"u8))
        {
            tokens.At += 2;
            exports.Add(Name());
            tokens.Close();
        }

        return exports;
    }

    /// <summary>The import that a definition in truth is.</summary>
    public bool TryInlineImport(out ExternNameText name)
    {
        name = default;
        if (!AtInline("import"u8))
            return false;
        tokens.At += 2;
        name = Name();
        tokens.Close();
        return true;
    }

    // (export "name" attributes…) with nothing else in it.
    private bool AtInline(ReadOnlySpan<byte> keyword)
    {
        if (!tokens.AtForm(keyword))
            return false;
        int at = tokens.At + 2;
        if (tokens[at].Kind == TokenKind.Open && tokens.Is(at + 1, "interface"u8))
            at = tokens[at].Match;
        else if (tokens[at].Kind != TokenKind.String)
            return false;
        at++;
        while (tokens[at].Kind == TokenKind.Open && (tokens.Is(at + 1, "implements"u8) || tokens.Is(at + 1, "versionsuffix"u8) || tokens.Is(at + 1, "external-id"u8)))
            at = tokens[at].Match + 1;
        return tokens[at].Kind == TokenKind.Close;
    }

    public void AddExports(TextScope scope, List<ExternNameText> names, ComponentSort sort)
    {
        int index = scope.Count(sort) - 1;
        foreach (ExternNameText name in names)
            AddExport(scope, name, sort, index, null, null);
    }

    public void AddExport(TextScope scope, ExternNameText name, ComponentSort sort, int index, string? identifier, ByteBuffer? ascribed)
    {
        ByteBuffer export = new();
        name.Write(export);
        TextScope.WriteSort(export, sort);
        export.U32((uint)index);
        export.Byte(ascribed is null ? (byte)0 : (byte)1);
        if (ascribed is not null)
            export.Bytes(ascribed);
        scope.Writer.Add(11, export);
        items.Define(scope, sort, identifier);
    }

    public void AddImport(TextScope scope, ExternNameText name, ComponentSort sort, string? identifier, int type)
    {
        ByteBuffer import = new();
        name.Write(import);
        WriteExtern(import, sort, type);
        scope.Writer.Add(10, import);
        items.Define(scope, sort, identifier);
    }

    public void AddValueImport(TextScope scope, ExternNameText name, string? identifier, int depth)
    {
        ByteBuffer type = new(), import = new();
        ValueExtern(scope, type, depth);
        name.Write(import);
        import.Bytes(type);
        scope.Writer.Add(10, import);
        items.Define(scope, ComponentSort.Value, identifier);
    }

    private static void WriteExtern(ByteBuffer target, ComponentSort sort, int type)
    {
        TextScope.WriteSort(target, sort);
        target.U32((uint)type);
    }

    /// <summary>An import field behind its keyword.</summary>
    public void Import(TextScope scope, int depth)
    {
        ExternNameText name = Name();
        ByteBuffer type = new(), import = new();
        ComponentSort sort = Extern(scope, type, depth, out string? identifier);
        name.Write(import);
        import.Bytes(type);
        scope.Writer.Add(10, import);
        items.Define(scope, sort, identifier);
    }

    /// <summary>What is imported or exported, in parentheses: its sort, an identifier, its type.</summary>
    public ComponentSort Extern(TextScope scope, ByteBuffer target, int depth, out string? identifier)
    {
        tokens.Open();
        ComponentSort sort = items.Sort();
        identifier = tokens.OptionalIdentifier();
        if (sort == ComponentSort.Type)
            TypeBound(scope, target);
        else if (sort == ComponentSort.Value)
            ValueExtern(scope, target, depth);
        else
            WriteExtern(target, sort, ExternTypeUse(scope, sort, depth));
        tokens.Close();
        return sort;
    }

    private void TypeBound(TextScope scope, ByteBuffer target)
    {
        target.Byte(0x03);
        if (tokens.TryForm("eq"u8))
        {
            int type = items.AliasPath(scope, ComponentSort.Type);
            target.Byte(0);
            target.U32((uint)type);
        }
        else if (tokens.TryForm("sub"u8))
        {
            tokens.Keyword("resource"u8);
            target.Byte(1);
        }
        else
        {
            tokens.Unexpected("(eq …) or (sub resource)");
        }

        tokens.Close();
    }

    private void ValueExtern(TextScope scope, ByteBuffer target, int depth)
    {
        ValueTypeReference type;
        if (tokens.TryForm("type"u8))
        {
            type = new ValueTypeReference(items.AliasPath(scope, ComponentSort.Type));
            tokens.Close();
        }
        else
        {
            type = ValueType(scope, depth);
        }

        target.Byte(0x02);
        target.Byte(0x01);
        Write(target, type);
    }

    /// <summary>The type of a core module, function, component or instance: an index, or written in place.</summary>
    public int ExternTypeUse(TextScope scope, ComponentSort sort, int depth)
    {
        ComponentSort space = sort == ComponentSort.CoreModule ? ComponentSort.CoreType : ComponentSort.Type;
        if (tokens.AtForm("type"u8) && (sort == ComponentSort.Function || IsTypeUse(tokens.At)))
        {
            tokens.At += 2;
            int index = items.AliasPath(scope, space);
            tokens.Close();
            return index;
        }

        ByteBuffer type = new();
        switch (sort)
        {
            case ComponentSort.CoreModule:
                scope.Writer.Add(3, Core.ModuleType(scope, null));
                break;
            case ComponentSort.Function:
                FunctionType(scope, type, depth);
                scope.Writer.Add(7, type);
                break;
            default:
                Declarations(scope, type, sort == ComponentSort.Component, null, depth + 1);
                scope.Writer.Add(7, type);
                break;
        }

        items.Define(scope, space, null);
        return scope.Count(space) - 1;
    }

    // (type $x) alone is a use; (type $x …) with something behind it declares a type.
    private bool IsTypeUse(int open)
    {
        int at = open + 2;
        if (tokens[at].Kind is not (TokenKind.Natural or TokenKind.Identifier))
            return false;
        at++;
        while (tokens[at].Kind == TokenKind.String)
            at++;
        return tokens[at].Kind == TokenKind.Close;
    }

    /// <summary>A type field behind its keyword.</summary>
    public void TypeField(TextScope scope, int depth)
    {
        string? name = tokens.OptionalIdentifier();
        List<ExternNameText> exports = scope.IsType ? [] : InlineExports();
        ByteBuffer type = new();
        Definition(scope, type, name, depth);
        scope.Writer.Add(7, type);
        items.Define(scope, ComponentSort.Type, name);
        AddExports(scope, exports, ComponentSort.Type);
    }

    private void Definition(TextScope scope, ByteBuffer target, string? name, int depth)
    {
        if (tokens.Kind == TokenKind.Keyword)
        {
            target.Byte((byte)Primitive());
            return;
        }

        if (tokens.TryForm("func"u8))
        {
            FunctionType(scope, target, depth);
        }
        else if (tokens.AtForm("component"u8) || tokens.AtForm("instance"u8))
        {
            bool component = tokens.AtForm("component"u8);
            tokens.At += 2;
            Declarations(scope, target, component, name, depth + 1);
        }
        else if (tokens.TryForm("resource"u8))
        {
            ResourceType(scope, target);
        }
        else
        {
            ValueTypeDefinition(scope, target, depth);
            return;
        }

        tokens.Close();
    }

    private ValueTypeKind Primitive()
    {
        if (!s_primitives.TryGetValue(Encoding.UTF8.GetString(tokens.Text), out ValueTypeKind kind))
            tokens.Unexpected("a type");
        tokens.At++;
        return kind;
    }

    private void ResourceType(TextScope scope, ByteBuffer target)
    {
        if (!tokens.TryForm("rep"u8))
            tokens.Unexpected("(rep …)");
        ByteBuffer representation = new();
        Core.ValueType(scope, representation);
        tokens.Close();
        int destructor = -1;
        if (tokens.TryForm("dtor"u8))
        {
            destructor = items.Reference(scope, ComponentSort.CoreFunction);
            tokens.Close();
        }

        target.Byte(0x3F);
        target.Bytes(representation);
        target.Byte(destructor < 0 ? (byte)0 : (byte)1);
        if (destructor >= 0)
            target.U32((uint)destructor);
    }

    private void FunctionType(TextScope scope, ByteBuffer target, int depth)
    {
        bool isAsync = tokens.TryKeyword("async"u8);
        ByteBuffer parameters = new();
        uint count = 0;
        while (tokens.TryForm("param"u8))
        {
            string name = tokens.Name();
            ValueTypeReference type = ValueType(scope, depth);
            parameters.Counted(Encoding.UTF8.GetBytes(name));
            Write(parameters, type);
            tokens.Close();
            count++;
        }

        ByteBuffer result = new();
        ResultList(scope, result, depth);
        target.Byte(isAsync ? (byte)0x43 : (byte)0x40);
        target.U32(count);
        target.Bytes(parameters);
        target.Bytes(result);
    }

    /// <summary>An optional <c>(result …)</c>.</summary>
    public void ResultList(TextScope scope, ByteBuffer target, int depth)
    {
        if (!tokens.TryForm("result"u8))
        {
            target.Bytes([1, 0]);
            return;
        }

        ValueTypeReference type = ValueType(scope, depth);
        tokens.Close();
        target.Byte(0);
        Write(target, type);
    }

    /// <summary>A value type by index or written in place.</summary>
    public ValueTypeReference ValueType(TextScope scope, int depth)
    {
        if (tokens.Kind == TokenKind.Keyword)
            return new ValueTypeReference(Primitive());
        if (tokens.AtIndex)
            return new ValueTypeReference(items.Index(scope, ComponentSort.Type));
        // (type $i "name") and (type 0) refer to a type.
        if (tokens.TryForm("type"u8))
        {
            int index = items.AliasPath(scope, ComponentSort.Type);
            tokens.Close();
            return new ValueTypeReference(index);
        }

        ByteBuffer type = new();
        ValueTypeDefinition(scope, type, depth);
        scope.Writer.Add(7, type);
        items.Define(scope, ComponentSort.Type, null);
        return new ValueTypeReference(scope.Count(ComponentSort.Type) - 1);
    }

    private static void Write(ByteBuffer target, ValueTypeReference type)
    {
        if (type.IsPrimitive)
            target.Byte((byte)type.Primitive);
        else
            target.Signed(type.Index);
    }

    private static void WriteOptional(ByteBuffer target, ValueTypeReference? type)
    {
        target.Byte(type is null ? (byte)0 : (byte)1);
        if (type is ValueTypeReference reference)
            Write(target, reference);
    }

    private void ValueTypeDefinition(TextScope scope, ByteBuffer target, int depth)
    {
        if (depth > ComponentLimits.TypeDepth)
            tokens.Fail(tokens.At, "nesting too deep: types within each other");
        depth++;
        tokens.Open();
        ByteBuffer content = new();
        uint count = 0;
        if (tokens.TryKeyword("record"u8))
        {
            for (; tokens.TryForm("field"u8); count++)
            {
                string name = tokens.Name();
                ValueTypeReference type = ValueType(scope, depth);
                content.Counted(Encoding.UTF8.GetBytes(name));
                Write(content, type);
                tokens.Close();
            }

            WriteCounted(target, 0x72, count, content);
        }
        else if (tokens.TryKeyword("variant"u8))
        {
            HashSet<string> identifiers = [];
            for (; tokens.TryForm("case"u8); count++)
            {
                int at = tokens.At;
                if (tokens.OptionalIdentifier() is string identifier && !identifiers.Add(identifier))
                    tokens.Fail(at, $"duplicate variant case identifier ${identifier}");
                string name = tokens.Name();
                ValueTypeReference? type = tokens.Kind == TokenKind.Close ? null : ValueType(scope, depth);
                content.Counted(Encoding.UTF8.GetBytes(name));
                WriteOptional(content, type);
                content.Byte(0);
                tokens.Close();
            }

            WriteCounted(target, 0x71, count, content);
        }
        else if (tokens.TryKeyword("tuple"u8))
        {
            for (; tokens.Kind != TokenKind.Close; count++)
                Write(content, ValueType(scope, depth));
            WriteCounted(target, 0x6F, count, content);
        }
        else if (tokens.Is(tokens.At, "flags"u8) || tokens.Is(tokens.At, "enum"u8))
        {
            bool flags = tokens.Is(tokens.At, "flags"u8);
            tokens.At++;
            for (; tokens.Kind == TokenKind.String; count++)
                content.Counted(Encoding.UTF8.GetBytes(tokens.Name()));
            WriteCounted(target, flags ? (byte)0x6E : (byte)0x6D, count, content);
        }
        else if (tokens.TryKeyword("list"u8))
        {
            ValueTypeReference element = ValueType(scope, depth);
            uint? length = tokens.Kind == TokenKind.Natural ? tokens.U32("a length") : null;
            target.Byte(length is null ? (byte)0x70 : (byte)0x67);
            Write(target, element);
            if (length is uint fixedLength)
                target.U32(fixedLength);
        }
        else if (tokens.TryKeyword("map"u8))
        {
            ValueTypeReference key = ValueType(scope, depth);
            ValueTypeReference value = ValueType(scope, depth);
            target.Byte(0x63);
            Write(target, key);
            Write(target, value);
        }
        else if (tokens.TryKeyword("option"u8))
        {
            ValueTypeReference element = ValueType(scope, depth);
            target.Byte(0x6B);
            Write(target, element);
        }
        else if (tokens.TryKeyword("result"u8))
        {
            ValueTypeReference? ok = tokens.Kind == TokenKind.Close || tokens.AtForm("error"u8) ? null : ValueType(scope, depth);
            ValueTypeReference? error = null;
            if (tokens.TryForm("error"u8))
            {
                error = ValueType(scope, depth);
                tokens.Close();
            }

            target.Byte(0x6A);
            WriteOptional(target, ok);
            WriteOptional(target, error);
        }
        else if (tokens.Is(tokens.At, "own"u8) || tokens.Is(tokens.At, "borrow"u8))
        {
            bool own = tokens.Is(tokens.At, "own"u8);
            tokens.At++;
            int resource = items.AliasPath(scope, ComponentSort.Type);
            target.Byte(own ? (byte)0x69 : (byte)0x68);
            target.U32((uint)resource);
        }
        else if (tokens.Is(tokens.At, "stream"u8) || tokens.Is(tokens.At, "future"u8))
        {
            bool stream = tokens.Is(tokens.At, "stream"u8);
            tokens.At++;
            ValueTypeReference? element = tokens.Kind == TokenKind.Close ? null : ValueType(scope, depth);
            target.Byte(stream ? (byte)0x66 : (byte)0x65);
            WriteOptional(target, element);
        }
        else
        {
            tokens.Unexpected("a type");
        }

        tokens.Close();
    }

    private static void WriteCounted(ByteBuffer target, byte code, uint count, ByteBuffer content)
    {
        target.Byte(code);
        target.U32(count);
        target.Bytes(content);
    }

    /// <summary>The declarations of a component or instance type, up to the closing parenthesis.</summary>
    private void Declarations(TextScope parent, ByteBuffer target, bool isComponent, string? name, int depth)
    {
        if (depth >= ComponentLimits.Nesting)
            tokens.Fail(tokens.At, $"nesting too deep: components and types are more than {ComponentLimits.Nesting} levels within each other");
        TextScope scope = new(parent, name, isType: true);
        while (tokens.Kind == TokenKind.Open)
        {
            tokens.Open();
            if (tokens.TryKeyword("core"u8))
            {
                bool isGroup = tokens.TryKeyword("rec"u8);
                if (!isGroup)
                    tokens.Keyword("type"u8);
                Core.Define(scope, isGroup);
            }
            else if (tokens.TryKeyword("type"u8))
            {
                TypeField(scope, depth);
            }
            else if (tokens.TryKeyword("alias"u8))
            {
                Alias(scope);
            }
            else if (tokens.TryKeyword("export"u8))
            {
                ExportDeclaration(scope, depth);
            }
            else if (isComponent && tokens.TryKeyword("import"u8))
            {
                Import(scope, depth);
            }
            else
            {
                tokens.Unexpected("a declaration of a type");
            }

            tokens.Close();
        }

        target.Byte(isComponent ? (byte)0x41 : (byte)0x42);
        ByteBuffer declarations = scope.Writer.Finish();
        target.U32(scope.Writer.Declarations);
        target.Bytes(declarations);
    }

    private void ExportDeclaration(TextScope scope, int depth)
    {
        string? outer = tokens.OptionalIdentifier();
        ExternNameText name = Name();
        ByteBuffer type = new(), export = new();
        ComponentSort sort = Extern(scope, type, depth, out string? identifier);
        name.Write(export);
        export.Bytes(type);
        scope.Writer.Add(11, export);
        items.Define(scope, sort, outer ?? identifier);
    }

    /// <summary>An alias field behind its keyword.</summary>
    public void Alias(TextScope scope)
    {
        if (tokens.TryKeyword("outer"u8))
        {
            OuterAlias(scope);
            return;
        }

        bool core = tokens.TryKeyword("core"u8);
        tokens.Keyword("export"u8);
        int instance = items.Index(scope, core ? ComponentSort.CoreInstance : ComponentSort.Instance);
        string name = tokens.Name();
        tokens.Open();
        ComponentSort sort;
        if (core)
        {
            tokens.Keyword("core"u8);
            sort = CoreSort();
        }
        else
        {
            sort = items.Sort();
        }

        string? identifier = tokens.OptionalIdentifier();
        tokens.Close();
        items.AddAlias(scope, sort, instance, name, core, identifier);
    }

    private ComponentSort CoreSort()
    {
        ComponentSort sort = tokens.TryKeyword("func"u8) ? ComponentSort.CoreFunction
            : tokens.TryKeyword("table"u8) ? ComponentSort.CoreTable
            : tokens.TryKeyword("memory"u8) ? ComponentSort.CoreMemory
            : tokens.TryKeyword("global"u8) ? ComponentSort.CoreGlobal
            : tokens.TryKeyword("tag"u8) ? ComponentSort.CoreTag
            : ComponentSort.Count;
        if (sort == ComponentSort.Count)
            tokens.Unexpected("a function, table, memory, global or tag");
        return sort;
    }

    private void OuterAlias(TextScope scope)
    {
        TextScope? from = scope;
        int depth = 0, at = tokens.At;
        if (tokens.Kind == TokenKind.Natural)
        {
            depth = (int)Math.Min(tokens.U32("a number of scopes"), int.MaxValue);
            for (int i = 0; i < depth && from is not null; i++)
                from = from.Parent;
        }
        else
        {
            string component = tokens.Identifier();
            for (; from is not null && from.Name != component; depth++)
                from = from.Parent;
            if (from is null)
                tokens.Fail(at, $"outer component `${component}` not found");
        }

        int indexAt = tokens.At;
        tokens.At++;
        tokens.Open();
        ComponentSort sort;
        if (tokens.TryKeyword("core"u8))
            sort = tokens.TryKeyword("module"u8) ? ComponentSort.CoreModule : tokens.TryKeyword("type"u8) ? ComponentSort.CoreType : ComponentSort.Count;
        else
            sort = tokens.TryKeyword("type"u8) ? ComponentSort.Type : tokens.TryKeyword("component"u8) ? ComponentSort.Component : ComponentSort.Count;
        if (sort == ComponentSort.Count)
            tokens.Unexpected("a module, component or type");
        string? identifier = tokens.OptionalIdentifier();
        tokens.Close();
        int end = tokens.At;
        tokens.At = indexAt;
        int index = 0;
        if (tokens.Kind == TokenKind.Natural)
        {
            index = (int)Math.Min(tokens.U32("an index"), int.MaxValue);
        }
        else
        {
            string name = tokens.Identifier();
            if (from is null || !from.TryFind(sort, name, out index))
                tokens.Fail(indexAt, $"unknown {sort.Describe()}: failed to find name `${name}`");
        }

        tokens.At = end;
        ByteBuffer alias = new();
        TextScope.WriteSort(alias, sort);
        alias.Byte(2);
        alias.U32((uint)depth);
        alias.U32((uint)index);
        scope.Writer.Add(6, alias);
        items.Define(scope, sort, identifier);
    }
}
