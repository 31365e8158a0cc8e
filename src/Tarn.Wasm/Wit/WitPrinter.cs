// Prints WIT: what is printed parses to what was printed. Types that are used come first, then own types with the functions of resources in them, then functions.
using System.Text;

namespace Tarn.Wasm.Wit;

/// <summary>Prints packages.</summary>
internal sealed class WitPrinter
{
    private readonly StringBuilder _text = new();
    private int _indent;

    /// <summary>Prints packages: the first one as the package of the file, the others nested in it, by name.</summary>
    public static string Print(WitPackage main, IEnumerable<WitPackage> others)
    {
        WitPrinter printer = new();
        printer.Docs(main.Docs);
        printer.Line($"package {Name(main.Name)};");
        printer.Items(main, isFirst: false);
        foreach (WitPackage package in others.OrderBy(package => package.Name.ToString(), StringComparer.Ordinal))
        {
            if (package == main)
                continue;
            printer.Blank();
            printer.Docs(package.Docs);
            printer.Open($"package {Name(package.Name)}");
            printer.Items(package, isFirst: true);
            printer.Close();
        }

        return printer._text.ToString();
    }

    /// <summary>Prints one package.</summary>
    public static string Print(WitPackage package) => Print(package, []);

    private static string Name(WitPackageName name) => $"{Id(name.Namespace)}:{Id(name.Name)}{(name.Version is null ? "" : $"@{name.Version}")}";

    private static string Id(string name) => WitLexer.IsKeyword(name) ? $"%{name}" : name;

    private void Line(string text)
    {
        if (text.Length > 0)
            _text.Append(' ', 2 * _indent).Append(text);
        _text.Append('\n');
    }

    private void Blank()
    {
        if (_text.Length > 0 && !EndsWith("{\n") && !EndsWith("\n\n"))
            _text.Append('\n');
    }

    private bool EndsWith(string end) => _text.Length >= end.Length && _text.ToString(_text.Length - end.Length, end.Length) == end;

    private void Open(string text)
    {
        Line(text + " {");
        _indent++;
    }

    private void Close()
    {
        _indent--;
        Line("}");
    }

    private void Docs(string? docs)
    {
        foreach (string line in docs?.Split('\n') ?? [])
            Line(line.Length == 0 ? "///" : $"/// {line}");
    }

    private void Stability(in WitStability stability)
    {
        if (stability.Since is not null)
            Line($"@since(version = {stability.Since})");
        if (stability.Feature is not null)
            Line($"@unstable(feature = {Id(stability.Feature)})");
        if (stability.Deprecated is not null)
            Line($"@deprecated(version = {stability.Deprecated})");
    }

    private void Items(WitPackage package, bool isFirst)
    {
        foreach (WitInterface definition in package.Interfaces.Values)
        {
            if (!isFirst)
                Blank();
            isFirst = false;
            Docs(definition.Docs);
            Stability(definition.Stability);
            Open($"interface {Id(definition.Name!)}");
            Interface(definition);
            Close();
        }

        foreach (WitWorld world in package.Worlds.Values)
        {
            if (!isFirst)
                Blank();
            isFirst = false;
            Docs(world.Docs);
            Stability(world.Stability);
            Open($"world {Id(world.Name)}");
            World(world);
            Close();
        }
    }

    private void Interface(WitInterface definition) => Types(definition.Types.Values, definition.Functions.Values, definition, definition.Package);

    private void Types(IReadOnlyCollection<WitTypeDef> types, IReadOnlyCollection<WitFunction> functions, object owner, WitPackage package)
    {
        foreach (IGrouping<(WitInterface?, WitStability), WitTypeDef> group in types.Where(type => type.UsedFrom is not null).GroupBy(type => (type.UsedFrom, type.Stability)))
        {
            Stability(group.Key.Item2);
            IEnumerable<string> names = group.Select(type => type.Types[0]!.Value.Definition!.Name is string name && name != type.Name ? $"{Id(name)} as {Id(type.Name!)}" : Id(type.Name!));
            Line($"use {Path(group.Key.Item1!, package)}.{{{string.Join(", ", names)}}};");
        }

        foreach (WitTypeDef type in types.Where(type => type.UsedFrom is null))
        {
            Blank();
            Docs(type.Docs);
            Stability(type.Stability);
            Definition(type, functions);
        }

        bool isFirst = true;
        foreach (WitFunction function in functions.Where(function => function.Resource is null || owner is not WitInterface && function.Resource.Owner != owner))
        {
            if (isFirst || function.Docs is not null)
                Blank();
            isFirst = false;
            Docs(function.Docs);
            Stability(function.Stability);
            Line($"{Id(function.Name)}: {Signature(function)};");
        }
    }

    private static string Path(WitInterface definition, WitPackage package)
    {
        if (definition.Package == package)
            return Id(definition.Name!);
        WitPackageName name = definition.Package.Name;
        return $"{Id(name.Namespace)}:{Id(name.Name)}/{Id(definition.Name!)}{(name.Version is null ? "" : $"@{name.Version}")}";
    }

    private void Definition(WitTypeDef type, IReadOnlyCollection<WitFunction> functions)
    {
        string name = Id(type.Name!);
        switch (type.Kind)
        {
            case WitTypeKind.Record or WitTypeKind.Variant or WitTypeKind.Flags or WitTypeKind.Enum:
                Open($"{type.Kind.Keyword()} {name}");
                for (int i = 0; i < type.Names.Length; i++)
                {
                    Docs(type.MemberDocs[i]);
                    WitType? member = i < type.Types.Length ? type.Types[i] : null;
                    string suffix = member is not WitType part ? "" : type.Kind == WitTypeKind.Record ? $": {Type(part)}" : $"({Type(part)})";
                    Line($"{Id(type.Names[i])}{suffix},");
                }

                Close();
                break;
            case WitTypeKind.Resource:
                WitFunction[] own = [.. functions.Where(function => function.Resource == type)];
                if (own.Length == 0)
                {
                    Line($"resource {name};");
                    break;
                }

                Open($"resource {name}");
                foreach (WitFunction function in own)
                {
                    Docs(function.Docs);
                    Stability(function.Stability);
                    Line(function.Kind == WitFunctionKind.Constructor ? $"constructor{Constructor(function)};" : $"{Id(function.ItemName)}: {Signature(function)};");
                }

                Close();
                break;
            case WitTypeKind.Named:
                Line($"type {name} = {(type.Types[0]!.Value.Definition is { } other ? Id(other.Name!) : Type(type.Types[0]!.Value))};");
                break;
            default:
                Line($"type {name} = {Structure(type)};");
                break;
        }
    }

    private static string Constructor(WitFunction function)
    {
        string parameters = $"({string.Join(", ", function.Parameters.Select(parameter => $"{Id(parameter.Name)}: {Type(parameter.Type)}"))})";
        return function.Result is { Kind: WitTypeKind.Result } result ? $"{parameters} -> {Type(result)}" : parameters;
    }

    private static string Signature(WitFunction function)
    {
        StringBuilder text = new();
        if (function.Kind == WitFunctionKind.Static)
            text.Append("static ");
        if (function.IsAsync)
            text.Append("async ");
        IEnumerable<WitParameter> parameters = function.Parameters.Skip(function.Kind == WitFunctionKind.Method ? 1 : 0);
        text.Append("func(").AppendJoin(", ", parameters.Select(parameter => $"{Id(parameter.Name)}: {Type(parameter.Type)}")).Append(')');
        if (function.Result is WitType result)
            text.Append(" -> ").Append(Type(result));
        return text.ToString();
    }

    private static string Type(WitType type) => type.Definition is not WitTypeDef definition ? type.Primitive.Keyword() : definition.Name is string name ? Id(name) : Structure(definition);

    private static string Structure(WitTypeDef type)
    {
        string Part(int index) => type.Types[index] is WitType part ? Type(part) : "_";
        switch (type.Kind)
        {
            case WitTypeKind.Own:
                return Part(0);
            case WitTypeKind.Borrow:
                return $"borrow<{Part(0)}>";
            case WitTypeKind.FixedLengthList:
                return $"list<{Part(0)}, {type.Length}>";
            case WitTypeKind.Result:
                return (type.Types[0], type.Types[1]) switch
                {
                    (null, null) => "result",
                    (_, null) => $"result<{Part(0)}>",
                    _ => $"result<{Part(0)}, {Part(1)}>",
                };
            case WitTypeKind.Stream or WitTypeKind.Future when type.Types[0] is null:
                return type.Kind.Keyword();
            default:
                return $"{type.Kind.Keyword()}<{string.Join(", ", Enumerable.Range(0, type.Types.Length).Select(Part))}>";
        }
    }

    private void World(WitWorld world)
    {
        foreach ((WitKey key, WitWorldItem item) in world.Imports)
        {
            if (item.Interface is not null)
                Extern(world, "import", key, item);
        }

        WitTypeDef[] types = [.. world.Imports.Values.Select(item => item.Type).OfType<WitTypeDef>()];
        WitFunction[] methods = [.. world.Imports.Values.Select(item => item.Function).OfType<WitFunction>().Where(function => function.Resource is not null)];
        Types(types, methods, world, world.Package);
        bool isFirst = true;
        foreach ((WitKey key, WitWorldItem item) in world.Imports)
        {
            if (item.Function is not { Resource: null })
                continue;
            if (isFirst)
                Blank();
            isFirst = false;
            Extern(world, "import", key, item);
        }

        isFirst = true;
        foreach ((WitKey key, WitWorldItem item) in world.Exports)
        {
            if (isFirst)
                Blank();
            isFirst = false;
            Extern(world, "export", key, item);
        }
    }

    private void Extern(WitWorld world, string verb, WitKey key, WitWorldItem item)
    {
        Docs(item.Interface is { Name: null } && item.Docs is null ? item.Interface.Docs : item.Docs);
        Stability(item.Stability);
        if (key.Interface is not null)
        {
            Line($"{verb} {Path(key.Interface, world.Package)};");
        }
        else if (item.Function is not null)
        {
            Line($"{verb} {Id(key.Name!)}: {Signature(item.Function)};");
        }
        else if (item.Interface is { Name: not null } named)
        {
            Line($"{verb} {Id(key.Name!)}: {Path(named, world.Package)};");
        }
        else if (item.Interface is WitInterface inline)
        {
            Open($"{verb} {Id(key.Name!)}: interface");
            Interface(inline);
            Close();
        }
        else
        {
            // The type of a component's export: WIT declares types of worlds, whichever side they are on.
            Definition(item.Type!, []);
        }
    }
}
