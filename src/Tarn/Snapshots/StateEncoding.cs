// The bytes of a state. Little endian.
//
//   "TARNSNP\0" | u32 version | u32 zero | SHA-256 of the module | u128 identity of the image it differs from, 0 for a whole state
//   | u32 memories, tables, changed globals, element segments, data segments
//   | for each memory:  u64 bytes, u32 pages | for each page: u32 number, in ascending order | contents
//   | for each table:   u64 elements, u32 changed | for each changed: u32 index, in ascending order, u32 function's number (0 is null)
//   | for each changed global: u32 index, in ascending order, u64 low, u64 high
//   | a byte for each element segment and each data segment: whether it is dropped
//   | checksum of everything before
//
// Pages here are of 4096 bytes whatever the system's are. The checksum finds damage; against malice everything is compared with the module, so that bytes which pass are a state that a guest of the
// module could have had as far as the host's safety is concerned: lengths within the declared limits, functions of the types that tables and globals declare, references to nothing else, no dropped
// segment restored beyond its contents. Nothing is allocated by a number before the bytes that it counts are known to be there; a table's length is bounded by the caller.
using System.Buffers.Binary;
using System.Security.Cryptography;
using Tarn.Heaps;
using Tarn.Memories;
using Tarn.Modules;
using Tarn.Platform;

namespace Tarn.Snapshots;

internal static unsafe class StateEncoding
{
    public const uint Version = 1;
    public const int PageBytes = 4096;

    private const int HashAt = 16;
    private const int IdentityAt = HashAt + SHA256.HashSizeInBytes;
    private const int HeaderSize = IdentityAt + 16;

    private static ReadOnlySpan<byte> Magic => "TARNSNP\0"u8;

    /// <summary>Writes a state.</summary>
    /// <param name="wasm">The module.</param>
    /// <param name="image">What it differs from; null for a whole state.</param>
    /// <param name="state">The state.</param>
    public static byte[] Encode(WasmModule wasm, InstanceImage? image, StateDifference state)
    {
        long pages = state.Memories.Sum(static memory => (long)memory.Pages.Pages.Length * (memory.Pages.PageSize + sizeof(uint)));
        using var stream = new MemoryStream((int)Math.Min(pages + 512, int.MaxValue / 2));
        using var writer = new BinaryWriter(stream);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write(0);
        writer.Write(wasm.ContentHash);
        UInt128 identity = image?.Identity(wasm) ?? 0;
        writer.Write((ulong)identity);
        writer.Write((ulong)(identity >> 64));
        writer.Write(state.Memories.Length);
        writer.Write(state.Tables.Length);
        writer.Write(state.Globals.Length);
        writer.Write(state.DroppedElements.Length);
        writer.Write(state.DroppedData.Length);
        foreach (MemoryState memory in state.Memories)
            WriteMemory(writer, memory);
        foreach (TableChanges table in state.Tables)
        {
            writer.Write(table.Length);
            writer.Write(table.Elements.Length);
            foreach ((uint index, uint function) in table.Elements)
            {
                writer.Write(index);
                writer.Write(function);
            }
        }
        foreach ((int index, RawValue value) in state.Globals)
        {
            writer.Write(index);
            writer.Write(value.Low);
            writer.Write(value.High);
        }
        foreach (bool dropped in state.DroppedElements)
            writer.Write(dropped);
        foreach (bool dropped in state.DroppedData)
            writer.Write(dropped);
        UInt128 sum = Checksum.Of(stream.GetBuffer().AsSpan(0, (int)stream.Length));
        writer.Write((ulong)sum);
        writer.Write((ulong)(sum >> 64));
        return stream.ToArray();
    }

    /// <summary>Reads a state and compares everything with the module.</summary>
    /// <param name="module">The module.</param>
    /// <param name="image">What it must differ from; null for a whole state.</param>
    /// <param name="bytes">The bytes.</param>
    /// <param name="mostElements">The elements that a table may have.</param>
    /// <exception cref="InvalidSnapshotException">They are not a state of the module that differs from the image.</exception>
    public static StateDifference Decode(ModuleCore module, InstanceImage? image, ReadOnlySpan<byte> bytes, long mostElements)
    {
        if (!bytes.StartsWith(Magic))
            throw new InvalidSnapshotException("These bytes are not a saved state: they do not begin with TARNSNP.");
        if (bytes.Length < HeaderSize + Checksum.Size)
            throw Damaged();
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[Magic.Length..]);
        if (version != Version)
            throw new InvalidSnapshotException($"The saved state is of version {version}; this version of Tarn reads version {Version}.");
        ReadOnlySpan<byte> body = bytes[..^Checksum.Size];
        if (Checksum.Of(body) != BinaryPrimitives.ReadUInt128LittleEndian(bytes[^Checksum.Size..]))
            throw Damaged();
        if (!body.Slice(HashAt, SHA256.HashSizeInBytes).SequenceEqual(module.Wasm.ContentHash))
            throw new InvalidSnapshotException("The saved state is of another module.");
        UInt128 identity = BinaryPrimitives.ReadUInt128LittleEndian(body[IdentityAt..]);
        if (identity != (image?.Identity(module.Wasm) ?? 0))
            throw new InvalidSnapshotException("The saved state differs from another initial state than that of the template: it was saved by an instance of another snapshot, or is not a difference.");
        if (BinaryPrimitives.ReadUInt32LittleEndian(body[(Magic.Length + 4)..]) != 0)
            throw Invalid("a reserved field is not zero");
        return new Reader(module, body[HeaderSize..], image is null).Read(mostElements);
    }

    private static void WriteMemory(BinaryWriter writer, MemoryState memory)
    {
        PageImage pages = memory.Pages;
        int parts = pages.PageSize / PageBytes;
        writer.Write(memory.ByteLength);
        writer.Write(pages.Pages.Length * parts);
        foreach (int page in pages.Pages)
        {
            for (int part = 0; part < parts; part++)
                writer.Write((page * parts) + part);
        }
        for (int i = 0; i < pages.Pages.Length; i++)
            writer.Write(new ReadOnlySpan<byte>(pages.At(i), pages.PageSize));
    }

    private static InvalidSnapshotException Damaged() => new("The saved state is cut off or damaged: it does not have the checksum that it names.");

    private static InvalidSnapshotException Invalid(string what) => new($"The saved state is not one of the module: {what}.");

    // Reads from front to back; every count is compared with the bytes that are left before it is used.
    private ref struct Reader(ModuleCore module, ReadOnlySpan<byte> rest, bool isWhole)
    {
        private ReadOnlySpan<byte> _rest = rest;

        public StateDifference Read(long mostElements)
        {
            WasmModule wasm = module.Wasm;
            if (wasm.ImportedMemoryCount + wasm.ImportedTableCount + wasm.ImportedGlobalCount + wasm.ImportedTagCount != 0)
                throw Invalid("the module imports a memory, a table, a global or a tag");
            Expect(wasm.Memories.Length, "memories");
            Expect(wasm.Tables.Length, "tables");
            int globals = Count("changed globals", wasm.Globals.Length);
            Expect(wasm.Elements.Length, "element segments");
            Expect(wasm.Data.Length, "data segments");
            var memories = new MemoryState[wasm.Memories.Length];
            for (int i = 0; i < memories.Length; i++)
                memories[i] = ReadMemory(wasm.Memories[i], i);
            var tables = new TableChanges[wasm.Tables.Length];
            for (int i = 0; i < tables.Length; i++)
                tables[i] = ReadTable(wasm.Tables[i], i, mostElements);
            (int, RawValue)[] values = ReadGlobals(globals);
            bool[] elements = new bool[wasm.Elements.Length];
            for (int i = 0; i < elements.Length; i++)
            {
                // A declarative segment is dropped from the start, and an active one once it has been copied.
                elements[i] = ReadFlag();
                if (!elements[i] && (wasm.Elements[i].Mode != SegmentMode.Passive || module.AllocatingElements.AsSpan().Contains(i)))
                    throw Invalid($"element segment {i} is not dropped");
            }
            bool[] data = new bool[wasm.Data.Length];
            for (int i = 0; i < data.Length; i++)
            {
                data[i] = ReadFlag();
                if (!data[i] && wasm.Data[i].Mode != SegmentMode.Passive)
                    throw Invalid($"data segment {i} is not dropped");
            }
            if (!_rest.IsEmpty)
                throw Invalid($"{_rest.Length} bytes are left over");
            return new StateDifference { Memories = memories, Tables = tables, Globals = values, DroppedElements = elements, DroppedData = data };
        }

        private MemoryState ReadMemory(in CoreMemoryType type, int index)
        {
            if (type.Limits.IsShared)
                throw Invalid($"memory {index} is shared");
            ulong length = ReadU64();
            UInt128 least = (UInt128)type.Limits.Minimum << type.PageSizeLog2;
            UInt128 most = type.Limits.HasMaximum ? (UInt128)type.Limits.Maximum << type.PageSizeLog2 : type.Limits.Is64 ? long.MaxValue : 1UL << 32;
            if (length < least || length > most || (length & ((1UL << type.PageSizeLog2) - 1)) != 0)
                throw Invalid($"memory {index} has {length} bytes");
            int count = (int)ReadU32();
            if (count < 0 || count > _rest.Length / (PageBytes + sizeof(int)))
                throw Invalid($"memory {index} has {(uint)count} pages and there are {_rest.Length} bytes left");
            int pageSize = (int)VirtualMemory.Current.PageSize;
            int parts = pageSize / PageBytes;
            var pages = new int[count];
            long before = -1;
            for (int i = 0; i < count; i++)
            {
                uint page = ReadU32();
                if (page > int.MaxValue || page <= before || (UInt128)page * PageBytes >= length)
                    throw Invalid($"page {page} of memory {index} is out of order or beyond its {length} bytes");
                if (page % (uint)parts != 0 ? before != page - 1 : i + parts > count)
                    throw Invalid($"page {page} of memory {index} is not part of a whole page of {pageSize} bytes, as this system has them");
                before = page;
                pages[i] = (int)page;
            }
            if (parts != 1)
                pages = [.. pages.Where(page => page % parts == 0).Select(page => page / parts)];
            if ((long)pages.Length * parts != count)
                throw Invalid($"the pages of memory {index} do not fill whole pages of {pageSize} bytes");
            ReadOnlySpan<byte> contents = Take(count * PageBytes);
            ulong last = count == 0 ? 0 : ((ulong)before * PageBytes) + PageBytes;
            if (last > length && contents[^(int)(last - length)..].ContainsAnyExcept((byte)0))
                throw Invalid($"memory {index} has contents beyond its {length} bytes");
            return new MemoryState(length, new PageImage(pages, contents, pageSize));
        }

        private TableChanges ReadTable(in CoreTableType type, int index, long mostElements)
        {
            ulong length = ReadU64();
            if (length < type.Limits.Minimum || (type.Limits.HasMaximum && length > type.Limits.Maximum))
                throw Invalid($"table {index} has {length} elements");
            if (length > (ulong)Math.Min(mostElements, int.MaxValue))
                throw new InvalidSnapshotException($"The saved state does not fit: table {index} has {length} elements, and the engine allows {mostElements}.");
            int count = Count($"changed elements of table {index}", (int)length);
            if (count > _rest.Length / (2 * sizeof(uint)))
                throw Invalid($"table {index} has {count} changed elements and there are {_rest.Length} bytes left");
            ValType element = module.Wasm.Canonicalize(type.Element);
            if (isWhole && !element.IsNullable && (ulong)count != length)
                throw Invalid($"table {index} has elements that are null, and its type does not allow them");
            var changes = new (uint, uint)[count];
            long before = -1;
            for (int i = 0; i < count; i++)
            {
                uint at = ReadU32();
                uint function = ReadU32();
                if (at <= before || at >= length)
                    throw Invalid($"element {at} of table {index} is out of order or beyond its {length} elements");
                before = at;
                RequireReference(element, function, $"element {at} of table {index}");
                changes[i] = (at, function);
            }
            return new TableChanges(length, changes);
        }

        private (int, RawValue)[] ReadGlobals(int count)
        {
            if (count > _rest.Length / (sizeof(uint) + (2 * sizeof(ulong))))
                throw Invalid($"{count} globals are changed and there are {_rest.Length} bytes left");
            WasmModule wasm = module.Wasm;
            var globals = new (int, RawValue)[count];
            long before = -1;
            for (int i = 0; i < count; i++)
            {
                uint at = ReadU32();
                var value = new RawValue { Low = ReadU64(), High = ReadU64() };
                if (at <= before || at >= (uint)wasm.Globals.Length || !wasm.Globals[(int)at].IsMutable)
                    throw Invalid($"global {at} is out of order, is not there or is not mutable");
                before = at;
                ValType type = wasm.Canonicalize(wasm.Globals[(int)at].Type);
                RawValue normal = StateCapture.Normalize(type, value);
                if (normal.Low != value.Low || normal.High != value.High)
                    throw Invalid($"the value of global {at} is not of its type");
                if (type.IsReference)
                    RequireReference(type, value.Low, $"global {at}");
                globals[i] = ((int)at, value);
            }
            return RequireWholeGlobals(globals);
        }

        // Of a whole state a global that is not named is zero, which a reference must allow.
        private readonly (int, RawValue)[] RequireWholeGlobals((int Index, RawValue Value)[] globals)
        {
            WasmModule wasm = module.Wasm;
            int next = 0;
            for (int i = 0; isWhole && i < wasm.Globals.Length; i++)
            {
                bool isNamed = next < globals.Length && globals[next].Index == i;
                next += isNamed ? 1 : 0;
                if (!isNamed && wasm.Globals[i].IsMutable && wasm.Globals[i].Type.IsReference && !wasm.Globals[i].Type.IsNullable)
                    throw Invalid($"global {i} is null, and its type does not allow that");
            }
            return globals;
        }

        private readonly void RequireReference(ValType type, ulong number, string where)
        {
            if (number == 0)
            {
                if (!type.IsNullable)
                    throw Invalid($"{where} is null, and its type does not allow that");
                return;
            }
            WasmModule wasm = module.Wasm;
            if (TypeShape.IsManaged(type, module.Engine.Types) || type.Heap == HeapType.NoFunc)
                throw Invalid($"{where} is not null, and a saved state holds no references of its type");
            if (number > (ulong)wasm.Functions.Length || module.Layout.FunctionReference((int)number - 1) < 0)
                throw Invalid($"{where} is function {number - 1}, which is not one that can be referred to");
            if (type.Heap.IsConcrete && !module.Engine.Types.IsSubtype(module.FunctionTypeId((int)number - 1), type.Heap.TypeIndex))
                throw Invalid($"{where} is a function of another type");
        }

        private bool ReadFlag() => Take(1)[0] switch { 0 => false, 1 => true, _ => throw Invalid("a flag is neither 0 nor 1") };

        private void Expect(int count, string what)
        {
            uint found = ReadU32();
            if (found != (uint)count)
                throw Invalid($"it has {found} {what}, the module has {count}");
        }

        private int Count(string what, int most)
        {
            uint found = ReadU32();
            return found <= (uint)most ? (int)found : throw Invalid($"it has {found} {what}, and there can be {most}");
        }

        private uint ReadU32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

        private ulong ReadU64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

        private ReadOnlySpan<byte> Take(int count)
        {
            if (count > _rest.Length)
                throw Invalid("it ends early");
            ReadOnlySpan<byte> taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }
    }
}
