// tarn print: a module as text, names where the module has them.
using System.CommandLine;
using Tarn.Wasm;
using Tarn.Wasm.Text;

namespace Tarn.Cli.Commands;

internal static class PrintCommand
{
    public static Command Create()
    {
        Argument<string> file = ModuleInput.File("A module, or - for standard input.");
        Option<bool> folded = new("--folded") { Description = "Nest operands in their instructions, instead of one instruction a line." };
        Option<string?> output = new("--output", "-o") { Description = "The output file. The default is standard output.", HelpName = "FILE" };
        Option<WasmFeatures?> features = FeatureOption.Create();
        Command command = new(
            "print",
            """
            Write a module as text, with names where it has them.

            Examples:
              tarn print app.wasm | less                 one instruction a line
              tarn print --folded app.wasm -o app.wat    operands nested in their instructions
            """)
        {
            file, folded, output, features,
        };
        command.SetAction(arguments => Run(arguments.GetValue(file)!, arguments.GetValue(folded), arguments.GetValue(output), FeatureOption.ValueOf(arguments, features)));
        return command;
    }

    private static int Run(string path, bool folded, string? output, WasmFeatures features)
    {
        WasmModule module = ModuleInput.ReadModule(path, features);
        using HostPath? target = output is null or "-" ? null : HostPath.ForWriting(output);
        using Stream to = target is null ? Console.OpenStandardOutput() : File.Create(target.Usable);
        WatPrinter.Print(module, to, WatPrintOptions.Default with { Folded = folded });
        return ExitStatus.Done;
    }
}
