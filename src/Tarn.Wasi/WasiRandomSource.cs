// Where random_get takes its bytes from: the system's generator, or one that a test can foresee.
namespace Tarn.Wasi;

/// <summary>Fills a buffer with random bytes.</summary>
/// <param name="destination">All of it is to be filled.</param>
public delegate void WasiRandomSource(Span<byte> destination);
