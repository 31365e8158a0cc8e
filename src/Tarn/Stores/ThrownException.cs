// An exception that is being thrown, as unwinding sees it: which tag, where its payload is, and its reference if it has one. The payload is read before anything is written, since it may be
// in the VM context that it is copied to.

namespace Tarn.Stores;

/// <param name="Tag">What it was thrown with.</param>
/// <param name="Reference">Its reference, or 0 if it has none yet.</param>
internal readonly record struct ThrownException(TagInstance Tag, ulong Reference);
