// Canonical definitions: functions that cross between core WebAssembly and components (lift, lower), and the built-in functions on resources, tasks, streams and threads.
namespace Tarn.Wasm.Component;

/// <summary>Kinds of canonical definitions, by their code in the binary format.</summary>
internal enum CanonicalKind : byte
{
    Lift = 0x00,
    Lower = 0x01,
    ResourceNew = 0x02,
    ResourceDrop = 0x03,
    ResourceRep = 0x04,
    TaskCancel = 0x05,
    SubtaskCancel = 0x06,
    TaskReturn = 0x09,
    ContextGet = 0x0A,
    ContextSet = 0x0B,
    ThreadYield = 0x0C,
    SubtaskDrop = 0x0D,
    StreamNew = 0x0E,
    StreamRead = 0x0F,
    StreamWrite = 0x10,
    StreamCancelRead = 0x11,
    StreamCancelWrite = 0x12,
    StreamDropReadable = 0x13,
    StreamDropWritable = 0x14,
    FutureNew = 0x15,
    FutureRead = 0x16,
    FutureWrite = 0x17,
    FutureCancelRead = 0x18,
    FutureCancelWrite = 0x19,
    FutureDropReadable = 0x1A,
    FutureDropWritable = 0x1B,
    ErrorContextNew = 0x1C,
    ErrorContextDebugMessage = 0x1D,
    ErrorContextDrop = 0x1E,
    WaitableSetNew = 0x1F,
    WaitableSetWait = 0x20,
    WaitableSetPoll = 0x21,
    WaitableSetDrop = 0x22,
    WaitableJoin = 0x23,
    BackpressureInc = 0x24,
    BackpressureDec = 0x25,
    ThreadIndex = 0x26,
    ThreadNewIndirect = 0x27,
    ThreadResumeLater = 0x28,
    ThreadSuspend = 0x29,
    ThreadSuspendThenResume = 0x2A,
    ThreadYieldThenResume = 0x2B,
    ThreadSuspendThenPromote = 0x2C,
    ThreadYieldThenPromote = 0x2D,
    ThreadSpawnRef = 0x40,
    ThreadSpawnIndirect = 0x41,
    ThreadAvailableParallelism = 0x42,
}

/// <summary>What follows a canonical definition's code, apart from those of lift and lower.</summary>
internal enum CanonicalShape : byte
{
    None,
    Type,
    TypeOptions,
    TypeFlag,
    Options,
    Flag,
    FlagMemory,
    ResultOptions,
    Context,
    TypeTable,
    FlagType,
    FlagTypeTable,
}

/// <summary>Options of canonical definitions, by their code.</summary>
internal enum CanonicalOptionKind : byte
{
    Utf8 = 0,
    Utf16 = 1,
    Latin1Utf16 = 2,
    Memory = 3,
    Realloc = 4,
    PostReturn = 5,
    Async = 6,
    Callback = 7,
    CoreType = 8,
    Gc = 9,
}

/// <summary>An option with its index, 0 where it has none.</summary>
internal readonly record struct CanonicalOption(CanonicalOptionKind Kind, int Index);

/// <summary>A canonical definition. Which of the fields mean something depends on the kind.</summary>
// Kind: the kind.
// Function: core function that is lifted, or function that is lowered.
// Type: type index: of the lifted function, of a resource, stream or future, or of a thread's core function.
// Options: options.
// Flag: async, cancellable or shared.
// Index: memory index, table index or the number of a context slot.
// Result: result of task.return.
// ContextType: type of a context slot.
internal sealed record CanonicalDefinition(
    int Offset, CanonicalKind Kind, int Function, int Type, CanonicalOption[] Options, bool Flag, int Index, ValueTypeReference? Result, ValType ContextType)
    : ComponentDefinition(Offset);

/// <summary>Names and shapes of canonical definitions.</summary>
internal static class CanonicalKinds
{
    private static readonly Dictionary<string, CanonicalKind> s_kinds = Enum.GetValues<CanonicalKind>().ToDictionary(Name, StringComparer.Ordinal);

    /// <summary>The name in the text format.</summary>
    public static string Name(CanonicalKind kind) => kind switch
    {
        CanonicalKind.Lift => "lift",
        CanonicalKind.Lower => "lower",
        CanonicalKind.ResourceNew => "resource.new",
        CanonicalKind.ResourceDrop => "resource.drop",
        CanonicalKind.ResourceRep => "resource.rep",
        CanonicalKind.TaskCancel => "task.cancel",
        CanonicalKind.SubtaskCancel => "subtask.cancel",
        CanonicalKind.TaskReturn => "task.return",
        CanonicalKind.ContextGet => "context.get",
        CanonicalKind.ContextSet => "context.set",
        CanonicalKind.ThreadYield => "thread.yield",
        CanonicalKind.SubtaskDrop => "subtask.drop",
        CanonicalKind.StreamNew => "stream.new",
        CanonicalKind.StreamRead => "stream.read",
        CanonicalKind.StreamWrite => "stream.write",
        CanonicalKind.StreamCancelRead => "stream.cancel-read",
        CanonicalKind.StreamCancelWrite => "stream.cancel-write",
        CanonicalKind.StreamDropReadable => "stream.drop-readable",
        CanonicalKind.StreamDropWritable => "stream.drop-writable",
        CanonicalKind.FutureNew => "future.new",
        CanonicalKind.FutureRead => "future.read",
        CanonicalKind.FutureWrite => "future.write",
        CanonicalKind.FutureCancelRead => "future.cancel-read",
        CanonicalKind.FutureCancelWrite => "future.cancel-write",
        CanonicalKind.FutureDropReadable => "future.drop-readable",
        CanonicalKind.FutureDropWritable => "future.drop-writable",
        CanonicalKind.ErrorContextNew => "error-context.new",
        CanonicalKind.ErrorContextDebugMessage => "error-context.debug-message",
        CanonicalKind.ErrorContextDrop => "error-context.drop",
        CanonicalKind.WaitableSetNew => "waitable-set.new",
        CanonicalKind.WaitableSetWait => "waitable-set.wait",
        CanonicalKind.WaitableSetPoll => "waitable-set.poll",
        CanonicalKind.WaitableSetDrop => "waitable-set.drop",
        CanonicalKind.WaitableJoin => "waitable.join",
        CanonicalKind.BackpressureInc => "backpressure.inc",
        CanonicalKind.BackpressureDec => "backpressure.dec",
        CanonicalKind.ThreadIndex => "thread.index",
        CanonicalKind.ThreadNewIndirect => "thread.new-indirect",
        CanonicalKind.ThreadResumeLater => "thread.resume-later",
        CanonicalKind.ThreadSuspend => "thread.suspend",
        CanonicalKind.ThreadSuspendThenResume => "thread.suspend-then-resume",
        CanonicalKind.ThreadYieldThenResume => "thread.yield-then-resume",
        CanonicalKind.ThreadSuspendThenPromote => "thread.suspend-then-promote",
        CanonicalKind.ThreadYieldThenPromote => "thread.yield-then-promote",
        CanonicalKind.ThreadSpawnRef => "thread.spawn-ref",
        CanonicalKind.ThreadSpawnIndirect => "thread.spawn-indirect",
        _ => "thread.available-parallelism",
    };

    /// <summary>Finds a kind by its name.</summary>
    public static bool TryFind(string name, out CanonicalKind kind) => s_kinds.TryGetValue(name, out kind);

    /// <summary>What follows the code. Not for lift and lower.</summary>
    public static CanonicalShape Shape(CanonicalKind kind) => kind switch
    {
        CanonicalKind.ResourceNew or CanonicalKind.ResourceDrop or CanonicalKind.ResourceRep or CanonicalKind.StreamNew or CanonicalKind.FutureNew
            or CanonicalKind.StreamDropReadable or CanonicalKind.StreamDropWritable or CanonicalKind.FutureDropReadable or CanonicalKind.FutureDropWritable => CanonicalShape.Type,
        CanonicalKind.StreamRead or CanonicalKind.StreamWrite or CanonicalKind.FutureRead or CanonicalKind.FutureWrite => CanonicalShape.TypeOptions,
        CanonicalKind.StreamCancelRead or CanonicalKind.StreamCancelWrite or CanonicalKind.FutureCancelRead or CanonicalKind.FutureCancelWrite => CanonicalShape.TypeFlag,
        CanonicalKind.ErrorContextNew or CanonicalKind.ErrorContextDebugMessage => CanonicalShape.Options,
        CanonicalKind.SubtaskCancel or CanonicalKind.ThreadYield or CanonicalKind.ThreadSuspend or CanonicalKind.ThreadSuspendThenResume or CanonicalKind.ThreadYieldThenResume
            or CanonicalKind.ThreadSuspendThenPromote or CanonicalKind.ThreadYieldThenPromote or CanonicalKind.ThreadAvailableParallelism => CanonicalShape.Flag,
        CanonicalKind.WaitableSetWait or CanonicalKind.WaitableSetPoll => CanonicalShape.FlagMemory,
        CanonicalKind.TaskReturn => CanonicalShape.ResultOptions,
        CanonicalKind.ContextGet or CanonicalKind.ContextSet => CanonicalShape.Context,
        CanonicalKind.ThreadNewIndirect => CanonicalShape.TypeTable,
        CanonicalKind.ThreadSpawnRef => CanonicalShape.FlagType,
        CanonicalKind.ThreadSpawnIndirect => CanonicalShape.FlagTypeTable,
        _ => CanonicalShape.None,
    };

    /// <summary>The keyword for the flag of a kind that has one.</summary>
    public static string FlagKeyword(CanonicalKind kind) => kind switch
    {
        CanonicalKind.SubtaskCancel or CanonicalKind.StreamCancelRead or CanonicalKind.StreamCancelWrite or CanonicalKind.FutureCancelRead or CanonicalKind.FutureCancelWrite => "async",
        CanonicalKind.ThreadSpawnRef or CanonicalKind.ThreadSpawnIndirect or CanonicalKind.ThreadAvailableParallelism => "shared",
        _ => "cancellable",
    };

    /// <summary>The keyword of an option in the text format.</summary>
    public static string Name(CanonicalOptionKind kind) => kind switch
    {
        CanonicalOptionKind.Utf8 => "string-encoding=utf8",
        CanonicalOptionKind.Utf16 => "string-encoding=utf16",
        CanonicalOptionKind.Latin1Utf16 => "string-encoding=latin1+utf16",
        CanonicalOptionKind.Memory => "memory",
        CanonicalOptionKind.Realloc => "realloc",
        CanonicalOptionKind.PostReturn => "post-return",
        CanonicalOptionKind.Async => "async",
        CanonicalOptionKind.Callback => "callback",
        CanonicalOptionKind.CoreType => "core-type",
        _ => "gc",
    };
}
