// Why: what the process has of one signature: its stubs, the direct exits to entries of the host, and how many engines use them. Made on first use, by one thread;
// others wait for that signature only. Given back when nobody uses them.
using Tarn.Platform;

namespace Tarn.Execution;

internal sealed class SharedStubs
{
    private readonly Lock _lock = new();
    private readonly Dictionary<nint, CodePiece?> _exits = [];
    private SignatureStubs? _stubs;

    /// <summary>How many use them; under the lock of the table of signatures.</summary>
    public int Users { get; set; }

    /// <summary>The stubs, which are made if there are none yet.</summary>
    public SignatureStubs Get(MachineStubs maker, Signature signature)
    {
        lock (_lock)
            return _stubs ??= maker.CreateSignatureStubs(signature);
    }

    /// <summary>The exit to an entry, or <see langword="null"/> where the signature has none.</summary>
    public CodePiece? ExitTo(MachineStubs maker, SignatureStubs stubs, nint entry)
    {
        lock (_lock)
        {
            if (!_exits.TryGetValue(entry, out CodePiece? exit))
                _exits.Add(entry, exit = maker.CreateDirectExit(stubs, entry));
            return exit;
        }
    }

    /// <summary>Releases everything, which must no longer be in use.</summary>
    public void Free(MachineStubs maker)
    {
        lock (_lock)
        {
            foreach (CodePiece? exit in _exits.Values)
            {
                if (exit is not null)
                    maker.Free(exit);
            }
            _exits.Clear();
            if (_stubs is not null)
                maker.Free(_stubs.Code);
            _stubs = null;
        }
    }
}
