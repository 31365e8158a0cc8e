// Lanes into and out of vectors: splats, extraction, replacement, and the stores that write one lane.
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <content>Lanes.</content>
internal sealed partial class X64Lowering
{
    private void LowerSplat(VReg to, Value value, VectorShape shape)
    {
        var bytes = shape.LaneBits() / 8;
        if (bytes == 8 && TryMergeLoad(value, 8, out var wide))
        {
            EmitMap(to, SseOp.Movddup, new Source { IsMemory = true, Address = wide });
            return;
        }

        if ((HasAvx2 || (HasAvx && bytes == 4)) && TryMergeLoad(value, bytes, out var address))
        {
            EmitMap(to, bytes switch { 1 => SseOp.Vpbroadcastb, 2 => SseOp.Vpbroadcastw, _ => SseOp.Vbroadcastss }, new Source { IsMemory = true, Address = address });
            return;
        }

        var v = bytes == 8 ? Use(value) : UseLowLane(value, shape);
        if (shape is VectorShape.F32x4 or VectorShape.F64x2)
        {
            // The source's slot would be narrower than what a shuffle reads.
            Begin(X64Opcode.VectorMap, 16, 0, (int)(shape == VectorShape.F64x2 ? SseOp.Movddup : HasAvx2 ? SseOp.Vbroadcastss : SseOp.Pshufd));
            Add(to, OperandKind.Def);
            Add(v, OperandKind.Use);
            return;
        }

        if (HasAvx512)
        {
            Begin(X64Opcode.VectorBroadcast, 16, immediate: (int)(shape switch
            {
                VectorShape.I8x16 => SseOp.VpbroadcastbGpr,
                VectorShape.I16x8 => SseOp.VpbroadcastwGpr,
                VectorShape.I32x4 => SseOp.VpbroadcastdGpr,
                _ => SseOp.VpbroadcastqGpr,
            }));
            Add(to, OperandKind.Def);
            Add(v, OperandKind.Use);
            return;
        }

        var vector = ToVector(v, bytes == 8 ? 8 : 4);
        switch (shape)
        {
            case VectorShape.I8x16 when HasAvx2:
                EmitMap(to, SseOp.Vpbroadcastb, Of(vector));
                break;
            case VectorShape.I8x16:
                EmitBinary(to, SseOp.Pshufb, vector, ConstantVector(0));
                break;
            case VectorShape.I16x8 when HasAvx2:
                EmitMap(to, SseOp.Vpbroadcastw, Of(vector));
                break;
            case VectorShape.I16x8:
                EmitMap(to, SseOp.Pshufd, Of(Map(SseOp.Pshuflw, Of(vector))));
                break;
            case VectorShape.I32x4:
                EmitMap(to, SseOp.Pshufd, Of(vector));
                break;
            default:
                EmitMap(to, SseOp.Pshufd, Of(vector), 0x44);
                break;
        }
    }

    // The number whose low bits go into a lane.
    private VReg UseLowLane(Value value, VectorShape shape) => shape <= VectorShape.I16x8 ? UseLowBits(value, shape.LaneBits()) : Use(value);

    // An instruction from a vector to an integer register.
    private void EmitExtract(VReg to, SseOp op, VReg vector, int lane, int width)
    {
        Begin(X64Opcode.VectorExtract, width, lane, (int)op);
        Add(to, OperandKind.Def);
        Add(vector, OperandKind.Use);
    }

    private void LowerExtract(VReg to, Value value, VectorShape shape, int lane)
    {
        switch (shape)
        {
            case VectorShape.F32x4 or VectorShape.F64x2 when lane == 0:
                var source = Use(value);
                Begin(X64Opcode.Copy, 16);
                Add(to, OperandKind.Def);
                Add(source, OperandKind.Use);
                break;
            case VectorShape.F32x4:
                EmitMap(to, lane switch { 1 => SseOp.Movshdup, _ => SseOp.Pshufd }, VectorSource(value), lane == 1 ? 0 : lane);
                break;
            case VectorShape.F64x2:
                EmitMap(to, SseOp.Pshufd, VectorSource(value), 0xEE);
                break;
            case VectorShape.I32x4 when lane == 0:
                EmitExtract(to, SseOp.MovdToGpr, Use(value), 0, 4);
                break;
            case VectorShape.I64x2 when lane == 0:
                EmitExtract(to, SseOp.MovqToGpr, Use(value), 0, 8);
                break;
            default:
                EmitExtract(
                    to,
                    shape switch
                    {
                        VectorShape.I8x16 => SseOp.Pextrb,
                        VectorShape.I16x8 => SseOp.PextrwToGpr,
                        VectorShape.I32x4 => SseOp.Pextrd,
                        _ => SseOp.Pextrq,
                    },
                    Use(value),
                    lane,
                    shape == VectorShape.I64x2 ? 8 : 4);
                break;
        }
    }

    private void LowerReplace(VReg to, ref IrInstruction instruction)
    {
        var shape = instruction.Shape;
        var lane = instruction.D;
        var bytes = shape.LaneBits() / 8;
        if (TryMergeLoad(instruction.ValueB, bytes, out var address))
        {
            var memory = new Source { IsMemory = true, Address = address };
            var into = Use(instruction.ValueA);
            switch (shape)
            {
                case VectorShape.F32x4:
                    EmitBinaryImmediate(to, SseOp.Insertps, into, memory, lane << 4);
                    break;
                case VectorShape.F64x2 or VectorShape.I64x2:
                    EmitBinary(to, lane == 0 ? SseOp.Movlps : SseOp.Movhps, into, memory);
                    break;
                default:
                    EmitInsert(to, into, memory, shape, lane);
                    break;
            }

            return;
        }

        if (shape is VectorShape.F32x4 or VectorShape.F64x2)
        {
            var (vector, number) = (Use(instruction.ValueA), Use(instruction.ValueB));
            var op = shape == VectorShape.F32x4 ? SseOp.Insertps : lane == 0 ? SseOp.Movsd : SseOp.Movlhps;
            Begin(shape == VectorShape.F32x4 ? X64Opcode.VectorBinaryImmediate : X64Opcode.VectorBinary, 16, shape == VectorShape.F32x4 ? lane << 4 : 0, (int)op);
            Add(to, DefinitionKind);
            Add(vector, FirstSourceKind);
            Add(number, OperandKind.Use);
            return;
        }

        var source = new Source { Virtual = bytes == 8 ? Use(instruction.ValueB) : UseLowLane(instruction.ValueB, shape) };
        EmitInsert(to, Use(instruction.ValueA), source, shape, lane);
    }

    private void EmitInsert(VReg to, VReg vector, in Source source, VectorShape shape, int lane)
    {
        Begin(X64Opcode.VectorInsert, 16, lane, (int)(shape switch
        {
            VectorShape.I8x16 => SseOp.Pinsrb,
            VectorShape.I16x8 => SseOp.Pinsrw,
            VectorShape.I32x4 => SseOp.Pinsrd,
            _ => SseOp.Pinsrq,
        }));
        Add(to, DefinitionKind);
        Add(vector, FirstSourceKind);

        // Slots of integers are 8 bytes, as many as any lane.
        AddSource(source);
    }

    // A store of a lane that has no other use.
    private bool TryLowerStoreLane(Value i, ref IrInstruction store, int width)
    {
        ref var extract = ref _ir.Get(store.ValueC);
        if (extract.Opcode != IrOpcode.VectorExtract || extract.Shape.LaneBits() != 8 * width || !IsMergeable(store.ValueC))
        {
            return false;
        }

        _merged[store.C] = true;
        var v = Use(extract.ValueA);
        var target = AddressOf(ref store, i);
        var op = (width, extract.D) switch
        {
            (1, _) => SseOp.Pextrb,
            (2, _) => SseOp.Pextrw,
            (4, 0) => SseOp.MovssStore,
            (4, _) => SseOp.Extractps,
            (_, 0) => SseOp.MovlpsStore,
            _ => SseOp.MovhpsStore,
        };
        Begin(X64Opcode.VectorStoreLane, width, extract.D, (int)op);
        Add(v, OperandKind.Use);
        AddAddress(target);
        return true;
    }
}
