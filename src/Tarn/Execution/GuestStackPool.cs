// Why: guest stacks are used again, last in first out, since the top pages of the last one are still there. Contents are not cleared: a guest cannot
// read below its stack pointer what it has not written, except through compiled code that is wrong.
using Tarn.Platform;

namespace Tarn.Execution;

internal sealed class GuestStackPool(VirtualMemory memory, int stackBytes = GuestStack.DefaultBytes, int keep = 64) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Stack<GuestStack> _free = new();
    private bool _disposed;

    public GuestStack Rent()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_free.TryPop(out GuestStack? stack))
            {
                return stack;
            }
        }

        return new GuestStack(memory, stackBytes);
    }

    public void Return(GuestStack stack)
    {
        lock (_lock)
        {
            if (!_disposed && _free.Count < keep)
            {
                _free.Push(stack);
                return;
            }
        }

        stack.Dispose();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            while (_free.TryPop(out GuestStack? stack))
            {
                stack.Dispose();
            }
        }
    }
}
