// One `tarn run`, from the module's path to the exit status.
using Tarn.Cli.Commands;
using Tarn.Wasi;

namespace Tarn.Cli.Running;

internal sealed class ProgramRun(string path, string[] arguments, EngineOptions options)
{
    public string[] Directories { get; init; } = [];

    public string[] ReadOnlyDirectories { get; init; } = [];

    public string[] Variables { get; init; } = [];

    public string? Function { get; init; }

    public StoreLimits? Limits { get; init; }

    public TimeSpan? Timeout { get; init; }

    public CompilationCache? Cache { get; init; }

    /// <summary>Runs the program.</summary>
    /// <returns>The exit status.</returns>
    public int Execute()
    {
        using var watchdog = new Watchdog(Timeout);
        try
        {
            return Execute(watchdog);
        }
        catch (TrapException e)
        {
            Console.Error.WriteLine(TrapReport.Describe(e.Trap));
            return ExitStatus.Trapped;
        }
        catch (OperationCanceledException e) when (watchdog.Status != 0)
        {
            Console.Error.WriteLine($"tarn: the guest was stopped: {watchdog.Reason}");
            if (e.InnerException is TrapException { Trap.Backtrace: { Count: > 0 } frames })
                Console.Error.WriteLine(string.Join('\n', frames.Take(20).Select(frame => $"   at {frame}")));
            return watchdog.Status;
        }
        catch (LinkException e)
        {
            Console.Error.WriteLine($"tarn: {e.Message}\nhint: {LinkHint(e)}");
            return ExitStatus.Failed;
        }
        catch (InstantiationException e) when (Limits?.MaximumMemoryBytes is not null)
        {
            Console.Error.WriteLine($"tarn: {e.Message}\nhint: the program asks for more memory at its start than --max-memory allows");
            return ExitStatus.Failed;
        }
        catch (IncompatibleArtifactException e)
        {
            Console.Error.WriteLine($"tarn: {e.Message}");
            return ExitStatus.Failed;
        }
    }

    private static string LinkHint(LinkException e) => e.ImportModule switch
    {
        WasiLinkerExtensions.ModuleName => "this function is not part of WASI preview 1, or has another type there",
        "wasi_unstable" => "this is the snapshot before preview 1; build the program with a toolchain later than 2019",
        string m when m.StartsWith("wasi:", StringComparison.Ordinal) => "this is WASI preview 2; build for wasm32-wasip1",
        "env" or "a" or "gojs" or "wbg" => "the module was built for a JavaScript host (Emscripten, js/wasm, wasm-bindgen); build it for WASI: wasm32-wasip1, -sSTANDALONE_WASM, GOOS=wasip1",
        _ => "tarn run offers WASI preview 1 and nothing else; a host with functions of its own is a few lines of C#, see the samples",
    };

    private int Execute(Watchdog watchdog)
    {
        byte[]? bytes = ModuleLoader.ReadUnlessCompiled(path);
        EngineOptions adapted = ModuleLoader.Adapt(options, bytes?.Length ?? 0);
        using var engine = new Engine(adapted);
        using Module module = bytes is null ? ModuleLoader.LoadCompiled(engine, path) : ModuleLoader.Load(adapted, engine, path, bytes, Cache);
        string function = RunCommand.ExportToRun(module, Function);
        bool isProgram = Function is null && function == "_start";
        var linker = new Linker(engine);
        using var context = new WasiContext(GuestWorld.Options(path, isProgram ? arguments : [], Directories, ReadOnlyDirectories, Variables));
        if (module.Imports.Any(import => import.Module == WasiLinkerExtensions.ModuleName))
            linker.DefineWasi(context);
        using InstanceTemplate template = linker.Prepare(module);
        CancellationToken token = watchdog.Token;
        // Everything that could be refused has been: from here on it is the guest's time, its start function's too.
        watchdog.EnterGuest();
        try
        {
            using Instance instance = Wait(template.InstantiateAsync(limits: Limits, cancellationToken: token));
            if (isProgram)
                return context.Run(instance, token);
            if (instance.TryGetFunction("_initialize", out Function initialize))
                Wait(initialize.InvokeAsync([], token));
            Call(instance.GetFunction(function), token);
            return ExitStatus.Done;
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

    private static T Wait<T>(ValueTask<T> call) => call.IsCompleted ? call.GetAwaiter().GetResult() : call.AsTask().GetAwaiter().GetResult();

    private void Call(Function function, CancellationToken token)
    {
        FunctionSignature signature = function.Signature;
        foreach (Value result in Wait(function.InvokeAsync(FunctionArguments.Parse(arguments, signature), token)))
            Console.WriteLine(FunctionArguments.Format(result));
    }
}
