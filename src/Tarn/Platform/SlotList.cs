// The free slots of a slab: last in, first out, since the slot used last is the one whose pages and page tables are still
// there. Fixed capacity, allocates nothing after construction.
namespace Tarn.Platform;

internal sealed class SlotList
{
    private readonly Lock _lock = new();
    private readonly int[] _free;
    private int _count;

    public SlotList(int slots)
    {
        Slots = slots;
        _free = new int[slots];
        // Slot 0 on top.
        for (int i = 0; i < slots; i++)
            _free[i] = slots - 1 - i;
        _count = slots;
    }

    public int Slots { get; }

    public int FreeCount
    {
        get
        {
            lock (_lock)
                return _count;
        }
    }

    public bool TryTake(out int slot)
    {
        lock (_lock)
        {
            if (_count == 0)
            {
                slot = -1;
                return false;
            }
            slot = _free[--_count];
            return true;
        }
    }

    public void Return(int slot)
    {
        lock (_lock)
        {
            if (_count == Slots)
                throw new InvalidOperationException("A slot was returned twice.");
            _free[_count++] = slot;
        }
    }
}
