// tarn parse: text to binary. The module is validated before it is written unless --no-check is given, so that an invalid module is found here and not by its user.
using System.CommandLine;

namespace Tarn.Cli.Commands;

internal static class ParseCommand
{
    public static Command Create()
    {
        Argument<string> file = ModuleInput.File("A module in the text format, or - for standard input.");
        Option<string?> output = new("--output", "-o") { Description = "The output file. The default is standard output.", HelpName = "FILE" };
        Option<bool> unchecked_ = new("--no-check") { Description = "Write the binary even if the module is not valid." };
        Option<WasmFeatures?> features = FeatureOption.Create();
        Command command = new(
            "parse",
            """
            Translate a module from text to binary. It is validated first.

            Examples:
              tarn parse app.wat -o app.wasm             writes the binary
              tarn parse app.wat | tarn print -          there and back again
            """)
        {
            file, output, unchecked_, features,
        };
        command.SetAction(arguments => Run(arguments.GetValue(file)!, arguments.GetValue(output), arguments.GetValue(unchecked_), FeatureOption.ValueOf(arguments, features)));
        return command;
    }

    private static int Run(string path, string? output, bool uncheckedOutput, WasmFeatures features)
    {
        byte[] binary = uncheckedOutput ? ModuleInput.ReadBinary(path, features) : ModuleInput.ReadModule(path, features).Bytes.ToArray();
        if (output is not null && output != "-")
        {
            HostPath.WriteAllBytes(output, binary);
        }
        else if (Console.IsOutputRedirected)
        {
            using Stream standard = Console.OpenStandardOutput();
            standard.Write(binary);
        }
        else
        {
            Console.Error.WriteLine($"tarn: {binary.Length:N0} bytes not written to the terminal; give -o FILE, or redirect the output.");
            return ExitStatus.Failed;
        }

        return ExitStatus.Done;
    }
}
