// Random machine-level functions for property tests: structured control flow with loops, parameters that permute on back edges, calls, fixed,
// tied, early and late operands, rematerialisable values, and far more live values than registers.
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Tests.Allocate;

internal sealed class RandomMachineFunction
{
    private readonly Random _random;
    private readonly RandomShape _shape;
    private readonly MachineFunction _function = new();
    private readonly List<List<(int Target, VReg[] Arguments)>> _successors = [];
    private readonly Stack<Exit> _exits = [];
    private int _budget;
    private int _block = -1;
    private int _loop = -1;

    private RandomMachineFunction(int seed, int size, RandomShape shape)
    {
        _random = new Random(seed);
        _budget = size;
        _shape = shape;
    }

    public static RegisterFile SmallFile => RandomShape.SmallFile;

    public static MachineFunction Create(int seed, int size) => Create(seed, size, new RandomShape { File = SmallFile });

    public static MachineFunction Create(int seed, int size, RandomShape shape)
    {
        var generator = new RandomMachineFunction(seed, size, shape);
        generator.Generate();
        return generator._function;
    }

    private void Generate()
    {
        StartBlock();
        var values = new List<VReg>();
        var parameters = _random.Next(4);
        var operands = new List<MachineOperand>();
        for (var i = 0; i < parameters; i++)
        {
            var v = NewValue(MachineType.I64);
            operands.Add(MachineOperand.Create(v, OperandKind.DefFixed, i));
            values.Add(v);
        }

        SetLabel(operands);
        while (values.Count < 2)
        {
            values.Add(Constant());
        }

        for (var i = 0; i < _shape.LongLived; i++)
        {
            values.Insert(0, MakeOf(null));
        }

        do
        {
            Sequence(values, 0);
        }
        while (_shape.Fills && _budget > 0);
        Emit([.. values.TakeLast(3).Select(v => MachineOperand.Create(v, OperandKind.UseAny))]);
        Finish();
    }

    private VReg NewValue(MachineType? type = null)
        => _function.NewVirtualRegister(type ?? (_random.Next(10) < _shape.Integers
            ? _random.Next(6) == 0 ? MachineType.I32 : MachineType.I64
            : _random.Next(4) == 0 ? MachineType.V128 : MachineType.F64));

    private void StartBlock()
    {
        _function.Blocks.Add(new MachineBlock
        {
            First = _function.Instructions.Count,
            Loop = _loop,
            LoopDepth = Depth(_loop),
            IsCold = _random.Next(8) < _shape.Cold,
        });
        _successors.Add([]);
        _block = _function.Blocks.Count - 1;
        _function.Instructions.Add(default);
    }

    private int Depth(int loop)
    {
        var depth = 0;
        for (; loop >= 0; loop = _function.Loops[loop].Parent)
        {
            depth++;
        }

        return depth;
    }

    private void SetLabel(List<MachineOperand> operands)
    {
        ref var label = ref _function.Instructions[_function.Blocks[_block].First];
        label.OperandStart = _function.Operands.AddRange(operands.ToArray());
        label.OperandCount = (byte)operands.Count;
    }

    private void EndBlock(bool jump)
    {
        if (jump)
        {
            Emit([]);
        }

        _function.Blocks[_block].End = _function.Instructions.Count;
    }

    private void Emit(MachineOperand[] operands, MachineFlags flags = 0, int clobbers = 0)
        => _function.Instructions.Add(new MachineInstruction
        {
            Opcode = 1,
            OperandStart = _function.Operands.AddRange(operands),
            OperandCount = (byte)operands.Length,
            Flags = flags,
            Clobbers = (byte)clobbers,
        });

    private VReg Constant()
    {
        var v = NewValue();
        Emit([MachineOperand.Create(v, OperandKind.Def)], MachineFlags.Rematerialisable | (_random.Next(2) == 0 ? MachineFlags.MemoryResident : 0));
        return v;
    }

    private VReg Pick(List<VReg> values) => values[_random.Next(3) < _shape.Far
        ? _random.Next(values.Count)
        : Math.Max(0, values.Count - 1 - _random.Next(_shape.Window))];

    private VReg? Pick(List<VReg> values, bool vector)
    {
        var of = values.Where(v => RegisterFile.IsVector(_function.Types[v]) == vector).ToList();
        return of.Count == 0 ? null : Pick(of);
    }

    private void Sequence(List<VReg> values, int depth)
    {
        var count = 1 + _random.Next(8);
        for (var i = 0; i < count && _budget > 0; i++)
        {
            _budget--;
            var nested = depth < _shape.Depth;
            var choice = _random.Next(_shape.Ifs + _shape.Loops + _shape.Blocks + _shape.Calls + _shape.Throws + _shape.Constants + _shape.Operations);
            if ((choice -= _shape.Ifs) < 0 && nested)
            {
                If(values, depth);
            }
            else if ((choice -= _shape.Loops) < 0 && nested)
            {
                Loop(values, depth);
            }
            else if ((choice -= _shape.Blocks) < 0 && nested)
            {
                Block(values, depth);
            }
            else if ((choice -= _shape.Calls) < 0)
            {
                Call(values);
            }
            else if ((choice -= _shape.Throws) < 0)
            {
                if (nested)
                {
                    Try(values, depth);
                }
            }
            else if ((choice -= _shape.Constants) < 0)
            {
                values.Add(Constant());
            }
            else if (_exits.Count > 0 && _random.Next(6) == 0)
            {
                Break(values);
            }
            else
            {
                Operation(values);
            }
        }
    }

    private void Call(List<VReg> values)
    {
        var operands = new List<MachineOperand>();
        for (int r = 0, n = _random.Next(3); r < n; r++)
        {
            var v = NewValue(MachineType.I64);
            operands.Add(MachineOperand.Create(v, OperandKind.DefFixed, r));
        }

        var results = operands.Select(o => o.VirtualRegister).ToArray();
        for (int r = 0, n = _random.Next(4); r < n && Pick(values, vector: false) is { } v; r++)
        {
            operands.Add(MachineOperand.Create(v, OperandKind.UseFixed, r));
        }

        if (_shape.File.CalleeSaved != 0 && _random.Next(4) == 0 && Pick(values, vector: false) is { } late)
        {
            operands.Add(MachineOperand.Create(late, _random.Next(3) switch { 0 => OperandKind.Use, 1 => OperandKind.UseLate, _ => OperandKind.UseAny }));
        }

        Emit([.. operands], MachineFlags.Call);
        values.AddRange(results);
    }

    // A call that goes on or to a handler, which has neither its results nor what is made of them before the block ends.
    private void Try(List<VReg> values, int depth)
    {
        var types = Enumerable.Range(0, _random.Next(_shape.Parameters)).Select(_ => _function.Types[Pick(values)]).ToList();
        var passed = Enumerable.Range(0, _random.Next(_shape.Parameters)).Select(_ => Pick(values)).ToArray();
        var before = new List<VReg>(values);
        var after = new List<VReg>(values);
        Call(after);
        if (_random.Next(3) == 0)
        {
            after.Add(MakeOf(null));
        }

        var from = _block;
        _function.Instructions.Add(new MachineInstruction { Opcode = MachineOpcode.BranchOnThrow, OperandStart = _function.Operands.Count });
        EndBlock(jump: false);
        var ends = new List<(int Block, VReg[] Arguments)>();
        StartBlock();
        _successors[from].Add((_block, []));
        Sequence(after, depth + 1);
        ends.Add((_block, Arguments(after, types)));
        EndBlock(jump: true);
        StartBlock();
        _successors[from].Add((_block, passed));
        var parameters = passed.Select(v => NewValue(_function.Types[v])).ToList();
        SetLabel([.. parameters.Select(p => MachineOperand.Create(p, OperandKind.Def))]);
        before.AddRange(parameters);
        Sequence(before, depth + 1);
        ends.Add((_block, Arguments(before, types)));
        EndBlock(jump: true);
        Join(values, types, ends);
    }

    private void Operation(List<VReg> values)
    {
        var operands = new List<MachineOperand>();
        var results = new List<VReg>();
        var shape = _random.Next(8);
        if (shape == 0)
        {
            // Like a division: fixed in and out, clobbers, a register operand besides.
            if (Pick(values, vector: false) is not { } a)
            {
                return;
            }

            var d = NewValue(MachineType.I64);
            operands.Add(MachineOperand.Create(d, OperandKind.DefFixed, 0));
            operands.Add(MachineOperand.Create(a, OperandKind.UseFixed, 0));
            operands.Add(MachineOperand.Create(Pick(values, vector: false)!.Value, _random.Next(2) == 0 ? OperandKind.Use : OperandKind.UseAny));
            Emit([.. operands], clobbers: 1);
            values.Add(d);
            return;
        }

        if (shape <= 3)
        {
            var a = Pick(values);
            var d = NewValue(_function.Types[a]);
            operands.Add(MachineOperand.Create(d, OperandKind.DefTied));
            results.Add(d);
            operands.Add(MachineOperand.Create(a, OperandKind.UseTied));
            var b = Pick(values);
            operands.Add(MachineOperand.Create(b, _random.Next(2) == 0 ? OperandKind.Use : OperandKind.UseAny));
        }
        else
        {
            if (_random.Next(5) != 0)
            {
                var d = NewValue();
                operands.Add(MachineOperand.Create(d, _random.Next(4) == 0 ? OperandKind.DefEarly : OperandKind.Def));
                results.Add(d);
            }

            if (_random.Next(6) == 0)
            {
                operands.Add(MachineOperand.Create(NewValue(), OperandKind.Temp));
            }

            for (int k = 0, n = _random.Next(3); k < n; k++)
            {
                operands.Add(MachineOperand.Create(
                    Pick(values), _random.Next(6) switch { 0 => OperandKind.UseLate, 1 or 2 => OperandKind.UseAny, _ => OperandKind.Use }));
            }
        }

        Emit([.. operands]);
        values.AddRange(results);
    }

    private VReg[] Arguments(List<VReg> values, List<MachineType> types)
        => [.. types.Select(t =>
        {
            var of = values.Where(v => _function.Types[v] == t).ToList();
            return of.Count > 0 ? Pick(of) : MakeOf(t);
        })];

    private VReg MakeOf(MachineType? type)
    {
        var v = NewValue(type);
        Emit([MachineOperand.Create(v, OperandKind.Def)]);
        return v;
    }

    private void If(List<VReg> values, int depth)
    {
        var from = _block;
        Emit([MachineOperand.Create(Pick(values), OperandKind.Use)]);
        EndBlock(jump: false);
        var types = Enumerable.Range(0, _random.Next(_shape.Parameters)).Select(_ => _function.Types[Pick(values)]).ToList();
        var ends = new List<(int Block, VReg[] Arguments)>();
        for (var arm = 0; arm < 2; arm++)
        {
            StartBlock();
            _successors[from].Add((_block, []));
            var inner = new List<VReg>(values);
            if (_random.Next(3) != 0)
            {
                Sequence(inner, depth + 1);
            }

            ends.Add((_block, Arguments(inner, types)));
            EndBlock(jump: true);
        }

        Join(values, types, ends);
    }

    private void Join(List<VReg> values, List<MachineType> types, List<(int Block, VReg[] Arguments)> ends)
    {
        StartBlock();
        var parameters = types.Select(t => NewValue(t)).ToList();
        SetLabel([.. parameters.Select(p => MachineOperand.Create(p, OperandKind.Def))]);
        foreach (var (block, arguments) in ends)
        {
            _successors[block].Add((_block, arguments));
        }

        values.AddRange(parameters);
    }

    // A block whose end is reached from several places within it, also out of loops.
    private void Block(List<VReg> values, int depth)
    {
        var types = Enumerable.Range(0, _random.Next(_shape.Parameters)).Select(_ => _function.Types[Pick(values)]).ToList();
        var exit = new Exit(types, []);
        _exits.Push(exit);
        var inner = new List<VReg>(values);
        Sequence(inner, depth + 1);
        _exits.Pop();
        exit.Sources.Add((_block, Arguments(inner, types)));
        EndBlock(jump: true);
        Join(values, types, exit.Sources);
    }

    // A conditional branch, or one of many ways, to the ends of blocks around; each edge gets a block of its own.
    private void Break(List<VReg> values)
    {
        Emit([MachineOperand.Create(Pick(values), OperandKind.Use)]);
        var from = _block;
        EndBlock(jump: false);
        for (var ways = 1 + (_random.Next(4) == 0 ? _random.Next(4) : 0); ways > 0; ways--)
        {
            var exit = _exits.ElementAt(_random.Next(_exits.Count));
            StartBlock();
            _successors[from].Add((_block, []));
            exit.Sources.Add((_block, Arguments(values, exit.Types)));
            EndBlock(jump: true);
        }

        StartBlock();
        _successors[from].Add((_block, []));
    }

    private sealed record Exit(List<MachineType> Types, List<(int Block, VReg[] Arguments)> Sources);

    private void Loop(List<VReg> values, int depth)
    {
        var types = Enumerable.Range(0, _random.Next(_shape.Parameters)).Select(_ => _function.Types[Pick(values)]).ToList();
        var before = _block;
        var initial = Arguments(values, types);
        EndBlock(jump: true);

        _loop = _function.Loops.Add(new MachineLoop { Parent = _loop, Header = _function.Blocks.Count });
        var loop = _loop;
        StartBlock();
        var header = _block;
        _function.Blocks[header].IsLoopHeader = true;
        var parameters = types.Select(t => NewValue(t)).ToList();
        SetLabel([.. parameters.Select(p => MachineOperand.Create(p, OperandKind.Def))]);
        _successors[before].Add((header, initial));
        var inner = new List<VReg>(values);
        inner.AddRange(parameters);
        Sequence(inner, depth + 1);

        // Permute parameters and new values on the back edge, which is split since the latch has two successors.
        Emit([MachineOperand.Create(Pick(inner), OperandKind.UseAny)]);
        var latch = _block;
        EndBlock(jump: false);
        StartBlock();
        _successors[latch].Add((_block, []));
        var back = new List<VReg>(parameters);
        back.AddRange(inner.TakeLast(4));
        _successors[_block].Add((header, Arguments(_random.Next(3) == 0 ? inner : back.Concat(inner.Take(1)).ToList(), types)));
        EndBlock(jump: true);
        _function.Loops[loop].End = _function.Blocks.Count;
        _loop = _function.Loops[loop].Parent;

        StartBlock();
        _successors[latch].Add((_block, []));
        foreach (var v in inner.Skip(values.Count).ToList())
        {
            values.Add(v);
        }
    }

    private void Finish()
    {
        EndBlock(jump: false);
        for (var b = 0; b < _function.Blocks.Count; b++)
        {
            ref var block = ref _function.Blocks[b];
            block.SuccessorStart = _function.Edges.Count;
            block.SuccessorCount = _successors[b].Count;
            foreach (var (target, arguments) in _successors[b])
            {
                _function.Edges.Add(new MachineEdge
                {
                    From = b,
                    To = target,
                    ArgumentStart = _function.Arguments.AddRange(arguments),
                    ArgumentCount = arguments.Length,
                });
            }
        }

        _function.ComputePredecessors();
    }
}
