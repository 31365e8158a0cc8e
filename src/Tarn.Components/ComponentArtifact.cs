// A compiled component as bytes: the component itself and the artifacts of its core modules. The plan is made anew from the component, which is quick, and what is loaded is compared with it: each
// module must be the one that the component has in its place. As with modules, machine code is executed as it is, so an artifact is as trusted as a program; the hash finds damage, not malice.
//
// Layout, little-endian: magic (8), format (4), number of modules (4), SHA-256 of everything behind it (32), length of the component (8), the component, then for each module its length (8) and
// its artifact.
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Tarn.Components;

internal static class ComponentArtifact
{
    private const int Format = 1;
    private const int HashAt = 16;
    private const int HeaderBytes = HashAt + SHA256.HashSizeInBytes;

    private static ReadOnlySpan<byte> Magic => "TARNCMP\0"u8;

    /// <summary>Whether bytes begin as an artifact does.</summary>
    public static bool IsArtifact(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Magic);

    public static byte[] Write(ReadOnlySpan<byte> component, IReadOnlyList<Module> modules)
    {
        byte[][] artifacts = [.. modules.Select(static module => module.Serialize())];
        byte[] result = new byte[checked(HeaderBytes + sizeof(long) + component.Length + artifacts.Sum(static artifact => sizeof(long) + artifact.Length))];
        Magic.CopyTo(result);
        BinaryPrimitives.WriteInt32LittleEndian(result.AsSpan(8), Format);
        BinaryPrimitives.WriteInt32LittleEndian(result.AsSpan(12), artifacts.Length);
        int at = Append(result, HeaderBytes, component);
        foreach (byte[] artifact in artifacts)
            at = Append(result, at, artifact);
        SHA256.HashData(result.AsSpan(HeaderBytes), result.AsSpan(HashAt, SHA256.HashSizeInBytes));
        return result;
    }

    /// <summary>Takes an artifact apart.</summary>
    /// <exception cref="IncompatibleArtifactException">It is damaged, or no artifact.</exception>
    public static (Range Component, Range[] Modules) Read(ReadOnlySpan<byte> bytes)
    {
        if (!IsArtifact(bytes) || bytes.Length < HeaderBytes)
            throw new IncompatibleArtifactException("The bytes are not a compiled component.");
        int format = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (format != Format)
            throw new IncompatibleArtifactException($"The compiled component has format {format}, and this build reads format {Format}. Compile it again.");
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[HeaderBytes..], hash);
        int count = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        if (!hash.SequenceEqual(bytes.Slice(HashAt, SHA256.HashSizeInBytes)) || (uint)count > (uint)bytes.Length / sizeof(long))
            throw Damaged();
        int at = HeaderBytes;
        Range component = Next(bytes, ref at);
        var modules = new Range[count];
        for (int i = 0; i < count; i++)
            modules[i] = Next(bytes, ref at);
        return at == bytes.Length ? (component, modules) : throw Damaged();
    }

    private static IncompatibleArtifactException Damaged() => new("The compiled component is damaged. Compile it again.");

    private static int Append(byte[] target, int at, ReadOnlySpan<byte> part)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target.AsSpan(at), part.Length);
        part.CopyTo(target.AsSpan(at + sizeof(long)));
        return at + sizeof(long) + part.Length;
    }

    private static Range Next(ReadOnlySpan<byte> bytes, ref int at)
    {
        if (bytes.Length - at < sizeof(long))
            throw Damaged();
        long length = BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
        at += sizeof(long);
        if ((ulong)length > (ulong)(bytes.Length - at))
            throw Damaged();
        int start = at;
        at += (int)length;
        return start..at;
    }
}
