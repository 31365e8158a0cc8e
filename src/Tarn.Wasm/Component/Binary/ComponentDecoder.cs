// Decodes the sections of a component into a list of definitions. As with core modules the binary format alone is checked here, what indices mean is the validator's business, and
// what needs a feature is decoded whether or not the feature is on.
//
// Hostile input: lists grow as items are read, a count beyond what the rest of its section could hold fails before anything is allocated, and components and types in each other are
// counted, so that memory and stack are bounded by the input's size and by ComponentLimits.Nesting.
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Component;

/// <summary>Decoder of components. Used once for each component, nested ones included.</summary>
internal sealed class ComponentDecoder
{
    private const int HeaderSize = 8;

    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly WasmFeatures _features;
    private readonly ComponentTypeDecoder _types;
    private readonly int _depth;
    private readonly List<ComponentDefinition> _definitions = [];
    private int _modules;
    private int _components;

    private ComponentDecoder(ReadOnlyMemory<byte> bytes, WasmFeatures features, int depth)
    {
        _bytes = bytes;
        _features = features;
        _depth = depth;
        _types = new ComponentTypeDecoder(features, depth);
    }

    /// <summary>Decodes a component.</summary>
    /// <exception cref="MalformedModuleException">The bytes are not a component.</exception>
    public static WasmComponent Decode(ReadOnlyMemory<byte> bytes, WasmFeatures features)
    {
        if (bytes.Length > ImplementationLimits.ModuleSize)
            MalformedModuleException.Throw($"component too large: {bytes.Length} bytes; the implementation limit is {ImplementationLimits.ModuleSize}", 0);
        return new ComponentDecoder(bytes, features, 0).Decode(0, bytes.Length);
    }

    private WasmComponent Decode(int start, int end)
    {
        ReadOnlySpan<byte> bytes = _bytes.Span;
        ReadHeader(bytes[start..end], start);
        WasmReader reader = new(bytes, start + HeaderSize, end, _features);
        while (!reader.IsAtEnd)
            ReadSection(ref reader);
        return new WasmComponent(_bytes, start, end, [.. _definitions], _features);
    }

    private static void ReadHeader(ReadOnlySpan<byte> bytes, int start)
    {
        if (bytes.Length >= 4 && !bytes.StartsWith("\0asm"u8))
            MalformedModuleException.Throw("magic header not detected: a component starts with the bytes 00 61 73 6d", start);
        if (bytes.Length < HeaderSize)
            MalformedModuleException.Throw("unexpected end-of-file: a component has at least eight bytes", start + bytes.Length);
        if (bytes[4..].StartsWith((ReadOnlySpan<byte>)[1, 0, 0, 0]))
            MalformedModuleException.Throw("expected a version header for a component: this is a core module", start + 4);
        if (!bytes[4..].StartsWith((ReadOnlySpan<byte>)[0x0D, 0, 1, 0]))
            MalformedModuleException.Throw("unknown binary version: only version 13 of layer 1 is known", start + 4);
    }

    private void ReadSection(ref WasmReader reader)
    {
        int at = reader.Position;
        byte id = reader.ReadByte();
        if (id > 11)
            MalformedModuleException.Throw($"malformed section id {id}", at);
        int sizeAt = reader.Position;
        uint size = reader.ReadVarU32();
        if (size > (uint)reader.Remaining)
            MalformedModuleException.Throw($"unexpected end-of-file: section {id} declares {size} bytes and {reader.Remaining} follow", sizeAt);
        int end = reader.Enter((int)size);
        switch (id)
        {
            case 0:
                string name = reader.ReadName();
                _definitions.Add(new CustomDefinition(at, name, reader.Position, reader.Remaining));
                reader.Skip(reader.Remaining);
                break;
            case 1:
                ReadModule(ref reader);
                break;
            case 4:
                ReadComponent(ref reader);
                break;
            case 9:
                _definitions.Add(ReadStart(ref reader));
                break;
            default:
                ReadItems(ref reader, id);
                break;
        }

        if (!reader.IsAtEnd)
            MalformedModuleException.Throw($"unexpected content at the end of the section: section {id} has {reader.Remaining} bytes too many", reader.Position);
        reader.Leave(end);
    }

    private void ReadItems(ref WasmReader reader, byte section)
    {
        int limit = section is 2 or 5 ? ComponentLimits.Instances : ComponentLimits.Items;
        for (int count = reader.ReadCount(limit, "items of a section"); count > 0; count--)
        {
            _definitions.Add(section switch
            {
                2 => ReadCoreInstance(ref reader),
                3 => new CoreTypeDefinition(reader.Position, _types.ReadCoreType(ref reader)),
                5 => ReadInstance(ref reader),
                6 => ComponentTypeDecoder.ReadAlias(ref reader),
                7 => new TypeDefinition(reader.Position, _types.ReadType(ref reader)),
                8 => CanonicalDecoder.Read(ref reader),
                10 => ComponentTypeDecoder.ReadImport(ref reader),
                _ => ReadExport(ref reader),
            });
        }
    }

    private void ReadModule(ref WasmReader reader)
    {
        int start = reader.Position;
        ReadOnlyMemory<byte> bytes = _bytes[start..reader.End];
        if (WasmComponent.IsComponent(bytes.Span))
            MalformedModuleException.Throw("expected a version header for a module: this is a component", start + 4);
        if (++_modules > ComponentLimits.Modules)
            MalformedModuleException.Throw($"too many modules; the implementation limit is {ComponentLimits.Modules} in a component", start);
        try
        {
            _definitions.Add(new CoreModuleDefinition(start, WasmModule.Decode(bytes, _features)));
        }
        catch (MalformedModuleException e)
        {
            throw e.Within(start);
        }

        reader.Skip(reader.Remaining);
    }

    private void ReadComponent(ref WasmReader reader)
    {
        int start = reader.Position;
        if (_depth + 1 >= ComponentLimits.Nesting)
            MalformedModuleException.Throw($"nesting too deep: components and types are more than {ComponentLimits.Nesting} levels within each other", start);
        if (++_components > ComponentLimits.Components)
            MalformedModuleException.Throw($"too many components; the implementation limit is {ComponentLimits.Components} in a component", start);
        _definitions.Add(new NestedComponentDefinition(start, new ComponentDecoder(_bytes, _features, _depth + 1).Decode(start, reader.End)));
        reader.Skip(reader.Remaining);
    }

    private static ComponentDefinition ReadCoreInstance(ref WasmReader reader)
    {
        int at = reader.Position;
        byte form = reader.ReadByte();
        if (form == 0)
        {
            int module = reader.ReadIndex();
            var arguments = new CoreArgument[reader.ReadCount(ComponentLimits.Exports, "arguments", 3)];
            for (int i = 0; i < arguments.Length; i++)
            {
                string name = reader.ReadName();
                Expect(ref reader, 0x12, "instantiation arg kind");
                arguments[i] = new CoreArgument(name, reader.ReadIndex());
            }

            return new CoreInstantiateDefinition(at, module, arguments);
        }

        if (form != 1)
            Invalid(form, "core instance", at);
        var exports = new NamedItem[reader.ReadCount(ComponentLimits.Exports, "exports", 3)];
        for (int i = 0; i < exports.Length; i++)
        {
            string name = reader.ReadName();
            int sortAt = reader.Position;
            byte code = reader.ReadByte();
            ComponentSort? sort = ComponentSorts.OfCoreCode(code);
            if (sort is null or > ComponentSort.CoreTag)
                Invalid(code, "external kind", sortAt);
            exports[i] = new NamedItem(new ExternName(name), new SortIndex(sort!.Value, reader.ReadIndex()));
        }

        return new CoreExportsDefinition(at, exports);
    }

    private static ComponentDefinition ReadInstance(ref WasmReader reader)
    {
        int at = reader.Position;
        byte form = reader.ReadByte();
        if (form == 0)
        {
            int component = reader.ReadIndex();
            var arguments = new NamedItem[reader.ReadCount(ComponentLimits.Exports, "arguments", 3)];
            for (int i = 0; i < arguments.Length; i++)
                arguments[i] = new NamedItem(new ExternName(reader.ReadName()), ReadSortIndex(ref reader));
            return new InstantiateDefinition(at, component, arguments);
        }

        if (form != 1)
            Invalid(form, "instance", at);
        var exports = new NamedItem[reader.ReadCount(ComponentLimits.Exports, "exports", 4)];
        for (int i = 0; i < exports.Length; i++)
        {
            ExternName name = ComponentTypeDecoder.ReadExternName(ref reader);
            exports[i] = new NamedItem(name, ReadSortIndex(ref reader));
        }

        return new InstanceExportsDefinition(at, exports);
    }

    private static StartDefinition ReadStart(ref WasmReader reader)
    {
        int at = reader.Position;
        int function = reader.ReadIndex();
        int[] arguments = new int[reader.ReadCount(ComponentLimits.Parameters, "start arguments")];
        for (int i = 0; i < arguments.Length; i++)
            arguments[i] = reader.ReadIndex();
        int resultsAt = reader.Position;
        int results = reader.ReadIndex();
        if (results > ComponentLimits.Parameters)
            MalformedModuleException.Throw($"start function results size is out of bounds: {results}; the implementation limit is {ComponentLimits.Parameters}", resultsAt);
        return new StartDefinition(at, function, arguments, results);
    }

    private static ExportDefinition ReadExport(ref WasmReader reader)
    {
        int at = reader.Position;
        ExternName name = ComponentTypeDecoder.ReadExternName(ref reader);
        SortIndex item = ReadSortIndex(ref reader);
        int optionAt = reader.Position;
        byte option = reader.ReadByte();
        if (option > 1)
            Invalid(option, "optional component export type", optionAt);
        return new ExportDefinition(at, name, item, option == 1 ? ComponentTypeDecoder.ReadExtern(ref reader) : null);
    }

    private static SortIndex ReadSortIndex(ref WasmReader reader)
    {
        int at = reader.Position;
        byte code = reader.ReadByte();
        ComponentSort? sort = code == 0 ? ComponentSort.CoreModule : ComponentSorts.OfCode(code);
        if (code == 0)
            Expect(ref reader, 0x11, "component external kind");
        if (sort is null)
            Invalid(code, "component external kind", at);
        return new SortIndex(sort!.Value, reader.ReadIndex());
    }

    internal static void Expect(ref WasmReader reader, byte expected, string what)
    {
        int at = reader.Position;
        byte found = reader.ReadByte();
        if (found != expected)
            Invalid(found, what, at);
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    internal static void Invalid(byte found, string what, int at) => MalformedModuleException.Throw($"invalid leading byte (0x{found:x}) for {what}", at);
}
