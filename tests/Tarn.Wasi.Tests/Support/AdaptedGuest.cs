// Programs of preview 1 as components: put through the adapter that the component tools have for them, which is fetched from npm with these tools. What was made is kept beside the packages.
using System.Diagnostics;
using System.Text;
using Tarn.Components;
using Tarn.TestSupport;
using Tarn.Wasm.Wit;

namespace Tarn.Wasi.Tests.Support;

internal static class AdaptedGuest
{
    private const string Jco = "@bytecodealliance/jco@1.35.0";
    private const string Transpile = "@bytecodealliance/jco-transpile@0.15.0";
    private const string Shim = "@bytecodealliance/preview2-shim@0.26.1";

    private static readonly Lock s_lock = new();

    /// <summary>The component of a checked-in program; null with a reason where the tools cannot be had.</summary>
    public static byte[]? TryAdapt(string program, out string absence)
    {
        string made = Repository.PathOf("artifacts", "npm", "adapted", program + ".wasm");
        lock (s_lock)
        {
            if (NpmPackages.TryGet(Jco, out absence) is not string jco || NpmPackages.TryGet(Transpile, out absence) is not string transpile || NpmPackages.TryGet(Shim, out absence) is not string shim)
                return null;
            if (File.Exists(made) && File.GetLastWriteTimeUtc(made) > File.GetLastWriteTimeUtc(Guest.PathOf(program)))
                return File.ReadAllBytes(made);
            string folder = Path.GetDirectoryName(made)!;
            Link(folder, "jco-transpile", transpile);
            Link(folder, "preview2-shim", shim);
            string script = Path.Combine(folder, "adapt.mjs");
            File.WriteAllText(script, """
                import fs from 'node:fs';
                import { $init, tools } from './node_modules/@bytecodealliance/jco-transpile/vendor/wasm-tools.js';
                await $init;
                const [adapter, from, to] = process.argv.slice(2);
                fs.writeFileSync(to, tools.componentNew(fs.readFileSync(from), [['wasi_snapshot_preview1', fs.readFileSync(adapter)]]));
                """);
            string work = $"{made}.{Environment.ProcessId}";
            ProcessStartInfo start = new("node", ["--preserve-symlinks", "--preserve-symlinks-main", script, Path.Combine(jco, "lib", "wasi_snapshot_preview1.command.wasm"), Guest.PathOf(program), work]) { RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{program} was not adapted: {error}");
            File.Move(work, made, overwrite: true);
            return File.ReadAllBytes(made);
        }
    }

    // With the same adapter, by Tarn.
    private static byte[]? TryMake(string program, out string absence) => NpmPackages.TryGet(Jco, out absence) is not string jco ? null : ComponentMaker.Make(
        File.ReadAllBytes(Guest.PathOf(program)), [("wasi_snapshot_preview1", File.ReadAllBytes(Path.Combine(jco, "lib", "wasi_snapshot_preview1.command.wasm")))], WasmFeatures.Wasm3, withNames: true);

    /// <summary>Runs a program as a component; skips the test where the tools cannot be had.</summary>
    public static GuestResult Run(string program, string[] arguments, WasiOptions? options = null, bool isMadeHere = false, CancellationToken cancellationToken = default)
    {
        byte[]? bytes = isMadeHere ? TryMake(program, out string absence) : TryAdapt(program, out absence);
        Assert.SkipWhen(bytes is null, $"NOT RUN: {absence}");
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        options = (options ?? new WasiOptions()) with { Arguments = [program, .. arguments], StandardOutput = output, StandardError = error };
        using var context = new WasiContext(options);
        using Component component = Component.FromBytes(Guest.Engine, bytes);
        using ComponentInstance instance = new ComponentLinker(Guest.Engine).DefineWasi().Prepare(component).Instantiate(context, cancellationToken);
        int status = context.Run(instance, cancellationToken);
        return new GuestResult(status, Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(error.ToArray()));
    }

    private static void Link(string folder, string name, string target)
    {
        string modules = Path.Combine(folder, "node_modules", "@bytecodealliance");
        Directory.CreateDirectory(modules);
        if (!Directory.Exists(Path.Combine(modules, name)))
            Directory.CreateSymbolicLink(Path.Combine(modules, name), target);
    }
}
