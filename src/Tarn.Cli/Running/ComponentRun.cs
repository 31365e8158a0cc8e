// `tarn run` of a component: a program of WASI 0.2 with the same arguments, directories, streams and limits as one of preview 1.
using Tarn.Components;
using Tarn.Wasi;
using Tarn.Wasm.Component;

namespace Tarn.Cli.Running;

internal sealed class ComponentRun(string path, byte[] bytes)
{
    private const string RunInterface = "wasi:cli/run@0.2.0";

    public required WasiOptions World { get; init; }

    public string? Function { get; init; }

    public StoreLimits? Limits { get; init; }

    public UnknownImports UnknownImports { get; init; }

    /// <summary>Whether a file is a component, in binary or in text.</summary>
    public static bool IsComponent(ReadOnlySpan<byte> bytes) => WasmComponent.IsComponent(bytes) || ComponentParser.IsComponent(bytes);

    /// <summary>Runs the component.</summary>
    /// <returns>The exit status.</returns>
    public int Execute(Engine engine, Watchdog watchdog)
    {
        if (Function is not null)
            throw new ArgumentException($"--invoke {Function}: functions of components take values that the command line has no notation for; call them from C#");
        if (UnknownImports == UnknownImports.Zero)
            throw new ArgumentException("--unknown-imports zero is for core modules; use trap for a component");
        using Component component = WasmComponent.IsComponent(bytes) ? Component.FromBytes(engine, bytes) : Component.FromText(engine, System.Text.Encoding.UTF8.GetString(bytes));
        if (!component.Exports.Any(export => export.Name.StartsWith("wasi:cli/run@0.2.", StringComparison.Ordinal)))
        {
            string exports = string.Join(", ", component.Exports.Select(export => export.Name));
            throw new ArgumentException($"{ModuleInput.DisplayName(path)}: the component is not a program: it does not export {RunInterface}; it exports {(exports.Length == 0 ? "nothing" : exports)}");
        }

        using WasiContext context = new(World);
        ComponentLinker linker = new ComponentLinker(engine).DefineWasi(context);
        if (UnknownImports == UnknownImports.Trap)
            linker.DefineUnknownImportsAsTraps();
        ComponentTemplate template = linker.Prepare(component, new ComponentOptions { StoreLimits = Limits });
        watchdog.EnterGuest();
        try
        {
            using ComponentInstance instance = template.Instantiate(cancellationToken: watchdog.Token);
            return context.Run(instance, watchdog.Token);
        }
        catch (WasiExitException exit)
        {
            return exit.ExitCode;
        }
        finally
        {
            watchdog.LeaveGuest();
        }
    }
}
