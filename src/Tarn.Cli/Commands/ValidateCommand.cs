// tarn validate: checks whether modules are well-formed and valid, and reports where and why they are not.
using System.CommandLine;
using Tarn.Wasm;

namespace Tarn.Cli.Commands;

internal static class ValidateCommand
{
    public static Command Create()
    {
        Argument<string[]> files = ModuleInput.Files("Modules to check: .wasm, .wat, or - for standard input.");
        Option<WasmFeatures?> features = FeatureOption.Create();
        Option<bool> quiet = new("--quiet", "-q") { Description = "Print nothing for valid modules." };
        Command command = new(
            "validate",
            """
            Check modules. A refused one is reported with the function, the instruction, the byte offset and the rule it breaks.

            Examples:
              tarn validate app.wasm                     app.wasm: valid (1,204 functions, 402,117 bytes)
              tarn validate samples/broken.wat           says what is wrong with it, and where
              tarn validate -q *.wasm && echo all fine   nothing but faults is printed
              tarn validate -f threads app.wasm          with shared memories and atomics allowed
              tarn validate -f=-simd app.wasm            with SIMD refused
            """)
        {
            files, features, quiet,
        };
        command.SetAction(arguments => Run(arguments.GetValue(files)!, FeatureOption.ValueOf(arguments, features), arguments.GetValue(quiet)));
        return command;
    }

    private static int Run(string[] paths, WasmFeatures features, bool quiet)
    {
        int status = ExitStatus.Done;
        foreach (string path in paths)
        {
            try
            {
                WasmModule module = ModuleInput.ReadModule(path, features);
                if (!quiet)
                    Console.WriteLine($"{ModuleInput.DisplayName(path)}: valid ({Count(module.Functions.Length, "function")}, {module.Bytes.Length:N0} bytes)");
            }
            catch (WasmException problem)
            {
                Console.Error.WriteLine($"{ModuleInput.DisplayName(path)}: {problem.Message}{Problem.HintOf(problem)}");
                status = ExitStatus.Failed;
            }
        }

        return status;
    }

    private static string Count(int number, string what) => $"{number:N0} {what}{(number == 1 ? "" : "s")}";
}
