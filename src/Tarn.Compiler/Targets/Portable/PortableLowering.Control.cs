// Entry, calls, returns. Arguments and results are lists of places, which calls read wherever they are; see PortableConvention.
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.Portable;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.IR;
using Tarn.Compiler.Machine;
using Op = Tarn.Compiler.Targets.Portable.PortableOpcode;

namespace Tarn.Compiler.Targets.Portable;

/// <content>Control.</content>
internal sealed partial class PortableLowering
{
    private const int MostResultsInRegisters = 12;

    private AbiType[] _types = new AbiType[32];
    private int[] _places = new int[32];

    private int Assign(ReadOnlySpan<IrType> types, out int registerWords)
    {
        if (_types.Length < types.Length)
        {
            _types = new AbiType[2 * types.Length];
            _places = new int[2 * types.Length];
        }

        for (var k = 0; k < types.Length; k++)
        {
            _types[k] = IrTypes.ToAbi(types[k]);
        }

        return PortableConvention.Assign(_types.AsSpan(0, types.Length), _places, out registerWords);
    }

    private protected override void LowerEntry()
    {
        var ir = _ir;
        var parameters = ir.ParameterTypes;
        _machine.IncomingBytes = FrameLayout.SlotBytes * Assign(parameters, out var registerWords);
        _machine.ParameterBytes = FrameLayout.SlotBytes * registerWords;
        Begin(Op.Label);
        var first = ir.Blocks[IrFunction.Entry].First;
        var k = 0;
        for (var i = first; k < parameters.Length; i = ir.Links[i].Next, k++)
        {
            if (_virtual[i] >= 0 && (_places[k] & PortableConvention.Flag) == 0)
            {
                var word = _places[k];
                var register = word < PortableConvention.IntegerRegisters ? word : RegisterFile.FirstVector + ((word - PortableConvention.IntegerRegisters) / 2);
                Add(_virtual[i], OperandKind.DefFixed, register);
            }
        }

        k = 0;
        for (var i = first; k < parameters.Length; i = ir.Links[i].Next, k++)
        {
            if (_virtual[i] >= 0 && (_places[k] & PortableConvention.Flag) != 0)
            {
                Begin(Op.LoadIncoming);
                _machine.Instructions[_open].Immediate = _places[k] & ~PortableConvention.Flag;
                Add(_virtual[i], OperandKind.Def);
            }
        }
    }

    // Calls and returns have any number of operands.
    private void AddList(ReadOnlySpan<Value> values)
    {
        foreach (var value in values)
        {
            _machine.Operands.Add(MachineOperand.Create(Use(value), OperandKind.UseAny));
        }

        CloseList();
    }

    private void CloseList()
    {
        ref var instruction = ref _machine.Instructions[_open];
        var count = _machine.Operands.Count - instruction.OperandStart;
        instruction.OperandCount = (byte)Math.Min(count, byte.MaxValue);
        instruction.Displacement = count;
    }

    private void LowerCall(Value i, ref IrInstruction instruction)
    {
        var ir = _ir;
        int results;
        if (instruction.Opcode == IrOpcode.CallBuiltin)
        {
            results = BuiltinSignatures.Results((BuiltinId)instruction.A).Length;
        }
        else
        {
            results = ir.ResultsOf(instruction.D).Length;
        }

        _machine.HasCalls = true;
        var reference = instruction.Opcode == IrOpcode.CallReference ? Use(instruction.ValueA) : VReg.None;
        Begin(instruction.Opcode switch { IrOpcode.Call => Op.Call, IrOpcode.CallReference => Op.CallReference, _ => Op.CallBuiltin }, aux: instruction.A);
        _machine.Instructions[_open].Flags = MachineFlags.Call;
        _machine.Instructions[_open].Immediate = results;
        if (results > MostResultsInRegisters)
        {
            LowerManyResults(i, results, reference);
            return;
        }

        var r = ir.Links[i].Next;
        for (var k = 0; k < results; k++)
        {
            var isThere = r >= 0 && ir.Get(r).Opcode == IrOpcode.Result && ir.Get(r).B == k;
            var type = instruction.Opcode == IrOpcode.CallBuiltin ? IrTypes.Of(BuiltinSignatures.Results((BuiltinId)instruction.A)[k]) : ir.ResultsOf(instruction.D)[k];
            _machine.Operands.Add(MachineOperand.Create(isThere ? Definition(r) : _machine.NewVirtualRegister(TypeOf(type)), OperandKind.Def));
            r = isThere ? ir.Links[r].Next : r;
        }

        if (reference >= 0)
        {
            _machine.Operands.Add(MachineOperand.Create(reference, OperandKind.UseAny));
        }

        AddList(ir.PoolOf(i));
    }

    // There might be no registers for them all at once: they go to two words each of their own, and from there to where they are wanted.
    private void LowerManyResults(Value i, int results, VReg reference)
    {
        _machine.ResultBufferBytes = Math.Max(_machine.ResultBufferBytes, 2 * FrameLayout.SlotBytes * results);
        _machine.Instructions[_open].Condition = 1;
        if (reference >= 0)
        {
            _machine.Operands.Add(MachineOperand.Create(reference, OperandKind.UseAny));
        }

        AddList(_ir.PoolOf(i));
        for (var r = _ir.Links[i].Next; r >= 0 && _ir.Get(r).Opcode == IrOpcode.Result; r = _ir.Links[r].Next)
        {
            if (_virtual[r] >= 0)
            {
                Begin(Op.LoadResult);
                _machine.Instructions[_open].Immediate = 2 * _ir.Get(r).B;
                Add(_virtual[r], OperandKind.Def);
            }
        }
    }

    private void LowerTailCall(Value i, ref IrInstruction instruction)
    {
        var isReference = instruction.Opcode == IrOpcode.TailCallReference;
        var reference = isReference ? Use(instruction.ValueA) : VReg.None;
        Begin(isReference ? Op.TailCallReference : Op.TailCall, aux: instruction.A);
        if (reference >= 0)
        {
            _machine.Operands.Add(MachineOperand.Create(reference, OperandKind.UseAny));
        }

        AddList(_ir.PoolOf(i));
        _machine.HasCalls = true;
    }
}
