// Swapping bytes. WebAssembly has no instruction for it, so compilers write it as a tree of shifts, masks, rotations and ors; big-endian formats and hashes are
// full of them. Each node of such a tree says where each of its bytes comes from: a byte of one value, or zero. If the root's bytes are those of one value
// from back to front, the tree is one instruction. Only nodes that nothing else uses are looked through, all others are taken as the value; the walk is bounded.
namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;
using Tarn.Compiler.Machine;

/// <content>Bytes.</content>
internal sealed partial class X64Lowering
{
    private const int ByteTreeDepth = 10;
    private const int ByteTreeNodes = 48;
    private const ulong NoByte = 0xF;

    private Value _byteSource;
    private int _byteNodes;

    // The root is an or.
    private bool TryLowerByteSwap(Value i, int width, Value a, Value b)
    {
        if (!IsByteNode(a) || !IsByteNode(b))
        {
            return false;
        }

        _byteSource = Value.None;
        _byteNodes = 0;
        if (!TryMapBytes(a, width, ByteTreeDepth, out var left) || !TryMapBytes(b, width, ByteTreeDepth, out var right)
            || !TryUnite(left, right, width, out var map) || map != (width == 4 ? 0x0123UL : 0x01234567UL))
        {
            return false;
        }

        MergeBytes(a);
        MergeBytes(b);
        var v = Use(_byteSource);
        Begin(X64Opcode.ByteSwap, width);
        Add(_virtual[i], OperandKind.DefTied);
        Add(v, OperandKind.UseTied);
        return true;
    }

    private bool IsByteNode(Value value)
    {
        if (!IsMergeable(value))
        {
            return false;
        }

        ref var instruction = ref _ir.Get(value);
        return instruction.Opcode switch
        {
            IrOpcode.Or => true,
            IrOpcode.And => _ir.IsConstant(instruction.ValueB, out _),
            IrOpcode.ShiftLeft or IrOpcode.ShiftRightUnsigned or IrOpcode.RotateLeft or IrOpcode.RotateRight => _ir.IsConstant(instruction.ValueB, out var count) && count % 8 == 0,
            _ => false,
        };
    }

    // Four bits for each byte of a value, the lowest first: which byte of the source it is, or none.
    private bool TryMapBytes(Value value, int width, int depth, out ulong map)
    {
        map = 0;
        if (++_byteNodes > ByteTreeNodes)
        {
            return false;
        }

        if (depth == 0 || !IsByteNode(value))
        {
            if (_byteSource < 0)
            {
                _byteSource = value;
            }

            map = width == 4 ? 0x3210UL : 0x76543210UL;
            return value == _byteSource;
        }

        ref var instruction = ref _ir.Get(value);
        if (!TryMapBytes(instruction.ValueA, width, depth - 1, out map))
        {
            return false;
        }

        if (instruction.Opcode == IrOpcode.Or)
        {
            return TryMapBytes(instruction.ValueB, width, depth - 1, out var other) && TryUnite(map, other, width, out map);
        }

        _ = _ir.IsConstant(instruction.ValueB, out var bits);
        var all = (1UL << (4 * width)) - 1;
        if (instruction.Opcode == IrOpcode.And)
        {
            for (var k = 0; k < width; k++)
            {
                var kept = bits >> (8 * k) & 0xFF;
                if (kept == 0)
                {
                    map |= NoByte << (4 * k);
                }
                else if (kept != 0xFF)
                {
                    return false;
                }
            }

            return true;
        }

        // Counts are modulo the width; eight bits are four here.
        var count = (int)(bits & (ulong)(8 * width - 1)) / 2;
        map = instruction.Opcode switch
        {
            _ when count == 0 => map,
            IrOpcode.ShiftLeft => (map << count & all) | ((1UL << count) - 1),
            IrOpcode.ShiftRightUnsigned => map >> count | (all & ~(all >> count)),
            IrOpcode.RotateLeft => (map << count & all) | map >> (4 * width - count),
            _ => map >> count | (map << (4 * width - count) & all),
        };
        return true;
    }

    // Each byte of an or must come from one side, the other being zero there.
    private static bool TryUnite(ulong a, ulong b, int width, out ulong map)
    {
        map = 0;
        for (var k = 0; k < width; k++)
        {
            var x = a >> (4 * k) & NoByte;
            var y = b >> (4 * k) & NoByte;
            if (x != NoByte && y != NoByte)
            {
                return false;
            }

            map |= (x & y) << (4 * k);
        }

        return true;
    }

    // The same walk again, which ends at the source.
    private void MergeBytes(Value value)
    {
        if (value == _byteSource)
        {
            return;
        }

        _merged[value] = true;
        ref var instruction = ref _ir.Get(value);
        MergeBytes(instruction.ValueA);
        if (instruction.Opcode == IrOpcode.Or)
        {
            MergeBytes(instruction.ValueB);
        }
    }
}
