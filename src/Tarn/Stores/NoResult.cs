// The result of functions that have none, where code is generic over results.
namespace Tarn;

internal readonly unsafe struct NoResult : IResultReader<NoResult>
{
    public NoResult Read(StoreCore store, RawValue* slots) => default;
}
