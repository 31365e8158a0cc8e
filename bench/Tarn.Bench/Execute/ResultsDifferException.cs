// Two engines computed different things: whatever their times were, they mean nothing.
namespace Tarn.Bench.Execute;

internal sealed class ResultsDifferException(string message) : Exception(message);
