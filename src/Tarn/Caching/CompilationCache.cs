// Compiled modules in a directory, so that a large program is compiled once and not at every start.
//
//   - The key is SHA-256 over the module's bytes and everything that changes its code (ModuleArtifact.Identity, which the file has too, and which is checked
//     again when the file is loaded), so there is nothing to invalidate.
//   - A file is written under a name of its own and then renamed: processes that race write the same contents, and nobody ever reads half of one.
//   - The directory is made for its owner alone and used only if no other user can write to it or put another in its place (PrivateDirectory): what is loaded from it is executed.
//   - Nothing that goes wrong here is an error: without a cache the module is compiled.
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;

using Tarn.Caching;
using Tarn.Modules;

namespace Tarn;

/// <summary>
/// Keeps compiled modules in a directory, so that a module is compiled once and not by every process. What is loaded from it is executed, so a directory is used only if no other user
/// can write to it or put another in its place. Without a directory that can be used, modules are compiled as if there were no cache. Thread-safe, also between processes.
/// </summary>
public sealed class CompilationCache
{
    /// <summary>The environment variable that names the directory of <see cref="ForUser"/>.</summary>
    public const string DirectoryVariable = "TARN_CACHE_DIR";

    /// <summary>The size in bytes below which modules are not kept: they compile about as fast as they load.</summary>
    public const int SmallestModule = 64 << 10;

    /// <summary>The capacity in bytes unless another is given: 2 GiB.</summary>
    public const long DefaultCapacity = 2L << 30;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Initializes a new instance of the <see cref="CompilationCache"/> class.</summary>
    /// <param name="directory">The directory. It is made, for the current user alone, when the first module is kept.</param>
    /// <param name="capacity">The size in bytes that all kept modules have together at most. The ones that were used least recently are deleted.</param>
    /// <exception cref="ArgumentException">The directory has no name.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is negative.</exception>
    public CompilationCache(string directory, long capacity = DefaultCapacity)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        Directory = directory;
        Capacity = capacity;
    }

    /// <summary>Gets the directory.</summary>
    public string Directory { get; }

    /// <summary>Gets the size in bytes that all kept modules have together at most.</summary>
    public long Capacity { get; }

    /// <summary>
    /// Returns the current user's cache: the directory that <see cref="DirectoryVariable"/> names, or else <c>tarn/modules</c> in <c>XDG_CACHE_HOME</c> or <c>~/.cache</c>;
    /// <see langword="null"/> where the user has no home directory.
    /// </summary>
    public static CompilationCache? ForUser()
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is { Length: > 0 } chosen)
            return new CompilationCache(chosen);
        string? root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(root))
        {
            string? home = Environment.GetEnvironmentVariable("HOME");
            root = string.IsNullOrEmpty(home) ? null : Path.Combine(home, ".cache");
        }
        return root is null ? null : new CompilationCache(Path.Combine(root, "tarn", "modules"));
    }

    /// <summary>Loads a module from the cache, if it is there.</summary>
    /// <param name="engine">The engine that will run it.</param>
    /// <param name="bytes">The module, in the binary or the text format.</param>
    internal Module? TryLoad(Engine engine, ReadOnlySpan<byte> bytes) => TryLoad(engine, PathOf(engine, bytes));

    /// <summary>Puts a module that was compiled into the cache.</summary>
    internal void Store(Module module, ReadOnlySpan<byte> bytes)
    {
        // What others can write to is no place for machine code, and there the system does not say who can.
        if (OperatingSystem.IsLinux())
            TryStore(PathOf(module.Engine, bytes), module.Serialize());
    }

    // Everything that changes code is part of the key: another build's code is another file, so that two versions do not replace each other's.
    private string PathOf(Engine engine, ReadOnlySpan<byte> bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(ModuleArtifact.Identity(engine) + "\n"));
        hash.AppendData(bytes);
        return Path.Combine(Directory, Convert.ToHexStringLower(hash.GetHashAndReset()) + ".tarn");
    }

    private Module? TryLoad(Engine engine, string path)
    {
        try
        {
            if (!File.Exists(path) || !IsPrivate())
                return null;
            Module module = Module.DeserializeFile(engine, path);
            Touch(path);
            return module;
        }
        catch (IncompatibleArtifactException)
        {
            // Damaged, or of a build that has the same number and is not the same: compiled again, and written over.
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [SupportedOSPlatform("linux")]
    private void TryStore(string path, byte[] artifact)
    {
        string temporary = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():n}";
        try
        {
            System.IO.Directory.CreateDirectory(Directory, OwnerOnly);
            if (!IsPrivate() || artifact.Length > Capacity)
                return;
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                BufferSize = 0,
            };
            using (var file = new FileStream(temporary, options))
                file.Write(artifact);
            File.Move(temporary, path, overwrite: true);
            Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // The last is what the framework makes of EFBIG.
            TryDelete(temporary);
        }
    }

    private bool IsPrivate() => OperatingSystem.IsLinux() && PrivateDirectory.Is(Directory);

    // The least recently used go first. Files that another process deletes meanwhile are as gone as they should be.
    private void Trim()
    {
        FileInfo[] files = [.. new DirectoryInfo(Directory).EnumerateFiles().OrderByDescending(file => file.LastWriteTimeUtc)];
        long total = 0;
        foreach (FileInfo file in files)
        {
            total += file.Length;
            if (total > Capacity)
                TryDelete(file.FullName);
        }
    }

    // What is used is kept. Where the cache may only be read, nothing has to be kept.
    private static void Touch(string path)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The module is loaded: that is what counts.
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody else's turn.
        }
    }
}
