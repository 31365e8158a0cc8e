// How a file is opened. The first four bits are those of WASI preview 1 (oflags).
namespace Tarn.Wasi;

/// <summary>How <see cref="WasiDirectory.OpenFile"/> opens.</summary>
[Flags]
public enum WasiOpenFlags
{
    /// <summary>An existing file, neither for reading nor for writing.</summary>
    None = 0,

    /// <summary>Makes the file if it is not there.</summary>
    Create = 1,

    /// <summary>Only a directory will do. Asked of the resolver; <see cref="WasiDirectory.OpenFile"/> never gets it.</summary>
    Directory = 2,

    /// <summary>With <see cref="Create"/>: fails if the file is there.</summary>
    Exclusive = 4,

    /// <summary>Makes the file empty.</summary>
    Truncate = 8,

    /// <summary>For reading.</summary>
    Read = 16,

    /// <summary>For writing.</summary>
    Write = 32,
}
