// The facts about a stopped guest, apart from the exception that may carry them: TryInvoke hands these out without
// throwing, since for a host of untrusted code a trap is an ordinary outcome.
using System.Text;

namespace Tarn;

/// <summary>Why and where a guest was stopped.</summary>
public sealed class Trap
{
    internal Trap(TrapCode code, IReadOnlyList<GuestFrame> backtrace, ulong? address = null, ulong? memorySize = null, string? detail = null)
    {
        Code = code;
        Backtrace = backtrace;
        Address = address;
        MemorySize = memorySize;
        Detail = detail;
    }

    /// <summary>Why the guest was stopped.</summary>
    public TrapCode Code { get; }

    /// <summary>The reason in the words of the specification, with the address where one is known.</summary>
    public string Message
    {
        get
        {
            string text = TrapMessages.Of(Code);
            if (Detail is not null)
                text += ": " + Detail;
            if (Address is ulong address)
                text += $" at address 0x{address:x}" + (MemorySize is ulong size ? $" of a memory of {size} bytes" : "");
            return text;
        }
    }

    /// <summary>The guest's calls in progress, innermost first, across calls that the host made in between.</summary>
    public IReadOnlyList<GuestFrame> Backtrace { get; }

    /// <summary>For an access out of bounds, where it is known: the address in the linear memory, in bytes.</summary>
    public ulong? Address { get; }

    /// <summary>For an access out of bounds, where it is known: the size of the linear memory at that moment, in bytes.</summary>
    public ulong? MemorySize { get; }

    internal string? Detail { get; }

    /// <summary>The trap as an exception.</summary>
    public TrapException ToException() => new(this);

    /// <summary>The message, then one line for each call, as far as they fit a screen.</summary>
    public override string ToString()
    {
        return WithBacktrace(Message, Backtrace);
    }

    internal static string WithBacktrace(string message, IReadOnlyList<GuestFrame> backtrace)
    {
        const int MostLines = 20;
        var text = new StringBuilder(message);
        for (int i = 0; i < backtrace.Count; i++)
        {
            if (i == MostLines)
            {
                text.Append("\n   and ").Append(backtrace.Count - i).Append(" more or deeper");
                break;
            }
            text.Append('\n').Append("   at ").Append(backtrace[i].ToString());
        }
        return text.ToString();
    }
}
