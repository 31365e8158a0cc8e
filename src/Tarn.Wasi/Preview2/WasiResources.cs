// The resource types of WASI 0.2. One set for each linker: a stream that one interface hands out is a stream to all others.
using Tarn.Components;

namespace Tarn.Wasi.Preview2;

/// <summary>Resource types.</summary>
internal sealed class WasiResources
{
    public ComponentResourceType Error { get; } = new("wasi:io/error.error");

    public ComponentResourceType Pollable { get; } = new("wasi:io/poll.pollable");

    public ComponentResourceType InputStream { get; } = new("wasi:io/streams.input-stream");

    public ComponentResourceType OutputStream { get; } = new("wasi:io/streams.output-stream");

    public ComponentResourceType Descriptor { get; } = new("wasi:filesystem/types.descriptor");

    public ComponentResourceType DirectoryEntryStream { get; } = new("wasi:filesystem/types.directory-entry-stream");

    public ComponentResourceType TerminalInput { get; } = new("wasi:cli/terminal-input.terminal-input");

    public ComponentResourceType TerminalOutput { get; } = new("wasi:cli/terminal-output.terminal-output");

    public ComponentResourceType Fields { get; } = new("wasi:http/types.fields");

    public ComponentResourceType IncomingRequest { get; } = new("wasi:http/types.incoming-request");

    public ComponentResourceType OutgoingRequest { get; } = new("wasi:http/types.outgoing-request");

    public ComponentResourceType RequestOptions { get; } = new("wasi:http/types.request-options");

    public ComponentResourceType ResponseOutparam { get; } = new("wasi:http/types.response-outparam");

    public ComponentResourceType IncomingResponse { get; } = new("wasi:http/types.incoming-response");

    public ComponentResourceType IncomingBody { get; } = new("wasi:http/types.incoming-body");

    public ComponentResourceType FutureTrailers { get; } = new("wasi:http/types.future-trailers");

    public ComponentResourceType OutgoingResponse { get; } = new("wasi:http/types.outgoing-response");

    public ComponentResourceType OutgoingBody { get; } = new("wasi:http/types.outgoing-body");

    public ComponentResourceType FutureIncomingResponse { get; } = new("wasi:http/types.future-incoming-response");

    public ComponentResourceType Network { get; } = new("wasi:sockets/network.network");

    public ComponentResourceType TcpSocket { get; } = new("wasi:sockets/tcp.tcp-socket");

    public ComponentResourceType UdpSocket { get; } = new("wasi:sockets/udp.udp-socket");

    public ComponentResourceType IncomingDatagramStream { get; } = new("wasi:sockets/udp.incoming-datagram-stream");

    public ComponentResourceType OutgoingDatagramStream { get; } = new("wasi:sockets/udp.outgoing-datagram-stream");

    public ComponentResourceType ResolveAddressStream { get; } = new("wasi:sockets/ip-name-lookup.resolve-address-stream");

    /// <summary>The object behind a resource that the guest has given up, which is not destroyed.</summary>
    public static T Take<T>(ComponentValue value)
        where T : class
    {
        ComponentResource resource = value.AsResource();
        var target = (T)resource.Target!;
        resource.Release();
        return target;
    }

    /// <summary>A handle that the guest gets to own.</summary>
    public static ComponentValue Give(ComponentResourceType type, object target) => ComponentValue.FromResource(type.Create(target));
}
