// .debug_line, versions 2 to 5: programs that make a table of address, file, line and column. They are run once to learn which addresses each is about, and the one in question again
// for each lookup; no table is kept. Names of files are read when one is asked for.
namespace Tarn.Symbols;

internal sealed class DwarfLines
{
    private const byte LastLengthByte = 255;
    private readonly DwarfSections _sections;
    private readonly List<Sequence> _sequences = [];

    /// <summary>Finds out which addresses each program is about. A unit that does not add up is left out.</summary>
    public DwarfLines(DwarfSections sections, DwarfBudget budget)
    {
        _sections = sections;
        long next = 0;
        long end = sections.Line.Length;
        while (next < end)
        {
            int start = (int)next;
            try
            {
                var reader = new DwarfReader(sections.Line.Span, start, budget);
                next = end; // unless the length is one
                next = reader.UnitLength() + (long)reader.At;
                Run(start, budget, new Visitor(_sequences, start));
            }
            catch (DwarfException)
            {
                // The next unit may be sound, if there is anything left to read it by.
                if (budget.Left <= 0)
                    break;
            }
        }
        _sequences.Sort((a, b) => a.Low.CompareTo(b.Low));
    }

    /// <summary>The row that an address belongs to, and the unit whose files it counts by.</summary>
    public bool TryFind(uint address, DwarfBudget budget, out Row row, out int unit)
    {
        row = default;
        unit = 0;
        int low = 0, high = _sequences.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_sequences[middle].Low <= address)
                low = middle + 1;
            else
                high = middle;
        }
        if (low == 0 || address >= _sequences[low - 1].High)
            return false;
        unit = _sequences[low - 1].Unit;
        var visitor = new Visitor(address);
        Run(unit, budget, visitor);
        row = visitor.Found;
        return visitor.IsFound;
    }

    /// <summary>A file of a unit by the number that rows and calls have; null if there is none.</summary>
    public string? FileName(int unit, ulong file, DwarfBudget budget)
    {
        DwarfReader reader = Header(unit, budget, out Parameters parameters);
        if (parameters.Version >= 5)
            return FileNameOf5(ref reader, file, budget);
        var directories = new List<int>();
        while (true)
        {
            int at = reader.At;
            if (reader.SkipText().IsEmpty)
                break;
            directories.Add(at);
        }
        for (ulong number = 1; ; number++)
        {
            int at = reader.At;
            if (reader.SkipText().IsEmpty)
                return null;
            ulong directory = reader.Unsigned();
            reader.Unsigned();
            reader.Unsigned();
            if (number != file)
                continue;
            string name = new DwarfReader(_sections.Line.Span, at, budget).Text();
            return directory == 0 || directory > (ulong)directories.Count ? name : Join(new DwarfReader(_sections.Line.Span, directories[(int)directory - 1], budget).Text(), name);
        }
    }

    private string? FileNameOf5(ref DwarfReader reader, ulong file, DwarfBudget budget)
    {
        (ulong Content, ulong Form)[] format = Format(ref reader);
        ulong count = reader.Unsigned();
        if (count > (ulong)(reader.End - reader.At))
            throw new DwarfException();
        var directories = new List<DwarfValue>();
        for (ulong i = 0; i < count; i++)
            directories.Add(Entry(ref reader, format, out _));
        format = Format(ref reader);
        count = reader.Unsigned();
        for (ulong i = 0; i < count; i++)
        {
            DwarfValue name = Entry(ref reader, format, out ulong directory);
            if (i != file)
                continue;
            string? text = _sections.Text(name, _sections.Line, budget);
            // The first directory is where the compiler ran.
            return text is null || directory == 0 || directory >= (ulong)directories.Count
                ? text
                : Join(_sections.Text(directories[(int)directory], _sections.Line, budget) ?? "", text);
        }
        return null;
    }

    private static (ulong Content, ulong Form)[] Format(ref DwarfReader reader)
    {
        var format = new (ulong, ulong)[reader.U8()];
        for (int i = 0; i < format.Length; i++)
            format[i] = (reader.Unsigned(), reader.Unsigned());
        return format;
    }

    private static DwarfValue Entry(ref DwarfReader reader, (ulong Content, ulong Form)[] format, out ulong directory)
    {
        const ulong Path = 1;
        const ulong DirectoryIndex = 2;
        const int AddressSize = 4;
        DwarfValue name = default;
        directory = 0;
        // An entry without contents could be had a billion times for nothing.
        if (format.Length == 0)
            throw new DwarfException();
        foreach ((ulong content, ulong form) in format)
        {
            DwarfValue value = DwarfValue.Read(ref reader, form, AddressSize, 0);
            if (content == Path)
                name = value;
            else if (content == DirectoryIndex)
                directory = value.Number;
        }
        return name;
    }

    private static string Join(string directory, string name) => directory.Length == 0 || name.StartsWith('/') ? name : directory.EndsWith('/') ? directory + name : $"{directory}/{name}";

    // Up to the tables of directories and files.
    private DwarfReader Header(int unit, DwarfBudget budget, out Parameters parameters)
    {
        var reader = new DwarfReader(_sections.Line.Span, unit, budget);
        uint length = reader.UnitLength();
        reader = reader.Until(reader.At + (long)length);
        parameters = default;
        parameters.Version = reader.U16();
        if (parameters.Version is < 2 or > 5)
            throw new DwarfException();
        if (parameters.Version >= 5)
            reader.Skip(2);
        uint headerLength = reader.U32();
        parameters.Program = reader.At + (long)headerLength;
        parameters.Step = reader.U8();
        if (parameters.Version >= 4)
            reader.Skip(1);
        reader.Skip(1);
        parameters.LineBase = (sbyte)reader.U8();
        parameters.LineRange = reader.U8();
        parameters.OpcodeBase = reader.U8();
        if (parameters.LineRange == 0 || parameters.OpcodeBase == 0)
            throw new DwarfException();
        parameters.Lengths = new byte[parameters.OpcodeBase - 1];
        for (int i = 0; i < parameters.Lengths.Length; i++)
            parameters.Lengths[i] = reader.U8();
        return reader;
    }

    private void Run(int unit, DwarfBudget budget, Visitor visitor)
    {
        DwarfReader reader = Header(unit, budget, out Parameters parameters);
        reader.Seek(parameters.Program);
        var row = new Row(0, 1, 1, 0);
        while (!reader.IsAtEnd && !visitor.IsFound)
        {
            int opcode = reader.U8();
            if (opcode >= parameters.OpcodeBase)
            {
                int special = opcode - parameters.OpcodeBase;
                row = row.Moved((ulong)(special / parameters.LineRange) * parameters.Step, parameters.LineBase + (special % parameters.LineRange));
                visitor.Row(row);
                continue;
            }
            switch (opcode)
            {
                case 0:
                    ulong length = reader.Unsigned();
                    if (length > int.MaxValue)
                        throw new DwarfException();
                    long end = reader.At + (long)length;
                    byte extended = length > 0 ? reader.U8() : (byte)0;
                    if (extended == 1)
                    {
                        visitor.End(row.Address);
                        row = new Row(0, 1, 1, 0);
                    }
                    else if (extended == 2)
                    {
                        row = row with { Address = reader.Sized((int)length - 1) };
                    }
                    reader.Seek(end);
                    break;
                case 1:
                    visitor.Row(row);
                    break;
                case 2:
                    row = row.Moved(reader.Unsigned() * parameters.Step, 0);
                    break;
                case 3:
                    row = row.Moved(0, reader.Signed());
                    break;
                case 4:
                    row = row with { File = reader.Unsigned() };
                    break;
                case 5:
                    row = row with { Column = reader.Unsigned() };
                    break;
                case 8:
                    row = row.Moved((ulong)((LastLengthByte - parameters.OpcodeBase) / parameters.LineRange) * parameters.Step, 0);
                    break;
                case 9:
                    row = row.Moved(reader.U16(), 0);
                    break;
                default:
                    for (int i = 0; i < parameters.Lengths[opcode - 1]; i++)
                        reader.Unsigned();
                    break;
            }
        }
    }

    /// <summary>A row of the table.</summary>
    public readonly record struct Row(ulong Address, ulong File, long Line, ulong Column)
    {
        public Row Moved(ulong address, long line) => this with { Address = Address + address, Line = Line + line };
    }

    private readonly record struct Sequence(ulong Low, ulong High, int Unit);

    private struct Parameters
    {
        public ushort Version;
        public long Program;
        public byte Step;
        public sbyte LineBase;
        public byte LineRange;
        public byte OpcodeBase;
        public byte[] Lengths;
    }

    // Either notes the sequences of a unit, or looks for the row of an address.
    private sealed class Visitor
    {
        private readonly List<Sequence>? _sequences;
        private readonly int _unit;
        private readonly ulong _address;
        private Row _last;
        private ulong _low;
        private bool _inSequence;

        public Visitor(List<Sequence> sequences, int unit)
        {
            _sequences = sequences;
            _unit = unit;
        }

        public Visitor(ulong address) => _address = address;

        public bool IsFound { get; private set; }

        public Row Found { get; private set; }

        public void Row(Row row)
        {
            if (!_inSequence)
                _low = row.Address;
            else if (_sequences is null && _last.Address <= _address && _address < row.Address)
                Find();
            _inSequence = true;
            _last = row;
        }

        public void End(ulong address)
        {
            // What the linker has dropped begins at 0, where no code is.
            if (_inSequence && _low != 0 && _low < address && address <= uint.MaxValue)
            {
                if (_sequences is not null)
                    _sequences.Add(new Sequence(_low, address, _unit));
                else if (_last.Address <= _address && _address < address)
                    Find();
            }
            _inSequence = false;
        }

        private void Find()
        {
            IsFound |= _low != 0;
            Found = _last;
        }
    }
}
