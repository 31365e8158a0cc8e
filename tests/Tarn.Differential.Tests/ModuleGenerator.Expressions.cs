// The expressions and memory accesses that the generator makes. Every arithmetic result that may be a NaN is made canonical here.
namespace Tarn.Differential.Tests;

internal sealed partial class ModuleGenerator
{
    private void Address(int depth)
    {
        // Mostly inside the first page, at times anywhere.
        Expression(I32, depth + 2);
        if (Chance(99))
        {
            _code.Byte(0x41);
            _code.S64(Chance(50) ? 0xFF : 0xFF38);
            _code.Byte(0x71);
        }

        if (_memory64)
        {
            _code.Byte(Chance(50) ? 0xAC : 0xAD);
        }
    }

    private void MemoryOperand(int log2)
    {
        _code.U32((uint)Next(log2 + 1));
        _code.U64(Next(400) switch { 0 => 0xFFFF, 1 => 65528, 2 => 0x10000, 3 => 0x7FFFFFFF, 4 => 0xFFFFFFFF, < 200 => 0, _ => (ulong)Next(64) });
    }

    private void Store(int depth)
    {
        if (_vectors && Chance(50))
        {
            VectorStore(depth);
            return;
        }

        (int opcode, int type, int log2) = Next(9) switch
        {
            0 => (0x36, I32, 2),
            1 => (0x37, I64, 3),
            2 => (0x38, F32, 2),
            3 => (0x39, F64, 3),
            4 => (0x3A, I32, 0),
            5 => (0x3B, I32, 1),
            6 => (0x3C, I64, 0),
            7 => (0x3D, I64, 1),
            _ => (0x3E, I64, 2),
        };
        Address(depth);
        Expression(type, depth + 1);
        _code.Byte(opcode);
        MemoryOperand(log2);
    }

    private void Bulk(int depth)
    {
        switch (Next(8))
        {
            case 0: // fill
                Address(depth);
                Expression(I32, depth + 2);
                Length(depth);
                _code.Bytes([0xFC, 11, 0]);
                break;
            case 1 or 2: // copy, often overlapping
                Address(depth);
                Address(depth);
                Length(depth);
                _code.Bytes([0xFC, 10, 0, 0]);
                break;
            case 3: // init from the passive segment
                Address(depth);
                _code.Byte(0x41);
                _code.S64(Next(34));
                _code.Byte(0x41);
                _code.S64(Next(20));
                _code.Bytes([0xFC, 8, 1, 0]);
                break;
            case 4 when Chance(20):
                _code.Bytes([0xFC, 9, 1]); // data.drop
                break;
            case 5: // table.init
                _code.Byte(0x41);
                _code.S64(Next(12));
                _code.Byte(0x41);
                _code.S64(Next(4));
                _code.Byte(0x41);
                _code.S64(Next(4));
                _code.Bytes([0xFC, 12, 1, 0]);
                break;
            case 6: // table.set from table.get
                Expression(I32, depth + 2);
                _code.Bytes([0x41, 7, 0x71]);
                Expression(I32, depth + 2);
                _code.Bytes([0x41, 7, 0x71, 0x25, 0, 0x26, 0]);
                break;
            default: // memory.grow by 0 or 1, result dropped
                if (_memory64)
                {
                    _code.Bytes([0x42, (byte)Next(2), 0x40, 0, 0x1A]);
                }
                else
                {
                    _code.Bytes([0x41, (byte)Next(2), 0x40, 0, 0x1A]);
                }

                break;
        }
    }

    private void Length(int depth)
    {
        Expression(I32, depth + 3);
        _code.Byte(0x41);
        _code.S64(0x7F);
        _code.Byte(0x71);
        if (_memory64)
        {
            _code.Byte(0xAD);
        }
    }

    private void Constant(int type)
    {
        switch (type)
        {
            case I32:
                _code.Byte(0x41);
                _code.S64((int)(Chance(60) ? s_oddIntegers[Next(s_oddIntegers.Length)] : _random.NextInt64()));
                break;
            case I64:
                _code.Byte(0x42);
                _code.S64(Chance(60) ? s_oddIntegers[Next(s_oddIntegers.Length)] : _random.NextInt64());
                break;
            case F32:
                _code.Byte(0x43);
                _code.F32((float)s_oddFloats[Next(s_oddFloats.Length)]);
                break;
            case V128:
                VectorConstant();
                break;
            default:
                _code.Byte(0x44);
                _code.F64(s_oddFloats[Next(s_oddFloats.Length)]);
                break;
        }
    }

    private void Leaf(int type)
    {
        if (Chance(70))
        {
            int start = Next(_locals.Count - _scratches);
            for (int i = 0; i < _locals.Count - _scratches; i++)
            {
                int at = (start + i) % (_locals.Count - _scratches);
                if (_locals[at] == type)
                {
                    _code.Byte(0x20);
                    _code.U32((uint)at);
                    return;
                }
            }
        }

        if (Chance(40))
        {
            int global = _globalTypes.IndexOf(type);
            if (global >= 0)
            {
                _code.Byte(0x23);
                _code.U32((uint)global);
                return;
            }
        }

        Constant(type);
    }

    private void Expression(int type, int depth)
    {
        if (type == ExnRef)
        {
            _code.Byte(0x20);
            _code.U32((uint)_scratchException);
            return;
        }

        _budget--;
        if (depth > MaxDepth || _budget <= 0 || Chance(18))
        {
            Leaf(type);
            return;
        }

        switch (Next(14))
        {
            case 0: // select
                Expression(type, depth + 1);
                Expression(type, depth + 1);
                Expression(I32, depth + 1);
                if (Chance(50))
                {
                    _code.Byte(0x1B);
                }
                else
                {
                    _code.Bytes([0x1C, 1, (byte)type]);
                }

                return;
            case 1: // if with a result
                Expression(I32, depth + 1);
                _code.Bytes([0x04, (byte)type]);
                _labelTypes.Add([type]);
                Expression(type, depth + 1);
                _code.Byte(0x05);
                Expression(type, depth + 1);
                _labelTypes.RemoveAt(_labelTypes.Count - 1);
                _code.Byte(0x0B);
                return;
            case 2: // block with a result and an early exit
                _code.Bytes([0x02, (byte)type]);
                _labelTypes.Add([type]);
                Expression(type, depth + 1);
                Expression(I32, depth + 1);
                _code.Bytes([0x0D, 0]);
                if (Chance(50))
                {
                    _code.Byte(0x1A);
                    Expression(type, depth + 1);
                }

                _labelTypes.RemoveAt(_labelTypes.Count - 1);
                _code.Byte(0x0B);
                return;
            case 3: // local.tee
                int local = _locals.FindIndex(t => t == type);
                if (local >= 0 && local < _locals.Count - _scratches)
                {
                    Expression(type, depth + 1);
                    _code.Byte(0x22);
                    _code.U32((uint)local);
                    return;
                }

                break;
            case 4 when type == V128:
                VectorLoad(depth);
                return;
            case 4:
                Load(type, depth);
                return;
            case 7 or 8 or 9 when _vectors && type != V128:
                Scalar(type, depth);
                return;
            case 5 when type == I64 && Chance(40): // the host function
                Expression(I32, depth + 1);
                Expression(I64, depth + 1);
                Expression(F32, depth + 1);
                Expression(F64, depth + 1);
                _code.Bytes([0x10, 0]);
                return;
            case 6 when type == I32 && Chance(30):
                if (_memory64)
                {
                    _code.Bytes([0x3F, 0, 0xA7]);
                }
                else
                {
                    _code.Bytes([0x3F, 0]);
                }

                return;
            default:
                break;
        }

        switch (type)
        {
            case I32:
                Integer(depth, I32, 0x67, 0x6A);
                break;
            case I64:
                Integer(depth, I64, 0x79, 0x7C);
                break;
            case F32:
                Float(depth, F32);
                break;
            case V128:
                Vector(depth);
                break;
            default:
                Float(depth, F64);
                break;
        }
    }

    private void Load(int type, int depth)
    {
        (int opcode, int log2) = type switch
        {
            I32 => Next(5) switch { 0 => (0x28, 2), 1 => (0x2C, 0), 2 => (0x2D, 0), 3 => (0x2E, 1), _ => (0x2F, 1) },
            I64 => Next(7) switch { 0 => (0x29, 3), 1 => (0x30, 0), 2 => (0x31, 0), 3 => (0x32, 1), 4 => (0x33, 1), 5 => (0x34, 2), _ => (0x35, 2) },
            F32 => (0x2A, 2),
            _ => (0x2B, 3),
        };
        Address(depth);
        _code.Byte(opcode);
        MemoryOperand(log2);
        if (type is F32 or F64)
        {
            Canonicalise(type);
        }
    }

    private void Integer(int depth, int type, int unary, int binary)
    {
        int kind = Next(20);
        if (kind == 0) // clz, ctz, popcnt
        {
            Expression(type, depth + 1);
            _code.Byte(unary + Next(3));
        }
        else if (kind == 1) // sign extension
        {
            Expression(type, depth + 1);
            _code.Byte(type == I32 ? 0xC0 + Next(2) : 0xC2 + Next(3));
        }
        else if (kind is 2 or 3 or 4 && type == I32) // comparisons
        {
            int of = s_valueTypes[Next(4)];
            if (Chance(20))
            {
                int integer = Chance(50) ? I32 : I64;
                Expression(integer, depth + 1);
                _code.Byte(integer == I32 ? 0x45 : 0x50);
                return;
            }

            Expression(of, depth + 1);
            Expression(of, depth + 1);
            _code.Byte(of switch { I32 => 0x46 + Next(10), I64 => 0x51 + Next(10), F32 => 0x5B + Next(6), _ => 0x61 + Next(6) });
        }
        else if (kind is 5 or 6) // conversions
        {
            switch (Next(4))
            {
                case 0:
                    Expression(type == I32 ? I64 : I32, depth + 1);
                    _code.Byte(type == I32 ? 0xA7 : Chance(50) ? 0xAC : 0xAD);
                    break;
                case 1: // saturating
                    int from = Chance(50) ? F32 : F64;
                    Expression(from, depth + 1);
                    _code.Bytes([0xFC, (byte)((type == I32 ? 0 : 4) + (from == F32 ? 0 : 2) + Next(2))]);
                    break;
                case 2: // reinterpretation
                    Expression(type == I32 ? F32 : F64, depth + 1);
                    _code.Byte(type == I32 ? 0xBC : 0xBD);
                    break;
                default: // trapping truncation of a value that is mostly in range
                    Expression(F64, depth + 1);
                    _code.Byte(0x9D);
                    _code.Byte(0x44);
                    _code.F64(1e9);
                    _code.Byte(0xA4);
                    _code.Byte(0x44);
                    _code.F64(Chance(80) ? -1.5 : -1e9);
                    _code.Byte(0xA5);
                    Canonicalise(F64);
                    _code.Byte((type == I32 ? 0xAA : 0xB0) + (Chance(50) ? 0 : 1));
                    break;
            }
        }
        else // binary: add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr
        {
            int op = Next(15);
            Expression(type, depth + 1);
            if (Chance(40))
            {
                Constant(type);
            }
            else
            {
                Expression(type, depth + 1);
            }

            if (op is >= 3 and <= 6 && Chance(95))
            {
                Constant(type); // or-ed with an odd number, a divisor is seldom zero
                _code.Bytes(type == I32 ? [0x41, 1, 0x72, 0x72] : [0x42, 1, 0x84, 0x84]);
            }

            _code.Byte(binary + op);
        }
    }

    private void Float(int depth, int type)
    {
        int kind = Next(10);
        int unary = type == F32 ? 0x8B : 0x99; // abs neg ceil floor trunc nearest sqrt
        int binary = type == F32 ? 0x92 : 0xA0; // add sub mul div min max copysign
        if (kind < 2)
        {
            Expression(type, depth + 1);
            _code.Byte(unary + Next(7));
        }
        else if (kind < 4)
        {
            switch (Next(4))
            {
                case 0: // i32 → float
                    Expression(I32, depth + 1);
                    _code.Byte((type == F32 ? 0xB2 : 0xB7) + Next(2));
                    return;
                case 1: // i64 → float
                    Expression(I64, depth + 1);
                    _code.Byte((type == F32 ? 0xB4 : 0xB9) + Next(2));
                    return;
                case 2: // promote, demote
                    Expression(type == F32 ? F64 : F32, depth + 1);
                    _code.Byte(type == F32 ? 0xB6 : 0xBB);
                    break;
                default:
                    Expression(type == F32 ? I32 : I64, depth + 1);
                    _code.Byte(type == F32 ? 0xBE : 0xBF);
                    break;
            }
        }
        else
        {
            Expression(type, depth + 1);
            Expression(type, depth + 1);
            _code.Byte(binary + Next(7));
        }

        Canonicalise(type);
    }

    // x == x ? x : canonical NaN
    private void Canonicalise(int type)
    {
        uint scratch = (uint)(type == F32 ? _scratch32 : _scratch64);
        _code.Byte(0x22);
        _code.U32(scratch);
        _code.Byte(type == F32 ? 0x43 : 0x44);
        if (type == F32)
        {
            _code.Bytes([0, 0, 0xC0, 0x7F]);
        }
        else
        {
            _code.Bytes([0, 0, 0, 0, 0, 0, 0xF8, 0x7F]);
        }

        _code.Byte(0x20);
        _code.U32(scratch);
        _code.Byte(0x20);
        _code.U32(scratch);
        _code.Byte(type == F32 ? 0x5B : 0x61);
        _code.Byte(0x1B);
    }
}
