// A call of a guest, as it is sent. Immutable: Orleans does not copy it for callers on the same silo.
using System.Collections.Immutable;

namespace Tarn.Orleans;

/// <summary>A call of a function that a guest exports.</summary>
[GenerateSerializer, Immutable, Alias("Tarn.GuestRequest")]
public sealed record GuestRequest
{
    /// <summary>Gets the name of the exported function.</summary>
    [Id(0)]
    public required string Function { get; init; }

    /// <summary>Gets the arguments.</summary>
    [Id(1)]
    public ImmutableArray<GuestValue> Arguments { get; init; } = [];

    /// <summary>Gets bytes that the guest reads with the imports <c>tarn.input_length</c> and <c>tarn.input_read</c>. They must not be changed after the call.</summary>
    [Id(2)]
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>
    /// Gets whether the state of an actor is written to storage before the call returns. A call that is not durable is saved by the timer and when the actor is deactivated, and is lost if the silo ends before
    /// that. Functions have no state and ignore it.
    /// </summary>
    [Id(3)]
    public bool IsDurable { get; init; }

    /// <summary>Gets the tenant whose quota pays for the call, where the deployment does not name one.</summary>
    [Id(4)]
    public string? Tenant { get; init; }
}

/// <summary>What a guest returned.</summary>
[GenerateSerializer, Immutable, Alias("Tarn.GuestReply")]
public sealed record GuestReply
{
    /// <summary>Gets the results.</summary>
    [Id(0)]
    public ImmutableArray<GuestValue> Results { get; init; } = [];

    /// <summary>Gets the bytes that the guest wrote with the import <c>tarn.output_write</c>.</summary>
    [Id(1)]
    public ReadOnlyMemory<byte> Output { get; init; }

    /// <summary>Gets the version of the deployment that answered.</summary>
    [Id(2)]
    public int Version { get; init; }
}
