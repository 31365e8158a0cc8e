// One `tarn run`, from the module's path to the exit status.
using Tarn.Cli.Commands;
using Tarn.Components;
using Tarn.Dumps;
using Tarn.Stores;
using Tarn.Wasi;

namespace Tarn.Cli.Running;

internal sealed class ProgramRun(string path, string[] arguments, EngineOptions options)
{
    // What the runtime's message says of an option that the command line does not have.
    private readonly string _memoryLimit = $" (EngineOptions.MaximumMemoryPages = {options.MaximumMemoryPages})";

    public string[] Directories { get; init; } = [];

    public string[] ReadOnlyDirectories { get; init; } = [];

    public string[] Variables { get; init; } = [];

    public string? Function { get; init; }

    public StoreLimits? Limits { get; init; }

    public TimeSpan? Timeout { get; init; }

    /// <summary>What becomes of imported functions that nothing defines.</summary>
    public UnknownImports UnknownImports { get; init; }

    /// <summary>Where a dump of a guest that trapped goes, if anywhere.</summary>
    public string? CoreDumpPath { get; init; }

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
        catch (GuestException e)
        {
            Console.Error.WriteLine($"tarn: {e.Message}");
            return ExitStatus.Trapped;
        }
        catch (ComponentTrapException e)
        {
            Console.Error.WriteLine($"tarn: the guest trapped: {e.Message}");
            return ExitStatus.Trapped;
        }
        catch (ComponentLinkException e)
        {
            Console.Error.WriteLine($"tarn: {e.Message}\nhint: --unknown-imports trap lets a component run that does not call it");
            return ExitStatus.Failed;
        }
        catch (OperationCanceledException e) when (watchdog.Status != 0)
        {
            Console.Error.WriteLine($"tarn: the guest was stopped: {watchdog.Reason}");
            if (e.InnerException is TrapException { Trap.Backtrace: { Count: > 0 } frames })
                Console.Error.WriteLine(string.Join('\n', frames.Take(20).Select(frame => $"   at {frame}")));
            return watchdog.Status;
        }
        catch (InstantiationException e) when (e.Message.Contains(_memoryLimit, StringComparison.Ordinal))
        {
            Console.Error.WriteLine($"tarn: {e.Message.Replace(_memoryLimit, "", StringComparison.Ordinal)}\nhint: --max-memory with a larger size, for example 4G, lets a program have as much");
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

    private int Execute(Watchdog watchdog)
    {
        byte[]? bytes = ModuleLoader.ReadUnlessCompiled(path);
        EngineOptions adapted = ModuleLoader.Adapt(options, bytes?.Length ?? 0);
        using var engine = new Engine(adapted);
        if (bytes is not null && ComponentRun.IsComponent(bytes))
        {
            return new ComponentRun(path, bytes)
            {
                World = GuestWorld.Options(path, arguments, Directories, ReadOnlyDirectories, Variables),
                Function = Function,
                Limits = Limits,
                UnknownImports = UnknownImports,
                Dump = CoreDumpPath is null ? null : Dump,
            }.Execute(engine, watchdog);
        }

        using Module module = bytes is null ? ModuleLoader.LoadCompiled(engine, path) : ModuleLoader.Load(engine, path, bytes);
        if (path != "-")
            module.Core.Symbols.UseSourceMaps(FindSourceMap);
        (string? asked, string[] guestArguments) = Invoked(module);
        string function = RunCommand.ExportToRun(module, asked);
        bool isProgram = asked is null && function == "_start";
        var linker = new Linker(engine);
        UnknownImports.Define(linker, module);
        using var context = new WasiContext(GuestWorld.Options(path, isProgram ? guestArguments : [], Directories, ReadOnlyDirectories, Variables));
        if (module.Imports.Any(import => import.Module == WasiLinkerExtensions.ModuleName))
            linker.DefineWasi(context);
        if (module.Imports.Any(import => import.Module == WasiLinkerExtensions.UnstableModuleName))
            linker.DefineWasiUnstable(context);
        // Emscripten's standalone programs tell their host that views of the memory are stale. We keep none.
        if (module.Imports.Any(import => import is { Module: "env", Name: "emscripten_notify_memory_growth", Kind: ExternKind.Function }))
            linker.DefineFunction("env", "emscripten_notify_memory_growth", (int memory) => { });
        using InstanceTemplate template = Prepare(linker, module);
        CancellationToken token = watchdog.Token;
        // Everything that could be refused has been: from here on it is the guest's time, its start function's too.
        watchdog.EnterGuest();
        try
        {
            Instance made;
            try
            {
                made = Wait(template.InstantiateAsync(limits: Limits, cancellationToken: token));
            }
            catch (TrapException) when (CoreDumpPath is not null)
            {
                ReportNoDump();
                throw;
            }

            using Instance instance = made;
            try
            {
                if (isProgram)
                    return context.Run(instance, token);
                if (!module.HasSnapshot && instance.TryGetFunction("_initialize", out Function initialize))
                    Wait(initialize.InvokeAsync([], token));
                Call(instance.GetFunction(function), guestArguments, token);
                return ExitStatus.Done;
            }
            catch (Exception e) when (CoreDumpPath is not null && (e as TrapException ?? e.InnerException as TrapException) is TrapException trap)
            {
                Dump([instance.Data], trap.Trap.Backtrace);
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

    private static T Wait<T>(ValueTask<T> call) => call.IsCompleted ? call.GetAwaiter().GetResult() : call.AsTask().GetAwaiter().GetResult();

    internal static InstanceTemplate Prepare(Linker linker, Module module)
    {
        try
        {
            return linker.Prepare(module);
        }
        catch (LinkException e)
        {
            throw new ArgumentException($"{e.Message}\nhint: {LinkHints.Of(e, module)}", e);
        }
    }

    // The instance did not come into being, and what there was of it is gone.
    private static void ReportNoDump() => Console.Error.WriteLine("tarn: --coredump: the guest trapped while it was instantiated, and no dump is written");

    private void Dump(IReadOnlyList<InstanceData>? instances, IReadOnlyList<GuestFrame> backtrace)
    {
        if (instances is null)
        {
            ReportNoDump();
            return;
        }


        try
        {
            using HostPath target = HostPath.ForWriting(CoreDumpPath!);
            using var stream = new FileStream(target.Usable, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
            CoreDump.Write(stream, ModuleInput.DisplayName(path), instances, backtrace);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // The trap is what the user has to hear of; the last is what the framework makes of EFBIG.
            Console.Error.WriteLine($"tarn: --coredump {ModuleInput.DisplayName(CoreDumpPath!)}: {e.Message}");
        }
    }

    // Beside the module and nowhere else: the name is the module's. Asked for when there is a backtrace to print.
    private byte[]? FindSourceMap(string url)
    {
        string name = url.StartsWith("./", StringComparison.Ordinal) ? url[2..] : url;
        if (name.Length == 0 || name is "." or ".." || name.AsSpan().IndexOfAny('/', '\\', ':') >= 0 || name.Contains('\0', StringComparison.Ordinal))
            name = name.StartsWith("http", StringComparison.Ordinal) && Uri.TryCreate(name, UriKind.Absolute, out Uri? address) ? Path.GetFileName(address.LocalPath) : "";
        if (name.Length == 0)
            return null;
        try
        {
            using HostPath file = HostPath.ForReading(Path.Combine(Path.GetDirectoryName(path) ?? "", name));
            // Pipes and devices, which might never end, have no length.
            return File.Exists(file.Usable) && new FileInfo(file.Usable).Length > 0 ? File.ReadAllBytes(file.Usable) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // --invoke behind a module that is no program: its functions take numbers, so it can be nothing else.
    private (string? Function, string[] Arguments) Invoked(Module module)
    {
        if (Function is not null || module.Exports.Any(export => export is { Name: "_start", Kind: ExternKind.Function }))
            return (Function, arguments);
        return arguments switch
        {
            ["--invoke" or "-i", string name, .. string[] rest] => (name, rest),
            [string word, .. string[] rest] when word.StartsWith("--invoke=", StringComparison.Ordinal) => (word["--invoke=".Length..], rest),
            _ => (Function, arguments),
        };
    }

    private static void Call(Function function, string[] arguments, CancellationToken token)
    {
        FunctionType type = function.Type;
        foreach (Value result in Wait(function.InvokeAsync(FunctionArguments.Parse(arguments, type), token)))
            Console.WriteLine(FunctionArguments.Format(result));
    }
}
