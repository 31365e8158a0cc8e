// tarn run: compiles a module and calls one of its exports. Arguments are read by the function's signature, results printed one a
// line; a trap goes to standard error with its backtrace.
using System.CommandLine;
using System.Globalization;

namespace Tarn.Cli.Commands;

internal static class RunCommand
{
    private const int Trapped = 1;

    public static Command Create()
    {
        Argument<string> file = new("FILE") { Description = "The module: .wasm or .wat." };
        Argument<string[]> values = new("ARGUMENTS") { Description = "Arguments of the function: integers (also 0x…), or decimal and special floating-point numbers.", Arity = ArgumentArity.ZeroOrMore };
        Option<string?> invoke = new("--invoke", "-i") { Description = "The exported function to call; without it _start, main, or the only exported function.", HelpName = "NAME" };
        Option<MemoryStrategy> memory = new("--memory") { Description = "guarded (reservations and guard pages) or checked (a comparison for each access).", DefaultValueFactory = _ => MemoryStrategy.Guarded };
        Option<bool> lazy = new("--lazy") { Description = "Compile functions when they are first called." };
        Option<double?> timeout = new("--timeout") { Description = "Stop the guest after so many seconds.", HelpName = "SECONDS" };
        Option<long?> fuel = new("--fuel") { Description = "Stop the guest after so many instructions.", HelpName = "COUNT" };
        Command command = new("run", "Call an exported function of a module and print its results.") { file, values, invoke, memory, lazy, timeout, fuel };
        command.SetAction(arguments =>
        {
            var options = new EngineOptions
            {
                MemoryStrategy = arguments.GetValue(memory),
                Compilation = arguments.GetValue(lazy) ? CompilationMode.Lazy : CompilationMode.Eager,
                Interruption = arguments.GetValue(timeout) is not null,
                Fuel = arguments.GetValue(fuel) is not null,
            };
            return Run(options, arguments.GetValue(file)!, arguments.GetValue(invoke), arguments.GetValue(values) ?? [], arguments.GetValue(timeout), arguments.GetValue(fuel));
        });
        return command;
    }

    private static int Run(EngineOptions options, string path, string? export, string[] texts, double? timeout, long? fuel)
    {
        try
        {
            using var engine = new Engine(options);
            using Module module = Module.FromFile(engine, path);
            using InstanceTemplate template = new Linker(engine).Prepare(module);
            using Instance instance = template.Instantiate();
            if (fuel is long most)
                instance.Fuel = most;
            Function function = instance.GetFunction(export ?? DefaultExport(module));
            FunctionSignature signature = function.Signature;
            if (texts.Length != signature.Parameters.Length)
                throw new ArgumentException($"the function takes {signature.Parameters.Length} arguments, and {texts.Length} were given: {signature}");
            var values = new Value[texts.Length];
            for (int i = 0; i < values.Length; i++)
                values[i] = ParseValue(texts[i], signature.Parameters[i]);
            var results = new Value[signature.Results.Length];
            using var source = new CancellationTokenSource();
            if (timeout is double seconds)
                source.CancelAfter(TimeSpan.FromSeconds(seconds));
            function.Invoke(values, results, timeout is null ? default : source.Token);
            foreach (Value result in results)
                Console.WriteLine(Format(result));
            return 0;
        }
        catch (TrapException e)
        {
            Console.Error.WriteLine($"tarn: the guest trapped: {e.Message}");
            return Trapped;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("tarn: the guest was stopped: its time was over");
            return Trapped;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            Console.Error.WriteLine($"tarn: {e.Message}");
            return Trapped;
        }
    }

    private static string DefaultExport(Module module)
    {
        string[] functions = [.. module.Exports.Where(e => e.Kind == ExternKind.Function).Select(e => e.Name)];
        if (functions.Contains("_start"))
            return "_start";
        if (functions.Contains("main"))
            return "main";
        return functions.Length == 1
            ? functions[0]
            : throw new ArgumentException($"say which function to call with --invoke; the module exports {(functions.Length == 0 ? "none" : string.Join(", ", functions))}");
    }

    private static Value ParseValue(string text, ValueKind kind) => kind switch
    {
        ValueKind.I32 => Value.FromInt32((int)ParseInteger(text, 32)),
        ValueKind.I64 => Value.FromInt64(ParseInteger(text, 64)),
        ValueKind.F32 => Value.FromSingle(float.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture)),
        ValueKind.F64 => Value.FromDouble(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture)),
        ValueKind.ExternRef when text != "null" => Value.FromObject(text),
        ValueKind.ExternRef => Value.NullExtern,
        ValueKind.FuncRef when text == "null" => Value.NullFunction,
        _ => throw new ArgumentException($"an argument of kind {kind} cannot be given on the command line"),
    };

    // Signed and unsigned notation are both welcome: -1 and 4294967295 are the same i32.
    private static long ParseInteger(string text, int bits)
    {
        bool negative = text.StartsWith('-');
        string digits = text.TrimStart('-', '+').Replace("_", "", StringComparison.Ordinal);
        ulong magnitude = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.Parse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : ulong.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        ulong most = negative ? 1UL << (bits - 1) : bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        if (magnitude > most)
            throw new OverflowException($"{text} does not fit an i{bits}");
        return negative ? unchecked(-(long)magnitude) : (long)magnitude;
    }

    private static string Format(Value value) => value.Kind switch
    {
        ValueKind.I32 => value.AsInt32().ToString(CultureInfo.InvariantCulture),
        ValueKind.I64 => value.AsInt64().ToString(CultureInfo.InvariantCulture),
        ValueKind.F32 => value.AsSingle().ToString("R", CultureInfo.InvariantCulture),
        ValueKind.F64 => value.AsDouble().ToString("R", CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };
}
