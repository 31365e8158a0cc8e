// The host's handle on a function, guest's or host's, whose signature is known at run time only. It holds the address of
// the function's reference record and the generation of its store, so that a stale handle is an ObjectDisposedException and
// never a stray call.
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Tarn.Execution;
using Tarn.Handles;
using Tarn.Linking;

namespace Tarn;

/// <summary>A function that can be called with <see cref="Value"/>s. For a signature known in advance use <c>Instance.GetFunction&lt;…&gt;</c>.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public readonly unsafe struct Function : IEquatable<Function>
{
    private readonly StoreCore? _store;
    private readonly int _generation;
    private readonly FunctionReference* _record;

    internal Function(StoreCore store, int generation, FunctionReference* record)
    {
        _store = store;
        _generation = generation;
        _record = record;
    }

    /// <summary>Whether this is the null reference.</summary>
    public bool IsNull => _record == null;

    /// <summary>Gets the function's type.</summary>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    /// <exception cref="InvalidOperationException">The function reference is null.</exception>
    public FunctionType Type
    {
        get
        {
            using StoreUse use = Enter();
            return TypeDescriptions.Function(_store!.Engine.Types, (int)_record->TypeId);
        }
    }

    /// <summary>Offset of the reference to the store in a handle, in bytes, by which handles in tuples are found.</summary>
    internal static int StoreOffset
    {
        get
        {
            Function none = default;
            return (int)Unsafe.ByteOffset(ref Unsafe.As<Function, byte>(ref none), ref Unsafe.As<StoreCore?, byte>(ref Unsafe.AsRef(in none._store)));
        }
    }

    /// <summary>The function in the store's current life, for the owner of the slot that it belongs to.</summary>
    internal Function Renew() => new(_store!, _store!.Generation, _record);

    internal StoreCore? Store => _store;

    internal int Generation => _generation;

    internal FunctionReference* Record => _record;

    internal CoreFunctionType CoreType
    {
        get
        {
            using StoreUse use = Enter();
            return _store!.Engine.Types.Function((int)_record->TypeId);
        }
    }

    /// <summary>Whether two handles are of the same function.</summary>
    public static bool operator ==(Function left, Function right) => left.Equals(right);

    /// <summary>Whether two handles are of different functions.</summary>
    public static bool operator !=(Function left, Function right) => !left.Equals(right);

    /// <summary>Calls the function.</summary>
    /// <param name="arguments">As many values as the function has parameters, of the same kinds.</param>
    /// <param name="results">Room for the results: at least as many as the function has.</param>
    /// <param name="cancellationToken">Stops the guest; compiled code notices where <see cref="EngineOptions.EnableInterruption"/> is on.</param>
    /// <exception cref="ArgumentException">The arguments do not fit the signature, or there is no room for the results.</exception>
    /// <exception cref="TrapException">The guest trapped.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public void Invoke(ReadOnlySpan<Value> arguments, Span<Value> results, CancellationToken cancellationToken = default)
    {
        if (InvokeCore(arguments, results, cancellationToken) is Trap trap)
            throw StoreCalls.Raise(trap, cancellationToken);
    }

    /// <summary>Calls the function and returns its results in an array.</summary>
    /// <inheritdoc cref="Invoke(ReadOnlySpan{Value}, Span{Value}, CancellationToken)"/>
    public Value[] Invoke(params ReadOnlySpan<Value> arguments)
    {
        var results = new Value[CoreType.ResultCount];
        Invoke(arguments, results);
        return results;
    }

    /// <summary>Calls the function and reports a trap instead of throwing; a guest that the token stopped is one. Exceptions of host functions still pass through.</summary>
    /// <returns>Whether the function returned.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled before the call began.</exception>
    public bool TryInvoke(ReadOnlySpan<Value> arguments, Span<Value> results, [NotNullWhen(false)] out Trap? trap, CancellationToken cancellationToken = default)
    {
        trap = InvokeCore(arguments, results, cancellationToken);
        return trap is null;
    }

    /// <summary>Calls the function. While an asynchronous host function is pending, the guest is suspended and no thread waits for it.</summary>
    /// <param name="arguments">As many values as the function has parameters, of the same kinds; they may be changed when this returns.</param>
    /// <param name="cancellationToken">Stops the guest, running or suspended.</param>
    /// <returns>The results.</returns>
    /// <exception cref="ArgumentException">The arguments do not fit the signature.</exception>
    /// <exception cref="TrapException">The guest trapped.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The instance has been disposed, before or while the guest was suspended.</exception>
    [SkipLocalsInit]
    public ValueTask<Value[]> InvokeAsync(ReadOnlySpan<Value> arguments, CancellationToken cancellationToken = default)
    {
        CoreFunctionType type = CoreType;
        if (arguments.Length != type.ParameterCount)
            throw new ArgumentException($"The function takes {type.ParameterCount} arguments, not {arguments.Length}: {type}.", nameof(arguments));
        const int InlineSlots = 32;
        int count = Math.Max(Math.Max(type.ParameterCount, type.ResultCount), 1);
        RawValue* inline = stackalloc RawValue[InlineSlots];
        RawValue[]? rented = count > InlineSlots ? new RawValue[count] : null;
        fixed (RawValue* large = rented)
        {
            RawValue* slots = rented is null ? inline : large;
            nint entry;
            using (StoreUse use = StoreCore.Enter(_store, _generation))
            {
                _store.BeginArguments();
                for (int i = 0; i < arguments.Length; i++)
                    slots[i] = _store.ToRaw(arguments[i], type.Parameters[i]);
                entry = _store.Engine.StubsFor(_record->TypeId).ArrayEntry;
            }
            return _store.CallAsync<Value[], UntypedResultReader>(_generation, entry, _record, slots, count, new UntypedResultReader(type.Results.ToArray()), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public bool Equals(Function other) => _record == other._record && _generation == other._generation && ReferenceEquals(_store, other._store);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Function other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => ((nint)_record).GetHashCode();

    internal void ThrowIfUnusable()
    {
        if (_record == null)
            throw new InvalidOperationException("The function reference is null.");
        StoreCore.ThrowIfStale(_store, _generation);
    }

    internal StoreUse Enter()
    {
        if (_record == null)
            throw new InvalidOperationException("The function reference is null.");
        return StoreCore.Enter(_store, _generation);
    }

    [SkipLocalsInit]
    private Trap? InvokeCore(ReadOnlySpan<Value> arguments, Span<Value> results, CancellationToken cancellationToken)
    {
        CoreFunctionType type = CoreType;
        if (arguments.Length != type.ParameterCount)
            throw new ArgumentException($"The function takes {type.ParameterCount} arguments, not {arguments.Length}: {type}.", nameof(arguments));
        if (results.Length < type.ResultCount)
            throw new ArgumentException($"The function has {type.ResultCount} results and there is room for {results.Length}: {type}.", nameof(results));
        const int InlineSlots = 32;
        int count = Math.Max(type.ParameterCount, type.ResultCount);
        RawValue* inline = stackalloc RawValue[InlineSlots];
        RawValue[]? rented = count > InlineSlots ? new RawValue[count] : null;
        fixed (RawValue* large = rented)
        {
            RawValue* slots = rented is null ? inline : large;
            using StoreUse use = StoreCore.Enter(_store, _generation);
            _store.BeginArguments();
            for (int i = 0; i < arguments.Length; i++)
                slots[i] = _store.ToRaw(arguments[i], type.Parameters[i]);
            Trap? trap = _store.Call(_generation, _record, slots, cancellationToken);
            if (trap is not null)
                return trap;
            for (int i = 0; i < type.ResultCount; i++)
                results[i] = _store.ToValue(slots[i], type.Results[i]);
            return null;
        }
    }

    /// <summary>What an import that is bound to the function refers to.</summary>
    /// <exception cref="InvalidOperationException">The function reference is null.</exception>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    internal Definition ToDefinition()
    {
        ThrowIfUnusable();
        return Definition.Of(_store!, _generation, _record);
    }

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => IsNull ? "null" : _store!.Generation != _generation ? "Function, disposed" : TypeDescriptions.Function(_store.Engine.Types, (int)_record->TypeId).ToString();
}
