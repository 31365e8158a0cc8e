// Recognises what is not a module by what it is: people pass compiled modules, error pages of servers, pointers that Git LFS left, archives. Without this they would be told what the
// decoder or the parser of the text format makes of the first bytes.
namespace Tarn.Wasm.Binary;

internal static class ForeignBytes
{
    // How far a page is looked for behind its comments and white space.
    private const int Looked = 512;

    /// <summary>The first bytes of a module that was compiled ahead of time.</summary>
    public static ReadOnlySpan<byte> ArtifactMagic => "TARNAOT\0"u8;

    /// <summary>What these bytes are, as a sentence without a subject ("is …"), if they are neither a core module nor text that may be one; else null.</summary>
    public static string? Describe(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return "is empty: unexpected end";
        if (bytes.StartsWith(ArtifactMagic))
            return "is a module that was compiled ahead of time (tarn compile, Module.Serialize), which only tarn run and Module.Deserialize read. Give the module that it was made from";
        if (bytes.StartsWith("\0asm"u8))
        {
            // Version 13 and layer 1 where a core module has version 1 and layer 0.
            return bytes.Length >= 8 && bytes[6] == 1
                ? "is a component, and a core module is expected here. Components are run by tarn run and the Component class, and looked at by tarn component"
                : null;
        }

        string? archive = bytes switch
        {
            [0x1F, 0x8B, ..] => "gzip; gunzip",
            [0x28, 0xB5, 0x2F, 0xFD, ..] => "zstd; zstd -d",
            [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', ..] => "xz; xz -d",
            [(byte)'B', (byte)'Z', (byte)'h', >= (byte)'1' and <= (byte)'9', 0x31, 0x41, ..] => "bzip2; bunzip2",
            [(byte)'P', (byte)'K', 3, 4, ..] => "zip; unzip",
            _ => null,
        };
        if (archive is not null)
            return $"is compressed ({archive[..archive.IndexOf(';')]}). Unpack it first ({archive[(archive.IndexOf(';') + 2)..]})";
        if (bytes.StartsWith("version https://git-lfs.github.com/spec/"u8))
            return "is a pointer of Git LFS and not the file itself. Fetch the file with git lfs pull";
        if (IsPage(bytes))
            return "is an HTML or XML page, perhaps one by which a server said that it does not have the file";
        string? program = bytes switch
        {
            [0x7F, (byte)'E', (byte)'L', (byte)'F', ..] => "an ELF file",
            [(byte)'M', (byte)'Z', _, 0, ..] => "a Windows executable",
            [0xCF or 0xCE, 0xFA, 0xED, 0xFE, ..] => "a Mach-O file",
            [0xCA, 0xFE, 0xBA, 0xBE, ..] => "a Java class or a Mach-O file",
            [(byte)'B', (byte)'C', 0xC0, 0xDE, ..] => "LLVM bitcode",
            [(byte)'!', (byte)'<', (byte)'a', (byte)'r', (byte)'c', (byte)'h', (byte)'>', ..] => "an archive of object files",
            _ => null,
        };
        if (program is not null)
            return $"is {program} and not WebAssembly. Build for wasm32-wasip1 or another WebAssembly target";
        if (bytes is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
            return "is text in UTF-16, and the text format is UTF-8. Save it as UTF-8";
        return bytes[0] == 0 || bytes.Contains((byte)0)
            ? "is not WebAssembly: neither a binary module (magic header not detected: it starts with the bytes 00 61 73 6d) nor text"
            : null;
    }

    private static bool IsPage(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> start = bytes[..Math.Min(bytes.Length, Looked)];
        if (start.StartsWith("\uFEFF"u8))
            start = start[3..];
        start = start.TrimStart(" \t\r\n"u8);
        return start.Length >= 2 && start[0] == (byte)'<' && (start[1] is (byte)'!' or (byte)'?' || char.IsAsciiLetter((char)start[1]));
    }
}
