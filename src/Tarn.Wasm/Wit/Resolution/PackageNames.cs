// The names of interfaces and worlds in a package: what each file sees, what each definition needs, and in which order definitions are resolved.
//
// A name in a file means what a top-level `use` of that file says, else the package's own interface or world. Both are looked up before anything is resolved, so that an error in a name
// comes before the errors that follow from it.
namespace Tarn.Wasm.Wit;

/// <summary>An interface or world in another package, as a package refers to it.</summary>
internal readonly record struct ForeignName(WitPackageName Package, WitSpan PackageSpan, WitName Name, bool IsWorld);

/// <summary>What a path leads to: a definition of this package, or one of another.</summary>
internal readonly record struct PathTarget(WitName? Local, ForeignName? Foreign);

/// <summary>The names of a package.</summary>
internal sealed class PackageNames
{
    private readonly Dictionary<string, (ItemSyntax Item, FileSyntax File)> _items = new(StringComparer.Ordinal);
    private readonly Dictionary<FileSyntax, Dictionary<string, TopUseSyntax>> _uses = [];
    private readonly List<ForeignName> _foreign = [];
    private readonly Dictionary<(WitPackageName, string), bool> _foreignKinds = [];

    public PackageNames(PackageSyntax package)
    {
        OrderedDictionary<string, List<WitName>> needs = new(StringComparer.Ordinal);
        foreach (FileSyntax file in package.Files)
            Register(file, needs);
        foreach (FileSyntax file in package.Files)
        {
            foreach (ItemSyntax item in file.Items)
                CollectNeeds(file, item, needs);
        }

        Order = StableOrder.Sort(needs, need => Missing(need), need => need.Span.Error($"`{need.Text}` depends on itself."));
    }

    /// <summary>Names of interfaces and worlds, each behind what it needs.</summary>
    public List<string> Order { get; }

    /// <summary>References to other packages in the order of the text.</summary>
    public IReadOnlyList<ForeignName> Foreign => _foreign;

    /// <summary>The definition of a name.</summary>
    public (ItemSyntax Item, FileSyntax File) this[string name] => _items[name];

    /// <summary>What a path in a file leads to.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">The path.</param>
    /// <param name="isWorld">Whether a world is meant.</param>
    public PathTarget Resolve(FileSyntax file, in PathSyntax path, bool isWorld)
    {
        if (path.Package is not null)
            return new PathTarget(null, new ForeignName(path.Package, path.PackageSpan, path.Name, isWorld));
        string name = path.Name.Text;
        HashSet<string> seen = [];
        while (_uses[file].TryGetValue(name, out TopUseSyntax? use))
        {
            if (use.Path.Package is not null)
                return new PathTarget(null, new ForeignName(use.Path.Package, use.Path.PackageSpan, use.Path.Name, isWorld));
            if (!seen.Add(name))
                throw use.Path.Name.Span.Error($"`{name}` depends on itself.");
            if (use.Path.Name.Text == name)
                break;
            name = use.Path.Name.Text;
        }

        if (!_items.TryGetValue(name, out (ItemSyntax Item, FileSyntax) found))
            throw Missing(path.Name);
        if (found.Item is WorldSyntax != isWorld)
            throw path.Name.Span.Error(isWorld ? $"`{path.Name.Text}` is an interface, expected a world." : $"`{path.Name.Text}` is a world, expected an interface.");
        return new PathTarget(found.Item is WorldSyntax world ? world.Name : ((InterfaceSyntax)found.Item).Name, null);
    }

    private static TextFormatException Missing(WitName name) => name.Span.Error($"There is no interface or world `{name.Text}`.");

    private void Register(FileSyntax file, OrderedDictionary<string, List<WitName>> needs)
    {
        Dictionary<string, TopUseSyntax> uses = new(StringComparer.Ordinal);
        _uses.Add(file, uses);
        foreach (ItemSyntax item in file.Items)
        {
            WitName name;
            switch (item)
            {
                case InterfaceSyntax definition:
                    name = definition.Name;
                    break;
                case WorldSyntax world:
                    name = world.Name;
                    break;
                case TopUseSyntax use:
                    if (!uses.TryAdd(use.Name.Text, use) || (_items.TryGetValue(use.Name.Text, out (ItemSyntax, FileSyntax File) other) && other.File == file))
                        throw use.Name.Span.Error($"The name `{use.Name.Text}` is defined more than once in this file.");
                    continue;
                default:
                    continue;
            }

            if (uses.ContainsKey(name.Text))
                throw name.Span.Error($"The name `{name.Text}` is defined more than once in this file.");
            if (!_items.TryAdd(name.Text, (item, file)))
                throw name.Span.Error($"The package has more than one item `{name.Text}`.");
            needs.Add(name.Text, []);
        }
    }

    private void CollectNeeds(FileSyntax file, ItemSyntax item, OrderedDictionary<string, List<WitName>> needs)
    {
        switch (item)
        {
            case TopUseSyntax use:
                if (use.Path.Package is not null)
                    AddForeign(new ForeignName(use.Path.Package, use.Path.PackageSpan, use.Path.Name, false));
                else if (!_items.ContainsKey(use.Path.Name.Text) && !(_uses[file].TryGetValue(use.Path.Name.Text, out TopUseSyntax? other) && other != use))
                    throw Missing(use.Path.Name);
                break;
            case InterfaceSyntax definition:
                CollectInterface(file, definition.Items, needs[definition.Name.Text]);
                break;
            case WorldSyntax world:
                List<WitName> list = needs[world.Name.Text];
                foreach (WorldItemSyntax part in world.Items)
                    CollectWorldItem(file, part, list);
                break;
            default:
                break;
        }
    }

    private void CollectWorldItem(FileSyntax file, WorldItemSyntax part, List<WitName> needs)
    {
        switch (part)
        {
            case WorldUseSyntax use:
                Need(file, use.Use.From, false, needs);
                break;
            case IncludeSyntax include:
                Need(file, include.From, true, needs);
                break;
            case WorldExternSyntax { Items: InterfaceItemSyntax[] items }:
                CollectInterface(file, items, needs);
                break;
            case WorldExternSyntax { Path: PathSyntax path }:
                Need(file, path, false, needs);
                break;
            default:
                break;
        }
    }

    private void CollectInterface(FileSyntax file, InterfaceItemSyntax[] items, List<WitName> needs)
    {
        foreach (UseItemSyntax use in items.OfType<UseItemSyntax>())
            Need(file, use.Use.From, false, needs);
    }

    private void Need(FileSyntax file, in PathSyntax path, bool isWorld, List<WitName> needs)
    {
        PathTarget target = Resolve(file, path, isWorld);
        if (target.Local is WitName local)
            needs.Add(local);
        else
            AddForeign(target.Foreign!.Value);
    }

    private void AddForeign(in ForeignName name)
    {
        if (_foreignKinds.TryGetValue((name.Package, name.Name.Text), out bool isWorld) && isWorld != name.IsWorld)
            throw name.Name.Span.Error(name.IsWorld ? $"`{name.Name.Text}` is used as an interface elsewhere, expected a world." : $"`{name.Name.Text}` is used as a world elsewhere, expected an interface.");
        _foreignKinds[(name.Package, name.Name.Text)] = name.IsWorld;
        _foreign.Add(name);
    }
}
