// Files that are one package, and the packages nested in them: what is parsed together before anything is resolved.
namespace Tarn.Wasm.Wit;

/// <summary>A package as its files have it.</summary>
internal sealed record PackageSyntax(WitPackageName Name, WitSpan Span, string? Docs, FileSyntax[] Files);

/// <summary>The packages of some files.</summary>
/// <param name="Main">The package of the files themselves.</param>
/// <param name="Nested">The packages nested in it.</param>
internal sealed record WitGroup(PackageSyntax Main, PackageSyntax[] Nested)
{
    /// <summary>Parses files that are one package.</summary>
    public static WitGroup Parse(IReadOnlyList<WitSource> sources) => Make([.. sources.Select(WitParser.Parse)], string.Join(", ", sources.Select(source => source.FileName)));

    private static WitGroup Make(FileSyntax[] files, string description)
    {
        WitPackageName? name = null;
        WitSpan span = default;
        string? docs = null;
        List<PackageSyntax> nested = [];
        foreach (FileSyntax file in files)
        {
            if (file.Package is not null)
            {
                if (name is not null && name != file.Package)
                    throw file.PackageSpan.Error($"The package `{file.Package}` is not `{name}`, which another file of the same package names.");
                (name, span) = name is null ? (file.Package, file.PackageSpan) : (name, span);
                if (file.Docs is not null && docs is not null)
                    throw file.DocsSpan.Error("The package is documented more than once.");
                docs ??= file.Docs;
            }

            foreach (NestedPackageSyntax inner in file.Items.OfType<NestedPackageSyntax>())
            {
                if (inner.Package.Items.OfType<NestedPackageSyntax>().FirstOrDefault() is NestedPackageSyntax innermost)
                    throw innermost.Package.PackageSpan.Error("Nested packages must be at the top level of a file.");
                nested.Add(new PackageSyntax(inner.Package.Package!, inner.Package.PackageSpan, inner.Package.Docs, [inner.Package]));
            }
        }

        if (name is null)
            throw TextFormatException.WithoutPlace("No file of the package has a `package` declaration.", description);
        return new WitGroup(new PackageSyntax(name, span, docs, files), [.. nested]);
    }
}
