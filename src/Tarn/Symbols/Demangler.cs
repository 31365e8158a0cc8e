// Names that compilers of C++ and Rust have encoded, as people wrote them. For backtraces: whatever cannot be decoded, or would become too long, stays as it is. Names are the guest's:
// depth, length and steps are bounded, so that none costs more than a message of a few lines.
namespace Tarn.Symbols;

/// <summary>Decodes mangled names.</summary>
internal static class Demangler
{
    /// <summary>Characters that a decoded name may have. Back references can make it grow exponentially.</summary>
    public const int LongestName = 1000;

    /// <summary>How deep names may nest.</summary>
    public const int Deepest = 64;

    /// <summary>The name as it was written, or the name itself.</summary>
    public static string Demangle(string name)
    {
        // Suffixes of compilers' own making: .llvm.123, .cold, .isra.0.
        int end = name.IndexOf('.', StringComparison.Ordinal);
        string suffix = end > 0 && name.StartsWith('_') && !RustLegacyDemangler.IsMangled(name) ? name[end..] : "";
        string mangled = name[..^suffix.Length];
        // Some toolchains put a further underscore in front.
        if (mangled.StartsWith("__Z", StringComparison.Ordinal) || mangled.StartsWith("__R", StringComparison.Ordinal))
            mangled = mangled[1..];
        string? decoded = null;
        if (mangled.StartsWith("_R", StringComparison.Ordinal))
            decoded = RustV0Demangler.Demangle(mangled);
        else if (mangled.StartsWith("_Z", StringComparison.Ordinal))
            decoded = RustLegacyDemangler.Demangle(mangled) ?? ItaniumDemangler.Demangle(mangled);
        return decoded is null ? name : suffix.Length == 0 || suffix.StartsWith(".llvm.", StringComparison.Ordinal) ? decoded : $"{decoded} ({suffix})";
    }
}
