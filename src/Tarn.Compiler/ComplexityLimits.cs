// What compiling may cost, by the length of what is compiled. A body can be short and ask for much: a call of two bytes passes a thousand values each way, each branch may carry a
// value for each local that is assigned, each of a thousand nested loops has a parameter for each local assigned in the innermost, and values that stay alive over many
// blocks count once for each. Everything that a construct asks for beyond a fixed amount per byte of its encoding is charged, in units of about eight bytes of the
// compiler's memory, before it is made.
//
// The bound: a function may spend UnitsPerByte for each byte of its body. What it needs beyond that comes out of what all functions of a module share, so that a module of a
// million tiny functions cannot ask for a million times that. Whether a module is refused depends on the sum alone, not on the order in which its functions are compiled.
// What compilers make stays far below: the largest function of lightningcss, 400 KB long, has 45 million values alive at the beginnings of its blocks, 112 units a byte,
// and is the worst of two dozen large modules.
namespace Tarn.Compiler;

/// <summary>Limits on what is made of functions, and the prices of what they ask for.</summary>
internal static class ComplexityLimits
{
    /// <summary>Units that each byte of a body pays for.</summary>
    public const int UnitsPerByte = 512;

    /// <summary>Units that all functions of a module share beyond those.</summary>
    public const long SharedUnits = 16L << 20;

    /// <summary>Units that no function may exceed, however long it is: more than two gigabytes.</summary>
    public const long MostUnits = 384L << 20;

    /// <summary>Steps of searches in register allocation that each byte of a body pays for.</summary>
    public const int StepsPerByte = 256;

    /// <summary>Steps that a function may take beyond those.</summary>
    public const long FreeSteps = 32L << 20;

    /// <summary>A value that is alive at the beginning of a block.</summary>
    public const int LiveValue = 1;

    /// <summary>A value saved for a label, a local in a frame's list of assigned ones, or a result in a block's type.</summary>
    public const int SavedValue = 4;

    /// <summary>A value that an edge carries to a parameter.</summary>
    public const int EdgeArgument = 32;

    /// <summary>A parameter of a block, or of the function.</summary>
    public const int Parameter = 32;

    /// <summary>An argument or a result of a call or of a return.</summary>
    public const int PassedValue = 64;
}
