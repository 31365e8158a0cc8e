// The state of an instance in the cluster: what the functions of GuestImports and of WASI get. It belongs to one guest, and what is of one call is set when the call begins.
using System.Buffers;
using Tarn.Orleans.Silos;
using Tarn.Wasi;

namespace Tarn.Orleans.Calls;

internal sealed class GuestContext(TarnClusterOptions options, GuestPeers? peers) : IWasiState, ISnapshotState, IDisposable
{
    private readonly ArrayBufferWriter<byte> _output = new();
    private WasiContext? _wasi;
    private string _own = "";
    private string[] _waiting = [];

    /// <summary>Made when the guest first calls WASI: most guests of numbers never do.</summary>
    public WasiContext Wasi => _wasi ??= new WasiContext(options.CreateWasiOptions?.Invoke() ?? new WasiOptions());

    public GuestPeers? Peers => peers;

    /// <summary>The deployment that runs; null while it is initialized.</summary>
    public GuestDeployment? Deployment { get; private set; }

    public string Tenant { get; private set; } = "";

    /// <summary>The guests that wait for this call, the first caller first, and this one. Made when the guest calls another.</summary>
    public string[] Chain => [.. _waiting, _own];

    public ReadOnlyMemory<byte> Input { get; private set; }

    /// <summary>What the last call of another guest returned.</summary>
    public ReadOnlyMemory<byte> Reply { get; set; }

    public int MaximumMessageBytes => options.MaximumMessageBytes;

    public void Begin(GuestDeployment deployment, string tenant, string own, string[] waiting, ReadOnlyMemory<byte> input)
    {
        Deployment = deployment;
        Tenant = tenant;
        (_own, _waiting) = (own, waiting);
        Input = input;
        Reply = default;
        _output.ResetWrittenCount();
    }

    /// <summary>Takes what the guest wrote. Nothing of the call is kept.</summary>
    public ReadOnlyMemory<byte> End()
    {
        ReadOnlyMemory<byte> output = _output.WrittenCount == 0 ? default : _output.WrittenMemory.ToArray();
        Input = default;
        Reply = default;
        if (_output.Capacity > 1 << 16)
            _output.Clear();
        else
            _output.ResetWrittenCount();
        return output;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (_output.WrittenCount + (long)bytes.Length > options.MaximumMessageBytes)
            throw new GuestCallException(GuestFailure.LimitExceeded, $"The guest wrote more than {options.MaximumMessageBytes} bytes of output, which is MaximumMessageBytes.");
        _output.Write(bytes);
    }

    string? ISnapshotState.DescribeUnsavedState() => ((ISnapshotState?)_wasi)?.DescribeUnsavedState();

    public void Dispose() => _wasi?.Dispose();
}

/// <summary>What a guest needs to call others.</summary>
internal sealed record GuestPeers(IGrainFactory Grains, SiloGuests Guests, Func<GuestDeployment, GuestDeployment, bool>? MayCall);
