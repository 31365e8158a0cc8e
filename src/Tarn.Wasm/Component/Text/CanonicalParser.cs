// Parses canonical definitions in the text of a component, in both of their forms: (canon lift … (func …)) and (func … (canon lift …)).
using System.Text;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>Parser of canonical definitions.</summary>
internal sealed class CanonicalParser(ComponentTokens tokens, ItemParser items, ComponentTypeParser types)
{
    /// <summary>A canon field behind its keyword.</summary>
    public void Field(TextScope scope)
    {
        ByteBuffer content = new();
        CanonicalKind kind = Kind();
        if (kind == CanonicalKind.Lift)
        {
            int core = items.Reference(scope, ComponentSort.CoreFunction);
            ByteBuffer options = new();
            Options(scope, options);
            if (!tokens.TryForm("func"u8))
                tokens.Unexpected("(func …)");
            string? identifier = tokens.OptionalIdentifier();
            int type = types.ExternTypeUse(scope, ComponentSort.Function, 0);
            tokens.Close();
            AddLift(scope, core, options, type);
            items.Define(scope, ComponentSort.Function, identifier);
            return;
        }

        Content(scope, content, kind);
        if (!tokens.AtForm("core"u8, "func"u8))
            tokens.Unexpected("(core func …)");
        tokens.At += 3;
        string? name = tokens.OptionalIdentifier();
        tokens.Close();
        scope.Writer.Add(8, content);
        items.Define(scope, ComponentSort.CoreFunction, name);
    }

    /// <summary>A <c>(core func …)</c> field behind its keywords.</summary>
    public void CoreFunction(TextScope scope)
    {
        string? name = tokens.OptionalIdentifier();
        if (tokens.AtForm("alias"u8, "core"u8))
        {
            tokens.At += 3;
            tokens.Keyword("export"u8);
            int instance = items.Index(scope, ComponentSort.CoreInstance);
            items.AddAlias(scope, ComponentSort.CoreFunction, instance, tokens.Name(), core: true, name);
            tokens.Close();
            return;
        }

        if (!tokens.TryForm("canon"u8))
            tokens.Unexpected("(canon …)");
        ByteBuffer content = new();
        CanonicalKind kind = Kind();
        if (kind == CanonicalKind.Lift)
            tokens.Unexpected("a definition of a core function");
        Content(scope, content, kind);
        tokens.Close();
        scope.Writer.Add(8, content);
        items.Define(scope, ComponentSort.CoreFunction, name);
    }

    /// <summary>A <c>(canon lift …)</c> for a function whose type is known.</summary>
    public void Lift(TextScope scope, int type)
    {
        if (!tokens.TryForm("canon"u8))
            tokens.Unexpected("(canon lift …)");
        tokens.Keyword("lift"u8);
        int core = items.Reference(scope, ComponentSort.CoreFunction);
        ByteBuffer options = new();
        Options(scope, options);
        tokens.Close();
        AddLift(scope, core, options, type);
    }

    private static void AddLift(TextScope scope, int core, ByteBuffer options, int type)
    {
        ByteBuffer content = new();
        content.Bytes([0, 0]);
        content.U32((uint)core);
        content.Bytes(options);
        content.U32((uint)type);
        scope.Writer.Add(8, content);
    }

    private CanonicalKind Kind()
    {
        if (tokens.Kind != TokenKind.Keyword || !CanonicalKinds.TryFind(Encoding.UTF8.GetString(tokens.Text), out CanonicalKind kind))
        {
            tokens.Unexpected("a canonical definition");
            return default;
        }

        tokens.At++;
        return kind;
    }

    private void Content(TextScope scope, ByteBuffer target, CanonicalKind kind)
    {
        ByteBuffer rest = new();
        if (kind == CanonicalKind.Lower)
        {
            int function = items.Reference(scope, ComponentSort.Function);
            Options(scope, rest);
            target.Bytes([1, 0]);
            target.U32((uint)function);
            target.Bytes(rest);
            return;
        }

        target.Byte((byte)kind);
        switch (CanonicalKinds.Shape(kind))
        {
            case CanonicalShape.Type:
                target.U32((uint)items.Reference(scope, ComponentSort.Type));
                break;
            case CanonicalShape.TypeOptions:
                target.U32((uint)items.Reference(scope, ComponentSort.Type));
                Options(scope, rest);
                target.Bytes(rest);
                break;
            case CanonicalShape.TypeFlag:
                target.U32((uint)items.Reference(scope, ComponentSort.Type));
                Flag(target, kind);
                break;
            case CanonicalShape.Options:
                Options(scope, rest);
                target.Bytes(rest);
                break;
            case CanonicalShape.Flag:
                Flag(target, kind);
                break;
            case CanonicalShape.FlagMemory:
                Flag(target, kind);
                if (!tokens.TryForm("memory"u8))
                    tokens.Unexpected("(memory …)");
                target.U32((uint)OptionIndex(scope, ComponentSort.CoreMemory));
                tokens.Close();
                break;
            case CanonicalShape.ResultOptions:
                types.ResultList(scope, target, 0);
                Options(scope, rest);
                target.Bytes(rest);
                break;
            case CanonicalShape.Context:
                types.Core.ValueType(scope, target);
                target.U32(tokens.U32("a slot"));
                break;
            case CanonicalShape.TypeTable:
                target.U32((uint)items.Reference(scope, ComponentSort.CoreType));
                target.U32((uint)items.Reference(scope, ComponentSort.CoreTable));
                break;
            case CanonicalShape.FlagType:
                Flag(target, kind);
                target.U32((uint)items.Reference(scope, ComponentSort.CoreType));
                break;
            case CanonicalShape.FlagTypeTable:
                Flag(target, kind);
                target.U32((uint)items.Reference(scope, ComponentSort.CoreType));
                target.U32((uint)items.Reference(scope, ComponentSort.CoreTable));
                break;
        }
    }

    private void Flag(ByteBuffer target, CanonicalKind kind) =>
        target.Byte(tokens.TryKeyword(Encoding.UTF8.GetBytes(CanonicalKinds.FlagKeyword(kind))) ? (byte)1 : (byte)0);

    private void Options(TextScope scope, ByteBuffer target)
    {
        ByteBuffer options = new();
        uint count = 0;
        for (; TryOption(scope, options); count++)
        {
        }

        target.U32(count);
        target.Bytes(options);
    }

    private bool TryOption(TextScope scope, ByteBuffer target)
    {
        foreach (CanonicalOptionKind kind in Enum.GetValues<CanonicalOptionKind>())
        {
            byte[] keyword = Encoding.UTF8.GetBytes(CanonicalKinds.Name(kind));
            ComponentSort? sort = kind switch
            {
                CanonicalOptionKind.Memory => ComponentSort.CoreMemory,
                CanonicalOptionKind.Realloc or CanonicalOptionKind.PostReturn or CanonicalOptionKind.Callback => ComponentSort.CoreFunction,
                CanonicalOptionKind.CoreType => ComponentSort.CoreType,
                _ => null,
            };
            if (sort is null)
            {
                if (!tokens.TryKeyword(keyword))
                    continue;
                target.Byte((byte)kind);
                return true;
            }

            if (!tokens.TryForm(keyword))
                continue;
            int index = OptionIndex(scope, sort.Value);
            tokens.Close();
            target.Byte((byte)kind);
            target.U32((uint)index);
            return true;
        }

        return false;
    }

    // In lenient text, the name of an export may follow without a sort.
    private int OptionIndex(TextScope scope, ComponentSort sort) => items.IsLenient && tokens.Kind != TokenKind.Open ? items.AliasPath(scope, sort) : items.Reference(scope, sort);
}
