// Why: what the compiler says of exception handlers, for one function: which calls can reach one, where the code continues there, and what is caught. Nothing of it is
// looked at until something is thrown. A scope is a list of numbers, so that tables of functions are put together and written to files as they are:
//
//   offset + 0       the scope around it in the same table, or −1
//   offset + 1       number of its first clause; clauses of a function are numbered, and landing code asks for the number
//   offset + 2       how many clauses
//   offset + 3 + k   clause k: (tag index + 1) · 2, or 0 for all tags; plus 1 if the exception's reference is wanted
//
// Invariant: the scope around another one comes before it, so that going outward ends.
namespace Tarn.Compiler.Abi;

/// <summary>One call that can reach a handler. Sorted by offset within a function.</summary>
/// <param name="ReturnOffset">Of the instruction after the call.</param>
/// <param name="LandingOffset">Of the code that continues when a handler of the scope, or of one around it, catches.</param>
/// <param name="Scope">Offset of the innermost scope in <see cref="HandlerTable.Scopes"/>.</param>
internal readonly record struct HandlerSite(int ReturnOffset, int LandingOffset, int Scope);

/// <summary>A function's exception handlers.</summary>
/// <param name="sites">The calls.</param>
/// <param name="scopes">The scopes.</param>
internal sealed class HandlerTable(HandlerSite[] sites, int[] scopes)
{
    /// <summary>In a scope: the scope around it.</summary>
    public const int Outer = 0;

    /// <summary>In a scope: number of its first clause.</summary>
    public const int FirstClause = 1;

    /// <summary>In a scope: how many clauses it has.</summary>
    public const int ClauseCount = 2;

    /// <summary>In a scope: its first clause.</summary>
    public const int Clauses = 3;

    /// <summary>The calls.</summary>
    public HandlerSite[] Sites { get; } = sites;

    /// <summary>The scopes.</summary>
    public int[] Scopes { get; } = scopes;

    /// <summary>A clause.</summary>
    /// <param name="tag">The tag's index in the module, or −1 for all.</param>
    /// <param name="wantsReference">Whether the handler takes the exception's reference.</param>
    public static int Clause(int tag, bool wantsReference) => (2 * (tag + 1)) | (wantsReference ? 1 : 0);

    /// <summary>The tag index that a clause names, or −1 for all.</summary>
    public static int TagOf(int clause) => (clause >> 1) - 1;

    /// <summary>Whether a clause's handler takes the exception's reference.</summary>
    public static bool WantsReference(int clause) => (clause & 1) != 0;

    /// <summary>Whether an offset is that of a scope, as far as can be told: what it says is within the table.</summary>
    public static bool IsScope(ReadOnlySpan<int> scopes, int offset)
        => offset >= 0 && offset <= scopes.Length - Clauses && scopes[offset + Outer] < offset && scopes[offset + Outer] >= -1
            && scopes[offset + ClauseCount] >= 0 && scopes[offset + ClauseCount] <= scopes.Length - Clauses - offset;
}
