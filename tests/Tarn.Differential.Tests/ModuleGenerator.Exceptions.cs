// Exceptions in generated modules: tags of several types, throws under conditions, try_table with every kind of clause and several of them, references that are thrown again. What
// nothing catches comes out of the exported function, and has to in every engine.
namespace Tarn.Differential.Tests;

/// <content>Exceptions.</content>
internal sealed partial class ModuleGenerator
{
    private const int ExnRef = 0x69;

    private readonly bool _exceptions;
    private readonly List<int> _tags = []; // type index of each tag
    private int _scratchException;

    private void AddTags()
    {
        for (int i = 0; _exceptions && i < 3; i++)
        {
            _tags.Add(_types.Count);
            _types.Add((i == 0 ? [] : RandomTypes(i == 1 ? 3 : 9), []));
        }
    }

    private void WriteTags(ByteWriter module)
    {
        if (!_exceptions)
        {
            return;
        }

        var s = new ByteWriter();
        s.U32((uint)_tags.Count);
        foreach (int type in _tags)
        {
            s.Byte(0);
            s.U32((uint)type);
        }

        module.Section(13, s);
    }

    private void ExceptionStatement(int depth)
    {
        if (Chance(35))
        {
            Throw(depth);
        }
        else
        {
            Try(depth);
        }
    }

    // (if condition (throw …)), sometimes without the condition at the end of a block.
    private void Throw(int depth)
    {
        int tag = Next(_tags.Count);
        Expression(I32, depth + 2);
        _code.Bytes([0x04, 0x40]);
        _labelTypes.Add([]);
        foreach (int type in _types[_tags[tag]].Parameters)
        {
            Expression(type, depth + 2);
        }

        _code.Byte(0x08);
        _code.U32((uint)tag);
        _labelTypes.RemoveAt(_labelTypes.Count - 1);
        _code.Byte(0x0B);
    }

    // A block for each clause, from the outermost: its label takes what the clause carries. What comes to its end by itself brings other values.
    private void Try(int depth)
    {
        int count = 1 + Next(3);
        var clauses = new List<(int Kind, int Tag, int[] Carried)>();
        for (int i = 0; i < count; i++)
        {
            int kind = Next(4);
            int tag = Next(_tags.Count);
            clauses.Add((kind, tag, [.. kind < 2 ? _types[_tags[tag]].Parameters : [], .. kind % 2 == 1 ? (int[])[ExnRef] : []]));
        }

        foreach ((int _, int _, int[] carried) in clauses)
        {
            _types.Add(([], carried));
            _code.Byte(0x02);
            _code.S64(_types.Count - 1);
            _labelTypes.Add(carried);
        }

        _code.Bytes([0x1F, 0x40]);
        _code.U32((uint)count);
        for (int i = 0; i < count; i++)
        {
            _code.Byte(clauses[i].Kind);
            if (clauses[i].Kind < 2)
            {
                _code.U32((uint)clauses[i].Tag);
            }

            _code.U32((uint)(count - 1 - i));
        }

        _labelTypes.Add([]);
        Statements(1 + Next(4), depth + 1);
        if (Chance(70))
        {
            Call(depth + 1);
        }

        _labelTypes.RemoveAt(_labelTypes.Count - 1);
        _code.Byte(0x0B);
        for (int i = count - 1; i >= 0; i--)
        {
            foreach (int type in clauses[i].Carried)
            {
                if (type == ExnRef)
                {
                    _code.Bytes([0xD0, ExnRef]);
                }
                else
                {
                    Expression(type, depth + 2);
                }
            }

            _labelTypes.RemoveAt(_labelTypes.Count - 1);
            _code.Byte(0x0B);
            Take(clauses[i].Carried, depth);
        }
    }

    // Puts what is on the stack into locals, and throws an exception again that came by its reference, sometimes.
    private void Take(int[] carried, int depth)
    {
        for (int k = carried.Length - 1; k >= 0; k--)
        {
            if (carried[k] == ExnRef)
            {
                _code.Byte(0x21);
                _code.U32((uint)_scratchException);
                continue;
            }

            int local = _locals.FindLastIndex(_locals.Count - _scratches - 1, type => type == carried[k]);
            _code.Byte(local < 0 ? 0x1A : 0x21);
            if (local >= 0)
            {
                _code.U32((uint)local);
            }
        }

        if (carried is [.., ExnRef] && Chance(50))
        {
            _code.Byte(0x20);
            _code.U32((uint)_scratchException);
            _code.Bytes([0xD1, 0x45]); // ref.is_null i32.eqz
            Expression(I32, depth + 3);
            _code.Bytes([0x71, 0x04, 0x40, 0x20]); // i32.and if local.get
            _code.U32((uint)_scratchException);
            _code.Bytes([0x0A, 0x0B]); // throw_ref end
        }
    }
}
