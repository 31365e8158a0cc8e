// `tarn run` of a component: a program of WASI 0.2 with the same arguments, directories, streams and limits as one of preview 1.
using Tarn.Components;
using Tarn.Stores;
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

    /// <summary>Writes a dump of a component that trapped, if one is asked for; without instances where it trapped before there was one.</summary>
    public Action<IReadOnlyList<InstanceData>?, IReadOnlyList<GuestFrame>>? Dump { get; init; }

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
            using ComponentInstance instance = Instantiate(template, watchdog.Token);
            try
            {
                return context.Run(instance, watchdog.Token);
            }
            catch (Exception e) when (Dump is not null && IsTrap(e, out IReadOnlyList<GuestFrame> backtrace))
            {
                Dump([.. instance.CoreInstances.Select(core => core.Data)], backtrace);
                throw;
            }
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

    private ComponentInstance Instantiate(ComponentTemplate template, CancellationToken token)
    {
        try
        {
            return template.Instantiate(cancellationToken: token);
        }
        catch (Exception e) when (Dump is not null && IsTrap(e, out _))
        {
            Dump(null, []);
            throw;
        }
    }

    // Where a rule of the canonical ABI was broken there is a dump, and no stack where the guest was not running.
    private static bool IsTrap(Exception exception, out IReadOnlyList<GuestFrame> backtrace)
    {
        TrapException? trap = exception as TrapException ?? exception.InnerException as TrapException;
        backtrace = trap?.Trap.Backtrace ?? [];
        return trap is not null || exception is ComponentTrapException;
    }
}
