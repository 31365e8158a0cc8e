// A trap for those who want exceptions. The message with its backtrace is made when a caller asks for it: most traps are told by their code alone, and names and places in the
// source take a look into what the module says about itself.
namespace Tarn;

/// <summary>The guest trapped: it did something that WebAssembly does not allow, or the host stopped it.</summary>
public sealed class TrapException : WasmException
{
    internal TrapException(Trap trap, object? store = null)
        : base(trap.Message)
    {
        Trap = trap;
        Store = store;
    }

    internal TrapException(TrapCode code, string? detail = null)
        : this(new Trap(code, [], detail: detail))
    {
    }

    /// <summary>Gets the reason and, line by line, the backtrace.</summary>
    public override string Message => Trap.ToString();

    /// <summary>Why and where.</summary>
    public Trap Trap { get; }

    /// <summary>Whose guest trapped: its calls in progress give the trap back to the host, those of other stores let it pass.</summary>
    internal object? Store { get; }

    /// <summary>Why the guest was stopped.</summary>
    public TrapCode Code => Trap.Code;

    /// <summary>The guest's calls in progress, innermost first.</summary>
    public IReadOnlyList<GuestFrame> GuestBacktrace => Trap.Backtrace;
}
