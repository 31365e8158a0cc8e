// Compiled modules in the user's cache directory, so that a large program is compiled once and not at every start.
//
//   - The key is SHA-256 over the module's bytes and everything that changes its code (Module.Serialize writes the same into the file, and it is checked
//     again when the file is loaded), so there is nothing to invalidate.
//   - A file is written under a name of its own and then renamed: processes that race write the same contents, and nobody ever reads half of one.
//   - The directory is made for its owner alone and used only if nobody else can write to it or put another in its place (PrivateDirectory): what is loaded from it is executed.
//   - Nothing that goes wrong here stops a program: without a cache it is compiled.
using System.Security.Cryptography;
using System.Text;

namespace Tarn.Cli.Running;

internal sealed class CompilationCache(string directory, long capacity = CompilationCache.DefaultCapacity)
{
    public const string DirectoryVariable = "TARN_CACHE_DIR";

    /// <summary>Modules below this size compile about as fast as they load.</summary>
    public const int SmallestModule = 64 << 10;

    private const long DefaultCapacity = 2L << 30;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The user's cache: TARN_CACHE_DIR, or tarn/modules in XDG_CACHE_HOME or ~/.cache; null where there is no home.</summary>
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

    /// <summary>Loads a module from the cache, or compiles it and puts it there.</summary>
    /// <param name="options">The options of an engine that will run it.</param>
    /// <param name="engine">That engine.</param>
    /// <param name="name">What messages call the module.</param>
    /// <param name="bytes">The module.</param>
    /// <param name="compiled">Whether it had to be compiled.</param>
    public Module GetOrCompile(EngineOptions options, Engine engine, string name, byte[] bytes, out bool compiled)
    {
        compiled = false;
        string path = Path.Combine(directory, Key(options, bytes) + ".tarn");
        if (TryLoad(engine, path) is Module cached)
            return cached;
        compiled = true;
        Module module = ModuleLoader.FromBytes(engine, name, bytes);
        TryStore(path, module.Serialize());
        return module;
    }

    private static string Key(EngineOptions options, byte[] bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // The build is part of it: another build's code is another file, so that two versions do not throw out each other's.
        hash.AppendData(Encoding.UTF8.GetBytes(
            $"{typeof(Module).Assembly.ManifestModule.ModuleVersionId} {options.MemoryStrategy} {options.EnableInterruption} {options.EnableFuel} {options.FuelCosts} {(int)options.Features} {Math.Min(options.MaximumMemoryPages, 1L << 16)}\n"));
        hash.AppendData(bytes);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
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

    private void TryStore(string path, byte[] artifact)
    {
        // What others can write to is no place for machine code, and there nobody says who can.
        if (OperatingSystem.IsWindows())
            return;
        string temporary = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():n}";
        try
        {
            Directory.CreateDirectory(directory, OwnerOnly);
            if (!IsPrivate() || artifact.Length > capacity)
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

    private bool IsPrivate() => OperatingSystem.IsLinux() && PrivateDirectory.Is(directory);

    // The least recently used go first. Files that another process deletes meanwhile are as gone as they should be.
    private void Trim()
    {
        FileInfo[] files = [.. new DirectoryInfo(directory).EnumerateFiles().OrderByDescending(file => file.LastWriteTimeUtc)];
        long total = 0;
        foreach (FileInfo file in files)
        {
            total += file.Length;
            if (total > capacity)
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
