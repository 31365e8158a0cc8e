// tarn inspect: shows the functions of a module after each stage of the compiler, in the terminal or as one HTML page.
using System.CommandLine;
using System.Globalization;
using System.Text;
using Tarn.Cli.Inspect;
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Targets.Portable;
using Tarn.Wasm;
using Tarn.Wasm.Binary;
using Tarn.Wasm.Text;

namespace Tarn.Cli.Commands;

internal static class InspectCommand
{
    public static System.CommandLine.Command Create()
    {
        Argument<string> file = ModuleInput.File("A module, or - for standard input.");
        Option<string[]> functions = new("--function", "-f")
        {
            Description = "A function by index, name or export. The option can be repeated. The default is all functions that the module defines.",
            HelpName = "FUNCTION",
        };
        Option<string?> stage = new("--stage") { Description = "Only this stage: wat, ir, optimized, lowered, trace, allocated, assembly. The trace lists the decisions of the register allocator.", HelpName = "STAGE" };
        stage.AcceptOnlyFromAmong("wat", "ir", "optimized", "lowered", "trace", "allocated", "assembly");
        Option<string?> html = new("--html") { Description = "Write one self-contained HTML page instead.", HelpName = "FILE" };
        Option<bool> isChecked = new("--checked") { Description = "Compile for checked memories instead of guarded ones." };
        Option<bool> portable = new("--portable") { Description = "Compile for portable execution: the last stage shown is register code with its registers." };
        Option<bool> unoptimized = new("--no-optimize") { Description = "Skip the optimiser's passes." };
        Option<WasmFeatures?> features = FeatureOption.Create();
        System.CommandLine.Command command = new(
            "inspect",
            """
            Show what the compiler makes of functions: text, IR as built and as optimised, machine instructions with virtual and real registers, machine code.

            Examples:
              tarn inspect -f add samples/add.wat                          all stages of one function
              tarn inspect -f add --stage assembly samples/add.wat         only its machine code
              tarn inspect -f main --html main.html app.wasm               a page with the stages side by side
              tarn inspect -f add --stage ir --no-optimize samples/add.wat the IR before any pass
            """)
        {
            file, functions, stage, html, isChecked, portable, unoptimized, features,
        };
        command.SetAction(arguments =>
        {
            TargetDescription target = TargetDescription.Default with
            {
                MemoryStrategy = arguments.GetValue(isChecked) || arguments.GetValue(portable) ? Compiler.MemoryStrategy.Checked : Compiler.MemoryStrategy.Guarded,
                Optimize = !arguments.GetValue(unoptimized),
            };
            WasmModule module = ModuleInput.ReadModule(arguments.GetValue(file)!, FeatureOption.ValueOf(arguments, features));
            return Run(module, ModuleInput.DisplayName(arguments.GetValue(file)!), arguments.GetValue(functions) ?? [], target, arguments.GetValue(portable), arguments.GetValue(stage), arguments.GetValue(html));
        });
        return command;
    }

    private static int Run(WasmModule module, string title, string[] wanted, TargetDescription target, bool portable, string? stage, string? html)
    {
        List<int> indices = [];
        foreach (string name in wanted)
        {
            if (Find(module, name) is not int index)
            {
                Console.Error.WriteLine($"tarn: the module defines no function {name}; it has {module.Bodies.Length}, from {module.ImportedFunctionCount} on");
                return ExitStatus.Failed;
            }

            indices.Add(index);
        }

        if (wanted.Length == 0)
            indices.AddRange(Enumerable.Range(module.ImportedFunctionCount, module.Bodies.Length));
        FunctionCompilation compilation = Tarn.Modules.FunctionCompiler.CreateCompilation(portable ? ExecutionMode.Portable : ExecutionMode.Auto);
        compilation.ChecksAllocation = true;
        VmContextLayout layout = new(module);
        IEnumerable<InspectedFunction> inspected = indices.Select(index => Inspect(compilation, module, layout, index, target));
        if (html is not null)
        {
            using HostPath page = HostPath.ForWriting(html);
            using StreamWriter writer = new(page.Usable, append: false, new UTF8Encoding(false));
            InspectionPage.Write(writer, title, inspected, open: wanted.Length > 0);
            return ExitStatus.Done;
        }

        using StreamWriter output = new(Console.OpenStandardOutput(), new UTF8Encoding(false));
        foreach (InspectedFunction function in inspected)
            Print(output, function, stage);
        return ExitStatus.Done;
    }

    private static void Print(TextWriter output, InspectedFunction function, string? stage)
    {
        string? only = stage switch
        {
            "wat" => function.Text,
            "ir" => function.Listing.Ir,
            "optimized" => function.Listing.OptimizedIr,
            "lowered" => function.Listing.Lowered,
            "trace" => function.Listing.Trace,
            "allocated" => function.Listing.Allocated,
            "assembly" => function.Assembly,
            _ => null,
        };
        output.Write($";; ======== {function.Name} (function {function.Index})\n");
        if (only is not null)
        {
            output.Write(only);
            return;
        }

        foreach ((string heading, string text, _) in function.Panes)
            output.Write($";; ---- {heading}\n{text}\n");
    }

    private static InspectedFunction Inspect(FunctionCompilation compilation, WasmModule module, VmContextLayout layout, int index, TargetDescription target)
    {
        CompilationListing listing = CompilationListing.Create(compilation, module, layout, index - module.ImportedFunctionCount, target);
        string text = Encoding.UTF8.GetString(WatPrinter.PrintFunction(module, index));
        List<int> offsets = [];
        string assembly = compilation.Generator.Target is PortableTarget ? "" : MachineCodeText.Print(listing.Function, i => NameOf(module, i), offsets);
        return new InspectedFunction(index, NameOf(module, index), text, TextSources(module, index, text), listing, assembly, AssemblySources(listing.Sources.Code, offsets));
    }

    // Instructions stand one to a line, after the lines of the function's type and locals; the last end is the closing parenthesis of the last line.
    private static int[] TextSources(WasmModule module, int index, string text)
    {
        List<int> instructions = [];
        WasmReader reader = module.ReadBody(index - module.ImportedFunctionCount);
        for (uint groups = reader.ReadVarU32(); groups > 0; groups--)
        {
            _ = reader.ReadVarU32();
            _ = reader.ReadValType();
        }

        while (!reader.IsAtEnd)
        {
            int offset = reader.Position;
            if (InstructionSkipper.Skip(ref reader) != Opcode.End || !reader.IsAtEnd)
                instructions.Add(offset);
        }

        int lines = text.TrimEnd('\n').Split('\n').Length;
        int[] sources = new int[Math.Max(lines, instructions.Count)];
        Array.Fill(sources, -1);
        instructions.CopyTo(sources, sources.Length - instructions.Count);
        return sources;
    }

    // Each line belongs to the last mark before it. What precedes all marks is the prologue; the marks' end, −1, begins the code that is out of the way.
    private static int[] AssemblySources(List<(int Offset, int Source)> marks, List<int> offsets)
    {
        int[] sources = new int[offsets.Count];
        int next = 0;
        int source = -1;
        for (int i = 0; i < sources.Length; i++)
        {
            for (; next < marks.Count && marks[next].Offset <= offsets[i]; next++)
                source = marks[next].Source;
            sources[i] = offsets[i] < 0 ? -1 : source;
        }

        return sources;
    }

    private static int? Find(WasmModule module, string name)
    {
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return number >= module.ImportedFunctionCount && number < module.Functions.Length ? number : null;
        foreach (ref readonly Export export in module.Exports)
        {
            if (export.Kind == ExternalKind.Function && export.Name == name)
                return export.Index >= module.ImportedFunctionCount ? export.Index : null;
        }

        for (int i = module.ImportedFunctionCount; i < module.Functions.Length; i++)
        {
            if (module.Names.Functions.Find(i) == name.TrimStart('$'))
                return i;
        }

        return null;
    }

    private static string NameOf(WasmModule module, int index)
    {
        if (module.Names.Functions.Find(index) is string name)
            return "$" + name;
        foreach (ref readonly Export export in module.Exports)
        {
            if (export.Kind == ExternalKind.Function && export.Index == index)
                return "$" + export.Name;
        }

        return string.Create(CultureInfo.InvariantCulture, $"function {index}");
    }
}
