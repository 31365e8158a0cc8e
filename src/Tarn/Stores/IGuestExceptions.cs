// What a store asks of the layer above about exceptions of guests, whose public form holds handles and values.

namespace Tarn.Stores;

/// <summary>Makes the exceptions that hosts see; the embedder's view of an engine does.</summary>
internal interface IGuestExceptions
{
    /// <summary>Makes the exception of a guest that has left, while its frames are still there.</summary>
    Exception Create(StoreCore store, TagInstance tag, ReadOnlySpan<RawValue> payload, ulong reference);
}

/// <summary>An exception of the host's that a guest can catch.</summary>
internal interface IGuestException
{
    /// <summary>Whether it is of the life that a store is in.</summary>
    bool IsOf(StoreCore store);

    /// <summary>Its tag and, if it has one, its reference.</summary>
    ThrownException Thrown { get; }

    /// <summary>Its values as a guest has them, now. Inside the store.</summary>
    RawValue[] ToRaw();
}
