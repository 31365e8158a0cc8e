// What is known of a file without reading it. Times are nanoseconds since 1970 in UTC, as guests have them.
namespace Tarn.Wasi;

/// <summary>A file's attributes.</summary>
/// <param name="Device">Identifies the file system.</param>
/// <param name="Inode">Identifies the file within it.</param>
/// <param name="FileType">What the file is.</param>
/// <param name="LinkCount">How many names it has.</param>
/// <param name="Size">Bytes.</param>
/// <param name="AccessTime">Last access, in nanoseconds since 1970.</param>
/// <param name="ModificationTime">Last change of the contents, in nanoseconds since 1970.</param>
/// <param name="ChangeTime">Last change of contents or attributes, in nanoseconds since 1970.</param>
public readonly record struct WasiFileStat(
    ulong Device, ulong Inode, WasiFileType FileType, ulong LinkCount, ulong Size, ulong AccessTime, ulong ModificationTime, ulong ChangeTime);
