// Resolves one package, whose needs in other packages are resolved already.
//
// Order: interfaces and worlds, each behind what it needs (PackageNames); then gates (GateFilter); then includes and the elaboration of worlds. Gates come before worlds are put together,
// since what a gate excludes in one world is not included in another.
namespace Tarn.Wasm.Wit;

/// <summary>Resolves a package.</summary>
internal sealed class PackageResolver
{
    private readonly PackageNames _names;
    private readonly Func<WitPackageName, WitPackage?> _packages;
    private readonly WitFeatures _features;
    private readonly Dictionary<string, WitInterface> _interfaces = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WitWorld> _worlds = new(StringComparer.Ordinal);
    private readonly WitPackage _package;

    private PackageResolver(WitPackage package, PackageNames names, Func<WitPackageName, WitPackage?> packages, WitFeatures features)
    {
        _package = package;
        _names = names;
        _packages = packages;
        _features = features;
    }

    /// <summary>Resolves a package.</summary>
    /// <param name="syntax">The package.</param>
    /// <param name="names">Its names.</param>
    /// <param name="packages">Finds other packages.</param>
    /// <param name="features">Features that are on.</param>
    /// <exception cref="TextFormatException">The package is not valid.</exception>
    public static WitPackage Resolve(PackageSyntax syntax, PackageNames names, Func<WitPackageName, WitPackage?> packages, WitFeatures features)
    {
        WitPackage package = new(syntax.Name) { Docs = syntax.Docs };
        new PackageResolver(package, names, packages, features).Run();
        return package;
    }

    private void Run()
    {
        foreach (ForeignName foreign in _names.Foreign)
            CheckForeign(foreign);
        List<(WitWorld World, WorldSyntax Syntax, FileSyntax File)> worlds = [];
        foreach (string name in _names.Order)
        {
            (ItemSyntax item, FileSyntax file) = _names[name];
            if (item is InterfaceSyntax syntax)
            {
                WitInterface definition = Interface(file, syntax.Name.Text, syntax.Attributes, syntax.Items);
                definition.Span = syntax.Name.Span;
                _interfaces.Add(name, definition);
                GateFilter.Apply(definition, _features);
                if (!definition.IsExcluded)
                    _package.Interfaces.Add(name, definition);
            }
            else if (item is WorldSyntax world)
            {
                _worlds.Add(name, World(file, world));
            }
        }
    }

    private void CheckForeign(in ForeignName name)
    {
        WitPackage package = _packages(name.Package)!;
        string text = name.Name.Text;
        bool isThere = name.IsWorld
            ? package.Worlds.ContainsKey(text)
            : package.Interfaces.ContainsKey(text);
        if (!isThere && !package.Excluded.ContainsKey(text))
            throw name.Name.Span.Error($"There is no {(name.IsWorld ? "world" : "interface")} `{text}` in the package `{name.Package}`.");
    }

    private WitInterface Interface(FileSyntax file, string? name, in AttributesSyntax attributes, InterfaceItemSyntax[] items)
    {
        WitInterface definition = new(_package, name) { Docs = attributes.Docs, Stability = TypeResolver.Stability(attributes) };
        TypeResolver types = new(definition);
        foreach (UseItemSyntax use in items.OfType<UseItemSyntax>())
            Use(file, use.Use, types);
        types.Define([.. items.OfType<TypeItemSyntax>().Select(item => item.Type)]);
        foreach (FunctionItemSyntax function in items.OfType<FunctionItemSyntax>())
            types.DefineFunction(function.Function.Name);
        foreach (TypeItemSyntax item in items.OfType<TypeItemSyntax>())
        {
            if (item.Type.Kind == TypeDefSyntaxKind.Resource)
                AddAll(definition.Functions, types.ResourceFunctions(item.Type));
        }

        foreach (FunctionItemSyntax item in items.OfType<FunctionItemSyntax>())
            definition.Functions.Add(item.Function.Name.Text, types.Function(item.Function));

        foreach ((string typeName, WitTypeDef type) in types.Types)
            definition.Types.Add(typeName, type);
        return definition;
    }

    private static void AddAll(OrderedDictionary<string, WitFunction> target, List<WitFunction> functions)
    {
        foreach (WitFunction function in functions)
            target.Add(function.Name, function);
    }

    private void Use(FileSyntax file, UseSyntax use, TypeResolver types)
    {
        WitInterface from = FindInterface(file, use.From, out bool isForeign);
        foreach (UseNameSyntax name in use.Names)
            types.Use(name, from, TypeResolver.Stability(use.Attributes), isForeign);
    }

    private WitInterface FindInterface(FileSyntax file, in PathSyntax path, out bool isForeign)
    {
        PathTarget target = _names.Resolve(file, path, isWorld: false);
        isForeign = target.Foreign is not null;
        if (target.Local is WitName local)
            return _interfaces[local.Text];
        ForeignName foreign = target.Foreign!.Value;
        WitPackage package = _packages(foreign.Package)!;
        return package.Interfaces.GetValueOrDefault(foreign.Name.Text) ?? package.Excluded[foreign.Name.Text] as WitInterface
            ?? throw foreign.Name.Span.Error($"`{foreign.Name.Text}` is a world, expected an interface.");
    }

    private WitWorld FindWorld(FileSyntax file, in PathSyntax path)
    {
        PathTarget target = _names.Resolve(file, path, isWorld: true);
        if (target.Local is WitName local)
            return _worlds[local.Text];
        ForeignName foreign = target.Foreign!.Value;
        WitPackage package = _packages(foreign.Package)!;
        return package.Worlds.GetValueOrDefault(foreign.Name.Text) ?? package.Excluded[foreign.Name.Text] as WitWorld
            ?? throw foreign.Name.Span.Error($"`{foreign.Name.Text}` is an interface, expected a world.");
    }

    private WitWorld World(FileSyntax file, WorldSyntax syntax)
    {
        WitWorld world = new(_package, syntax.Name.Text) { Docs = syntax.Attributes.Docs, Stability = TypeResolver.Stability(syntax.Attributes), Span = syntax.Name.Span };
        TypeResolver types = new(world);
        foreach (WorldUseSyntax use in syntax.Items.OfType<WorldUseSyntax>())
            Use(file, use.Use, types);
        types.Define([.. syntax.Items.OfType<WorldTypeSyntax>().Select(item => item.Type)]);
        foreach ((string name, WitTypeDef type) in types.Types)
            world.Imports.Add(new WitKey(name), new WitWorldItem(null, null, type, type.Stability, type.Span, type.Docs));
        foreach (WorldItemSyntax item in syntax.Items)
        {
            if (item is WorldExternSyntax part)
            {
                Extern(file, part, world, types);
            }
            else if (item is WorldTypeSyntax { Type: { Kind: TypeDefSyntaxKind.Resource } resource })
            {
                foreach (WitFunction function in types.ResourceFunctions(resource))
                    world.Imports.Add(new WitKey(function.Name), new WitWorldItem(null, function, null, function.Stability, function.Span, function.Docs));
            }
        }

        GateFilter.Apply(world, _features);
        if (world.IsExcluded)
        {
            _package.Excluded.Add(world.Name, world);
            return world;
        }

        foreach (IncludeSyntax include in syntax.Items.OfType<IncludeSyntax>())
        {
            if (!_features.Includes(TypeResolver.Stability(include.Attributes), _package.Name, include.From.Name.Span))
                continue;
            WitWorld other = FindWorld(file, include.From);
            if (other.IsExcluded)
                throw include.From.Name.Span.Error("This refers to a world that is excluded, since its feature is not on.");
            WorldInclusion.Include(world, other, include);
        }

        WorldElaboration.Elaborate(world);
        WorldElaboration.CheckNames(world);
        _package.Worlds.Add(world.Name, world);
        return world;
    }

    private void Extern(FileSyntax file, WorldExternSyntax part, WitWorld world, TypeResolver types)
    {
        OrderedDictionary<WitKey, WitWorldItem> target = part.IsExport ? world.Exports : world.Imports;
        string verb = part.IsExport ? "export" : "import";
        WitStability stability = TypeResolver.Stability(part.Attributes);
        // What is excluded may refer to anything.
        if (!_features.Includes(stability, _package.Name, part.Name?.Span ?? part.Path!.Value.Name.Span))
            return;
        if (part.Name is not WitName label)
        {
            PathSyntax path = part.Path!.Value;
            WitInterface used = FindInterface(file, path, out _);
            if (!target.TryAdd(new WitKey(used), new WitWorldItem(used, null, null, stability, path.Name.Span, part.Attributes.Docs)))
                throw path.Name.Span.Error($"The world has more than one {verb} of this interface.");
            return;
        }

        WitWorldItem item;
        if (part.Function is FunctionSyntax function)
        {
            item = new WitWorldItem(null, types.Function(function), null, stability, label.Span, part.Attributes.Docs);
        }
        else if (part.Items is InterfaceItemSyntax[] items)
        {
            WitInterface inline = Interface(file, null, part.Attributes, items);
            inline.Span = label.Span;
            item = new WitWorldItem(inline, null, null, stability, label.Span, part.Attributes.Docs);
        }
        else
        {
            item = new WitWorldItem(FindInterface(file, part.Path!.Value, out _), null, null, stability, label.Span, part.Attributes.Docs);
        }

        if (!target.TryAdd(new WitKey(label.Text), item))
            throw label.Span.Error($"The {verb} `{label.Text}` conflicts with an earlier {target[new WitKey(label.Text)].Describe()} of this name.");
    }
}
