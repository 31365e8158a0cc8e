// How an action of a script ended. Exactly one of the kinds; Values belong to Done alone, Message to all others.
namespace Tarn.Wast;

/// <summary>Ways in which an action can end.</summary>
internal enum ScriptEngineOutcomeKind : byte
{
    /// <summary>With values, or with an instance.</summary>
    Done,

    /// <summary>With a trap.</summary>
    Trap,

    /// <summary>With an exhausted call stack.</summary>
    Exhaustion,

    /// <summary>With an exception that no one caught.</summary>
    Exception,

    /// <summary>With an import that is missing or does not fit.</summary>
    Unlinkable,
}

/// <summary>How an action ended.</summary>
internal readonly struct ScriptEngineOutcome
{
    private ScriptEngineOutcome(ScriptEngineOutcomeKind kind, ScriptValue[]? values, object? instance, string? message)
    {
        Kind = kind;
        Values = values ?? [];
        Instance = instance;
        Message = message ?? "";
    }

    public ScriptEngineOutcomeKind Kind { get; }

    /// <summary>The results of an action that is done.</summary>
    public ScriptValue[] Values { get; }

    /// <summary>What an instantiation that is done made.</summary>
    public object? Instance { get; }

    /// <summary>What went wrong, in the specification's words.</summary>
    public string Message { get; }

    public static ScriptEngineOutcome Returned(ScriptValue[] values) => new(ScriptEngineOutcomeKind.Done, values, null, null);

    public static ScriptEngineOutcome Created(object instance) => new(ScriptEngineOutcomeKind.Done, null, instance, null);

    public static ScriptEngineOutcome Failed(ScriptEngineOutcomeKind kind, string message) => new(kind, null, null, message);
}
