// The instructions that map one to one: loads, stores, comparisons, arithmetic and conversions, as a table by opcode byte, so that the decoder's switch holds
// only what needs thought.
using Tarn.Compiler.IR;
using Tarn.Wasm;

namespace Tarn.Compiler.Frontend;

/// <summary>How a simple instruction is translated.</summary>
internal enum SimpleKind : byte
{
    /// <summary>Not simple.</summary>
    None,

    /// <summary>One operand.</summary>
    Unary,

    /// <summary>Two integers.</summary>
    Binary,

    /// <summary>Two floats.</summary>
    FloatBinary,

    /// <summary>Integer comparison; Aux is the condition.</summary>
    Compare,

    /// <summary>Comparison with zero.</summary>
    IsZero,

    /// <summary>Float comparison; Aux is the condition.</summary>
    CompareFloat,

    /// <summary>Load; Aux is the access.</summary>
    Load,

    /// <summary>Store; Aux is the access.</summary>
    Store,
}

/// <summary>A row: what an opcode becomes.</summary>
internal readonly record struct SimpleInstruction(SimpleKind Kind, IrOpcode Operation, IrType Type, byte Aux)
{
    private static readonly SimpleInstruction[] s_table = Build();

    /// <summary>The row of a single-byte opcode.</summary>
    public static ref readonly SimpleInstruction Of(int opcode) => ref s_table[opcode];

    private static SimpleInstruction[] Build()
    {
        var table = new SimpleInstruction[256];
        AddMemory(table);
        AddIntegers(table, Opcode.I32Eqz, Opcode.I32Clz, IrType.I32);
        AddIntegers(table, Opcode.I64Eqz, Opcode.I64Clz, IrType.I64);
        AddFloats(table, Opcode.F32Eq, Opcode.F32Abs, IrType.F32);
        AddFloats(table, Opcode.F64Eq, Opcode.F64Abs, IrType.F64);
        AddConversions(table);
        return table;
    }

    private static void AddMemory(SimpleInstruction[] table)
    {
        void Load(Opcode opcode, IrType type, int widthLog2, bool signed = false)
            => table[(int)opcode] = new(SimpleKind.Load, IrOpcode.Load, type, MemoryAccess.Create(widthLog2, signed).Bits);
        void Store(Opcode opcode, IrType type, int widthLog2)
            => table[(int)opcode] = new(SimpleKind.Store, IrOpcode.Store, type, MemoryAccess.Create(widthLog2).Bits);
        Load(Opcode.I32Load, IrType.I32, 2);
        Load(Opcode.I64Load, IrType.I64, 3);
        Load(Opcode.F32Load, IrType.F32, 2);
        Load(Opcode.F64Load, IrType.F64, 3);
        Load(Opcode.I32Load8S, IrType.I32, 0, true);
        Load(Opcode.I32Load8U, IrType.I32, 0);
        Load(Opcode.I32Load16S, IrType.I32, 1, true);
        Load(Opcode.I32Load16U, IrType.I32, 1);
        Load(Opcode.I64Load8S, IrType.I64, 0, true);
        Load(Opcode.I64Load8U, IrType.I64, 0);
        Load(Opcode.I64Load16S, IrType.I64, 1, true);
        Load(Opcode.I64Load16U, IrType.I64, 1);
        Load(Opcode.I64Load32S, IrType.I64, 2, true);
        Load(Opcode.I64Load32U, IrType.I64, 2);
        Store(Opcode.I32Store, IrType.I32, 2);
        Store(Opcode.I64Store, IrType.I64, 3);
        Store(Opcode.F32Store, IrType.F32, 2);
        Store(Opcode.F64Store, IrType.F64, 3);
        Store(Opcode.I32Store8, IrType.I32, 0);
        Store(Opcode.I32Store16, IrType.I32, 1);
        Store(Opcode.I64Store8, IrType.I64, 0);
        Store(Opcode.I64Store16, IrType.I64, 1);
        Store(Opcode.I64Store32, IrType.I64, 2);
    }

    private static void AddIntegers(SimpleInstruction[] table, Opcode isZero, Opcode countLeadingZeros, IrType type)
    {
        table[(int)isZero] = new(SimpleKind.IsZero, IrOpcode.CompareInteger, type, 0);

        // In the order of the opcodes: eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u.
        ReadOnlySpan<IntegerCondition> conditions =
        [
            IntegerCondition.Equal, IntegerCondition.NotEqual, IntegerCondition.LessSigned, IntegerCondition.LessUnsigned,
            IntegerCondition.GreaterSigned, IntegerCondition.GreaterUnsigned, IntegerCondition.LessEqualSigned,
            IntegerCondition.LessEqualUnsigned, IntegerCondition.GreaterEqualSigned, IntegerCondition.GreaterEqualUnsigned,
        ];
        for (var i = 0; i < conditions.Length; i++)
        {
            table[(int)isZero + 1 + i] = new(SimpleKind.Compare, IrOpcode.CompareInteger, type, (byte)conditions[i]);
        }

        ReadOnlySpan<IrOpcode> unary = [IrOpcode.CountLeadingZeros, IrOpcode.CountTrailingZeros, IrOpcode.PopulationCount];
        for (var i = 0; i < unary.Length; i++)
        {
            table[(int)countLeadingZeros + i] = new(SimpleKind.Unary, unary[i], type, 0);
        }

        ReadOnlySpan<IrOpcode> binary =
        [
            IrOpcode.Add, IrOpcode.Sub, IrOpcode.Mul, IrOpcode.DivSigned, IrOpcode.DivUnsigned, IrOpcode.RemSigned, IrOpcode.RemUnsigned,
            IrOpcode.And, IrOpcode.Or, IrOpcode.Xor, IrOpcode.ShiftLeft, IrOpcode.ShiftRightSigned, IrOpcode.ShiftRightUnsigned,
            IrOpcode.RotateLeft, IrOpcode.RotateRight,
        ];
        for (var i = 0; i < binary.Length; i++)
        {
            table[(int)countLeadingZeros + 3 + i] = new(SimpleKind.Binary, binary[i], type, 0);
        }
    }

    private static void AddFloats(SimpleInstruction[] table, Opcode equal, Opcode abs, IrType type)
    {
        // eq ne lt gt le ge.
        ReadOnlySpan<FloatCondition> conditions =
        [
            FloatCondition.Equal, FloatCondition.NotEqual, FloatCondition.Less, FloatCondition.Greater, FloatCondition.LessEqual,
            FloatCondition.GreaterEqual,
        ];
        for (var i = 0; i < conditions.Length; i++)
        {
            table[(int)equal + i] = new(SimpleKind.CompareFloat, IrOpcode.CompareFloat, type, (byte)conditions[i]);
        }

        ReadOnlySpan<IrOpcode> unary =
        [
            IrOpcode.FloatAbs, IrOpcode.FloatNeg, IrOpcode.FloatCeil, IrOpcode.FloatFloor, IrOpcode.FloatTrunc, IrOpcode.FloatNearest,
            IrOpcode.FloatSqrt,
        ];
        for (var i = 0; i < unary.Length; i++)
        {
            table[(int)abs + i] = new(SimpleKind.Unary, unary[i], type, 0);
        }

        ReadOnlySpan<IrOpcode> binary =
        [
            IrOpcode.FloatAdd, IrOpcode.FloatSub, IrOpcode.FloatMul, IrOpcode.FloatDiv, IrOpcode.FloatMin, IrOpcode.FloatMax,
            IrOpcode.FloatCopySign,
        ];
        for (var i = 0; i < binary.Length; i++)
        {
            table[(int)abs + 7 + i] = new(SimpleKind.FloatBinary, binary[i], type, 0);
        }
    }

    private static void AddConversions(SimpleInstruction[] table)
    {
        void Add(Opcode opcode, IrOpcode ir, IrType type) => table[(int)opcode] = new(SimpleKind.Unary, ir, type, 0);
        Add(Opcode.I32WrapI64, IrOpcode.Wrap, IrType.I32);
        Add(Opcode.I32TruncF32S, IrOpcode.ConvertToSigned, IrType.I32);
        Add(Opcode.I32TruncF32U, IrOpcode.ConvertToUnsigned, IrType.I32);
        Add(Opcode.I32TruncF64S, IrOpcode.ConvertToSigned, IrType.I32);
        Add(Opcode.I32TruncF64U, IrOpcode.ConvertToUnsigned, IrType.I32);
        Add(Opcode.I64ExtendI32S, IrOpcode.ExtendSigned, IrType.I64);
        Add(Opcode.I64ExtendI32U, IrOpcode.ExtendUnsigned, IrType.I64);
        Add(Opcode.I64TruncF32S, IrOpcode.ConvertToSigned, IrType.I64);
        Add(Opcode.I64TruncF32U, IrOpcode.ConvertToUnsigned, IrType.I64);
        Add(Opcode.I64TruncF64S, IrOpcode.ConvertToSigned, IrType.I64);
        Add(Opcode.I64TruncF64U, IrOpcode.ConvertToUnsigned, IrType.I64);
        Add(Opcode.F32ConvertI32S, IrOpcode.ConvertFromSigned, IrType.F32);
        Add(Opcode.F32ConvertI32U, IrOpcode.ConvertFromUnsigned, IrType.F32);
        Add(Opcode.F32ConvertI64S, IrOpcode.ConvertFromSigned, IrType.F32);
        Add(Opcode.F32ConvertI64U, IrOpcode.ConvertFromUnsigned, IrType.F32);
        Add(Opcode.F32DemoteF64, IrOpcode.Demote, IrType.F32);
        Add(Opcode.F64ConvertI32S, IrOpcode.ConvertFromSigned, IrType.F64);
        Add(Opcode.F64ConvertI32U, IrOpcode.ConvertFromUnsigned, IrType.F64);
        Add(Opcode.F64ConvertI64S, IrOpcode.ConvertFromSigned, IrType.F64);
        Add(Opcode.F64ConvertI64U, IrOpcode.ConvertFromUnsigned, IrType.F64);
        Add(Opcode.F64PromoteF32, IrOpcode.Promote, IrType.F64);
        Add(Opcode.I32ReinterpretF32, IrOpcode.Bitcast, IrType.I32);
        Add(Opcode.I64ReinterpretF64, IrOpcode.Bitcast, IrType.I64);
        Add(Opcode.F32ReinterpretI32, IrOpcode.Bitcast, IrType.F32);
        Add(Opcode.F64ReinterpretI64, IrOpcode.Bitcast, IrType.F64);
        Add(Opcode.I32Extend8S, IrOpcode.SignExtend8, IrType.I32);
        Add(Opcode.I32Extend16S, IrOpcode.SignExtend16, IrType.I32);
        Add(Opcode.I64Extend8S, IrOpcode.SignExtend8, IrType.I64);
        Add(Opcode.I64Extend16S, IrOpcode.SignExtend16, IrType.I64);
        Add(Opcode.I64Extend32S, IrOpcode.SignExtend32, IrType.I64);
    }
}
