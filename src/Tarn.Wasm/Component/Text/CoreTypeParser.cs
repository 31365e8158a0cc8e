// Parses core types in the text of a component: function, struct and array types with their recursion groups, the types of core modules, and what core modules import and export.
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>Parser of core types.</summary>
internal sealed class CoreTypeParser(ComponentTokens tokens)
{
    /// <summary>A <c>(core type …)</c> or <c>(core rec …)</c> field behind its keyword, added to a scope.</summary>
    public void Define(TextScope scope, bool isGroup)
    {
        if (isGroup)
        {
            Group(scope);
            return;
        }

        string? name = tokens.OptionalIdentifier();
        if (tokens.TryForm("module"u8))
        {
            ByteBuffer content = ModuleType(scope, name);
            tokens.Close();
            scope.Writer.Add(3, content);
            Bind(scope, name);
            return;
        }

        // A type may refer to itself.
        ByteBuffer type = new();
        Bind(scope, name);
        SubType(scope, type, isTopLevel: !scope.IsModuleType);
        scope.Writer.Add(scope.IsModuleType ? (byte)7 : (byte)3, type);
    }

    private void Bind(TextScope scope, string? name)
    {
        int at = tokens.At;
        if (!scope.TryDefine(ComponentSort.CoreType, name, out _))
            tokens.Fail(at, $"duplicate core type ${name}");
    }

    private void Group(TextScope scope)
    {
        int start = tokens.At;
        uint count = 0;
        // Names first: the types of a group refer to each other.
        while (tokens.Kind == TokenKind.Open)
        {
            int next = tokens[tokens.At].Match + 1;
            if (!tokens.TryForm("type"u8))
                tokens.Unexpected("(type …)");
            Bind(scope, tokens.OptionalIdentifier());
            tokens.At = next;
            count++;
        }

        tokens.At = start;
        ByteBuffer group = new();
        group.Byte(0x4E);
        group.U32(count);
        while (tokens.TryForm("type"u8))
        {
            tokens.OptionalIdentifier();
            SubType(scope, group, isTopLevel: false);
            tokens.Close();
        }

        scope.Writer.Add(scope.IsModuleType ? (byte)7 : (byte)3, group);
    }

    private void SubType(TextScope scope, ByteBuffer target, bool isTopLevel)
    {
        if (!tokens.TryForm("sub"u8))
        {
            CompositeType(scope, target);
            return;
        }

        bool final = tokens.TryKeyword("final"u8);
        ByteBuffer supertypes = new(8);
        uint count = 0;
        for (; tokens.AtIndex; count++)
            supertypes.U32(Index(scope));
        if (!final || count > 0)
        {
            if (!final && isTopLevel)
                target.Byte(0);
            target.Byte(final ? (byte)0x4F : (byte)0x50);
            target.U32(count);
            target.Bytes(supertypes);
        }

        CompositeType(scope, target);
        tokens.Close();
    }

    private void CompositeType(TextScope scope, ByteBuffer target)
    {
        if (tokens.TryForm("func"u8))
        {
            Signature(scope, target);
        }
        else if (tokens.TryForm("array"u8))
        {
            target.Byte(0x5E);
            FieldType(scope, target);
        }
        else if (tokens.TryForm("struct"u8))
        {
            target.Byte(0x5F);
            ByteBuffer fields = new();
            uint count = 0;
            while (tokens.TryForm("field"u8))
            {
                if (tokens.OptionalIdentifier() is not null)
                {
                    FieldType(scope, fields);
                    count++;
                }

                for (; tokens.Kind != TokenKind.Close; count++)
                    FieldType(scope, fields);
                tokens.Close();
            }

            target.U32(count);
            target.Bytes(fields);
        }
        else
        {
            tokens.Unexpected("a function, struct or array type");
        }

        tokens.Close();
    }

    private void FieldType(TextScope scope, ByteBuffer target)
    {
        bool mutable = tokens.TryForm("mut"u8);
        if (tokens.TryKeyword("i8"u8))
            target.Byte(0x78);
        else if (tokens.TryKeyword("i16"u8))
            target.Byte(0x77);
        else
            ValueType(scope, target);
        target.Byte(mutable ? (byte)1 : (byte)0);
        if (mutable)
            tokens.Close();
    }

    /// <summary>Parameters and results as a function type.</summary>
    private void Signature(TextScope scope, ByteBuffer target)
    {
        target.Byte(0x60);
        Types(scope, target, "param"u8);
        Types(scope, target, "result"u8);
    }

    private void Types(TextScope scope, ByteBuffer target, ReadOnlySpan<byte> keyword)
    {
        ByteBuffer types = new();
        uint count = 0;
        while (tokens.TryForm(keyword))
        {
            if (tokens.OptionalIdentifier() is not null)
            {
                ValueType(scope, types);
                count++;
            }

            for (; tokens.Kind != TokenKind.Close; count++)
                ValueType(scope, types);
            tokens.Close();
        }

        target.U32(count);
        target.Bytes(types);
    }

    /// <summary>A core value type.</summary>
    public void ValueType(TextScope scope, ByteBuffer target)
    {
        if (tokens.Kind == TokenKind.Keyword && ModuleParser.TryNumericType(tokens.Text, out byte code))
        {
            target.Byte(code);
            tokens.At++;
            return;
        }

        ReferenceType(scope, target);
    }

    private void ReferenceType(TextScope scope, ByteBuffer target)
    {
        if (tokens.Kind == TokenKind.Keyword && ModuleParser.TryReferenceAbbreviation(tokens.Text, out byte code))
        {
            target.Byte(code);
            tokens.At++;
            return;
        }

        if (!tokens.TryForm("ref"u8))
            tokens.Unexpected("a value type");
        bool nullable = tokens.TryKeyword("null"u8);
        if (tokens.Kind == TokenKind.Keyword && ModuleParser.TryAbstractHeapType(tokens.Text, out code))
        {
            if (!nullable)
                target.Byte(0x64);
            target.Byte(code);
            tokens.At++;
        }
        else
        {
            target.Byte(nullable ? (byte)0x63 : (byte)0x64);
            target.Signed(Index(scope));
        }

        tokens.Close();
    }

    // Within types, scopes around this one are out of reach.
    private uint Index(TextScope scope)
    {
        if (tokens.Kind == TokenKind.Natural)
            return tokens.U32("an index");
        int at = tokens.At;
        string name = tokens.Identifier();
        if (!scope.TryFind(ComponentSort.CoreType, name, out int index))
            tokens.Fail(at, $"unknown core type: failed to find name `${name}`");
        return (uint)index;
    }

    /// <summary>The declarations of a module type up to the closing parenthesis.</summary>
    public ByteBuffer ModuleType(TextScope parent, string? name)
    {
        TextScope scope = new(parent, name, isType: true, isModuleType: true);
        ByteBuffer declarations = new();
        uint count = 0;
        while (tokens.Kind == TokenKind.Open)
        {
            ByteBuffer declaration = new();
            if (tokens.TryForm("type"u8))
            {
                Define(scope, isGroup: false);
            }
            else if (tokens.TryForm("rec"u8))
            {
                Define(scope, isGroup: true);
            }
            else if (tokens.TryForm("alias"u8))
            {
                Alias(scope);
            }
            else if (tokens.TryForm("import"u8))
            {
                declaration.Byte(0);
                declaration.Counted(System.Text.Encoding.UTF8.GetBytes(tokens.Name()));
                declaration.Counted(System.Text.Encoding.UTF8.GetBytes(tokens.Name()));
                Extern(scope, declaration);
            }
            else if (tokens.TryForm("export"u8))
            {
                declaration.Byte(3);
                declaration.Counted(System.Text.Encoding.UTF8.GetBytes(tokens.Name()));
                Extern(scope, declaration);
            }
            else
            {
                tokens.Unexpected("a declaration of a module type");
            }

            tokens.Close();
            // What was defined on the way comes first.
            Take(scope, declarations, ref count);
            declarations.Bytes(declaration);
        }

        ByteBuffer result = new();
        result.Byte(0x50);
        result.U32(count);
        result.Bytes(declarations);
        return result;
    }

    private static void Take(TextScope scope, ByteBuffer declarations, ref uint count)
    {
        ByteBuffer defined = scope.Writer.Finish();
        declarations.Bytes(defined);
        defined.Clear();
        count = scope.Writer.Declarations + scope.Extra;
    }

    private void Alias(TextScope scope)
    {
        tokens.Keyword("outer"u8);
        int at = tokens.At;
        TextScope? from = scope;
        int depth = 0;
        if (tokens.Kind == TokenKind.Natural)
        {
            depth = (int)Math.Min(tokens.U32("a number of scopes"), int.MaxValue);
            for (int i = 0; i < depth && from is not null; i++)
                from = from.Parent;
        }
        else
        {
            string name = tokens.Identifier();
            while (from is not null && from.Name != name)
            {
                from = from.Parent;
                depth++;
            }

            if (from is null)
                tokens.Fail(at, $"outer component `${name}` not found");
        }

        at = tokens.At;
        int index = 0;
        if (tokens.Kind == TokenKind.Natural)
            index = (int)Math.Min(tokens.U32("an index"), int.MaxValue);
        else if (from is null || !from.TryFind(ComponentSort.CoreType, tokens.Identifier(), out index))
            tokens.Fail(at, $"unknown core type: failed to find name `{System.Text.Encoding.UTF8.GetString(tokens.TextOf(at))}`");
        if (!tokens.TryForm("type"u8))
            tokens.Unexpected("(type …)");
        ByteBuffer alias = new(8);
        alias.Bytes([0x10, 1]);
        alias.U32((uint)depth);
        alias.U32((uint)index);
        scope.Writer.Add(6, alias);
        Bind(scope, tokens.OptionalIdentifier());
        tokens.Close();
    }

    /// <summary>What is imported or exported, in parentheses.</summary>
    private void Extern(TextScope scope, ByteBuffer target)
    {
        scope.Extra++;
        tokens.Open();
        if (tokens.TryKeyword("func"u8))
        {
            tokens.OptionalIdentifier();
            int type = TypeUse(scope);
            target.Byte(0);
            target.U32((uint)type);
        }
        else if (tokens.TryKeyword("table"u8))
        {
            tokens.OptionalIdentifier();
            target.Byte(1);
            ByteBuffer limits = new(), element = new();
            Limits(limits, isMemory: false);
            ReferenceType(scope, element);
            target.Bytes(element);
            target.Bytes(limits);
        }
        else if (tokens.TryKeyword("memory"u8))
        {
            tokens.OptionalIdentifier();
            target.Byte(2);
            Limits(target, isMemory: true);
        }
        else if (tokens.TryKeyword("global"u8))
        {
            tokens.OptionalIdentifier();
            target.Byte(3);
            bool mutable = tokens.TryForm("mut"u8);
            ValueType(scope, target);
            if (mutable)
                tokens.Close();
            target.Byte(mutable ? (byte)1 : (byte)0);
        }
        else if (tokens.TryKeyword("tag"u8))
        {
            tokens.OptionalIdentifier();
            int type = TypeUse(scope);
            target.Byte(4);
            target.Byte(0);
            target.U32((uint)type);
        }
        else
        {
            tokens.Unexpected("a function, table, memory, global or tag");
        }

        tokens.Close();
    }

    private int TypeUse(TextScope scope)
    {
        int index = -1;
        if (tokens.AtForm("type"u8))
        {
            tokens.At += 2;
            index = OuterIndex(scope);
            tokens.Close();
        }

        if (index >= 0 && !tokens.AtForm("param"u8) && !tokens.AtForm("result"u8))
            return index;
        ByteBuffer signature = new();
        Signature(scope, signature);
        // Parameters and results that are repeated beside a type say nothing new.
        if (index >= 0)
            return index;
        scope.Writer.Add(7, signature);
        scope.TryDefine(ComponentSort.CoreType, null, out index);
        return index;
    }

    private int OuterIndex(TextScope scope)
    {
        if (tokens.Kind == TokenKind.Natural)
            return (int)Math.Min(tokens.U32("an index"), int.MaxValue);
        int at = tokens.At;
        string name = tokens.Identifier();
        int depth = 0;
        for (TextScope? from = scope; from is not null; from = from.Parent, depth++)
        {
            if (from.TryFind(ComponentSort.CoreType, name, out int index))
                return depth == 0 ? index : scope.Alias(ComponentSort.CoreType, depth, index);
        }

        tokens.Fail(at, $"unknown core type: failed to find name `${name}`");
        return 0;
    }

    private void Limits(ByteBuffer target, bool isMemory)
    {
        bool is64 = tokens.TryKeyword("i64"u8);
        if (!is64)
            tokens.TryKeyword("i32"u8);
        ulong minimum = tokens.U64("a minimum size");
        ulong? maximum = tokens.Kind == TokenKind.Natural ? tokens.U64("a maximum size") : null;
        bool shared = tokens.TryKeyword("shared"u8);
        uint pageSize = 0;
        bool hasPageSize = isMemory && tokens.TryForm("pagesize"u8);
        if (hasPageSize)
        {
            int at = tokens.At;
            pageSize = tokens.U32("a page size");
            if (!System.Numerics.BitOperations.IsPow2(pageSize))
                tokens.Fail(at, "invalid custom page size");
            tokens.Close();
        }

        target.Byte((byte)((maximum is null ? 0 : 1) | (shared ? 2 : 0) | (is64 ? 4 : 0) | (hasPageSize ? 8 : 0)));
        target.U64(minimum);
        if (maximum is ulong most)
            target.U64(most);
        if (hasPageSize)
            target.U32((uint)System.Numerics.BitOperations.Log2(pageSize));
    }
}
