// Makes instructions while a function is built or rewritten: canonicalises, folds, simplifies and value-numbers on the way, so that what is not needed
// never comes to be. Invariants of what it makes: a constant operand of a commutative operation or comparison is on the right; subtraction of a
// constant is addition; constants stand at the head of the entry block, once each, and so dominate everything.
//
// Where the instructions go: the end of Block, or before Position if that is set.
using System.Runtime.CompilerServices;
using Tarn.Assembler;

namespace Tarn.Compiler.IR.Build;

/// <summary>Builds simplified, value-numbered instructions.</summary>
internal sealed partial class IrBuilder
{
    private const int ConstantBuckets = 256;

    // A module can be made whose constants all fall into one bucket: one that is not found by then is made again, which costs registers and nothing else.
    private const int MaximumConstantSteps = 64;

    private int[] _constantHeads = new int[ConstantBuckets];
    private int _constantBits = 8;
    private GrowableArray<(Value Value, int Next)> _constants = new(64);
    private Value _constantTail;
    private GrowableArray<Value> _vectors = new(16);

    /// <summary>The function that is built.</summary>
    public IrFunction Function = null!;

    /// <summary>Block that instructions are appended to; none in unreachable code.</summary>
    public Block Block;

    /// <summary>Instruction before which new ones go, or none for the end of <see cref="Block"/>.</summary>
    public Value Position = Value.None;

    /// <summary>Known values.</summary>
    public readonly ValueTable Values = new();

    /// <summary>Starts with a function that has its entry block and parameters and perhaps constants.</summary>
    public void Reset(IrFunction function, int expectedValues)
    {
        Function = function;
        _ranges.Build(function);
        Block = Block.None;
        Position = Value.None;
        Values.Reset(expectedValues);
        _constantBits = 8;
        _constantHeads.AsSpan(0, 1 << _constantBits).Fill(-1);
        _constants.Clear();
        _constantTail = Value.None;
        _vectors.Clear();
        if (function.Blocks.Count > 0)
        {
            for (var i = function.Blocks[IrFunction.Entry].First; i >= 0; i = function.Links[i].Next)
            {
                ref var instruction = ref function.Get(i);
                if (instruction.Opcode == IrOpcode.Constant)
                {
                    if (instruction.Type != IrType.V128)
                    {
                        RememberConstant(i, instruction.Type, instruction.Bits);
                    }
                    else
                    {
                        _vectors.Add(i);
                    }
                }
                else if (instruction.Opcode != IrOpcode.BlockParameter)
                {
                    break;
                }

                _constantTail = i;
            }
        }
    }

    /// <summary>A constant.</summary>
    public Value Constant(IrType type, ulong bits)
    {
        var bucket = ConstantBucket(type, bits);
        var steps = MaximumConstantSteps;
        for (var e = _constantHeads[bucket]; e >= 0 && steps > 0; e = _constants[e].Next, steps--)
        {
            var value = _constants[e].Value;
            ref var known = ref Function.Get(value);
            if (known.Type == type && known.Bits == bits)
            {
                return value;
            }
        }

        var constant = Function.NewConstant(type, bits);
        LinkConstant(constant);
        RememberConstant(constant, type, bits);
        return constant;
    }

    /// <summary>An I32 constant.</summary>
    public Value I32(int value) => Constant(IrType.I32, (uint)value);

    /// <summary>An I64 constant.</summary>
    public Value I64(long value) => Constant(IrType.I64, (ulong)value);

    /// <summary>A v128 constant.</summary>
    public Value Vector(UInt128 bits)
    {
        var steps = MaximumVectorSteps;
        for (var k = _vectors.Count - 1; k >= 0 && steps > 0; k--, steps--)
        {
            if (Function.Vectors[Function.Get(_vectors[k]).A] == bits)
            {
                return _vectors[k];
            }
        }

        var constant = Function.NewVectorConstant(bits);
        LinkConstant(constant);
        _vectors.Add(constant);
        return constant;
    }

    /// <summary>The zero or null of a type.</summary>
    public Value Zero(IrType type) => type == IrType.V128 ? Vector(0) : Constant(type, 0);

    /// <summary>Makes an instruction as it is.</summary>
    public Value Emit(
        IrOpcode opcode, IrType type, int a = -1, int b = -1, int c = -1, int d = 0, byte aux = 0, AliasRegion region = AliasRegion.None)
    {
        var instruction = Function.NewInstruction(opcode, type, a, b, c, d, aux, region);
        Link(instruction);
        return instruction;
    }

    /// <summary>An instruction that computes this, new or known.</summary>
    public Value Numbered(
        IrOpcode opcode, IrType type, int a = -1, int b = -1, int c = -1, int d = 0, byte aux = 0, AliasRegion region = AliasRegion.None)
    {
        IrInstruction key = default;
        key.Opcode = opcode;
        key.Type = type;
        key.Aux = aux;
        key.Region = region;
        key.A = a;
        key.B = b;
        key.C = c;
        key.D = d;
        var hash = ValueTable.Hash(in key);
        var known = Values.Find(Function, in key, hash);
        if (known >= 0)
        {
            return known;
        }

        var instruction = Emit(opcode, type, a, b, c, d, aux, region);
        Values.Add(instruction, hash);
        return instruction;
    }

    /// <summary>Whether a value is a constant, and its bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsConstant(Value value, out ulong bits)
    {
        ref var i = ref Function.Get(value);
        bits = i.Bits;
        return i.Opcode == IrOpcode.Constant && i.Type != IrType.V128;
    }

    /// <summary>Whether a value is the given integer constant.</summary>
    public bool IsConstant(Value value, long expected)
    {
        ref var i = ref Function.Get(value);
        return i.Opcode == IrOpcode.Constant && i.Type is IrType.I32 or IrType.I64 && i.Opcode == IrOpcode.Constant && i.SignedBits == expected;
    }

    /// <summary>The VM context.</summary>
    public Value VmContext() => Numbered(IrOpcode.VmContext, IrType.I64);

    /// <summary>A load from the runtime's records of something that never changes.</summary>
    public Value LoadReadOnly(Value @base, int offset, IrType type, int widthLog2)
        => Numbered(IrOpcode.LoadVm, type, @base, -1, -1, offset, MemoryAccess.Create(widthLog2).Bits, AliasRegion.ReadOnly);

    /// <summary>An address at a constant distance.</summary>
    public Value Address(Value @base, int offset) => offset == 0 ? @base : Binary(IrOpcode.Add, IrType.I64, @base, I64(offset));

    private void Link(Value instruction)
    {
        if (!Position.IsNone)
        {
            Function.LinkBefore(Position, instruction);
        }
        else
        {
            Function.LinkLast(Block, instruction);
        }
    }

    private void LinkConstant(Value constant)
    {
        if (!_constantTail.IsNone)
        {
            Function.LinkAfter(_constantTail, constant);
        }
        else
        {
            Function.LinkFirst(IrFunction.Entry, constant);
        }

        _constantTail = constant;
    }

    private void RememberConstant(Value constant, IrType type, ulong bits)
    {
        if (_constants.Count >= 4 << _constantBits)
        {
            GrowConstants();
        }

        ref var head = ref _constantHeads[ConstantBucket(type, bits)];
        head = _constants.Add((constant, head));
    }

    private void GrowConstants()
    {
        _constantBits += 2;
        if (_constantHeads.Length < 1 << _constantBits)
        {
            _constantHeads = new int[1 << _constantBits];
        }

        _constantHeads.AsSpan(0, 1 << _constantBits).Fill(-1);
        for (var e = 0; e < _constants.Count; e++)
        {
            ref var entry = ref _constants[e];
            ref var known = ref Function.Get(entry.Value);
            ref var head = ref _constantHeads[ConstantBucket(known.Type, known.Bits)];
            entry.Next = head;
            head = e;
        }
    }

    private int ConstantBucket(IrType type, ulong bits)
        => (int)(((bits ^ (bits >> 32)) * 0x9E3779B97F4A7C15UL) >> (64 - _constantBits)) ^ (int)type;
}
