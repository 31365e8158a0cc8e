// Printing, parsing, encoding and decoding WIT are each other's inverse, on the suite's packages and on the interfaces of WASI.
using Tarn.TestSupport;
using Tarn.Wasm.Component;
using Tarn.Wasm.Wit;

namespace Tarn.Wasm.Tests.Wit;

public sealed class WitRoundTripTests
{
    // What cannot be resolved with all features on, or needs a file that is not in the suite.
    private static readonly string[] s_left = ["parse-fail", "kinds-of-deps", "foreign-world-dep-gated.wit"];

    public static TheoryData<string> Packages => [.. Paths()];

    public static bool IsHere => !ComponentSuite.Skipped;

    [Theory(SkipUnless = nameof(IsHere), Skip = ComponentSuite.Absence)]
    [MemberData(nameof(Packages))]
    public void What_is_printed_parses_to_the_same(string path)
    {
        WitResolver resolver = Resolve(path, out WitPackage main);
        string text = WitPrinter.Print(main, Behind(resolver, main));
        WitResolver again = new(WitFeatures.Every);
        WitPackage parsed = again.AddText("printed.wit", text);
        Assert.Equal(text, WitPrinter.Print(parsed, Behind(again, parsed)));
    }

    [Theory(SkipUnless = nameof(IsHere), Skip = ComponentSuite.Absence)]
    [MemberData(nameof(Packages))]
    public void What_is_encoded_is_valid_and_decodes_to_the_same(string path)
    {
        Resolve(path, out WitPackage main);
        if (main.Interfaces.Count + main.Worlds.Count == 0)
            return;
        byte[] encoded = WitEncoder.Encode(main);
        // WIT has records without fields, components have not.
        if (main.Interfaces.Values.SelectMany(definition => definition.Types.Values).Concat(main.Worlds.Values.SelectMany(world => world.Imports.Values).Select(item => item.Type).OfType<WitTypeDef>()).Any(type => type.Kind == WitTypeKind.Record && type.Names.Length == 0))
        {
            Assert.Contains("at least one field", Assert.Throws<InvalidModuleException>(() => WitDecoder.Decode(encoded)).Message, StringComparison.Ordinal);
            return;
        }

        ComponentValidator.Validate(WasmComponent.Decode(encoded, WasmFeatures.All), WasmFeatures.All);
        WitDecoded decoded = WitDecoder.Decode(encoded);
        Assert.Null(decoded.World);
        Assert.Equal(Normal(WitPrinter.Print(main)), Normal(WitPrinter.Print(decoded.Main)));
        byte[] again = WitEncoder.Encode(decoded.Main);
        Assert.Equal(encoded, again);
    }

    // Documentation and gates are not part of the encoding.
    private static string Normal(string text) => string.Join('\n', text.Split('\n').Where(line => line.Trim() is { } trimmed && !trimmed.StartsWith("///", StringComparison.Ordinal) && !trimmed.StartsWith('@') && trimmed.Length > 0));

    private static IEnumerable<WitPackage> Behind(WitResolver resolver, WitPackage main) => resolver.Packages.Where(package => package != main);

    private static WitResolver Resolve(string path, out WitPackage main)
    {
        WitResolver resolver = new(WitFeatures.Every);
        main = resolver.AddPath(Path.Combine(ComponentSuite.RequiredFolder, path));
        return resolver;
    }

    private static IEnumerable<string> Paths()
    {
        if (ComponentSuite.Folder is not string root)
            return [];
        string parser = Path.Combine(root, "wasm-tools/wit-parser"), codegen = Path.Combine(root, "wit-codegen");
        return Directory.EnumerateFileSystemEntries(parser).Where(entry => !s_left.Contains(Path.GetFileName(entry)) && (Directory.Exists(entry) || entry.EndsWith(".wit", StringComparison.Ordinal)))
            .Concat(Directory.EnumerateFileSystemEntries(codegen).Select(entry => Directory.Exists(Path.Combine(entry, "wit")) ? Path.Combine(entry, "wit") : entry))
            .Select(entry => Path.GetRelativePath(root, entry)).Order(StringComparer.Ordinal);
    }
}
