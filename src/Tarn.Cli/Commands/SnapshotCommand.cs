// tarn snapshot: runs a module's initialization once and writes the compiled module together with the state that it left. What tarn run does with the file begins there.
using System.CommandLine;
using Tarn.Cli.Running;
using Tarn.Wasi;

namespace Tarn.Cli.Commands;

internal static class SnapshotCommand
{
    // What Wizer calls without being asked, now and in the past.
    private static readonly string[] s_conventional = ["wizer-initialize", "wizer.initialize"];

    public static Command Create()
    {
        Argument<string> file = ModuleInput.File("The module: .wasm, .wat, a module compiled by tarn compile, or - for standard input.");
        Option<string?> output = new("--output", "-o") { Description = "The output file. The default is FILE with the extension .tarn.", HelpName = "PATH" };
        Option<string[]> invoke = new("--invoke", "-i") { Description = "Call this exported function, which takes no parameters; several in this order. The default is wizer-initialize or wizer.initialize, if there is one.", HelpName = "NAME" };
        Option<string[]> directories = new("--dir", "-d") { Description = "Let the initialization use this directory, as for tarn run.", HelpName = "HOST[::GUEST]" };
        Option<string[]> readOnly = new("--read-dir") { Description = "As --dir, for reading only.", HelpName = "HOST[::GUEST]" };
        Option<string[]> variables = new("--env", "-e") { Description = "Set an environment variable of the guest, as for tarn run.", HelpName = "NAME[=VALUE]" };
        Option<UnknownImports> unknownImports = new("--unknown-imports")
        {
            Description = "How imported functions without a definition are treated, as for tarn run.",
            HelpName = "refuse|trap|zero",
            DefaultValueFactory = _ => UnknownImports.Refuse,
            CustomParser = RunCommand.Choice<UnknownImports>("refuse, trap or zero"),
        };
        Option<MemoryStrategy> memory = RunCommand.MemoryOption("guarded or checked, as for tarn run.");
        Option<bool> fuel = new("--fuel") { Description = "Count instructions, for tarn run --fuel." };
        Option<WasmFeatures?> features = FeatureOption.Create("The default is 3.0. tarn run requires the same features.");
        Command command = new(
            "snapshot",
            """
            Initialize a module once and keep its state.

            The module's start function, _initialize and the functions named by --invoke are run. Memories, globals, tables and dropped segments are written with the compiled module.
            tarn run FILE.tarn --invoke NAME continues from there, without running any of them again.
            What refers to something outside of the module, such as a file that is open, refuses the snapshot with the reason.

            Examples:
              tarn snapshot app.wasm --invoke init           writes app.tarn
              tarn run --invoke handle app.tarn              continues from the state that init left
            """)
        {
            file, output, invoke, directories, readOnly, variables, unknownImports, features, memory, fuel,
        };
        command.SetAction(arguments =>
        {
            try
            {
                string path = arguments.GetValue(file)!;
                return Run(
                    path,
                    arguments.GetValue(output),
                    arguments.GetValue(invoke) ?? [],
                    RunCommand.Options(arguments.GetValue(memory), lazy: false, arguments.GetValue(fuel), FeatureOption.ValueOf(arguments, features)),
                    GuestWorld.Options(path, [], arguments.GetValue(directories) ?? [], arguments.GetValue(readOnly) ?? [], arguments.GetValue(variables) ?? []),
                    arguments.GetValue(unknownImports));
            }
            catch (ArgumentException e)
            {
                Console.Error.WriteLine($"tarn: {Problem.MessageOf(e)}");
                return ExitStatus.Failed;
            }
        });
        return command;
    }

    private static int Run(string path, string? output, string[] names, EngineOptions options, WasiOptions world, UnknownImports unknownImports)
    {
        if (path == "-" && output is null)
            throw new ArgumentException("say where to write with --output");
        byte[] bytes = ModuleInput.Read(path);
        using var engine = new Engine(ModuleLoader.Adapt(options, bytes.Length));
        using Module module = ModuleLoader.Load(engine, path, bytes);
        string[] functions = names.Length != 0 ? names : [.. s_conventional.Where(name => module.Exports.Any(export => export.Name == name && export.Kind == ExternKind.Function)).Take(1)];
        bool isReactor = !module.HasSnapshot && module.Exports.Any(static export => export is { Name: "_initialize", Kind: ExternKind.Function });
        if (functions.Length == 0 && !isReactor && module.Wasm.StartFunction < 0)
            throw new ArgumentException($"{ModuleInput.DisplayName(path)} says nothing of how it is initialized; name a function with --invoke");
        using var context = new WasiContext(world);
        var linker = new Linker(engine);
        unknownImports.Define(linker, module);
        if (module.Imports.Any(static import => import.Module == WasiLinkerExtensions.ModuleName))
            linker.DefineWasi(context);
        if (module.Imports.Any(static import => import.Module == WasiLinkerExtensions.UnstableModuleName))
            linker.DefineWasiUnstable(context);
        using InstanceTemplate template = ProgramRun.Prepare(linker, module);
        byte[] artifact;
        try
        {
            using InstanceTemplate initialized = template.Initialize(instance =>
            {
                if (isReactor)
                    instance.GetAction("_initialize").Invoke();
                foreach (string name in functions)
                    _ = instance.GetFunction(name).Invoke();
            });
            artifact = initialized.Serialize();
            string target = output ?? Path.ChangeExtension(path, ".tarn");
            HostPath.WriteAllBytes(target, artifact);
            Console.WriteLine($"{ModuleInput.DisplayName(target)}: {ByteSize.Format(artifact.Length)}, {ByteSize.Format(initialized.SnapshotBytes)} of them memory");
            return ExitStatus.Done;
        }
        catch (TrapException e)
        {
            Console.Error.WriteLine(TrapReport.Describe(e.Trap));
            return ExitStatus.Trapped;
        }
        catch (WasiExitException e)
        {
            Console.Error.WriteLine($"tarn: the initialization ended the program, with status {e.ExitCode}: there is nothing to continue");
            return ExitStatus.Failed;
        }
        catch (SnapshotException e)
        {
            Console.Error.WriteLine($"tarn: {e.Message}");
            return ExitStatus.Failed;
        }
    }
}
