// Walks instructions without looking at their types: finds the end of constant expressions while decoding sections, and serves whoever needs to step over
// an instruction. One case for each immediate kind of the opcode table, so that a new instruction needs nothing here.
namespace Tarn.Wasm.Binary;

/// <summary>Steps over instructions by the immediate kinds of the opcode table.</summary>
internal static class InstructionSkipper
{
    /// <summary>Steps over one instruction and returns its opcode.</summary>
    public static Opcode Skip(ref WasmReader reader)
    {
        Opcode opcode = reader.ReadOpcode();
        SkipImmediates(ref reader, opcode);
        return opcode;
    }

    /// <summary>
    /// Steps over <c>i32.const</c> or <c>i64.const</c> and <c>end</c>, and says of which type the value is; moves nothing where something else comes.
    /// Modules with a hundred thousand data segments exist, and this is what their offsets look like.
    /// </summary>
    public static bool TrySkipConstant(ref WasmReader reader, out ValType type)
    {
        type = default;
        int start = reader.Position;
        if (reader.Remaining < 3)
            return false;
        switch (reader.ReadByte())
        {
            case (byte)Opcode.I32Const:
                reader.ReadVarS32();
                type = ValType.I32;
                break;
            case (byte)Opcode.I64Const:
                reader.ReadVarS64();
                type = ValType.I64;
                break;
            default:
                reader.Seek(start);
                return false;
        }

        if (!reader.IsAtEnd && reader.PeekByte() == (byte)Opcode.End)
        {
            reader.ReadByte();
            return true;
        }

        reader.Seek(start);
        return false;
    }

    /// <summary>Steps over an expression, its final <c>end</c> included. Nesting is counted, not recursed into.</summary>
    public static void SkipExpression(ref WasmReader reader)
    {
        if (TrySkipConstant(ref reader, out _))
            return;
        int depth = 0;
        while (true)
        {
            switch (Skip(ref reader))
            {
                case Opcode.Block or Opcode.Loop or Opcode.If or Opcode.TryTable or Opcode.Try:
                    depth++;
                    break;
                case Opcode.End or Opcode.Delegate when depth-- == 0:
                    return;
            }
        }
    }

    /// <summary>Steps over what follows an opcode.</summary>
    public static void SkipImmediates(ref WasmReader reader, Opcode opcode)
    {
        switch (Opcodes.Immediate(opcode))
        {
            case ImmediateKind.None:
                break;
            case ImmediateKind.Block:
                reader.ReadBlockType();
                break;
            case ImmediateKind.Label or ImmediateKind.Function or ImmediateKind.Type or ImmediateKind.Tag or ImmediateKind.Local or ImmediateKind.Global
                or ImmediateKind.Table or ImmediateKind.Element or ImmediateKind.Memory or ImmediateKind.Data:
                reader.ReadVarU32();
                break;
            case ImmediateKind.Indirect or ImmediateKind.TableTable or ImmediateKind.ElementTable or ImmediateKind.MemoryMemory or ImmediateKind.DataMemory
                or ImmediateKind.TypeField or ImmediateKind.TypeCount or ImmediateKind.TypeData or ImmediateKind.TypeElement or ImmediateKind.TypeType:
                reader.ReadVarU32();
                reader.ReadVarU32();
                break;
            case ImmediateKind.Labels:
                for (int count = reader.ReadCount(ImplementationLimits.BranchTableLabels, "labels of br_table"); count >= 0; count--)
                    reader.ReadVarU32();
                break;
            case ImmediateKind.TryTable:
                reader.ReadBlockType();
                for (int count = reader.ReadCount(int.MaxValue, "catch clauses", 2); count > 0; count--)
                    SkipCatch(ref reader);
                break;
            case ImmediateKind.SelectTypes:
                for (int count = reader.ReadCount(int.MaxValue, "types of select"); count > 0; count--)
                    reader.ReadValType();
                break;
            case ImmediateKind.Memarg:
                reader.ReadMemoryArgument();
                break;
            case ImmediateKind.MemargLane:
                reader.ReadMemoryArgument();
                reader.ReadByte();
                break;
            case ImmediateKind.Lane or ImmediateKind.Fence:
                reader.ReadByte();
                break;
            case ImmediateKind.Shuffle or ImmediateKind.V128:
                reader.Skip(16);
                break;
            case ImmediateKind.I32:
                reader.ReadVarS32();
                break;
            case ImmediateKind.I64:
                reader.ReadVarS64();
                break;
            case ImmediateKind.F32:
                reader.Skip(4);
                break;
            case ImmediateKind.F64:
                reader.Skip(8);
                break;
            case ImmediateKind.HeapType:
                reader.ReadHeapType();
                break;
            case ImmediateKind.CastBranch:
                reader.ReadByte();
                reader.ReadVarU32();
                reader.ReadHeapType();
                reader.ReadHeapType();
                break;
            default:
                throw new NotSupportedException($"no rule to skip the immediates of {Opcodes.Name(opcode)}");
        }
    }

    private static void SkipCatch(ref WasmReader reader)
    {
        byte kind = reader.ReadByte();
        if (kind > 3)
            reader.Fail("malformed catch clause");
        if (kind < 2)
            reader.ReadVarU32();
        reader.ReadVarU32();
    }
}
