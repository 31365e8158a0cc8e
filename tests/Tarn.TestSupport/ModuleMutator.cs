// Breaks valid modules at random, for tests that hold the reader of hostile input to its promises. Two levels: bytes anywhere, and the structure (sections,
// items of sections, function bodies, single instructions) with the sizes around a change corrected, so that a mutant gets past the decoder
// and reaches what lies behind it.
//
// A mutant depends on its seed alone. The input has to be a valid module in our own encoding or any other; sizes are rewritten in the shortest form.
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.TestSupport;

/// <summary>Random mutation of modules in the binary format.</summary>
public sealed class ModuleMutator
{
    private static readonly uint[] s_numbers =
        [0, 1, 2, 3, 7, 8, 15, 16, 63, 64, 100, 101, 127, 128, 999, 1000, 1001, 65_520, 65_536, 100_000, 1_000_000, 0x7FFF_FFFF, 0x8000_0000, uint.MaxValue];

    // Bytes that stand for types somewhere in the format, valid and not.
    private static readonly byte[] s_types =
        [0x7F, 0x7E, 0x7D, 0x7C, 0x7B, 0x70, 0x6F, 0x6E, 0x6D, 0x6C, 0x6B, 0x6A, 0x69, 0x71, 0x72, 0x73, 0x74, 0x78, 0x77, 0x60, 0x5F, 0x5E, 0x50, 0x4F, 0x4E, 0x63, 0x64, 0x40];

    private readonly Random _random;

    public ModuleMutator(int seed) => _random = new Random(seed);

    /// <summary>Changes bytes without regard for what they mean.</summary>
    public byte[] MutateBytes(byte[] module)
    {
        List<byte> bytes = [.. module];
        for (int edits = 1 + _random.Next(4); edits > 0; edits--)
            EditBytes(bytes);
        return [.. bytes];
    }

    /// <summary>Changes sections, bodies and instructions; sizes stay right.</summary>
    /// <param name="module">A valid module.</param>
    /// <param name="other">Another one to take parts from.</param>
    public byte[] MutateStructure(byte[] module, byte[] other)
    {
        List<(byte Id, byte[] Contents)> sections = Sections(module);
        for (int edits = 1 + _random.Next(3); edits > 0 && sections.Count > 0; edits--)
        {
            int at = _random.Next(sections.Count);
            int code = sections.FindIndex(section => section.Id == (byte)SectionId.Code);
            switch (_random.Next(12))
            {
                case 0:
                    sections.RemoveAt(at);
                    break;
                case 1:
                    sections.Insert(_random.Next(sections.Count + 1), sections[at]);
                    break;
                case 2:
                    int with = _random.Next(sections.Count);
                    (sections[at], sections[with]) = (sections[with], sections[at]);
                    break;
                case 3:
                    List<(byte Id, byte[] Contents)> others = Sections(other);
                    if (others.Count > 0)
                    {
                        (byte Id, byte[] Contents) taken = others[_random.Next(others.Count)];
                        int same = sections.FindIndex(section => section.Id == taken.Id);
                        if (same >= 0)
                            sections[same] = taken;
                        else
                            sections.Insert(at, taken);
                    }

                    break;
                case 4:
                    List<byte> contents = [.. sections[at].Contents];
                    EditBytes(contents);
                    sections[at] = (sections[at].Id, [.. contents]);
                    break;
                case 5:
                    sections[at] = (sections[at].Id, ReplaceNumber(sections[at].Contents));
                    break;
                default:
                    if (code >= 0)
                        sections[code] = (sections[code].Id, MutateCode(sections[code].Contents, Sections(other).Find(section => section.Id == (byte)SectionId.Code).Contents));
                    break;
            }
        }

        return Join(sections);
    }

    /// <summary>The module cut off somewhere.</summary>
    public byte[] Truncate(byte[] module) => module[.._random.Next(module.Length)];

    private void EditBytes(List<byte> bytes)
    {
        int at = _random.Next(bytes.Count + 1);
        int left = bytes.Count - at;
        switch (_random.Next(8))
        {
            case 0 when left > 0:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 1 when left > 0:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 2 when left > 0:
                bytes[at] = s_types[_random.Next(s_types.Length)];
                break;
            case 3 when left > 0:
                bytes.RemoveRange(at, Math.Min(left, 1 + _random.Next(8)));
                break;
            case 4:
                bytes.Insert(at, (byte)_random.Next(256));
                break;
            case 5 when left > 0:
                bytes.InsertRange(at, bytes.GetRange(at, Math.Min(left, 1 + _random.Next(32))));
                break;
            case 6:
                bytes.InsertRange(at, Leb(s_numbers[_random.Next(s_numbers.Length)], _random.Next(4) == 0));
                break;
            case 7 when left > 0:
                // An integer in a form that is too long, or never ends.
                bytes[at] |= 0x80;
                break;
        }
    }

    private byte[] ReplaceNumber(byte[] contents)
    {
        if (contents.Length == 0)
            return contents;
        int at = _random.Next(4) == 0 ? 0 : _random.Next(contents.Length);
        int end = at;
        while (end < contents.Length - 1 && contents[end] >= 0x80)
            end++;
        return [.. contents[..at], .. Leb(s_numbers[_random.Next(s_numbers.Length)], _random.Next(8) == 0), .. contents[(end + 1)..]];
    }

    // Code section: bodies are edited, doubled, dropped, exchanged or taken from another module.
    private byte[] MutateCode(byte[] contents, byte[]? otherContents)
    {
        List<byte[]> bodies = Bodies(contents);
        if (bodies.Count == 0)
            return contents;
        int at = _random.Next(bodies.Count);
        switch (_random.Next(10))
        {
            case 0:
                bodies.RemoveAt(at);
                break;
            case 1:
                bodies.Add(bodies[at]);
                break;
            case 2:
                int with = _random.Next(bodies.Count);
                (bodies[at], bodies[with]) = (bodies[with], bodies[at]);
                break;
            case 3 when otherContents is not null && Bodies(otherContents) is { Count: > 0 } others:
                bodies[at] = others[_random.Next(others.Count)];
                break;
            default:
                for (int edits = 1 + _random.Next(3); edits > 0; edits--)
                    bodies[at] = MutateBody(bodies[at]);
                break;
        }

        List<byte> joined = [.. Leb((uint)bodies.Count)];
        foreach (byte[] body in bodies)
        {
            joined.AddRange(Leb((uint)body.Length));
            joined.AddRange(body);
        }

        return [.. joined];
    }

    // One instruction is dropped, doubled, moved, replaced, or gets another number behind it.
    private byte[] MutateBody(byte[] body)
    {
        List<Range> instructions = Instructions(body);
        if (instructions.Count == 0)
            return body;
        Range one = instructions[_random.Next(instructions.Count)];
        Range two = instructions[_random.Next(instructions.Count)];
        byte[] first = body[one];
        switch (_random.Next(8))
        {
            case 0:
                return [.. body[..one.Start], .. body[one.End..]];
            case 1:
                return [.. body[..one.Start], .. first, .. body[one.Start..]];
            case 2:
                return [.. body[..one.Start], .. body[two], .. body[one.End..]];
            case 3:
                return [.. body[..two.Start], .. first, .. body[two.Start..]];
            case 4:
                return [.. body[..one.Start], .. RandomInstruction(), .. body[one.End..]];
            case 5:
                return [.. body[..one.Start], .. RandomInstruction(), .. body[one.Start..]];
            case 6:
                return [.. body[..one.Start], .. ReplaceNumber(first), .. body[one.End..]];
            default:
                byte[] changed = [.. first];
                changed[_random.Next(changed.Length)] = (byte)_random.Next(256);
                return [.. body[..one.Start], .. changed, .. body[one.End..]];
        }
    }

    private byte[] RandomInstruction()
    {
        Opcode opcode = (Opcode)Opcodes.All[_random.Next(Opcodes.All.Length)];
        (byte prefix, uint code) = Opcodes.Encoding(opcode);
        List<byte> bytes = prefix == 0 ? [(byte)code] : [prefix, .. Leb(code)];
        // Small numbers are valid immediates of most kinds; wrong ones are as welcome.
        int immediates = Opcodes.Immediate(opcode) == ImmediateKind.None ? 0 : 1 + _random.Next(3);
        for (int i = 0; i < immediates; i++)
            bytes.Add(_random.Next(3) == 0 ? s_types[_random.Next(s_types.Length)] : (byte)_random.Next(4));
        return [.. bytes];
    }

    private static List<(byte Id, byte[] Contents)> Sections(byte[] module)
    {
        List<(byte, byte[])> sections = [];
        WasmReader reader = new(module, 8, module.Length);
        while (!reader.IsAtEnd)
        {
            byte id = reader.ReadByte();
            int size = (int)reader.ReadVarU32();
            sections.Add((id, reader.ReadBytes(size).ToArray()));
        }

        return sections;
    }

    private static byte[] Join(List<(byte Id, byte[] Contents)> sections)
    {
        List<byte> module = [0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0];
        foreach ((byte id, byte[] contents) in sections)
        {
            module.Add(id);
            module.AddRange(Leb((uint)contents.Length));
            module.AddRange(contents);
        }

        return [.. module];
    }

    private static List<byte[]> Bodies(byte[] code)
    {
        List<byte[]> bodies = [];
        WasmReader reader = new(code, 0, code.Length);
        try
        {
            for (uint count = reader.ReadVarU32(); count > 0; count--)
                bodies.Add(reader.ReadBytes((int)reader.ReadVarU32()).ToArray());
        }
        catch (MalformedModuleException)
        {
            // A second edit of a section that the first one broke: what can be told apart is used.
        }

        return bodies;
    }

    private static List<Range> Instructions(byte[] body)
    {
        List<Range> instructions = [];
        WasmReader reader = new(body, 0, body.Length);
        try
        {
            for (uint groups = reader.ReadVarU32(); groups > 0; groups--)
                reader.ReadLocalGroup(out _);
            while (!reader.IsAtEnd)
            {
                int start = reader.Position;
                InstructionSkipper.Skip(ref reader);
                instructions.Add(start..reader.Position);
            }
        }
        catch (MalformedModuleException)
        {
            // As above.
        }

        return instructions;
    }

    private static byte[] Leb(uint value, bool overlong = false)
    {
        List<byte> bytes = [];
        while (value > 0x7F)
        {
            bytes.Add((byte)(value | 0x80));
            value >>= 7;
        }

        bytes.Add((byte)(value | (overlong ? 0x80u : 0)));
        if (overlong)
            bytes.Add(0);
        return [.. bytes];
    }
}
