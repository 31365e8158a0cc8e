// Which values may be computed later than where they stand. Two counters over each block stand for effects: one counts all of them (traps, writes, calls), the
// other what may change memory. A load that may fault moves only if nothing happened in between; any other load if nothing was written.
//
// If a color were wrong, an access would be reordered with a write or a trap. The counts of uses are made in the same pass.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Machine;

/// <summary>Effects and uses of the values of a function. One object serves one thread and is reused.</summary>
internal sealed class EffectColors
{
    private GrowableArray<int> _uses = new(1024);
    private GrowableArray<int> _effects = new(1024);
    private GrowableArray<int> _writes = new(1024);

    /// <summary>Whether the function has checks for a requested interruption.</summary>
    public bool IsInterruptible { get; private set; }

    /// <summary>Number of uses of a value. Lowering adjusts it where it computes a value twice.</summary>
    public ref int UsesOf(Value value) => ref _uses[value];

    /// <summary>Counts the effects before each instruction, and the uses of its value.</summary>
    public void Prepare(IrFunction ir)
    {
        var count = ir.Instructions.Count;
        _uses.Fill(count, 0);
        _effects.Fill(count, 0);
        _writes.Fill(count, 0);
        IsInterruptible = false;
        var uses = _uses.Span;
        var effects = 0;
        var writes = 0;
        foreach (var block in ir.Order.Span)
        {
            for (var i = ir.Blocks[block].First; i >= 0; i = ir.Links[i].Next)
            {
                ref var instruction = ref ir.Get(i);
                _effects[i] = effects;
                _writes[i] = writes;
                ir.CountOperands(i, uses);
                var kinds = IrOpcodeInfo.EffectsOf(instruction.Opcode);
                IsInterruptible |= instruction.Opcode == IrOpcode.InterruptCheck;
                if ((kinds & (IrEffects.WritesRegion | IrEffects.Call | IrEffects.Pinned)) != 0)
                {
                    effects++;
                    writes++;
                }
                else if ((kinds & IrEffects.CanTrap) != 0 && (instruction.Opcode != IrOpcode.Load || instruction.Access.MayFault))
                {
                    effects++;
                }
            }

            ir.CountArguments(block, uses);
        }
    }

    /// <summary>Whether a load may be executed where a later instruction of the same block is.</summary>
    /// <param name="load">The instruction of the load.</param>
    /// <param name="instruction">Its description.</param>
    /// <param name="root">The later instruction.</param>
    public bool MayMoveLoad(Value load, in IrInstruction instruction, Value root)
    {
        if (instruction.Region == AliasRegion.ReadOnly)
        {
            return true;
        }

        return instruction.Opcode == IrOpcode.Load && instruction.Access.MayFault
            ? _effects[load] + 1 == _effects[root] || root == load
            : _writes[load] == _writes[root];
    }

    /// <summary>Whether memory still holds what a load of the same block read when a later write to the same place, the root, is reached.</summary>
    public bool IsUndisturbed(Value load, in IrInstruction instruction, Value root)
        => instruction.Access.MayFault ? _effects[load] + 1 == _effects[root] : _writes[load] == _writes[root];
}
