// Why: a function of the host as guest code reaches it: by index, through the array of values in its exit frame, with no allocation and one virtual
// call. Subclasses hold a delegate or a function pointer and know the types.
namespace Tarn.Execution;

internal enum HostCallStatus : uint
{
    /// <summary>Results are in place; the guest continues.</summary>
    Completed,

    /// <summary>Results will come later; the guest stays suspended until <see cref="GuestExecution.Continue"/>.</summary>
    Pending,

    /// <summary>The call threw. Never returned by host functions themselves: the exception is thrown again outside of the guest.</summary>
    Threw,
}

internal abstract unsafe class HostFunction
{
    /// <summary>
    /// Does the call. <paramref name="values"/> holds an argument every 16 bytes (i32 zero-extended, f32 in the low 4 bytes) and takes the
    /// results the same way (i32 zero-extended). It stays valid, and nested calls do not move it, until the guest continues.
    /// Exceptions unwind the guest and reach its caller.
    /// </summary>
    /// <param name="execution">The store that calls.</param>
    /// <param name="context">The VM context in the function reference that was called.</param>
    /// <param name="values">Arguments, then results.</param>
    public abstract HostCallStatus Invoke(GuestExecution execution, VmContext* context, ulong* values);
}
