// The format of compiled modules, and writing it. Little endian.
//
//   "TARNAOT\0" | u32 format | u32 facts (ModuleFacts, whole) | checksum of header and identity, itself counted as zero
//   | u32 bytes of identity | u32 sections | for each section: u64 bytes, checksum | identity (UTF-8) | the sections one behind the other
//
// Code is laid out as it will be in memory, but for its relocations, and tables are the arrays of CodeTables: loading is a few large reads to where things stay.
// Machine code is executed as it is, so everything that it depends on is in the identity and compared. Checksums find damage. Nothing finds malice: an
// artifact is as trusted as a program, which Module.Deserialize tells its callers.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Tarn.Compiler;
using Tarn.Engines;

namespace Tarn.Modules;

internal static class ModuleArtifact
{
    public const uint Format = 6;
    public const int SectionCount = (int)ArtifactSection.Snapshot + 1;
    public const int FormatAt = 8;
    public const int FactsAt = 12;
    public const int ChecksumAt = 16;
    public const int IdentityLengthAt = 32;
    public const int SectionCountAt = 36;
    public const int SectionsAt = 40;
    public const int SectionEntrySize = sizeof(ulong) + Checksum.Size;
    public const int HeaderSize = SectionsAt + (SectionCount * SectionEntrySize);

    public static ReadOnlySpan<byte> Magic => "TARNAOT\0"u8;

    public static byte[] Write(EngineCore engine, WasmModule wasm, CompiledModule compiled, ReadOnlyMemory<byte> snapshot)
    {
        CodeTables tables = compiled.Tables;
        CodeRelocations relocations = compiled.Relocations;
        byte[] identity = Encoding.UTF8.GetBytes(Identity(engine));
        var sections = new ReadOnlyMemory<byte>[SectionCount];
        sections[(int)ArtifactSection.Module] = wasm.Bytes;
        sections[(int)ArtifactSection.Code] = compiled.Code;
        sections[(int)ArtifactSection.Starts] = BytesOf(tables.Starts);
        sections[(int)ArtifactSection.Lengths] = BytesOf(tables.Lengths);
        sections[(int)ArtifactSection.FrameSizes] = BytesOf(tables.FrameSizes);
        sections[(int)ArtifactSection.StackArgumentBytes] = BytesOf(tables.StackArgumentBytes);
        sections[(int)ArtifactSection.TrapOffsets] = BytesOf(tables.TrapOffsets);
        sections[(int)ArtifactSection.TrapWasmOffsets] = BytesOf(tables.TrapWasmOffsets);
        sections[(int)ArtifactSection.TrapCodes] = tables.TrapCodes;
        sections[(int)ArtifactSection.CallOffsets] = BytesOf(tables.CallOffsets);
        sections[(int)ArtifactSection.CallWasmOffsets] = BytesOf(tables.CallWasmOffsets);
        sections[(int)ArtifactSection.CallReferences] = BytesOf(tables.CallReferences);
        sections[(int)ArtifactSection.References] = BytesOf(tables.References);
        sections[(int)ArtifactSection.SavedRegisters] = tables.SavedRegisters;
        sections[(int)ArtifactSection.HandlerOffsets] = BytesOf(tables.HandlerOffsets);
        sections[(int)ArtifactSection.HandlerLandings] = BytesOf(tables.HandlerLandings);
        sections[(int)ArtifactSection.HandlerScopes] = BytesOf(tables.HandlerScopes);
        sections[(int)ArtifactSection.Scopes] = BytesOf(tables.Scopes);
        sections[(int)ArtifactSection.RelocationOffsets] = BytesOf(relocations.Offsets);
        sections[(int)ArtifactSection.RelocationKinds] = relocations.Kinds;
        sections[(int)ArtifactSection.RelocationTargets] = BytesOf(relocations.Targets);
        sections[(int)ArtifactSection.Snapshot] = snapshot;

        byte[] artifact = new byte[checked(HeaderSize + identity.Length + sections.Sum(section => section.Length))];
        Span<byte> header = artifact.AsSpan(0, HeaderSize + identity.Length);
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[FormatAt..], Format);
        BinaryPrimitives.WriteUInt32LittleEndian(header[FactsAt..], (uint)compiled.Facts);
        BinaryPrimitives.WriteInt32LittleEndian(header[IdentityLengthAt..], identity.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[SectionCountAt..], SectionCount);
        identity.CopyTo(header[HeaderSize..]);
        int position = header.Length;
        for (int i = 0; i < sections.Length; i++)
        {
            ReadOnlySpan<byte> section = sections[i].Span;
            Span<byte> entry = header.Slice(SectionsAt + (i * SectionEntrySize), SectionEntrySize);
            BinaryPrimitives.WriteInt64LittleEndian(entry, section.Length);
            BinaryPrimitives.WriteUInt128LittleEndian(entry[sizeof(ulong)..], Checksum.Of(section));
            section.CopyTo(artifact.AsSpan(position));
            position += section.Length;
        }
        BinaryPrimitives.WriteUInt128LittleEndian(header[ChecksumAt..], Checksum.Of(header));
        return artifact;
    }

    /// <summary>Everything that changes compiled code apart from the module. The version is that of the build, not of the release.</summary>
    public static string Identity(EngineCore engine) =>
        $"Tarn {typeof(ModuleArtifact).Assembly.ManifestModule.ModuleVersionId:N} {typeof(CompiledFunction).Assembly.ManifestModule.ModuleVersionId:N}, "
        + $"{Platform.HostPlatform.Name} {engine.CodeTarget.Identity}, "
        + $"{engine.Target}, features {(long)engine.Options.Features:x}";

    // Tarn runs on little-endian processors only, as it generates code for no other.
    private static byte[] BytesOf(int[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
