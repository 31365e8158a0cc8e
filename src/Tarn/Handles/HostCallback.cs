// The shape of host functions whose signature is known at run time only.
namespace Tarn;

/// <summary>A host function of any signature.</summary>
/// <param name="caller">The instance that is calling, its memory and state.</param>
/// <param name="arguments">The arguments, of the kinds that the signature says.</param>
/// <param name="results">Where the results go; each must be of the kind that the signature says.</param>
public delegate void HostCallback(Caller caller, ReadOnlySpan<Value> arguments, Span<Value> results);
