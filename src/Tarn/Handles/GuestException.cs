// An exception of WebAssembly on the host's side: what a guest threw and nothing in it caught, or what a host function throws for its guest to catch. Beside what embedders see it has
// what the guest gets back if it comes to one again: the values as they were, and the exception's reference. Those are good in one life of one store and nowhere else, so whoever hands
// them to a guest asks first (StoreExecution.TryCatch).
using Tarn.Handles;

namespace Tarn;

/// <summary>
/// A guest threw an exception that no handler of its call caught. A host function that lets it pass hands it to the guest around, and one that throws it itself, with a tag that it holds,
/// throws an exception that its guest can catch. A trap is not an exception in this sense (<see cref="TrapException"/>).
/// </summary>
public sealed class GuestException : WasmException, IGuestException
{
    private readonly Value[] _payload;
    private readonly ExceptionReference? _reference;

    /// <summary>Initializes a new instance of the <see cref="GuestException"/> class, to be thrown by a host function.</summary>
    /// <param name="tag">The tag, of the store whose guest calls the host function.</param>
    /// <param name="payload">The values that the tag's type names, in its order.</param>
    /// <exception cref="ArgumentException">The values are not those of the tag's type.</exception>
    /// <exception cref="ObjectDisposedException">The tag's store has been disposed.</exception>
    public GuestException(Tag tag, params ReadOnlySpan<Value> payload)
        : base("an exception for a guest")
    {
        using StoreUse use = StoreCore.Enter(tag.Store, tag.Generation);
        Store = tag.Store;
        ReadOnlySpan<ValType> types = Store.Engine.Types.Function(tag.Instance.TypeId).Parameters;
        if (types.Length != payload.Length)
            throw new ArgumentException($"an exception of this tag has {types.Length} values, not {payload.Length}", nameof(payload));
        for (int i = 0; i < types.Length; i++)
            _ = Store.ToRaw(payload[i], types[i]);
        _payload = payload.ToArray();
        Tag = tag;
        GuestBacktrace = [];
    }

    // The guest has left, and its frames are still there.
    internal GuestException(StoreCore store, TagInstance tag, ReadOnlySpan<RawValue> raw, ulong reference)
        : base("the guest threw an exception")
    {
        Store = store;
        Tag = new Tag(store, store.Generation, tag);
        _reference = reference == 0 ? null : new ExceptionReference(store, reference);
        ReadOnlySpan<ValType> types = store.Engine.Types.Function(tag.TypeId).Parameters;
        _payload = new Value[raw.Length];
        for (int i = 0; i < raw.Length; i++)
            _payload[i] = store.ToValue(raw[i], types[i]);
        GuestBacktrace = TrapFactory.SuspendedFrames(store);
    }

    /// <summary>Gets what was thrown and, line by line, the backtrace.</summary>
    public override string Message =>
        Trap.WithBacktrace(_payload.Length == 0 ? "the guest threw an exception without values" : $"the guest threw an exception ({string.Join(", ", _payload)})", GuestBacktrace);

    /// <summary>Gets the tag that the exception was thrown with.</summary>
    public Tag Tag { get; }

    /// <summary>Gets the values that it carries.</summary>
    public IReadOnlyList<Value> Payload => _payload;

    /// <summary>Gets the guest's calls in progress where it was thrown, innermost first; none if a host function threw it.</summary>
    public IReadOnlyList<GuestFrame> GuestBacktrace { get; }

    /// <summary>Whose guests can catch it, in the life that the tag names.</summary>
    internal StoreCore Store { get; }

    ThrownException IGuestException.Thrown => new(Tag.Instance, _reference?.RawIn(Store) ?? 0);

    bool IGuestException.IsOf(StoreCore store) => Store == store && Tag.Generation == store.Generation;

    // From the payload, which keeps objects alive and knows where they are.
    RawValue[] IGuestException.ToRaw()
    {
        ReadOnlySpan<ValType> types = Store.Engine.Types.Function(Tag.Instance.TypeId).Parameters;
        var raw = new RawValue[types.Length];
        for (int i = 0; i < raw.Length; i++)
            raw[i] = Store.ToRaw(_payload[i], types[i]);
        return raw;
    }
}
