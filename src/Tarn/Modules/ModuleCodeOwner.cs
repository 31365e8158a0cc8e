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
        int references = -1;
        int call = tables.FindCall(offset);
        if (call >= 0)
        {
            wasmOffset = tables.CallWasmOffsets[call];
            if (tables.CallReferences.Length != 0)
                references = tables.CallReferences[call];
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
        frame = new FrameDescription(FrameKind.Guest, frameSize, tables.StackArgumentBytes[index], firstFunction + index, wasmOffset, named, tables.References, references);
        return true;
    }

    public override bool TryGetUnwind(int offset, out UnwindFrame frame)
    {
        frame = default;
        if (!tables.TryFindFunction(offset, out int index))
            return false;
        int handler = tables.FindHandler(offset);
        if (handler < 0 && tables.FindCall(offset) < 0)
            return false;
        frame = new UnwindFrame(
            FrameKind.Guest,
            tables.FrameSizes[index],
            tables.StackArgumentBytes[index],
            tables.SavedRegisters[index],
            handler < 0 ? UnwindFrame.NoHandler : tables.HandlerLandings[handler],
            handler < 0 ? -1 : tables.HandlerScopes[handler],
            tables.Scopes);
        return true;
    }

    public override bool TryGetTrap(int offset, out TrapCode trap)
    {
        int at = tables.FindTrap(offset);
        trap = at >= 0 ? tables.TrapCodeAt(at) : TrapCode.None;
        return at >= 0;
    }
}
