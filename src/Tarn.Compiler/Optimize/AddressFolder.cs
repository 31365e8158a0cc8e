// Folds additions of constants to an index into the access's offset where WebAssembly's 32-bit addition provably does not wrap. The proof is an access that came
// before: if [y] was within memory, y is at most the largest memory's size less what was accessed, so y + d stays below 2^32 for any small d, and an
// index that equals y + d modulo 2^32 equals it truly. So of several accesses around one address only the lowest keeps its addition:
//
//   a = p + 1608; load [a]; b = p + 1616; load [b]      becomes      a = p + 1608; load [a]; load [a] + 8
//
// Candidates are collected while the redundancy elimination walks the dominator tree and knows what has been accessed, and are carried out at the end, when the uses are
// known: an index that is also wanted otherwise (the next value of a loop variable, say) is computed anyway, and keeping y alive as well would cost a register.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Folds address arithmetic into offsets.</summary>
internal sealed class AddressFolder(ValueUses uses)
{
    private struct Candidate
    {
        // The access, and its block when it was found.
        public Value Access;
        public Block AccessBlock;

        // The access that proves, and its block then.
        public Value Witness;
        public Block WitnessBlock;

        // The witness's index, which lies this much below the access's.
        public int Index;
        public uint Distance;
    }

    private GrowableArray<Candidate> _candidates = new(64);
    private GrowableArray<int> _folds = new(64);

    /// <summary>Forgets all candidates.</summary>
    public void Clear() => _candidates.Clear();

    /// <summary>Says that the index of an access equals that of another, which comes before it, plus a distance.</summary>
    public void Add(IrFunction function, Value access, Value witness, uint distance) => _candidates.Add(new Candidate
    {
        Access = access,
        AccessBlock = function.Links[access].Block,
        Witness = witness,
        WitnessBlock = function.Links[witness].Block,
        Index = function.Get(witness).B,
        Distance = distance,
    });

    /// <summary>Carries out what is worthwhile. Uses must have been counted and are kept up to date.</summary>
    public void Run(IrFunction function)
    {
        if (_candidates.Count == 0)
        {
            return;
        }

        // Per index, how many of its uses could go.
        _folds.Fill(function.Instructions.Count, 0);
        foreach (ref var candidate in _candidates.Span)
        {
            if (Holds(function, in candidate))
            {
                _folds[function.Get(candidate.Access).B]++;
            }
        }

        foreach (ref var candidate in _candidates.Span)
        {
            ref var access = ref function.Get(candidate.Access);
            if (!Holds(function, in candidate) || _folds[access.B] != uses[access.B])
            {
                continue;
            }

            // Counted down together, so that all candidates of an index or none are carried out.
            var index = access.ValueB;
            access.B = candidate.Index;
            access.D = (int)(access.Offset + candidate.Distance);
            _folds[index]--;
            uses[candidate.Index]++;
            if (--uses[index] == 0)
            {
                ref var addition = ref function.Get(index);
                uses[addition.A]--;
                if (--uses[addition.B] == 0)
                {
                    function.Remove(addition.ValueB);
                }

                function.Remove(index);
            }
        }
    }

    // Whether passes in between have left both accesses where they were; then one still comes before the other.
    private static bool Holds(IrFunction function, in Candidate candidate)
        => IsStillIn(function, candidate.Access, candidate.AccessBlock) && IsStillIn(function, candidate.Witness, candidate.WitnessBlock);

    // A block that is no longer reached keeps its instructions' links.
    private static bool IsStillIn(IrFunction function, Value instruction, Block block)
        => function.Links[instruction].Block == block && function.Blocks[block].OrderIndex >= 0;
}
