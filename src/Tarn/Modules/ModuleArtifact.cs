// The format of compiled modules: the module's bytes, the machine code of every function and its tables. Little endian, lengths
// first. Machine code is executed as it is, so everything that it depends on is in the header and compared; the hash finds damage.
// Nothing finds malice: an artifact is as trusted as a program, which Module.Deserialize tells its callers.
//
//   "TARNAOT\0" | SHA-256 of all that follows | u32 format | text identity | bytes module | u8 writes tables | u32 functions
//   for each: bytes code | i32 frame size | i32 stack argument bytes | relocations (i32 offset, u8 kind, i32 target)
//             | trap sites (i32 offset, u8 code, i32 wasm offset, u8 prologue) | call sites (i32 return offset, i32 wasm offset)
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Tarn.Compiler;
using Tarn.Compiler.Abi;

namespace Tarn.Modules;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal static class ModuleArtifact
{
    private const uint Format = 2;
    private const int HashSize = 32;

    private static ReadOnlySpan<byte> Magic => "TARNAOT\0"u8;

    public static byte[] Write(Engine engine, WasmModule wasm, CompiledFunction[] functions)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Magic);
        writer.Write(new byte[HashSize]);
        writer.Write(Format);
        writer.Write(Identity(engine));
        WriteBytes(writer, wasm.Bytes.Span);
        writer.Write(wasm.WritesTables);
        writer.Write(functions.Length);
        foreach (CompiledFunction function in functions)
            WriteFunction(writer, function);
        writer.Flush();
        byte[] bytes = stream.ToArray();
        SHA256.HashData(bytes.AsSpan(Magic.Length + HashSize), bytes.AsSpan(Magic.Length, HashSize));
        return bytes;
    }

    /// <exception cref="IncompatibleArtifactException">The artifact is damaged or made for something else.</exception>
    public static (byte[] Module, bool WritesTables, CompiledFunction[] Functions) Read(Engine engine, ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(Magic))
            throw new IncompatibleArtifactException("these bytes are no compiled module: they do not begin with TARNAOT");
        if (bytes.Length < Magic.Length + HashSize + sizeof(uint))
            throw new IncompatibleArtifactException("the compiled module is cut off");
        Span<byte> hash = stackalloc byte[HashSize];
        SHA256.HashData(bytes[(Magic.Length + HashSize)..], hash);
        if (!hash.SequenceEqual(bytes.Slice(Magic.Length, HashSize)))
            throw new IncompatibleArtifactException("the compiled module is damaged: its contents do not have the hash that it names");
        using var reader = new BinaryReader(new MemoryStream(bytes[(Magic.Length + HashSize)..].ToArray()), Encoding.UTF8);
        uint format = reader.ReadUInt32();
        if (format != Format)
            throw new IncompatibleArtifactException($"the compiled module has format {format}; this version of Tarn reads format {Format}. Compile it again");
        string made = reader.ReadString();
        string wanted = Identity(engine);
        if (made != wanted)
            throw new IncompatibleArtifactException($"the compiled module was made for another engine; compile it again. Made for: {made}. This engine: {wanted}");
        byte[] module = ReadBytes(reader);
        bool writesTables = reader.ReadBoolean();
        var functions = new CompiledFunction[reader.ReadInt32()];
        for (int i = 0; i < functions.Length; i++)
            functions[i] = ReadFunction(reader);
        return (module, writesTables, functions);
    }

    // Everything that changes compiled code apart from the module. The version is that of the build, not of the release.
    private static string Identity(Engine engine) =>
        $"Tarn {typeof(ModuleArtifact).Assembly.ManifestModule.ModuleVersionId:N} {typeof(CompiledFunction).Assembly.ManifestModule.ModuleVersionId:N}, "
        + $"{(OperatingSystem.IsLinux() ? "linux" : "other")} {RuntimeInformation.ProcessArchitecture} {(uint)Tarn.Assembler.X64.CpuFeatureDetector.Detect():x}, "
        + $"{engine.Target}, features {(int)engine.Options.Features:x}";

    private static void WriteFunction(BinaryWriter writer, CompiledFunction function)
    {
        WriteBytes(writer, function.Code);
        writer.Write(function.FrameSize);
        writer.Write(function.StackArgumentBytes);
        writer.Write(function.Relocations.Length);
        foreach (Relocation relocation in function.Relocations)
        {
            writer.Write(relocation.Offset);
            writer.Write((byte)relocation.Kind);
            writer.Write(relocation.Target);
        }
        writer.Write(function.TrapSites.Length);
        foreach (TrapSite site in function.TrapSites)
        {
            writer.Write(site.Offset);
            writer.Write((byte)site.Code);
            writer.Write(site.WasmOffset);
            writer.Write(site.InPrologue);
        }
        writer.Write(function.CallSites.Length);
        foreach (CallSite site in function.CallSites)
        {
            writer.Write(site.ReturnOffset);
            writer.Write(site.WasmOffset);
        }
    }

    private static CompiledFunction ReadFunction(BinaryReader reader)
    {
        byte[] code = ReadBytes(reader);
        int frameSize = reader.ReadInt32();
        int stackArgumentBytes = reader.ReadInt32();
        var relocations = new Relocation[reader.ReadInt32()];
        for (int i = 0; i < relocations.Length; i++)
            relocations[i] = new Relocation(reader.ReadInt32(), (SymbolKind)reader.ReadByte(), reader.ReadInt32());
        var traps = new TrapSite[reader.ReadInt32()];
        for (int i = 0; i < traps.Length; i++)
            traps[i] = new TrapSite(reader.ReadInt32(), (TrapCode)reader.ReadByte(), reader.ReadInt32(), reader.ReadBoolean());
        var calls = new CallSite[reader.ReadInt32()];
        for (int i = 0; i < calls.Length; i++)
            calls[i] = new CallSite(reader.ReadInt32(), reader.ReadInt32());
        return new CompiledFunction
        {
            Code = code,
            Relocations = relocations,
            TrapSites = traps,
            CallSites = calls,
            FrameSize = frameSize,
            StackArgumentBytes = stackArgumentBytes,
        };
    }

    private static void WriteBytes(BinaryWriter writer, ReadOnlySpan<byte> bytes)
    {
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    private static byte[] ReadBytes(BinaryReader reader) => reader.ReadBytes(reader.ReadInt32());
}
