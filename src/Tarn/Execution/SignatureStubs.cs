// Why: the stubs of one signature, in one piece of code. Signatures come from modules, so a stranger decides how many there are: the stubs live as long as some
// engine has a type of that signature (Machine.AcquireStubs), and whatever leads to them, a record in a store or a call in progress, keeps its type.
using Tarn.Platform;

namespace Tarn.Execution;

/// <param name="Signature">What they are for.</param>
/// <param name="Code">Where they are.</param>
/// <param name="TypedEntry">
/// C function taking the arguments in order, then the <see cref="FunctionReference"/>'s address; gives <see cref="RawResult"/>. i32 arguments need not be
/// extended. 0 if the signature has none.
/// </param>
/// <param name="ArrayEntry">C function (function reference, values*): 16 bytes a value, arguments in, results out.</param>
/// <param name="HostExit">Guest code: <see cref="FunctionReference.Code"/> of every host function of this signature that has no direct exit (<see cref="Machine.HostExitTo"/>).</param>
internal sealed record SignatureStubs(Signature Signature, CodePiece Code, nint TypedEntry, nint ArrayEntry, nint HostExit);
