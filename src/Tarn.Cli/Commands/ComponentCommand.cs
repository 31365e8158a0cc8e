// tarn component: components as data. Prints and validates them, shows their WIT, and makes them from core modules that need no adapter.
using System.CommandLine;
using System.Text;
using Tarn.Wasm.Component;
using Tarn.Wasm.Wit;

namespace Tarn.Cli.Commands;

internal static class ComponentCommand
{
    public static Command Create() => new(
        "component",
        """
        Look at components, and make them.

        Examples:
          tarn component wit app.wasm                             the world of a component: what it imports and exports
          tarn component wit wit/ -o package.wasm                 a WIT package, encoded
          tarn component print app.wasm                           a component as text
          tarn component embed wit/ --world w core.wasm -o m.wasm a core module that knows its world
          tarn component new m.wasm -o app.wasm                   the component of such a module
        """)
    {
        Print(), Parse(), Wit(), Embed(), New(), Validate(),
    };

    private static Command Print()
    {
        Argument<string> file = ModuleInput.File("A component, or - for standard input.");
        Option<string?> output = Output();
        Option<WasmFeatures?> features = FeatureOption.Create();
        Command command = new("print", "Write a component as text.") { file, output, features };
        command.SetAction(arguments =>
        {
            byte[] binary = ReadComponent(arguments.GetValue(file)!);
            return WriteText(arguments.GetValue(output), ComponentPrinter.Print(WasmComponent.Decode(binary, FeatureOption.ValueOf(arguments, features))));
        });
        return command;
    }

    private static Command Parse()
    {
        Argument<string> file = ModuleInput.File("A component in the text format, or - for standard input.");
        Option<string?> output = Output();
        Option<WasmFeatures?> features = FeatureOption.Create();
        Command command = new("parse", "Translate a component from text to binary. It is validated first.") { file, output, features };
        command.SetAction(arguments =>
        {
            byte[] binary = ReadComponent(arguments.GetValue(file)!);
            WasmFeatures chosen = FeatureOption.ValueOf(arguments, features);
            ComponentValidator.Validate(WasmComponent.Decode(binary, chosen), chosen);
            return WriteBinary(arguments.GetValue(output), binary);
        });
        return command;
    }

    private static Command Validate()
    {
        Argument<string[]> files = ModuleInput.Files("Components to check: .wasm, .wat, or - for standard input.");
        Option<WasmFeatures?> features = FeatureOption.Create();
        Option<bool> quiet = new("--quiet", "-q") { Description = "Print nothing for valid components." };
        Command command = new("validate", "Check components. For an invalid component, the byte offset and the broken rule are reported.") { files, features, quiet };
        command.SetAction(arguments =>
        {
            int status = ExitStatus.Done;
            foreach (string path in arguments.GetValue(files)!)
            {
                try
                {
                    byte[] binary = ReadComponent(path);
                    WasmFeatures chosen = FeatureOption.ValueOf(arguments, features);
                    ComponentFacts facts = ComponentValidator.Validate(WasmComponent.Decode(binary, chosen), chosen);
                    if (!arguments.GetValue(quiet))
                        Console.WriteLine($"{ModuleInput.DisplayName(path)}: valid ({facts.Type.Imports.Count:N0} imports, {facts.Type.Exports.Count:N0} exports, {binary.Length:N0} bytes)");
                }
                catch (WasmException problem)
                {
                    Console.Error.WriteLine($"{ModuleInput.DisplayName(path)}: {problem.Message}{Problem.HintOf(problem)}");
                    status = ExitStatus.Failed;
                }
            }

            return status;
        });
        return command;
    }

    private static Command Wit()
    {
        Argument<string> file = new("PATH") { Description = "A component, a WIT file, or a directory with WIT files." };
        Option<string?> output = new("--output", "-o") { Description = "The output file: the encoded package if the name ends in .wasm, otherwise text. The default is text on standard output.", HelpName = "FILE" };
        Option<string[]> gates = Features();
        Option<bool> all = AllFeatures();
        Command command = new("wit", "Show the WIT of a component, or resolve a WIT package and show or encode it.") { file, output, gates, all };
        command.SetAction(arguments =>
        {
            string path = arguments.GetValue(file)!;
            WitPackage main;
            IEnumerable<WitPackage> packages;
            if (path != "-" && Directory.Exists(path))
            {
                WitResolver resolver = Resolver(arguments.GetValue(gates)!, arguments.GetValue(all));
                main = resolver.AddPath(path);
                packages = resolver.Packages;
            }
            else
            {
                byte[] bytes = ModuleInput.Read(path);
                if (WitDecoder.IsEncoded(bytes))
                {
                    WitDecoded decoded = WitDecoder.Decode(bytes, ModuleInput.DisplayName(path));
                    (main, packages) = (decoded.Main, decoded.Packages);
                }
                else
                {
                    WitResolver resolver = Resolver(arguments.GetValue(gates)!, arguments.GetValue(all));
                    main = resolver.AddText(ModuleInput.DisplayName(path), Encoding.UTF8.GetString(bytes));
                    packages = resolver.Packages;
                }
            }

            string? target = arguments.GetValue(output);
            return target is not null && target.EndsWith(".wasm", StringComparison.Ordinal)
                ? WriteBinary(target, WitEncoder.Encode(main))
                : WriteText(target, Encoding.UTF8.GetBytes(WitPrinter.Print(main, packages)));
        });
        return command;
    }

    private static Command Embed()
    {
        Argument<string> wit = new("WIT") { Description = "A WIT file, a directory with WIT files, or an encoded package." };
        Argument<string> module = ModuleInput.File("The core module, or - for standard input.");
        Option<string?> world = new("--world", "-w") { Description = "The world of the module; required if the package has more than one.", HelpName = "NAME" };
        Option<string> encoding = new("--encoding") { Description = "How the module's strings are encoded: utf8, utf16 or latin1+utf16.", HelpName = "ENCODING", DefaultValueFactory = _ => "utf8" };
        encoding.AcceptOnlyFromAmong("utf8", "utf16", "latin1+utf16");
        Option<string?> output = Output();
        Option<string[]> gates = Features();
        Option<bool> all = AllFeatures();
        Option<WasmFeatures?> features = FeatureOption.Create();
        Command command = new("embed", "Embed a world in a core module, for tarn component new.") { wit, module, world, encoding, output, gates, all, features };
        command.SetAction(arguments =>
        {
            WitPackage package = Resolver(arguments.GetValue(gates)!, arguments.GetValue(all)).AddPath(arguments.GetValue(wit)!);
            byte[] core = ModuleInput.ReadModule(arguments.GetValue(module)!, FeatureOption.ValueOf(arguments, features)).Bytes.ToArray();
            CanonicalOptionKind kind = arguments.GetValue(encoding) switch
            {
                "utf16" => CanonicalOptionKind.Utf16,
                "latin1+utf16" => CanonicalOptionKind.Latin1Utf16,
                _ => CanonicalOptionKind.Utf8,
            };
            return WriteBinary(arguments.GetValue(output), ModuleMetadata.Embed(core, Select(package, arguments.GetValue(world)), kind));
        });
        return command;
    }

    private static Command New()
    {
        Argument<string> module = ModuleInput.File("A core module with an embedded world, or - for standard input.");
        Option<string?> output = Output();
        Option<string[]> adapt = new("--adapt")
        {
            Description = "A core module that provides imports of the module under the adapter's name, such as wasi_snapshot_preview1. The name is that of the file unless it is specified.",
            HelpName = "[NAME=]FILE",
        };
        Option<bool> grow = new("--realloc-via-memory-grow") { Description = "Let adapters grow the memory instead of calling the module's allocator." };
        Option<bool> noNames = new("--no-names") { Description = "Omit the name section." };
        Option<WasmFeatures?> features = FeatureOption.Create();
        Command command = new("new", "Make a component from a core module with an embedded world, as language toolchains and tarn component embed produce it.") { module, adapt, grow, output, noNames, features };
        command.SetAction(arguments =>
        {
            WasmFeatures chosen = FeatureOption.ValueOf(arguments, features);
            byte[] core = ModuleInput.ReadModule(arguments.GetValue(module)!, chosen).Bytes.ToArray();
            List<(string, byte[])> adapters = [];
            foreach (string adapter in arguments.GetValue(adapt)!)
            {
                int equals = adapter.IndexOf('=');
                string path = adapter[(equals + 1)..];
                // Published adapters are named as wasi_snapshot_preview1.command.wasm: what comes first is the name.
                string name = equals > 0 ? adapter[..equals] : Path.GetFileName(path).Split('.')[0];
                adapters.Add((name, ModuleInput.ReadModule(path, chosen).Bytes.ToArray()));
            }

            return WriteBinary(arguments.GetValue(output), ComponentMaker.Make(core, adapters, chosen, withNames: !arguments.GetValue(noNames), arguments.GetValue(grow)));
        });
        return command;
    }

    private static Option<string?> Output() => new("--output", "-o") { Description = "The output file. The default is standard output.", HelpName = "FILE" };

    private static Option<string[]> Features() => new("--wit-feature") { Description = "Include items that are marked as unstable and belong to this feature.", HelpName = "NAME" };

    private static Option<bool> AllFeatures() => new("--all-wit-features") { Description = "Include all items that are marked as unstable." };

    private static WitResolver Resolver(string[] features, bool all) => new(new WitFeatures(features.ToHashSet(StringComparer.Ordinal), all));

    private static WitWorld Select(WitPackage package, string? name)
    {
        if (name is not null)
        {
            return package.Worlds.GetValueOrDefault(name)
                ?? throw new ArgumentException($"The package `{package.Name}` has no world `{name}`. It has: {string.Join(", ", package.Worlds.Keys)}.");
        }

        return package.Worlds.Count switch
        {
            1 => package.Worlds.GetAt(0).Value,
            0 => throw new ArgumentException($"The package `{package.Name}` has no world."),
            _ => throw new ArgumentException($"The package `{package.Name}` has several worlds: choose one of {string.Join(", ", package.Worlds.Keys)} with --world."),
        };
    }

    private static byte[] ReadComponent(string path)
    {
        byte[] bytes = ModuleInput.Read(path);
        if (WasmComponent.IsComponent(bytes))
            return bytes;
        return ComponentParser.IsComponent(bytes) ? ComponentParser.Parse(bytes, ModuleInput.DisplayName(path)) : throw new ArgumentException($"{ModuleInput.DisplayName(path)}: this is not a component");
    }

    private static int WriteText(string? output, ReadOnlySpan<byte> text)
    {
        using HostPath? target = output is null or "-" ? null : HostPath.ForWriting(output);
        using Stream to = target is null ? Console.OpenStandardOutput() : File.Create(target.Usable);
        to.Write(text);
        return ExitStatus.Done;
    }

    private static int WriteBinary(string? output, byte[] binary)
    {
        if (output is not null && output != "-")
        {
            HostPath.WriteAllBytes(output, binary);
            return ExitStatus.Done;
        }

        if (!Console.IsOutputRedirected)
        {
            Console.Error.WriteLine($"tarn: {binary.Length:N0} bytes not written to the terminal; give -o FILE, or redirect the output.");
            return ExitStatus.Failed;
        }

        using Stream standard = Console.OpenStandardOutput();
        standard.Write(binary);
        return ExitStatus.Done;
    }
}
