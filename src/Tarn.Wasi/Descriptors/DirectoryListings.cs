// The listings that guests are in the middle of. Each is as long as its directory, and a guest may have hundreds of descriptors of one large directory: so only the latest are
// kept, up to a number of entries that bounds what all of them take. A listing that was dropped is made anew where its guest continues, at the same place of it; only then can
// what came and went meanwhile be told twice or not at all.
namespace Tarn.Wasi.Descriptors;

internal sealed class DirectoryListings
{
    private const long MostEntries = 100_000;
    private readonly List<DirectoryDescriptor> _holders = [];

    /// <summary>Keeps a listing, which is always kept itself however long it is.</summary>
    public void Keep(DirectoryDescriptor holder, IReadOnlyList<WasiDirectoryEntry> listing)
    {
        holder.Listing = listing;
        // Descriptors that were closed have none any more.
        _holders.RemoveAll(other => other == holder || other.Listing is null);
        _holders.Add(holder);
        long entries = _holders.Sum(other => (long)other.Listing!.Count);
        for (int i = 0; entries > MostEntries && i < _holders.Count - 1; i++)
        {
            entries -= _holders[i].Listing!.Count;
            _holders[i].Listing = null;
        }
    }
}
