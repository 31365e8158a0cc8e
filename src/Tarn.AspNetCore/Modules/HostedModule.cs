// A module by its name: the version that requests use now, and what is known of its requests.
using Tarn.AspNetCore.Requests;

namespace Tarn.AspNetCore.Modules;

internal sealed class HostedModule(string name, WasmModuleOptions options, TarnOptions host)
{
    private LoadedModule? _current;
    private (DateTime Written, long Length) _stamp;

    public string Name { get; } = name;

    public RequestStatistics Statistics { get; } = new();

    /// <summary>Why the file as it is now could not be loaded; null if it could. The version before serves on.</summary>
    public string? Failure { get; private set; }

    public long Version { get; private set; }

    public bool IsLoaded => Volatile.Read(ref _current) is not null;

    /// <summary>The current version, held for a request; null while there is none.</summary>
    public LoadedModule? Acquire()
    {
        while (Volatile.Read(ref _current) is LoadedModule module)
        {
            // One that was replaced in between is tried again: the next one is there already.
            if (module.TryAddReference())
                return module;
        }
        return null;
    }

    /// <summary>Loads the module if it has not been loaded, or if its file has changed.</summary>
    /// <returns>Whether there is another version than before.</returns>
    public async ValueTask<bool> RefreshAsync(Engine engine, CancellationToken cancellationToken)
    {
        try
        {
            (DateTime, long) stamp = default;
            ReadOnlyMemory<byte> bytes;
            if (options.Path is string path)
            {
                var file = new FileInfo(path);
                stamp = (file.LastWriteTimeUtc, file.Exists ? file.Length : -1);
                if (stamp == _stamp)
                    return false;
                bytes = await File.ReadAllBytesAsync(path, cancellationToken);
            }
            else
            {
                if (IsLoaded)
                    return false;
                bytes = await options.Provider!(cancellationToken);
            }
            // A file that cannot be loaded is not tried again until it changes.
            _stamp = stamp;
            LoadedModule loaded = await Task.Run(() => LoadedModule.Load(engine, bytes.Span, options, host), cancellationToken);
            LoadedModule? before = Interlocked.Exchange(ref _current, loaded);
            Version++;
            Failure = null;
            before?.Dispose();
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Failure = e.Message;
            throw;
        }
    }

    public void Unload() => Interlocked.Exchange(ref _current, null)?.Dispose();
}
