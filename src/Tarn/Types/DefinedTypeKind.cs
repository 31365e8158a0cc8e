// The three kinds of types that a module can define.
namespace Tarn;

/// <summary>Specifies what a type that a module defines describes.</summary>
public enum DefinedTypeKind
{
    /// <summary>A function.</summary>
    Function = 0,

    /// <summary>A structure.</summary>
    Struct = 1,

    /// <summary>An array.</summary>
    Array = 2,
}
