// The type of an import as it is decoded, before it is known how many imports have it: of the fields, the one of the import's kind is set.
namespace Tarn.Wasm.Binary;

internal struct ImportedType
{
    public int Function;
    public CoreTableType Table;
    public CoreMemoryType Memory;
    public CoreGlobalType Global;
    public CoreTagType Tag;
}
