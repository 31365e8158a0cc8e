// Looks at finished machine code and nothing else of how it was made, and proves of each access to guarded memory that it is at base + index + displacement, where base is a memory's
// base out of the VM context, index a register whose upper half is zero, and the displacement within the guard. Data flow over registers and stack slots with three values: a memory's
// base, an i32 (upper half zero), anything. The decoder is Iced's. Also: r14 is written only before a call or jump through a reference and from the frame after a call; rsp
// moves by pushes, pops and constants; jumps through registers are jumps through a table behind a comparison with its length, or tail calls
// through a reference.
//
// Trusted: the calling convention (i32 arguments and results are extended, so callers are proved by callees and the other way round), and that guest memory is not the stack.
using Iced.Intel;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Compiler.Frontend;
using Tarn.Compiler.IR;
using Tarn.Wasm;

namespace Tarn.Compiler.Tests.Verify;

/// <summary>Verifies functions; counts what it has proved.</summary>
internal sealed class MachineCodeVerifier(WasmModule module, VmContextLayout layout, ulong guardBytes)
{
    private const byte Any = 0;
    private const byte Narrow = 1;
    private const byte MemoryBase = 2;
    private const int Registers = 16;

    private static readonly Register[] s_wide =
    [
        Register.RAX, Register.RCX, Register.RDX, Register.RBX, Register.RSP, Register.RBP, Register.RSI, Register.RDI,
        Register.R8, Register.R9, Register.R10, Register.R11, Register.R12, Register.R13, Register.R14, Register.R15,
    ];

    private readonly InstructionInfoFactory _information = new();
    private readonly Dictionary<int, Instruction> _instructions = [];
    private readonly Dictionary<int, (byte[] Values, int Depth)> _states = [];
    private readonly Queue<int> _work = new();
    private CompiledFunction _function = null!;
    private int _index;
    private int _slots;

    // Where the scratch register of vectors is among the values: a slot and a register change places by way of it.
    private int _scratch;
    private HashSet<int> _faults = [];
    private HashSet<int> _traps = [];
    private Dictionary<int, Relocation> _relocations = [];

    /// <summary>Accesses proved to lie within the reservation and its guard.</summary>
    public int Proved { get; private set; }

    /// <summary>Accesses whose index is scaled: proved but for the scale, which hangs on a bound of the index that the code does not show.</summary>
    public int Scaled { get; private set; }

    /// <summary>
    /// Accesses that no way leads to: blocks that were emitted again elsewhere. Ways that are not understood are reported, so there is none to them.
    /// </summary>
    public int Dead { get; private set; }

    /// <summary>What was found, in words.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>Verifies the code of a function.</summary>
    public void Verify(CompiledFunction function, int functionIndex)
    {
        _function = function;
        _index = functionIndex;
        _instructions.Clear();
        _states.Clear();
        _relocations = function.Relocations.ToDictionary(r => r.Offset);
        _traps = [.. function.Relocations.Where(r => r.Kind == SymbolKind.Trap).Select(r => r.Offset + 4)];
        _faults = [.. function.TrapSites.Where(s => s.Code == TrapCode.MemoryOutOfBounds && !_traps.Contains(s.Offset)).Select(s => s.Offset)];
        _slots = ((function.FrameSize + 8 + function.StackArgumentBytes) / 8) + 1;
        _scratch = Registers + _slots;
        var entry = new byte[_scratch + 1];
        var type = (CoreFunctionType)module.TypeArray[module.FunctionArray[functionIndex]].Composite;
        AbiType[] parameters = Types(type.Parameters);
        AbiType[] results = Types(type.Results);
        var places = new ValueLocation[parameters.Length];
        CallConvention.Assign(parameters, results, places, new ValueLocation[results.Length]);
        for (var k = 0; k < parameters.Length; k++)
        {
            if (parameters[k] == AbiType.I32)
            {
                entry[places[k].Kind == LocationKind.IntegerRegister ? places[k].Value : Registers + ((function.FrameSize + 8 + places[k].Value) / 8)] = Narrow;
            }
        }

        Flow(0, entry, 0);
        while (_work.TryDequeue(out var at))
        {
            Step(at);
        }

        foreach (var (at, state) in _states)
        {
            CheckAccess(at, state.Values);
        }

        Dead += _faults.Count(site => !_states.ContainsKey(site));
    }

    private AbiType[] Types(ReadOnlySpan<ValType> types) => Array.ConvertAll(types.ToArray(), type => IrTypes.ToAbi(ValueTypes.Of(module, type)));

    private static int Number(Register register) => Array.IndexOf(s_wide, register.GetFullRegister());

    private Instruction At(int offset)
    {
        if (!_instructions.TryGetValue(offset, out var instruction))
        {
            var decoder = Decoder.Create(64, new ByteArrayCodeReader(_function.Code, offset, _function.Code.Length - offset), (ulong)offset);
            instruction = decoder.Decode();
            _instructions.Add(offset, instruction);
        }

        return instruction;
    }

    private void Report(int at, string what) => Faults.Add($"function {_index} at {at:x}: {what}: {At(at)}");

    // Joins a state into what is known at an offset.
    private void Flow(int to, byte[] values, int depth)
    {
        if (to < 0 || to >= _function.Code.Length)
        {
            Report(0, $"a way that leads out of the code, to {to:x}");
            return;
        }

        if (!_states.TryGetValue(to, out var known))
        {
            _states.Add(to, ((byte[])values.Clone(), depth));
            _work.Enqueue(to);
            return;
        }

        if (known.Depth != depth)
        {
            Report(to, $"rsp is {depth} below the entry on one way and {known.Depth} on another");
            return;
        }

        var changed = false;
        for (var i = 0; i < values.Length; i++)
        {
            if (known.Values[i] != values[i] && known.Values[i] != Any)
            {
                known.Values[i] = Any;
                changed = true;
            }
        }

        if (changed)
        {
            _work.Enqueue(to);
        }
    }

    // The slot of an operand on the stack, or -1.
    private int SlotOf(in Instruction i, int depth)
    {
        if (i.MemoryBase != Register.RSP || i.MemoryIndex != Register.None)
        {
            return -1;
        }

        var slot = (long)i.MemoryDisplacement64 - depth + _function.FrameSize;
        return slot >= 0 && slot % 8 == 0 && slot / 8 < _slots ? Registers + (int)(slot / 8) : -1;
    }

    private void Step(int at)
    {
        var (known, depth) = _states[at];
        var values = (byte[])known.Clone();
        var i = At(at);
        var next = (int)i.NextIP;
        switch (i.FlowControl)
        {
            case FlowControl.Return:
                if (depth != 0)
                {
                    Report(at, $"returns with rsp {depth} below the entry");
                }

                return;
            case FlowControl.ConditionalBranch:
                Flow((int)i.NearBranchTarget, values, depth);

                // A conversion to an unsigned i32 is made in 64 bits and compared with its own lower half.
                if (i.Mnemonic == Mnemonic.Jne && Before(at, out var compare) && compare.Mnemonic == Mnemonic.Cmp && compare.Op1Kind == OpKind.Register && compare.Op0Register.GetSize() == 8
                    && compare.Op0Kind == OpKind.Register && values[Number(compare.Op0Register)] == Narrow)
                {
                    values[Number(compare.Op1Register)] = Narrow;
                }

                Flow(next, values, depth);
                return;
            case FlowControl.UnconditionalBranch:
                // A tail call leaves, by way of a relocation.
                if (!_relocations.ContainsKey(next - 4))
                {
                    Flow((int)i.NearBranchTarget, values, depth);
                }

                return;
            case FlowControl.IndirectBranch:
                // Through a reference it is a tail call, which leaves.
                if (i.Op0Kind == OpKind.Memory)
                {
                    Report(at, "a jump through memory");
                }
                else if (!IsThroughReference(at, in i))
                {
                    FollowTable(at, values, depth);
                }

                return;
            case FlowControl.Call or FlowControl.IndirectCall:
                if (_traps.Contains(next))
                {
                    return;
                }

                if (!(i.FlowControl == FlowControl.Call ? _relocations.ContainsKey(next - 4) : IsThroughReference(at, in i)))
                {
                    Report(at, "a call of something else than a function or a reference");
                }

                AfterCall(next, values);
                Flow(next, values, _function.FrameSize);
                return;
            case FlowControl.Exception or FlowControl.Interrupt:
                return;
        }

        Effect(at, in i, values, ref depth);
        Flow(next, values, depth);
    }

    // Interruption and fuel keep all registers; of others those of the convention remain, and results are of the callee's making.
    private void AfterCall(int next, byte[] values)
    {
        if (_relocations.TryGetValue(next - 4, out var relocation) && relocation.Kind == SymbolKind.Builtin && (BuiltinId)relocation.Target is BuiltinId.Interrupt or BuiltinId.FuelExhausted)
        {
            return;
        }

        values[_scratch] = Any;
        for (var r = 0; r < Registers; r++)
        {
            if (((CallConvention.CalleeSavedMask >> r) & 1) == 0)
            {
                values[r] = Any;
            }
        }

        // What a reference leads to the code does not show: any of the results may be an i32.
        var types = _relocations.ContainsKey(next - 4) && relocation.Kind == SymbolKind.Function
            ? Types(((CoreFunctionType)module.TypeArray[module.FunctionArray[relocation.Target]].Composite).Results)
            : [AbiType.I32, AbiType.I32, AbiType.I32, AbiType.I32, AbiType.I32, AbiType.I32];
        var places = new ValueLocation[types.Length];
        CallConvention.AssignResults(types, places);
        for (var k = 0; k < types.Length; k++)
        {
            if (types[k] == AbiType.I32 && places[k].Kind == LocationKind.IntegerRegister)
            {
                values[places[k].Value] = Narrow;
            }
        }
    }

    // mov r11,[rax]; mov r14,[rax+8]; call or jmp r11
    private bool IsThroughReference(int at, in Instruction i) =>
        i.Op0Kind == OpKind.Register && i.Op0Register == Register.R11 && Before(at, out var context) && context.Mnemonic == Mnemonic.Mov && context.Op0Register == Register.R14
        && Before((int)context.IP, out var code) && code.Mnemonic == Mnemonic.Mov && code.Op0Register == Register.R11 && code.Op1Kind == OpKind.Memory
        && code.MemoryBase == Register.RAX && code.MemoryIndex == Register.None && (long)code.MemoryDisplacement64 == FunctionReferenceRecord.Code;

    // cmp index, n; jae; lea table; movsxd offset, [table + index * 4]; add table, offset; jmp table
    private void FollowTable(int at, byte[] values, int depth)
    {
        var chain = _instructions.Where(x => x.Key < at).OrderByDescending(x => x.Key).Take(5).Select(x => x.Value).Reverse().ToArray();
        if (chain.Length == 5 && chain[0].Mnemonic == Mnemonic.Cmp && chain[1].Mnemonic == Mnemonic.Jae && chain[2].Mnemonic == Mnemonic.Lea && chain[3].Mnemonic == Mnemonic.Movsxd
            && chain[4].Mnemonic == Mnemonic.Add && (int)chain[4].NextIP == at && chain[0].Op0Register.GetSize() == 4 && chain[3].MemoryIndex == chain[0].Op0Register.GetFullRegister()
            && chain[3].MemoryBase == chain[2].Op0Register && chain[4].Op0Register == chain[2].Op0Register && chain[4].Op1Register == chain[3].Op0Register
            && chain[3].MemoryIndexScale == 4 && chain[2].IsIPRelativeMemoryOperand)
        {
            if (_states[(int)chain[0].IP].Values[Number(chain[0].Op0Register)] != Narrow)
            {
                Report(at, "the index of a table of jumps may be wider than what was compared");
            }

            var table = (int)chain[2].IPRelativeMemoryAddress;
            for (var k = 0; k < (int)chain[0].GetImmediate(1); k++)
            {
                Flow(table + BitConverter.ToInt32(_function.Code, table + (4 * k)), values, depth);
            }
        }
        else
        {
            Report(at, "a jump through a register that is none through a table");
        }
    }

    private void Effect(int at, in Instruction i, byte[] values, ref int depth)
    {
        var from = Any;
        var isLoad = i.Mnemonic == Mnemonic.Mov && i.Op1Kind == OpKind.Memory;
        switch (i.Mnemonic)
        {
            case Mnemonic.Push:
                depth += 8;
                return;
            case Mnemonic.Pop:
                depth -= 8;
                if (i.Op0Kind == OpKind.Memory)
                {
                    // From slot to slot: the push is right before. The address counts from rsp as it then is.
                    if (SlotOf(in i, depth) is >= 0 and var target)
                    {
                        values[target] = PushBefore(at, out var push) ? SlotOf(in push, depth) is >= 0 and var origin ? values[origin] : Any : Any;
                    }
                }
                else
                {
                    values[Number(i.Op0Register)] = Any;
                }

                return;
            case Mnemonic.Sub or Mnemonic.Add when i.Op0Register == Register.RSP:
                depth += (i.Mnemonic == Mnemonic.Sub ? 1 : -1) * (int)i.GetImmediate(1);
                return;
            case Mnemonic.Lea when i.Op0Register == Register.RSP:
                if (i.MemoryBase != Register.RSP || i.MemoryIndex != Register.None)
                {
                    Report(at, "rsp from elsewhere");
                }

                depth -= (int)(long)i.MemoryDisplacement64;
                return;
            case Mnemonic.Mov when i.Op0Kind == OpKind.Register && i.Op1Kind == OpKind.Register && i.Op0Register.GetSize() == 8:
                from = values[Number(i.Op1Register)];
                break;
            case Mnemonic.Mov when isLoad && i.Op0Register.GetSize() == 8:
                from = SlotOf(in i, depth) is >= 0 and var slot ? values[slot] : IsMemoryBase(in i) ? MemoryBase : Any;
                break;
            case Mnemonic.Mov when i.Op0Kind == OpKind.Register && i.Op0Register.GetSize() == 8 && i.Op1Kind != OpKind.Memory:
                from = i.GetImmediate(1) <= uint.MaxValue ? Narrow : Any;
                break;
            case Mnemonic.Xchg when i.Op0Kind == OpKind.Register && i.Op1Kind == OpKind.Register && i.Op0Register.GetSize() == 8:
                (values[Number(i.Op0Register)], values[Number(i.Op1Register)]) = (values[Number(i.Op1Register)], values[Number(i.Op0Register)]);
                return;
            case Mnemonic.Movq or Mnemonic.Vmovq when i.Op0Kind == OpKind.Register && i.Op0Register.IsGPR() && i.Op1Register == Register.XMM15:
                from = values[_scratch];
                break;
            case Mnemonic.And when i.Op0Kind == OpKind.Register && i.Op0Register.GetSize() == 8:
                from = (i.Op1Kind == OpKind.Register && values[Number(i.Op1Register)] == Narrow) || values[Number(i.Op0Register)] == Narrow
                    || (i.Op1Kind is OpKind.Immediate8to64 or OpKind.Immediate32to64 && (long)i.GetImmediate(1) >= 0) ? Narrow : Any;
                break;
            case Mnemonic.Shr when i.Op0Kind == OpKind.Register && i.Op0Register.GetSize() == 8 && i.Op1Kind == OpKind.Immediate8:
                from = i.GetImmediate(1) >= 32 || values[Number(i.Op0Register)] == Narrow ? Narrow : Any;
                break;
            case Mnemonic.Or or Mnemonic.Xor when i.Op0Kind == OpKind.Register && i.Op1Kind == OpKind.Register && i.Op0Register.GetSize() == 8:
                from = values[Number(i.Op0Register)] == Narrow && values[Number(i.Op1Register)] == Narrow ? Narrow : Any;
                break;
        }

        foreach (var used in _information.GetInfo(in i).GetUsedRegisters())
        {
            if (used.Access is not (OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite or OpAccess.ReadCondWrite))
            {
                continue;
            }

            if (used.Register is Register.XMM15 or Register.YMM15 or Register.ZMM15)
            {
                values[_scratch] = i.Mnemonic switch
                {
                    Mnemonic.Movsd or Mnemonic.Vmovsd when i.Op1Kind == OpKind.Memory && SlotOf(in i, depth) is >= 0 and var origin => values[origin],
                    Mnemonic.Movq or Mnemonic.Vmovq when i.Op1Kind == OpKind.Register && i.Op1Register.IsGPR() => values[Number(i.Op1Register)],
                    _ => Any,
                };
            }

            if (!used.Register.IsGPR())
            {
                continue;
            }

            var r = Number(used.Register);
            var size = used.Register.GetSize();
            if (used.Register.GetFullRegister() == Register.RSP)
            {
                Report(at, "rsp is written");
            }
            else if (used.Register.GetFullRegister() == Register.R14)
            {
                CheckContextWrite(at, in i, depth);
            }
            else if (i.Mnemonic is Mnemonic.Cmpxchg or Mnemonic.Bsf or Mnemonic.Bsr || size < 4)
            {
                // The whole register may stay as it was; of the first three also be a narrower one.
                values[r] = values[r] == Narrow ? Narrow : Any;
            }
            else
            {
                // 32 bits: Iced tells the register that is written, and that clears the rest, whether the condition holds or not.
                values[r] = IsNarrowWrite(in i, r) ? Narrow : from;
            }
        }

        if (i.OpCount > 0 && i.Op0Kind == OpKind.Memory && SlotOf(in i, depth) is >= 0 and var stored && _information.GetInfo(in i).Op0Access is OpAccess.Write or OpAccess.ReadWrite)
        {
            values[stored] = i.Mnemonic switch
            {
                Mnemonic.Mov when i.MemorySize.GetSize() == 8 => i.Op1Kind == OpKind.Register ? values[Number(i.Op1Register)] : (long)i.GetImmediate(1) >= 0 ? Narrow : Any,
                Mnemonic.Movsd or Mnemonic.Vmovsd or Mnemonic.Movq or Mnemonic.Vmovq when i.Op1Register == Register.XMM15 => values[_scratch],
                _ => Any,
            };
        }
        else if (i.OpCount > 0 && i.Op0Kind == OpKind.Memory && i.MemoryBase == Register.RSP && _information.GetInfo(in i).Op0Access is OpAccess.Write or OpAccess.ReadWrite)
        {
            // The upper half of a slot, or beyond the frame.
            var slot = ((long)i.MemoryDisplacement64 - depth + _function.FrameSize) / 8;
            if (slot >= 0 && slot < _slots)
            {
                values[Registers + slot] = Any;
            }
        }
    }

    private bool PushBefore(int at, out Instruction push) => Before(at, out push) && push.Mnemonic == Mnemonic.Push && push.Op0Kind == OpKind.Memory;

    private bool Before(int at, out Instruction before)
    {
        before = default;
        for (var back = 1; back <= 15; back++)
        {
            if (_instructions.TryGetValue(at - back, out before) && (int)before.NextIP == at)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsNarrowWrite(in Instruction i, int r)
    {
        for (var k = 0; k < i.OpCount; k++)
        {
            if (i.GetOpKind(k) == OpKind.Register && i.GetOpRegister(k).IsGPR() && Number(i.GetOpRegister(k)) == r)
            {
                return i.GetOpRegister(k).GetSize() == 4;
            }
        }

        // Implied: rax and rdx of multiplications and divisions, as wide as what is named.
        return i.OpCount > 0 && i.Op0Kind switch
        {
            OpKind.Register => i.Op0Register.GetSize() == 4,
            OpKind.Memory => i.MemorySize.GetSize() == 4,
            _ => false,
        };
    }

    private bool IsMemoryBase(in Instruction i)
    {
        if (i.MemoryBase != Register.R14 || i.MemoryIndex != Register.None)
        {
            return false;
        }

        for (var m = 0; m < module.MemoryArray.Length; m++)
        {
            if ((int)(long)i.MemoryDisplacement64 == layout.Memory(m) + VmContextLayout.EntryBase)
            {
                return true;
            }
        }

        return false;
    }

    private void CheckContextWrite(int at, in Instruction i, int depth)
    {
        var next = At((int)i.NextIP);
        var isCall = i.Mnemonic == Mnemonic.Mov && i.MemoryBase == Register.RAX && (long)i.MemoryDisplacement64 == FunctionReferenceRecord.VmContext
            && next.FlowControl is FlowControl.IndirectCall or FlowControl.IndirectBranch;
        var isReload = i.Mnemonic == Mnemonic.Mov && i.MemoryBase == Register.RSP && i.MemoryIndex == Register.None && SlotOf(in i, depth) >= 0
            && _function.CallSites.Any(site => site.ReturnOffset == at);
        if (!isCall && !isReload)
        {
            Report(at, "the VM context is written");
        }
    }

    private void CheckAccess(int at, byte[] values)
    {
        if (!_faults.Contains(at))
        {
            return;
        }

        var i = At(at);
        var b = i.MemoryBase == Register.None ? -1 : Number(i.MemoryBase);
        var x = i.MemoryIndex == Register.None ? -1 : Number(i.MemoryIndex);
        if (x >= 0 && i.MemoryIndexScale == 1 && values[x] == MemoryBase)
        {
            (b, x) = (x, b);
        }

        var displacement = (long)i.MemoryDisplacement64;
        var size = (ulong)Math.Max(1, i.MemorySize.GetSize());
        if (b < 0 || values[b] != MemoryBase)
        {
            Report(at, "an access that may fault, and no memory's base in it");
        }
        else if (x >= 0 && values[x] != Narrow)
        {
            Report(at, "an index with an upper half");
        }
        else if (displacement < 0 || (x >= 0 && (ulong)displacement + size > guardBytes))
        {
            Report(at, "a displacement beyond the guard");
        }
        else if (x >= 0 && i.MemoryIndexScale != 1)
        {
            Scaled++;
        }
        else
        {
            Proved++;
        }
    }
}
