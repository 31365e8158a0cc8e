// One line of a directory.
namespace Tarn.Wasi;

/// <summary>A name in a directory.</summary>
/// <param name="Name">The name, without a path.</param>
/// <param name="Inode">Identifies the file.</param>
/// <param name="FileType">What it is, or <see cref="WasiFileType.Unknown"/>.</param>
public readonly record struct WasiDirectoryEntry(string Name, ulong Inode, WasiFileType FileType);
