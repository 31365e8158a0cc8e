// The hot loop: dispatch on the opcode byte, the frequent instructions written out, everything else handed to .Control and .Other.
//
// Its state lives in locals so that the JIT keeps it in registers; calls out are wrapped in `_sp = sp; …; sp = _sp`, and `at` goes to _at so that errors
// know their instruction. Fast paths compare types for identity; whatever fails goes to a slow path that knows subtyping, unreachable code
// and error messages. A fast path never decides that something is wrong.
//
// Reading without bounds checks: the last byte of the body is 0x0B, which is below 0x80 and is an opcode without immediates. An opcode is read
// after `ip < end`. If ip == end - 1 the opcode is 0x0B and reads nothing more; so whatever has an immediate reads its first byte
// at end - 1 at the latest, and a LEB128 that begins before the end stops at that last byte, if not earlier. Second immediates compare with `end` again.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Validation;

internal sealed unsafe partial class FunctionValidator
{
    private void Run(byte* ip, byte* end)
    {
        int* sp = _sp;
        int* bottom = _bottom;
        int* locals = _locals;
        uint localCount = (uint)_localCount;
        int address = _module.MemoryArray.Length == 0 ? -1 : _module.MemoryArray[0].Limits.Is64 ? I64 : I32;
        uint vectorOpcodes = (_features & WasmFeatures.Simd) != 0 ? 0x100u : 0;
        ref ulong signatures = ref Opcodes.SignatureReference;

        while (ip < end)
        {
            byte* at = ip;
            byte op = *ip++;
            switch (op)
            {
                case (byte)Opcode.Unreachable:
                    _at = at;
                    SetUnreachable();
                    sp = bottom;
                    continue;

                case (byte)Opcode.Nop:
                    continue;

                case (byte)Opcode.Block:
                case (byte)Opcode.Loop:
                    if (*ip == 0x40)
                    {
                        ip++;
                        _sp = sp;
                        _at = at;
                        EnterFrame(op, EmptyBlock, 0);
                        bottom = sp;
                        continue;
                    }

                    if (*ip is >= F64 and <= I32)
                    {
                        _sp = sp;
                        _at = at;
                        EnterFrame(op, SingleResult, *ip++);
                        bottom = sp;
                        continue;
                    }

                    break;

                case (byte)Opcode.If:
                    if (*ip == 0x40 && sp > bottom && sp[-1] == I32)
                    {
                        ip++;
                        _sp = --sp;
                        _at = at;
                        EnterFrame(op, EmptyBlock, 0);
                        bottom = sp;
                        continue;
                    }

                    break;

                case (byte)Opcode.End:
                    {
                        Frame* frame = &_frames[_depth - 1];
                        if (frame->BlockType == EmptyBlock && sp == bottom && _depth > 1)
                        {
                            if (_initializedCount > frame->InitializedCount)
                                ForgetInitialized(frame->InitializedCount);
                            _depth--;
                            bottom = _bottom = _stack + frame[-1].Height;
                            continue;
                        }

                        // One result that is there already, and stays. An if needs its else for that.
                        if (frame->BlockType == SingleResult && sp == bottom + 1 && sp[-1] == frame->Result && frame->Opcode != (byte)Opcode.If && _depth > 1)
                        {
                            if (_initializedCount > frame->InitializedCount)
                                ForgetInitialized(frame->InitializedCount);
                            _depth--;
                            bottom = _bottom = _stack + frame[-1].Height;
                            continue;
                        }

                        _sp = sp;
                        _at = at;
                        LeaveFrame();
                        if (_depth == 0)
                        {
                            if (ip != end)
                                MalformedModuleException.Throw("unexpected content after the end of the function (section size mismatch, END opcode expected)", ip - _code);
                            return;
                        }

                        sp = _sp;
                        bottom = _bottom;
                        continue;
                    }

                case (byte)Opcode.Br:
                case (byte)Opcode.BrIf:
                    {
                        uint label = *ip;
                        if (label >= 0x80 || label >= (uint)_depth)
                            break;
                        Frame* frame = &_frames[_depth - 1 - (int)label];
                        if (frame->BlockType != EmptyBlock)
                            break;
                        if (op == (byte)Opcode.BrIf)
                        {
                            if (sp == bottom || sp[-1] != I32)
                                break;
                            sp--;
                        }
                        else
                        {
                            SetUnreachable();
                            sp = bottom;
                        }

                        ip++;
                        continue;
                    }

                case (byte)Opcode.Call:
                    {
                        uint function = *ip++;
                        if (function >= 0x80)
                        {
                            ulong read = ReadU32(ip - 1);
                            function = (uint)read;
                            ip += (int)(read >> 32) - 1;
                        }

                        if (function >= (uint)_context.FunctionCount)
                            break;
                        SignatureShape* shape = &_shapes[_context.FunctionTypes[function]];
                        int count = shape->ParameterCount;
                        int* types = _signatureTypes + shape->ParameterStart;
                        if (sp >= bottom + count)
                        {
                            int i = 0;
                            while (i < count && sp[i - count] == types[i])
                                i++;
                            if (i == count && shape->ResultCount <= 1)
                            {
                                sp -= count;
                                if (shape->ResultCount != 0)
                                    *sp++ = _signatureTypes[shape->ResultStart];
                                continue;
                            }
                        }

                        _sp = sp;
                        _at = at;
                        ApplySignature(*shape);
                        sp = _sp;
                        bottom = _bottom;
                        continue;
                    }

                case (byte)Opcode.Drop:
                    if (sp == bottom)
                        break;
                    sp--;
                    continue;

                case (byte)Opcode.Select:
                    if (sp >= bottom + 3 && sp[-1] == I32 && sp[-2] == sp[-3] && (sp[-2] & ValType.ReferenceBit) == 0)
                    {
                        sp -= 2;
                        continue;
                    }

                    break;

                case (byte)Opcode.LocalGet:
                    {
                        uint local = *ip++;
                        if (local >= 0x80)
                        {
                            ulong read = ReadU32(ip - 1);
                            local = (uint)read;
                            ip += (int)(read >> 32) - 1;
                        }

                        if (local >= localCount || locals[local] < 0)
                            break;
                        *sp++ = locals[local];
                        continue;
                    }

                case (byte)Opcode.LocalSet:
                    {
                        uint local = *ip++;
                        if (local >= 0x80)
                        {
                            ulong read = ReadU32(ip - 1);
                            local = (uint)read;
                            ip += (int)(read >> 32) - 1;
                        }

                        if (local >= localCount || sp == bottom || sp[-1] != locals[local])
                            break;
                        sp--;
                        continue;
                    }

                case (byte)Opcode.LocalTee:
                    {
                        uint local = *ip++;
                        if (local >= 0x80)
                        {
                            ulong read = ReadU32(ip - 1);
                            local = (uint)read;
                            ip += (int)(read >> 32) - 1;
                        }

                        if (local >= localCount || sp == bottom || sp[-1] != locals[local])
                            break;
                        continue;
                    }

                case (byte)Opcode.GlobalGet:
                    {
                        uint global = *ip;
                        if (global >= 0x80 || global >= (uint)_context.GlobalCount)
                            break;
                        ip++;
                        *sp++ = _context.GlobalTypes[global] & ~ValidationContext.Immutable;
                        continue;
                    }

                case (byte)Opcode.GlobalSet:
                    {
                        uint global = *ip;
                        if (global >= 0x80 || global >= (uint)_context.GlobalCount || sp == bottom || sp[-1] != _context.GlobalTypes[global])
                            break;
                        ip++;
                        sp--;
                        continue;
                    }

                case (byte)Opcode.I32Load:
                case (byte)Opcode.I64Load:
                case (byte)Opcode.F32Load:
                case (byte)Opcode.F64Load:
                case (byte)Opcode.I32Load8S:
                case (byte)Opcode.I32Load8U:
                case (byte)Opcode.I32Load16S:
                case (byte)Opcode.I32Load16U:
                case (byte)Opcode.I64Load8S:
                case (byte)Opcode.I64Load8U:
                case (byte)Opcode.I64Load16S:
                case (byte)Opcode.I64Load16U:
                case (byte)Opcode.I64Load32S:
                case (byte)Opcode.I64Load32U:
                    // ip[0] is an immediate's first byte; the offset's bytes are compared with the end by ShortOffset.
                    if (sp > bottom && sp[-1] == address && *ip <= Opcodes.AlignmentAt(op) && ShortOffset(ip, end, out int loadSize))
                    {
                        ip += loadSize;
                        sp[-1] = (byte)(Unsafe.Add(ref signatures, op) >> 48);
                        continue;
                    }

                    break;

                case (byte)Opcode.I32Store:
                case (byte)Opcode.I64Store:
                case (byte)Opcode.F32Store:
                case (byte)Opcode.F64Store:
                case (byte)Opcode.I32Store8:
                case (byte)Opcode.I32Store16:
                case (byte)Opcode.I64Store8:
                case (byte)Opcode.I64Store16:
                case (byte)Opcode.I64Store32:
                    if (sp >= bottom + 2 && sp[-2] == address && sp[-1] == (byte)(Unsafe.Add(ref signatures, op) >> 16)
                        && *ip <= Opcodes.AlignmentAt(op) && ShortOffset(ip, end, out int storeSize))
                    {
                        ip += storeSize;
                        sp -= 2;
                        continue;
                    }

                    break;

                case (byte)Opcode.I32Const:
                    if (*ip < 0x80)
                        ip++;
                    else
                        ip += ReadS32Size(ip);
                    *sp++ = I32;
                    continue;

                case (byte)Opcode.I64Const:
                    if (*ip < 0x80)
                        ip++;
                    else
                        ip += ReadS64Size(ip);
                    *sp++ = I64;
                    continue;

                case (byte)Opcode.F32Const:
                    if (end - ip < 4)
                        break;
                    ip += 4;
                    *sp++ = F32;
                    continue;

                case (byte)Opcode.F64Const:
                    if (end - ip < 8)
                        break;
                    ip += 8;
                    *sp++ = F64;
                    continue;

                case (byte)Opcode.I32Eqz or (byte)Opcode.I64Eqz:
                case >= (byte)Opcode.I32Clz and <= (byte)Opcode.I32Popcnt:
                case >= (byte)Opcode.I64Clz and <= (byte)Opcode.I64Popcnt:
                case >= (byte)Opcode.F32Abs and <= (byte)Opcode.F32Sqrt:
                case >= (byte)Opcode.F64Abs and <= (byte)Opcode.F64Sqrt:
                case >= (byte)Opcode.I32WrapI64 and <= (byte)Opcode.F64ReinterpretI64:
                    {
                        ulong signature = Unsafe.Add(ref signatures, op);
                        if (sp == bottom || sp[-1] != (byte)(signature >> 8))
                            break;
                        sp[-1] = (byte)(signature >> 48);
                        continue;
                    }

                case >= (byte)Opcode.I32Eq and <= (byte)Opcode.I32GeU:
                case >= (byte)Opcode.I64Eq and <= (byte)Opcode.F64Ge:
                case >= (byte)Opcode.I32Add and <= (byte)Opcode.I32Rotr:
                case >= (byte)Opcode.I64Add and <= (byte)Opcode.I64Rotr:
                case >= (byte)Opcode.F32Add and <= (byte)Opcode.F32Copysign:
                case >= (byte)Opcode.F64Add and <= (byte)Opcode.F64Copysign:
                    {
                        ulong signature = Unsafe.Add(ref signatures, op);
                        int operand = (byte)(signature >> 8);
                        if (sp < bottom + 2 || sp[-1] != operand || sp[-2] != operand)
                            break;
                        sp--;
                        sp[-1] = (byte)(signature >> 48);
                        continue;
                    }

                case 0xFD:
                    {
                        // As for any immediate: a second byte is read only where the first says that it is not the last.
                        uint code = *ip;
                        byte* next = ip + 1;
                        if (code >= 0x80)
                        {
                            if (*next >= 0x80)
                                break;
                            code = (code & 0x7F) | ((uint)*next++ << 7);
                        }

                        if (code >= vectorOpcodes)
                            break;
                        ulong signature = Unsafe.Add(ref signatures, (int)(0x400 + code));
                        switch (Opcodes.Immediate((Opcode)(0x400 + code)))
                        {
                            case ImmediateKind.None:
                                int count = (byte)signature;
                                if (sp < bottom + count || !OperandsMatch(sp - count, count, signature))
                                    goto slow;
                                sp -= count;
                                *sp++ = (byte)(signature >> 48);
                                ip = next;
                                continue;
                            case ImmediateKind.Memarg when (byte)signature == 1:
                                if (sp > bottom && sp[-1] == address && next < end && *next <= Opcodes.Alignment((Opcode)(0x400 + code)) && ShortOffset(next, end, out int vectorLoadSize))
                                {
                                    sp[-1] = V128;
                                    ip = next + vectorLoadSize;
                                    continue;
                                }

                                goto slow;
                            case ImmediateKind.Memarg:
                                if (sp >= bottom + 2 && sp[-2] == address && sp[-1] == V128 && next < end && *next <= 4 && ShortOffset(next, end, out int vectorStoreSize))
                                {
                                    sp -= 2;
                                    ip = next + vectorStoreSize;
                                    continue;
                                }

                                goto slow;
                            case ImmediateKind.V128:
                                if (end - next < 16)
                                    goto slow;
                                *sp++ = V128;
                                ip = next + 16;
                                continue;
                            case ImmediateKind.Shuffle:
                                if (end - next < 16 || sp < bottom + 2 || sp[-1] != V128 || sp[-2] != V128
                                    || !Vector128.LessThanAll(Vector128.Load(next), Vector128.Create((byte)32)))
                                {
                                    goto slow;
                                }

                                sp--;
                                ip = next + 16;
                                continue;
                            case ImmediateKind.Lane:
                                int operands = (byte)signature;
                                if (next >= end || *next >= LaneCount((Opcode)(0x400 + code)) || sp < bottom + operands || !OperandsMatch(sp - operands, operands, signature))
                                    goto slow;
                                sp -= operands;
                                *sp++ = (byte)(signature >> 48);
                                ip = next + 1;
                                continue;
                            default:
                                goto slow;
                        }
                    }
            }

        slow:
            // Not handled above, or not on a fast path: decoded afresh from the opcode on.
            _sp = sp;
            _at = at;
            _next = at;
            Instruction();
            sp = _sp;
            bottom = _bottom;
            ip = _next;
        }

        BodyStructure.ThrowMissingEnd(_module, (int)(end - _code));
    }

    // Whether operands are those of a signature exactly; never for an opcode that does not exist, whose signature says 0xFF operands.
    private static bool OperandsMatch(int* operands, int count, ulong signature)
    {
        if (count > 4)
            return false;
        for (int i = 0; i < count; i++)
        {
            if (operands[i] != (byte)(signature >> (8 + (i * 8))))
                return false;
        }

        return true;
    }

    // An offset of one or two bytes behind an alignment byte below 0x40 (memory 0): 14 bits, valid for any memory.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ShortOffset(byte* ip, byte* end, out int size)
    {
        size = 2;
        if (end - ip < 3)
            return false;
        if (ip[1] < 0x80)
            return true;
        size = 3;
        return ip[2] < 0x80;
    }

    // Reads an unsigned LEB128 that is known not to run past the body (see the top): value in the lower half, size in the upper.
    private ulong ReadU32(byte* ip)
    {
        uint value = ip[0] & 0x7Fu;
        uint next = ip[1];
        value |= (next & 0x7F) << 7;
        if (next < 0x80)
            return value | (2UL << 32);
        for (int size = 2, shift = 14; ; size++, shift += 7)
        {
            next = ip[size];
            if (shift == 28 && next > 0x0F)
                MalformedModuleException.Throw(next >= 0x80 ? "integer representation too long" : "integer too large", ip + size - _code);
            value |= (next & 0x7F) << shift;
            if (next < 0x80)
                return value | ((ulong)(uint)(size + 1) << 32);
        }
    }

    // Sizes of signed constants of several bytes; their values are not needed.
    private int ReadS32Size(byte* ip)
    {
        for (int size = 1; size < 4; size++)
        {
            if (ip[size] < 0x80)
                return size + 1;
        }

        byte last = ip[4];
        if (last >= 0x80 || ((last & 0x78) != 0 && (last & 0x78) != 0x78))
            MalformedModuleException.Throw(last >= 0x80 ? "integer representation too long" : "integer too large", ip + 4 - _code);
        return 5;
    }

    private int ReadS64Size(byte* ip)
    {
        for (int size = 1; size < 9; size++)
        {
            if (ip[size] < 0x80)
                return size + 1;
        }

        byte last = ip[9];
        if (last is not (0 or 0x7F))
            MalformedModuleException.Throw(last >= 0x80 ? "integer representation too long" : "integer too large", ip + 9 - _code);
        return 10;
    }
}
