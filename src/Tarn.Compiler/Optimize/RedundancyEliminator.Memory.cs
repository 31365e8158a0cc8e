// What memory is known to hold. A short list of facts is carried from block to block: "these bytes hold the low bytes of this value", from loads and stores, and "this
// index has been compared with this length". At a join only what all ways agree on stays; at a loop header what the loop may write goes.
//
// Two accesses are told apart by region, or, if base and index are the same values, by offset: effective addresses are computed without wrapping, so then
// ranges that do not overlap are different memory. Everything else may overlap. A load that may fault can go if an access of at least its range came
// before it: memories never shrink. Other threads may write in between, but then a single read is one of the outcomes that were possible.
//
// Traps make globals and memory visible. So a store to a global is dead only if it is overwritten before anything can trap, call or read it; and two bounds checks
// become one only if nothing else could be seen between them.
using Tarn.Assembler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <content>Memory.</content>
internal sealed partial class RedundancyEliminator
{
    private const int MaximumFacts = 24;

    // A fact with this opcode says that Value accessed Offset bytes from index B on. It stays true whatever is written.
    private const IrOpcode Accessed = IrOpcode.Nop;
    private const int MaximumPredecessors = 8;
    private const int MaximumSnapshots = 1 << 18;

    // Width, sign and scale: what makes two loads of one address read the same.
    private const int AccessShape = 0x3F;

    private struct Fact
    {
        public IrOpcode Opcode;
        public IrType Type;
        public byte Aux;
        public AliasRegion Region;
        public Value A;
        public Value B;
        public uint Offset;

        // The value in memory, or the instruction that checks.
        public Value Value;

        // For checks, when.
        public int Epoch;
    }

    private struct Snapshot
    {
        public int Start;
        public int Count;
    }

    private GrowableArray<Fact> _facts = new(MaximumFacts);
    private GrowableArray<Fact> _snapshots = new(256);
    private GrowableArray<Snapshot> _exits = new(128);
    private int _epoch;
    private int _victim;
    private Value _pendingStore;

    private void ResetMemory()
    {
        _snapshots.Clear();
        _exits.Fill(_function.Blocks.Count, default);
        _epoch = 0;
        _victim = 0;
    }

    private void EnterMemory(Block block)
    {
        _epoch++;
        _pendingStore = Value.None;
        _facts.Clear();
        var order = _function.Blocks[block].OrderIndex;
        var first = true;
        var edges = _function.PredecessorsOf(block);
        if (edges.Length > MaximumPredecessors)
        {
            return;
        }

        foreach (var edge in edges)
        {
            var from = _function.Edges[edge].From;
            if (_function.Blocks[from].OrderIndex >= order)
            {
                continue;
            }

            var exit = _exits[from];
            var facts = _snapshots.Span.Slice(exit.Start, exit.Count);
            if (first)
            {
                _facts.AddRange(facts);
                first = false;
            }
            else
            {
                Intersect(facts);
            }
        }

        if (_function.Blocks[block].IsLoopHeader && _facts.Count > 0)
        {
            Forget(_effects.WrittenIn(block));
        }
    }

    private void LeaveMemory(Block block)
    {
        if (_facts.Count == 0 || _snapshots.Count > MaximumSnapshots)
        {
            return;
        }

        // A block with nothing to add shares what its dominator left.
        var dominator = _function.Blocks[block].ImmediateDominator;
        if (dominator >= 0)
        {
            var exit = _exits[dominator];
            if (exit.Count == _facts.Count && SameFacts(_snapshots.Span.Slice(exit.Start, exit.Count)))
            {
                _exits[block] = exit;
                return;
            }
        }

        _exits[block] = new Snapshot { Start = _snapshots.AddRange(_facts.Span), Count = _facts.Count };
    }

    private bool SameFacts(ReadOnlySpan<Fact> others)
    {
        for (var n = 0; n < others.Length; n++)
        {
            ref readonly var one = ref others[n];
            ref var other = ref _facts[n];
            if (one.Value != other.Value || one.Offset != other.Offset || one.A != other.A || one.B != other.B || one.Opcode != other.Opcode)
            {
                return false;
            }
        }

        return true;
    }

    private void Intersect(ReadOnlySpan<Fact> others)
    {
        var kept = 0;
        for (var n = 0; n < _facts.Count; n++)
        {
            var fact = _facts[n];
            var found = false;
            foreach (ref readonly var other in others)
            {
                if (fact.Opcode == Accessed)
                {
                    // The witness must come before on all ways.
                    if (other.Opcode == Accessed && other.Value == fact.Value)
                    {
                        found = true;
                        break;
                    }
                }
                else if (fact.Opcode == IrOpcode.BoundsCheck)
                {
                    if (other.Opcode == IrOpcode.BoundsCheck && other.A == fact.A && SameLength(other.B, fact.B))
                    {
                        // Only the smaller reach was checked on both ways.
                        fact.Offset = Math.Min(fact.Offset, other.Offset);
                        found = true;
                        break;
                    }
                }
                else if (other.Value == fact.Value && SameAddress(in other, in fact) && other.Aux == fact.Aux && other.Opcode == fact.Opcode)
                {
                    found = true;
                    break;
                }
            }

            if (found)
            {
                _facts[kept++] = fact;
            }
        }

        _facts.Truncate(kept);
    }

    private static bool SameAddress(in Fact x, in Fact y) => x.Region == y.Region && x.A == y.A && x.B == y.B && x.Offset == y.Offset;

    private void Forget(uint regions)
    {
        if (regions == 0)
        {
            return;
        }

        var kept = 0;
        for (var n = 0; n < _facts.Count; n++)
        {
            if (_facts[n].Opcode is IrOpcode.BoundsCheck or Accessed || (LoopEffects.SetOf(_facts[n].Region) & regions) == 0)
            {
                _facts[kept++] = _facts[n];
            }
        }

        _facts.Truncate(kept);
    }

    private void Learn(in Fact fact)
    {
        if (_facts.Count < MaximumFacts)
        {
            _facts.Add(in fact);
            return;
        }

        // One of the older ones goes.
        _facts[_victim] = fact;
        _victim = (_victim + 1) % MaximumFacts;
    }

    private static Fact FactOf(in IrInstruction i, IrType type, Value value) => new()
    {
        Opcode = i.Opcode,
        Type = type,
        Aux = (byte)(i.Aux & AccessShape),
        Region = i.Region,
        A = i.ValueA,
        B = i.ValueB,
        Offset = i.Offset,
        Value = value,
    };

    private int FindContents(in IrInstruction i)
    {
        for (var n = 0; n < _facts.Count; n++)
        {
            ref var fact = ref _facts[n];
            if (fact.Opcode is not (IrOpcode.BoundsCheck or Accessed) && fact.A == i.A && fact.B == i.B && fact.Offset == i.Offset && fact.Region == i.Region
                && new MemoryAccess(fact.Aux).WidthLog2 == i.Access.WidthLog2 && new MemoryAccess(fact.Aux).ScaleLog2 == i.Access.ScaleLog2)
            {
                return n;
            }
        }

        return -1;
    }

    private void VisitLoad(Value index, in IrInstruction i)
    {
        var known = FindContents(in i);
        if (known >= 0)
        {
            var fact = _facts[known];
            var value = fact.Value;
            if (fact.Type != i.Type || fact.Aux != (i.Aux & AccessShape) || fact.Opcode != i.Opcode)
            {
                _builder.Position = index;
                _function.CurrentWasmOffset = _function.Links[index].WasmOffset;
                value = Reinterpret(in fact, in i);
                _builder.Position = Value.None;
            }

            if (value >= 0)
            {
                ValueReplacement.Replace(_function, index, value);
                return;
            }
        }

        if (i.Access.MayFault || (_pendingStore >= 0 && _function.Get(_pendingStore).Region == i.Region))
        {
            _pendingStore = Value.None;
        }

        var loaded = FactOf(in i, i.Type, index);
        Learn(in loaded);
        NoteAccess(index, in i);
    }

    // The value that a load gives where memory holds the low bytes of a known one; −1 if that would not be cheap.
    private Value Reinterpret(in Fact fact, in IrInstruction load)
    {
        var width = load.Access.Width;
        var value = fact.Value;
        if (load.Type is IrType.F32 or IrType.F64)
        {
            if (fact.Type == load.Type)
            {
                return value;
            }

            if (load.Type == IrType.F64)
            {
                return fact.Type == IrType.I64 ? _builder.Unary(IrOpcode.Bitcast, IrType.F64, value) : Value.None;
            }

            value = fact.Type == IrType.I64 ? _builder.Unary(IrOpcode.Wrap, IrType.I32, value) : value;
            return _function.TypeOf(value) == IrType.I32 ? _builder.Unary(IrOpcode.Bitcast, IrType.F32, value) : Value.None;
        }

        if (load.Type is not (IrType.I32 or IrType.I64))
        {
            return fact.Type == load.Type ? value : Value.None;
        }

        value = fact.Type switch
        {
            IrType.I32 or IrType.I64 => value,
            IrType.F32 => _builder.Unary(IrOpcode.Bitcast, IrType.I32, value),
            IrType.F64 => _builder.Unary(IrOpcode.Bitcast, IrType.I64, value),
            _ => Value.None,
        };
        if (value < 0)
        {
            return Value.None;
        }

        if (load.Type == IrType.I32)
        {
            value = _function.TypeOf(value) == IrType.I64 ? _builder.Unary(IrOpcode.Wrap, IrType.I32, value) : value;
            return Narrow(IrType.I32, value, width, load.Access.Signed);
        }

        if (width == 8)
        {
            return value;
        }

        if (width == 4 && _function.TypeOf(value) == IrType.I32)
        {
            return _builder.Unary(load.Access.Signed ? IrOpcode.ExtendSigned : IrOpcode.ExtendUnsigned, IrType.I64, value);
        }

        value = _function.TypeOf(value) == IrType.I32 ? _builder.Unary(IrOpcode.ExtendUnsigned, IrType.I64, value) : value;
        return Narrow(IrType.I64, value, width, load.Access.Signed);
    }

    // The low bytes of an integer, extended to its type.
    private Value Narrow(IrType type, Value value, int width, bool signed)
    {
        if (width == (type == IrType.I32 ? 4 : 8))
        {
            return value;
        }

        return signed
            ? _builder.Unary(width switch { 1 => IrOpcode.SignExtend8, 2 => IrOpcode.SignExtend16, _ => IrOpcode.SignExtend32 }, type, value)
            : _builder.Binary(IrOpcode.And, type, value, _builder.Constant(type, (1UL << (width * 8)) - 1));
    }

    private void VisitStore(Value index, in IrInstruction i)
    {
        var type = _function.TypeOf(i.ValueC);
        if (i.Opcode == IrOpcode.StoreVm && i.Region is AliasRegion.GlobalDefined or AliasRegion.GlobalImported && i.Opcode == IrOpcode.StoreVm)
        {
            var known = FindContents(in i);
            if (known >= 0 && _facts[known].Value == i.C)
            {
                // The global holds this value already.
                _function.Remove(index);
                return;
            }

            if (_pendingStore >= 0)
            {
                ref var earlier = ref _function.Get(_pendingStore);
                if (earlier.A == i.A && earlier.D == i.D && earlier.Aux == i.Aux && earlier.Region == i.Region)
                {
                    _function.Remove(_pendingStore);
                }
            }

            _pendingStore = index;
        }
        else if (i.Access.MayFault)
        {
            _pendingStore = Value.None;
        }

        // What may be overwritten is forgotten.
        var start = (ulong)i.Offset;
        var end = start + (ulong)i.Access.Width;
        var kept = 0;
        for (var n = 0; n < _facts.Count; n++)
        {
            ref var fact = ref _facts[n];
            if (fact.Region == i.Region && fact.Opcode is not (IrOpcode.BoundsCheck or Accessed))
            {
                var access = new MemoryAccess(fact.Aux);
                if (fact.A != i.A || fact.B != i.B || access.ScaleLog2 != i.Access.ScaleLog2
                    || (fact.Offset < end && start < fact.Offset + (ulong)access.Width))
                {
                    continue;
                }
            }

            _facts[kept++] = fact;
        }

        _facts.Truncate(kept);
        _epoch++;
        var stored = FactOf(in i, type, i.ValueC);
        Learn(in stored);
        NoteAccess(index, in i);
    }

    private void VisitClobber(in IrInstruction i)
    {
        Forget(LoopEffects.WrittenBy(in i));
        VisitTrap();
    }

    // Something can be seen here.
    private void VisitTrap()
    {
        _epoch++;
        _pendingStore = Value.None;
    }

    private void VisitBoundsCheck(Value index, in IrInstruction check)
    {
        var i = check;
        if (RebaseCheck(ref i))
        {
            _function.Get(index) = i;
        }

        for (var n = 0; n < _facts.Count; n++)
        {
            ref var fact = ref _facts[n];
            if (fact.Opcode != IrOpcode.BoundsCheck || fact.A != i.A || !SameLength(fact.B, i.ValueB))
            {
                continue;
            }

            if (fact.Offset < i.Offset)
            {
                if (fact.Epoch != _epoch || fact.Aux != i.Aux)
                {
                    break;
                }

                // The earlier check does for both: whichever fails, the same trap comes and nothing has happened in between.
                _function.Get(fact.Value).D = i.D;
                fact.Offset = i.Offset;
            }

            _function.Remove(index);
            return;
        }

        _pendingStore = Value.None;
        if (i.Aux != (byte)TrapCode.MemoryOutOfBounds)
        {
            _epoch++;
        }

        for (var n = 0; n < _facts.Count; n++)
        {
            // The wider check takes the place of the narrower one.
            ref var fact = ref _facts[n];
            if (fact.Opcode == IrOpcode.BoundsCheck && fact.A == i.A && SameLength(fact.B, i.ValueB))
            {
                fact.Offset = i.Offset;
                fact.Value = index;
                fact.Aux = i.Aux;
                fact.Epoch = _epoch;
                return;
            }
        }

        Learn(new Fact { Opcode = IrOpcode.BoundsCheck, Aux = i.Aux, A = i.ValueA, B = i.ValueB, Offset = i.Offset, Value = index, Epoch = _epoch });
    }

    // Whether two values are lengths of the same memory or table, perhaps read at different times. Lengths only grow, so a check against an earlier one stays true.
    private bool SameLength(Value one, Value other)
    {
        if (one == other)
        {
            return true;
        }

        ref var x = ref _function.Get(one);
        ref var y = ref _function.Get(other);
        return x.Opcode == IrOpcode.LoadVm && y.Opcode == IrOpcode.LoadVm && x.Region is AliasRegion.MemoryLength or AliasRegion.SharedMemoryLength or AliasRegion.TableLength
            && x.Region == y.Region && x.A == y.A && x.B == y.B && x.D == y.D;
    }
}
