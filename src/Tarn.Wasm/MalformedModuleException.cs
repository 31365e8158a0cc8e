// Bytes that are no module: decoding stops here. The message opens with the words of the specification's test suite, so that both people
// and the spec runner recognise the rule.
using System.Diagnostics.CodeAnalysis;

namespace Tarn.Wasm;

/// <summary>The bytes do not follow the binary format.</summary>
public sealed class MalformedModuleException : WasmException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="problem">What is wrong, without the position.</param>
    /// <param name="offset">Where, as a byte offset from the start of the module.</param>
    public MalformedModuleException(string problem, long offset)
        : base($"{problem} (at byte 0x{offset:x})")
    {
        Problem = problem;
        Offset = offset;
    }

    /// <summary>What is wrong, without the position.</summary>
    public string Problem { get; }

    /// <summary>Where decoding stopped, as a byte offset from the start of the module.</summary>
    public long Offset { get; }

    [DoesNotReturn]
    internal static void Throw(string problem, long offset) => throw new MalformedModuleException(problem, offset);
}
