// How a script over components is to be run: the flags stand in its first lines, as wasm-tools reads them, or follow from its folder.
using System.Text;

namespace Tarn.Wast.Components;

/// <summary>What a script's components may use.</summary>
internal sealed record ComponentScriptOptions
{
    /// <summary>What the specification's own tests use: all that it describes and that is not behind a door of its own.</summary>
    private const WasmFeatures Reference = WasmFeatures.Wasm3 | WasmFeatures.Threads | WasmFeatures.ComponentAsync | WasmFeatures.ComponentAsyncStackful | WasmFeatures.ComponentThreading
        | WasmFeatures.ComponentFixedLengthLists | WasmFeatures.ComponentMaps | WasmFeatures.ComponentImplements | WasmFeatures.ComponentMoreAsync;

    public WasmFeatures Features { get; init; } = WasmFeatures.Wasm3 | WasmFeatures.Threads | WasmFeatures.ComponentAsync;

    /// <summary>Whether the text may write indices as it once could.</summary>
    public bool IsLenient { get; init; }

    /// <summary>Options for a script at a path such as <c>reference/values/strings.wast</c>.</summary>
    public static ComponentScriptOptions For(string path, ReadOnlySpan<byte> source)
    {
        if (path.Replace('\\', '/').StartsWith("reference/", StringComparison.Ordinal))
            return new ComponentScriptOptions { Features = Reference };
        ComponentScriptOptions options = new();
        foreach (string line in Encoding.UTF8.GetString(source[..Math.Min(source.Length, 400)]).Split('\n'))
        {
            if (!line.StartsWith(";; RUN: ", StringComparison.Ordinal))
                continue;
            string[] words = line[8..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            for (int i = 0; i < words.Length; i++)
            {
                if (words[i] == "-f" && i + 1 < words.Length)
                    options = options with { Features = options.Features | Named(words[i + 1]) };
                else if (words[i] == "--features=-exceptions")
                    options = options with { Features = options.Features & ~WasmFeatures.Exceptions };
                else if (words[i] == "WAST_STRICT_COMPONENT_INDICES=0")
                    options = options with { IsLenient = true };
            }
        }

        return options;
    }

    private static WasmFeatures Named(string flags)
    {
        WasmFeatures features = WasmFeatures.None;
        foreach (string flag in flags.Split(','))
        {
            features |= flag switch
            {
                "cm-async" => WasmFeatures.ComponentAsync,
                "cm-async-stackful" => WasmFeatures.ComponentAsyncStackful,
                "cm-more-async-builtins" => WasmFeatures.ComponentMoreAsync,
                "cm-threading" => WasmFeatures.ComponentThreading,
                "cm-error-context" => WasmFeatures.ComponentErrorContext,
                "cm-fixed-length-lists" => WasmFeatures.ComponentFixedLengthLists,
                "cm-map" => WasmFeatures.ComponentMaps,
                "cm-values" => WasmFeatures.ComponentValues,
                "cm-nested-names" => WasmFeatures.ComponentNestedNames,
                "cm-implements" => WasmFeatures.ComponentImplements,
                "cm-canon-names" => WasmFeatures.ComponentCanonicalNames,
                "cm64" => WasmFeatures.ComponentMemory64,
                "cm-gc" => WasmFeatures.ComponentGarbageCollection,
                "custom-page-sizes" => WasmFeatures.CustomPageSizes,
                _ => WasmFeatures.None,
            };
        }

        return features;
    }
}
