// Printing of one instruction: its name, then what follows by the kind of immediate, in the text format's order (which differs from the binary's where a
// segment and its target are named). Optional indices are left out where they are 0.
using System.Globalization;
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Text;

internal sealed partial class WatPrinter
{
    private void Instruction(TextOutput target, ref WasmReader reader, Opcode opcode)
    {
        target.Write(Opcodes.NameUtf8(opcode));
        switch (Opcodes.Immediate(opcode))
        {
            case ImmediateKind.None:
                break;
            case ImmediateKind.Block:
                Label(target);
                BlockTypeOf(target, reader.ReadBlockType());
                break;
            case ImmediateKind.TryTable:
                TryTable(target, ref reader);
                break;
            case ImmediateKind.Local:
                target.Space();
                LocalReference(target, reader.ReadVarU32());
                break;
            case ImmediateKind.I32:
                target.Space();
                target.Number((long)reader.ReadVarS32());
                break;
            case ImmediateKind.I64:
                target.Space();
                target.Number(reader.ReadVarS64());
                break;
            case ImmediateKind.F32:
                target.Space();
                target.Float32(reader.ReadF32Bits());
                break;
            case ImmediateKind.F64:
                target.Space();
                target.Float64(reader.ReadF64Bits());
                break;
            case ImmediateKind.Label:
                LabelReference(target, reader.ReadVarU32());
                break;
            case ImmediateKind.Labels:
                for (int count = reader.ReadCount(ImplementationLimits.BranchTableLabels, "labels of br_table"); count >= 0; count--)
                    LabelReference(target, reader.ReadVarU32());
                break;
            case ImmediateKind.Function:
                Index(target, ref reader, IndexSpace.Function);
                break;
            case ImmediateKind.Type:
                Index(target, ref reader, IndexSpace.Type);
                break;
            case ImmediateKind.Tag:
                Index(target, ref reader, IndexSpace.Tag);
                break;
            case ImmediateKind.Global:
                Index(target, ref reader, IndexSpace.Global);
                break;
            case ImmediateKind.Element:
                Index(target, ref reader, IndexSpace.Element);
                break;
            case ImmediateKind.Data:
                Index(target, ref reader, IndexSpace.Data);
                break;
            case ImmediateKind.Table:
                OptionalIndex(target, reader.ReadVarU32(), IndexSpace.Table);
                break;
            case ImmediateKind.Memory:
                OptionalIndex(target, reader.ReadVarU32(), IndexSpace.Memory);
                break;
            case ImmediateKind.Indirect:
                long type = reader.ReadVarU32();
                OptionalIndex(target, reader.ReadVarU32(), IndexSpace.Table);
                target.Space();
                TypeUse(target, type);
                break;
            case ImmediateKind.TableTable:
                Pair(target, ref reader, IndexSpace.Table);
                break;
            case ImmediateKind.MemoryMemory:
                Pair(target, ref reader, IndexSpace.Memory);
                break;
            case ImmediateKind.ElementTable:
                Segment(target, ref reader, IndexSpace.Element, IndexSpace.Table);
                break;
            case ImmediateKind.DataMemory:
                Segment(target, ref reader, IndexSpace.Data, IndexSpace.Memory);
                break;
            case ImmediateKind.SelectTypes:
                SelectTypes(target, ref reader);
                break;
            case ImmediateKind.Memarg:
                MemoryArgument(target, opcode, reader.ReadMemoryArgument());
                break;
            case ImmediateKind.MemargLane:
                MemoryArgument(target, opcode, reader.ReadMemoryArgument());
                target.Space();
                target.Number((long)reader.ReadByte());
                break;
            case ImmediateKind.Lane:
                target.Space();
                target.Number((long)reader.ReadByte());
                break;
            case ImmediateKind.Shuffle:
                foreach (byte lane in reader.ReadBytes(16))
                {
                    target.Space();
                    target.Number((long)lane);
                }

                break;
            case ImmediateKind.V128:
                reader.ReadV128(out ulong low, out ulong high);
                target.Write(string.Create(CultureInfo.InvariantCulture, $" i32x4 0x{(uint)low:x8} 0x{low >> 32:x8} 0x{(uint)high:x8} 0x{high >> 32:x8}"));
                break;
            case ImmediateKind.HeapType:
                HeapTypeImmediate(target, opcode, reader.ReadHeapType());
                break;
            case ImmediateKind.TypeField:
                TypeField(target, ref reader);
                break;
            case ImmediateKind.TypeCount:
                Index(target, ref reader, IndexSpace.Type);
                target.Space();
                target.Number((ulong)reader.ReadVarU32());
                break;
            case ImmediateKind.TypeData:
                Index(target, ref reader, IndexSpace.Type);
                Index(target, ref reader, IndexSpace.Data);
                break;
            case ImmediateKind.TypeElement:
                Index(target, ref reader, IndexSpace.Type);
                Index(target, ref reader, IndexSpace.Element);
                break;
            case ImmediateKind.TypeType:
                Index(target, ref reader, IndexSpace.Type);
                Index(target, ref reader, IndexSpace.Type);
                break;
            case ImmediateKind.CastBranch:
                CastBranch(target, ref reader);
                break;
            case ImmediateKind.Fence:
                reader.ReadByte();
                break;
        }
    }

    private void Index(TextOutput target, ref WasmReader reader, IndexSpace space)
    {
        target.Space();
        Reference(target, space, reader.ReadVarU32());
    }

    private void OptionalIndex(TextOutput target, long index, IndexSpace space)
    {
        if (index == 0)
            return;
        target.Space();
        Reference(target, space, index);
    }

    private void Pair(TextOutput target, ref WasmReader reader, IndexSpace space)
    {
        long first = reader.ReadVarU32(), second = reader.ReadVarU32();
        if (first == 0 && second == 0)
            return;
        target.Space();
        Reference(target, space, first);
        target.Space();
        Reference(target, space, second);
    }

    private void Segment(TextOutput target, ref WasmReader reader, IndexSpace segments, IndexSpace targets)
    {
        long segment = reader.ReadVarU32();
        OptionalIndex(target, reader.ReadVarU32(), targets);
        target.Space();
        Reference(target, segments, segment);
    }

    private void LocalReference(TextOutput target, long index)
    {
        if (_function >= 0 && _localIdentifiers != null && _localIdentifiers.TryGetValue((int)Math.Min(index, int.MaxValue), out string? identifier))
            target.Write(identifier);
        else
            target.Number(index);
    }

    /// <summary>Opens a label and writes its name.</summary>
    private void Label(TextOutput target)
    {
        string? name = _function < 0 ? null : _names.Section.Labels.Find(_function, _labelOrdinal);
        _labelOrdinal++;
        if (string.IsNullOrEmpty(name))
        {
            _names.Annotate(target, name);
            _labels.Add(null);
            return;
        }

        string identifier = TextOutput.Identifier(name);
        _names.CountPrinted();
        target.Space();
        target.Write(identifier);
        _labels.Add(identifier);
    }

    private void LabelReference(TextOutput target, uint depth)
    {
        target.Space();
        if (LabelIdentifier(depth) is string identifier)
            target.Write(identifier);
        else
            target.Number((ulong)depth);
    }

    private void BlockTypeOf(TextOutput target, BlockType type)
    {
        if (type.IsEmpty)
            return;
        target.Space();
        if (type.HasTypeIndex)
        {
            TypeUse(target, type.TypeIndex);
            return;
        }

        target.Write("(result "u8);
        ValueType(target, type.Result);
        target.Close();
    }

    private void TryTable(TextOutput target, ref WasmReader reader)
    {
        // The clauses name labels outside, so its own opens after them; its name stands before them all the same.
        Label(target);
        string? own = _labels[^1];
        LeaveLabel();
        BlockTypeOf(target, reader.ReadBlockType());
        for (int count = reader.ReadCount(int.MaxValue, "catch clauses", 2); count > 0; count--)
        {
            byte kind = reader.ReadByte();
            if (kind > 3)
                reader.Fail("malformed catch clause");
            target.Write(kind switch
            {
                0 => " (catch"u8,
                1 => " (catch_ref"u8,
                2 => " (catch_all"u8,
                _ => " (catch_all_ref"u8,
            });
            if (kind < 2)
                Index(target, ref reader, IndexSpace.Tag);
            LabelReference(target, reader.ReadVarU32());
            target.Close();
        }

        _labels.Add(own);
    }

    private void SelectTypes(TextOutput target, ref WasmReader reader)
    {
        target.Write(" (result"u8);
        for (int count = reader.ReadCount(int.MaxValue, "types of select"); count > 0; count--)
        {
            target.Space();
            ValueType(target, reader.ReadValType());
        }

        target.Close();
    }

    private void MemoryArgument(TextOutput target, Opcode opcode, MemoryArgument argument)
    {
        OptionalIndex(target, argument.Memory, IndexSpace.Memory);
        if (argument.Offset != 0)
        {
            target.Write(" offset="u8);
            target.Number(argument.Offset);
        }

        if (argument.Align == Opcodes.Alignment(opcode))
            return;
        target.Write(" align="u8);
        target.Number(1UL << argument.Align);
    }

    private void HeapTypeImmediate(TextOutput target, Opcode opcode, HeapType type)
    {
        target.Space();
        if (opcode == Opcode.RefNull)
            HeapTypeOf(target, type);
        else
            ValueType(target, ValType.Reference(type, opcode is Opcode.RefTestNull or Opcode.RefCastNull));
    }

    private void TypeField(TextOutput target, ref WasmReader reader)
    {
        long type = reader.ReadVarU32();
        long field = reader.ReadVarU32();
        target.Space();
        Reference(target, IndexSpace.Type, type);
        target.Space();
        if (FieldIdentifier((int)Math.Min(type, int.MaxValue), (int)Math.Min(field, int.MaxValue)) is string identifier)
            target.Write(identifier);
        else
            target.Number(field);
    }

    private void CastBranch(TextOutput target, ref WasmReader reader)
    {
        int flags = reader.ReadByte();
        LabelReference(target, reader.ReadVarU32());
        target.Space();
        ValueType(target, ValType.Reference(reader.ReadHeapType(), (flags & 1) != 0));
        target.Space();
        ValueType(target, ValType.Reference(reader.ReadHeapType(), (flags & 2) != 0));
    }
}
