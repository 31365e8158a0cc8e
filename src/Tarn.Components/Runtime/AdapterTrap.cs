// The function that adapters trap by.
using Tarn.Components.Linking;

namespace Tarn.Components.Runtime;

internal static class AdapterTrap
{
    private static readonly FunctionType s_type = new([WasmValueType.I32, WasmValueType.I32, WasmValueType.I32], []);

    /// <summary>Makes the function, which takes the number of a site, a value and an index, and does not return.</summary>
    public static Function Create(Store store, List<AdapterSite> sites) => store.CreateFunction(s_type, (Caller _, ReadOnlySpan<Value> arguments, Span<Value> _) =>
    {
        uint value = (uint)arguments[1].AsInt32();
        AdapterSite site = sites[arguments[0].AsInt32()];
        throw site.Code == ComponentTrapCode.CannotEnter ? InstanceState.CannotEnter(value >= InstanceState.Poisoned / 2) : site.ToException(value, (uint)arguments[2].AsInt32());
    });
}
