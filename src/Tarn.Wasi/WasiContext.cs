// The world of one instance: its descriptors, arguments, clocks. Like the instance it is used by one thread at a time.
using Tarn.Components;
using Tarn.Wasi.Descriptors;
using Tarn.Wasi.Host;
using Tarn.Wasi.Preview2.Sockets;

namespace Tarn.Wasi;

/// <summary>What one instance has open and sees. Dispose it after the instance.</summary>
public sealed class WasiContext : IWasiState, ISnapshotState, IDisposable
{
    private const string RunInterface = "wasi:cli/run@0.2.0";

    private readonly OutputDescriptor _output;

    /// <summary>Makes a context.</summary>
    /// <exception cref="ArgumentException">An argument or variable cannot be passed on, since it holds a zero character or half of a surrogate pair, or a name holds '='.</exception>
    /// <exception cref="IOException">A directory cannot be opened.</exception>
    public WasiContext(WasiOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaximumDescriptors, 3);
        Time = options.TimeProvider;
        Random = options.RandomSource ?? SystemRandom.Fill;
        if (options.Http is WasiHttpOptions http)
            ArgumentOutOfRangeException.ThrowIfLessThan(http.MaximumRequests, 1, nameof(options));
        Http = options.Http;
        if (options.Network is WasiNetworkOptions network)
            ArgumentOutOfRangeException.ThrowIfLessThan(network.MaximumSockets, 1, nameof(options));
        Sockets = new GuestSockets(options.Network);
        StartTimestamp = Time.GetTimestamp();
        Arguments = [.. options.Arguments.Select(argument => Terminated(argument, nameof(options.Arguments)))];
        Environment = [.. options.Environment.Select(Variable)];
        Descriptors = new DescriptorTable(options.MaximumDescriptors);
        _output = new OutputDescriptor(options.StandardOutput, options.StandardOutputType, flushEachWrite: false);
        try
        {
            AddAll(options);
        }
        catch
        {
            Descriptors.Dispose();
            throw;
        }
    }

    WasiContext IWasiState.Wasi => this;

    /// <summary>
    /// Returns why a snapshot of the instance must not be taken now: it has a file open, or has closed or replaced a descriptor that it was given. Directories and streams that it was given do not count. A guest
    /// may have read their names and numbers, so instances of the snapshot should be given the same directories.
    /// </summary>
    string? ISnapshotState.DescribeUnsavedState() => Descriptors.DescribeChange();

    internal DescriptorTable Descriptors { get; }

    internal DirectoryListings Listings { get; } = new();

    /// <summary>Held by code that uses the guest after an await.</summary>
    internal Lock Turns { get; } = new();

    internal byte[][] Arguments { get; }

    internal byte[][] Environment { get; }

    internal TimeProvider Time { get; }

    internal WasiRandomSource Random { get; }

    internal long StartTimestamp { get; }

    internal WasiHttpOptions? Http { get; }

    internal GuestSockets Sockets { get; }

    /// <summary>Outgoing requests that the guest has not dropped; counted up and down from any thread.</summary>
    internal SharedCounter HttpRequests { get; } = new();

    /// <summary>
    /// Runs an instance's program: a command's <c>_start</c>, or a reactor's <c>_initialize</c>.
    /// </summary>
    /// <returns>The exit status; 0 if the program returned.</returns>
    /// <exception cref="ArgumentException">The module exports neither.</exception>
    /// <exception cref="TrapException">The guest trapped.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <remarks>Where the guest waits, for a clock or a stream, this thread does; <see cref="RunAsync(Instance, CancellationToken)"/> holds none.</remarks>
    public int Run(Instance instance, CancellationToken cancellationToken = default)
    {
        ValueTask<int> run = RunAsync(instance, cancellationToken);
        return run.IsCompleted ? run.GetAwaiter().GetResult() : run.AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Runs an instance's program as <see cref="Run(Instance, CancellationToken)"/> does; while the guest waits for a clock or a stream, no thread waits with it.</summary>
    /// <inheritdoc cref="Run(Instance, CancellationToken)"/>
    public async ValueTask<int> RunAsync(Instance instance, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(instance);
        if (!instance.TryGetFunction("_start", out Function entry) && !instance.TryGetFunction("_initialize", out entry))
            entry = instance.GetFunction("_start");
        bool stopped = false;
        try
        {
            _ = await entry.InvokeAsync([], cancellationToken);
            return 0;
        }
        catch (WasiExitException exit)
        {
            return exit.ExitCode;
        }
        catch (Exception e) when (NoteIfStopped(e, out stopped))
        {
            throw;
        }
        finally
        {
            // What the guest printed is printed, however it ended. Only one that was stopped may have been stopped because nobody reads its output: that is begun and not waited for.
            ValueTask flushing = FlushOutputAsync(cancellationToken);
            if (!stopped || flushing.IsCompleted)
                await flushing;
        }
    }

    /// <summary>Runs a component's program: what it exports as <c>wasi:cli/run</c>.</summary>
    /// <returns>The exit status; 0 if the program returned with success and 1 if it returned with an error.</returns>
    /// <exception cref="KeyNotFoundException">The component does not export <c>wasi:cli/run</c> of version 0.2.</exception>
    /// <exception cref="TrapException">The guest trapped.</exception>
    /// <exception cref="ComponentTrapException">The component broke a rule of the canonical ABI.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <remarks>While the guest waits for a clock or a stream, no thread waits with it.</remarks>
    public async ValueTask<int> RunAsync(ComponentInstance instance, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(instance);
        ComponentFunction entry = instance.GetInstance(RunInterface).GetFunction("run");
        bool stopped = false;
        try
        {
            ComponentValue? result = await entry.InvokeAsync([], cancellationToken);
            return result!.Case == "ok" ? 0 : 1;
        }
        catch (WasiExitException exit)
        {
            return exit.ExitCode;
        }
        catch (Exception e) when (NoteIfStopped(e, out stopped))
        {
            throw;
        }
        finally
        {
            ValueTask flushing = FlushOutputAsync(cancellationToken);
            if (!stopped || flushing.IsCompleted)
                await flushing;
        }
    }

    /// <summary>Runs a component's program as <see cref="RunAsync(ComponentInstance, CancellationToken)"/> does; where the guest waits, this thread does.</summary>
    /// <inheritdoc cref="RunAsync(ComponentInstance, CancellationToken)"/>
    public int Run(ComponentInstance instance, CancellationToken cancellationToken = default)
    {
        ValueTask<int> run = RunAsync(instance, cancellationToken);
        return run.IsCompleted ? run.GetAwaiter().GetResult() : run.AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Answers an HTTP request with a component that exports <c>wasi:http/incoming-handler</c>.</summary>
    /// <param name="instance">The instance, which answers one request at a time.</param>
    /// <param name="request">The request. Its address is absolute, and its body is read while the guest reads it.</param>
    /// <param name="cancellationToken">Stops the guest, before and after its response has begun.</param>
    /// <returns>The exchange, as soon as the guest has given the status and the headers of its response. While the guest waits, no thread waits with it.</returns>
    /// <exception cref="KeyNotFoundException">The component does not export <c>wasi:http/incoming-handler</c> of version 0.2.</exception>
    /// <exception cref="ArgumentException">The component was not linked with <see cref="WasiComponentLinkerExtensions.DefineWasi(ComponentLinker)"/>.</exception>
    /// <exception cref="System.Net.Http.HttpRequestException">The guest answered with an error, or not at all.</exception>
    /// <exception cref="TrapException">The guest trapped before it had answered.</exception>
    /// <exception cref="ComponentTrapException">The component broke a rule of the canonical ABI before it had answered.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<WasiHttpExchange> HandleAsync(ComponentInstance instance, System.Net.Http.HttpRequestMessage request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(instance);
        ArgumentNullException.ThrowIfNull(request);
        return WasiHttpExchange.BeginAsync(this, instance, request, cancellationToken);
    }

    /// <summary>Closes everything the guest has open, and flushes what a run has left of its output. A stream that may have to be waited for is not: the flush is begun.</summary>
    public void Dispose()
    {
        _output.Flush();
        Sockets.Dispose();
        Descriptors.Dispose();
    }

    internal ValueTask FlushOutputAsync(CancellationToken cancellationToken) => _output.FlushAsync(cancellationToken);

    private static bool NoteIfStopped(Exception exception, out bool stopped)
    {
        stopped = exception is OperationCanceledException or TrapException { Code: TrapCode.Interrupted };
        return false;
    }

    private static byte[] Terminated(string text, string what)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException($"{what}: \"{text.Replace("\0", "\\0", StringComparison.Ordinal)}\" holds a zero character, at which guests would cut it", nameof(text));
        return [.. WasiText.ToBytes(text), 0];
    }

    private static byte[] Variable(KeyValuePair<string, string> variable) => variable.Key.Length == 0 || variable.Key.Contains('=', StringComparison.Ordinal)
        ? throw new ArgumentException($"\"{variable.Key}\" is not a valid name of an environment variable", nameof(variable))
        : Terminated($"{variable.Key}={variable.Value}", nameof(WasiOptions.Environment));

    private void AddAll(WasiOptions options)
    {
        Descriptors.Preopen(new InputDescriptor(options.StandardInput, options.StandardInputType));
        Descriptors.Preopen(_output);
        Descriptors.Preopen(new OutputDescriptor(options.StandardError, options.StandardErrorType, flushEachWrite: true));
        foreach (WasiPreopen preopen in options.Preopens)
            Descriptors.Preopen(new DirectoryDescriptor(preopen.Open(), preopen.Rights & DirectoryDescriptor.AllRights, preopen.Rights, (preopen.Rights & DirectoryDescriptor.Changing) == 0, WasiText.ToBytes(preopen.GuestPath)));
        foreach (System.Net.Sockets.Socket socket in options.Sockets)
            Descriptors.Preopen(new SocketDescriptor(socket, ownsSocket: false));
    }
}
