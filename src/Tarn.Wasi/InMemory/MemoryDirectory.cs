// An open directory of an in-memory file system.
namespace Tarn.Wasi.InMemory;

internal sealed class MemoryDirectory : WasiDirectory
{
    private readonly WasiMemoryFileSystem _system;
    private readonly MemoryDirectoryNode _node;
    private bool _disposed;

    public MemoryDirectory(WasiMemoryFileSystem system, MemoryDirectoryNode node)
    {
        _system = system;
        _node = node;
        lock (system.Lock)
            node.Handles++;
    }

    public override bool AcceptsAnyBytes => true;

    public override WasiErrno GetStat(out WasiFileStat stat)
    {
        lock (_system.Lock)
            stat = _node.StatOn(_system.Device);
        return WasiErrno.Success;
    }

    public override WasiErrno GetStat(string name, out WasiFileStat stat)
    {
        lock (_system.Lock)
        {
            stat = _node.Entries.TryGetValue(name, out MemoryNode? node) ? node.StatOn(_system.Device) : default;
            return node is null ? WasiErrno.NoEntry : WasiErrno.Success;
        }
    }

    public override WasiErrno OpenDirectory(string name, out WasiDirectory? directory)
    {
        directory = null;
        lock (_system.Lock)
        {
            if (!_node.Entries.TryGetValue(name, out MemoryNode? node))
                return WasiErrno.NoEntry;
            if (node is not MemoryDirectoryNode found)
                return WasiErrno.NotDirectory;
            directory = new MemoryDirectory(_system, found);
            return WasiErrno.Success;
        }
    }

    public override WasiErrno Reopen(out WasiDirectory? directory)
    {
        directory = new MemoryDirectory(_system, _node);
        return WasiErrno.Success;
    }

    public override WasiErrno OpenFile(string name, WasiOpenFlags flags, out WasiFile? file)
    {
        file = null;
        lock (_system.Lock)
        {
            if (_node.Entries.TryGetValue(name, out MemoryNode? node))
            {
                if ((flags & (WasiOpenFlags.Create | WasiOpenFlags.Exclusive)) == (WasiOpenFlags.Create | WasiOpenFlags.Exclusive))
                    return WasiErrno.Exists;
            }
            else
            {
                if ((flags & WasiOpenFlags.Create) == 0)
                    return WasiErrno.NoEntry;
                node = new MemoryFileNode(_system.NextInode(), _system.Now);
                WasiErrno errno = _system.Add(_node, name, node);
                if (errno != WasiErrno.Success)
                    return errno;
            }
            if (node is not MemoryFileNode found)
                return node is MemoryLinkNode ? WasiErrno.Loop : WasiErrno.IsDirectory;
            if ((flags & WasiOpenFlags.Truncate) != 0)
                _ = _system.Resize(found, 0);
            file = new MemoryFile(_system, found);
            return WasiErrno.Success;
        }
    }

    public override WasiErrno ReadEntries(out IReadOnlyList<WasiDirectoryEntry> entries)
    {
        lock (_system.Lock)
            entries = [.. _node.Entries.Select(entry => new WasiDirectoryEntry(entry.Key, entry.Value.Inode, entry.Value.FileType))];
        return WasiErrno.Success;
    }

    public override WasiErrno ReadLink(string name, out string target)
    {
        lock (_system.Lock)
        {
            _ = _node.Entries.TryGetValue(name, out MemoryNode? node);
            target = (node as MemoryLinkNode)?.Target ?? "";
            return node is MemoryLinkNode ? WasiErrno.Success : node is null ? WasiErrno.NoEntry : WasiErrno.Invalid;
        }
    }

    public override WasiErrno CreateDirectory(string name) => Create(name, new MemoryDirectoryNode(NextInode(), _system.Now));

    public override WasiErrno CreateSymbolicLink(string name, string target) => Create(name, new MemoryLinkNode(NextInode(), _system.Now, target));

    public override WasiErrno RemoveDirectory(string name)
    {
        lock (_system.Lock)
        {
            if (!_node.Entries.TryGetValue(name, out MemoryNode? node))
                return WasiErrno.NoEntry;
            if (node is not MemoryDirectoryNode directory)
                return WasiErrno.NotDirectory;
            if (directory.Entries.Count > 0)
                return WasiErrno.NotEmpty;
            _system.Remove(_node, name, node);
            return WasiErrno.Success;
        }
    }

    public override WasiErrno UnlinkFile(string name)
    {
        lock (_system.Lock)
        {
            if (!_node.Entries.TryGetValue(name, out MemoryNode? node))
                return WasiErrno.NoEntry;
            if (node is MemoryDirectoryNode)
                return WasiErrno.IsDirectory;
            _system.Remove(_node, name, node);
            return WasiErrno.Success;
        }
    }

    public override WasiErrno CreateHardLink(string name, WasiDirectory targetDirectory, string targetName)
    {
        if (targetDirectory is not MemoryDirectory other || other._system != _system)
            return WasiErrno.CrossDevice;
        lock (_system.Lock)
        {
            if (!_node.Entries.TryGetValue(name, out MemoryNode? node))
                return WasiErrno.NoEntry;
            if (other._node.Entries.ContainsKey(targetName))
                return WasiErrno.Exists;
            return node is MemoryDirectoryNode ? WasiErrno.NotPermitted : _system.Add(other._node, targetName, node);
        }
    }

    public override WasiErrno Rename(string name, WasiDirectory targetDirectory, string targetName)
    {
        if (targetDirectory is not MemoryDirectory other || other._system != _system)
            return WasiErrno.CrossDevice;
        lock (_system.Lock)
        {
            if (!_node.Entries.TryGetValue(name, out MemoryNode? node))
                return WasiErrno.NoEntry;
            WasiErrno errno = MayMove(_node, node, other._node, targetName, out MemoryNode? replaced);
            if (errno != WasiErrno.Success || replaced == node)
                return errno;
            if (replaced is not null)
                _system.Remove(other._node, targetName, replaced);
            // Held by a handle of ours while it has no name, so that its bytes stay counted.
            node.Handles++;
            _system.Remove(_node, name, node);
            if (node is MemoryDirectoryNode moved)
                moved.Removed = false;
            errno = _system.Add(other._node, targetName, node);
            if (errno != WasiErrno.Success)
                _ = _system.Add(_node, name, node); // as it was: that name had room
            node.Handles--;
            return errno;
        }
    }

    public override WasiErrno SetTimes(WasiTime access, WasiTime modification)
    {
        lock (_system.Lock)
            return _node.SetTimes(access, modification, _system.Now);
    }

    public override WasiErrno SetTimes(string name, WasiTime access, WasiTime modification)
    {
        lock (_system.Lock)
            return _node.Entries.TryGetValue(name, out MemoryNode? node) ? node.SetTimes(access, modification, _system.Now) : WasiErrno.NoEntry;
    }

    protected override void Dispose(bool disposing)
    {
        lock (_system.Lock)
        {
            if (!_disposed)
            {
                _disposed = true;
                _node.Handles--;
                _system.Release(_node);
            }
        }
        base.Dispose(disposing);
    }

    private static WasiErrno MayMove(MemoryDirectoryNode from, MemoryNode node, MemoryDirectoryNode to, string name, out MemoryNode? replaced)
    {
        _ = to.Entries.TryGetValue(name, out replaced);
        if (to.Removed)
            return WasiErrno.NoEntry;
        if (replaced == node)
            return WasiErrno.Success;
        for (MemoryDirectoryNode? above = to; above is not null; above = above.Parent)
        {
            if (above == node)
                return WasiErrno.Invalid;
        }
        // Whatever moves is in it, so that it is not empty, before it is anything else.
        for (MemoryDirectoryNode? above = from; above is not null; above = above.Parent)
        {
            if (above == replaced)
                return WasiErrno.NotEmpty;
        }
        return (node, replaced) switch
        {
            (_, null) => WasiErrno.Success,
            (MemoryDirectoryNode, MemoryDirectoryNode full) => full.Entries.Count > 0 ? WasiErrno.NotEmpty : WasiErrno.Success,
            (MemoryDirectoryNode, _) => WasiErrno.NotDirectory,
            (_, MemoryDirectoryNode) => WasiErrno.IsDirectory,
            _ => WasiErrno.Success,
        };
    }

    private ulong NextInode()
    {
        lock (_system.Lock)
            return _system.NextInode();
    }

    private WasiErrno Create(string name, MemoryNode node)
    {
        lock (_system.Lock)
            return _node.Entries.ContainsKey(name) ? WasiErrno.Exists : _system.Add(_node, name, node);
    }
}
