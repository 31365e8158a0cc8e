// The shape of asynchronous host functions whose signature is known at run time only.
namespace Tarn;

/// <summary>An asynchronous host function of any signature. While it is pending the guest is suspended and no thread waits.</summary>
/// <param name="caller">The instance that is calling, its memory and state. It may be kept until the task completes.</param>
/// <param name="arguments">The arguments, of the kinds that the signature says.</param>
/// <param name="results">Where the results have to be when the task completes; each must be of the kind that the signature says.</param>
/// <returns>Completes when the results are in place.</returns>
public delegate ValueTask AsyncHostCallback(Caller caller, ReadOnlyMemory<Value> arguments, Memory<Value> results);
