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

    /// <summary>A handle that the guest gets to own.</summary>
    public static ComponentValue Give(ComponentResourceType type, object target) => ComponentValue.FromResource(type.Create(target));
}
