// What each loop may write, as sets of alias regions, and what an instruction may. The one place that says which regions a builtin touches.
using Tarn.Assembler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Sets of regions that are written.</summary>
internal sealed class LoopEffects
{
    /// <summary>Everything that can be written.</summary>
    public const uint Everything = ~((1u << (int)AliasRegion.None) | (1u << (int)AliasRegion.ReadOnly));

    // What is copied or filled in bytes may be elements of arrays.
    private const uint Memories = (uint.MaxValue << (int)AliasRegion.MemoryImported) | (1u << (int)AliasRegion.HeapElements);

    private GrowableArray<uint> _written = new(128);

    /// <summary>The set that holds one region.</summary>
    public static uint SetOf(AliasRegion region) => 1u << (int)region;

    /// <summary>The regions that an instruction may write.</summary>
    public static uint WrittenBy(in IrInstruction i)
    {
        var effects = IrOpcodeInfo.EffectsOf(i.Opcode);
        if ((effects & (IrEffects.WritesRegion | IrEffects.Call | IrEffects.ReadsRegion | IrEffects.Pinned)) is IrEffects.None or IrEffects.ReadsRegion)
        {
            return 0;
        }

        if ((effects & IrEffects.Call) != 0)
        {
            return i.Opcode != IrOpcode.CallBuiltin
                ? Everything
                : (BuiltinId)i.A switch
                {
                    BuiltinId.MemoryCopyBytes or BuiltinId.MemoryFillBytes or BuiltinId.MemoryInit => Memories,
                    BuiltinId.ArrayCopyReferences => SetOf(AliasRegion.HeapReferences),
                    BuiltinId.IsSubtype or BuiltinId.FunctionReference or BuiltinId.FunctionHandle => 0,
                    _ => Everything,
                };
        }

        if (i.Opcode == IrOpcode.Allocate)
        {
            return SetOf(AliasRegion.HeapLayout);
        }

        if ((effects & IrEffects.WritesRegion) == 0)
        {
            // Checks for interruption and fuel among them: the builtin behind them traps or comes back with nothing changed.
            return 0;
        }

        // An atomic access orders all others around it. What another thread has done before it, growing a shared memory included, is to be seen afterwards.
        return (effects & IrEffects.Pinned) != 0 ? Memories | SetOf(AliasRegion.SharedMemoryLength) : SetOf(i.Region);
    }

    /// <summary>The regions that may be written in the loop of a header.</summary>
    public uint WrittenIn(Block header) => _written[header];

    /// <summary>Computes the sets of all loops. The order must have been computed.</summary>
    public void Compute(IrFunction function)
    {
        _written.Fill(function.Blocks.Count, 0u);
        var loops = false;
        foreach (var block in function.Order.Span)
        {
            var header = function.Blocks[block].LoopHeader;
            if (header < 0)
            {
                continue;
            }

            loops = true;
            var written = 0u;
            for (var i = function.Blocks[block].First; i >= 0; i = function.Links[i].Next)
            {
                written |= WrittenBy(in function.Get(i));
            }

            _written[header] |= written;
        }

        if (!loops)
        {
            return;
        }

        // Inner headers come after outer ones in the order.
        for (var n = function.Order.Count - 1; n >= 0; n--)
        {
            var block = function.Order[n];
            ref var b = ref function.Blocks[block];
            if (b.IsLoopHeader && b.LoopParent >= 0)
            {
                _written[b.LoopParent] |= _written[block];
            }
        }
    }
}
