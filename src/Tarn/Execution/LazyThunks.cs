// Why: in lazy mode calls go to a thunk that jumps through a slot. The slot leads to the compiler at first and to the function afterwards; setting it
// is one aligned 8-byte store, so threads that call meanwhile see the old target or the new one, both right.
using Tarn.Platform;

namespace Tarn.Execution;

internal sealed unsafe class LazyThunks(CodeArena arena, CodeBlock block, int thunkSize, nint* slots, int count) : IDisposable
{
    /// <summary>Where <c>Function(index)</c> relocations point.</summary>
    public nint Thunk(int index) => (nint)block.Address + ((nint)(uint)CheckIndex(index) * thunkSize);

    /// <summary>Sends all calls from now on to compiled code.</summary>
    public void SetTarget(int index, nint code) => Volatile.Write(ref slots[CheckIndex(index)], code);

    public nint GetTarget(int index) => Volatile.Read(ref slots[CheckIndex(index)]);

    public void Dispose()
    {
        arena.Free(block);
        arena.FreeData((byte*)slots, count * sizeof(nint));
    }

    private int CheckIndex(int index) => (uint)index < (uint)count ? index : throw new ArgumentOutOfRangeException(nameof(index), index, "no such thunk");
}
