// The second half of the decoder: sections that hold expressions, segments and code. Same rules as the first.
namespace Tarn.Wasm.Binary;

internal sealed partial class ModuleDecoder
{
    private static ConstantExpression ReadExpression(ref WasmReader reader)
    {
        int start = reader.Position;
        InstructionSkipper.SkipExpression(ref reader);
        return new ConstantExpression(start, reader.Position - start);
    }

    private void ReadTables(ref WasmReader reader)
    {
        int count = reader.ReadCount(ImplementationLimits.Tables, "tables", 2);
        ConstantExpression[] initializers = new ConstantExpression[count];
        for (int i = 0; i < count; i++)
        {
            Item(SectionId.Table, i, reader);
            bool initialized = reader.PeekByte() == 0x40 && (_features & WasmFeatures.FunctionReferences) != 0;
            if (initialized)
            {
                reader.ReadByte();
                if (reader.ReadByte() != 0)
                    reader.Fail("malformed table: zero byte expected");
            }

            _tables.Add(ReadTableType(ref reader));
            if (initialized)
                initializers[i] = ReadExpression(ref reader);
        }

        CheckLimit(ref reader, _tables.Count, ImplementationLimits.Tables, "tables");
        _module.TableInitializerArray = initializers;
    }

    private void ReadGlobals(ref WasmReader reader)
    {
        int count = reader.ReadCount(ImplementationLimits.Globals, "globals", 3);
        ConstantExpression[] initializers = new ConstantExpression[count];
        for (int i = 0; i < count; i++)
        {
            Item(SectionId.Global, i, reader);
            _globals.Add(ReadGlobalType(ref reader));
            initializers[i] = ReadExpression(ref reader);
        }

        CheckLimit(ref reader, _globals.Count, ImplementationLimits.Globals, "globals");
        _module.GlobalInitializerArray = initializers;
    }

    private void ReadExports(ref WasmReader reader)
    {
        Export[] exports = new Export[reader.ReadCount(ImplementationLimits.Exports, "exports", 3)];
        for (int i = 0; i < exports.Length; i++)
        {
            Item(SectionId.Export, i, reader);
            string name = reader.ReadName();
            int at = reader.Position;
            byte kind = reader.ReadByte();
            if (kind > 4 || (kind == 4 && (_features & WasmFeatures.Exceptions) == 0))
                MalformedModuleException.Throw($"malformed export kind 0x{kind:x2}", at);
            exports[i] = new Export(name, (ExternalKind)kind, reader.ReadIndex());
        }

        _module.ExportArray = exports;
    }

    private void ReadElements(ref WasmReader reader)
    {
        int count = reader.ReadCount(ImplementationLimits.ElementSegments, "element segments", 2);
        List<ElementSegment> segments = new(Math.Min(count, 1024));
        for (int i = 0; i < count; i++)
        {
            Item(SectionId.Element, i, reader);
            segments.Add(ReadElement(ref reader));
        }

        _module.ElementArray = [.. segments];
    }

    // Flags of an element segment: 1 passive or declarative; 2 explicit table (active) or declarative; 4 items are expressions.
    private ElementSegment ReadElement(ref WasmReader reader)
    {
        int at = reader.Position;
        uint flags = reader.ReadVarU32();
        if (flags > ((_features & (WasmFeatures.BulkMemory | WasmFeatures.ReferenceTypes)) != 0 ? 7u : 0u))
            MalformedModuleException.Throw($"malformed elements segment kind {flags}", at);
        SegmentMode mode = (flags & 1) == 0 ? SegmentMode.Active : (flags & 2) == 0 ? SegmentMode.Passive : SegmentMode.Declarative;
        bool hasExpressions = (flags & 4) != 0;
        int table = 0;
        ConstantExpression start = default;
        if (mode == SegmentMode.Active)
        {
            if ((flags & 2) != 0)
                table = reader.ReadIndex();
            start = ReadExpression(ref reader);
        }

        // Function indices make non-null references; without the type written out, expressions are of type funcref.
        ValType type = hasExpressions ? ValType.FuncRef : ValType.Reference(HeapType.Func, nullable: false);
        if ((flags & 3) != 0)
        {
            if (hasExpressions)
            {
                type = reader.ReadRefType();
            }
            else
            {
                if (reader.PeekByte() != 0)
                    reader.Fail("malformed element kind: zero byte expected");
                reader.ReadByte();
            }
        }

        int count = reader.ReadCount(ImplementationLimits.ElementSegmentEntries, "items of an element segment", hasExpressions ? 2 : 1);
        int itemsAt = reader.Position;
        for (int i = 0; i < count; i++)
        {
            if (hasExpressions)
                InstructionSkipper.SkipExpression(ref reader);
            else
                reader.ReadVarU32();
        }

        return new ElementSegment(mode, table, start, type, hasExpressions, count, itemsAt, reader.Position);
    }

    private void ReadCode(ref WasmReader reader)
    {
        _codeCount = reader.ReadCount(ImplementationLimits.Functions, "function bodies");
        FunctionBody[] bodies = new FunctionBody[_codeCount];
        _module.BodyArray = bodies;
        for (int i = 0; i < bodies.Length; i++)
        {
            int at = reader.Position;
            uint size = reader.ReadVarU32();
            if (size > (uint)reader.Remaining)
                MalformedModuleException.Throw($"length out of bounds: unexpected end of section or function, as body {i} declares {size} bytes and {reader.Remaining} follow", at);
            if (size > ImplementationLimits.FunctionBodySize)
                MalformedModuleException.Throw($"function body too large: {size} bytes; the implementation limit is {ImplementationLimits.FunctionBodySize}", at);
            bodies[i] = new FunctionBody(reader.Position, (int)size);
            reader.Skip((int)size);
            _bodiesRead++;
        }
    }

    private void ReadData(ref WasmReader reader)
    {
        int count = reader.ReadCount(ImplementationLimits.DataSegments, "data segments", 2);
        DataSegment[] segments = new DataSegment[count];
        for (int i = 0; i < count; i++)
        {
            Item(SectionId.Data, i, reader);
            int at = reader.Position;
            uint flags = reader.ReadVarU32();
            if (flags > ((_features & WasmFeatures.BulkMemory) != 0 ? 2u : 0u))
                MalformedModuleException.Throw($"malformed data segment kind {flags}", at);
            int memory = flags == 2 ? reader.ReadIndex() : 0;
            ConstantExpression start = flags == 1 ? default : ReadExpression(ref reader);
            int sizeAt = reader.Position;
            uint size = reader.ReadVarU32();
            if (size > (uint)reader.Remaining)
                MalformedModuleException.Throw($"length out of bounds: unexpected end of section or function, as data segment {i} declares {size} bytes and {reader.Remaining} follow", sizeAt);
            segments[i] = new DataSegment(flags == 1 ? SegmentMode.Passive : SegmentMode.Active, memory, start, reader.Position, (int)size);
            reader.Skip((int)size);
        }

        _module.DataArray = segments;
    }
}
