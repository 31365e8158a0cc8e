// Vector expressions: every strict instruction of SIMD. Lanes of floats that may be NaN are made canonical after arithmetic, as scalars are; what only moves bits may move any. Off unless
// asked for, so that seeds of scalar modules keep their meaning.
namespace Tarn.Differential.Tests;

internal sealed partial class ModuleGenerator
{
    private const int V128 = 0x7B;

    // By shape: i8x16, i16x8, i32x4, i64x2. Instructions on integers and bits.
    private static readonly int[][] s_vectorUnary =
        [[0x60, 0x61, 0x62], [0x80, 0x81, 0x7C, 0x7D, 0x87, 0x88, 0x89, 0x8A], [0xA0, 0xA1, 0x7E, 0x7F, 0xA7, 0xA8, 0xA9, 0xAA], [0xC0, 0xC1, 0xC7, 0xC8, 0xC9, 0xCA]];

    private static readonly int[][] s_vectorBinary =
    [
        [0x6E, 0x6F, 0x70, 0x71, 0x72, 0x73, 0x76, 0x77, 0x78, 0x79, 0x7B, 0x65, 0x66, 0x0E],
        [0x8E, 0x8F, 0x90, 0x91, 0x92, 0x93, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0x82, 0x85, 0x86],
        [0xAE, 0xB1, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xBC, 0xBD, 0xBE, 0xBF],
        [0xCE, 0xD1, 0xD5, 0xDC, 0xDD, 0xDE, 0xDF],
    ];

    private static readonly int[] s_vectorLogic = [0x4E, 0x4F, 0x50, 0x51];

    // f32x4 and f64x2: unary, then binary.
    private static readonly int[][] s_floatUnary = [[0xE0, 0xE1, 0xE3, 0x67, 0x68, 0x69, 0x6A], [0xEC, 0xED, 0xEF, 0x74, 0x75, 0x7A, 0x94]];
    private static readonly int[][] s_floatBinary = [[0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xEB], [0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7]];
    private static readonly ulong[] s_oddHalves =
        [0, ulong.MaxValue, 0x8080808080808080, 0x7F80017FFF008000, 0x0123456789ABCDEF, 0x8000000000000000, 0x3F800000BF800000, 0x4F0000007F800000, 0x3FF0000000000000, 0x41F0000000000000, 0x0706050403020100];

    private int _scratchVector;

    private void Prefixed(int opcode)
    {
        _code.Byte(0xFD);
        _code.U32((uint)opcode);
    }

    private void VectorConstant()
    {
        Prefixed(0x0C);
        for (int half = 0; half < 2; half++)
        {
            ulong value = Chance(60) ? s_oddHalves[Next(s_oddHalves.Length)] : (ulong)_random.NextInt64();
            for (int i = 0; i < 8; i++)
            {
                _code.Byte((int)(value >> (8 * i)) & 0xFF);
            }
        }
    }

    private void Vector(int depth)
    {
        int shape = Next(4);
        switch (Next(20))
        {
            case 0 or 1:
                Expression(V128, depth + 1);
                Prefixed(s_vectorUnary[shape][Next(s_vectorUnary[shape].Length)]);
                break;
            case 2 or 3 or 4:
                Expression(V128, depth + 1);
                Expression(V128, depth + 1);
                Prefixed(s_vectorBinary[shape][Next(s_vectorBinary[shape].Length)]);
                break;
            case 5 or 6:
                Expression(V128, depth + 1);
                Expression(V128, depth + 1);
                Prefixed(s_vectorLogic[Next(s_vectorLogic.Length)]);
                break;
            case 7:
                Expression(V128, depth + 1);
                Prefixed(0x4D);
                break;
            case 8: // comparisons of integers
                Expression(V128, depth + 1);
                Expression(V128, depth + 1);
                Prefixed(shape switch { 0 => 0x23 + Next(10), 1 => 0x2D + Next(10), 2 => 0x37 + Next(10), _ => 0xD6 + Next(6) });
                break;
            case 9: // comparisons of floats
                Expression(V128, depth + 1);
                Expression(V128, depth + 1);
                Prefixed(0x41 + Next(12));
                break;
            case 10:
                Expression(V128, depth + 1);
                Expression(V128, depth + 1);
                Expression(V128, depth + 1);
                Prefixed(0x52);
                break;
            case 11 or 12: // shifts
                Expression(V128, depth + 1);
                if (Chance(60))
                {
                    _code.Byte(0x41);
                    _code.S64(Next(70));
                }
                else
                {
                    Expression(I32, depth + 2);
                }

                Prefixed(0x6B + (0x20 * shape) + Next(3));
                break;
            case 13: // splats
                int splat = Next(6);
                Expression(splat switch { 3 => I64, 4 => F32, 5 => F64, _ => I32 }, depth + 1);
                Prefixed(0x0F + splat);
                break;
            case 14: // lanes replaced
                (int opcode, int type, int lanes) = ((int, int, int)[])[(0x17, I32, 16), (0x1A, I32, 8), (0x1C, I32, 4), (0x1E, I64, 2), (0x20, F32, 4), (0x22, F64, 2)] is var forms ? forms[Next(6)] : default;
                Expression(V128, depth + 1);
                Expression(type, depth + 1);
                Prefixed(opcode);
                _code.Byte(Next(lanes));
                break;
            case 15 or 16:
                Shuffle(depth);
                break;
            case 17: // conversions
                Expression(V128, depth + 1);
                int conversion = Next(10);
                Prefixed(conversion < 8 ? 0xF8 + conversion : 0x5E + conversion - 8);
                if (conversion >= 8)
                {
                    CanonicaliseVector(conversion == 9);
                }

                break;
            default: // floats
                int wide = Next(2);
                Expression(V128, depth + 1);
                if (Chance(30))
                {
                    Prefixed(s_floatUnary[wide][Next(s_floatUnary[wide].Length)]);
                }
                else
                {
                    Expression(V128, depth + 1);
                    Prefixed(s_floatBinary[wide][Next(s_floatBinary[wide].Length)]);
                }

                CanonicaliseVector(wide == 1);
                break;
        }
    }

    private void Shuffle(int depth)
    {
        Expression(V128, depth + 1);
        Expression(V128, depth + 1);
        Prefixed(0x0D);
        int unit = 1 << Next(4);
        int units = 16 / unit;
        int kind = Next(5), start = Next(units);
        for (int u = 0; u < units; u++)
        {
            int from = kind switch
            {
                0 => u + start,
                1 => (u / 2) + ((u & 1) * units),
                2 => (units / 2) + (u / 2) + ((u & 1) * units),
                3 => u + (Next(2) * units),
                _ => Next(2 * units),
            };
            for (int k = 0; k < unit; k++)
            {
                _code.Byte((from * unit) + k);
            }
        }
    }

    private void VectorLoad(int depth)
    {
        int kind = Next(17);
        if (kind >= 13)
        {
            // A lane of a vector that comes first on the stack after the address.
            Address(depth);
            Expression(V128, depth + 1);
            Prefixed(0x54 + kind - 13);
            MemoryOperand(kind - 13);
            _code.Byte(Next(16 >> (kind - 13)));
            return;
        }

        Address(depth);
        (int opcode, int log2) = kind switch { 0 => (0, 4), <= 6 => (kind, 3), <= 10 => (kind, kind - 7), 11 => (0x5C, 2), _ => (0x5D, 3) };
        Prefixed(opcode);
        MemoryOperand(log2);
    }

    private void VectorStore(int depth)
    {
        Address(depth);
        Expression(V128, depth + 1);
        int log2 = Next(8);
        if (log2 < 4)
        {
            Prefixed(0x58 + log2);
            MemoryOperand(log2);
            _code.Byte(Next(16 >> log2));
        }
        else
        {
            Prefixed(0x0B);
            MemoryOperand(4);
        }
    }

    // A number out of a vector; false if there is none of the type.
    private void Scalar(int type, int depth)
    {
        Expression(V128, depth + 1);
        switch (type)
        {
            case I32:
                int test = Next(10);
                if (test < 5)
                {
                    Prefixed(test switch { 0 => 0x53, 1 => 0x63 + (0x20 * Next(4)), _ => 0x64 + (0x20 * Next(4)) });
                    return;
                }

                (int opcode, int lanes) = test switch { 5 => (0x15, 16), 6 => (0x16, 16), 7 => (0x18, 8), 8 => (0x19, 8), _ => (0x1B, 4) };
                Prefixed(opcode);
                _code.Byte(Next(lanes));
                break;
            case I64:
                Prefixed(0x1D);
                _code.Byte(Next(2));
                break;
            case F32:
                Prefixed(0x1F);
                _code.Byte(Next(4));
                Canonicalise(F32);
                break;
            default:
                Prefixed(0x21);
                _code.Byte(Next(2));
                Canonicalise(F64);
                break;
        }
    }

    private void CanonicaliseVector(bool wide)
    {
        _code.Byte(0x22);
        _code.U32((uint)_scratchVector);
        Prefixed(0x0C);
        for (int i = 0; i < 16; i++)
        {
            _code.Byte(wide ? (i & 7) switch { 6 => 0xF8, 7 => 0x7F, _ => 0 } : (i & 3) switch { 2 => 0xC0, 3 => 0x7F, _ => 0 });
        }

        _code.Byte(0x20);
        _code.U32((uint)_scratchVector);
        _code.Byte(0x20);
        _code.U32((uint)_scratchVector);
        Prefixed(wide ? 0x47 : 0x41);
        Prefixed(0x52);
    }
}
