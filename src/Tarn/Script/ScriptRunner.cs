// Runs a specification script directive by directive and says of each whether it held. An assertion fails by what was different, never
// by an exception of ours that happens to be thrown somewhere: only the kinds of error that the directive is about count.
using Tarn.Wasm.Script;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Script;

/// <summary>Runs one script. The engine may be shared; the instances are the script's own.</summary>
internal sealed class ScriptRunner : IDisposable
{
    private readonly EngineOptions _options;
    private readonly ScriptHost _host;
    private readonly Dictionary<string, Instance> _instances = [];
    private readonly Dictionary<string, Module> _definitions = [];
    private readonly List<ScriptFailure> _failures = [];
    private Instance? _lastInstance;
    private Module? _lastDefinition;
    private int _passed;

    private ScriptRunner(Engine engine)
    {
        _options = engine.Options;
        _host = new ScriptHost(engine);
    }

    public static ScriptOutcome Run(Engine engine, Wasm.Script.Script script)
    {
        using var runner = new ScriptRunner(engine);
        foreach (ScriptCommand command in script.Commands)
            runner.Run(command);
        return new ScriptOutcome(runner._passed, runner._failures);
    }

    public void Dispose() => _host.Dispose();

    private void Run(ScriptCommand command)
    {
        string? problem;
        try
        {
            problem = Execute(command);
        }
        catch (Exception e) when (e is WasmException or NotSupportedException or ArgumentException or InvalidOperationException or KeyNotFoundException)
        {
            problem = $"{e.GetType().Name}: {FirstLine(e.Message)}";
        }
        if (problem is null)
            _passed++;
        else
            _failures.Add(new ScriptFailure(command.Line, command.Kind.ToString(), problem));
    }

    // The reason why the directive does not hold, or null.
    private string? Execute(ScriptCommand command)
    {
        switch (command.Kind)
        {
            case ScriptCommandKind.Module:
                // A module that does not come into being must not leave the last one in its place.
                _lastInstance = null;
                Keep(_definitions, command.Module!.Name, _lastDefinition = _host.Define(Binary(command.Module)));
                Keep(_instances, command.Module.Name, _lastInstance = _host.Instantiate(_lastDefinition));
                return null;
            case ScriptCommandKind.ModuleDefinition:
                Keep(_definitions, command.Module!.Name, _lastDefinition = _host.Define(Binary(command.Module)));
                return null;
            case ScriptCommandKind.ModuleInstance:
                Keep(_instances, command.Name, _lastInstance = _host.Instantiate(command.Target is null ? _lastDefinition! : _definitions[command.Target]));
                return null;
            case ScriptCommandKind.Register:
                _host.Register(command.Text!, Find(command.Name));
                return null;
            case ScriptCommandKind.Action:
                _ = Perform(command.Action!);
                return null;
            case ScriptCommandKind.AssertReturn:
                return Compare(Perform(command.Action!), command.Results);
            case ScriptCommandKind.AssertTrap when command.Module is not null:
                return ExpectTrap(() => _host.Instantiate(_host.Define(Binary(command.Module))), command.Text!);
            case ScriptCommandKind.AssertTrap:
            case ScriptCommandKind.AssertExhaustion:
                return ExpectTrap(() => Perform(command.Action!), command.Text!);
            case ScriptCommandKind.AssertMalformed:
            case ScriptCommandKind.AssertMalformedCustom:
                return Expect<MalformedModuleException, TextFormatException>(() => Validate(command.Module!));
            case ScriptCommandKind.AssertInvalid:
            case ScriptCommandKind.AssertInvalidCustom:
                return Expect<InvalidModuleException, InvalidModuleException>(() => Validate(command.Module!));
            case ScriptCommandKind.AssertUnlinkable:
                return ExpectUnlinkable(command);
            default:
                return $"{command.Kind} is not supported";
        }
    }

    private byte[] Binary(ScriptModule module) => module.ToBinary(new WatOptions { Features = _options.Features });

    private void Validate(ScriptModule module)
    {
        WasmModule decoded = WasmModule.Decode(Binary(module), _options.Features);
        ModuleValidator.Validate(decoded, new TypeRegistry(), degreeOfParallelism: 1);
        _ = decoded.Names;
    }

    private Instance Find(string? name) =>
        (name is null ? _lastInstance : _instances[name]) ?? throw new InvalidOperationException("there is no instance: its module failed");

    private Value[] Perform(ScriptAction action)
    {
        Instance instance = Find(action.Instance);
        return action.IsGet ? [_host.Get(instance, action.Export)] : _host.Invoke(instance, action.Export, action.Arguments);
    }

    private string? Compare(Value[] actual, ScriptResult[] expected)
    {
        if (actual.Length != expected.Length)
            return $"{actual.Length} results instead of {expected.Length}";
        for (int i = 0; i < actual.Length; i++)
        {
            Value value = actual[i];
            bool fits = expected[i].Alternatives is ScriptValue[] alternatives
                ? alternatives.Any(a => _host.Matches(value, a))
                : _host.Matches(value, expected[i].Value);
            if (!fits)
                return $"result {i} is {value} (0x{value.Low:x}), expected {expected[i].Value.Kind} 0x{expected[i].Value.Low:x}";
        }
        return null;
    }

    private static string? ExpectTrap(Action action, string message)
    {
        try
        {
            action();
        }
        catch (TrapException e)
        {
            string actual = TrapMessages.Of(e.Code);
            // Scripts say which element is uninitialized; the code is what is asserted.
            return message.StartsWith(actual, StringComparison.Ordinal) || actual.StartsWith(message, StringComparison.Ordinal)
                ? null
                : $"trapped with \"{actual}\", expected \"{message}\"";
        }
        return $"did not trap, expected \"{message}\"";
    }

    private string? ExpectUnlinkable(ScriptCommand command)
    {
        try
        {
            _ = _host.Instantiate(_host.Define(Binary(command.Module!)));
        }
        catch (LinkException e)
        {
            return e.Message.StartsWith(command.Text!, StringComparison.Ordinal) ? null : $"failed with \"{e.Message}\", expected \"{command.Text}\"";
        }
        return "linked";
    }

    private static string? Expect<TException, TOther>(Action action)
        where TException : Exception
        where TOther : Exception
    {
        try
        {
            action();
        }
        catch (TException)
        {
            return null;
        }
        catch (TOther)
        {
            return null;
        }
        return "accepted";
    }

    private static void Keep<T>(Dictionary<string, T> all, string? name, T item)
    {
        if (name is not null)
            all[name] = item;
    }

    private static string FirstLine(string text) => text.Split('\n')[0];
}

/// <summary>How a script went.</summary>
/// <param name="Passed">Directives that held.</param>
/// <param name="Failures">Those that did not.</param>
internal sealed record ScriptOutcome(int Passed, IReadOnlyList<ScriptFailure> Failures);

/// <summary>A directive that did not hold.</summary>
internal readonly record struct ScriptFailure(int Line, string Directive, string Problem);
