// A dump of a guest that trapped, in the format of WebAssembly's tool conventions (Coredump.md): a module whose custom sections say what ran (core, coremodules, coreinstances) and where
// (corestack), and whose memories and globals are those of the instance. wasmgdb and others read it beside the module itself.
//
// Locals and operands are in registers, so the frames have none. Of memories the pages are written that hold something; the dump is as large as they are.
using System.Buffers.Binary;
using System.Text;
using Tarn.Memories;
using Tarn.Modules;
using Tarn.Wasm.Text;

namespace Tarn.Dumps;

internal static unsafe class CoreDump
{
    private const int PageSize = 64 << 10;

    // Sizes of sections have 32 bits.
    private const long LargestData = 0xF000_0000;
    private const byte Memory = 5;
    private const byte Globals = 6;
    private const byte Data = 11;
    private const byte End = 0x0B;

    /// <summary>Writes a dump.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="executable">What the process is called.</param>
    /// <param name="instance">The instance that trapped, before it is called again.</param>
    /// <param name="trap">The trap.</param>
    public static void Write(Stream stream, string executable, Instance instance, Trap trap) => Write(stream, executable, [instance.Data], trap.Backtrace);

    /// <summary>Writes a dump of several instances of one store.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="executable">What the process is called.</param>
    /// <param name="instances">The instances, before any of them is called again. A memory or global that several of them have is written once.</param>
    /// <param name="backtrace">The calls in progress. Of a module with several instances the first is named.</param>
    public static void Write(Stream stream, string executable, IReadOnlyList<InstanceData> instances, IReadOnlyList<GuestFrame> backtrace)
    {
        List<ModuleCore> modules = [];
        List<MemoryInstance> memories = [];
        List<nint> cells = [];
        List<(CoreGlobalType Type, RawValue Value)> globals = [];
        stream.Write("\0asm\u0001\0\0\0"u8);
        var section = new ByteBuffer();
        section.Byte(0);
        Name(section, executable);
        Custom(stream, "core", section);

        foreach (InstanceData data in instances)
        {
            if (!modules.Contains(data.Module))
                modules.Add(data.Module);
        }
        section.Clear();
        section.U32((uint)modules.Count);
        foreach (ModuleCore module in modules)
        {
            section.Byte(0);
            Name(section, module.Name ?? executable);
        }
        Custom(stream, "coremodules", section);

        section.Clear();
        section.U32((uint)instances.Count);
        foreach (InstanceData data in instances)
        {
            section.Byte(0);
            section.U32((uint)modules.IndexOf(data.Module));
            section.U32((uint)data.Memories.Length);
            foreach (MemoryInstance memory in data.Memories)
                section.U32((uint)IndexOf(memories, memory));
            ReadOnlySpan<CoreGlobalType> types = data.Module.Wasm.Globals;
            section.U32((uint)types.Length);
            for (int i = 0; i < types.Length; i++)
            {
                int at = IndexOf(cells, (nint)data.GlobalCell(i));
                if (at == globals.Count)
                    globals.Add((types[i], *data.GlobalCell(i)));
                section.U32((uint)at);
            }
        }
        Custom(stream, "coreinstances", section);

        section.Clear();
        section.Byte(0);
        Name(section, "main");
        section.U32((uint)backtrace.Count);
        foreach (GuestFrame frame in backtrace)
            Frame(section, instances, frame);
        Custom(stream, "corestack", section);

        if (memories.Count > 0)
        {
            section.Clear();
            section.U32((uint)memories.Count);
            foreach (MemoryInstance memory in memories)
                Limits(section, memory);
            Section(stream, Memory, section);
        }
        if (globals.Count > 0)
        {
            section.Clear();
            section.U32((uint)globals.Count);
            foreach ((CoreGlobalType type, RawValue value) in globals)
                Global(section, type, value);
            Section(stream, Globals, section);
        }
        Pages(stream, [.. memories]);
    }

    private static int IndexOf<T>(List<T> list, T item)
    {
        int at = list.IndexOf(item);
        if (at >= 0)
            return at;
        list.Add(item);
        return list.Count - 1;
    }

    private static void Frame(ByteBuffer section, IReadOnlyList<InstanceData> instances, in GuestFrame frame)
    {
        int instance = 0;
        while (instance < instances.Count - 1 && instances[instance].Module.Symbols != frame.Symbols)
            instance++;
        WasmModule wasm = instances[instance].Module.Wasm;
        int body = frame.FunctionIndex - wasm.ImportedFunctionCount;
        section.Byte(0);
        section.U32((uint)instance);
        section.U32((uint)frame.FunctionIndex);
        section.U32((uint)body < (uint)wasm.Bodies.Length ? frame.WasmOffset - (uint)wasm.Bodies[body].Offset : 0);
        section.U32(0);
        section.U32(0);
    }

    private static void Limits(ByteBuffer section, MemoryInstance memory)
    {
        const int Maximum = 1;
        const int Is64 = 4;
        const int CustomPageSize = 8;
        section.Byte((byte)(Maximum | (memory.Type.Limits.Is64 ? Is64 : 0) | (memory.Type.PageSizeLog2 == 16 ? 0 : CustomPageSize)));
        section.U64(memory.Pages);
        section.U64(memory.Pages);
        if (memory.Type.PageSizeLog2 != 16)
            section.U32((uint)memory.Type.PageSizeLog2);
    }

    private static void Global(ByteBuffer section, CoreGlobalType type, RawValue value)
    {
        const byte Func = 0x70;
        const byte Extern = 0x6F;
        Span<byte> bits = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(bits, value.Low);
        BinaryPrimitives.WriteUInt64LittleEndian(bits[8..], value.High);
        byte mutable = type.IsMutable ? (byte)1 : (byte)0;
        switch (type.Type.ToString())
        {
            case "i32":
                section.Bytes([0x7F, mutable, 0x41]);
                Signed(section, (int)value.Low);
                break;
            case "i64":
                section.Bytes([0x7E, mutable, 0x42]);
                Signed(section, (long)value.Low);
                break;
            case "f32":
                section.Bytes([0x7D, mutable, 0x43]);
                section.Bytes(bits[..4]);
                break;
            case "f64":
                section.Bytes([0x7C, mutable, 0x44]);
                section.Bytes(bits[..8]);
                break;
            case "v128":
                section.Bytes([0x7B, mutable, 0xFD, 0x0C]);
                section.Bytes(bits);
                break;
            case "funcref":
                section.Bytes([Func, mutable, 0xD0, Func]);
                break;
            default:
                // References mean nothing outside of the process.
                section.Bytes([Extern, mutable, 0xD0, Extern]);
                break;
        }
        section.Byte(End);
    }

    // Segments for what is not zero, as far as a section can hold them: first their number and size, then they.
    private static void Pages(Stream stream, MemoryInstance[] memories)
    {
        var header = new ByteBuffer();
        uint count = 0;
        long size = 0;
        foreach ((int memory, ulong at, int length) in Segments(memories))
        {
            Segment(header, memories[memory], memory, at, length);
            if (size + header.Count + length > LargestData)
                break;
            size += header.Count + length;
            count++;
        }
        if (count == 0)
            return;
        header.Clear();
        header.U32(count);
        byte[] number = header.ToArray();
        header.Clear();
        header.Byte(Data);
        header.U32((uint)(number.Length + size));
        stream.Write(header.Span);
        stream.Write(number);
        foreach ((int memory, ulong at, int length) in Segments(memories).Take((int)count))
        {
            Segment(header, memories[memory], memory, at, length);
            stream.Write(header.Span);
            stream.Write(memories[memory].BytesToRead(at, (ulong)length));
        }
    }

    private static IEnumerable<(int Memory, ulong At, int Length)> Segments(MemoryInstance[] memories)
    {
        for (int memory = 0; memory < memories.Length; memory++)
        {
            for (ulong at = 0; at < memories[memory].ByteLength; at += PageSize)
            {
                int length = (int)Math.Min(PageSize, memories[memory].ByteLength - at);
                if (memories[memory].BytesToRead(at, (ulong)length).ContainsAnyExcept((byte)0))
                    yield return (memory, at, length);
            }
        }
    }

    private static void Segment(ByteBuffer header, MemoryInstance instance, int memory, ulong at, int length)
    {
        header.Clear();
        header.U32(memory == 0 ? 0u : 2u);
        if (memory != 0)
            header.U32((uint)memory);
        header.Byte(instance.Type.Limits.Is64 ? (byte)0x42 : (byte)0x41);
        Signed(header, instance.Type.Limits.Is64 ? (long)at : (int)at);
        header.Byte(End);
        header.U32((uint)length);
    }

    private static void Signed(ByteBuffer buffer, long value)
    {
        while (true)
        {
            byte bits = (byte)(value & 0x7F);
            value >>= 7;
            if ((value == 0 && (bits & 0x40) == 0) || (value == -1 && (bits & 0x40) != 0))
            {
                buffer.Byte(bits);
                return;
            }
            buffer.Byte((byte)(bits | 0x80));
        }
    }

    private static void Indices(ByteBuffer section, int count)
    {
        section.U32((uint)count);
        for (int i = 0; i < count; i++)
            section.U32((uint)i);
    }

    private static void Name(ByteBuffer section, string name) => section.Counted(Encoding.UTF8.GetBytes(name));

    private static void Custom(Stream stream, string name, ByteBuffer contents)
    {
        var section = new ByteBuffer();
        Name(section, name);
        section.Bytes(contents);
        Section(stream, 0, section);
    }

    private static void Section(Stream stream, byte id, ByteBuffer contents)
    {
        var header = new ByteBuffer();
        header.Byte(id);
        header.U32((uint)contents.Count);
        stream.Write(header.Span);
        stream.Write(contents.Span);
    }
}
