// Why: the only protections the runtime uses. There is deliberately no member that is writable and executable at once.
namespace Tarn.Platform;

internal enum MemoryProtection
{
    None,
    Read,
    ReadWrite,
    ReadExecute,
}
