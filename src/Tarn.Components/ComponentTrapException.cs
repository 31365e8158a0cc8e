// A trap of the canonical ABI, with the path of the value that did not lift or lower where there is one.
namespace Tarn.Components;

/// <summary>The exception that is thrown when a component breaks a rule of the canonical ABI.</summary>
public sealed class ComponentTrapException : WasmException
{
    internal ComponentTrapException(ComponentTrapCode code, string problem, string? path = null, Exception? inner = null)
        : base(path is null ? problem : $"{problem} (at {path})", inner)
    {
        Code = code;
        Problem = problem;
        Path = path;
    }

    /// <summary>Gets the reason.</summary>
    public ComponentTrapCode Code { get; }

    /// <summary>Gets the reason in words, without the place.</summary>
    public string Problem { get; }

    /// <summary>Gets the path of the value in question, such as <c>param "x".field[3]</c>, or <see langword="null"/> where the trap is not about a value.</summary>
    public string? Path { get; }
}
