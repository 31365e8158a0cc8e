// Why: sleeping on a word by locks of the framework, for systems whose own way is not written. Times are rounded up to milliseconds.
namespace Tarn.Platform;

internal sealed unsafe class PortableThreadSleep : ThreadSleep
{
    private const int Places = 64;
    private const long NanosecondsPerMillisecond = 1_000_000;

    // Words share places: whoever is woken for another's sake looks at its own word and sleeps on.
    private readonly object[] _places = CreatePlaces();

    public override void Sleep(uint* word, uint expected, long nanoseconds)
    {
        object place = PlaceOf(word);
        lock (place)
        {
            // Wakers change the word first and take the lock afterwards, so none is missed between this and falling asleep.
            if (Volatile.Read(ref *word) != expected)
                return;
            if (nanoseconds < 0)
                Monitor.Wait(place);
            else
                Monitor.Wait(place, (int)Math.Min(int.MaxValue, (nanoseconds + NanosecondsPerMillisecond - 1) / NanosecondsPerMillisecond));
        }
    }

    public override void Wake(uint* word)
    {
        object place = PlaceOf(word);
        lock (place)
            Monitor.PulseAll(place);
    }

    private object PlaceOf(uint* word) => _places[((nuint)word >> 6) % Places];

    private static object[] CreatePlaces()
    {
        object[] places = new object[Places];
        for (int i = 0; i < places.Length; i++)
            places[i] = new object();
        return places;
    }
}
