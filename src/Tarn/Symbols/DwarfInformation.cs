// Debug information of a module: which function of the source an address belongs to, through which calls it was inlined, and at which lines. DWARF 2 to 5 as LLVM writes it into custom
// sections of WebAssembly, where addresses count from the contents of the code section.
//
// An index of the units is made once; a lookup walks the entries of one unit. Both have a budget of steps that is linear in the size of the sections, so that what is written in
// them costs no more than reading them a few times; an entry that does not add up, or a budget that is spent, means that nothing is known, and what is known of lines is told without functions.
namespace Tarn.Symbols;

internal sealed class DwarfInformation
{
    private const int MostInlined = 64;
    private const int MostOrigins = 8;
    private readonly DwarfSections _sections;
    private readonly DwarfAbbreviations _abbreviations;
    private readonly DwarfLines _lines;
    private readonly List<DwarfUnit> _units = [];
    private readonly List<(ulong Low, ulong High, DwarfUnit Unit)> _ranges = [];

    // As many as the sections can honestly hold: lists may be shared, and be as many as the units.
    private readonly long _mostRanges;

    private DwarfInformation(DwarfSections sections)
    {
        _mostRanges = 1000 + (sections.Size / 4);
        _sections = sections;
        _abbreviations = new DwarfAbbreviations(sections.Abbreviations);
        DwarfBudget budget = Budget();
        _lines = new DwarfLines(sections, budget);
        try
        {
            IndexUnits(budget);
        }
        catch (DwarfException)
        {
            // What was found is of use.
        }
    }

    /// <summary>Steps that an index or a lookup may take.</summary>
    internal long Allowance => 10_000 + (8 * _sections.Size);

    /// <summary>Steps that the dearest of both took, for tests.</summary>
    internal long MostSpent { get; private set; }

    /// <summary>The debug information of a module; null if it has none.</summary>
    public static DwarfInformation? Of(WasmModule module)
    {
        var sections = new DwarfSections(module);
        return sections.Line.Length == 0 ? null : new DwarfInformation(sections);
    }

    /// <summary>The places of an address, the innermost of inlined functions first; empty where nothing is known.</summary>
    public SourceLocation[] Find(uint address)
    {
        DwarfBudget budget = Budget();
        try
        {
            if (!_lines.TryFind(address, budget, out DwarfLines.Row row, out int program) || _lines.FileName(program, row.File, budget) is not string file)
                return [];
            var innermost = new SourceLocation(null, file, Clamp(row.Line), Clamp((long)row.Column));
            try
            {
                return Functions(address, innermost, budget) ?? [innermost];
            }
            catch (DwarfException)
            {
                return [innermost];
            }
        }
        catch (DwarfException)
        {
            return [];
        }
        finally
        {
            MostSpent = Math.Max(MostSpent, Allowance - budget.Left);
        }
    }

    private static int Clamp(long value) => value is > 0 and <= int.MaxValue ? (int)value : 0;

    private DwarfBudget Budget() => new(Allowance);

    private void IndexUnits(DwarfBudget budget)
    {
        long next = 0;
        while (next < _sections.Info.Length)
        {
            var reader = new DwarfReader(_sections.Info.Span, (int)next, budget);
            int start = (int)next;
            next = reader.UnitLength() + (long)reader.At;
            if (next > _sections.Info.Length)
                return;
            try
            {
                IndexUnit(ref reader, start, (int)next, budget);
            }
            catch (DwarfException) when (budget.Left > 0)
            {
                // The next unit may be sound.
            }
        }
    }

    private void IndexUnit(ref DwarfReader reader, int start, int end, DwarfBudget budget)
    {
        const int FirstWithType = 5;
        const byte Compile = 1;
        int version = reader.U16();
        if (version is < 2 or > 5)
            return;
        byte type = Compile;
        int addressSize = 0;
        if (version >= FirstWithType)
        {
            type = reader.U8();
            addressSize = reader.U8();
        }
        uint abbreviations = reader.U32();
        if (version < FirstWithType)
            addressSize = reader.U8();
        if (type != Compile)
            return;
        var unit = new DwarfUnit { Start = start, End = end, Entries = reader.At, Version = version, AddressSize = addressSize, Abbreviations = abbreviations };
        reader = reader.Until(end);
        if (!DwarfEntry.Read(ref reader, unit, _abbreviations.Table(unit.Abbreviations, budget), out DwarfEntry entry))
            return;
        const ulong TableHeader = 8;
        unit.StringOffsets = entry.StringOffsets.IsPresent ? entry.StringOffsets.Number : TableHeader;
        unit.Addresses = entry.Addresses.IsPresent ? entry.Addresses.Number : TableHeader;
        unit.RangeLists = entry.RangeLists.IsPresent ? entry.RangeLists.Number : TableHeader + sizeof(uint);
        unit.Lines = entry.Lines is { IsPresent: true, Number: <= int.MaxValue } ? (int)entry.Lines.Number : null;
        unit.Base = entry.Low.IsPresent ? Address(entry.Low, unit, budget) : 0;
        _units.Add(unit);
        foreach ((ulong low, ulong high) in RangesOf(entry, unit, budget))
        {
            if (_ranges.Count > _mostRanges)
                throw new DwarfException();
            _ranges.Add((low, high, unit));
        }
    }

    // Of the function that an address is in, and those inlined there: their names, with the line of the row for the innermost and that of the call for the others.
    private SourceLocation[]? Functions(uint address, SourceLocation innermost, DwarfBudget budget)
    {
        DwarfUnit? unit = null;
        foreach ((ulong low, ulong high, DwarfUnit candidate) in _ranges)
        {
            budget.Spend(1);
            if (low <= address && address < high)
            {
                unit = candidate;
                break;
            }
        }
        if (unit is null)
            return null;
        List<DwarfEntry> chain = Chain(unit, address, budget);
        if (chain.Count == 0)
            return null;
        var found = new SourceLocation[chain.Count];
        SourceLocation place = innermost;
        for (int i = chain.Count - 1; i >= 0; i--)
        {
            DwarfEntry entry = chain[i];
            found[chain.Count - 1 - i] = place with { FunctionName = NameOf(entry, unit, budget) };
            string? file = unit.Lines is int lines && entry.CallFile.IsPresent ? _lines.FileName(lines, entry.CallFile.Number, budget) : null;
            place = new SourceLocation(null, file ?? "?", Clamp((long)entry.CallLine.Number), Clamp((long)entry.CallColumn.Number));
        }
        return found;
    }

    private List<DwarfEntry> Chain(DwarfUnit unit, uint address, DwarfBudget budget)
    {
        List<DwarfEntry> chain = [];
        Dictionary<ulong, DwarfAbbreviations.Shape> shapes = _abbreviations.Table(unit.Abbreviations, budget);
        DwarfReader reader = new DwarfReader(_sections.Info.Span, unit.Entries, budget).Until(unit.End);
        int depth = 0, functionDepth = 0;
        while (!reader.IsAtEnd)
        {
            if (!DwarfEntry.Read(ref reader, unit, shapes, out DwarfEntry entry))
            {
                depth--;
                if (depth < 0 || (chain.Count > 0 && depth <= functionDepth))
                    break;
                continue;
            }
            if (entry.Tag is DwarfEntry.Subprogram or DwarfEntry.InlinedSubroutine && Contains(entry, unit, address, budget))
            {
                if (chain.Count == 0)
                    functionDepth = depth;
                if (chain.Count == MostInlined)
                    break;
                chain.Add(entry);
            }
            if (entry.HasChildren)
                depth++;
            else if (chain.Count > 0 && depth <= functionDepth)
                break;
        }
        return chain;
    }

    private bool Contains(in DwarfEntry entry, DwarfUnit unit, uint address, DwarfBudget budget)
    {
        foreach ((ulong low, ulong high) in RangesOf(entry, unit, budget))
        {
            if (low <= address && address < high)
                return true;
        }
        return false;
    }

    private List<(ulong Low, ulong High)> RangesOf(in DwarfEntry entry, DwarfUnit unit, DwarfBudget budget)
    {
        List<(ulong, ulong)> ranges = [];
        if (entry.Ranges.IsPresent)
        {
            if (unit.Version >= 5)
                RangeList(entry.Ranges, unit, ranges, budget);
            else
                OldRanges(entry.Ranges, unit, ranges, budget);
        }
        else if (entry.Low.IsPresent && entry.High.IsPresent)
        {
            ulong low = Address(entry.Low, unit, budget);
            Add(ranges, low, entry.High.IsAddress ? Address(entry.High, unit, budget) : low + entry.High.Number);
        }
        return ranges;
    }

    // What the linker has dropped is at 0 or beyond the last address.
    private void Add(List<(ulong Low, ulong High)> ranges, ulong low, ulong high)
    {
        if (ranges.Count > _mostRanges)
            throw new DwarfException();
        if (low != 0 && low < high && high <= uint.MaxValue)
            ranges.Add((low, high));
    }

    private void OldRanges(DwarfValue value, DwarfUnit unit, List<(ulong Low, ulong High)> ranges, DwarfBudget budget)
    {
        DwarfReader reader = DwarfSections.At(_sections.Ranges, value.Number, budget);
        ulong start = unit.Base;
        ulong last = unit.AddressSize == sizeof(uint) ? uint.MaxValue : ulong.MaxValue;
        while (true)
        {
            ulong low = reader.Sized(unit.AddressSize);
            ulong high = reader.Sized(unit.AddressSize);
            if (low == 0 && high == 0)
                return;
            if (low == last)
                start = high;
            else
                Add(ranges, start + low, start + high);
        }
    }

    private void RangeList(DwarfValue value, DwarfUnit unit, List<(ulong Low, ulong High)> ranges, DwarfBudget budget)
    {
        ulong offset = value.Number;
        if (value.Form == DwarfValue.RangeListIndex)
        {
            if (offset > int.MaxValue)
                throw new DwarfException();
            offset = unit.RangeLists + DwarfSections.At(_sections.RangeLists, unit.RangeLists + (offset * sizeof(uint)), budget).U32();
        }
        DwarfReader reader = DwarfSections.At(_sections.RangeLists, offset, budget);
        ulong start = unit.Base;
        while (true)
        {
            ulong low;
            switch (reader.U8())
            {
                case 0:
                    return;
                case 1:
                    start = _sections.IndexedAddress(unit.Addresses, reader.Unsigned(), budget);
                    break;
                case 2:
                    low = _sections.IndexedAddress(unit.Addresses, reader.Unsigned(), budget);
                    Add(ranges, low, _sections.IndexedAddress(unit.Addresses, reader.Unsigned(), budget));
                    break;
                case 3:
                    low = _sections.IndexedAddress(unit.Addresses, reader.Unsigned(), budget);
                    Add(ranges, low, low + reader.Unsigned());
                    break;
                case 4:
                    low = reader.Unsigned();
                    Add(ranges, start + low, start + reader.Unsigned());
                    break;
                case 5:
                    start = reader.Sized(unit.AddressSize);
                    break;
                case 6:
                    low = reader.Sized(unit.AddressSize);
                    Add(ranges, low, reader.Sized(unit.AddressSize));
                    break;
                case 7:
                    low = reader.Sized(unit.AddressSize);
                    Add(ranges, low, low + reader.Unsigned());
                    break;
                default:
                    throw new DwarfException();
            }
        }
    }

    private ulong Address(DwarfValue value, DwarfUnit unit, DwarfBudget budget) =>
        value.Form == DwarfValue.Address || !value.IsAddress ? value.Number : _sections.IndexedAddress(unit.Addresses, value.Number, budget);

    // The name that the linker sees says more than the one in the source.
    private string? NameOf(DwarfEntry entry, DwarfUnit unit, DwarfBudget budget)
    {
        string? plain = null;
        for (int i = 0; i < MostOrigins; i++)
        {
            if (entry.LinkageName.IsPresent && _sections.Text(entry.LinkageName, _sections.Info, budget, unit.StringOffsets) is string linkage)
                return Demangler.Demangle(linkage);
            if (entry.Name.IsPresent)
                plain ??= _sections.Text(entry.Name, _sections.Info, budget, unit.StringOffsets);
            if (!entry.Origin.IsPresent || !TryFollow(entry.Origin, ref unit, budget, out entry))
                break;
        }
        return plain;
    }

    private bool TryFollow(DwarfValue reference, ref DwarfUnit unit, DwarfBudget budget, out DwarfEntry entry)
    {
        entry = default;
        ulong at = reference.Form == DwarfValue.ReferenceAddress ? reference.Number : (ulong)unit.Start + reference.Number;
        if (at > int.MaxValue)
            return false;
        int target = (int)at;
        if (target < unit.Entries || target >= unit.End)
        {
            int low = _units.FindLastIndex(candidate => candidate.Start <= target);
            budget.Spend(_units.Count);
            if (low < 0 || target < _units[low].Entries || target >= _units[low].End)
                return false;
            unit = _units[low];
        }
        DwarfReader reader = new DwarfReader(_sections.Info.Span, target, budget).Until(unit.End);
        return DwarfEntry.Read(ref reader, unit, _abbreviations.Table(unit.Abbreviations, budget), out entry);
    }
}
