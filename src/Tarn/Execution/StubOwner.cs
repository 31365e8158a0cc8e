// Why: explains PCs inside stubs to backtraces: where an activation begins, how large an exit frame is, and that a stub with a large frame may
// exhaust the stack. Filled while the stub is emitted, immutable once published.
using Tarn.Platform;

namespace Tarn.Execution;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal sealed class StubOwner(string name) : CodeOwner
{
    private readonly Dictionary<int, FrameDescription> _frames = [];
    private readonly Dictionary<int, TrapCode> _traps = [];

    public void AddFrame(int offset, FrameDescription frame) => _frames.Add(offset, frame);

    public void AddTrap(int offset, TrapCode code, FrameDescription frame)
    {
        _traps.Add(offset, code);
        _frames.Add(offset, frame);
    }

    public override bool TryGetFrame(int offset, out FrameDescription frame) => _frames.TryGetValue(offset, out frame);

    public override bool TryGetTrap(int offset, out TrapCode code) => _traps.TryGetValue(offset, out code);

    public override string ToString() => name;
}
