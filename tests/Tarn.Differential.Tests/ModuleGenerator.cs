// Generates random valid modules from a seed, biased toward what compilers get wrong: loops whose variables are permuted, values live
// across calls, deep expressions, odd constants, addresses at the edges, traps in the middle of effects.
//
// Invariants: the same seed gives the same bytes; every module validates; every run ends (a global counter is charged at each loop
// iteration and function entry, and the guest traps when it is used up); NaN bit patterns never become visible (an arithmetic result
// that may be NaN is canonicalised before use), since engines may differ in payloads. If one of these breaks, differences that the
// test reports are no faults of the compiler.
namespace Tarn.Differential.Tests;

/// <summary>A generator of random valid modules; use one for each seed.</summary>
internal sealed partial class ModuleGenerator
{
    /// <summary>What the counter starts with: recursion at most so deep stays far from any engine's stack limit.</summary>
    public const int Fuel = 2000;

    private const int MaxDepth = 6;
    private static readonly int[] s_valueTypes = [I32, I64, F32, F64];

    private const int I32 = 0x7F, I64 = 0x7E, F32 = 0x7D, F64 = 0x7C, FuncRef = 0x70;

    private static readonly long[] s_oddIntegers =
    [
        0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 31, 32, 33, 63, 64, 100, 127, 128, 255, 256, 1000, 65535, 65536, 65537, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
        0x100000000, 0x7FFFFFFFFFFFFFFF, long.MinValue, -1, -2, -3, -7, -10, -128, -129, -65536, 0x5555555555555555, 0x0F0F0F0F0F0F0F0F,
    ];

    private static readonly double[] s_oddFloats =
    [
        0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.1, 3.1415926, 1e10, -1e10, 2147483647.0, 2147483648.0, -2147483648.0, -2147483649.0,
        4294967295.0, 4294967296.0, 9223372036854775807.0, -9223372036854775808.0, 18446744073709551615.0, 1e300, -1e300, 5e-324, 1e-40, double.PositiveInfinity, double.NegativeInfinity,
    ];

    private readonly Random _random;
    private readonly List<(int[] Parameters, int[] Results)> _types = [];
    private readonly List<int> _functionTypes = []; // type index of each function, imports first
    private readonly List<int> _globalTypes = [];
    private readonly List<int> _labels = [];         // type index of the values each label takes; -1: none
    private readonly List<int[]> _labelTypes = [];
    private ByteWriter _code = new();
    private List<int> _locals = [];
    private int[] _results = [];
    private int _imports;
    private int _self;
    private bool _memory64;
    private int _budget;
    private int _scratch32, _scratch64; // locals that NaN canonicalisation uses

    private readonly bool _vectors;
    private readonly int _scratches; // locals at the end that belong to canonicalisation

    /// <summary>
    /// A generator for a seed. With <paramref name="vectors"/> modules use SIMD throughout; functions and globals with vectors in their types are not exported. With
    /// <paramref name="exceptions"/> they throw and catch.
    /// </summary>
    public ModuleGenerator(int seed, bool vectors = false, bool exceptions = false)
    {
        _random = new Random(seed);
        _vectors = vectors;
        _exceptions = exceptions;
        _scratches = (vectors ? 3 : 2) + (exceptions ? 1 : 0);
    }

    /// <summary>The exported functions "f0", "f1", … in order, with their parameter and result types as binary type codes.</summary>
    public List<(string Name, int[] Parameters, int[] Results)> Exports { get; } = [];

    /// <summary>The number of exported mutable globals "g0", "g1", …</summary>
    public int GlobalCount => _globalTypes.Count(t => t != V128);

    /// <summary>The index of the global that counts down.</summary>
    public int FuelGlobal => _globalTypes.Count;

    private int Next(int limit) => _random.Next(limit);

    private bool Chance(int percent) => _random.Next(100) < percent;

    private int AnyType() => _vectors && Chance(45) ? V128 : s_valueTypes[Next(4)];

    public byte[] Generate()
    {
        _memory64 = Chance(10);
        int typeCount = 3 + Next(4);
        for (int i = 0; i < typeCount; i++)
        {
            _types.Add((RandomTypes(i == 0 ? 2 : Chance(10) ? 12 : 5), RandomTypes(Chance(70) ? 1 : Chance(15) ? 10 : 3)));
        }

        if (_vectors)
        {
            // The first function is one that can be called.
            _types[0] = (_types[0].Parameters.Where(t => t != V128).ToArray(), _types[0].Results.Where(t => t != V128).ToArray());
        }

        _types.Add(([I32, I64, F32, F64], [I64])); // the imported host functions
        _types.Add(([I32], []));
        _imports = 2;
        _functionTypes.Add(typeCount);
        _functionTypes.Add(typeCount + 1);
        AddTags();
        int functionCount = 2 + Next(6);
        for (int i = 0; i < functionCount; i++)
        {
            _functionTypes.Add(_vectors && i == 0 ? 0 : Next(typeCount));
        }

        int globalCount = 2 + Next(6);
        for (int i = 0; i < globalCount; i++)
        {
            _globalTypes.Add(AnyType());
        }

        if (_vectors)
        {
            // Those that are exported first.
            _globalTypes.Sort((a, b) => (a == V128).CompareTo(b == V128));
        }

        var module = new ByteWriter();
        module.Bytes([0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0]);
        var bodies = new List<byte[]>();
        for (int i = 0; i < functionCount; i++)
        {
            bodies.Add(Body(i));
        }

        WriteTypes(module);
        var s = new ByteWriter();
        s.U32(2);
        s.Name("host");
        s.Name("mix");
        s.Byte(0);
        s.U32((uint)typeCount);
        s.Name("host");
        s.Name("note");
        s.Byte(0);
        s.U32((uint)typeCount + 1);
        module.Section(2, s);
        s = new ByteWriter();
        s.U32((uint)functionCount);
        for (int i = 0; i < functionCount; i++)
        {
            s.U32((uint)_functionTypes[_imports + i]);
        }

        module.Section(3, s);
        s = new ByteWriter(); // one table, 10 elements, growable to 20
        s.U32(1);
        s.Byte(FuncRef);
        s.Byte(1);
        s.U32(10);
        s.U32(20);
        module.Section(4, s);
        s = new ByteWriter();
        s.U32(1);
        s.Byte(_memory64 ? 5 : 1);
        s.U32(1);
        s.U32(3);
        module.Section(5, s);
        WriteTags(module);
        WriteGlobals(module);
        WriteExports(module, functionCount);
        s = new ByteWriter(); // one active element segment, one passive
        s.U32(2);
        s.U32(0);
        s.Bytes([0x41, 1, 0x0B]);
        s.U32(6);
        for (int i = 0; i < 6; i++)
        {
            s.U32((uint)Next(_functionTypes.Count));
        }

        s.U32(1);
        s.Byte(0);
        s.U32((uint)_functionTypes.Count);
        for (int i = 0; i < _functionTypes.Count; i++)
        {
            s.U32((uint)i);
        }

        module.Section(9, s);
        s = new ByteWriter();
        s.U32(2);
        module.Section(12, s);
        s = new ByteWriter();
        s.U32((uint)functionCount);
        foreach (byte[] body in bodies)
        {
            s.U32((uint)body.Length);
            s.Bytes(body);
        }

        module.Section(10, s);
        s = new ByteWriter();
        s.U32(2);
        s.U32(0);
        s.Bytes(_memory64 ? [0x42, 16, 0x0B] : [0x41, 16, 0x0B]);
        s.U32(64);
        for (int i = 0; i < 64; i++)
        {
            s.Byte(Next(256));
        }

        s.U32(1);
        s.U32(32);
        for (int i = 0; i < 32; i++)
        {
            s.Byte(i * 9);
        }

        module.Section(11, s);
        return module.ToArray();
    }

    private int[] RandomTypes(int most)
    {
        int[] types = new int[Next(most + 1)];
        for (int i = 0; i < types.Length; i++)
        {
            types[i] = AnyType();
        }

        return types;
    }

    private void WriteTypes(ByteWriter module)
    {
        var s = new ByteWriter();
        s.U32((uint)_types.Count);
        foreach ((int[] parameters, int[] results) in _types)
        {
            s.Byte(0x60);
            s.U32((uint)parameters.Length);
            foreach (int t in parameters)
            {
                s.Byte(t);
            }

            s.U32((uint)results.Length);
            foreach (int t in results)
            {
                s.Byte(t);
            }
        }

        module.Section(1, s);
    }

    private void WriteGlobals(ByteWriter module)
    {
        var s = new ByteWriter();
        s.U32((uint)_globalTypes.Count + 1);
        foreach (int type in _globalTypes)
        {
            s.Byte(type);
            s.Byte(1);
            _code = new ByteWriter();
            Constant(type);
            s.Bytes(_code.ToArray());
            s.Byte(0x0B);
        }

        s.Bytes([I32, 1, 0x41]); // the last global is the counter that ends every run
        s.S64(Fuel);
        s.Byte(0x0B);
        module.Section(6, s);
    }

    private void WriteExports(ByteWriter module, int functionCount)
    {
        var s = new ByteWriter();
        bool IsExported(int i) => !_types[_functionTypes[_imports + i]].Parameters.Contains(V128) && !_types[_functionTypes[_imports + i]].Results.Contains(V128);
        s.U32((uint)(Enumerable.Range(0, functionCount).Count(IsExported) + GlobalCount + 2));
        for (int i = 0; i < functionCount; i++)
        {
            if (!IsExported(i))
            {
                continue;
            }

            s.Name($"f{i}");
            s.Byte(0);
            s.U32((uint)(_imports + i));
            (int[] parameters, int[] results) = _types[_functionTypes[_imports + i]];
            Exports.Add(($"f{i}", parameters, results));
        }

        for (int i = 0; i < GlobalCount; i++)
        {
            s.Name($"g{i}");
            s.Byte(3);
            s.U32((uint)i);
        }

        s.Name("fuel");
        s.Byte(3);
        s.U32((uint)_globalTypes.Count);
        s.Name("memory");
        s.Byte(2);
        s.U32(0);
        module.Section(7, s);
    }

    private byte[] Body(int index)
    {
        _self = _imports + index;
        (int[] parameters, int[] results) = _types[_functionTypes[_self]];
        _results = results;
        _locals = [.. parameters];
        int declared = 2 + Next(8);
        for (int i = 0; i < declared; i++)
        {
            _locals.Add(AnyType());
        }

        _scratch32 = _locals.Count;
        _locals.Add(F32);
        _scratch64 = _locals.Count;
        _locals.Add(F64);
        if (_vectors)
        {
            _scratchVector = _locals.Count;
            _locals.Add(V128);
        }

        if (_exceptions)
        {
            _scratchException = _locals.Count;
            _locals.Add(ExnRef);
        }

        _budget = 40 + Next(200);
        _code = new ByteWriter();
        _labels.Clear();
        _labelTypes.Clear();
        _labelTypes.Add(results);
        Charge();
        Statements(4 + Next(8), 0);
        foreach (int type in results)
        {
            Expression(type, 1);
        }

        _code.Byte(0x0B);
        var body = new ByteWriter();
        body.U32((uint)(_locals.Count - parameters.Length));
        for (int i = parameters.Length; i < _locals.Count; i++)
        {
            body.U32(1);
            body.Byte(_locals[i]);
        }

        body.Bytes(_code.ToArray());
        return body.ToArray();
    }

    // Takes one unit from the counter; the guest traps when there is none left.
    private void Charge()
    {
        uint counter = (uint)_globalTypes.Count;
        _code.Byte(0x23);
        _code.U32(counter);
        _code.Bytes([0x45, 0x04, 0x40, 0x00, 0x0B]); // eqz if unreachable end
        _code.Byte(0x23);
        _code.U32(counter);
        _code.Bytes([0x41, 1, 0x6B]);
        _code.Byte(0x24);
        _code.U32(counter);
    }

    private void Statements(int count, int depth)
    {
        for (int i = 0; i < count && _budget > 0; i++)
        {
            Statement(depth);
        }
    }

    private void Statement(int depth)
    {
        _budget--;
        int local = Next(_locals.Count - _scratches);
        if (_exceptions && depth < MaxDepth && Chance(22))
        {
            ExceptionStatement(depth);
            return;
        }

        switch (Next(depth < MaxDepth ? 20 : 8))
        {
            case 0 or 1 or 2:
                Expression(_locals[local], depth + 1);
                _code.Byte(0x21);
                _code.U32((uint)local);
                break;
            case 3 when _globalTypes.Count > 0:
                int global = Next(_globalTypes.Count);
                Expression(_globalTypes[global], depth + 1);
                _code.Byte(0x24);
                _code.U32((uint)global);
                break;
            case 4 or 5:
                Store(depth);
                break;
            case 6:
                Bulk(depth);
                break;
            case 7:
                Expression(AnyType(), depth + 1);
                _code.Byte(0x1A);
                break;
            case 8 or 9: // if / else
                Expression(I32, depth + 1);
                _code.Bytes([0x04, 0x40]);
                _labelTypes.Add([]);
                Statements(1 + Next(3), depth + 1);
                if (Chance(60))
                {
                    _code.Byte(0x05);
                    Statements(1 + Next(3), depth + 1);
                }

                _labelTypes.RemoveAt(_labelTypes.Count - 1);
                _code.Byte(0x0B);
                break;
            case 10 or 11 or 12: // loop with a back edge
                Loop(depth);
                break;
            case 13: // block left early
                _code.Bytes([0x02, 0x40]);
                _labelTypes.Add([]);
                Statements(1 + Next(3), depth + 1);
                Branch(depth);
                Statements(1 + Next(2), depth + 1);
                _labelTypes.RemoveAt(_labelTypes.Count - 1);
                _code.Byte(0x0B);
                break;
            case 14:
                Branch(depth);
                break;
            case 15:
                BranchTable(depth);
                break;
            case 16 or 17:
                Call(depth);
                break;
            case 18: // swap two locals of the same type: parallel moves on loop edges
                int other = _locals.FindIndex(Next(local + 1), t => t == _locals[local]);
                _code.Byte(0x20);
                _code.U32((uint)local);
                _code.Byte(0x20);
                _code.U32((uint)other);
                _code.Byte(0x21);
                _code.U32((uint)local);
                _code.Byte(0x21);
                _code.U32((uint)other);
                break;
            default:
                if (Chance(5))
                {
                    TailCall(depth);
                }
                else
                {
                    Store(depth);
                }

                break;
        }
    }

    private void Loop(int depth)
    {
        bool carries = Chance(30);
        int carried = AnyType();
        if (carries)
        {
            Expression(carried, depth + 1);
            _types.Add(([carried], [carried]));
            _code.Byte(0x03);
            _code.S64(_types.Count - 1);
            _labelTypes.Add([carried]);
        }
        else
        {
            _code.Bytes([0x03, 0x40]);
            _labelTypes.Add([]);
        }

        Charge();
        if (carries)
        {
            int slot = _locals.FindIndex(t => t == carried);
            if (slot >= 0 && slot < _locals.Count - _scratches)
            {
                _code.Byte(0x21);
                _code.U32((uint)slot);
            }
            else
            {
                _code.Byte(0x1A);
            }
        }

        Statements(1 + Next(5), depth + 1);
        if (carries)
        {
            Expression(carried, depth + 1);
        }

        // Any value, masked: loops turn a few times, or until the counter is used up.
        Expression(I32, depth + 2);
        _code.Bytes([0x41, (byte)(Chance(50) ? 1 : 5), 0x71]); // true half the time, or three times in four
        _code.Byte(0x0D);
        _code.U32(0);
        _labelTypes.RemoveAt(_labelTypes.Count - 1);
        _code.Byte(0x0B);
        if (carries)
        {
            _code.Byte(0x1A);
        }
    }

    private void Branch(int depth)
    {
        int target = Next(_labelTypes.Count);
        int[] types = _labelTypes[_labelTypes.Count - 1 - target];
        foreach (int type in types)
        {
            Expression(type, depth + 2);
        }

        Expression(I32, depth + 1);
        _code.Byte(0x0D);
        _code.U32((uint)target);
        foreach (int _ in types)
        {
            _code.Byte(0x1A);
        }
    }

    private void BranchTable(int depth)
    {
        // Blocks around a table jump: each lands on a different statement.
        int ways = 2 + Next(5);
        for (int i = 0; i < ways; i++)
        {
            _code.Bytes([0x02, 0x40]);
            _labelTypes.Add([]);
        }

        Expression(I32, depth + 1);
        if (Chance(70))
        {
            _code.Bytes([0x41, 7, 0x71]);
        }

        _code.Byte(0x0E);
        _code.U32((uint)(ways - 1));
        for (int i = 0; i < ways; i++)
        {
            _code.U32((uint)Next(ways));
        }

        for (int i = 0; i < ways; i++)
        {
            _labelTypes.RemoveAt(_labelTypes.Count - 1);
            _code.Byte(0x0B);
            Statements(1, depth + 1);
        }
    }

    private void Call(int depth)
    {
        int callee = Next(_functionTypes.Count);
        (int[] parameters, int[] results) = _types[_functionTypes[callee]];
        foreach (int type in parameters)
        {
            Expression(type, depth + 2);
        }

        if (Chance(30))
        {
            Expression(I32, depth + 2);
            if (Chance(80))
            {
                _code.Bytes([0x41, 7, 0x71]);
            }

            _code.Byte(0x11);
            _code.U32((uint)_functionTypes[callee]);
            _code.U32(0);
        }
        else
        {
            _code.Byte(0x10);
            _code.U32((uint)callee);
        }

        for (int i = results.Length - 1; i >= 0; i--)
        {
            int local = _locals.FindIndex(t => t == results[i]);
            if (local >= 0 && local < _locals.Count - _scratches)
            {
                _code.Byte(0x21);
                _code.U32((uint)local);
            }
            else
            {
                _code.Byte(0x1A);
            }
        }
    }

    private void TailCall(int depth)
    {
        for (int callee = 0; callee < _functionTypes.Count; callee++)
        {
            (int[] parameters, int[] results) = _types[_functionTypes[callee]];
            if (!results.AsSpan().SequenceEqual(_results))
            {
                continue;
            }

            Expression(I32, depth + 1);
            _code.Bytes([0x04, 0x40]);
            foreach (int type in parameters)
            {
                Expression(type, depth + 2);
            }

            if (Chance(50))
            {
                Expression(I32, depth + 2);
                _code.Bytes([0x41, 7, 0x71, 0x13]);
                _code.U32((uint)_functionTypes[callee]);
                _code.U32(0);
            }
            else
            {
                _code.Byte(0x12);
                _code.U32((uint)callee);
            }

            _code.Byte(0x0B);
            return;
        }
    }
}
