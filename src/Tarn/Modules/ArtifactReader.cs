// Reads a compiled module, each byte once and by plain reads to where it will stay: code into the arena, tables into their arrays. The file is not mapped. A mapping
// of a file that another process cuts off is a SIGBUS wherever it is touched, and of one that another process writes to it changes after it was checked. What
// was read is ours: its checksum is taken from the copy that is used, so a file that changes meanwhile is either seen as it was or refused.
//
// Invariants: nothing read is used before its checksum is right, and code is not executable before all of it is; lengths are held against the stream's own
// before anything is allocated by them.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Tarn.Engines;

namespace Tarn.Modules;

internal sealed class ArtifactReader
{
    private const int LongestIdentity = 4096;

    // Fits a second-level cache, so that what was just read is summed before it has left it.
    private const int Piece = 8192 * Checksum.PieceAlignment;
    private readonly Stream _stream;
    private readonly byte[] _header;
    private ArtifactSection _next;

    private ArtifactReader(Stream stream, byte[] header)
    {
        _stream = stream;
        _header = header;
    }

    /// <summary>What validation had learned of the bodies.</summary>
    public ModuleFacts Facts => (ModuleFacts)BinaryPrimitives.ReadInt32LittleEndian(_header.AsSpan(ModuleArtifact.FactsAt));

    /// <summary>Reads the header and compares it with the engine.</summary>
    /// <param name="engine">The engine that will run the code.</param>
    /// <param name="stream">The artifact, at its start; must know its length.</param>
    /// <exception cref="IncompatibleArtifactException">It is none, is damaged, or was made for something else.</exception>
    public static ArtifactReader Open(EngineCore engine, Stream stream)
    {
        long length = stream.Length;
        byte[] header = new byte[ModuleArtifact.HeaderSize];
        int read = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (!header.AsSpan(0, read).StartsWith(ModuleArtifact.Magic))
            throw new IncompatibleArtifactException("These bytes are not a compiled module: they do not begin with TARNAOT.");
        if (read < ModuleArtifact.FactsAt)
            throw CutOff(length);
        uint format = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(ModuleArtifact.FormatAt));
        if (format != ModuleArtifact.Format)
            throw new IncompatibleArtifactException($"The compiled module is of another format than this version of Tarn reads, which is {ModuleArtifact.Format}. Compile it again.");
        if (read < header.Length)
            throw CutOff(length);
        uint identityLength = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(ModuleArtifact.IdentityLengthAt));
        uint sections = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(ModuleArtifact.SectionCountAt));
        if (identityLength > LongestIdentity || sections != ModuleArtifact.SectionCount)
            throw Damaged("header");
        Array.Resize(ref header, header.Length + (int)identityLength);
        if (stream.ReadAtLeast(header.AsSpan(read), header.Length - read, throwOnEndOfStream: false) != header.Length - read)
            throw CutOff(length);
        Span<byte> sum = header.AsSpan(ModuleArtifact.ChecksumAt, Checksum.Size);
        UInt128 expected = BinaryPrimitives.ReadUInt128LittleEndian(sum);
        sum.Clear();
        if (Checksum.Of(header) != expected)
            throw Damaged("header");
        var reader = new ArtifactReader(stream, header);
        string made = Encoding.UTF8.GetString(header.AsSpan(ModuleArtifact.HeaderSize));
        string wanted = ModuleArtifact.Identity(engine);
        if (made != wanted)
            throw new IncompatibleArtifactException($"The compiled module was made for another engine; compile it again. Made for: {made}. This engine: {wanted}.");
        ulong end = (ulong)header.Length;
        for (int i = 0; i < ModuleArtifact.SectionCount; i++)
        {
            if (reader.LengthOf((ArtifactSection)i) is not (>= 0 and <= int.MaxValue) and var odd)
                throw new IncompatibleArtifactException($"The compiled module is damaged: a section of {odd} bytes.");
            end += (ulong)reader.LengthOf((ArtifactSection)i);
        }
        return end == (ulong)length ? reader : throw new IncompatibleArtifactException($"The compiled module is cut off or damaged: it has {length} bytes, its header says {end}.");
    }

    /// <summary>Bytes of a section.</summary>
    public long LengthOf(ArtifactSection section) => BinaryPrimitives.ReadInt64LittleEndian(Entry(section));

    /// <summary>Reads the next section into an array.</summary>
    public byte[] ReadBytes(ArtifactSection section)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)LengthOf(section));
        Read(section, bytes);
        return bytes;
    }

    /// <summary>Reads the next section into an array of numbers.</summary>
    public int[] ReadNumbers(ArtifactSection section)
    {
        long bytes = LengthOf(section);
        if (bytes % sizeof(int) != 0)
            throw Damaged(NameOf(section));
        int[] numbers = GC.AllocateUninitializedArray<int>((int)bytes / sizeof(int));
        Read(section, MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    /// <summary>Reads the tables, which follow the code.</summary>
    /// <param name="codeBytes">Bytes of the code.</param>
    public CodeTables ReadTables(int codeBytes) => new()
    {
        Size = codeBytes,
        Starts = ReadNumbers(ArtifactSection.Starts),
        Lengths = ReadNumbers(ArtifactSection.Lengths),
        FrameSizes = ReadNumbers(ArtifactSection.FrameSizes),
        StackArgumentBytes = ReadNumbers(ArtifactSection.StackArgumentBytes),
        TrapOffsets = ReadNumbers(ArtifactSection.TrapOffsets),
        TrapWasmOffsets = ReadNumbers(ArtifactSection.TrapWasmOffsets),
        TrapCodes = ReadBytes(ArtifactSection.TrapCodes),
        CallOffsets = ReadNumbers(ArtifactSection.CallOffsets),
        CallWasmOffsets = ReadNumbers(ArtifactSection.CallWasmOffsets),
        CallReferences = ReadNumbers(ArtifactSection.CallReferences),
        References = ReadNumbers(ArtifactSection.References),
        SavedRegisters = ReadBytes(ArtifactSection.SavedRegisters),
        HandlerOffsets = ReadNumbers(ArtifactSection.HandlerOffsets),
        HandlerLandings = ReadNumbers(ArtifactSection.HandlerLandings),
        HandlerScopes = ReadNumbers(ArtifactSection.HandlerScopes),
        Scopes = ReadNumbers(ArtifactSection.Scopes),
    };

    /// <summary>Reads the relocations, which follow the tables.</summary>
    public CodeRelocations ReadRelocations()
    {
        var relocations = new CodeRelocations
        {
            Offsets = ReadNumbers(ArtifactSection.RelocationOffsets),
            Kinds = ReadBytes(ArtifactSection.RelocationKinds),
            Targets = ReadNumbers(ArtifactSection.RelocationTargets),
        };
        return relocations.Kinds.Length == relocations.Offsets.Length && relocations.Targets.Length == relocations.Offsets.Length
            ? relocations
            : throw new IncompatibleArtifactException("The compiled module is damaged: its tables do not fit together.");
    }

    /// <summary>Reads the next section and checks it.</summary>
    /// <exception cref="IncompatibleArtifactException">It ends early, or has not the checksum that the header names.</exception>
    public void Read(ArtifactSection section, Span<byte> target)
    {
        // Without functions the loader passes over code and tables, which are empty then.
        while (_next < section && LengthOf(_next) == 0)
            _next++;
        if (section != _next++)
            throw new InvalidOperationException($"{section} is not the next section"); // sections are read in order, each once
        var sum = new Checksum();
        for (int at = 0; at < target.Length;)
        {
            Span<byte> piece = target.Slice(at, Math.Min(Piece, target.Length - at));
            if (_stream.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false) < piece.Length)
                throw new IncompatibleArtifactException($"The compiled module was cut off while it was read, in its {NameOf(section)}.");
            sum.Add(piece);
            at += piece.Length;
        }
        if (sum.Value() != BinaryPrimitives.ReadUInt128LittleEndian(Entry(section)[sizeof(ulong)..]))
            throw Damaged(NameOf(section));
    }

    private static string NameOf(ArtifactSection section) => section switch
    {
        ArtifactSection.Module => "copy of the module",
        ArtifactSection.Code => "machine code",
        ArtifactSection.Snapshot => "snapshot",
        _ => "tables",
    };

    private static IncompatibleArtifactException CutOff(long length) => new($"the compiled module is cut off: it has {length} bytes");

    private static IncompatibleArtifactException Damaged(string what) => new($"the compiled module is damaged: its {what} does not have the checksum that it names");

    private ReadOnlySpan<byte> Entry(ArtifactSection section) =>
        _header.AsSpan(ModuleArtifact.SectionsAt + ((int)section * ModuleArtifact.SectionEntrySize), ModuleArtifact.SectionEntrySize);
}
