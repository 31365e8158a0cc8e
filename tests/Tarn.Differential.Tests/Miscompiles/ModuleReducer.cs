// Shrinks a module while something holds of it: instructions go, in large pieces first and one by one in the end, or become constants. Knows nothing of types: a
// candidate that does not validate is thrown away. Only bodies change, so exports, imports and memories stay as whoever runs the module knows them.
//
// Invariants: what is returned validates and has the property; the same input gives the same output.
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Differential.Tests.Miscompiles;

/// <summary>A reducer of modules.</summary>
/// <param name="engine">Says which modules are valid.</param>
/// <param name="holds">Whether a valid module still shows what is looked for.</param>
internal sealed class ModuleReducer(Engine engine, Func<byte[], bool> holds)
{
    private const byte Unreachable = 0x00, Block = 0x02, If = 0x04, Else = 0x05, End = 0x0B, TryTable = 0x1F;

    // What an instruction may become: nothing, or a constant in place of up to two operands.
    private static readonly byte[][] s_replacements =
    [
        [0x1A], [0x41, 0], [0x42, 0], [0x43, 0, 0, 0, 0], [0x44, 0, 0, 0, 0, 0, 0, 0, 0],
        [0x1A, 0x41, 0], [0x1A, 0x42, 0], [0x1A, 0x43, 0, 0, 0, 0], [0x1A, 0x44, 0, 0, 0, 0, 0, 0, 0, 0],
        [0x1A, 0x1A, 0x41, 0], [0x1A, 0x1A, 0x42, 0], [0x1A, 0x1A],
    ];

    /// <summary>Candidates that were tried.</summary>
    public int Attempts { get; private set; }

    /// <summary>Shrinks a module that has the property.</summary>
    /// <param name="module">The module.</param>
    /// <param name="mostAttempts">Candidates after which it is good enough.</param>
    public byte[] Reduce(byte[] module, int mostAttempts)
    {
        CodeSection code = CodeSection.Read(module);
        bool smaller;
        do
        {
            smaller = false;
            for (int body = 0; body < code.Bodies.Count && Attempts < mostAttempts; body++)
            {
                smaller |= ReduceBody(code, body, mostAttempts);
            }
        }
        while (smaller && Attempts < mostAttempts);
        return code.Write();
    }

    private bool ReduceBody(CodeSection code, int body, int mostAttempts)
    {
        bool smaller = Try(code, body, [[Unreachable], [End]]);
        for (int size = Math.Max(1, code.Bodies[body].Count / 2); size >= 1; size /= 2)
        {
            for (int at = 0; at + size < code.Bodies[body].Count && Attempts < mostAttempts;)
            {
                List<byte[]> instructions = code.Bodies[body];
                if (Try(code, body, [.. instructions[..at], .. instructions[(at + size)..]]))
                {
                    smaller = true;
                }
                else
                {
                    at += size;
                }
            }
        }

        for (int at = 0; at < code.Bodies[body].Count - 1 && Attempts < mostAttempts; at++)
        {
            smaller |= Unwrap(code, body, at) || Simplify(code, body, at);
        }

        return smaller;
    }

    // A block without its first and last instruction, or with all that is in it gone.
    private bool Unwrap(CodeSection code, int body, int at)
    {
        List<byte[]> instructions = code.Bodies[body];
        if (instructions[at][0] is not (>= Block and <= If or TryTable))
        {
            return false;
        }

        int end = at;
        for (int depth = 0; ; end++)
        {
            depth += instructions[end][0] is >= Block and <= If or TryTable ? 1 : instructions[end][0] == End ? -1 : 0;
            if (depth == 0)
            {
                break;
            }
        }

        return Try(code, body, [.. instructions[..at], .. instructions[(end + 1)..]])
            || Try(code, body, [.. instructions[..at], .. instructions[(at + 1)..end], .. instructions[(end + 1)..]]);
    }

    private bool Simplify(CodeSection code, int body, int at)
    {
        List<byte[]> instructions = code.Bodies[body];
        if (instructions[at][0] is Else or End || Array.Exists(s_replacements, r => r.AsSpan().SequenceEqual(instructions[at])))
        {
            return false;
        }

        foreach (byte[] replacement in s_replacements)
        {
            // Of the same length it would be no smaller, and the next round would try again.
            if (replacement.Length <= instructions[at].Length + 3 && Try(code, body, [.. instructions[..at], replacement, .. instructions[(at + 1)..]]))
            {
                return true;
            }
        }

        return false;
    }

    private bool Try(CodeSection code, int body, List<byte[]> instructions)
    {
        if (instructions.Count > code.Bodies[body].Count || instructions.SequenceEqual(code.Bodies[body], ByteArrayComparer.Instance))
        {
            return false;
        }

        Attempts++;
        List<byte[]> before = code.Bodies[body];
        code.Bodies[body] = instructions;
        byte[] candidate = code.Write();
        if (Module.TryValidate(engine, candidate, out _) && holds(candidate))
        {
            return true;
        }

        code.Bodies[body] = before;
        return false;
    }

    private sealed class ByteArrayComparer : IEqualityComparer<byte[]>
    {
        public static readonly ByteArrayComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => obj.Length;
    }

    // A module whose code section is taken apart into instructions.
    private sealed class CodeSection(byte[] before, byte[] after)
    {
        private const byte Id = 10;

        private readonly List<byte[]> _locals = [];

        public List<List<byte[]>> Bodies { get; } = [];

        public static CodeSection Read(byte[] module)
        {
            WasmModule wasm = WasmModule.Decode(module, WasmFeatures.All);
            int at = 8;
            while (at < module.Length)
            {
                int start = at;
                byte id = module[at++];
                int size = (int)ReadVariable(module, ref at);
                if (id == Id)
                {
                    var code = new CodeSection(module[..start], module[(at + size)..]);
                    for (int i = 0; i < wasm.Bodies.Length; i++)
                    {
                        code.Add(module, wasm, i);
                    }

                    return code;
                }

                at += size;
            }

            throw new ArgumentException("The module has no code.", nameof(module));
        }

        public byte[] Write()
        {
            using var section = new MemoryStream();
            WriteVariable(section, (uint)Bodies.Count);
            for (int i = 0; i < Bodies.Count; i++)
            {
                WriteVariable(section, (uint)(_locals[i].Length + Bodies[i].Sum(b => b.Length)));
                section.Write(_locals[i]);
                foreach (byte[] instruction in Bodies[i])
                {
                    section.Write(instruction);
                }
            }

            using var module = new MemoryStream();
            module.Write(before);
            module.WriteByte(Id);
            WriteVariable(module, (uint)section.Length);
            section.WriteTo(module);
            module.Write(after);
            return module.ToArray();
        }

        private void Add(byte[] module, WasmModule wasm, int body)
        {
            FunctionBody where = wasm.Bodies[body];
            int at = where.Offset;
            for (uint groups = ReadVariable(module, ref at); groups > 0; groups--)
            {
                _ = ReadVariable(module, ref at);
                var type = new WasmReader(module, at, where.Offset + where.Length, WasmFeatures.All);
                _ = type.ReadValType();
                at = type.Position;
            }

            _locals.Add(module[where.Offset..at]);
            var instructions = new List<byte[]>();
            var reader = new WasmReader(module, at, where.Offset + where.Length, WasmFeatures.All);
            while (!reader.IsAtEnd)
            {
                int from = reader.Position;
                InstructionSkipper.Skip(ref reader);
                instructions.Add(module[from..reader.Position]);
            }

            Bodies.Add(instructions);
        }

        private static uint ReadVariable(byte[] bytes, ref int at)
        {
            uint value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte b = bytes[at++];
                value |= (uint)(b & 0x7F) << shift;
                if (b < 0x80)
                {
                    return value;
                }
            }
        }

        private static void WriteVariable(Stream stream, uint value)
        {
            for (; value >= 0x80; value >>= 7)
            {
                stream.WriteByte((byte)(value | 0x80));
            }

            stream.WriteByte((byte)value);
        }
    }
}
