// Globals and tables. Single elements are read and written inline behind a bounds check; bulk operations call builtins, which check.
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Wasm;

namespace Tarn.Compiler.Frontend;

/// <content>Globals and tables.</content>
internal sealed partial class FunctionTranslator
{
    private static int WidthLog2(IrType type) => type switch
    {
        IrType.I32 or IrType.F32 => 2,
        IrType.V128 => 4,
        _ => 3,
    };

    private void GlobalGet(int global)
    {
        ref var type = ref _module.GlobalArray[global];
        var irType = TypeOf(type.Type);
        var imported = global < _module.ImportedGlobalCount;
        if (!type.IsMutable)
        {
            if (imported || !TryGlobalConstant(global, irType, out var value))
            {
                value = _builder.LoadReadOnly(_builder.VmContext(), _layout.Global(global), irType, WidthLog2(irType));
            }

            Push(value);
            return;
        }

        var cell = GlobalCell(global, imported, out var offset, out var region);
        Push(_builder.Emit(IrOpcode.LoadVm, irType, cell, -1, -1, offset, MemoryAccess.Create(WidthLog2(irType)).Bits, region));
    }

    private void GlobalSet(int global)
    {
        var value = Pop();
        var cell = GlobalCell(global, global < _module.ImportedGlobalCount, out var offset, out var region);
        _builder.Emit(
            IrOpcode.StoreVm, IrType.None, cell, -1, value, offset, MemoryAccess.Create(WidthLog2(_function.TypeOf(value))).Bits, region);
    }

    private Value GlobalCell(int global, bool imported, out int offset, out AliasRegion region)
    {
        var context = _builder.VmContext();
        offset = _layout.Global(global);
        region = AliasRegion.GlobalDefined;
        if (!imported)
        {
            return context;
        }

        region = AliasRegion.GlobalImported;
        var cell = _builder.LoadReadOnly(context, offset, IrType.I64, 3);
        offset = 0;
        return cell;
    }

    // An immutable global that is initialised by a single constant is that constant.
    private bool TryGlobalConstant(int global, IrType type, out Value value)
    {
        var reader = _module.Read(_module.GlobalInitializerArray[global - _module.ImportedGlobalCount]);
        value = Value.None;
        ulong bits;
        switch ((Opcode)reader.ReadByte())
        {
            case Opcode.I32Const:
                bits = (uint)reader.ReadVarS32();
                break;
            case Opcode.I64Const:
                bits = (ulong)reader.ReadVarS64();
                break;
            case Opcode.F32Const:
                bits = reader.ReadF32Bits();
                break;
            case Opcode.F64Const:
                bits = reader.ReadF64Bits();
                break;
            default:
                return false;
        }

        if ((Opcode)reader.ReadByte() != Opcode.End)
        {
            return false;
        }

        value = _builder.Constant(type, bits);
        return true;
    }

    private bool IsTable64(int table) => _module.TableArray[table].Limits.Is64;

    private Value TableLength(int table)
    {
        ref var limits = ref _module.TableArray[table];
        if (limits.Limits.HasMaximum && limits.Limits.Minimum == limits.Limits.Maximum && table >= _module.ImportedTableCount)
        {
            return _builder.I64((long)limits.Limits.Minimum);
        }

        return EntryLength(_layout.Table(table), table < _module.ImportedTableCount, AliasRegion.TableLength);
    }

    private Value TableElements(int table)
        => _builder.LoadReadOnly(_builder.VmContext(), _layout.Table(table) + VmContextLayout.EntryBase, IrType.I64, 3);

    // Checks the index; the load or store of the element follows.
    private void CheckElement(int table, Value index, TrapCode code)
    {
        if (_builder.MaximumOf(index) >= _module.TableArray[table].Limits.Minimum)
        {
            _builder.Emit(IrOpcode.BoundsCheck, IrType.None, index, TableLength(table), -1, 1, (byte)code);
        }
    }

    private Value LoadElement(int table, Value index, TrapCode code)
    {
        CheckElement(table, index, code);
        return _builder.Emit(
            IrOpcode.LoadVm, TypeOf(_module.TableArray[table].Element), TableElements(table), index, -1, 0, MemoryAccess.Create(3, scaleLog2: 3).Bits, AliasRegion.TableElements);
    }

    private void TableGet(int table) => Push(LoadElement(table, Pop(), TrapCode.TableOutOfBounds));

    private void TableSet(int table)
    {
        var value = Pop();
        var index = Pop();
        CheckElement(table, index, TrapCode.TableOutOfBounds);
        _builder.Emit(
            IrOpcode.StoreVm, IrType.None, TableElements(table), index, value, 0, MemoryAccess.Create(3, scaleLog2: 3).Bits, AliasRegion.TableElements);
    }

    private void TableSize(int table)
    {
        var length = EntryLength(_layout.Table(table), table < _module.ImportedTableCount, AliasRegion.TableLength);
        Push(IsTable64(table) ? length : _builder.Unary(IrOpcode.Wrap, IrType.I32, length));
    }

    private void TableGrow(int table)
    {
        var delta = ExtendUnsigned(Pop());
        var previous = CallBuiltin(BuiltinId.TableGrow, _builder.I32(table), Pop(), delta);
        SpendOnGrowth(previous, delta, 0, _target.FuelTable.ElementsPerUnit);
        Push(IsTable64(table) ? previous : _builder.Unary(IrOpcode.Wrap, IrType.I32, previous));
    }

    private void TableFill(int table)
    {
        var count = ExtendUnsigned(Pop());
        var value = Pop();
        SpendOnSize(count, _target.FuelTable.ElementsPerUnit);
        CallBuiltin(BuiltinId.TableFill, _builder.I32(table), ExtendUnsigned(Pop()), value, count);
    }

    private void TableCopy(int destinationTable, int sourceTable)
    {
        var count = ExtendUnsigned(Pop());
        var source = ExtendUnsigned(Pop());
        SpendOnSize(count, _target.FuelTable.ElementsPerUnit);
        CallBuiltin(BuiltinId.TableCopy, _builder.I32(destinationTable), _builder.I32(sourceTable), ExtendUnsigned(Pop()), source, count);
    }

    private void TableInit(int segment, int table)
    {
        var count = Pop();
        var source = Pop();
        SpendOnSize(count, _target.FuelTable.ElementsPerUnit);
        CallBuiltin(BuiltinId.TableInit, _builder.I32(table), _builder.I32(segment), ExtendUnsigned(Pop()), source, count);
    }
}
