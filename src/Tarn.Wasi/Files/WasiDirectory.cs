// An open directory, the one thing a file system has to offer to be seen by guests. Every operation names an entry of this very directory: names hold no
// slash and are neither "." nor "..", and no operation follows a symbolic link. Paths are PathWalk's business alone, so a file system cannot get the
// sandbox wrong.
namespace Tarn.Wasi;

/// <summary>An open directory. Names are single components; symbolic links are never followed.</summary>
public abstract class WasiDirectory : WasiNode
{
    /// <summary>
    /// Gets whether names may hold bytes that are not UTF-8, as lone surrogates (<see cref="WasiText"/>). Where they may not, a guest that uses such a name gets
    /// <see cref="WasiErrno.IllegalSequence"/>.
    /// </summary>
    public virtual bool AcceptsAnyBytes => false;

    /// <summary>An entry's attributes; a symbolic link's own.</summary>
    public abstract WasiErrno GetStat(string name, out WasiFileStat stat);

    /// <summary>Opens a directory in this one.</summary>
    /// <returns><see cref="WasiErrno.NotDirectory"/> or <see cref="WasiErrno.Loop"/> if it is something else, a symbolic link for example.</returns>
    public abstract WasiErrno OpenDirectory(string name, out WasiDirectory? directory);

    /// <summary>Opens this directory once more.</summary>
    public abstract WasiErrno Reopen(out WasiDirectory? directory);

    /// <summary>Opens a file.</summary>
    /// <returns><see cref="WasiErrno.Loop"/> if it is a symbolic link, <see cref="WasiErrno.IsDirectory"/> if it is a directory.</returns>
    public abstract WasiErrno OpenFile(string name, WasiOpenFlags flags, out WasiFile? file);

    /// <summary>All entries, without <c>.</c> and <c>..</c>.</summary>
    public abstract WasiErrno ReadEntries(out IReadOnlyList<WasiDirectoryEntry> entries);

    /// <summary>What a symbolic link says.</summary>
    /// <returns><see cref="WasiErrno.Invalid"/> if the entry is not a symbolic link.</returns>
    public virtual WasiErrno ReadLink(string name, out string target)
    {
        target = "";
        return WasiErrno.Invalid;
    }

    /// <summary>Makes a directory.</summary>
    public virtual WasiErrno CreateDirectory(string name) => WasiErrno.ReadOnlyFileSystem;

    /// <summary>Removes an empty directory.</summary>
    public virtual WasiErrno RemoveDirectory(string name) => WasiErrno.ReadOnlyFileSystem;

    /// <summary>Removes a name that is not a directory's.</summary>
    public virtual WasiErrno UnlinkFile(string name) => WasiErrno.ReadOnlyFileSystem;

    /// <summary>Makes a symbolic link. The target is text; nothing of it is looked at here.</summary>
    public virtual WasiErrno CreateSymbolicLink(string name, string target) => WasiErrno.ReadOnlyFileSystem;

    /// <summary>Gives a file a second name, in this or another directory of the same file system.</summary>
    /// <returns><see cref="WasiErrno.CrossDevice"/> where the other directory is of another file system.</returns>
    public virtual WasiErrno CreateHardLink(string name, WasiDirectory targetDirectory, string targetName) => WasiErrno.ReadOnlyFileSystem;

    /// <summary>Moves an entry, in one step, over what has the new name.</summary>
    /// <returns><see cref="WasiErrno.CrossDevice"/> where the other directory is of another file system.</returns>
    public virtual WasiErrno Rename(string name, WasiDirectory targetDirectory, string targetName) => WasiErrno.ReadOnlyFileSystem;

    /// <summary>Sets an entry's time stamps; a symbolic link's own.</summary>
    public virtual WasiErrno SetTimes(string name, WasiTime access, WasiTime modification) => WasiErrno.ReadOnlyFileSystem;
}
