// What a guest gets of the world. By default it is nothing: no arguments, no environment, no files, empty input, output that goes nowhere; only time and
// random bytes are the system's. Options are read when a context is made and may be used for any number of contexts, one after the other for the streams.
using System.Net.Sockets;
using Tarn.Wasi.Host;

namespace Tarn.Wasi;

/// <summary>What a guest gets to see: arguments, environment, files, streams, clocks, random bytes.</summary>
public sealed record WasiOptions
{
    /// <summary>The arguments; the first is the program's name, which most programs expect to be there. Bytes that are not UTF-8 are written as <see cref="WasiText"/> says, in variables too.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The environment variables, in the order in which the guest lists them.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>The directories, as descriptors from 3 on.</summary>
    public IReadOnlyList<WasiPreopen> Preopens { get; init; } = [];

    /// <summary>Sockets, listening or connected, as descriptors after the directories. They stay the embedder's to dispose.</summary>
    public IReadOnlyList<Socket> Sockets { get; init; } = [];

    /// <summary>What the guest reads as standard input. Stays open.</summary>
    public Stream StandardInput { get; init; } = Stream.Null;

    /// <summary>Where the guest's standard output goes. Flushed when a run ends and when the context is disposed, before a read of standard input, and when the guest syncs it. Stays open.</summary>
    public Stream StandardOutput { get; init; } = Stream.Null;

    /// <summary>Where the guest's standard error goes. Flushed after each write. Stays open.</summary>
    public Stream StandardError { get; init; } = Stream.Null;

    /// <summary>What the guest is told that its standard input is: <see cref="WasiFileType.CharacterDevice"/> for a terminal.</summary>
    public WasiFileType StandardInputType { get; init; }

    /// <summary>What the guest is told that its standard output is.</summary>
    public WasiFileType StandardOutputType { get; init; }

    /// <summary>What the guest is told that its standard error is.</summary>
    public WasiFileType StandardErrorType { get; init; }

    /// <summary>Gets what the guest may do with outgoing HTTP, or <see langword="null"/> for nothing.</summary>
    public WasiHttpOptions? Http { get; init; }

    /// <summary>Gets what the guest may do with sockets of WASI 0.2, or <see langword="null"/> for nothing.</summary>
    public WasiNetworkOptions? Network { get; init; }

    /// <summary>Where clocks and waiting come from.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where random bytes come from; the system's generator if <see langword="null"/>.</summary>
    public WasiRandomSource? RandomSource { get; init; }

    /// <summary>Descriptors that the guest may have open at once; beyond them it gets EMFILE.</summary>
    public int MaximumDescriptors { get; init; } = 1024;

    /// <summary>The same options with the process's own standard streams, unbuffered: for a command line.</summary>
    public WasiOptions WithProcessStreams()
    {
        if (!OperatingSystem.IsLinux())
        {
            return this with
            {
                StandardInput = Console.OpenStandardInput(),
                StandardInputType = TypeOf(Console.IsInputRedirected),
                StandardOutput = Console.OpenStandardOutput(),
                StandardOutputType = TypeOf(Console.IsOutputRedirected),
                StandardError = Console.OpenStandardError(),
                StandardErrorType = TypeOf(Console.IsErrorRedirected),
            };
        }
        FileSizeSignal.Take();
        HostStream input = new(0);
        HostStream output = new(1);
        HostStream error = new(2);
        return this with
        {
            StandardInput = input,
            StandardInputType = input.FileType,
            StandardOutput = output,
            StandardOutputType = output.FileType,
            StandardError = error,
            StandardErrorType = error.FileType,
        };
    }

    private static WasiFileType TypeOf(bool isRedirected) => isRedirected ? WasiFileType.Unknown : WasiFileType.CharacterDevice;
}
