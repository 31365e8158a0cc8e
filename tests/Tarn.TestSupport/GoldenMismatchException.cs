// What a golden test fails with: the message holds the difference and how to bless it.
namespace Tarn.TestSupport;

/// <summary>A text differs from its checked-in expectation.</summary>
public sealed class GoldenMismatchException(string message) : Exception(message);
