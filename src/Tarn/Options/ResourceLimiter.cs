// The host's say in what a store takes.
namespace Tarn;

/// <summary>
/// Decides whether a memory, a table, a heap, or the number of the host's objects that guests hold, may have a size. Refused growth is −1 to the guest, or a trap where a heap or the number of
/// objects is to grow; a refused minimum fails the instantiation. An exception ends the call or the instantiation and arrives unchanged, and leaves nothing behind.
/// </summary>
/// <param name="request">What is asked for.</param>
/// <returns>Whether it may be.</returns>
public delegate bool ResourceLimiter(in ResourceRequest request);
