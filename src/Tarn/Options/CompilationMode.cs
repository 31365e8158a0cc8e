// When functions become machine code.
namespace Tarn;

/// <summary>When functions are compiled.</summary>
public enum CompilationMode
{
    /// <summary>All of them when the module is made, on several threads.</summary>
    Eager = 0,

    /// <summary>Each when it is first called. Modules are ready sooner; the first calls take longer.</summary>
    Lazy = 1,
}
