// Packages from directories, files and components, resolved together: the entry to WIT.
//
// A directory is one package, with what it depends on in its folder `deps`: a folder or file for each package, in WIT or as a component. A package is resolved when all that it refers to
// is; packages that refer to each other in a circle are refused.
namespace Tarn.Wasm.Wit;

/// <summary>Resolves packages.</summary>
/// <param name="features">Unstable features that are on.</param>
internal sealed class WitResolver(WitFeatures? features = null)
{
    private readonly WitFeatures _features = features ?? WitFeatures.None;
    private readonly OrderedDictionary<WitPackageName, WitPackage> _packages = [];

    /// <summary>All packages, each behind what it refers to.</summary>
    public IReadOnlyCollection<WitPackage> Packages => _packages.Values;

    /// <summary>Finds a package by its name.</summary>
    public WitPackage? Find(WitPackageName name) => _packages.GetValueOrDefault(name);

    /// <summary>Adds the package of a directory or file.</summary>
    /// <param name="path">The directory or file.</param>
    /// <exception cref="TextFormatException">The package is not valid.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public WitPackage AddPath(string path) => Directory.Exists(path) ? AddDirectory(path) : AddFile(path);

    /// <summary>Adds the package of a text.</summary>
    public WitPackage AddText(string fileName, string text) => Add(WitGroup.Parse([new WitSource(fileName, System.Text.Encoding.UTF8.GetBytes(text))]), []);

    /// <summary>Adds packages that are resolved already.</summary>
    public void Add(IEnumerable<WitPackage> packages)
    {
        foreach (WitPackage package in packages)
            _packages.TryAdd(package.Name, package);
    }

    private WitPackage AddFile(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        return WitDecoder.IsEncoded(bytes) ? AddEncoded(path, bytes) : Add(WitGroup.Parse([new WitSource(path, bytes)]), []);
    }

    private WitPackage AddEncoded(string path, byte[] bytes)
    {
        WitDecoded decoded = WitDecoder.Decode(bytes, path);
        Add(decoded.Packages);
        return _packages[decoded.Main.Name];
    }

    private WitPackage AddDirectory(string path)
    {
        List<WitGroup> dependencies = [];
        string deps = Path.Combine(path, "deps");
        if (Directory.Exists(deps))
        {
            foreach (string entry in Directory.EnumerateFileSystemEntries(deps).Order(StringComparer.Ordinal))
            {
                if (Directory.Exists(entry))
                {
                    dependencies.Add(WitGroup.Parse(Sources(entry)));
                    continue;
                }

                switch (Path.GetExtension(entry))
                {
                    case ".wit":
                        dependencies.Add(WitGroup.Parse([new WitSource(entry, File.ReadAllBytes(entry))]));
                        break;
                    case ".wasm" or ".wat":
                        AddEncoded(entry, File.ReadAllBytes(entry));
                        break;
                    default:
                        break;
                }
            }
        }

        return Add(WitGroup.Parse(Sources(path)), dependencies);
    }

    private static WitSource[] Sources(string path)
    {
        WitSource[] sources = [.. Directory.EnumerateFiles(path, "*.wit").Order(StringComparer.Ordinal).Select(file => new WitSource(file, File.ReadAllBytes(file)))];
        return sources.Length > 0 ? sources : throw TextFormatException.WithoutPlace("The directory has no WIT files.", path);
    }

    private WitPackage Add(WitGroup group, List<WitGroup> dependencies)
    {
        OrderedDictionary<WitPackageName, (PackageSyntax Syntax, PackageNames Names)> pending = [];
        foreach (WitGroup part in (List<WitGroup>)[group, .. dependencies])
        {
            foreach (PackageSyntax package in (PackageSyntax[])[part.Main, .. part.Nested])
            {
                if (pending.TryGetValue(package.Name, out (PackageSyntax Syntax, PackageNames) other))
                    throw package.Span.Error($"The package `{package.Name}` is defined in two places: the other one is {other.Syntax.Span.Describe()}.");
                pending.Add(package.Name, (package, new PackageNames(package)));
            }
        }

        List<WitPackageName> order = [];
        Dictionary<WitPackageName, bool> states = [];
        for (int i = pending.Count - 1; i >= 0; i--)
            Visit(pending.GetAt(i).Key, pending, states, order, 1);
        foreach (WitPackageName name in order)
        {
            (PackageSyntax syntax, PackageNames names) = pending[name];
            if (_packages.ContainsKey(name))
            {
                // What several directories have among their dependencies is the same package.
                if (name != group.Main.Name)
                    continue;
                throw syntax.Span.Error($"The package `{name}` is there already.");
            }

            _packages.Add(name, PackageResolver.Resolve(syntax, names, Find, _features));
        }

        return _packages[group.Main.Name];
    }

    private void Visit(
        WitPackageName name, OrderedDictionary<WitPackageName, (PackageSyntax Syntax, PackageNames Names)> pending, Dictionary<WitPackageName, bool> states, List<WitPackageName> order, int depth)
    {
        if (states.ContainsKey(name))
            return;
        (PackageSyntax syntax, PackageNames names) = pending[name];
        if (depth > MaximumChain)
            throw syntax.Span.Error("The packages depend on each other in too long a chain.");
        states.Add(name, false);
        foreach (ForeignName foreign in names.Foreign)
        {
            if (pending.ContainsKey(foreign.Package))
            {
                if (states.TryGetValue(foreign.Package, out bool isDone) && !isDone)
                    throw foreign.PackageSpan.Error($"The package `{foreign.Package}` depends on itself.");
                Visit(foreign.Package, pending, states, order, depth + 1);
            }
            else if (!_packages.ContainsKey(foreign.Package))
            {
                string known = string.Join(", ", pending.Keys.Concat(_packages.Keys).Distinct().Select(package => $"`{package}`").Order(StringComparer.Ordinal));
                throw foreign.PackageSpan.Error($"There is no package `{foreign.Package}`. Packages that are known: {known}.");
            }
        }

        states[name] = true;
        order.Add(name);
    }

    private const int MaximumChain = 1000;
}
