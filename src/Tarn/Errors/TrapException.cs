// A trap for those who want exceptions.
namespace Tarn;

/// <summary>The guest trapped: it did something that WebAssembly does not allow, or the host stopped it.</summary>
public sealed class TrapException : WasmException
{
    internal TrapException(Trap trap, Store? store = null)
        : base(trap.ToString())
    {
        Trap = trap;
        Store = store;
    }

    internal TrapException(TrapCode code, string? detail = null)
        : this(new Trap(code, [], detail: detail))
    {
    }

    /// <summary>Why and where.</summary>
    public Trap Trap { get; }

    /// <summary>Whose guest trapped: its calls in progress give the trap back to the host, those of other stores let it pass.</summary>
    internal Store? Store { get; }

    /// <summary>Why the guest was stopped.</summary>
    public TrapCode Code => Trap.Code;

    /// <summary>The guest's calls in progress, innermost first.</summary>
    public IReadOnlyList<GuestFrame> GuestBacktrace => Trap.Backtrace;
}
