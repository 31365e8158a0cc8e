// Vector operations: the parts that instructions are put together from, logic, integer arithmetic, comparisons, shifts. Lanes and shuffles are in .VectorLanes and .VectorShuffles,
// floating point and conversions in .VectorFloats.
//
// Without AVX a memory operand of 16 bytes has to be aligned, which neither guests' memory nor spill slots are: there sources are registers, or constants of the pool.
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;
using Tarn.Compiler.IR.Analysis;

/// <content>Vectors.</content>
internal sealed partial class X64Lowering
{
    private bool HasAvx2 => (_features & CpuFeatures.Avx2) != 0;

    private bool HasAvx512 => (_features & CpuFeatures.Avx512) != 0;

    // ---- Parts

    private int NewVector() => _machine.NewVirtualRegister(MachineType.V128);

    // A source of 16 bytes.
    private Source VectorSource(int value)
        => HasAvx && TryMergeLoad(value, 16, out var address) ? new Source { IsMemory = true, Address = address } : new Source { Virtual = Use(value) };

    private static Source Of(int v) => new() { Virtual = v };

    private Source ConstantVector(UInt128 bits) => ConstantSource((ulong)bits, (ulong)(bits >> 64), 16);

    private Source Splat32(uint value) => ConstantVector(VectorLanes.Splat(value, 32));

    private Source Splat64(ulong value) => ConstantVector(VectorLanes.Splat(value, 64));

    // A constant in a register of its own.
    private int LoadVectorConstant(UInt128 bits)
    {
        var v = NewVector();
        EmitVectorConstant(v, bits);
        return v;
    }

    private void EmitVectorConstant(int v, UInt128 bits)
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

    private void EmitMap(int to, SseOp op, in Source source, int immediate = 0)
    {
        Begin(X64Opcode.VectorMap, 16, immediate, (int)op);
        Add(to, OperandKind.Def);
        AddVectorSource(source);
    }

    private int Map(SseOp op, in Source source, int immediate = 0)
    {
        var v = NewVector();
        EmitMap(v, op, source, immediate);
        return v;
    }

    private void EmitBinary(int to, SseOp op, int left, in Source right)
    {
        Begin(X64Opcode.VectorBinary, 16, immediate: (int)op);
        Add(to, DefinitionKind);
        Add(left, FirstSourceKind);
        AddVectorSource(right);
    }

    private int Binary(SseOp op, int left, in Source right)
    {
        var v = NewVector();
        EmitBinary(v, op, left, right);
        return v;
    }

    private void EmitBinaryImmediate(int to, SseOp op, int left, in Source right, int immediate)
    {
        Begin(X64Opcode.VectorBinaryImmediate, 16, immediate, (int)op);
        Add(to, DefinitionKind);
        Add(left, FirstSourceKind);
        AddVectorSource(right);
    }

    private int BinaryImmediate(SseOp op, int left, in Source right, int immediate)
    {
        var v = NewVector();
        EmitBinaryImmediate(v, op, left, right, immediate);
        return v;
    }

    private void EmitShift(int to, SseOp op, int value, int count)
    {
        Begin(X64Opcode.VectorShiftImmediate, 16, count, (int)op);
        Add(to, DefinitionKind);
        Add(value, FirstSourceKind);
    }

    private int Shift(SseOp op, int value, int count)
    {
        var v = NewVector();
        EmitShift(v, op, value, count);
        return v;
    }

    // Three sources, the first of which is overwritten.
    private void EmitTernary(int to, SseOp op, int first, int second, in Source third, int immediate = 0)
    {
        Begin(X64Opcode.VectorTernary, 16, immediate, (int)op);
        Add(to, OperandKind.DefTied);
        Add(first, OperandKind.UseTied);
        Add(second, OperandKind.Use);
        AddVectorSource(third);
    }

    private void EmitVectorCopy(int to, int from)
    {
        Begin(X64Opcode.Copy, 16);
        Add(to, OperandKind.Def);
        Add(from, OperandKind.UseAny);
    }

    // ---- Selection

    private void LowerVector(int i, ref IrInstruction instruction)
    {
        var to = _virtual[i];
        var shape = instruction.Shape;
        switch (instruction.Opcode)
        {
            case IrOpcode.VectorShuffle:
                LowerShuffle(to, instruction.A, instruction.B, _ir.Vectors[instruction.D]);
                break;
            case IrOpcode.VectorSwizzle:
                EmitBinary(to, SseOp.Pshufb, Use(instruction.A), Of(Binary(SseOp.Paddusb, Use(instruction.B), Splat32(0x70707070))));
                break;
            case IrOpcode.VectorSplat:
                LowerSplat(to, instruction.A, shape);
                break;
            case IrOpcode.VectorExtract:
                LowerExtract(to, instruction.A, shape, instruction.D);
                break;
            case IrOpcode.VectorExtractSigned:
                var narrow = _machine.NewVirtualRegister(MachineType.I32);
                LowerExtract(narrow, instruction.A, shape, instruction.D);
                Begin(X64Opcode.Extend, shape.LaneBits() / 8, (int)LoadExtension.Sign32);
                Add(to, OperandKind.Def);
                Add(narrow, OperandKind.UseAny);
                break;
            case IrOpcode.VectorReplace:
                LowerReplace(to, ref instruction);
                break;
            case IrOpcode.VectorNot:
                EmitBinary(to, SseOp.Pxor, Use(instruction.A), ConstantVector(VectorLanes.Ones));
                break;
            case IrOpcode.VectorAnd or IrOpcode.VectorOr or IrOpcode.VectorXor or IrOpcode.VectorAndNot when TryLowerLogic(i):
                break;
            case IrOpcode.VectorAndNot:
                var kept = VectorSource(instruction.A);
                EmitBinary(to, SseOp.Pandn, Use(instruction.B), kept);
                break;
            case IrOpcode.VectorSelect:
                LowerVectorSelect(to, ref instruction);
                break;
            case IrOpcode.VectorSelectRelaxed:
                if (HasAvx)
                {
                    EmitBlend(to, Use(instruction.A), Use(instruction.B), Use(instruction.C), shape);
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
                LowerBitMask(to, instruction.A, shape);
                break;
            case IrOpcode.VectorCompare:
                EmitVectorCompare(to, instruction.VectorCondition, shape, instruction.A, instruction.B);
                break;
            case IrOpcode.VectorFloatCompare:
                EmitVectorFloatCompare(to, instruction.VectorFloatCondition, shape, instruction.A, instruction.B);
                break;
            case IrOpcode.VectorNeg:
                var negated = VectorSource(instruction.A);
                EmitBinary(to, X64VectorTable.Binary(IrOpcode.VectorSub, shape), LoadVectorConstant(0), negated);
                break;
            case IrOpcode.VectorAbs when shape == VectorShape.I64x2:
                LowerAbs64(to, instruction.A);
                break;
            case IrOpcode.VectorMul when shape == VectorShape.I64x2:
                LowerMul64(to, instruction.A, instruction.B);
                break;
            case IrOpcode.VectorPopulationCount:
                LowerVectorPopulationCount(to, instruction.A);
                break;
            case >= IrOpcode.VectorShiftLeft and <= IrOpcode.VectorShiftRightUnsigned:
                LowerVectorShift(to, ref instruction);
                break;
            case IrOpcode.VectorMulRound:
                // The only result that does not saturate is that of −1 · −1: 0x8000.
                var product = Binary(SseOp.Pmulhrsw, Use(instruction.A), VectorSource(instruction.B));
                EmitBinary(to, SseOp.Pxor, product, Of(Binary(SseOp.Pcmpeqw, product, Splat32(0x80008000))));
                break;
            case IrOpcode.VectorDotRelaxed:
                EmitBinary(to, SseOp.Pmaddubsw, Use(instruction.B), Of(Use(instruction.A)));
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
                LowerVectorExtend(to, instruction.Opcode, shape, instruction.A);
                break;
            case >= IrOpcode.VectorFloatMin and <= IrOpcode.VectorPromote when TryLowerVectorFloat(to, ref instruction):
                break;
            default:
                LowerByTable(to, ref instruction);
                break;
        }
    }

    private void LowerByTable(int to, ref IrInstruction instruction)
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
            EmitMap(to, unary, VectorSource(instruction.A), rounding);
            return;
        }

        var op = X64VectorTable.Binary(instruction.Opcode, instruction.Shape);
        if (op == X64VectorTable.None)
        {
            throw new InvalidOperationException($"There is no instruction for {instruction.Opcode} of {instruction.Shape}.");
        }

        var a = instruction.A;
        var b = instruction.B;
        if ((IrOpcodeInfo.EffectsOf(instruction.Opcode) & IrEffects.Commutative) != 0 && HasAvx && CanMergeLoad(a, 16) && !CanMergeLoad(b, 16))
        {
            (a, b) = (b, a);
        }

        var right = VectorSource(b);
        EmitBinary(to, op, Use(a), right);
    }

    // ---- Logic

    // Two operations on three sources in one instruction.
    private bool TryLowerLogic(int i)
    {
        if (!HasAvx512)
        {
            return false;
        }

        ref var root = ref _ir.Get(i);
        Span<int> leaves = [-1, -1, -1];
        var count = 0;
        var inner = IsLogic(root.A) ? root.A : IsLogic(root.B) ? root.B : -1;
        if (inner < 0)
        {
            return false;
        }

        ref var nested = ref _ir.Get(inner);
        AddLeaf(leaves, ref count, nested.A);
        if (nested.Opcode != IrOpcode.VectorNot)
        {
            AddLeaf(leaves, ref count, nested.B);
        }

        AddLeaf(leaves, ref count, inner == root.A ? root.B : root.A);
        if (count < 2)
        {
            return false;
        }

        _merged[inner] = true;
        if (count == 2)
        {
            leaves[2] = leaves[1];
        }

        // What is overwritten should be of no further use, and what may be in memory should be last.
        for (var k = 1; k < 3 && LivesOn(leaves[0]); k++)
        {
            if (!LivesOn(leaves[k]))
            {
                (leaves[0], leaves[k]) = (leaves[k], leaves[0]);
            }
        }

        if (CanMergeLoad(leaves[1], 16) || _ir.Get(leaves[1]).Opcode == IrOpcode.Constant)
        {
            (leaves[1], leaves[2]) = (leaves[2], leaves[1]);
        }

        var table = Truth(root.Opcode, TruthOf(root.A, inner, leaves), TruthOf(root.B, inner, leaves));
        var third = leaves[2] != leaves[1] ? VectorSource(leaves[2]) : Of(Use(leaves[2]));
        var second = Use(leaves[1]);
        EmitTernary(_virtual[i], SseOp.Vpternlogd, Use(leaves[0]), second, third, table);
        return true;

        bool IsLogic(int value) => _ir.Get(value).Opcode is IrOpcode.VectorNot or IrOpcode.VectorAnd or IrOpcode.VectorAndNot or IrOpcode.VectorOr or IrOpcode.VectorXor
            && IsMergeable(value);

        static void AddLeaf(Span<int> leaves, ref int count, int value)
        {
            if (!leaves[..count].Contains(value))
            {
                leaves[count++] = value;
            }
        }
    }

    private int TruthOf(int value, int inner, ReadOnlySpan<int> leaves)
    {
        if (value != inner)
        {
            return value == leaves[0] ? 0xF0 : value == leaves[1] ? 0xCC : 0xAA;
        }

        ref var nested = ref _ir.Get(inner);
        var a = TruthOf(nested.A, -1, leaves);
        return Truth(nested.Opcode, a, nested.Opcode == IrOpcode.VectorNot ? 0 : TruthOf(nested.B, -1, leaves));
    }

    private static int Truth(IrOpcode opcode, int a, int b) => opcode switch
    {
        IrOpcode.VectorAnd => a & b,
        IrOpcode.VectorAndNot => a & ~b & 0xFF,
        IrOpcode.VectorOr => a | b,
        IrOpcode.VectorXor => a ^ b,
        _ => ~a & 0xFF,
    };

    private void LowerVectorSelect(int to, ref IrInstruction instruction)
    {
        var (a, b, c) = (instruction.A, instruction.B, instruction.C);
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
    private int MaskBits(int value)
    {
        ref var i = ref _ir.Get(value);
        if (i.Opcode is IrOpcode.VectorCompare or IrOpcode.VectorFloatCompare)
        {
            return i.Shape.LaneBits();
        }

        return i.Opcode == IrOpcode.Constant && VectorLanes.IsMask(_ir.Vectors[i.A], 8) ? 8 : 0;
    }

    // a where the lanes of the mask are set, else b.
    private void EmitBlend(int to, int a, int b, int mask, VectorShape shape)
    {
        var op = shape switch { VectorShape.I32x4 => SseOp.Vblendvps, VectorShape.I64x2 => SseOp.Vblendvpd, _ => SseOp.Vpblendvb };
        Begin(X64Opcode.VectorBlend, 16, immediate: (int)op);
        Add(to, OperandKind.Def);
        Add(b, OperandKind.Use);
        Add(mask, OperandKind.Use);
        Add(a, OperandKind.UseAny);
    }

    // ---- Tests

    private static bool IsVectorTest(IrOpcode opcode) => opcode is IrOpcode.VectorAnyTrue or IrOpcode.VectorAllTrue;

    // Sets the flags; the condition is that of the test being true.
    private int LowerVectorTest(ref IrInstruction instruction)
    {
        var isAll = instruction.Opcode == IrOpcode.VectorAllTrue;
        var value = instruction.A;
        ref var source = ref _ir.Get(value);
        var comparesLanes = source.Opcode == IrOpcode.VectorCompare && (!isAll || source.Shape.LaneBits() == instruction.Shape.LaneBits());
        if (comparesLanes && source.VectorCondition == IntegerCondition.NotEqual && IsMergeable(value))
        {
            // All differ if none is equal; any differs if not all are equal.
            _merged[value] = true;
            var equal = NewVector();
            EmitVectorCompare(equal, IntegerCondition.Equal, source.Shape, source.A, source.B);
            EmitVectorTest(equal, isAll ? Of(equal) : ConstantVector(VectorLanes.Ones));
            return (int)(isAll ? Condition.Equal : Condition.AboveEqual);
        }

        if (isAll)
        {
            if (MaskBits(value) == instruction.Shape.LaneBits())
            {
                EmitVectorTest(Use(value), ConstantVector(VectorLanes.Ones));
                return (int)Condition.Below;
            }

            var zeros = NewVector();
            EmitBinary(zeros, EqualOf(instruction.Shape), LoadVectorConstant(0), VectorSource(value));
            EmitVectorTest(zeros, Of(zeros));
            return (int)Condition.Equal;
        }

        if (source.Opcode is IrOpcode.VectorAnd or IrOpcode.VectorAndNot && IsMergeable(value))
        {
            _merged[value] = true;
            if (source.Opcode == IrOpcode.VectorAnd)
            {
                var mask = VectorSource(source.B);
                EmitVectorTest(Use(source.A), mask);
                return (int)Condition.NotEqual;
            }

            // The carry says that nothing of the second is outside of the first.
            var tested = VectorSource(source.A);
            EmitVectorTest(Use(source.B), tested);
            return (int)Condition.AboveEqual;
        }

        var v = Use(value);
        EmitVectorTest(v, Of(v));
        return (int)Condition.NotEqual;
    }

    private void EmitVectorTest(int left, in Source right)
    {
        Begin(X64Opcode.VectorCompare, 16, immediate: (int)SseOp.Ptest);
        Add(left, OperandKind.Use);
        AddVectorSource(right);
    }

    private void LowerBitMask(int to, int value, VectorShape shape)
    {
        var v = Use(value);
        if (shape == VectorShape.I16x8)
        {
            v = Binary(SseOp.Packsswb, v, ConstantVector(0));
        }

        EmitExtract(to, shape switch { VectorShape.I32x4 => SseOp.Movmskps, VectorShape.I64x2 => SseOp.Movmskpd, _ => SseOp.Pmovmskb }, v, 0, 4);
    }

    // ---- Comparisons

    private static SseOp EqualOf(VectorShape shape) => shape switch
    {
        VectorShape.I8x16 => SseOp.Pcmpeqb,
        VectorShape.I16x8 => SseOp.Pcmpeqw,
        VectorShape.I32x4 => SseOp.Pcmpeqd,
        _ => SseOp.Pcmpeqq,
    };

    private static SseOp GreaterOf(VectorShape shape) => shape switch
    {
        VectorShape.I8x16 => SseOp.Pcmpgtb,
        VectorShape.I16x8 => SseOp.Pcmpgtw,
        VectorShape.I32x4 => SseOp.Pcmpgtd,
        _ => SseOp.Pcmpgtq,
    };

    // There are "equal" and "greater, signed". The others: "greater or equal" is "the maximum is the first", and so on; complements cost an instruction.
    private void EmitVectorCompare(int to, IntegerCondition condition, VectorShape shape, int a, int b)
    {
        switch (condition)
        {
            case IntegerCondition.Equal:
                var second = VectorSource(b);
                EmitBinary(to, EqualOf(shape), Use(a), second);
                return;
            case IntegerCondition.LessSigned or IntegerCondition.LessUnsigned or IntegerCondition.LessEqualSigned or IntegerCondition.LessEqualUnsigned:
                EmitVectorCompare(to, condition.Swap(), shape, b, a);
                return;
            case IntegerCondition.GreaterSigned:
                var smaller = VectorSource(b);
                EmitBinary(to, GreaterOf(shape), Use(a), smaller);
                return;
            case IntegerCondition.GreaterEqualSigned or IntegerCondition.GreaterEqualUnsigned when shape != VectorShape.I64x2:
                var maximum = condition == IntegerCondition.GreaterEqualSigned ? IrOpcode.VectorMaxSigned : IrOpcode.VectorMaxUnsigned;
                var first = Use(a);
                EmitBinary(to, EqualOf(shape), Binary(X64VectorTable.Binary(maximum, shape), Use(b), Of(first)), Of(first));
                return;
            case IntegerCondition.GreaterUnsigned:
                // Not "the minimum is the first".
                var left = Use(a);
                var least = Binary(EqualOf(shape), Binary(X64VectorTable.Binary(IrOpcode.VectorMinUnsigned, shape), Use(b), Of(left)), Of(left));
                EmitBinary(to, SseOp.Pxor, least, ConstantVector(VectorLanes.Ones));
                return;
            default:
                var opposite = NewVector();
                EmitVectorCompare(opposite, condition.Negate(), shape, a, b);
                EmitBinary(to, SseOp.Pxor, opposite, ConstantVector(VectorLanes.Ones));
                return;
        }
    }

    private void EmitVectorFloatCompare(int to, FloatCondition condition, VectorShape shape, int a, int b)
    {
        var (predicate, swap) = condition switch
        {
            FloatCondition.Equal => (0, false),
            FloatCondition.NotEqual => (4, false),
            FloatCondition.Less => (1, false),
            FloatCondition.NotLess => (5, false),
            FloatCondition.LessEqual => (2, false),
            FloatCondition.NotLessEqual => (6, false),
            FloatCondition.Greater => (1, true),
            FloatCondition.NotGreater => (5, true),
            FloatCondition.GreaterEqual => (2, true),
            _ => (6, true),
        };
        if (swap)
        {
            (a, b) = (b, a);
        }

        var right = VectorSource(b);
        EmitBinaryImmediate(to, shape == VectorShape.F32x4 ? SseOp.Cmpps : SseOp.Cmppd, Use(a), right, predicate);
    }

    // ---- Integers

    private void LowerAbs64(int to, int value)
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

    private void LowerMul64(int to, int a, int b)
    {
        if (HasAvx512)
        {
            var factor = VectorSource(b);
            EmitBinary(to, SseOp.Vpmullq, Use(a), factor);
            return;
        }

        // The high halves' products with the other's low half, shifted, and the low halves' full product.
        var (x, y) = (Use(a), Use(b));
        var crossed = Binary(SseOp.Pmuludq, Shift(SseOp.PsrlqImm, x, 32), Of(y));
        var other = Binary(SseOp.Pmuludq, Shift(SseOp.PsrlqImm, y, 32), Of(x));
        var high = Shift(SseOp.PsllqImm, Binary(SseOp.Paddq, crossed, Of(other)), 32);
        EmitBinary(to, SseOp.Paddq, high, Of(Binary(SseOp.Pmuludq, x, Of(y))));
    }

    private void LowerVectorPopulationCount(int to, int value)
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

    private void LowerDotAdd(int to, ref IrInstruction instruction)
    {
        var (a, b, c) = (Use(instruction.A), Use(instruction.B), Use(instruction.C));
        if ((_features & (CpuFeatures.Avx512Vnni | CpuFeatures.AvxVnni)) != 0)
        {
            var op = (_features & CpuFeatures.AvxVnni) != 0 ? SseOp.Vpdpbusd : SseOp.VpdpbusdEvex;
            EmitTernary(to, op, c, b, Of(a));
            return;
        }

        var pairs = Binary(SseOp.Pmaddwd, Binary(SseOp.Pmaddubsw, b, Of(a)), Splat32(0x00010001));
        EmitBinary(to, SseOp.Paddd, pairs, Of(c));
    }

    private void LowerWideMul(int to, ref IrInstruction instruction)
    {
        var isHigh = instruction.Opcode is IrOpcode.VectorMulHighSigned or IrOpcode.VectorMulHighUnsigned;
        var isSigned = instruction.Opcode is IrOpcode.VectorMulLowSigned or IrOpcode.VectorMulHighSigned;
        switch (instruction.Shape)
        {
            case VectorShape.I16x8:
                var extend = isHigh
                    ? isSigned ? IrOpcode.VectorExtendHighSigned : IrOpcode.VectorExtendHighUnsigned
                    : isSigned ? IrOpcode.VectorExtendLowSigned : IrOpcode.VectorExtendLowUnsigned;
                var (x, y) = (NewVector(), NewVector());
                LowerVectorExtend(x, extend, VectorShape.I16x8, instruction.A);
                LowerVectorExtend(y, extend, VectorShape.I16x8, instruction.B);
                EmitBinary(to, SseOp.Pmullw, x, Of(y));
                break;
            case VectorShape.I32x4:
                var (a, b) = (Use(instruction.A), Use(instruction.B));
                var low = Binary(SseOp.Pmullw, a, Of(b));
                var high = Binary(isSigned ? SseOp.Pmulhw : SseOp.Pmulhuw, a, Of(b));
                EmitBinary(to, isHigh ? SseOp.Punpckhwd : SseOp.Punpcklwd, low, Of(high));
                break;
            default:
                var lanes = isHigh ? 0xFA : 0x50;
                var left = Map(SseOp.Pshufd, VectorSource(instruction.A), lanes);
                var right = Map(SseOp.Pshufd, instruction.A == instruction.B ? Of(Use(instruction.B)) : VectorSource(instruction.B), lanes);
                EmitBinary(to, isSigned ? SseOp.Pmuldq : SseOp.Pmuludq, left, Of(right));
                break;
        }
    }

    private void LowerAddPairs(int to, ref IrInstruction instruction)
    {
        var isSigned = instruction.Opcode == IrOpcode.VectorAddPairsSigned;
        var v = Use(instruction.A);
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

    private void LowerVectorExtend(int to, IrOpcode opcode, VectorShape shape, int value)
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

    // ---- Shifts

    private void LowerVectorShift(int to, ref IrInstruction instruction)
    {
        var shape = instruction.Shape;
        var opcode = instruction.Opcode;
        if (_ir.IsConstant(instruction.B, out var bits))
        {
            ShiftByConstant(to, opcode, shape, Use(instruction.A), (int)bits & (shape.LaneBits() - 1));
            return;
        }

        var v = Use(instruction.A);
        var count = MaskedCount(instruction.B, shape.LaneBits());
        if (shape == VectorShape.I8x16)
        {
            ShiftBytes(to, opcode, v, count);
            return;
        }

        var amount = ToVector(count);
        if (shape == VectorShape.I64x2 && opcode == IrOpcode.VectorShiftRightSigned && !HasAvx512)
        {
            // The sign bit, shifted too, carries through the bits above it.
            var shifted = Binary(SseOp.Psrlq, v, Of(amount));
            var sign = Binary(SseOp.Psrlq, LoadVectorConstant(VectorLanes.Splat(1UL << 63, 64)), Of(amount));
            EmitBinary(to, SseOp.Psubq, Binary(SseOp.Pxor, shifted, Of(sign)), Of(sign));
            return;
        }

        EmitBinary(to, ShiftOf(opcode, shape), v, Of(amount));
    }

    private static SseOp ShiftOf(IrOpcode opcode, VectorShape shape) => (opcode, shape) switch
    {
        (IrOpcode.VectorShiftLeft, VectorShape.I16x8) => SseOp.Psllw,
        (IrOpcode.VectorShiftLeft, VectorShape.I32x4) => SseOp.Pslld,
        (IrOpcode.VectorShiftLeft, _) => SseOp.Psllq,
        (IrOpcode.VectorShiftRightSigned, VectorShape.I16x8) => SseOp.Psraw,
        (IrOpcode.VectorShiftRightSigned, VectorShape.I32x4) => SseOp.Psrad,
        (IrOpcode.VectorShiftRightSigned, _) => SseOp.Vpsraq,
        (_, VectorShape.I16x8) => SseOp.Psrlw,
        (_, VectorShape.I32x4) => SseOp.Psrld,
        _ => SseOp.Psrlq,
    };

    private static SseOp ShiftImmediateOf(IrOpcode opcode, VectorShape shape) => (opcode, shape) switch
    {
        (IrOpcode.VectorShiftLeft, VectorShape.I16x8) => SseOp.PsllwImm,
        (IrOpcode.VectorShiftLeft, VectorShape.I32x4) => SseOp.PslldImm,
        (IrOpcode.VectorShiftLeft, _) => SseOp.PsllqImm,
        (IrOpcode.VectorShiftRightSigned, VectorShape.I16x8) => SseOp.PsrawImm,
        (IrOpcode.VectorShiftRightSigned, VectorShape.I32x4) => SseOp.PsradImm,
        (IrOpcode.VectorShiftRightSigned, _) => SseOp.VpsraqImm,
        (_, VectorShape.I16x8) => SseOp.PsrlwImm,
        (_, VectorShape.I32x4) => SseOp.PsrldImm,
        _ => SseOp.PsrlqImm,
    };

    private void ShiftByConstant(int to, IrOpcode opcode, VectorShape shape, int v, int count)
    {
        if (shape != VectorShape.I8x16 && (shape != VectorShape.I64x2 || opcode != IrOpcode.VectorShiftRightSigned || HasAvx512))
        {
            EmitShift(to, ShiftImmediateOf(opcode, shape), v, count);
            return;
        }

        if (shape == VectorShape.I64x2)
        {
            var sign = Splat64(1UL << (63 - count));
            EmitBinary(to, SseOp.Psubq, Binary(SseOp.Pxor, Shift(SseOp.PsrlqImm, v, count), sign), sign);
        }
        else if (opcode == IrOpcode.VectorShiftLeft)
        {
            if (count == 1)
            {
                EmitBinary(to, SseOp.Paddb, v, Of(v));
                return;
            }

            EmitBinary(to, SseOp.Pand, Shift(SseOp.PsllwImm, v, count), ConstantVector(VectorLanes.Splat(0xFFUL << count & 0xFF, 8)));
        }
        else if (opcode == IrOpcode.VectorShiftRightSigned && count == 7)
        {
            EmitBinary(to, SseOp.Pcmpgtb, LoadVectorConstant(0), Of(v));
        }
        else
        {
            var mask = ConstantVector(VectorLanes.Splat(0xFFUL >> count, 8));
            if (opcode == IrOpcode.VectorShiftRightUnsigned)
            {
                EmitBinary(to, SseOp.Pand, Shift(SseOp.PsrlwImm, v, count), mask);
                return;
            }

            var sign = ConstantVector(VectorLanes.Splat(0x80UL >> count, 8));
            var shifted = Binary(SseOp.Pand, Shift(SseOp.PsrlwImm, v, count), mask);
            EmitBinary(to, SseOp.Psubb, Binary(SseOp.Pxor, shifted, sign), sign);
        }
    }

    private int MaskedCount(int value, int bits)
    {
        if (_ranges.UpperBound(value, ValueRanges.Depth) < (ulong)bits)
        {
            return Use(value);
        }

        var masked = _machine.NewVirtualRegister(MachineType.I32);
        var count = Use(value);
        Begin(X64Opcode.AluImmediate, 4, (int)AluOp.And, bits - 1);
        Add(masked, OperandKind.DefTied);
        Add(count, OperandKind.UseTied);
        return masked;
    }

    // A 32-bit number into the lowest lane, zeros into the others.
    private int ToVector(int number, int width = 4)
    {
        var v = NewVector();
        Begin(X64Opcode.MoveBits, width);
        Add(v, OperandKind.Def);
        Add(number, OperandKind.UseAny);
        return v;
    }

    // There are no shifts of bytes: words are shifted, and what comes from the neighbour is masked out with all ones shifted alike; or bytes are made words.
    private void ShiftBytes(int to, IrOpcode opcode, int v, int count)
    {
        if (opcode == IrOpcode.VectorShiftRightSigned)
        {
            var more = _machine.NewVirtualRegister(MachineType.I32);
            Begin(X64Opcode.Add3Immediate, 4, immediate: 8);
            Add(more, OperandKind.Def);
            Add(count, OperandKind.Use);
            var wide = ToVector(more);
            var low = Binary(SseOp.Psraw, Binary(SseOp.Punpcklbw, v, Of(v)), Of(wide));
            var high = Binary(SseOp.Psraw, Binary(SseOp.Punpckhbw, v, Of(v)), Of(wide));
            EmitBinary(to, SseOp.Packsswb, low, Of(high));
            return;
        }

        var amount = ToVector(count);
        var ones = LoadVectorConstant(VectorLanes.Ones);
        if (opcode == IrOpcode.VectorShiftLeft)
        {
            var mask = Binary(SseOp.Pshufb, Binary(SseOp.Psllw, ones, Of(amount)), ConstantVector(0));
            EmitBinary(to, SseOp.Pand, Binary(SseOp.Psllw, v, Of(amount)), Of(mask));
        }
        else
        {
            var mask = Binary(SseOp.Pshufb, Binary(SseOp.Psrlw, ones, Of(amount)), Splat32(0x01010101));
            EmitBinary(to, SseOp.Pand, Binary(SseOp.Psrlw, v, Of(amount)), Of(mask));
        }
    }
}
