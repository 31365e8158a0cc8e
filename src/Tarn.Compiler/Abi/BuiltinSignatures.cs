// Why: one table says what each builtin takes and gives, so that call sites (compiler) and stubs (runtime) cannot disagree. Add a builtin
// by appending to BuiltinId and adding its row here; a test asserts that each id has one.
using static Tarn.Compiler.Abi.AbiType;

namespace Tarn.Compiler.Abi;

internal static class BuiltinSignatures
{
    public static ReadOnlySpan<AbiType> Parameters(BuiltinId id) => id switch
    {
        BuiltinId.MemoryGrow => [I32, I64],
        BuiltinId.MemoryInit => [I32, I32, I64, I32, I32],
        BuiltinId.MemoryCopyBytes => [I64, I64, I64],
        BuiltinId.MemoryFillBytes => [I64, I32, I64],
        BuiltinId.DataDrop => [I32],
        BuiltinId.TableInit => [I32, I32, I64, I32, I32],
        BuiltinId.TableCopy => [I32, I32, I64, I64, I64],
        BuiltinId.TableFill => [I32, I64, Reference, I64],
        BuiltinId.TableGrow => [I32, Reference, I64],
        BuiltinId.ElementDrop => [I32],
        BuiltinId.FunctionReference => [I32],
        BuiltinId.Interrupt => [],
        BuiltinId.FuelExhausted => [],
        BuiltinId.IsSubtype => [I32, I32],
        BuiltinId.MemoryAtomicNotify => [I32, I64, I32],
        BuiltinId.MemoryAtomicWait32 => [I32, I64, I32, I64],
        BuiltinId.MemoryAtomicWait64 => [I32, I64, I64, I64],
        BuiltinId.ThrowReference => [Reference],
        BuiltinId.CompileFunction => [],
        BuiltinId.CollectGarbage => [],
        BuiltinId.AllocateObject => [I32, I32],
        BuiltinId.ArrayNewData or BuiltinId.ArrayNewElement => [I32, I32, I32, I32],
        BuiltinId.ArrayInitData or BuiltinId.ArrayInitElement => [Managed, I32, I32, I32, I32],
        BuiltinId.ArrayCopyReferences => [Managed, I32, Managed, I32, I32],
        BuiltinId.FunctionHandle => [Reference],
        BuiltinId.Throw => [I32],
        _ => throw new ArgumentOutOfRangeException(nameof(id), id, "no such builtin"),
    };

    public static ReadOnlySpan<AbiType> Results(BuiltinId id) => id switch
    {
        BuiltinId.MemoryGrow => [I64],
        BuiltinId.TableGrow => [I64],
        BuiltinId.FunctionReference => [Reference],
        BuiltinId.IsSubtype => [I32],
        BuiltinId.AllocateObject or BuiltinId.ArrayNewData or BuiltinId.ArrayNewElement => [Managed],
        BuiltinId.FunctionHandle => [I32],
        BuiltinId.MemoryAtomicNotify => [I32],
        BuiltinId.MemoryAtomicWait32 => [I32],
        BuiltinId.MemoryAtomicWait64 => [I32],
        < BuiltinId.Count => [],
        _ => throw new ArgumentOutOfRangeException(nameof(id), id, "no such builtin"),
    };

    /// <summary>Builtins that leave every register as it was: call sites need not save anything.</summary>
    public static bool PreservesAllRegisters(BuiltinId id) => id is BuiltinId.Interrupt or BuiltinId.FuelExhausted or BuiltinId.CollectGarbage;

    /// <summary>Builtins that are machine code through and through and never reach managed code.</summary>
    public static bool IsMachineCode(BuiltinId id) => id is BuiltinId.MemoryCopyBytes or BuiltinId.MemoryFillBytes;
}
