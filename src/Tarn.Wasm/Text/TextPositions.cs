// Which part of a text each part of the binary module came from, so that what the decoder and the validator say of a byte can be said of a line. Made by a second parse, when there is
// something to say: the first one pays nothing.
//
// Invariant: marks of a section rise in their offset within the section's items, since bytes are only appended. A mark holds up to the next one.
namespace Tarn.Wasm.Text;

/// <summary>Positions of instructions and fields, filled by the parser.</summary>
internal sealed class TextPositions
{
    private const int Sections = 14;
    private const byte Code = 10;
    private readonly List<Mark>?[] _marks = new List<Mark>?[Sections];
    private readonly int[] _starts = new int[Sections];
    private readonly int[] _lengths = new int[Sections];

    // Of the body under construction, and of folded instructions whose operands are still to come.
    private readonly List<Mark> _body = [];

    /// <summary>Marks the place in the body under construction at which an instruction begins.</summary>
    public void Instruction(int offset, in Token token) => _body.Add(new Mark(offset, token.Start, token.End));

    /// <summary>Moves the marks of the body, which has become part of the code section at an offset.</summary>
    public void EndBody(int offset, in Token function)
    {
        Field(Code, offset, function);
        foreach (Mark mark in _body)
            (_marks[Code] ??= []).Add(mark with { Offset = mark.Offset + offset });
        _body.Clear();
    }

    /// <summary>Marks the place in a section's items at which those of a field begin.</summary>
    public void Field(byte section, int offset, in Token token) => (_marks[section] ??= []).Add(new Mark(offset, token.Start, token.End));

    /// <summary>Positions of a section's items in the module.</summary>
    public void Section(byte section, int start, int length) => (_starts[section], _lengths[section]) = (start, length);

    /// <summary>Finds the part of the text behind a byte of the module.</summary>
    public bool TryFind(long offset, out int start, out int end)
    {
        for (int section = 0; section < Sections; section++)
        {
            if (_marks[section] is not List<Mark> marks || offset < _starts[section] || offset >= _starts[section] + _lengths[section])
                continue;
            int within = (int)(offset - _starts[section]);
            int found = marks.FindLastIndex(mark => mark.Offset <= within);
            if (found < 0)
                break;
            (start, end) = (marks[found].Start, marks[found].End);
            return true;
        }

        (start, end) = (0, 0);
        return false;
    }

    private readonly record struct Mark(int Offset, int Start, int End);
}
