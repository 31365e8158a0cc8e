// Finds what a guest's path means, one component at a time, and never leaves the directory it starts from. The whole sandbox is this file and the
// invariants of WasiDirectory:
//   - each step opens one component below a directory that is held open already, following no symbolic link; what another process renames or relinks
//     meanwhile can change which file inside is found, not whether it is inside;
//   - ".." goes back to the directory that was open before, which we still hold, and never asks the file system; above the start it is refused;
//   - symbolic links are read and their text is walked in the same way; an absolute path, given or linked to, is refused;
//   - the number of links and of directories held open is bounded, each component is charged for, and the guest can be stopped at each.
// The last component is not opened here: what is done with it (again following no link) is the caller's choice, who may ask to follow it.

using Tarn.Wasi.Preview1;

namespace Tarn.Wasi;

internal sealed class PathWalk : IDisposable
{
    public const int LongestPath = 4096;
    private const int MostLinks = 40;
    private const int DeepestDirectory = 256;
    private const int LongestName = 255; // bytes

    // A path and the links in it may name 100,000 components, each of which is a call or two of the system's.
    private const long ComponentCost = 512;

    private readonly WasiDirectory _start;
    private readonly WasiCall _call;
    private readonly Stack<string> _pending = new();
    private readonly List<WasiDirectory> _opened = [];
    private int _links;

    public PathWalk(WasiDirectory start, in WasiCall call)
    {
        _start = start;
        _call = call;
    }

    /// <summary>Where the walk has come to: the directory that holds <see cref="Name"/>.</summary>
    public WasiDirectory Directory => _opened.Count == 0 ? _start : _opened[^1];

    /// <summary>The last component, or null if the path names <see cref="Directory"/> itself.</summary>
    public string? Name { get; private set; }

    /// <summary>Whether the path ends in a slash, so that only a directory will do.</summary>
    public bool MustBeDirectory { get; private set; }

    /// <summary>Whether the last component was <c>..</c>, so that what it names holds something.</summary>
    public bool EndsAbove { get; private set; }

    /// <summary>Walks up to the last component.</summary>
    public WasiErrno To(string path)
    {
        WasiErrno errno = Push(path);
        return errno == WasiErrno.Success ? Walk() : errno;
    }

    /// <summary>Walks on through the last component, which is a symbolic link.</summary>
    /// <returns><see cref="WasiErrno.Invalid"/> if it is not.</returns>
    public WasiErrno Follow()
    {
        if (Name is null)
            return WasiErrno.Invalid;
        WasiErrno errno = Expand(Name);
        return errno == WasiErrno.Success ? Walk() : errno;
    }

    /// <summary>Walks on while the last component is a symbolic link.</summary>
    public WasiErrno FollowAll()
    {
        while (Name is not null)
        {
            WasiErrno errno = Directory.GetStat(Name, out WasiFileStat stat);
            // What is not there is the caller's to report, or to make.
            if (errno == WasiErrno.NoEntry || (errno == WasiErrno.Success && stat.FileType != WasiFileType.SymbolicLink))
                return WasiErrno.Success;
            if (errno == WasiErrno.Success)
                errno = Follow();
            if (errno != WasiErrno.Success)
                return errno;
        }
        return WasiErrno.Success;
    }

    public void Dispose()
    {
        foreach (WasiDirectory directory in _opened)
            directory.Dispose();
        _opened.Clear();
    }

    private WasiErrno Push(string path)
    {
        if (path.Length == 0)
            return WasiErrno.NoEntry;
        if (path[0] == '/')
            return WasiErrno.NotCapable;
        if (path.Length > LongestPath)
            return WasiErrno.NameTooLong;
        // Only the path's own end says what the last component must be, and that of links standing last.
        if (_pending.Count == 0)
            MustBeDirectory |= path[^1] == '/';
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        foreach (string part in parts)
        {
            if (part.Length > LongestName || WasiText.ByteCount(part) > LongestName)
                return WasiErrno.NameTooLong;
            if (!_start.AcceptsAnyBytes && !WasiText.IsUnicode(part))
                return WasiErrno.IllegalSequence;
        }
        for (int i = parts.Length - 1; i >= 0; i--)
            _pending.Push(parts[i]);
        return WasiErrno.Success;
    }

    private WasiErrno Walk()
    {
        Name = null;
        while (_pending.TryPop(out string? part))
        {
            _call.BeginPiece(ComponentCost);
            if (part == ".")
            {
                MustBeDirectory |= _pending.Count == 0;
                continue;
            }
            if (part == "..")
            {
                if (_opened.Count == 0)
                    return WasiErrno.NotCapable;
                _opened[^1].Dispose();
                _opened.RemoveAt(_opened.Count - 1);
                EndsAbove = _pending.Count == 0;
                continue;
            }
            if (_pending.Count == 0)
            {
                Name = part;
                return WasiErrno.Success;
            }
            WasiErrno errno = Enter(part);
            if (errno != WasiErrno.Success)
                return errno;
        }
        return WasiErrno.Success;
    }

    private WasiErrno Enter(string part)
    {
        if (_opened.Count == DeepestDirectory)
            return WasiErrno.NameTooLong;
        WasiErrno errno = Directory.OpenDirectory(part, out WasiDirectory? directory);
        if (errno == WasiErrno.Success)
        {
            // An embedder's own file system may be wrong.
            if (directory is null)
                return WasiErrno.InputOutput;
            _opened.Add(directory);
            return WasiErrno.Success;
        }
        if (errno is not (WasiErrno.NotDirectory or WasiErrno.Loop))
            return errno;
        WasiErrno link = Expand(part);
        return link == WasiErrno.Invalid ? WasiErrno.NotDirectory : link;
    }

    private WasiErrno Expand(string link)
    {
        if (++_links > MostLinks)
            return WasiErrno.Loop;
        WasiErrno errno = Directory.ReadLink(link, out string target);
        return errno == WasiErrno.Success ? Push(target) : errno;
    }
}
