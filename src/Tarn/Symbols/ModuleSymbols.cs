// What a module says about its source: DWARF in its custom sections, or a source map that somebody has found for it. Nothing is read until a backtrace is printed, so that traps cost
// what they did; then an index is made once, and each place is looked up in the part of the sections that is about it. The sections are the guest's: work is linear in their size, by a
// budget of steps (DwarfReader), and whatever does not add up ends in no place rather than an error.
namespace Tarn.Symbols;

internal sealed class ModuleSymbols(WasmModule module)
{
    private const int MostRemembered = 1024;
    private readonly Lock _lock = new();
    private readonly Dictionary<uint, SourceLocation[]> _known = [];
    private Func<string, byte[]?>? _findSourceMap;
    private DwarfInformation? _dwarf;
    private SourceMap? _map;
    private bool _read;

    /// <summary>Whether anything has been read, for tests.</summary>
    internal bool IsRead => _read;

    /// <summary>Says how the file is found that the module names as its source map; it is asked when the first backtrace is printed.</summary>
    public void UseSourceMaps(Func<string, byte[]?> find)
    {
        lock (_lock)
        {
            _findSourceMap = find;
            _read = false;
            _known.Clear();
        }
    }

    /// <summary>Where in the source an instruction is, the innermost of functions inlined there first; empty where that is not known.</summary>
    /// <param name="offset">The instruction's offset from the start of the module.</param>
    public IReadOnlyList<SourceLocation> Find(uint offset)
    {
        lock (_lock)
        {
            if (_known.TryGetValue(offset, out SourceLocation[]? known))
                return known;
            if (!_read)
                Read();
            SourceLocation[] found = Look(offset);
            if (_known.Count < MostRemembered)
                _known.Add(offset, found);
            return found;
        }
    }

    private void Read()
    {
        _read = true;
        _dwarf = DwarfInformation.Of(module);
        if (_dwarf is null && _findSourceMap is not null && module.TryGetCustomSection("sourceMappingURL", out CustomSection section))
            _map = SourceMap.Parse(_findSourceMap(SourceMap.Url(module.Read(section))));
    }

    private SourceLocation[] Look(uint offset)
    {
        int code = module.SectionOffset(SectionId.Code);
        if (_dwarf is not null && offset >= code)
            return _dwarf.Find(offset - (uint)code);
        return _map?.Find(offset) is SourceLocation location ? [location] : [];
    }
}
