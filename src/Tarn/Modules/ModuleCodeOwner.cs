// Answers for one block of a module's code: which function a program counter is in, how large its frame is, why it trapped. Looks
// things up in the tables that the compiler made; nothing is computed ahead, since traps are rare and modules large.
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Platform;

namespace Tarn.Modules;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal sealed class ModuleCodeOwner(ModuleCode code, int firstFunction, int[] starts, CompiledFunction[] functions) : CodeOwner
{
    public override bool TryGetFrame(int offset, out FrameDescription frame)
    {
        if (!TryFind(offset, out int index, out int local))
        {
            frame = default;
            return false;
        }
        CompiledFunction function = functions[index];
        int wasmOffset;
        int frameSize = function.FrameSize;
        int call = FindCall(function.CallSites, local);
        if (call >= 0)
        {
            wasmOffset = function.CallSites[call].WasmOffset;
        }
        else
        {
            int trap = FindTrap(function.TrapSites, local);
            if (trap < 0)
            {
                frame = default;
                return false;
            }
            wasmOffset = function.TrapSites[trap].WasmOffset;
            if (function.TrapSites[trap].InPrologue)
                frameSize = 0;
        }
        frame = new FrameDescription(FrameKind.Guest, frameSize, function.StackArgumentBytes, firstFunction + index, wasmOffset, code.Module);
        return true;
    }

    public override bool TryGetTrap(int offset, out TrapCode trap)
    {
        if (TryFind(offset, out int index, out int local))
        {
            TrapSite[] sites = functions[index].TrapSites;
            int at = FindTrap(sites, local);
            if (at >= 0)
            {
                trap = sites[at].Code;
                return true;
            }
        }
        trap = TrapCode.None;
        return false;
    }

    private static int FindCall(CallSite[] sites, int offset)
    {
        int low = 0;
        int high = sites.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int at = sites[middle].ReturnOffset;
            if (at == offset)
                return middle;
            if (at < offset)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return -1;
    }

    private static int FindTrap(TrapSite[] sites, int offset)
    {
        int low = 0;
        int high = sites.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int at = sites[middle].Offset;
            if (at == offset)
                return middle;
            if (at < offset)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return -1;
    }

    private bool TryFind(int offset, out int index, out int local)
    {
        index = Array.BinarySearch(starts, offset);
        if (index < 0)
            index = ~index - 1;
        local = index < 0 ? 0 : offset - starts[index];
        // One past the end is the return address of a last call.
        return index >= 0 && local <= functions[index].Code.Length;
    }
}
