// Vector instructions to bytes: the operation in the immediate says the encoding, the opcode the operands.
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

/// <content>Vectors.</content>
internal sealed partial class X64Emitter
{
    private void EmitVector(int i, in MachineInstruction instruction)
    {
        var op = (SseOp)(uint)instruction.Immediate;
        int value = instruction.Condition;
        Mem mem;
        switch ((X64Opcode)instruction.Opcode)
        {
            case X64Opcode.VectorMap:
                if (IsMemory(instruction, 1, out mem))
                {
                    Site(i, instruction);
                    if (op.HasImmediate())
                    {
                        _asm.VecImm(op, X(instruction, 0), mem, value);
                    }
                    else
                    {
                        _asm.Vec(op, X(instruction, 0), mem);
                    }
                }
                else if (op.HasImmediate())
                {
                    _asm.VecImm(op, X(instruction, 0), X(instruction, 1), value);
                }
                else
                {
                    _asm.Vec(op, X(instruction, 0), X(instruction, 1));
                }

                break;
            case X64Opcode.VectorBinaryImmediate:
                if (IsMemory(instruction, 2, out mem))
                {
                    Site(i, instruction);
                    _asm.VecImm(op, X(instruction, 0), X(instruction, 1), mem, value);
                }
                else
                {
                    _asm.VecImm(op, X(instruction, 0), X(instruction, 1), X(instruction, 2), value);
                }

                break;
            case X64Opcode.VectorShiftImmediate:
                _asm.VecImm(op, X(instruction, 0), X(instruction, 1), value);
                break;
            case X64Opcode.VectorTernary:
                EmitVectorTernary(i, instruction, op, value);
                break;
            case X64Opcode.VectorBlend:
                if (IsMemory(instruction, 3, out mem))
                {
                    _asm.AvxBlend(op, X(instruction, 0), X(instruction, 1), mem, X(instruction, 2));
                }
                else
                {
                    _asm.AvxBlend(op, X(instruction, 0), X(instruction, 1), X(instruction, 3), X(instruction, 2));
                }

                break;
            case X64Opcode.VectorInsert:
                if (IsMemory(instruction, 2, out mem))
                {
                    Site(i, instruction);
                    _asm.VecImm(op, X(instruction, 0), X(instruction, 1), mem, value);
                }
                else
                {
                    _asm.VecImm(op, X(instruction, 0), X(instruction, 1), G(instruction, 2), value);
                }

                break;
            case X64Opcode.VectorExtract:
                if (op.HasImmediate())
                {
                    _asm.VecImm(op, G(instruction, 0), X(instruction, 1), value);
                }
                else
                {
                    _asm.Vec(op, G(instruction, 0), X(instruction, 1));
                }

                break;
            case X64Opcode.VectorBroadcast:
                _asm.Vec(op, X(instruction, 0), G(instruction, 1));
                break;
            default:
                mem = AddressOf(instruction, 1);
                Site(i, instruction);
                if (op.HasImmediate())
                {
                    _asm.VecImm(op, mem, X(instruction, 0), value);
                }
                else
                {
                    _asm.Vec(op, mem, X(instruction, 0));
                }

                break;
        }
    }

    private void EmitVectorTernary(int i, in MachineInstruction instruction, SseOp op, int value)
    {
        if (IsMemory(instruction, 3, out var mem))
        {
            Site(i, instruction);
            if (op.HasImmediate())
            {
                _asm.VecImm(op, X(instruction, 0), X(instruction, 2), mem, value);
            }
            else
            {
                _asm.Vec(op, X(instruction, 0), X(instruction, 2), mem);
            }
        }
        else if (op.HasImmediate())
        {
            _asm.VecImm(op, X(instruction, 0), X(instruction, 2), X(instruction, 3), value);
        }
        else
        {
            _asm.Vec(op, X(instruction, 0), X(instruction, 2), X(instruction, 3));
        }
    }
}
