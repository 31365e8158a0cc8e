// --features: which proposals modules may use, on top of WebAssembly 3.0. Names are those of WasmFeatures in kebab case; a minus in front removes one.
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;

namespace Tarn.Cli;

internal static class FeatureOption
{
    private const string Description =
        "Features that modules may use in addition to WebAssembly 3.0, separated by commas: threads, custom-page-sizes, wide-arithmetic, compact-imports, or all. =-simd removes a feature (the = is required), and none allows WebAssembly 1.0 only.";

    /// <summary>The option; null where it is not given.</summary>
    /// <param name="otherwise">What holds then.</param>
    public static Option<WasmFeatures?> Create(string otherwise = "The default is 3.0.") => new("--features", "-f")
    {
        Description = $"{Description} {otherwise}",
        HelpName = "NAMES",
        CustomParser = result => Parse(result),
    };

    /// <summary>What is given, or WebAssembly 3.0.</summary>
    public static WasmFeatures ValueOf(ParseResult arguments, Option<WasmFeatures?> option) => arguments.GetValue(option) ?? WasmFeatures.Wasm3;

    /// <summary>The feature's name on the command line.</summary>
    public static string NameOf(WasmFeatures feature)
    {
        StringBuilder name = new();
        foreach (char c in feature.ToString())
        {
            if (char.IsAsciiLetterUpper(c) && name.Length > 0)
                name.Append('-');
            name.Append(char.ToLowerInvariant(c));
        }

        return name.ToString();
    }

    private static WasmFeatures Parse(ArgumentResult result)
    {
        WasmFeatures features = WasmFeatures.Wasm3;
        foreach (string word in string.Join(',', result.Tokens.Select(token => token.Value)).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            bool remove = word[0] is '-' or '!';
            string name = word.TrimStart('-', '!');
            if (!TryFind(name, out WasmFeatures feature))
            {
                result.AddError($"There is no feature called '{name}'. There are: {string.Join(", ", Enum.GetValues<WasmFeatures>().Select(NameOf))}.");
                return features;
            }

            features = feature == WasmFeatures.None ? WasmFeatures.None : remove ? features & ~feature : features | feature;
        }

        return features;
    }

    private static bool TryFind(string name, out WasmFeatures feature)
    {
        foreach (WasmFeatures candidate in Enum.GetValues<WasmFeatures>())
        {
            if (NameOf(candidate).Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                feature = candidate;
                return true;
            }
        }

        feature = default;
        return false;
    }
}
