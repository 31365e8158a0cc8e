// How the results of a call are read from raw slots; a struct that implements it is folded into the call that uses it.
namespace Tarn;

internal unsafe interface IResultReader<out TResult>
{
    TResult Read(StoreCore store, RawValue* slots);
}
