// Runs a script over components and says of each directive whether it held, in the manner of ScriptRunner: every directive is counted once, an assertion is compared with the class of error that
// it is about, and a component that does not come into being leaves no older one in its place. Without an engine components are read and validated, and the rest is skipped.
using Tarn.Wasm.Component;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Wast.Components;

/// <summary>Runner of one script.</summary>
internal sealed class ComponentScriptRunner
{
    private const string NoEngine = "needs execution, and there is no engine";

    private static readonly object s_checked = new();

    private readonly ComponentScriptOptions _options;
    private readonly IComponentScriptEngine? _engine;
    private readonly Dictionary<string, object?> _instances = new(StringComparer.Ordinal);
    private readonly Dictionary<string, object?> _definitions = new(StringComparer.Ordinal);
    private readonly List<ScriptNote> _failures = [];
    private readonly List<ScriptNote> _skips = [];
    private readonly List<ScriptNote> _rewordings = [];
    private object? _lastInstance;
    private object? _lastDefinition;
    private int _passed;

    private ComponentScriptRunner(ComponentScriptOptions options, IComponentScriptEngine? engine)
    {
        _options = options;
        _engine = engine;
    }

    /// <summary>Runs a script.</summary>
    public static ScriptReport Run(IReadOnlyList<ComponentCommand> commands, ComponentScriptOptions options, IComponentScriptEngine? engine = null)
    {
        ComponentScriptRunner runner = new(options, engine);
        foreach (ComponentCommand command in commands)
            runner.Run(command);
        return new ScriptReport(runner._passed, runner._failures, runner._skips, runner._rewordings);
    }

    private void Run(ComponentCommand command)
    {
        string? failure;
        try
        {
            failure = Execute(command);
        }
        catch (SkippedException e)
        {
            _skips.Add(new ScriptNote(command.Line, command.Kind.ToString(), e.Message));
            return;
        }
        catch (Exception e) when (e is WasmException or NotSupportedException or ArgumentException or InvalidOperationException or KeyNotFoundException)
        {
            failure = $"{e.GetType().Name}: {FirstLine(e.Message)}";
        }

        if (failure is null)
            _passed++;
        else
            _failures.Add(new ScriptNote(command.Line, command.Kind.ToString(), failure));
    }

    private string? Execute(ComponentCommand command)
    {
        switch (command.Kind)
        {
            case ComponentCommandKind.Component:
                _lastInstance = _lastDefinition = null;
                Keep(_instances, command.Name, null);
                Keep(_definitions, command.Name, null);
                Keep(_definitions, command.Name, _lastDefinition = Define(command.Source!));
                return Instantiate(_lastDefinition, command.Name);
            case ComponentCommandKind.Definition:
                _lastDefinition = null;
                Keep(_definitions, command.Name, null);
                Keep(_definitions, command.Name, _lastDefinition = Define(command.Source!));
                return null;
            case ComponentCommandKind.Instance:
                _lastInstance = null;
                Keep(_instances, command.Name, null);
                return Instantiate(Find(_definitions, command.Target, _lastDefinition), command.Name);
            case ComponentCommandKind.Invoke:
            case ComponentCommandKind.AssertReturn:
            case ComponentCommandKind.AssertTrap when command.Source is null:
                return Invoke(command);
            case ComponentCommandKind.AssertTrap:
            case ComponentCommandKind.AssertUnlinkable:
                object definition = Define(command.Source!);
                if (definition == s_checked)
                    throw new SkippedException(NoEngine);
                return Expect(
                    _engine!.Instantiate(definition), command.Kind == ComponentCommandKind.AssertTrap ? ScriptEngineOutcomeKind.Trap : ScriptEngineOutcomeKind.Unlinkable, command);
            case ComponentCommandKind.AssertMalformed:
            case ComponentCommandKind.AssertInvalid:
                return ExpectRefusal(command);
            default:
                throw new NotSupportedException($"{command.Kind} is not supported");
        }
    }

    private object Define(ComponentSource source)
    {
        byte[] binary = source.ToBinary(new WatOptions { Features = _options.Features }, _options.IsLenient);
        if (_engine is not null && !source.IsModule)
            return _engine.Define(binary);
        Validate(source, binary);
        return s_checked;
    }

    private void Validate(ComponentSource source, byte[] binary)
    {
        if (source.IsModule)
            ModuleValidator.Validate(WasmModule.Decode(binary, _options.Features), new TypeRegistry(), degreeOfParallelism: 1);
        else
            ComponentValidator.Validate(WasmComponent.Decode(binary, _options.Features), _options.Features);
    }

    private string? Instantiate(object definition, string? name)
    {
        if (definition == s_checked)
        {
            Keep(_instances, name, _lastInstance = s_checked);
            return null;
        }

        ComponentOutcome outcome = _engine!.Instantiate(definition);
        if (outcome.Kind != ScriptEngineOutcomeKind.Done)
            return $"instantiation ended with {outcome.Kind} \"{FirstLine(outcome.Message)}\"";
        Keep(_instances, name, _lastInstance = outcome.Instance);
        return null;
    }

    private string? Invoke(ComponentCommand command)
    {
        ComponentAction action = command.Action!;
        object instance = Find(_instances, action.Instance, _lastInstance);
        if (instance == s_checked)
            throw new SkippedException(NoEngine);
        ComponentOutcome outcome = _engine!.Invoke(instance, action.Export, action.Arguments);
        if (command.Kind == ComponentCommandKind.AssertTrap)
            return Expect(outcome, ScriptEngineOutcomeKind.Trap, command);
        if (outcome.Kind != ScriptEngineOutcomeKind.Done)
            return $"ended with {outcome.Kind} \"{FirstLine(outcome.Message)}\"";
        if (command.Kind == ComponentCommandKind.Invoke)
            return null;
        int results = outcome.Value is null ? 0 : 1;
        if (results != command.Results.Length)
            return $"returned {results} results, expected {command.Results.Length}";
        return results == 0 || ComponentScriptValue.Matches(outcome.Value!, command.Results[0]) ? null : $"returned {outcome.Value}, expected {command.Results[0]}";
    }

    private string? Expect(ComponentOutcome outcome, ScriptEngineOutcomeKind kind, ComponentCommand command)
    {
        bool exhausted = kind == ScriptEngineOutcomeKind.Trap && outcome.Kind == ScriptEngineOutcomeKind.Exhaustion;
        if (outcome.Kind != kind && !exhausted)
            return $"ended with {(outcome.Kind == ScriptEngineOutcomeKind.Done ? "no error" : $"{outcome.Kind} \"{FirstLine(outcome.Message)}\"")}, expected {kind} \"{command.Text}\"";
        if (!outcome.Message.Contains(command.Text!, StringComparison.Ordinal))
            Reword(command, outcome.Message);
        return null;
    }

    private string? ExpectRefusal(ComponentCommand command)
    {
        WasmException refusal;
        try
        {
            Validate(command.Source!, command.Source!.ToBinary(new WatOptions { Features = _options.Features }, _options.IsLenient));
            return $"was accepted, expected \"{command.Text}\"";
        }
        catch (WasmException e)
        {
            refusal = e;
        }

        bool malformed = refusal is MalformedModuleException or TextFormatException;
        if (malformed != (command.Kind == ComponentCommandKind.AssertMalformed))
            return $"was {(malformed ? "malformed" : "invalid")}: {FirstLine(refusal.Message)}, expected \"{command.Text}\"";
        if (!refusal.Message.Contains(command.Text!, StringComparison.Ordinal))
            Reword(command, refusal.Message);
        return null;
    }

    private void Reword(ComponentCommand command, string message) =>
        _rewordings.Add(new ScriptNote(command.Line, command.Kind.ToString(), $"\"{FirstLine(message)}\", the script says \"{command.Text}\""));

    private static object Find(Dictionary<string, object?> all, string? name, object? last) =>
        (name is null ? last : all.GetValueOrDefault(name)) ?? throw new InvalidOperationException("there is no such instance or definition: its component failed");

    private static void Keep(Dictionary<string, object?> all, string? name, object? item)
    {
        if (name is not null)
            all[name] = item;
    }

    private static string FirstLine(string text) => text.Split('\n')[0];

    private sealed class SkippedException(string reason) : Exception(reason);
}
