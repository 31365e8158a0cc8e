// A file system that exists in memory only: scratch space for guests, or files that the host makes up. Several guests may use one at a time; one lock
// guards it all, which is held for as long as a copy takes. What guests make of it is bounded by a capacity that counts contents, names and nodes.
using System.Text;
using Tarn.Wasi.InMemory;

namespace Tarn.Wasi;

/// <summary>An in-memory file system. Thread-safe.</summary>
public sealed class WasiMemoryFileSystem
{
    /// <summary>The capacity unless another is given: 64 MiB.</summary>
    public const long DefaultCapacity = 64L << 20;

    // Host directories' device numbers stay far below.
    private static ulong s_lastDevice = 1UL << 48;
    private readonly TimeProvider _time;
    private ulong _lastInode;

    /// <summary>Makes an empty file system.</summary>
    /// <param name="capacity">Bytes that contents, names and nodes may take; beyond them guests get ENOSPC.</param>
    /// <param name="timeProvider">Where time stamps come from; the system's clock by default.</param>
    public WasiMemoryFileSystem(long capacity = DefaultCapacity, TimeProvider? timeProvider = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        Capacity = capacity;
        _time = timeProvider ?? TimeProvider.System;
        Root = new MemoryDirectoryNode(++_lastInode, Now) { Links = 1 };
    }

    /// <summary>Bytes that it may take.</summary>
    public long Capacity { get; }

    /// <summary>Bytes that it takes: contents, names, and a fixed sum for each file and each name.</summary>
    public long UsedBytes { get; private set; }

    internal Lock Lock { get; } = new();

    internal MemoryDirectoryNode Root { get; }

    /// <summary>What tells its files from those of another file system: programs take two files with the same device and number for one.</summary>
    internal ulong Device { get; } = Interlocked.Increment(ref s_lastDevice);

    internal ulong Now => WasiClock.Nanoseconds(_time.GetUtcNow());

    /// <summary>Opens the root directory, for a preopen for example. The one who gets it disposes it; a context does that for its preopens.</summary>
    public WasiDirectory OpenRoot() => new MemoryDirectory(this, Root);

    /// <summary>Makes a directory and those above it, where they are missing.</summary>
    /// <param name="path">Relative to the root, with slashes.</param>
    public void CreateDirectory(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        lock (Lock)
            _ = Make(WasiText.Canonical(path).Split('/', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Writes a file, making it and the directories above it where they are missing.</summary>
    /// <param name="path">Relative to the root, with slashes.</param>
    /// <param name="contents">All of the file.</param>
    /// <exception cref="IOException">There is no room, or the path leads through or to something else.</exception>
    public void WriteFile(string path, ReadOnlySpan<byte> contents)
    {
        ArgumentNullException.ThrowIfNull(path);
        string[] parts = WasiText.Canonical(path).Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
            throw new ArgumentException("The path names no file.", nameof(path));
        lock (Lock)
        {
            MemoryDirectoryNode directory = Make(parts.AsSpan(0, parts.Length - 1));
            if (!directory.Entries.TryGetValue(parts[^1], out MemoryNode? node))
            {
                node = new MemoryFileNode(NextInode(), Now);
                Throw(Add(directory, parts[^1], node), path);
            }
            if (node is not MemoryFileNode file)
                throw new IOException($"{path} is not a file");
            Throw(Resize(file, contents.Length), path);
            file.Write(0, contents);
            file.ModificationTime = file.ChangeTime = Now;
        }
    }

    /// <summary>Writes a file as UTF-8.</summary>
    /// <inheritdoc cref="WriteFile(string, ReadOnlySpan{byte})"/>
    public void WriteFile(string path, string contents) => WriteFile(path, Encoding.UTF8.GetBytes(contents));

    /// <summary>A file's contents.</summary>
    /// <param name="path">Relative to the root, with slashes; symbolic links are not followed.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public byte[] ReadFile(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        lock (Lock)
        {
            MemoryNode? node = Root;
            foreach (string part in WasiText.Canonical(path).Split('/', StringSplitOptions.RemoveEmptyEntries))
                node = node is MemoryDirectoryNode directory && directory.Entries.TryGetValue(part, out MemoryNode? next) ? next : null;
            return node is MemoryFileNode file ? file.ToArray() : throw new FileNotFoundException($"there is no file {path}", path);
        }
    }

    internal ulong NextInode() => ++_lastInode;

    /// <summary>Gives a node a name, if there is room for it.</summary>
    internal WasiErrno Add(MemoryDirectoryNode directory, string name, MemoryNode node)
    {
        if (directory.Removed)
            return WasiErrno.NoEntry;
        if (!TryCharge(NameBytes(name) + (node.Links == 0 && node.Handles == 0 ? MemoryNode.Overhead + node.Size : 0)))
            return WasiErrno.NoSpace;
        directory.Entries.Add(name, node);
        directory.ModificationTime = directory.ChangeTime = Now;
        node.Links++;
        if (node is MemoryDirectoryNode child)
            child.Parent = directory;
        return WasiErrno.Success;
    }

    /// <summary>Takes a name away.</summary>
    internal void Remove(MemoryDirectoryNode directory, string name, MemoryNode node)
    {
        directory.Entries.Remove(name);
        directory.ModificationTime = directory.ChangeTime = Now;
        UsedBytes -= NameBytes(name);
        node.Links--;
        node.ChangeTime = Now;
        if (node is MemoryDirectoryNode child)
        {
            child.Parent = null;
            child.Removed = true;
        }
        Release(node);
    }

    /// <summary>Gives a node's bytes back once nothing refers to it.</summary>
    internal void Release(MemoryNode node)
    {
        if (node.Links == 0 && node.Handles == 0)
            UsedBytes -= MemoryNode.Overhead + (node is MemoryDirectoryNode ? 0 : node.Size);
    }

    internal WasiErrno Resize(MemoryFileNode file, long size)
    {
        if (size > Array.MaxLength)
            return WasiErrno.FileTooBig;
        if (!TryCharge(size - file.Length))
            return WasiErrno.NoSpace;
        file.Resize((int)size);
        return WasiErrno.Success;
    }

    // An entry of a directory takes more than its text: a file with a million short names must not be free.
    private static long NameBytes(string name) => MemoryNode.NameOverhead + (2L * name.Length);

    private static void Throw(WasiErrno errno, string path)
    {
        if (errno != WasiErrno.Success)
            throw new IOException($"{path} cannot be written: {errno}");
    }

    private bool TryCharge(long bytes)
    {
        if (bytes > Capacity - UsedBytes)
            return false;
        UsedBytes += bytes;
        return true;
    }

    private MemoryDirectoryNode Make(ReadOnlySpan<string> parts)
    {
        MemoryDirectoryNode at = Root;
        foreach (string part in parts)
        {
            if (part is "." or "..")
                throw new ArgumentException("A path in a memory file system has no . and no ..");
            if (!at.Entries.TryGetValue(part, out MemoryNode? next))
            {
                next = new MemoryDirectoryNode(NextInode(), Now);
                Throw(Add(at, part, next), part);
            }
            at = next as MemoryDirectoryNode ?? throw new IOException($"{part} is not a directory");
        }
        return at;
    }
}
