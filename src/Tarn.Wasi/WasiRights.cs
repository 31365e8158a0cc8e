// What a descriptor may be used for. Bits are those of WASI preview 1. A descriptor opened through a directory never has more than the directory lets
// it inherit, so what is missing in a preopen is missing everywhere under it.
namespace Tarn.Wasi;

/// <summary>Rights of a WASI file descriptor.</summary>
[Flags]
public enum WasiRights : ulong
{
    /// <summary>Nothing at all.</summary>
    None = 0,

    /// <summary>fd_datasync.</summary>
    SyncData = 1UL << 0,

    /// <summary>fd_read, sock_recv.</summary>
    Read = 1UL << 1,

    /// <summary>fd_seek; implies <see cref="Tell"/>.</summary>
    Seek = 1UL << 2,

    /// <summary>fd_fdstat_set_flags.</summary>
    SetFlags = 1UL << 3,

    /// <summary>fd_sync.</summary>
    Sync = 1UL << 4,

    /// <summary>fd_tell, and fd_seek that does not move.</summary>
    Tell = 1UL << 5,

    /// <summary>fd_write, sock_send.</summary>
    Write = 1UL << 6,

    /// <summary>fd_advise.</summary>
    Advise = 1UL << 7,

    /// <summary>fd_allocate.</summary>
    Allocate = 1UL << 8,

    /// <summary>path_create_directory.</summary>
    CreateDirectory = 1UL << 9,

    /// <summary>path_open with the creating flag.</summary>
    CreateFile = 1UL << 10,

    /// <summary>path_link from this directory.</summary>
    LinkSource = 1UL << 11,

    /// <summary>path_link into this directory.</summary>
    LinkTarget = 1UL << 12,

    /// <summary>path_open.</summary>
    OpenPath = 1UL << 13,

    /// <summary>fd_readdir.</summary>
    ReadDirectory = 1UL << 14,

    /// <summary>path_readlink.</summary>
    ReadLink = 1UL << 15,

    /// <summary>path_rename from this directory.</summary>
    RenameSource = 1UL << 16,

    /// <summary>path_rename into this directory.</summary>
    RenameTarget = 1UL << 17,

    /// <summary>path_filestat_get.</summary>
    PathGetStat = 1UL << 18,

    /// <summary>path_open with the truncating flag.</summary>
    PathSetSize = 1UL << 19,

    /// <summary>path_filestat_set_times.</summary>
    PathSetTimes = 1UL << 20,

    /// <summary>fd_filestat_get.</summary>
    GetStat = 1UL << 21,

    /// <summary>fd_filestat_set_size.</summary>
    SetSize = 1UL << 22,

    /// <summary>fd_filestat_set_times.</summary>
    SetTimes = 1UL << 23,

    /// <summary>path_symlink.</summary>
    SymbolicLink = 1UL << 24,

    /// <summary>path_remove_directory.</summary>
    RemoveDirectory = 1UL << 25,

    /// <summary>path_unlink_file.</summary>
    UnlinkFile = 1UL << 26,

    /// <summary>poll_oneoff on the descriptor.</summary>
    Poll = 1UL << 27,

    /// <summary>sock_shutdown.</summary>
    ShutdownSocket = 1UL << 28,

    /// <summary>sock_accept.</summary>
    AcceptSocket = 1UL << 29,

    /// <summary>All that files and directories know.</summary>
    All = (1UL << 30) - 1,

    /// <summary>What changes nothing: reading, listing, looking. Whatever would change something in such a directory fails at once with <see cref="WasiErrno.ReadOnlyFileSystem"/>.</summary>
    ReadOnly = Read | Seek | SetFlags | Tell | Advise | OpenPath | ReadDirectory | ReadLink | PathGetStat | GetStat | Poll,
}
