// The world of a core module: custom sections whose names begin with component-type hold it, encoded as WitEncoder does it. Language toolchains put them there, `tarn component embed` does
// too, and making a component takes them out again.
using Tarn.Wasm.Component;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Wit;

/// <summary>What the sections of a module say.</summary>
/// <param name="World">The world; all sections together.</param>
/// <param name="Encoding">How the module's strings are encoded.</param>
/// <param name="Module">The module without the sections.</param>
internal sealed record ModuleMetadata(WitWorld World, CanonicalOptionKind Encoding, byte[] Module)
{
    private const string Prefix = "component-type";
    private const string EncodingSection = "wit-component-encoding";
    private const byte EncodingVersion = 4;

    /// <summary>Adds a world to a module.</summary>
    /// <param name="module">The module.</param>
    /// <param name="world">The world.</param>
    /// <param name="encoding">How the module's strings are encoded.</param>
    public static byte[] Embed(ReadOnlySpan<byte> module, WitWorld world, CanonicalOptionKind encoding)
    {
        byte[] encoded = WitEncoder.Encode(world, [EncodingVersion, (byte)encoding]);
        return Append(module, $"{Prefix}:{world.Id}", encoded);
    }

    /// <summary>Takes the world out of a module.</summary>
    /// <param name="bytes">The module.</param>
    /// <param name="decoder">Interfaces of modules that are put together are the same objects when one decoder reads them.</param>
    /// <param name="isProcessed">Whether the module is named as one that this library has processed.</param>
    /// <exception cref="WasmException">A section is not valid.</exception>
    public static ModuleMetadata Extract(byte[] bytes, WitDecoder decoder, bool isProcessed)
    {
        WasmModule module = WasmModule.Decode(bytes, WasmFeatures.All);
        WitWorld world = new(new WitPackage(new WitPackageName("root", "root", null)), "root");
        CanonicalOptionKind encoding = CanonicalOptionKind.Utf8;
        Producers producers = isProcessed ? Producers.Own() : new Producers();
        ByteBuffer rest = new(bytes.Length);
        rest.Bytes(bytes.AsSpan(0, 8));
        int position = 8;
        foreach (ref readonly CustomSection section in module.CustomSections)
        {
            bool isWorld = section.Name.StartsWith(Prefix, StringComparison.Ordinal);
            if (!isWorld && section.Name != Producers.SectionName)
                continue;
            int start = StartOf(bytes, section);
            rest.Bytes(bytes.AsSpan(position, start - position));
            position = section.Offset + section.Length;
            byte[] content = module.Read(section).ToArray();
            if (!isWorld)
            {
                if (Producers.Parse(content) is Producers found)
                    producers.Merge(found);
                continue;
            }

            WasmComponent component = WasmComponent.Decode(content, WasmFeatures.All);
            foreach (CustomDefinition custom in component.Definitions.OfType<CustomDefinition>())
            {
                if (custom.Name == EncodingSection && component.Read(custom) is [EncodingVersion, <= 2 and byte code])
                    encoding = (CanonicalOptionKind)code;
                else if (custom.Name == Producers.SectionName && Producers.Parse(component.Read(custom)) is Producers embedded)
                    producers.Merge(embedded);
            }

            Merge(world, decoder.EmbeddedWorld(component));
        }

        rest.Bytes(bytes.AsSpan(position));
        return new ModuleMetadata(world, encoding, producers.IsEmpty ? rest.ToArray() : Append(rest.Span, Producers.SectionName, producers.Encode()));
    }

    /// <summary>Adds to a world what another one has.</summary>
    public static void Merge(WitWorld world, WitWorld other)
    {
        TypeCopier copier = new(other, world, new Dictionary<string, string>());
        foreach ((OrderedDictionary<WitKey, WitWorldItem> target, OrderedDictionary<WitKey, WitWorldItem> source) in new[] { (world.Imports, other.Imports), (world.Exports, other.Exports) })
        {
            foreach ((WitKey key, WitWorldItem item) in source)
            {
                if (target.TryGetValue(key, out WitWorldItem? known))
                {
                    if (known.Describe() != item.Describe())
                        throw TextFormatException.WithoutPlace($"The worlds of the module disagree on `{key}`.", null);
                    continue;
                }

                target.Add(key, copier.Copy(item));
            }
        }
    }

    /// <summary>Adds a custom section at the end of a module.</summary>
    public static byte[] Append(ReadOnlySpan<byte> module, string name, ReadOnlySpan<byte> content)
    {
        ByteBuffer section = new(content.Length + 64), result = new(module.Length + content.Length + 64);
        section.Counted(System.Text.Encoding.UTF8.GetBytes(name));
        section.Bytes(content);
        result.Bytes(module);
        result.Byte(0);
        result.Counted(section.Span);
        return result.ToArray();
    }

    // The offset of the byte that begins a custom section: in front of the name, its length, the section's size and its id.
    private static int StartOf(byte[] bytes, in CustomSection section)
    {
        int name = System.Text.Encoding.UTF8.GetByteCount(section.Name);
        int contents = section.Offset - name;
        // Sizes may be written with more bytes than they need, so the start is found by walking the sections.
        int at = 8;
        while (at < bytes.Length)
        {
            int start = at++;
            uint size = 0;
            int shift = 0;
            byte part;
            do
            {
                part = bytes[at++];
                size |= (uint)(part & 0x7F) << shift;
                shift += 7;
            }
            while ((part & 0x80) != 0);
            if (contents >= at && contents <= at + size)
                return start;
            at += (int)size;
        }

        throw new InvalidOperationException("A section of a decoded module was not found.");
    }
}
