// References to items: by index, by identifier, or by the name of an export of an instance, which makes an alias. Identifiers of scopes around the current one make aliases too, where the
// sort allows it.
using System.Text;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>Parser of references.</summary>
/// <param name="tokens">The text.</param>
/// <param name="lenient">Whether sorts may be left out where they once could be.</param>
internal sealed class ItemParser(ComponentTokens tokens, bool lenient)
{
    public bool IsLenient => lenient;

    /// <summary>Gives an item its index and its identifier.</summary>
    public void Define(TextScope scope, ComponentSort sort, string? name)
    {
        if (!scope.TryDefine(sort, name, out _))
            tokens.Fail(tokens.At, $"duplicate {sort.Describe()} identifier ${name}");
    }

    /// <summary>An index by number or identifier.</summary>
    public int Index(TextScope scope, ComponentSort sort)
    {
        if (tokens.Kind == TokenKind.Natural)
            return (int)Math.Min(tokens.U32("an index"), int.MaxValue);
        int at = tokens.At;
        if (tokens.Kind != TokenKind.Identifier)
            tokens.Unexpected($"an index or identifier of a {sort.Describe()}");
        string name = tokens.Identifier();
        int depth = 0;
        for (TextScope? from = scope; from is not null; from = from.Parent, depth++)
        {
            if (from.TryFind(sort, name, out int index))
            {
                if (depth == 0)
                    return index;
                if (sort is ComponentSort.CoreModule or ComponentSort.CoreType or ComponentSort.Type or ComponentSort.Component)
                    return scope.Alias(sort, depth, index);
                tokens.Fail(at, $"outer item `${name}` is not a module, type, or component");
            }
        }

        tokens.Fail(at, $"unknown {sort.Describe()}: failed to find name `${name}`");
        return 0;
    }

    /// <summary>An index, followed by names of exports, which lead from instance to instance to the item.</summary>
    public int AliasPath(TextScope scope, ComponentSort sort)
    {
        bool hasPath = tokens.AtIndex && tokens[tokens.At + 1].Kind == TokenKind.String;
        if (!hasPath)
            return Index(scope, sort);
        bool core = sort.IsCore() && sort != ComponentSort.CoreModule;
        int instance = Index(scope, core ? ComponentSort.CoreInstance : ComponentSort.Instance);
        while (true)
        {
            string name = tokens.Name();
            bool last = tokens.Kind != TokenKind.String;
            if (core && !last)
                tokens.Unexpected("')': core instances export no instances");
            instance = AddAlias(scope, last ? sort : ComponentSort.Instance, instance, name, core);
            if (last)
                return instance;
        }
    }

    /// <summary>An index, or a reference in parentheses that names the sort.</summary>
    public int Reference(TextScope scope, ComponentSort sort)
    {
        if (tokens.Kind != TokenKind.Open)
            return Index(scope, sort);
        int at = tokens.At;
        tokens.Open();
        bool core = tokens.TryKeyword("core"u8);
        if (core != sort.IsCore() && !(sort.IsCore() && (lenient || sort == ComponentSort.CoreModule)))
            tokens.Fail(at, $"unexpected token: a reference to a {sort.Describe()} was expected");
        tokens.Keyword(Encoding.UTF8.GetBytes(sort.Keyword()));
        int index = AliasPath(scope, sort);
        tokens.Close();
        return index;
    }

    /// <summary>A core item in parentheses; the word <c>core</c> is not written.</summary>
    public (ComponentSort Sort, int Index) CoreItem(TextScope scope)
    {
        tokens.Open();
        ComponentSort sort = tokens.TryKeyword("func"u8) ? ComponentSort.CoreFunction
            : tokens.TryKeyword("table"u8) ? ComponentSort.CoreTable
            : tokens.TryKeyword("memory"u8) ? ComponentSort.CoreMemory
            : tokens.TryKeyword("global"u8) ? ComponentSort.CoreGlobal
            : tokens.TryKeyword("tag"u8) ? ComponentSort.CoreTag
            : ComponentSort.Count;
        if (sort == ComponentSort.Count)
            tokens.Unexpected("a function, table, memory, global or tag");
        int index = AliasPath(scope, sort);
        tokens.Close();
        return (sort, index);
    }

    /// <summary>An item in parentheses.</summary>
    public (ComponentSort Sort, int Index) Item(TextScope scope)
    {
        tokens.Open();
        ComponentSort sort = Sort();
        int index = AliasPath(scope, sort);
        tokens.Close();
        return (sort, index);
    }

    /// <summary>A sort of items of components.</summary>
    public ComponentSort Sort()
    {
        if (tokens.TryKeyword("core"u8))
        {
            tokens.Keyword("module"u8);
            return ComponentSort.CoreModule;
        }

        ComponentSort sort = tokens.TryKeyword("func"u8) ? ComponentSort.Function
            : tokens.TryKeyword("value"u8) ? ComponentSort.Value
            : tokens.TryKeyword("type"u8) ? ComponentSort.Type
            : tokens.TryKeyword("component"u8) ? ComponentSort.Component
            : tokens.TryKeyword("instance"u8) ? ComponentSort.Instance
            : ComponentSort.Count;
        if (sort == ComponentSort.Count)
            tokens.Unexpected("a core module, function, value, type, component or instance");
        return sort;
    }

    /// <summary>Adds an alias of an export.</summary>
    public int AddAlias(TextScope scope, ComponentSort sort, int instance, string name, bool core, string? identifier = null)
    {
        ByteBuffer alias = new();
        TextScope.WriteSort(alias, sort);
        alias.Byte(core ? (byte)1 : (byte)0);
        alias.U32((uint)instance);
        alias.Counted(Encoding.UTF8.GetBytes(name));
        scope.Writer.Add(6, alias);
        Define(scope, sort, identifier);
        return scope.Count(sort) - 1;
    }
}
