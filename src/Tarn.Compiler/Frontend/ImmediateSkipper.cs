// Steps over an instruction's immediates without looking at them. The code is validated, so nothing is checked; positions only must come out right,
// or everything after would be read as something else.
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

/// <summary>Skips immediates.</summary>
internal static class ImmediateSkipper
{
    /// <summary>Skips what follows an opcode.</summary>
    public static void Skip(ref WasmReader reader, Opcode opcode)
    {
        switch (Opcodes.Immediate(opcode))
        {
            case ImmediateKind.None:
                break;
            case ImmediateKind.Block:
                reader.ReadBlockType();
                break;
            case ImmediateKind.Label or ImmediateKind.Function or ImmediateKind.Type or ImmediateKind.Tag or ImmediateKind.Local
                or ImmediateKind.Global or ImmediateKind.Table or ImmediateKind.Element or ImmediateKind.Memory or ImmediateKind.Data:
                reader.ReadVarU32();
                break;
            case ImmediateKind.Labels:
                for (var n = reader.ReadVarU32() + 1; n > 0; n--)
                {
                    reader.ReadVarU32();
                }

                break;
            case ImmediateKind.Indirect or ImmediateKind.TableTable or ImmediateKind.ElementTable or ImmediateKind.MemoryMemory
                or ImmediateKind.DataMemory or ImmediateKind.TypeField or ImmediateKind.TypeCount or ImmediateKind.TypeData
                or ImmediateKind.TypeElement or ImmediateKind.TypeType:
                reader.ReadVarU32();
                reader.ReadVarU32();
                break;
            case ImmediateKind.TryTable:
                reader.ReadBlockType();
                for (var n = reader.ReadVarU32(); n > 0; n--)
                {
                    // catch and catch_ref name a tag, catch_all and catch_all_ref do not.
                    if (reader.ReadByte() < 2)
                    {
                        reader.ReadVarU32();
                    }

                    reader.ReadVarU32();
                }

                break;
            case ImmediateKind.SelectTypes:
                for (var n = reader.ReadVarU32(); n > 0; n--)
                {
                    reader.ReadValType();
                }

                break;
            case ImmediateKind.Memarg:
                reader.ReadMemoryArgument();
                break;
            case ImmediateKind.MemargLane:
                reader.ReadMemoryArgument();
                reader.Skip(1);
                break;
            case ImmediateKind.Lane or ImmediateKind.Fence:
                reader.Skip(1);
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
                reader.Skip(1);
                reader.ReadVarU32();
                reader.ReadHeapType();
                reader.ReadHeapType();
                break;
            default:
                throw new InvalidOperationException($"no rule to skip the immediates of {Opcodes.Name(opcode)}");
        }
    }
}
