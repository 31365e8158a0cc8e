// Which indexes are at a known distance from one that has been accessed or checked (AddressFolder.cs says why that matters). Indexes are compared as a root plus a constant,
// both modulo 2^32.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <content>Distances between indexes.</content>
internal sealed partial class RedundancyEliminator
{
    private const ulong AddressSpace = 1UL << 32;

    // Looks for an earlier access a little below this one; if there is none, this one may serve those to come.
    private void NoteAccess(Value index, in IrInstruction i)
    {
        if (i.Opcode is not (IrOpcode.Load or IrOpcode.Store) || i.B < 0 || _function.TypeOf(i.ValueB) != IrType.I32)
        {
            return;
        }

        var root = RootOf(i.ValueB, out var constant);
        for (var n = 0; n < _facts.Count; n++)
        {
            ref var fact = ref _facts[n];
            if (fact.Opcode != Accessed || fact.A != i.A || fact.Region != i.Region)
            {
                continue;
            }

            if (fact.B == i.B)
            {
                return;
            }

            if (root == RootOf(fact.B, out var below) && Reaches(constant - below, fact.Offset, in i))
            {
                _folder.Add(_function, index, fact.Value, constant - below);
                return;
            }
        }

        Learn(new Fact { Opcode = Accessed, Region = i.Region, A = i.ValueA, B = i.ValueB, Offset = (uint)Math.Min(i.Offset + (ulong)i.Access.Width, uint.MaxValue), Value = index });
    }

    // Whether an index that far above one from which so many bytes were accessed does not wrap, and the offset stays what the field and the guard allow.
    private bool Reaches(uint distance, uint accessed, in IrInstruction i)
    {
        // What was accessed ends within memory, so the index below is at most largest - accessed.
        var end = (ulong)distance + i.Offset + (ulong)i.Access.Width;
        return distance != 0 && distance < AddressSpace - _largestMemory + accessed && end <= (i.Access.MayFault ? _guardBytes : uint.MaxValue);
    }

    // A check of an index a little above one that has been checked against the same length: of the lower one, with a longer reach.
    private bool RebaseCheck(ref IrInstruction i)
    {
        if (_function.TypeOf(i.ValueA) != IrType.I32)
        {
            return false;
        }

        var root = RootOf(i.ValueA, out var constant);
        for (var n = 0; n < _facts.Count; n++)
        {
            ref var fact = ref _facts[n];
            if (fact.Opcode != IrOpcode.BoundsCheck || fact.A == i.A || _function.TypeOf(fact.A) != IrType.I32 || !SameLength(fact.B, i.ValueB)
                || root != RootOf(fact.A, out var below))
            {
                continue;
            }

            var distance = constant - below;
            if (distance != 0 && distance < AddressSpace - _largestMemory + fact.Offset && (ulong)distance + i.Offset <= uint.MaxValue
                && _function.Get(i.ValueB).Region is AliasRegion.MemoryLength or AliasRegion.SharedMemoryLength)
            {
                i.A = fact.A;
                i.D = (int)(i.Offset + distance);
                return true;
            }
        }

        return false;
    }

    private Value RootOf(Value index, out uint constant)
    {
        ref var i = ref _function.Get(index);
        if (i.Opcode == IrOpcode.Add && _function.IsConstant(i.ValueB, out var bits))
        {
            constant = (uint)bits;
            return i.ValueA;
        }

        constant = 0;
        return index;
    }
}
