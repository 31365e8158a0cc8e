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
using Tarn.Engines;

namespace Tarn.Modules;

internal static class CachedModules
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Loads a module from the cache, if it is there.</summary>
    /// <param name="cache">The cache.</param>
    /// <param name="engine">The engine that will run it.</param>
    /// <param name="bytes">The module, in the binary or the text format.</param>
    public static ModuleCore? TryLoad(CompilationCache cache, EngineCore engine, ReadOnlySpan<byte> bytes) => TryLoad(cache, engine, PathOf(cache, engine, bytes));

    /// <summary>Puts a module that was compiled into the cache.</summary>
    public static void Store(CompilationCache cache, ModuleCore module, ReadOnlySpan<byte> bytes)
    {
        // What others can write to is no place for machine code, and there the system does not say who can.
        if (OperatingSystem.IsLinux())
            TryStore(cache, PathOf(cache, module.Engine, bytes), module.Serialize(default));
    }

    // Everything that changes code is part of the key: another build's code is another file, so that two versions do not replace each other's.
    private static string PathOf(CompilationCache cache, EngineCore engine, ReadOnlySpan<byte> bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(ModuleArtifact.Identity(engine) + "\n"));
        hash.AppendData(bytes);
        return Path.Combine(cache.Directory, Convert.ToHexStringLower(hash.GetHashAndReset()) + ".tarn");
    }

    private static ModuleCore? TryLoad(CompilationCache cache, EngineCore engine, string path)
    {
        try
        {
            if (!File.Exists(path) || !IsPrivate(cache))
                return null;
            ModuleCore module = ModuleLoader.LoadFile(engine, path);
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
    private static void TryStore(CompilationCache cache, string path, byte[] artifact)
    {
        string temporary = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():n}";
        try
        {
            Directory.CreateDirectory(cache.Directory, OwnerOnly);
            if (!IsPrivate(cache) || artifact.Length > cache.Capacity)
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
            Trim(cache);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // The last is what the framework makes of EFBIG.
            TryDelete(temporary);
        }
    }

    private static bool IsPrivate(CompilationCache cache) => OperatingSystem.IsLinux() && PrivateDirectory.Is(cache.Directory);

    // The least recently used go first. Files that another process deletes meanwhile are as gone as they should be.
    private static void Trim(CompilationCache cache)
    {
        FileInfo[] files = [.. new DirectoryInfo(cache.Directory).EnumerateFiles().OrderByDescending(file => file.LastWriteTimeUtc)];
        long total = 0;
        foreach (FileInfo file in files)
        {
            total += file.Length;
            if (total > cache.Capacity)
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
