// The steps that StoreGate's correctness is argued about: each access to what several threads share. In the product they are volatile accesses
// (GateSteps); the explorer in the tests replaces them to run the gate's own code through every interleaving, store buffers included.
namespace Tarn.Scheduling;

internal interface IGateSteps
{
    /// <summary>Gets the current thread's number, above 0.</summary>
    static abstract int Thread { get; }

    static abstract int Read(ref int location, GateField field);

    static abstract void Write(ref int location, int value, GateField field);

    static abstract Tenure ReadTenure(ref Tenure location);

    static abstract void WriteTenure(ref Tenure location, Tenure value);

    static abstract int ReadDepth(Tenure tenure);

    static abstract void WriteDepth(Tenure tenure, int value);

    /// <summary>Makes the writes of all threads so far visible to all, and orders their accesses before against those after.</summary>
    static abstract void FenceAllThreads();
}
