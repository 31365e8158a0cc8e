// Holds a lowered function to what the allocator and the emitter rely on: well-formed blocks and edges, one definition for each virtual register before all of
// its uses, and for each instruction the operands, flags and clobbers that the target's table has for its opcode. On in debug builds and in tests; a
// function that breaks a rule would be allocated or emitted wrongly, which shows far from the cause.
using System.Globalization;
using Tarn.Compiler.Allocate;

namespace Tarn.Compiler.Machine;

/// <summary>Verifier of machine functions.</summary>
/// <param name="forms">Forms by opcode. Without forms, only what holds for every target is verified.</param>
internal sealed class MachineVerifier(OpcodeForm?[] forms)
{
    private MachineFunction _function = null!;
    private int[] _definedAt = [];

    /// <summary>Verifies a function.</summary>
    /// <exception cref="InvalidOperationException">A rule is broken; the message says which one and where.</exception>
    public void Verify(MachineFunction function)
    {
        _function = function;
        VerifyBlocks();
        VerifyEdges();
        VerifyLoops();
        VerifyDefinitions();
        for (var b = 0; b < function.Blocks.Count; b++)
        {
            ref var block = ref function.Blocks[b];
            for (var i = block.First; i < block.End && forms.Length > 0; i++)
            {
                VerifyForm(b, i);
            }
        }
    }

    private void VerifyBlocks()
    {
        var function = _function;
        Require(function.Blocks.Count > 0, 0, -1, "a function has a block");
        Require(function.Sources.Count == function.Instructions.Count, 0, -1, "each instruction has a source location");
        var next = 0;
        for (var b = 0; b < function.Blocks.Count; b++)
        {
            ref var block = ref function.Blocks[b];
            Require(block.First == next && block.End > block.First + 1, b, block.First, "blocks are contiguous and have a label and a terminator");
            next = block.End;
            for (var i = block.First; i < block.End; i++)
            {
                var opcode = function.Instructions[i].Opcode;
                Require((opcode == MachineOpcode.Label) == (i == block.First), b, i, "a label is the first instruction of a block and no other");
                Require(MachineOpcode.IsTerminator(opcode) == (i == block.End - 1), b, i, "a terminator is the last instruction of a block and no other");
            }

            ref var last = ref function.Instructions[block.End - 1];
            var edges = last.Opcode switch { MachineOpcode.Jump => 1, MachineOpcode.JumpIf or MachineOpcode.BranchOnThrow => 2, MachineOpcode.Switch => -1, _ => 0 };
            Require(edges < 0 ? block.SuccessorCount > 1 : block.SuccessorCount == edges, b, block.End - 1, "a block has the edges of its terminator");
            if (last.Opcode == MachineOpcode.BranchOnThrow)
            {
                Require((function.Instructions[function.ThrowingCall(block)].Flags & MachineFlags.Call) != 0, b, block.End - 1, "a branch to a handler follows a call");
                Require(Abi.HandlerTable.IsScope(function.HandlerScopes.Span, last.Aux), b, block.End - 1, "a branch to a handler has a scope");
            }

            if (last.Opcode == MachineOpcode.Switch)
            {
                foreach (var entry in function.SwitchTargets.Span.Slice(last.Aux, last.Immediate))
                {
                    Require((uint)entry < (uint)block.SuccessorCount, b, block.End - 1, "entries of a switch are edges of its block");
                }
            }
        }

        Require(next == function.Instructions.Count, function.Blocks.Count - 1, next, "all instructions are in blocks");
    }

    private void VerifyEdges()
    {
        var function = _function;
        for (var b = 0; b < function.Blocks.Count; b++)
        {
            ref var block = ref function.Blocks[b];
            foreach (ref var edge in function.SuccessorsOf(block))
            {
                Require(edge.From == b, b, -1, "an edge starts at its block");
                Require((uint)(edge.To - 1) < (uint)(function.Blocks.Count - 1), b, -1, "an edge leads to a block other than the entry");
                ref var target = ref function.Blocks[edge.To];
                Require(block.SuccessorCount == 1 || target.PredecessorCount == 1, b, -1, "no edge is critical");
                var arguments = function.ArgumentsOf(edge);
                var parameters = function.OperandsOf(function.Instructions[target.First]);
                Require(arguments.Length == parameters.Length, b, -1, "an edge has an argument for each parameter of its target");
                for (var k = 0; k < arguments.Length; k++)
                {
                    Require(ClassOf(arguments[k]) == ClassOf(parameters[k].VirtualRegister), b, -1, "an argument has the register class of its parameter");
                }
            }
        }
    }

    private void VerifyLoops()
    {
        var function = _function;
        for (var loop = 0; loop < function.Loops.Count; loop++)
        {
            ref var l = ref function.Loops[loop];
            Require(l.Header < l.End && l.End <= function.Blocks.Count, l.Header, -1, "the blocks of a loop are contiguous");
            Require(function.Blocks[l.Header].IsLoopHeader, l.Header, -1, "a loop starts with its header");
            if (l.Parent >= 0)
            {
                Require(l.Parent < loop && function.Loops[l.Parent].Header <= l.Header && l.End <= function.Loops[l.Parent].End, l.Header, -1, "a loop is within its parent");
            }
        }
    }

    // Nothing is alive where the function begins, so every use comes after its definition on every path.
    private void VerifyDefinitions()
    {
        var function = _function;
        _definedAt = new int[function.Types.Count];
        Array.Fill(_definedAt, -1);
        for (var b = 0; b < function.Blocks.Count; b++)
        {
            ref var block = ref function.Blocks[b];
            for (var i = block.First; i < block.End; i++)
            {
                foreach (ref var operand in function.OperandsOf(function.Instructions[i]))
                {
                    Require((uint)operand.VirtualRegister.Index < (uint)function.Types.Count, b, i, "operands are virtual registers");
                    if (operand.IsDefinition)
                    {
                        Require(_definedAt[operand.VirtualRegister] < 0, b, i, "a virtual register is defined once");
                        _definedAt[operand.VirtualRegister] = i;
                    }
                }
            }
        }

        var liveness = MachineLiveness.Compute(function);
        for (var v = new VReg(0); v < function.Types.Count; v++)
        {
            Require(!liveness.IsAliveAtStart(0, v), 0, 0, string.Create(CultureInfo.InvariantCulture, $"{v} is defined before it is used"));
        }
    }

    private void VerifyForm(int b, int i)
    {
        var function = _function;
        ref var instruction = ref function.Instructions[i];
        var form = instruction.Opcode < forms.Length ? forms[instruction.Opcode] : null;
        Require(form is not null, b, i, "the opcode exists");
        Require((instruction.Flags & ~form!.Allowed) == 0 && (instruction.Flags & form.Required) == form.Required, b, i, "the flags are those of the opcode");
        Require(instruction.Clobbers == form.Clobbers, b, i, "the clobbered registers are those of the opcode");
        Require(
            (instruction.Flags & MachineFlags.ReadsFlags) == 0 || SetsFlags(function.Instructions[i - 1]) || ReadsSame(i),
            b,
            i,
            "what reads the flags follows what sets them");
        foreach (var alternative in form.Operands)
        {
            if (IsMatch(instruction, alternative))
            {
                return;
            }
        }

        Require(condition: false, b, i, "the operands are those of the opcode");
    }

    private bool SetsFlags(in MachineInstruction instruction) => forms[instruction.Opcode] is { SetsFlags: true };

    // Several instructions may read the same flags one after the other.
    private bool ReadsSame(int i)
    {
        ref var previous = ref _function.Instructions[i - 1];
        return (previous.Flags & MachineFlags.ReadsFlags) != 0 && forms[previous.Opcode] is { SetsFlags: false };
    }

    private bool IsMatch(in MachineInstruction instruction, OperandForm[] pattern)
    {
        var operands = _function.OperandsOf(instruction);
        var k = 0;
        var hasAddress = false;
        foreach (var form in pattern)
        {
            if (form.Address != AddressForm.None && instruction.HasAddress)
            {
                var kind = form.Address == AddressForm.Required ? form.Kind : OperandKind.Use;
                hasAddress = true;
                for (var left = instruction.AddressOperands; left > 0; left--, k++)
                {
                    if (k >= operands.Length || operands[k].Kind != kind || ClassOf(operands[k].VirtualRegister) != RegisterClass.Integer)
                    {
                        return false;
                    }
                }
            }
            else if (form.Address == AddressForm.Required)
            {
                return false;
            }
            else if (form.IsRepeated)
            {
                while (k < operands.Length && IsMatch(operands[k], form))
                {
                    k++;
                }
            }
            else if (k >= operands.Length || !IsMatch(operands[k++], form))
            {
                return false;
            }
        }

        return k == operands.Length && hasAddress == instruction.HasAddress;
    }

    private bool IsMatch(in MachineOperand operand, OperandForm form)
    {
        var type = ClassOf(operand.VirtualRegister);

        // Where memory is possible, a register is too.
        var kind = operand.Kind == OperandKind.Use && form.Kind == OperandKind.UseAny ? OperandKind.UseAny : operand.Kind;
        if (kind != form.Kind || (form.Class != RegisterClass.Any && form.Class != type))
        {
            return false;
        }

        if (operand.Kind is not (OperandKind.UseFixed or OperandKind.DefFixed))
        {
            return true;
        }

        return (form.Registers == 0 || ((form.Registers >> operand.Register) & 1) != 0)
            && operand.Register < 2 * RegisterFile.FirstVector
            && (operand.Register >= RegisterFile.FirstVector) == (type == RegisterClass.Vector);
    }

    private RegisterClass ClassOf(VReg virtualRegister)
        => RegisterFile.IsVector(_function.Types[virtualRegister]) ? RegisterClass.Vector : RegisterClass.Integer;

    private void Require(bool condition, int block, int instruction, string rule)
    {
        if (condition)
        {
            return;
        }

        var opcode = instruction >= 0 && instruction < _function.Instructions.Count ? _function.Instructions[instruction].Opcode : -1;
        var name = opcode >= 0 && opcode < forms.Length ? forms[opcode]?.Name : null;
        throw new InvalidOperationException(string.Create(
            CultureInfo.InvariantCulture,
            $"Function {_function.FunctionIndex}, block{block}, instruction {instruction} ({name ?? opcode.ToString(CultureInfo.InvariantCulture)}): broken rule: {rule}."));
    }
}
