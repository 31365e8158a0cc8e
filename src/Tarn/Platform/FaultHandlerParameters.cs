// What the emitted signal handler is made of; see FaultHandlerCode.
namespace Tarn.Platform;

/// <summary>What the emitted signal handler has to know.</summary>
/// <param name="PreviousSegmentationFault">Handler to chain to for SIGSEGV.</param>
/// <param name="PreviousBusError">Handler to chain to for SIGBUS, or 0.</param>
/// <param name="RangeTable">Address of the table of slabs whose pages the handler may open; see FaultRangeTable.</param>
internal readonly record struct FaultHandlerParameters(nint PreviousSegmentationFault, nint PreviousBusError, nint RangeTable);
