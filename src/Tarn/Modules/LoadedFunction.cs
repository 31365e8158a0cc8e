// One function that was compiled when it was first called: answers about program counters in it, and what it takes to write it to an artifact. Modules may have hundreds of
// thousands, so it is small: the compiler's own tables, without the code, which is in the arena.
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Platform;

namespace Tarn.Modules;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal sealed class LoadedFunction(WeakReference<ModuleCore> module, int functionIndex, CompiledFunction compiled) : CodeOwner
{
    private readonly TrapSite[] _traps = compiled.TrapSites;
    private readonly CallSite[] _calls = compiled.CallSites;
    private readonly Relocation[] _relocations = compiled.Relocations;
    private readonly int[] _references = compiled.References;
    private readonly HandlerTable? _handlers = compiled.Handlers;
    private readonly byte _savedRegisters = compiled.SavedRegisters;
    private readonly int _frameSize = compiled.FrameSize;
    private readonly int _stackArgumentBytes = compiled.StackArgumentBytes;

    public override bool TryGetFrame(int offset, out FrameDescription frame)
    {
        int wasmOffset;
        int frameSize = _frameSize;
        int references = -1;
        int call = FindCall(offset);
        if (call >= 0)
        {
            wasmOffset = _calls[call].WasmOffset;
            references = _calls[call].References;
        }
        else if (FindTrap(offset) is int trap and >= 0)
        {
            wasmOffset = _traps[trap].WasmOffset;
            if (_traps[trap].InPrologue)
                frameSize = 0;
        }
        else
        {
            frame = default;
            return false;
        }
        frame = new FrameDescription(FrameKind.Guest, frameSize, _stackArgumentBytes, functionIndex, wasmOffset, module.TryGetTarget(out ModuleCore? named) ? named : null, _references, references);
        return true;
    }

    public override bool TryGetUnwind(int offset, out UnwindFrame frame)
    {
        int site = _handlers is null ? -1 : FindHandler(_handlers.Sites, offset);
        frame = site < 0
            ? new UnwindFrame(FrameKind.Guest, _frameSize, _stackArgumentBytes, _savedRegisters, UnwindFrame.NoHandler, -1, [])
            : new UnwindFrame(FrameKind.Guest, _frameSize, _stackArgumentBytes, _savedRegisters, _handlers!.Sites[site].LandingOffset, _handlers.Sites[site].Scope, _handlers.Scopes);
        return site >= 0 || FindCall(offset) >= 0;
    }

    public override bool TryGetTrap(int offset, out TrapCode code)
    {
        int at = FindTrap(offset);
        code = at >= 0 ? _traps[at].Code : TrapCode.None;
        return at >= 0;
    }

    /// <summary>The function as the compiler made it.</summary>
    /// <param name="loaded">Its code as it is in memory.</param>
    public CompiledFunction ToCompiled(ReadOnlySpan<byte> loaded)
    {
        byte[] code = loaded.ToArray();
        foreach (ref readonly Relocation relocation in _relocations.AsSpan())
            code.AsSpan(relocation.Offset, sizeof(int)).Clear();
        return new CompiledFunction
        {
            Code = code,
            Relocations = _relocations,
            TrapSites = _traps,
            CallSites = _calls,
            References = _references,
            FrameSize = _frameSize,
            StackArgumentBytes = _stackArgumentBytes,
            SavedRegisters = _savedRegisters,
            Handlers = _handlers,
        };
    }

    private int FindTrap(int offset)
    {
        int low = 0;
        int high = _traps.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (_traps[middle].Offset == offset)
                return middle;
            if (_traps[middle].Offset < offset)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return -1;
    }

    private static int FindHandler(HandlerSite[] sites, int offset)
    {
        int low = 0;
        int high = sites.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (sites[middle].ReturnOffset == offset)
                return middle;
            if (sites[middle].ReturnOffset < offset)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return -1;
    }

    private int FindCall(int offset)
    {
        int low = 0;
        int high = _calls.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (_calls[middle].ReturnOffset == offset)
                return middle;
            if (_calls[middle].ReturnOffset < offset)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return -1;
    }
}
