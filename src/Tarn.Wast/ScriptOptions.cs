// How a script of the specification's suite is to be run, which its folder decides: the suite keeps each proposal and what 3.0 gave up in folders of their own.
namespace Tarn.Wast;

/// <summary>What a script's modules may use.</summary>
internal sealed record ScriptOptions
{
    private const WasmFeatures BeforeReferenceTypes =
        WasmFeatures.MutableGlobals | WasmFeatures.SaturatingFloatToInt | WasmFeatures.SignExtension | WasmFeatures.MultiValue | WasmFeatures.BulkMemory;

    /// <summary>What modules may use.</summary>
    public WasmFeatures Features { get; init; } = WasmFeatures.Wasm3;

    /// <summary>Options for a script at a path such as <c>proposals/threads/atomic.wast</c>.</summary>
    public static ScriptOptions ForPath(string path)
    {
        path = "/" + path.Replace('\\', '/');
        if (path.Contains("/legacy/", StringComparison.Ordinal))
            return new ScriptOptions { Features = WasmFeatures.Wasm3 | WasmFeatures.LegacyExceptions };
        // These scripts date from before 2.0: they assert that a second table or memory is invalid and that the text's limits are 32-bit numbers.
        if (path.Contains("/proposals/threads/", StringComparison.Ordinal))
            return new ScriptOptions { Features = BeforeReferenceTypes | WasmFeatures.Threads };
        if (path.Contains("/proposals/custom-page-sizes/", StringComparison.Ordinal))
            return new ScriptOptions { Features = WasmFeatures.Wasm3 | WasmFeatures.CustomPageSizes };
        if (path.Contains("/proposals/wide-arithmetic/", StringComparison.Ordinal))
            return new ScriptOptions { Features = WasmFeatures.Wasm3 | WasmFeatures.WideArithmetic };
        return new ScriptOptions();
    }
}
