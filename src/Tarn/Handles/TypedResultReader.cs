// Reads one result, or several as a tuple.
using System.Runtime.CompilerServices;

namespace Tarn;

internal readonly unsafe struct TypedResultReader<TResult> : IResultReader<TResult>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TResult Read(StoreCore store, RawValue* slots) => ResultCodec<TResult>.Read(store, slots);
}
