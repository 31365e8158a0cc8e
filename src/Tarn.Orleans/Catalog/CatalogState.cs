// The catalog as it is stored.

namespace Tarn.Orleans.Catalog;

[GenerateSerializer, Alias("Tarn.CatalogState")]
internal sealed class CatalogState
{
    [Id(0)]
    public long Revision { get; set; }

    [Id(1)]
    public Dictionary<string, CatalogEntry> Entries { get; set; } = [];
}

/// <summary>The versions of one name.</summary>
[GenerateSerializer, Alias("Tarn.CatalogEntry")]
internal sealed class CatalogEntry
{
    [Id(0)]
    public List<GuestDeployment> History { get; set; } = [];

    /// <summary>The version in use; 0 for none.</summary>
    [Id(1)]
    public int Current { get; set; }
}
