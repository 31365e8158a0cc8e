// Where compiled modules are kept; CachedModules does it.
namespace Tarn;

/// <summary>
/// Keeps compiled modules in a directory, so that a module is compiled once and not by every process. Files in it are executed as code, so a directory is used only if no other user
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
}
