// tarn compile: compiles a module ahead of time into a file that tarn run loads without compiling.
using System.CommandLine;
using Tarn.Cli.Running;

namespace Tarn.Cli.Commands;

internal static class CompileCommand
{
    public static Command Create()
    {
        Argument<string> file = ModuleInput.File("The module: .wasm, .wat, or - for standard input.");
        Option<string?> output = new("--output", "-o") { Description = "The output file. The default is FILE with the extension .tarn.", HelpName = "PATH" };
        Option<MemoryStrategy> memory = RunCommand.MemoryOption("guarded or checked, as for tarn run.");
        Option<bool> fuel = new("--fuel") { Description = "Count instructions, for tarn run --fuel." };
        Option<WasmFeatures?> features = FeatureOption.Create("The default is 3.0. tarn run requires the same features.");
        Command command = new(
            "compile",
            """
            Compile a module ahead of time.

            The result runs with tarn run FILE.tarn, on the same kind of processor and with the same build of tarn: it is machine code, loaded as it is.
            Run only what you compiled yourself, or trust as you would trust a program.

            Examples:
              tarn compile app.wasm            writes app.tarn
              tarn run app.tarn                runs it
            """)
        {
            file, output, memory, fuel, features,
        };
        command.SetAction(arguments => Run(
            arguments.GetValue(file)!, arguments.GetValue(output), RunCommand.Options(arguments.GetValue(memory), lazy: false, arguments.GetValue(fuel), FeatureOption.ValueOf(arguments, features))));
        return command;
    }

    private static int Run(string path, string? output, EngineOptions options)
    {
        if (path == "-" && output is null)
        {
            Console.Error.WriteLine("tarn: say where to write with --output");
            return ExitStatus.Failed;
        }
        byte[] bytes = ModuleInput.Read(path);
        ModuleInput.RefuseForeign(bytes, path);
        options = ModuleLoader.Adapt(options, bytes.Length);
        using var engine = new Engine(options);
        byte[] artifact;
        using (Module module = ModuleLoader.Load(engine, path, bytes))
            artifact = module.Serialize();
        string target = output ?? Path.ChangeExtension(path, ".tarn");
        try
        {
            HostPath.WriteAllBytes(target, artifact);
        }
        catch (ArgumentOutOfRangeException e)
        {
            // What the framework makes of EFBIG.
            throw new IOException($"{ModuleInput.DisplayName(target)} cannot be written: a file of {ByteSize.Format(artifact.Length)} is larger than the system allows (ulimit -f)", e);
        }
        Console.WriteLine($"{ModuleInput.DisplayName(target)}: {ByteSize.Format(artifact.Length)} from {ByteSize.Format(bytes.Length)}");
        return ExitStatus.Done;
    }
}
