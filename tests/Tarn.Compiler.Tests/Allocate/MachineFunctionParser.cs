// Machine functions from text, in the form that MachineText prints: for golden tests of the allocator, where the instructions mean nothing
// and only operands, clobbers and edges count. Operations: op, call, divide (clobbers set 1), constant and load (can be repeated; a load is in
// memory). Loops are found from back edges, so blocks must stand in an order that keeps them contiguous.
using System.Globalization;
using System.Text;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Tests.Allocate;

internal sealed class MachineFunctionParser : IMachineNames
{
    private readonly MachineFunction _function = new();

    public static MachineFunctionParser Names { get; } = new();

    public static MachineFunction Parse(string text)
    {
        var parser = new MachineFunctionParser();
        foreach (var line in text.Split('\n'))
        {
            if (line.Trim().Length > 0 && !line.StartsWith('#'))
            {
                parser.ParseLine(line.Trim());
            }
        }

        parser.Finish();
        return parser._function;
    }

    public void AppendOperation(StringBuilder text, in MachineInstruction instruction)
        => text.Append((instruction.Flags & MachineFlags.Call) != 0 ? "call"
            : (instruction.Flags & MachineFlags.MemoryResident) != 0 ? "load"
            : (instruction.Flags & MachineFlags.Rematerialisable) != 0 ? "constant"
            : instruction.Clobbers != 0 ? "divide" : "op");

    public void AppendRegister(StringBuilder text, int register, MachineType type)
        => text.Append(CultureInfo.InvariantCulture, $"{(register >= 32 ? 'x' : 'r')}{register & 31}");

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private void ParseLine(string line)
    {
        if (line.StartsWith("->", StringComparison.Ordinal))
        {
            var words = line[2..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            _function.Edges.Add(new MachineEdge
            {
                From = _function.Blocks.Count - 1,
                To = Number(words[0][5..]),
                ArgumentStart = _function.Arguments.AddRange([.. words[1..].Select(w => new VReg(Number(w[1..])))]),
                ArgumentCount = words.Length - 1,
            });
            _function.Blocks[_function.Blocks.Count - 1].SuccessorCount++;
            return;
        }

        var space = line.IndexOf(' ', StringComparison.Ordinal);
        var operation = space < 0 ? line : line[..space];
        var rest = space < 0 ? string.Empty : line[space..].Trim();
        var isLabel = operation.StartsWith("block", StringComparison.Ordinal);
        var isCold = isLabel && (rest == "cold" || rest.EndsWith(" cold", StringComparison.Ordinal));
        rest = isCold ? rest[..^4].Trim() : rest;
        if (isLabel)
        {
            _function.Blocks.Add(new MachineBlock { First = _function.Instructions.Count, SuccessorStart = _function.Edges.Count, Loop = -1, IsCold = isCold });
        }

        MachineOperand[] operands = [.. rest.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(o => ParseOperand(o.Trim()))];
        _function.Instructions.Add(new MachineInstruction
        {
            Opcode = (ushort)(isLabel ? 0 : 1),
            OperandStart = _function.Operands.AddRange(operands),
            OperandCount = (byte)operands.Length,
            Clobbers = (byte)(operation == "divide" ? 1 : 0),
            Flags = operation switch
            {
                "call" => MachineFlags.Call,
                "constant" => MachineFlags.Rematerialisable,
                "load" => MachineFlags.Rematerialisable | MachineFlags.MemoryResident,
                _ => 0,
            },
        });
    }

    private MachineOperand ParseOperand(string text)
    {
        var words = text.Split(' ');
        var at = words[^1].Split('@');
        var name = at[0].Split(':');
        var v = new VReg(Number(name[0][1..]));
        while (_function.Types.Count <= v)
        {
            _function.NewVirtualRegister(MachineType.I64);
        }

        if (name.Length > 1)
        {
            _function.Types[v] = Enum.Parse<MachineType>(name[1], ignoreCase: true);
        }

        var register = at.Length > 1 ? Number(at[1][1..]) + (at[1][0] == 'x' ? 32 : 0) : 0;
        var kind = (words.Length > 1 ? words[0] : string.Empty) switch
        {
            "def" => at.Length > 1 ? OperandKind.DefFixed : OperandKind.Def,
            "early" => OperandKind.DefEarly,
            "tied" => OperandKind.DefTied,
            "temp" => OperandKind.Temp,
            "any" => OperandKind.UseAny,
            "late" => OperandKind.UseLate,
            "in" => OperandKind.UseTied,
            _ => at.Length > 1 ? OperandKind.UseFixed : OperandKind.Use,
        };
        return MachineOperand.Create(v, kind, register);
    }

    private void Finish()
    {
        for (var b = 0; b < _function.Blocks.Count; b++)
        {
            _function.Blocks[b].End = b + 1 < _function.Blocks.Count ? _function.Blocks[b + 1].First : _function.Instructions.Count;
        }

        for (var header = 0; header < _function.Blocks.Count; header++)
        {
            var end = 0;
            foreach (ref var edge in _function.Edges.Span)
            {
                end = edge.To == header && edge.From >= header ? Math.Max(end, edge.From + 1) : end;
            }

            if (end == 0)
            {
                continue;
            }

            var loop = _function.Loops.Add(new MachineLoop { Parent = _function.Blocks[header].Loop, Header = header, End = end });
            _function.Blocks[header].IsLoopHeader = true;
            for (var b = header; b < end; b++)
            {
                _function.Blocks[b].Loop = loop;
                _function.Blocks[b].LoopDepth++;
            }
        }

        _function.ComputePredecessors();
    }
}
