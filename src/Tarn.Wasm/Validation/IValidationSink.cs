// What validation can tell on its way: the compiler needs a few facts of each function before it builds SSA, and the validator has already read every
// byte. A sink is a struct type argument, so its calls are bound and inlined at compile time; with NullSink the JIT removes them all.
namespace Tarn.Wasm.Validation;

/// <summary>Hears about the instructions that matter to a compiler's scan, in the order of the code. One sink serves one worker.</summary>
internal interface IValidationSink
{
    /// <summary>Whether anything is wanted. A constant, so that what serves the sink alone costs nothing without one.</summary>
    static abstract bool IsEnabled { get; }

    /// <summary>A function begins.</summary>
    /// <param name="definedIndex">Its index less the imported functions.</param>
    /// <param name="localCount">Its locals, parameters counted.</param>
    void BeginFunction(int definedIndex, int localCount);

    /// <summary>A block, loop, if or try_table is entered.</summary>
    /// <param name="opcode">Which.</param>
    /// <param name="offset">Offset of the opcode in the module.</param>
    void EnterBlock(Opcode opcode, int offset);

    /// <summary>The innermost block ends; not told for the function itself.</summary>
    void ExitBlock();

    /// <summary>A local is assigned.</summary>
    void LocalSet(int local);

    /// <summary>A call of any kind.</summary>
    void Call(Opcode opcode);

    /// <summary>The function ends.</summary>
    /// <param name="instructionCount">How many instructions it has.</param>
    void EndFunction(int instructionCount);
}

/// <summary>Wants to hear nothing.</summary>
internal readonly struct NullSink : IValidationSink
{
    public static bool IsEnabled => false;

    public void BeginFunction(int definedIndex, int localCount)
    {
    }

    public void EnterBlock(Opcode opcode, int offset)
    {
    }

    public void ExitBlock()
    {
    }

    public void LocalSet(int local)
    {
    }

    public void Call(Opcode opcode)
    {
    }

    public void EndFunction(int instructionCount)
    {
    }
}
