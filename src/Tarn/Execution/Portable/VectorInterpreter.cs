namespace Tarn.Execution.Portable;

internal static unsafe class VectorInterpreter
{
    public static Word* Execute(Word* pc, ulong* s) => throw new NotSupportedException("vector");
}
