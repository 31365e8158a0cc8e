// Which virtual registers are alive where blocks begin, by the textbook backward data flow over the function alone. For the checker: it must not ask the
// allocator, whose own notion of liveness is among the things checked. Allocates; not for the path of ordinary compiling.
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Sets of virtual registers, one for each block.</summary>
internal sealed class MachineLiveness
{
    private readonly ulong[] _bits;
    private readonly int _words;

    private MachineLiveness(int blocks, int registers)
    {
        _words = (registers + 63) >> 6;
        _bits = new ulong[(long)blocks * _words];
    }

    /// <summary>Whether a block or what comes after it reads the virtual register, unless it is one of the block's parameters and read as such.</summary>
    public bool IsAliveAtStart(int block, VReg v) => ((_bits[((long)block * _words) + (v >> 6)] >> v) & 1) != 0;

    /// <summary>Computes the sets of a function.</summary>
    public static MachineLiveness Compute(MachineFunction function)
    {
        var blocks = function.Blocks.Count;
        var liveness = new MachineLiveness(blocks, function.Types.Count);
        var alive = new ulong[liveness._words];
        for (var changed = true; changed;)
        {
            changed = false;
            for (var b = blocks - 1; b >= 0; b--)
            {
                Array.Clear(alive);
                ref var block = ref function.Blocks[b];
                foreach (ref var edge in function.SuccessorsOf(block))
                {
                    var target = liveness.Row(edge.To);
                    for (var w = 0; w < alive.Length; w++)
                    {
                        alive[w] |= target[w];
                    }
                }

                foreach (ref var edge in function.SuccessorsOf(block))
                {
                    foreach (var argument in function.ArgumentsOf(edge))
                    {
                        alive[argument >> 6] |= 1UL << argument;
                    }
                }

                for (var i = block.End - 1; i >= block.First; i--)
                {
                    var operands = function.OperandsOf(function.Instructions[i]);
                    foreach (ref var operand in operands)
                    {
                        if (operand.IsDefinition)
                        {
                            alive[operand.VirtualRegister >> 6] &= ~(1UL << operand.VirtualRegister);
                        }
                    }

                    foreach (ref var operand in operands)
                    {
                        if (!operand.IsDefinition)
                        {
                            alive[operand.VirtualRegister >> 6] |= 1UL << operand.VirtualRegister;
                        }
                    }
                }

                var row = liveness.Row(b);
                if (!row.SequenceEqual(alive))
                {
                    alive.CopyTo(row);
                    changed = true;
                }
            }
        }

        return liveness;
    }

    private Span<ulong> Row(int block) => _bits.AsSpan(block * _words, _words);
}
