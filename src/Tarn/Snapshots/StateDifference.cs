// What is different in an instance's state from the state that its template's instances begin with. With a state of nothing as the beginning it is the whole state, so images and saved instances
// have one encoding and one check.
namespace Tarn.Snapshots;

internal sealed class StateDifference
{
    /// <summary>Lengths and changed pages, which may be zero.</summary>
    public required MemoryState[] Memories { get; init; }

    /// <summary>Lengths and changed elements, in ascending order of their indices.</summary>
    public required TableChanges[] Tables { get; init; }

    /// <summary>Changed globals, by their number among those that the module defines, in ascending order.</summary>
    public required (int Index, RawValue Value)[] Globals { get; init; }

    /// <summary>Whether each element segment is dropped.</summary>
    public required bool[] DroppedElements { get; init; }

    /// <summary>Whether each data segment is dropped.</summary>
    public required bool[] DroppedData { get; init; }

    /// <summary>The difference of an image from nothing: memories and tables of length zero, globals of zero.</summary>
    public static StateDifference Of(InstanceImage image) => new()
    {
        Memories = image.Memories,
        Tables = Array.ConvertAll(image.Tables, static table => new TableChanges((ulong)table.Length, ChangesOf(table, []))),
        Globals = [.. image.Globals.Select(static (value, index) => (index, value)).Where(static global => global.value.Low != 0 || global.value.High != 0)],
        DroppedElements = image.DroppedElements,
        DroppedData = image.DroppedData,
    };

    /// <summary>The image that differs from nothing by this.</summary>
    public InstanceImage ToImage(int globals)
    {
        var values = new RawValue[globals];
        foreach ((int index, RawValue value) in Globals)
            values[index] = value;
        return new InstanceImage
        {
            Memories = Memories,
            Tables = Array.ConvertAll(Tables, static table =>
            {
                uint[] elements = new uint[table.Length];
                foreach ((uint index, uint function) in table.Elements)
                    elements[index] = function;
                return elements;
            }),
            Globals = values,
            DroppedElements = DroppedElements,
            DroppedData = DroppedData,
        };
    }

    /// <summary>The elements in which a table differs from its beginning, past the end of which it is null.</summary>
    public static (uint Index, uint Function)[] ChangesOf(ReadOnlySpan<uint> table, ReadOnlySpan<uint> before)
    {
        var changes = new List<(uint, uint)>();
        for (int i = 0; i < table.Length; i++)
        {
            if (table[i] != (i < before.Length ? before[i] : 0))
                changes.Add(((uint)i, table[i]));
        }
        return [.. changes];
    }
}

/// <summary>A table's length and its changed elements.</summary>
internal readonly record struct TableChanges(ulong Length, (uint Index, uint Function)[] Elements);
