// The host's say in what a store takes.
namespace Tarn;

/// <summary>
/// Decides whether a memory or table, or the number of the host's objects that guests hold, may have a size. Refused growth is −1 to the guest; a refused minimum fails the
/// instantiation; objects that are refused are a trap. An exception
/// ends the call or the instantiation and arrives unchanged, and leaves nothing behind.
/// </summary>
/// <param name="request">What is asked for.</param>
/// <returns>Whether it may be.</returns>
public delegate bool ResourceLimiter(in ResourceRequest request);
