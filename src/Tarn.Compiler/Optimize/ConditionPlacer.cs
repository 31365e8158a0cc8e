// A comparison that only decides branches, traps and selects costs nothing where it fuses with them, and a register, a setcc and a test where it does not. So each
// such use gets a comparison of its own right before it. A comparison whose value is also wanted is left alone: it is in a register anyway.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Places comparisons at what they decide.</summary>
internal sealed class ConditionPlacer(ValueUses uses)
{
    private GrowableArray<int> _decides = new(1024);

    /// <summary>Runs over a function whose uses have been counted, with the list of all instructions that a comparison decides.</summary>
    public void Run(IrFunction function, ReadOnlySpan<Value> decided)
    {
        if (decided.Length == 0)
        {
            return;
        }

        _decides.Fill(function.Instructions.Count, 0);
        foreach (var i in decided)
        {
            _decides[function.Get(i).A]++;
        }

        foreach (var i in decided)
        {
            var condition = function.Get(i).ValueA;
            if (uses[condition] == _decides[condition] && (uses[condition] > 1 || function.Links[condition].Block != function.Links[i].Block))
            {
                function.CurrentWasmOffset = function.Links[i].WasmOffset;
                var c = function.Get(condition);
                var copy = function.NewInstruction(c.Opcode, c.Type, c.A, c.B, aux: c.Aux);
                function.LinkBefore(i, copy);
                function.Get(i).A = copy;
                Release(function, condition);
            }
        }
    }

    private void Release(IrFunction function, Value condition)
    {
        _decides[condition]--;
        if (--uses[condition] == 0)
        {
            function.Remove(condition);
        }
    }

    /// <summary>The comparison that an instruction is decided by, or none.</summary>
    public static Value ConditionOf(IrFunction function, Value index)
    {
        ref var i = ref function.Get(index);
        if (i.Opcode is not (IrOpcode.BranchIf or IrOpcode.TrapIf or IrOpcode.TrapIfNot or IrOpcode.Select))
        {
            return Value.None;
        }

        return function.Get(i.ValueA).Opcode is IrOpcode.CompareInteger or IrOpcode.CompareFloat ? i.ValueA : Value.None;
    }
}
