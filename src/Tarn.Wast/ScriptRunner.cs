// Runs a script directive by directive and says of each whether it held. Without an engine modules are decoded and validated, and what needs execution is
// skipped with that as the reason. An assertion is held to the class of error it is about (malformed is not invalid, a link error is not a trap), so that no
// directive passes because something else went wrong.
//
// Invariant: every directive is counted exactly once, as passed, failed or skipped. A module that does not come into being leaves no older instance in its
// place: what follows it fails too, instead of talking to the wrong module.
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Wast;

/// <summary>Runs one script.</summary>
internal sealed class ScriptRunner
{
    private const string NoEngine = "needs execution, and there is no engine";
    private const string NoThreads = "threads of scripts are not run";

    // Stands for an instance or definition that without an engine was only checked.
    private static readonly object s_checked = new();

    private readonly ScriptOptions _options;
    private readonly IScriptEngine? _engine;
    private readonly Dictionary<string, object> _instances = [];
    private readonly Dictionary<string, object> _definitions = [];
    private readonly List<ScriptNote> _failures = [];
    private readonly List<ScriptNote> _skips = [];
    private readonly List<ScriptNote> _rewordings = [];
    private object? _lastInstance;
    private object? _lastDefinition;
    private int _passed;

    private ScriptRunner(ScriptOptions options, IScriptEngine? engine)
    {
        _options = options;
        _engine = engine;
    }

    /// <summary>Runs a script; without an engine its modules are only read.</summary>
    public static ScriptReport Run(Script script, ScriptOptions options, IScriptEngine? engine = null)
    {
        ScriptRunner runner = new(options, engine);
        foreach (ScriptCommand command in script.Commands)
            runner.Run(command);
        return new ScriptReport(runner._passed, runner._failures, runner._skips, runner._rewordings);
    }

    private void Run(ScriptCommand command)
    {
        Verdict verdict;
        try
        {
            verdict = Execute(command);
        }
        catch (Exception e) when (e is WasmException or NotSupportedException or ArgumentException or InvalidOperationException or KeyNotFoundException)
        {
            verdict = Verdict.Fail($"{e.GetType().Name}: {FirstLine(e.Message)}");
        }

        string directive = command.Kind.ToString();
        switch (verdict.Kind)
        {
            case VerdictKind.Passed:
                _passed++;
                if (verdict.Text is not null)
                    _rewordings.Add(new ScriptNote(command.Line, directive, verdict.Text));
                break;
            case VerdictKind.Skipped:
                _skips.Add(new ScriptNote(command.Line, directive, verdict.Text!));
                break;
            default:
                _failures.Add(new ScriptNote(command.Line, directive, verdict.Text!));
                break;
        }
    }

    private Verdict Execute(ScriptCommand command)
    {
        switch (command.Kind)
        {
            case ScriptCommandKind.Module:
                _lastInstance = _lastDefinition = null;
                Forget(command.Name);
                Define(command.Module!, out object defined);
                return Instantiate(_lastDefinition = defined, command.Name);
            case ScriptCommandKind.ModuleDefinition:
                _lastDefinition = null;
                Define(command.Module!, out object definition);
                _lastDefinition = definition;
                return Verdict.Pass;
            case ScriptCommandKind.ModuleInstance:
                _lastInstance = null;
                Forget(command.Name);
                return Instantiate(FindDefinition(command.Target), command.Name);
            case ScriptCommandKind.Register:
                return Register(command.Text!, FindInstance(command.Name));
            case ScriptCommandKind.Action:
            case ScriptCommandKind.AssertReturn:
            case ScriptCommandKind.AssertTrap when command.Module is null:
            case ScriptCommandKind.AssertExhaustion:
            case ScriptCommandKind.AssertException:
                return Perform(command);
            case ScriptCommandKind.AssertTrap:
            case ScriptCommandKind.AssertUnlinkable:
                return ExpectInstantiationToFail(command);
            case ScriptCommandKind.AssertMalformed:
            case ScriptCommandKind.AssertInvalid:
            case ScriptCommandKind.AssertMalformedCustom:
            case ScriptCommandKind.AssertInvalidCustom:
                return ExpectRefusal(command);
            case ScriptCommandKind.Thread:
            case ScriptCommandKind.Wait:
                return Verdict.Skip(NoThreads);
            default:
                throw new InvalidOperationException($"the runner does not know {command.Kind}");
        }
    }

    private void Define(ScriptModule module, out object definition)
    {
        byte[] binary = module.ToBinary(new WatOptions { Features = _options.Features });
        if (_engine is null)
            Validate(binary);
        definition = _engine is null ? s_checked : _engine.Define(binary);
        Keep(_definitions, module.Name, definition);
    }

    private Verdict Instantiate(object definition, string? name)
    {
        if (definition == s_checked)
        {
            Keep(_instances, name, _lastInstance = s_checked);
            return Verdict.Pass;
        }

        ScriptEngineOutcome outcome = _engine!.Instantiate(definition);
        if (outcome.Kind != ScriptEngineOutcomeKind.Done)
            return Verdict.Fail($"instantiation ended with {Describe(outcome)}");
        Keep(_instances, name, _lastInstance = outcome.Instance);
        return Verdict.Pass;
    }

    private Verdict Register(string name, object instance)
    {
        if (instance == s_checked)
            return Verdict.Skip(NoEngine);
        _engine!.Register(name, instance);
        return Verdict.Pass;
    }

    private Verdict Perform(ScriptCommand command)
    {
        ScriptAction action = command.Action!;
        object instance = FindInstance(action.Instance);
        if (instance == s_checked)
            return Verdict.Skip(NoEngine);
        ScriptEngineOutcome outcome = action.IsGet ? _engine!.Get(instance, action.Export) : _engine!.Invoke(instance, action.Export, action.Arguments);
        switch (command.Kind)
        {
            case ScriptCommandKind.Action:
                return outcome.Kind == ScriptEngineOutcomeKind.Done ? Verdict.Pass : Verdict.Fail($"ended with {Describe(outcome)}");
            case ScriptCommandKind.AssertReturn when outcome.Kind == ScriptEngineOutcomeKind.Done:
                return ScriptMatcher.Compare(outcome.Values, command.Results) is { } difference ? Verdict.Fail(difference) : Verdict.Pass;
            case ScriptCommandKind.AssertReturn:
                return Verdict.Fail($"ended with {Describe(outcome)}");
            case ScriptCommandKind.AssertException:
                return Expect(outcome, ScriptEngineOutcomeKind.Exception, null);
            case ScriptCommandKind.AssertExhaustion:
                return Expect(outcome, ScriptEngineOutcomeKind.Exhaustion, null);
            default:
                return Expect(outcome, ScriptEngineOutcomeKind.Trap, command.Text);
        }
    }

    private Verdict ExpectInstantiationToFail(ScriptCommand command)
    {
        Define(command.Module!, out object definition);
        if (definition == s_checked)
            return Verdict.Skip(NoEngine);
        bool trap = command.Kind == ScriptCommandKind.AssertTrap;
        return Expect(_engine!.Instantiate(definition), trap ? ScriptEngineOutcomeKind.Trap : ScriptEngineOutcomeKind.Unlinkable, command.Text);
    }

    private static Verdict Expect(ScriptEngineOutcome outcome, ScriptEngineOutcomeKind kind, string? message)
    {
        if (outcome.Kind != kind)
            return Verdict.Fail($"ended with {Describe(outcome)}, expected {(message is null ? kind.ToString() : $"{kind} \"{message}\"")}");
        // Some scripts name which element is uninitialized, some engines add details: either may be longer.
        return message is null || outcome.Message.StartsWith(message, StringComparison.Ordinal) || message.StartsWith(outcome.Message, StringComparison.Ordinal)
            ? Verdict.Pass
            : Verdict.Fail($"ended with {Describe(outcome)}, expected \"{message}\"");
    }

    private Verdict ExpectRefusal(ScriptCommand command)
    {
        bool custom = command.Kind is ScriptCommandKind.AssertMalformedCustom or ScriptCommandKind.AssertInvalidCustom;
        WasmException refusal;
        try
        {
            byte[] binary = command.Module!.ToBinary(new WatOptions { Features = _options.Features });
            WasmModule module = Validate(binary);
            if (custom)
                _ = module.Names;
            return Verdict.Fail($"was accepted, expected \"{command.Text}\"");
        }
        catch (WasmException e)
        {
            refusal = e;
        }

        // Annotations are checked where they are read, which is while parsing the text: there both classes are one.
        bool malformed = refusal is MalformedModuleException or TextFormatException;
        if (!custom && malformed != (command.Kind == ScriptCommandKind.AssertMalformed))
            return Verdict.Fail($"was {(malformed ? "malformed" : "invalid")}: {FirstLine(refusal.Message)}, expected \"{command.Text}\"");
        string reason = refusal switch
        {
            MalformedModuleException e => e.Problem,
            InvalidModuleException e => e.Rule,
            TextFormatException e => e.Reason,
            _ => refusal.Message,
        };
        return reason.Contains(command.Text!, StringComparison.Ordinal)
            ? Verdict.Pass
            : Verdict.Reworded($"\"{FirstLine(refusal.Message)}\", the script says \"{command.Text}\"");
    }

    private WasmModule Validate(byte[] binary)
    {
        WasmModule module = WasmModule.Decode(binary, _options.Features);
        ModuleValidator.Validate(module, new TypeRegistry(), degreeOfParallelism: 1);
        return module;
    }

    private object FindInstance(string? name) =>
        (name is null ? _lastInstance : _instances.GetValueOrDefault(name)) ?? throw new InvalidOperationException("there is no instance: its module failed");

    private object FindDefinition(string? name) =>
        (name is null ? _lastDefinition : _definitions.GetValueOrDefault(name)) ?? throw new InvalidOperationException("there is no definition: its module failed");

    private void Forget(string? name)
    {
        if (name is not null)
            _instances.Remove(name);
    }

    private static void Keep(Dictionary<string, object> all, string? name, object? item)
    {
        if (name is not null && item is not null)
            all[name] = item;
    }

    private static string Describe(ScriptEngineOutcome outcome) => outcome.Kind == ScriptEngineOutcomeKind.Done ? "no error" : $"{outcome.Kind} \"{FirstLine(outcome.Message)}\"";

    private static string FirstLine(string text) => text.Split('\n')[0];

    private enum VerdictKind : byte
    {
        Passed,
        Failed,
        Skipped,
    }

    private readonly record struct Verdict(VerdictKind Kind, string? Text)
    {
        public static Verdict Pass => new(VerdictKind.Passed, null);

        public static Verdict Reworded(string text) => new(VerdictKind.Passed, text);

        public static Verdict Fail(string text) => new(VerdictKind.Failed, text);

        public static Verdict Skip(string reason) => new(VerdictKind.Skipped, reason);
    }
}
