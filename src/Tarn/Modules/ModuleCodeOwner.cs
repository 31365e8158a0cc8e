// Answers for one block of a module's code: which function a program counter is in, how large its frame is, why it trapped. The arena, which lives as long as the
// process, leads here, so the module is not held: while its code runs it is there, and one that was forgotten can be collected.
using Tarn.Platform;

namespace Tarn.Modules;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal sealed class ModuleCodeOwner(WeakReference<ModuleCore> module, int firstFunction, CodeTables tables) : CodeOwner
{
    public override bool TryGetFrame(int offset, out FrameDescription frame)
    {
        frame = default;
        if (!tables.TryFindFunction(offset, out int index))
            return false;
        int wasmOffset;
        int frameSize = tables.FrameSizes[index];
        int call = tables.FindCall(offset);
        if (call >= 0)
        {
            wasmOffset = tables.CallWasmOffsets[call];
        }
        else
        {
            int trap = tables.FindTrap(offset);
            if (trap < 0)
                return false;
            wasmOffset = tables.TrapWasmOffsets[trap];
            if (tables.IsInPrologue(trap))
                frameSize = 0;
        }
        ModuleCore? named = module.TryGetTarget(out ModuleCore? there) ? there : null;
        frame = new FrameDescription(FrameKind.Guest, frameSize, tables.StackArgumentBytes[index], firstFunction + index, wasmOffset, named);
        return true;
    }

    public override bool TryGetTrap(int offset, out TrapCode trap)
    {
        int at = tables.FindTrap(offset);
        trap = at >= 0 ? tables.TrapCodeAt(at) : TrapCode.None;
        return at >= 0;
    }
}
