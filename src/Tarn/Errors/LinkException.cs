// Raised when a module's imports do not fit what the linker offers. Names the import and says what was expected and
// what was found, because that is all a person needs to correct it.
namespace Tarn;

/// <summary>An import of a module has no definition, or one of another type.</summary>
public sealed class LinkException : WasmException
{
    internal LinkException(string module, string name, ExternType expected, ExternType? found)
        : base(found is null
            ? $"unknown import: \"{module}\" \"{name}\" is not defined (expected {expected})"
            : $"incompatible import type: \"{module}\" \"{name}\" (expected {expected}, found {found})")
    {
        ImportModule = module;
        ImportName = name;
        Expected = expected;
        Found = found;
    }

    /// <summary>The first part of the import's name.</summary>
    public string ImportModule { get; }

    /// <summary>The second part of the import's name.</summary>
    public string ImportName { get; }

    /// <summary>Gets the type that the module requires.</summary>
    public ExternType Expected { get; }

    /// <summary>Gets the type of the definition that was found; <see langword="null"/> where there is none.</summary>
    public ExternType? Found { get; }
}
