// A host function with results where the module imports one without: a lambda that assigns, `() => seen = 5`, is a function with a result to the C# compiler and
// none to whoever wrote it. The results go to slots of their own, since the guest has reserved none.
using Tarn.Execution;

namespace Tarn.Functions;

internal sealed unsafe class DiscardingHostFunction(DefinedHostFunction inner) : DefinedHostFunction(inner.Parameters, [])
{
    public override HostCallStatus Invoke(GuestExecution execution, VmContext* context, ulong* values)
    {
        RawValue* slots = stackalloc RawValue[Math.Max(inner.Parameters.Length, inner.Results.Length)];
        new ReadOnlySpan<RawValue>(values, inner.Parameters.Length).CopyTo(new Span<RawValue>(slots, inner.Parameters.Length));
        return inner.Invoke(execution, context, (ulong*)slots);
    }
}
