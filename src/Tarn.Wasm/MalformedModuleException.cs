// Bytes that are no module: decoding stops here. The message opens with the words of the specification's test suite, so that both people
// and the spec runner recognise the rule.
using System.Diagnostics.CodeAnalysis;

namespace Tarn;

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

    /// <summary>The same error of a module that was text.</summary>
    internal MalformedModuleException(MalformedModuleException error, string place, string excerpt, int line, int column)
        : base($"{error.Problem} (at {place})\n{excerpt}")
    {
        (Problem, Offset, RequiredFeature) = (error.Problem, error.Offset, error.RequiredFeature);
        (Line, Column) = (line, column);
    }

    /// <summary>Gets the line of the text that is to blame, counted from 1; <see langword="null"/> where the module was binary.</summary>
    public int? Line { get; }

    /// <summary>Gets the column in that line, in characters, counted from 1; <see langword="null"/> where the module was binary.</summary>
    public int? Column { get; }

    /// <summary>Gets the feature that is off and without which the bytes mean nothing; <see cref="WasmFeatures.None"/> where they never do.</summary>
    public WasmFeatures RequiredFeature { get; private init; }

    /// <summary>What is wrong, without the position.</summary>
    public string Problem { get; }

    /// <summary>Where decoding stopped, as a byte offset from the start of the module.</summary>
    public long Offset { get; }

    /// <summary>The same error of a module within a component, by its place in the component.</summary>
    internal MalformedModuleException Within(int start) => new(Problem, Offset + start) { RequiredFeature = RequiredFeature };

    [DoesNotReturn]
    internal static void Throw(string problem, long offset) => throw new MalformedModuleException(problem, offset);

    [DoesNotReturn]
    internal static void ThrowFeature(string problem, WasmFeatures feature, long offset) => throw new MalformedModuleException(problem, offset) { RequiredFeature = feature };
}
