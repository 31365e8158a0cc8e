// Vector operations: the parts that instructions are put together from, logic and integer arithmetic. Lanes and shuffles are in .VectorLanes and .VectorShuffles, comparisons and tests in
// .VectorCompare, shifts in .VectorShifts, floating point and conversions in .VectorFloats.
//
// Without AVX a memory operand of 16 bytes has to be aligned, which neither guests' memory nor spill slots are: there sources are registers, or constants of the pool.
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <content>Vectors.</content>
internal sealed partial class X64Lowering
{
    private bool HasAvx2 => (_features & CpuFeatures.Avx2) != 0;

    private bool HasAvx512 => (_features & CpuFeatures.Avx512) != 0;

    // ---- Parts

    private VReg NewVector() => _machine.NewVirtualRegister(MachineType.V128);

    // A source of 16 bytes.
    private Source VectorSource(Value value)
        => HasAvx && TryMergeLoad(value, 16, out var address) ? new Source { IsMemory = true, Address = address } : new Source { Virtual = Use(value) };

    private static Source Of(VReg v) => new() { Virtual = v };

    private Source ConstantVector(UInt128 bits) => ConstantSource((ulong)bits, (ulong)(bits >> 64), 16);

    private Source Splat32(uint value) => ConstantVector(VectorLanes.Splat(value, 32));

    private Source Splat64(ulong value) => ConstantVector(VectorLanes.Splat(value, 64));

    // A constant in a register of its own.
    private VReg LoadVectorConstant(UInt128 bits)
    {
        var v = NewVector();
        EmitVectorConstant(v, bits);
        return v;
    }

    private void EmitVectorConstant(VReg v, UInt128 bits)
    {
        var index = _machine.Constants.Add((ulong)bits);
        _machine.Constants.Add((ulong)(bits >> 64));
        Begin(X64Opcode.LoadFloatConstant, 16, immediate: index);
        _machine.Instructions[_open].Flags = MachineFlags.Rematerialisable | MachineFlags.MemoryResident;
        Add(v, OperandKind.Def);
    }

    private void AddVectorSource(in Source source)
    {
        if (source.IsMemory)
        {
            AddAddress(source.Address);
        }
        else
        {
            Add(source.Virtual, HasAvx ? OperandKind.UseAny : OperandKind.Use);
        }
    }

    private void EmitMap(VReg to, SseOp op, in Source source, int immediate = 0)
    {
        Begin(X64Opcode.VectorMap, 16, immediate, (int)op);
        Add(to, OperandKind.Def);
        AddVectorSource(source);
    }

    private VReg Map(SseOp op, in Source source, int immediate = 0)
    {
        var v = NewVector();
        EmitMap(v, op, source, immediate);
        return v;
    }

    private void EmitBinary(VReg to, SseOp op, VReg left, in Source right)
    {
        Begin(X64Opcode.VectorBinary, 16, immediate: (int)op);
        Add(to, DefinitionKind);
        Add(left, FirstSourceKind);
        AddVectorSource(right);
    }

    private VReg Binary(SseOp op, VReg left, in Source right)
    {
        var v = NewVector();
        EmitBinary(v, op, left, right);
        return v;
    }

    private void EmitBinaryImmediate(VReg to, SseOp op, VReg left, in Source right, int immediate)
    {
        Begin(X64Opcode.VectorBinaryImmediate, 16, immediate, (int)op);
        Add(to, DefinitionKind);
        Add(left, FirstSourceKind);
        AddVectorSource(right);
    }

    private VReg BinaryImmediate(SseOp op, VReg left, in Source right, int immediate)
    {
        var v = NewVector();
        EmitBinaryImmediate(v, op, left, right, immediate);
        return v;
    }

    private void EmitShift(VReg to, SseOp op, VReg value, int count)
    {
        Begin(X64Opcode.VectorShiftImmediate, 16, count, (int)op);
        Add(to, DefinitionKind);
        Add(value, FirstSourceKind);
    }

    private VReg Shift(SseOp op, VReg value, int count)
    {
        var v = NewVector();
        EmitShift(v, op, value, count);
        return v;
    }

    // Three sources, the first of which is overwritten.
    private void EmitTernary(VReg to, SseOp op, VReg first, VReg second, in Source third, int immediate = 0)
    {
        Begin(X64Opcode.VectorTernary, 16, immediate, (int)op);
        Add(to, OperandKind.DefTied);
        Add(first, OperandKind.UseTied);
        Add(second, OperandKind.Use);
        AddVectorSource(third);
    }

    private void EmitVectorCopy(VReg to, VReg from)
    {
        Begin(X64Opcode.Copy, 16);
        Add(to, OperandKind.Def);
        Add(from, OperandKind.UseAny);
    }

    // ---- Selection

    private void LowerVector(Value i, ref IrInstruction instruction)
    {
        var to = _virtual[i];
        var shape = instruction.Shape;
        switch (instruction.Opcode)
        {
            case IrOpcode.VectorShuffle:
                LowerShuffle(to, instruction.ValueA, instruction.ValueB, _ir.Vectors[instruction.D]);
                break;
            case IrOpcode.VectorSwizzle:
                EmitBinary(to, SseOp.Pshufb, Use(instruction.ValueA), Of(Binary(SseOp.Paddusb, Use(instruction.ValueB), Splat32(0x70707070))));
                break;
            case IrOpcode.VectorSplat:
                LowerSplat(to, instruction.ValueA, shape);
                break;
            case IrOpcode.VectorExtract:
                LowerExtract(to, instruction.ValueA, shape, instruction.D);
                break;
            case IrOpcode.VectorExtractSigned:
                var narrow = _machine.NewVirtualRegister(MachineType.I32);
                LowerExtract(narrow, instruction.ValueA, shape, instruction.D);
                Begin(X64Opcode.Extend, shape.LaneBits() / 8, (int)LoadExtension.Sign32);
                Add(to, OperandKind.Def);
                Add(narrow, OperandKind.UseAny);
                break;
            case IrOpcode.VectorReplace:
                LowerReplace(to, ref instruction);
                break;
            case IrOpcode.VectorNot:
                EmitBinary(to, SseOp.Pxor, Use(instruction.ValueA), ConstantVector(VectorLanes.Ones));
                break;
            case IrOpcode.VectorAdd when TryLowerDotSum(to, ref instruction):
                break;
            case IrOpcode.VectorOr or IrOpcode.VectorXor or IrOpcode.VectorAdd when TryLowerRotation(to, ref instruction):
                break;
            case IrOpcode.VectorAnd or IrOpcode.VectorOr or IrOpcode.VectorXor or IrOpcode.VectorAndNot when TryLowerLogic(i):
                break;
            case IrOpcode.VectorAndNot:
                var kept = VectorSource(instruction.ValueA);
                EmitBinary(to, SseOp.Pandn, Use(instruction.ValueB), kept);
                break;
            case IrOpcode.VectorSelect:
                LowerVectorSelect(to, ref instruction);
                break;
            case IrOpcode.VectorSelectRelaxed:
                if (HasAvx)
                {
                    EmitBlend(to, Use(instruction.ValueA), Use(instruction.ValueB), Use(instruction.ValueC), shape);
                }
                else
                {
                    LowerVectorSelect(to, ref instruction);
                }

                break;
            case IrOpcode.VectorAnyTrue or IrOpcode.VectorAllTrue:
                LowerSet(i, LowerVectorTest(ref instruction));
                break;
            case IrOpcode.VectorBitMask:
                LowerBitMask(to, instruction.ValueA, shape);
                break;
            case IrOpcode.VectorCompare:
                EmitVectorCompare(to, instruction.VectorCondition, shape, instruction.ValueA, instruction.ValueB);
                break;
            case IrOpcode.VectorFloatCompare:
                EmitVectorFloatCompare(to, instruction.VectorFloatCondition, shape, instruction.ValueA, instruction.ValueB);
                break;
            case IrOpcode.VectorNeg:
                var negated = VectorSource(instruction.ValueA);
                EmitBinary(to, X64VectorTable.Binary(IrOpcode.VectorSub, shape), LoadVectorConstant(0), negated);
                break;
            case IrOpcode.VectorAbs when shape == VectorShape.I64x2:
                LowerAbs64(to, instruction.ValueA);
                break;
            case IrOpcode.VectorMul when shape == VectorShape.I64x2:
                LowerMul64(to, instruction.ValueA, instruction.ValueB);
                break;
            case IrOpcode.VectorPopulationCount:
                LowerVectorPopulationCount(to, instruction.ValueA);
                break;
            case >= IrOpcode.VectorShiftLeft and <= IrOpcode.VectorShiftRightUnsigned:
                LowerVectorShift(to, ref instruction);
                break;
            case IrOpcode.VectorMulRound:
                // The only result that does not saturate is that of −1 · −1: 0x8000.
                var product = Binary(SseOp.Pmulhrsw, Use(instruction.ValueA), VectorSource(instruction.ValueB));
                EmitBinary(to, SseOp.Pxor, product, Of(Binary(SseOp.Pcmpeqw, product, Splat32(0x80008000))));
                break;
            case IrOpcode.VectorDotRelaxed:
                EmitBinary(to, SseOp.Pmaddubsw, Use(instruction.ValueB), Of(Use(instruction.ValueA)));
                break;
            case IrOpcode.VectorDotAddRelaxed:
                LowerDotAdd(to, ref instruction);
                break;
            case >= IrOpcode.VectorMulLowSigned and <= IrOpcode.VectorMulHighUnsigned:
                LowerWideMul(to, ref instruction);
                break;
            case IrOpcode.VectorAddPairsSigned or IrOpcode.VectorAddPairsUnsigned:
                LowerAddPairs(to, ref instruction);
                break;
            case >= IrOpcode.VectorExtendLowSigned and <= IrOpcode.VectorExtendHighUnsigned:
                LowerVectorExtend(to, instruction.Opcode, shape, instruction.ValueA);
                break;
            case >= IrOpcode.VectorFloatMin and <= IrOpcode.VectorPromote when TryLowerVectorFloat(to, ref instruction):
                break;
            default:
                LowerByTable(to, ref instruction);
                break;
        }
    }

    private void LowerByTable(VReg to, ref IrInstruction instruction)
    {
        var unary = X64VectorTable.Unary(instruction.Opcode, instruction.Shape);
        if (unary != X64VectorTable.None)
        {
            var rounding = instruction.Opcode switch
            {
                IrOpcode.VectorFloatNearest => 8,
                IrOpcode.VectorFloatFloor => 9,
                IrOpcode.VectorFloatCeil => 10,
                IrOpcode.VectorFloatTrunc => 11,
                _ => 0,
            };
            EmitMap(to, unary, VectorSource(instruction.ValueA), rounding);
            return;
        }

        var op = X64VectorTable.Binary(instruction.Opcode, instruction.Shape);
        if (op == X64VectorTable.None)
        {
            throw new InvalidOperationException($"There is no instruction for {instruction.Opcode} of {instruction.Shape}.");
        }

        var a = instruction.ValueA;
        var b = instruction.ValueB;
        if ((IrOpcodeInfo.EffectsOf(instruction.Opcode) & IrEffects.Commutative) != 0 && HasAvx && CanMergeLoad(a, 16) && !CanMergeLoad(b, 16))
        {
            (a, b) = (b, a);
        }

        var right = VectorSource(b);
        EmitBinary(to, op, Use(a), right);
    }

    // ---- Logic

    // Two operations on three sources in one instruction.
    private bool TryLowerLogic(Value i)
    {
        if (!HasAvx512)
        {
            return false;
        }

        ref var root = ref _ir.Get(i);
        Span<Value> leaves = [Value.None, Value.None, Value.None];
        var count = 0;
        var inner = IsLogic(root.ValueA) ? root.ValueA : IsLogic(root.ValueB) ? root.ValueB : Value.None;
        if (inner < 0)
        {
            return false;
        }

        ref var nested = ref _ir.Get(inner);
        AddLeaf(leaves, ref count, nested.ValueA);
        if (nested.Opcode != IrOpcode.VectorNot)
        {
            AddLeaf(leaves, ref count, nested.ValueB);
        }

        AddLeaf(leaves, ref count, inner == root.A ? root.ValueB : root.ValueA);
        if (count < 2)
        {
            return false;
        }

        _merged[inner] = true;
        // What is overwritten should be of no further use, and what may be in memory should be last.
        for (var k = 1; k < count && LivesOn(leaves[0]); k++)
        {
            if (!LivesOn(leaves[k]))
            {
                (leaves[0], leaves[k]) = (leaves[k], leaves[0]);
            }
        }

        if (count == 2)
        {
            // Only after that: a load that stood first and last would be read in one place and in memory in the other.
            leaves[2] = leaves[1];
        }

        if (CanMergeLoad(leaves[1], 16) || _ir.Get(leaves[1]).Opcode == IrOpcode.Constant)
        {
            (leaves[1], leaves[2]) = (leaves[2], leaves[1]);
        }

        var table = Truth(root.Opcode, TruthOf(root.ValueA, inner, leaves), TruthOf(root.ValueB, inner, leaves));
        var third = leaves[2] != leaves[1] ? VectorSource(leaves[2]) : Of(Use(leaves[2]));
        var second = Use(leaves[1]);
        EmitTernary(_virtual[i], SseOp.Vpternlogd, Use(leaves[0]), second, third, table);
        return true;

        bool IsLogic(Value value) => _ir.Get(value).Opcode is IrOpcode.VectorNot or IrOpcode.VectorAnd or IrOpcode.VectorAndNot or IrOpcode.VectorOr or IrOpcode.VectorXor
            && IsMergeable(value);

        static void AddLeaf(Span<Value> leaves, ref int count, Value value)
        {
            if (!leaves[..count].Contains(value))
            {
                leaves[count++] = value;
            }
        }
    }

    private int TruthOf(Value value, Value inner, ReadOnlySpan<Value> leaves)
    {
        if (value != inner)
        {
            return value == leaves[0] ? 0xF0 : value == leaves[1] ? 0xCC : 0xAA;
        }

        ref var nested = ref _ir.Get(inner);
        var a = TruthOf(nested.ValueA, Value.None, leaves);
        return Truth(nested.Opcode, a, nested.Opcode == IrOpcode.VectorNot ? 0 : TruthOf(nested.ValueB, Value.None, leaves));
    }

    private static int Truth(IrOpcode opcode, int a, int b) => opcode switch
    {
        IrOpcode.VectorAnd => a & b,
        IrOpcode.VectorAndNot => a & ~b & 0xFF,
        IrOpcode.VectorOr => a | b,
        IrOpcode.VectorXor => a ^ b,
        _ => ~a & 0xFF,
    };

    private void LowerVectorSelect(VReg to, ref IrInstruction instruction)
    {
        var (a, b, c) = (instruction.ValueA, instruction.ValueB, instruction.ValueC);
        if (HasAvx512)
        {
            // c ? a : b, with c overwritten.
            var last = VectorSource(b);
            var second = Use(a);
            EmitTernary(to, SseOp.Vpternlogd, Use(c), second, last, 0xCA);
            return;
        }

        if (HasAvx && MaskBits(c) is var bits && bits != 0)
        {
            EmitBlend(to, Use(a), Use(b), Use(c), bits switch { 32 => VectorShape.I32x4, 64 => VectorShape.I64x2, _ => VectorShape.I8x16 });
            return;
        }

        var difference = Binary(SseOp.Pxor, Use(a), Of(Use(b)));
        EmitBinary(to, SseOp.Pxor, Binary(SseOp.Pand, difference, Of(Use(c))), Of(Use(b)));
    }

    // The width of the lanes of which each is all ones or zeros; 0 if that is not known.
    private int MaskBits(Value value)
    {
        ref var i = ref _ir.Get(value);
        if (i.Opcode is IrOpcode.VectorCompare or IrOpcode.VectorFloatCompare)
        {
            return i.Shape.LaneBits();
        }

        return i.Opcode == IrOpcode.Constant && VectorLanes.IsMask(_ir.Vectors[i.A], 8) ? 8 : 0;
    }

    // a where the lanes of the mask are set, else b.
    private void EmitBlend(VReg to, VReg a, VReg b, VReg mask, VectorShape shape)
    {
        var op = shape switch { VectorShape.I32x4 => SseOp.Vblendvps, VectorShape.I64x2 => SseOp.Vblendvpd, _ => SseOp.Vpblendvb };
        Begin(X64Opcode.VectorBlend, 16, immediate: (int)op);
        Add(to, OperandKind.Def);
        Add(b, OperandKind.Use);
        Add(mask, OperandKind.Use);
        Add(a, OperandKind.UseAny);
    }

    // ---- Integers

    private void LowerAbs64(VReg to, Value value)
    {
        if (HasAvx512)
        {
            EmitMap(to, SseOp.Vpabsq, VectorSource(value));
            return;
        }

        var v = Use(value);
        var sign = Binary(SseOp.Pcmpgtq, LoadVectorConstant(0), Of(v));
        EmitBinary(to, SseOp.Psubq, Binary(SseOp.Pxor, v, Of(sign)), Of(sign));
    }

    private void LowerVectorPopulationCount(VReg to, Value value)
    {
        if ((_features & CpuFeatures.Avx512Bitalg) != 0)
        {
            EmitMap(to, SseOp.Vpopcntb, VectorSource(value));
            return;
        }

        // Each half of a byte looks its count up.
        var v = Use(value);
        var counts = new UInt128(0x0403030203020201, 0x0302020102010100);
        var low = Binary(SseOp.Pand, v, Splat32(0x0F0F0F0F));
        var high = Binary(SseOp.Pand, Shift(SseOp.PsrlwImm, v, 4), Splat32(0x0F0F0F0F));
        var lowCount = Binary(SseOp.Pshufb, LoadVectorConstant(counts), Of(low));
        EmitBinary(to, SseOp.Paddb, lowCount, Of(Binary(SseOp.Pshufb, LoadVectorConstant(counts), Of(high))));
    }

    private void LowerAddPairs(VReg to, ref IrInstruction instruction)
    {
        var isSigned = instruction.Opcode == IrOpcode.VectorAddPairsSigned;
        var v = Use(instruction.ValueA);
        if (instruction.Shape == VectorShape.I16x8)
        {
            // The first source is unsigned, the second signed.
            if (isSigned)
            {
                EmitBinary(to, SseOp.Pmaddubsw, LoadVectorConstant(VectorLanes.Splat(1, 8)), Of(v));
            }
            else
            {
                EmitBinary(to, SseOp.Pmaddubsw, v, Splat32(0x01010101));
            }
        }
        else if (isSigned)
        {
            EmitBinary(to, SseOp.Pmaddwd, v, Splat32(0x00010001));
        }
        else
        {
            // Lanes moved down by 0x8000 are signed; two of them make 0x10000.
            var moved = Binary(SseOp.Pxor, v, Splat32(0x80008000));
            EmitBinary(to, SseOp.Paddd, Binary(SseOp.Pmaddwd, moved, Splat32(0x00010001)), Splat32(0x00010000));
        }
    }

    private void LowerVectorExtend(VReg to, IrOpcode opcode, VectorShape shape, Value value)
    {
        var isSigned = opcode is IrOpcode.VectorExtendLowSigned or IrOpcode.VectorExtendHighSigned;
        var isHigh = opcode >= IrOpcode.VectorExtendHighSigned;
        var op = (shape, isSigned) switch
        {
            (VectorShape.I16x8, true) => SseOp.Pmovsxbw,
            (VectorShape.I16x8, _) => SseOp.Pmovzxbw,
            (VectorShape.I32x4, true) => SseOp.Pmovsxwd,
            (VectorShape.I32x4, _) => SseOp.Pmovzxwd,
            (_, true) => SseOp.Pmovsxdq,
            _ => SseOp.Pmovzxdq,
        };
        if (!isHigh)
        {
            // Eight bytes are all that is read.
            EmitMap(to, op, SourceOf(value, 8));
        }
        else if (isSigned)
        {
            EmitMap(to, op, Of(Map(SseOp.Pshufd, VectorSource(value), 0xEE)));
        }
        else
        {
            var unpack = shape switch { VectorShape.I16x8 => SseOp.Punpckhbw, VectorShape.I32x4 => SseOp.Punpckhwd, _ => SseOp.Punpckhdq };
            EmitBinary(to, unpack, Use(value), Of(LoadVectorConstant(0)));
        }
    }
}
