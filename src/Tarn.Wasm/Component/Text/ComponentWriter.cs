// Puts a component together in the binary format: definitions of one kind that follow each other share a section. Also what the declarations of a component, instance or module type are
// collected in, which have a byte for their kind instead of a section.
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>A scope's definitions under construction.</summary>
/// <param name="isType">Whether declarations of a type are written and not the sections of a component.</param>
internal sealed class ComponentWriter(bool isType)
{
    private readonly ByteBuffer _output = new(256);
    private readonly ByteBuffer _items = new(256);
    private int _section = -1;
    private uint _count;

    /// <summary>How many declarations a type has.</summary>
    public uint Declarations { get; private set; }

    /// <summary>Adds a definition.</summary>
    /// <param name="section">Its section; of a type's declarations, the section that a component would have it in.</param>
    /// <param name="content">Its bytes.</param>
    public void Add(byte section, ByteBuffer content)
    {
        if (isType)
        {
            _output.Byte(section switch
            {
                3 => 0,
                7 => 1,
                6 => 2,
                10 => 3,
                _ => (byte)4,
            });
            _output.Bytes(content);
            Declarations++;
            return;
        }

        if (section != _section)
            Flush();
        _section = section;
        _items.Bytes(content);
        _count++;
    }

    /// <summary>Adds a section that holds one thing.</summary>
    public void AddWhole(byte section, ReadOnlySpan<byte> content)
    {
        Flush();
        _output.Byte(section);
        _output.Counted(content);
    }

    /// <summary>Everything that was added, without a header.</summary>
    public ByteBuffer Finish()
    {
        Flush();
        return _output;
    }

    private void Flush()
    {
        if (_section < 0)
            return;
        ByteBuffer count = new(8);
        count.U32(_count);
        _output.Byte((byte)_section);
        _output.U32((uint)(count.Count + _items.Count));
        _output.Bytes(count);
        _output.Bytes(_items);
        _items.Clear();
        _section = -1;
        _count = 0;
    }
}
