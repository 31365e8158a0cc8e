// Where code counts fuel (FuelTable). A straight-line run of instructions is paid for at its start, by one check that is made before its amount is known. What a size decides
// is charged where the size is known: before the work of instructions that fill or copy, once their range is known to be valid if the check is inline, and after growth that succeeded.
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Wasm;

namespace Tarn.Compiler.Frontend;

/// <content>Fuel.</content>
internal sealed partial class FunctionTranslator
{
    // The amount is an immediate of 32 bits: a run that comes to more is cut.
    private const int MostForRun = 1 << 30;

    // No size is larger, whatever an operand says: what asks for more traps. Keeps products and differences of fuel far from overflow.
    private const long MostForSize = 1L << 48;

    // A size that is known costs no instruction of its own if it is small.
    private const ulong MostKnown = 1 << 16;

    private Value _fuelCheck;
    private int _fuelCount;

    private void StartRun()
    {
        _fuelCheck = _builder.Emit(IrOpcode.FuelCheck, IrType.None, Execution());
        _fuelCount = 0;
    }

    private Value Execution() => _builder.LoadReadOnly(_builder.VmContext(), VmContextHeader.Execution, IrType.I64, 3);

    // A straight-line run of instructions has ended: it is paid for at its start.
    private void EndRun()
    {
        if (!_fuelCheck.IsNone)
        {
            if (_fuelCount == 0)
            {
                _function.Remove(_fuelCheck);
            }
            else
            {
                _function.Get(_fuelCheck).D = _fuelCount;
            }

            _fuelCheck = Value.None;
        }
    }

    private void Spend(Opcode opcode) => Spend(_target.FuelTable.Of(opcode));

    private void Spend(int units)
    {
        _fuelCount += units;
        if (_fuelCount > MostForRun)
        {
            if (_target.Fuel)
            {
                EndRun();
                StartRun();
            }

            _fuelCount = 0;
        }
    }

    private void SpendOnValues(int count) => Spend(_target.FuelTable.OfValues(count));

    private void SpendOnSize(Value count, int perUnit)
    {
        if (!_target.Fuel || perUnit == 0)
        {
            return;
        }

        if (_builder.IsConstant(count, out var known) && known / (ulong)perUnit <= MostKnown)
        {
            Spend((int)(known / (ulong)perUnit));
            return;
        }

        var size = ExtendUnsigned(count);
        if (_function.TypeOf(count) == IrType.I64)
        {
            var most = _builder.I64(MostForSize);
            size = _builder.Select(IrType.I64, _builder.Compare(IntegerCondition.GreaterUnsigned, size, most), most, size);
        }

        Charge(_builder.Binary(IrOpcode.DivUnsigned, IrType.I64, size, _builder.I64(perUnit)));
    }

    // What could not grow costs no more than any instruction.
    private void SpendOnGrowth(Value previous, Value delta, int unitLog2, int perUnit)
    {
        if (!_target.Fuel || perUnit == 0)
        {
            return;
        }

        var failed = _builder.Compare(IntegerCondition.Equal, previous, _builder.I64(-1));
        var grown = _builder.Select(IrType.I64, failed, _builder.I64(0), delta);
        var size = _builder.Binary(IrOpcode.ShiftLeft, IrType.I64, grown, _builder.I64(unitLog2));
        Charge(_builder.Binary(IrOpcode.DivUnsigned, IrType.I64, size, _builder.I64(perUnit)));
    }

    private void Charge(Value units)
    {
        if (!_builder.IsConstant(units, 0))
        {
            _builder.Emit(IrOpcode.FuelCharge, IrType.None, Execution(), units);
        }
    }
}
