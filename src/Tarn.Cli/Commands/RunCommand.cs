// tarn run: runs a program. A WASI command is run as its author meant it, with arguments, files and streams; of any other module one exported function is
// called, its arguments read by the function's signature, its results printed one a line. All words after the module's path belong to the guest.
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using Tarn.Cli.Running;

namespace Tarn.Cli.Commands;

internal static class RunCommand
{
    private const long PageSize = 64 << 10;
    private const string Start = "_start";
    private const string Initialize = "_initialize";

    public static Command Create()
    {
        Argument<string> file = new("FILE") { Description = "The program: .wasm, .wat, a module compiled by tarn compile, or - for standard input." };
        file.Validators.Add(result =>
        {
            // An option that we do not know would be looked for as a file.
            if (result.Tokens is [{ Value: ['-', _, ..] word }])
                result.AddError($"There is no option {word}. Options of the guest are written after FILE. A file of that name is written as ./{word}.");
        });
        Argument<string[]> rest = new("ARGUMENTS")
        {
            Description = "All words after FILE are passed to the guest: the arguments of the program, or of the function that is called (integers, also 0x…, and floating-point numbers).",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string[]> directories = new("--dir", "-d") { Description = "Let the guest use this directory and what is in it, under the same name or as GUEST. Without it a guest sees no files at all.", HelpName = "HOST[::GUEST]" };
        Option<string[]> readOnly = new("--read-dir") { Description = "As --dir, for reading only.", HelpName = "HOST[::GUEST]" };
        Option<string[]> variables = new("--env", "-e") { Description = "Set an environment variable of the guest; a name alone passes on yours. Without it a guest's environment is empty.", HelpName = "NAME[=VALUE]" };
        Option<string[]> network = new("--allow-network") { Description = "Let a component use sockets with these addresses, and with * also resolve names. Without it a guest reaches nothing.", HelpName = "ADDRESS[:PORT]" };
        Option<string[]> http = new("--allow-http") { Description = "Let a component make HTTP requests to this host; * is any.", HelpName = "HOST[:PORT]" };
        Option<string?> invoke = new("--invoke", "-i") { Description = "Call this exported function instead of the program's start, and print its results.", HelpName = "NAME" };
        Option<double?> timeout = new("--timeout", "-t") { CustomParser = Number<double>("a number of seconds, for example 2 or 0.5"), Description = "Stop the guest after so many seconds (exit status 124). They begin with the guest: compiling it does not count.", HelpName = "SECONDS" };
        Option<long?> fuel = new("--fuel") { CustomParser = Number<long>("a number of instructions, for example 1000000"), Description = "Stop the guest after so many instructions: the same number every time, whatever the machine.", HelpName = "COUNT" };
        Option<string?> maximumMemory = new("--max-memory", "-m") { Description = "What the guest's memory may grow to, for example 64M. Growing further fails inside the guest.", HelpName = "SIZE" };
        Option<string?> maximumStack = new("--max-stack") { Description = "The stack of the guest's calls, 1M unless given; recursion beyond it traps. What a C program calls its stack is in its memory, and its size is set when it is linked.", HelpName = "SIZE" };
        Option<string?> coreDump = new("--coredump") { Description = "If the guest traps, write its memories, globals and stack there, for wasmgdb and the like.", HelpName = "PATH" };
        Option<UnknownImports> unknownImports = new("--unknown-imports")
        {
            Description = "How imported functions without a definition are treated: refuse (the module is refused), trap (a call traps) or zero (they do nothing and return 0).",
            HelpName = "refuse|trap|zero",
            DefaultValueFactory = _ => UnknownImports.Refuse,
            CustomParser = Choice<UnknownImports>("refuse, trap or zero"),
        };
        Option<WasmFeatures?> features = FeatureOption.Create();
        Option<MemoryStrategy> memory = MemoryOption("guarded (reservations and guard pages) or checked (a comparison for each access).");
        Option<bool> lazy = new("--lazy") { Description = "Compile each function when it is first called, and do not use the cache." };
        Option<bool> portable = PortableOption();
        Option<bool> noCache = new("--no-cache") { Description = $"Compile anew. Compiled modules of {CompilationCache.SmallestModule >> 10} KiB and more are kept in ~/.cache/tarn (or {CompilationCache.DirectoryVariable})." };
        Option<bool> verbose = new("--verbose") { Description = "Report choices that are made automatically on standard error, for example where address space is limited." };
        Command command = new(
            "run",
            """
            Run a program, or call a function of a module.

            Examples:
              tarn run app.wasm --verbose input.txt          the guest gets --verbose and input.txt
              tarn run --dir . app.wasm input.txt            and may open files of this directory
              tarn run --dir /tmp/x::/ -e LANG app.wasm      sees /tmp/x as its root, and your LANG
              tarn run --read-dir /data::/in app.wasm        sees /data as /in, cannot change it
              tarn run --invoke add samples/add.wat 2 3      calls a function: 5 (--invoke may also stand behind a module that is no program)
              tarn run --timeout 2 --max-memory 64M app.wasm keeps it short and small

            Exit status: the guest's own; 134 it trapped or threw what nothing caught, 124 its time was over, 130 Ctrl-C, 1 the module was refused, 2 a file could not be read.
            """)
        {
            file, rest, directories, readOnly, variables, network, http, invoke, timeout, fuel, maximumMemory, maximumStack, unknownImports, coreDump, features, memory, lazy, portable, noCache, verbose,
        };
        command.SetAction(arguments =>
        {
            try
            {
                MemoryStrategy strategy = arguments.GetResult(memory) is { Implicit: false } ? arguments.GetValue(memory)
                    : arguments.GetValue(portable) ? MemoryStrategy.Default : LittleAddressSpace.DefaultStrategy;
                if (arguments.GetValue(verbose) && LittleAddressSpace.Describe(strategy) is string note)
                    Console.Error.WriteLine($"tarn: {note}");
                long? memoryLimit = Bytes("--max-memory", arguments.GetValue(maximumMemory), PageSize);
                EngineOptions options = Options(strategy, arguments.GetValue(lazy), arguments.GetValue(fuel) is not null, FeatureOption.ValueOf(arguments, features));
                if (arguments.GetValue(portable))
                    options = options with { Execution = ExecutionMode.Portable };
                if (Bytes("--max-stack", arguments.GetValue(maximumStack), EngineOptions.MinimumStackSize) is long stack)
                    options = options with { StackSize = (int)Math.Min(stack, 1L << 30) };
                // All of 4 GiB and more changes code, and is wanted by those alone who ask for it.
                if (memoryLimit is long limit && limit / PageSize > options.MaximumMemoryPages)
                    options = options with { MaximumMemoryPages = limit / PageSize };
                if (!arguments.GetValue(noCache))
                    options = options with { CompilationCache = CompilationCache.ForUser() };
                var run = new ProgramRun(arguments.GetValue(file)!, arguments.GetValue(rest) ?? [], options)
                {
                    Directories = arguments.GetValue(directories) ?? [],
                    ReadOnlyDirectories = arguments.GetValue(readOnly) ?? [],
                    Variables = arguments.GetValue(variables) ?? [],
                    Network = NetworkRules.Network(arguments.GetValue(network) ?? []),
                    Http = NetworkRules.Http(arguments.GetValue(http) ?? []),
                    Function = arguments.GetValue(invoke),
                    Limits = new StoreLimits { Fuel = Fuel(arguments.GetValue(fuel)), MaximumMemoryBytes = memoryLimit },
                    UnknownImports = arguments.GetValue(unknownImports),
                    CoreDumpPath = arguments.GetValue(coreDump),
                    Timeout = arguments.GetValue(timeout) is double seconds ? Seconds(seconds) : null,
                };
                return run.Execute();
            }
            catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
            {
                Console.Error.WriteLine($"tarn: {Problem.MessageOf(e)}");
                return ExitStatus.Failed;
            }
        });
        return command;
    }

    /// <summary>--portable.</summary>
    public static Option<bool> PortableOption() => new("--portable") { Description = "Interpret the compiled code instead of executing it as machine code, as where that is not possible: several times slower." };

    /// <summary>--memory, which changes code and is therefore an option of <see cref="CompileCommand"/> too.</summary>
    public static Option<MemoryStrategy> MemoryOption(string description) => new("--memory")
    {
        Description = description,
        HelpName = "guarded|checked",
        DefaultValueFactory = _ => Tarn.Execution.HostTarget.CatchesFaults ? MemoryStrategy.Guarded : MemoryStrategy.Checked,
        CustomParser = Choice<MemoryStrategy>("guarded or checked"),
    };

    /// <summary>Options of the engine; those that change code are the same as in <see cref="CompileCommand"/>.</summary>
    public static EngineOptions Options(MemoryStrategy memory, bool lazy, bool fuel, WasmFeatures features) => new()
    {
        Features = features,
        // One program, which may want more memory than a slot has.
        AllocationStrategy = AllocationStrategy.OnDemand,
        UseLargePages = true,
        MemoryStrategy = memory,
        CompilationMode = lazy ? CompilationMode.Lazy : CompilationMode.Eager,
        // Always, so that Ctrl-C and --timeout stop a loop and a compiled module fits every run.
        EnableInterruption = true,
        EnableFuel = fuel,
    };

    /// <summary>Whether a word is a module rather than a verb that was misspelt.</summary>
    public static bool LooksLikeModule(string word) =>
        Path.GetExtension(word) is ".wasm" or ".wat" or ".tarn" || (word.Contains('/', StringComparison.Ordinal) && !word.StartsWith('-') && File.Exists(word));

    /// <summary>
    /// Puts a "--" behind the module's path in <c>tarn run [options] FILE …</c>, so that the guest gets its options and not we.
    /// </summary>
    public static string[] SeparateGuestArguments(Command run, string[] arguments)
    {
        if (arguments.Length == 0 || arguments[0] != run.Name)
            return arguments;
        for (int i = 1; i < arguments.Length; i++)
        {
            string word = arguments[i];
            if (word == "--")
                return arguments;
            if (word == "-" || !word.StartsWith('-'))
                return [.. arguments[..(i + 1)], "--", .. arguments[(i + 1)..]];
            Option? option = run.Options.FirstOrDefault(o => o.Name == word || o.Aliases.Contains(word));
            if (option is not null && option.ValueType != typeof(bool))
                i++;
        }
        return arguments;
    }

    /// <summary>Which function of a module to run: the one asked for, the program's start, or the one that must be meant.</summary>
    /// <exception cref="ArgumentException">There is none, or no telling. Found here, nothing of the module has run yet.</exception>
    public static string ExportToRun(Module module, string? asked)
    {
        string[] functions = [.. module.Exports.Where(e => e.Kind == ExternKind.Function).Select(e => e.Name)];
        if (asked is not null)
        {
            return functions.Contains(asked)
                ? asked
                : throw new ArgumentException($"--invoke {asked}: the module exports no function of that name; it exports {(functions.Length == 0 ? "none" : string.Join(", ", functions))}");
        }
        if (functions.Contains(Start))
            return Start;
        if (functions.Contains("main"))
            return "main";
        string[] candidates = [.. functions.Where(name => name != Initialize)];
        return candidates.Length == 1
            ? candidates[0]
            : throw new ArgumentException($"say which function to call with --invoke; the module exports {(functions.Length == 0 ? "none" : string.Join(", ", functions))}");
    }

    private static Func<ArgumentResult, T?> Number<T>(string what)
        where T : struct, INumber<T> => result =>
    {
        string text = result.Tokens[0].Value;
        if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T number))
            return number;
        result.AddError($"{(result.Parent as OptionResult)?.Option.Name} {text}: give {what}.");
        return null;
    };

    private static TimeSpan Seconds(double seconds) => seconds is > 0 and < 1_000_000
        ? TimeSpan.FromSeconds(seconds)
        : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"--timeout {seconds}: give a number of seconds above 0"));

    private static long? Fuel(long? count) => count is null or >= 0 ? count : throw new ArgumentException($"--fuel {count}: give a number of instructions, 0 or more");

    // A limit of the store and not of the engine: the engine's would be part of the code, and every size would be compiled anew.
    private static long? Bytes(string option, string? text, long least)
    {
        if (text is null)
            return null;
        return ByteSize.TryParse(text, out long bytes) && bytes >= least
            ? bytes
            : throw new ArgumentException($"{option} {text}: give a size of at least {least >> 10}K, for example 512K, 64M or 2G");
    }

    internal static Func<ArgumentResult, T> Choice<T>(string choices)
        where T : struct, Enum => result =>
    {
        if (Enum.TryParse(result.Tokens[0].Value, ignoreCase: true, out T choice) && Enum.IsDefined(choice) && !char.IsAsciiDigit(result.Tokens[0].Value[0]))
            return choice;
        result.AddError($"{(result.Parent as OptionResult)?.Option.Name} {result.Tokens[0].Value}: give {choices}.");
        return default;
    };
}
