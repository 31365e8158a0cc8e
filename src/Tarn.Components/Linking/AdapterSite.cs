// What an adapter that finds a fault calls the host with: a number, which stands for one of these. Only a trap pays for words.
using System.Globalization;

namespace Tarn.Components.Linking;

/// <summary>A place in an adapter where it traps.</summary>
/// <param name="Code">The reason.</param>
/// <param name="Problem">The reason in words, with the value in question as <c>{0}</c>.</param>
/// <param name="Path">The path of the value, with the index in the innermost list as <c>{0}</c>; null where the trap is not about a value.</param>
internal sealed record AdapterSite(ComponentTrapCode Code, string Problem, string? Path)
{
    /// <summary>The trap.</summary>
    public ComponentTrapException ToException(uint value, uint index) => new(
        Code, string.Format(CultureInfo.InvariantCulture, Problem, value), Path is null ? null : string.Format(CultureInfo.InvariantCulture, Path, index < 255 ? $"{index}" : "256 or later"));

    /// <summary>Words that are part of a format as they are.</summary>
    public static string Literal(string text) => text.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal);
}
