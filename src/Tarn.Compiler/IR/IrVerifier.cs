// Checks that a function is well formed: what IrFunction and IrOpcode promise, so that later stages need not look. Run in tests and Debug
// builds after building and after each pass; a violation is a bug in this compiler, never in the guest.
using System.Diagnostics;
using Tarn.Compiler.Abi;

namespace Tarn.Compiler.IR;

/// <summary>Verifies IR.</summary>
internal sealed class IrVerifier
{
    private readonly IrFunction _function;
    private readonly int[] _position;
    private readonly List<string> _errors = [];

    private IrVerifier(IrFunction function)
    {
        _function = function;
        _position = new int[function.Instructions.Count];
        Array.Fill(_position, -1);
    }

    /// <summary>What is wrong with a function; empty if nothing is. Recomputes the order of blocks.</summary>
    public static IReadOnlyList<string> Verify(IrFunction function)
    {
        var verifier = new IrVerifier(function);
        verifier.Run();
        return verifier._errors;
    }

#if DEBUG
    /// <summary>Whether this is a Debug build, where the compiler's checkers are on unless they are switched off.</summary>
    public const bool IsDebugBuild = true;
#else
    /// <summary>Whether this is a Debug build, where the compiler's checkers are on unless they are switched off.</summary>
    public const bool IsDebugBuild = false;
#endif

    /// <summary>In Debug builds, throws if the function is not well formed.</summary>
    [Conditional("DEBUG")]
    public static void Assert(IrFunction function, string stage) => Require(function, stage);

    /// <summary>Throws if the function is not well formed.</summary>
    public static void Require(IrFunction function, string stage)
    {
        var errors = Verify(function);
        if (errors.Count > 0)
        {
            throw new InvalidOperationException(
                $"IR of function {function.FunctionIndex} is broken after {stage}:\n{string.Join('\n', errors.Take(20))}\n"
                + IrPrinter.Print(function, renumber: false));
        }
    }

    private void Run()
    {
        if (_function.Blocks.Count == 0)
        {
            _errors.Add("there is no entry block");
            return;
        }

        for (var block = IrFunction.Entry; block < _function.Blocks.Count; block++)
        {
            CheckList(block);
            if (_errors.Count == 0 && _function.Blocks[block].First >= 0)
            {
                CheckEdgesExist(block);
            }
        }

        if (_errors.Count > 0)
        {
            return;
        }

        _function.ComputeOrder();
        if (_function.Blocks[IrFunction.Entry].PredecessorCount > 0)
        {
            _errors.Add("the entry block has incoming edges");
        }

        CheckEntry();
        foreach (var block in _function.Order.Span)
        {
            for (var i = _function.Blocks[block].First; i >= 0; i = _function.Links[i].Next)
            {
                CheckInstruction(block, i);
            }
        }
    }

    private void CheckList(Block block)
    {
        ref var b = ref _function.Blocks[block];
        if (b.First < 0)
        {
            // A block that no edge reaches may be empty; one that is reached is reported by its edge.
            return;
        }

        var previous = Value.None;
        var parameters = 0;
        var count = 0;
        var body = false;
        for (var i = b.First; i >= 0; i = _function.Links[i].Next)
        {
            ref var instruction = ref _function.Get(i);
            ref var link = ref _function.Links[i];
            if (link.Block != block)
            {
                Error(i, $"is in the list of {block} but says {link.Block}");
            }

            if (link.Previous != previous)
            {
                Error(i, $"has previous {link.Previous}, not {previous}");
            }

            if (_position[i] >= 0)
            {
                Error(i, "is listed twice");
                return;
            }

            _position[i] = count++;
            if (instruction.Opcode is IrOpcode.Nop or IrOpcode.Alias or >= IrOpcode.Count)
            {
                Error(i, $"may not be in a block: {instruction.Opcode}");
            }
            else if (instruction.Opcode == IrOpcode.BlockParameter)
            {
                if (body)
                {
                    Error(i, "is a parameter after other instructions");
                }

                if (instruction.A != block || instruction.B != parameters)
                {
                    Error(i, $"is parameter {instruction.B} of block{instruction.A} in place of {parameters} of {block}");
                }

                parameters++;
            }
            else
            {
                body = true;
            }

            if (IrOpcodeInfo.IsTerminator(instruction.Opcode) != (i == b.Last))
            {
                Error(i, i == b.Last ? "ends a block and is not a terminator" : "is a terminator within a block");
            }

            previous = i;
        }

        if (previous != b.Last)
        {
            _errors.Add($"{block}: the list ends at {previous}, not at {b.Last}");
        }

        if (parameters != b.ParameterCount)
        {
            _errors.Add($"{block}: {parameters} parameters, not {b.ParameterCount}");
        }
    }

    private void CheckEdgesExist(Block block)
    {
        var terminator = _function.Blocks[block].Last;
        for (int i = 0, n = _function.SuccessorCount(block); i < n; i++)
        {
            var edge = _function.Successor(block, i);
            if ((uint)edge.Index >= (uint)_function.Edges.Count || (uint)_function.Edges[edge].To.Index >= (uint)_function.Blocks.Count)
            {
                Error(terminator, $"names {edge}, which does not exist");
                continue;
            }

            ref var e = ref _function.Edges[edge];
            if (e.From != block)
            {
                Error(terminator, $"has an edge that says it leaves {e.From}");
            }

            if (_function.Blocks[e.To].First < 0)
            {
                Error(terminator, $"goes to {e.To}, which is empty");
            }
        }
    }

    private void CheckEntry()
    {
        var types = _function.ParameterTypes;
        ref var entry = ref _function.Blocks[IrFunction.Entry];
        if (entry.ParameterCount != types.Length)
        {
            _errors.Add($"the entry block has {entry.ParameterCount} parameters, the function {types.Length}");
            return;
        }

        var i = entry.First;
        foreach (var type in types)
        {
            if (_function.TypeOf(i) != type)
            {
                Error(i, $"has type {_function.TypeOf(i)}, the function's parameter has {type}");
            }

            i = _function.Links[i].Next;
        }
    }

    private void CheckInstruction(Block block, Value index)
    {
        var instruction = _function.Get(index);
        ref readonly var info = ref IrOpcodeInfo.Of(instruction.Opcode);
        CheckOperand(block, index, info.A, instruction.ValueA, in instruction);
        CheckOperand(block, index, info.B, instruction.ValueB, in instruction);
        CheckOperand(block, index, info.C, instruction.ValueC, in instruction);
        CheckType(index, in instruction);
        if ((info.Effects & IrEffects.PoolOperands) != 0)
        {
            foreach (var value in _function.PoolOf(index))
            {
                CheckUse(block, index, value);
            }

            CheckCall(index, in instruction);
        }

        if (instruction.Opcode == IrOpcode.BranchOnThrow)
        {
            CheckBranchOnThrow(index, in instruction);
        }

        if (instruction.Opcode is IrOpcode.Jump or IrOpcode.BranchIf or IrOpcode.Switch or IrOpcode.BranchOnThrow)
        {
            if (instruction.Opcode == IrOpcode.Switch && instruction.C < 1)
            {
                Error(index, "has no edges");
            }

            for (int i = 0, n = _function.SuccessorCount(block); i < n; i++)
            {
                CheckEdge(block, index, _function.Successor(block, i));
            }
        }
    }

    private void CheckOperand(Block block, Value index, OperandRule rule, Value value, in IrInstruction instruction)
    {
        if (rule == OperandRule.None || (rule is OperandRule.Index or OperandRule.Size && value == -1))
        {
            return;
        }

        if (!CheckUse(block, index, value))
        {
            return;
        }

        var type = _function.TypeOf(value);
        var good = rule switch
        {
            OperandRule.Result => type == instruction.Type,
            OperandRule.I32 => type == IrType.I32,
            OperandRule.I64 => type == IrType.I64,
            OperandRule.F32 => type == IrType.F32,
            OperandRule.F64 => type == IrType.F64,
            OperandRule.Integer => type is IrType.I32 or IrType.I64,
            OperandRule.Index => type is IrType.I32 or IrType.I64 or IrType.Managed,
            OperandRule.Size => type == IrType.I64,
            OperandRule.Managed => type == IrType.Managed,
            OperandRule.IntegerOrRef => type is IrType.I32 or IrType.I64 or IrType.Ref or IrType.Managed,
            OperandRule.Float => type is IrType.F32 or IrType.F64,
            OperandRule.SameAsA => type == _function.TypeOf(instruction.ValueA),
            OperandRule.Address => type is IrType.I64 or IrType.Ref,
            OperandRule.Vector => type == IrType.V128,
            OperandRule.Lane => type == instruction.Shape.LaneType(),
            _ => type != IrType.None || instruction.Opcode == IrOpcode.Result,
        };
        if (!good)
        {
            Error(index, $"has operand {value} of type {type}, which breaks the rule '{rule}'");
        }
    }

    private bool CheckUse(Block block, Value index, Value value)
    {
        if ((uint)value.Index >= (uint)_function.Instructions.Count)
        {
            Error(index, $"uses {value}, which does not exist");
            return false;
        }

        var definition = _function.Links[value].Block;
        if (_position[value] < 0 || definition < 0)
        {
            Error(index, $"uses {value}, which is in no block");
            return false;
        }

        if (definition == block)
        {
            if (_position[value] >= _position[index])
            {
                Error(index, $"uses {value} before its definition");
            }
        }
        else if (_function.Blocks[definition].OrderIndex < 0 || !_function.Dominates(definition, block))
        {
            Error(index, $"uses {value}, whose definition does not dominate it");
        }
        else if (_function.Get(value).Opcode == IrOpcode.Result && _function.Get(_function.Blocks[definition].Last) is { Opcode: IrOpcode.BranchOnThrow } branch
            && _function.Get(value).A == _function.CallBefore(_function.Blocks[definition].Last) && !_function.Dominates(_function.Edges[branch.B].To, block))
        {
            Error(index, $"uses {value}, a result of a call that may have thrown");
        }

        return true;
    }

    private void CheckType(Value index, in IrInstruction i)
    {
        var type = i.Type;
        var good = i.Opcode switch
        {
            >= IrOpcode.Add and <= IrOpcode.SignExtend16 => type is IrType.I32 or IrType.I64,
            IrOpcode.SignExtend32 or IrOpcode.ExtendSigned or IrOpcode.ExtendUnsigned or IrOpcode.VmContext => type == IrType.I64,
            IrOpcode.Wrap or IrOpcode.CompareInteger or IrOpcode.CompareFloat or IrOpcode.TypeId or IrOpcode.ElementOffset => type == IrType.I32,
            IrOpcode.Allocate => type == IrType.Managed,
            >= IrOpcode.FloatAdd and <= IrOpcode.FloatNearest => type is IrType.F32 or IrType.F64,
            >= IrOpcode.ConvertToSigned and <= IrOpcode.SaturateToUnsigned => type is IrType.I32 or IrType.I64,
            IrOpcode.ConvertFromSigned or IrOpcode.ConvertFromUnsigned => type is IrType.F32 or IrType.F64,
            IrOpcode.Demote => type == IrType.F32,
            IrOpcode.Promote => type == IrType.F64,
            IrOpcode.Bitcast => Width(type) == Width(_function.TypeOf(i.ValueA)) && type != _function.TypeOf(i.ValueA),
            IrOpcode.BlockParameter or IrOpcode.Constant or IrOpcode.Select or IrOpcode.Result or IrOpcode.Load or IrOpcode.LoadVm
                or IrOpcode.AtomicLoad or IrOpcode.AtomicReadModifyWrite or IrOpcode.AtomicCompareExchange => type != IrType.None,
            >= IrOpcode.VectorShuffle and <= IrOpcode.VectorPromote => type == VectorType(in i),
            _ => type == IrType.None,
        };
        if (!good)
        {
            Error(index, $"{i.Opcode} has type {type}");
        }

        if (i.Opcode is IrOpcode.Load or IrOpcode.Store or IrOpcode.LoadVm or IrOpcode.StoreVm)
        {
            CheckAccess(index, in i);
        }

        if (IrOpcodeInfo.IsVector(i.Opcode))
        {
            CheckVector(index, in i);
        }

        if (i.Opcode == IrOpcode.Constant && type is IrType.I32 or IrType.F32 && i.Opcode == IrOpcode.Constant && i.B != 0)
        {
            Error(index, "is a 32-bit constant with high bits");
        }

        if (i.Opcode == IrOpcode.Result)
        {
            CheckResult(index, in i);
        }
    }

    private static IrType VectorType(in IrInstruction i) => IrOpcodeInfo.Of(i.Opcode).VectorResult switch
    {
        VectorResult.I32 => IrType.I32,
        VectorResult.Lane => i.Shape.LaneType(),
        _ => IrType.V128,
    };

    private void CheckVector(Value index, in IrInstruction i)
    {
        var shapes = IrOpcodeInfo.Of(i.Opcode).Shapes;
        if (shapes == VectorShapes.None ? i.Aux != 0 : (((int)shapes >> (int)i.Shape) & 1) == 0)
        {
            Error(index, $"does not exist for shape {i.Shape}");
        }

        var most = i.Opcode switch
        {
            IrOpcode.VectorCompare => i.Shape == VectorShape.I64x2 ? (int)IntegerCondition.GreaterSigned : (int)IntegerCondition.GreaterUnsigned,
            IrOpcode.VectorFloatCompare => (int)FloatCondition.NotGreaterEqual,
            _ => 0,
        };
        if (i.Aux >> 4 > most)
        {
            Error(index, $"has condition {i.Aux >> 4}");
        }

        if (IrOpcodeInfo.HasLane(i.Opcode) ? (uint)i.D >= (uint)i.Shape.LaneCount() : i.Opcode != IrOpcode.VectorShuffle && i.D != 0)
        {
            Error(index, $"has lane {i.D}");
        }

        if (i.Opcode == IrOpcode.VectorShuffle && ((uint)i.D >= (uint)_function.Vectors.Count || !VectorLanes.AreBelow(_function.Vectors[i.D], 32)))
        {
            Error(index, "does not name lanes");
        }
    }

    private void CheckAccess(Value index, in IrInstruction i)
    {
        var type = i.Opcode is IrOpcode.Store or IrOpcode.StoreVm ? _function.TypeOf(i.ValueC) : i.Type;
        var width = i.Access.Width;
        var isLoad = i.Opcode is IrOpcode.Load or IrOpcode.LoadVm;

        // Loads of fewer bytes of a vector clear the others.
        // Managed references take 8 bytes in the runtime's records and 4 in objects.
        var good = type is IrType.I32 or IrType.I64 ? width <= Width(type) : width == Width(type) || (type == IrType.V128 && isLoad && width is 4 or 8);
        good |= type == IrType.Managed && width == 8;
        if (!good)
        {
            Error(index, $"accesses {width} bytes as {type}");
        }

        if (i.Region == AliasRegion.None)
        {
            Error(index, "has no alias region");
        }

        var linear = i.Opcode is IrOpcode.Load or IrOpcode.Store;
        if (linear != i.Region >= AliasRegion.HeapHeader)
        {
            Error(index, $"has region {i.Region}");
        }

        if ((linear && i.Access.ScaleLog2 != 0) || (!linear && i.Access.MayFault))
        {
            Error(index, "has flags that do not belong to it");
        }
    }

    private void CheckResult(Value index, in IrInstruction i)
    {
        ref var call = ref _function.Get(i.ValueA);
        if (!IrOpcodeInfo.IsCall(call.Opcode))
        {
            Error(index, $"projects {i.ValueA}, which is not a call");
            return;
        }

        if (call.Opcode == IrOpcode.CallBuiltin)
        {
            if (i.B >= BuiltinSignatures.Results((BuiltinId)call.A).Length || IrTypes.Of(BuiltinSignatures.Results((BuiltinId)call.A)[i.B]) != i.Type)
            {
                Error(index, $"is not a result of {(BuiltinId)call.A}");
            }
        }
        else if ((uint)i.B >= (uint)_function.ResultsOf(call.D).Length || _function.ResultsOf(call.D)[i.B] != i.Type)
        {
            Error(index, $"is not a result of {i.ValueA}");
        }

        var previous = _function.Links[index].Previous;
        if (previous != i.A && (_function.Get(previous).Opcode != IrOpcode.Result || _function.Get(previous).A != i.A || _function.Get(previous).B >= i.B))
        {
            Error(index, "does not follow its call");
        }
    }

    private void CheckCall(Value index, in IrInstruction i)
    {
        var values = _function.PoolOf(index);
        if (i.Opcode == IrOpcode.CallBuiltin)
        {
            var parameters = BuiltinSignatures.Parameters((BuiltinId)i.A);
            var good = parameters.Length == values.Length;
            for (var n = 0; good && n < values.Length; n++)
            {
                // Tables hold references of either kind.
                good = IrTypes.Of(parameters[n]) == _function.TypeOf(values[n])
                    || (parameters[n] == AbiType.Reference && _function.TypeOf(values[n]) == IrType.Managed);
            }

            if (!good)
            {
                Error(index, $"does not pass what {(BuiltinId)i.A} takes");
            }

            return;
        }

        var types = i.Opcode == IrOpcode.Return ? _function.ResultTypes : _function.ParametersOf(i.D);
        var same = types.Length == values.Length;
        for (var n = 0; same && n < values.Length; n++)
        {
            same = types[n] == _function.TypeOf(values[n]);
        }

        if (!same)
        {
            Error(index, "passes values that differ from the signature");
        }

        if (i.Opcode is IrOpcode.TailCall or IrOpcode.TailCallReference && !_function.ResultsOf(i.D).SequenceEqual(_function.ResultTypes))
        {
            Error(index, "is a tail call with other results than the function's");
        }
    }

    private void CheckEdge(Block block, Value index, Edge edge)
    {
        ref var e = ref _function.Edges[edge];
        ref var target = ref _function.Blocks[e.To];
        if (target.ParameterCount != e.ArgumentCount)
        {
            Error(index, $"passes {e.ArgumentCount} values to {e.To}, which has {target.ParameterCount} parameters");
            return;
        }

        var parameter = target.First;
        foreach (var argument in _function.ArgumentsOf(edge))
        {
            if (CheckUse(block, index, argument) && _function.TypeOf(argument) != _function.TypeOf(parameter))
            {
                Error(index, $"passes {argument} of type {_function.TypeOf(argument)} to {parameter} of type {_function.TypeOf(parameter)}");
            }

            parameter = _function.Links[parameter].Next;
        }
    }

    private void CheckBranchOnThrow(Value index, in IrInstruction i)
    {
        var call = _function.CallBefore(index);
        if (call < 0 || !IrOpcodeInfo.IsCall(_function.Get(call).Opcode))
        {
            Error(index, "does not follow a call and its results");
            return;
        }

        if (!HandlerTable.IsScope(_function.HandlerScopes.Span, i.D))
        {
            Error(index, $"names the scope {i.D}, which does not exist");
        }

        foreach (var argument in _function.ArgumentsOf(new Edge(i.C)))
        {
            if ((uint)argument.Index < (uint)_position.Length && _function.Links[argument].Block == _function.Links[index].Block && _position[argument] >= _position[call])
            {
                Error(index, $"passes {argument} to a handler, which is not defined before the call");
            }
        }
    }

    private static int Width(IrType type) => type switch
    {
        IrType.I32 or IrType.F32 or IrType.Managed => 4,
        IrType.V128 => 16,
        _ => 8,
    };

    private void Error(Value instruction, string message) => _errors.Add($"{instruction} {message}");
}
