// The simple compiler: one pass over a function's bytes, every value in a slot of the frame, no register kept from one instruction to the next.
// It is what the optimising compiler is compared with, and what is left when that one is to be ruled out as the cause of an error. Its
// code is slow and its rules are few:
//   - wasm locals and operands each have a slot of 8 bytes; i32 and f32 are stored zero-extended to 8;
//   - between two instructions no register holds anything but r14 (VM context) and rsp;
//   - callee-saved registers are not used at all, so there is nothing to save.
// The bytes have been validated. Instructions it does not know (SIMD, GC, exceptions, atomics) are a NotSupportedException that names them.
//
//   frame, from rsp:  VM context | result buffer's address | scratch | locals … | operands … | buffer for results of calls | return address
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Wasm;
using Tarn.Wasm.Binary;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Compiler.Baseline;

internal sealed partial class BaselineCompiler
{
    private const int SavedContext = 0;
    private const int SavedResultBuffer = 8;
    private const int Scratch = 16;
    private const int FirstSlot = 24;
    private const int UncheckedFrame = 4096;
    private const int KindShift = 24;

    private readonly WasmModule _module;
    private readonly VmContextLayout _layout;
    private readonly TargetDescription _target;
    private readonly X64Assembler _asm = new(CpuFeatureDetector.Detect(), shortenBranches: false);
    private readonly int _callBufferBytes;
    private readonly List<Block> _blocks = [];
    private readonly List<ColdTrap> _coldTraps = [];
    private readonly List<TrapSite> _trapSites = [];
    private readonly List<CallSite> _callSites = [];
    private readonly List<Relocation> _typeRelocations = [];
    private FunctionType _type = FunctionType.Empty;
    private ValueLocation[] _parameterLocations = [];
    private ValueLocation[] _resultLocations = [];
    private CallShape _shape;
    private int _localCount;
    private int _depth;
    private int _maximumDepth;
    private int _frameSize;
    private int _pushed;
    private int _wasmOffset;
    private int _fuelRun;

    public BaselineCompiler(WasmModule module, VmContextLayout layout, TargetDescription target)
    {
        _module = module;
        _layout = layout;
        _target = target;
        foreach (ref readonly SubType type in module.Types)
        {
            if (type.Composite is FunctionType function)
                _callBufferBytes = Math.Max(_callBufferBytes, ShapeOf(function, out _, out _).ResultBufferBytes);
        }
    }

    public CompiledFunction Compile(int definedIndex)
    {
        // The first run finds out how deep the operand stack gets, the second one has the frame's size.
        _maximumDepth = 0;
        _frameSize = 0;
        Run(definedIndex);
        _frameSize = FirstSlot + ((_localCount + _maximumDepth) * 8) + _callBufferBytes;
        Run(definedIndex);
        _asm.Finish();
        var relocations = new List<Relocation>(_typeRelocations);
        foreach (ref readonly CodeRelocation relocation in _asm.Relocations)
            relocations.Add(new Relocation(relocation.Offset, (SymbolKind)(relocation.Symbol >> KindShift), relocation.Symbol & ((1 << KindShift) - 1)));
        relocations.Sort((a, b) => a.Offset.CompareTo(b.Offset));
        _trapSites.Sort((a, b) => a.Offset.CompareTo(b.Offset));
        _callSites.Sort((a, b) => a.ReturnOffset.CompareTo(b.ReturnOffset));
        return new CompiledFunction
        {
            Code = _asm.Code.ToArray(),
            Relocations = [.. relocations],
            TrapSites = [.. _trapSites],
            CallSites = [.. _callSites],
            FrameSize = _frameSize,
            StackArgumentBytes = _shape.StackArgumentBytes,
        };
    }

    private static int Symbol(SymbolKind kind, int target) => ((int)kind << KindShift) | target;

    private static AbiType AbiOf(ValType type)
    {
        if (type == ValType.I32)
            return AbiType.I32;
        if (type == ValType.I64)
            return AbiType.I64;
        if (type == ValType.F32)
            return AbiType.F32;
        if (type == ValType.F64)
            return AbiType.F64;
        return type == ValType.V128 ? AbiType.V128 : AbiType.Reference;
    }

    private static AbiType[] AbiOf(ReadOnlySpan<ValType> types)
    {
        var result = new AbiType[types.Length];
        for (int i = 0; i < result.Length; i++)
            result[i] = AbiOf(types[i]);
        return result;
    }

    private static CallShape ShapeOf(FunctionType type, out ValueLocation[] parameters, out ValueLocation[] results)
    {
        parameters = new ValueLocation[type.ParameterCount];
        results = new ValueLocation[type.ResultCount];
        return CallConvention.Assign(AbiOf(type.Parameters), AbiOf(type.Results), parameters, results);
    }

    private void Run(int definedIndex)
    {
        _asm.Reset();
        _blocks.Clear();
        _coldTraps.Clear();
        _trapSites.Clear();
        _callSites.Clear();
        _typeRelocations.Clear();
        _depth = 0;
        _pushed = 0;
        _fuelRun = 0;
        _type = _module.FunctionTypeOf(definedIndex + _module.ImportedFunctionCount);
        _shape = ShapeOf(_type, out _parameterLocations, out _resultLocations);
        WasmReader reader = _module.ReadBody(definedIndex);
        _wasmOffset = reader.Position;
        _localCount = _type.ParameterCount;
        for (uint groups = reader.ReadVarU32(); groups > 0; groups--)
        {
            uint count = reader.ReadLocalGroup(out ValType type);
            Refuse(type);
            _localCount += (int)count;
        }
        foreach (ValType type in _type.Parameters)
            Refuse(type);
        EmitPrologue();
        _blocks.Add(new Block(Opcode.Block, _asm.NewLabel(), default, 0, 0, _type.ResultCount));
        while (_blocks.Count > 0)
        {
            _wasmOffset = reader.Position;
            Opcode opcode = reader.ReadOpcode();
            _fuelRun++;
            if (!EmitControl(opcode, ref reader) && !EmitCall(opcode, ref reader) && !EmitMemory(opcode, ref reader) && !EmitNumeric(opcode, ref reader))
                throw new NotSupportedException($"the simple compiler does not know {Opcodes.Name(opcode)} (at byte 0x{_wasmOffset:x})");
        }
        foreach (ColdTrap trap in _coldTraps)
        {
            _asm.Bind(trap.Label);
            _asm.CallSymbol(Symbol(SymbolKind.Trap, 0));
            _trapSites.Add(new TrapSite(_asm.Offset, trap.Code, trap.WasmOffset, trap.InPrologue));
        }
    }

    private static void Refuse(ValType type)
    {
        if (type == ValType.V128)
            throw new NotSupportedException("the simple compiler does not know v128");
    }

    private void EmitPrologue()
    {
        Label exhausted = _asm.NewLabel();
        _coldTraps.Add(new ColdTrap(exhausted, TrapCode.StackOverflow, _wasmOffset, InPrologue: true));
        if (_frameSize > UncheckedFrame)
        {
            _asm.Lea(S64, R11, new Mem(Rsp, -_frameSize));
            _asm.Cmp(S64, R11, new Mem(R14, VmContextHeader.StackLimit));
        }
        else
        {
            _asm.Cmp(S64, Rsp, new Mem(R14, VmContextHeader.StackLimit));
        }
        _asm.Jcc(Condition.Below, exhausted);
        _asm.Sub(S64, Rsp, _frameSize);
        _asm.Mov(S64, At(SavedContext), R14);
        if (_shape.HasResultBuffer)
            _asm.Mov(S64, At(SavedResultBuffer), Rdi);
        for (int i = 0; i < _type.ParameterCount; i++)
        {
            ValueLocation location = _parameterLocations[i];
            if (location.Kind == LocationKind.IntegerRegister)
            {
                _asm.Mov(S64, Local(i), (Gpr)location.Value);
            }
            else if (location.Kind == LocationKind.VectorRegister)
            {
                StoreVector(AbiOf(_type.Parameters[i]), (Xmm)location.Value, Local(i));
            }
            else
            {
                _asm.Mov(S64, Rax, At(_frameSize + 8 + location.Value));
                _asm.Mov(S64, Local(i), Rax);
            }
        }
        if (_localCount > _type.ParameterCount)
        {
            _asm.Zero(Rax);
            for (int i = _type.ParameterCount; i < _localCount; i++)
                _asm.Mov(S64, Local(i), Rax);
        }
        EmitInterruptionCheck();
    }

    private void EmitInterruptionCheck()
    {
        if (!_target.Interruption)
            return;
        Label go = _asm.NewLabel();
        _asm.Cmp(S32, new Mem(R14, VmContextHeader.InterruptRequested), 0);
        _asm.Jcc(Condition.Equal, go);
        CallBuiltin(BuiltinId.Interrupt);
        _asm.Bind(go);
    }

    // Charges the instructions since the last time; before anything that may lead elsewhere.
    private void FlushFuel()
    {
        if (!_target.Fuel || _fuelRun == 0)
            return;
        Label enough = _asm.NewLabel();
        _asm.Mov(S64, R11, new Mem(R14, VmContextHeader.Execution));
        _asm.Alu(AluOp.Sub, S64, new Mem(R11, ExecutionRecordLayout.Fuel), _fuelRun);
        _asm.Jcc(Condition.GreaterEqual, enough);
        CallBuiltin(BuiltinId.FuelExhausted);
        _asm.Bind(enough);
        _fuelRun = 0;
    }

    // Leaves the function with its results in the topmost slots.
    private void EmitReturn()
    {
        int first = _depth - _type.ResultCount;
        for (int i = 0; i < _type.ResultCount; i++)
        {
            if (_resultLocations[i].Kind != LocationKind.Memory)
                continue;
            _asm.Mov(S64, R10, At(SavedResultBuffer));
            _asm.Mov(S64, R11, Operand(first + i));
            _asm.Mov(S64, new Mem(R10, _resultLocations[i].Value), R11);
        }
        for (int i = 0; i < _type.ResultCount; i++)
            LoadInto(AbiOf(_type.Results[i]), _resultLocations[i], Operand(first + i));
        _asm.Add(S64, Rsp, _frameSize);
        if (_shape.StackArgumentBytes == 0)
            _asm.Ret();
        else
            _asm.Ret(_shape.StackArgumentBytes);
    }

    private void LoadInto(AbiType type, ValueLocation location, Mem slot)
    {
        if (location.Kind == LocationKind.IntegerRegister)
            _asm.Mov(S64, (Gpr)location.Value, slot);
        else if (location.Kind == LocationKind.VectorRegister)
            _asm.Vec(type == AbiType.F32 ? SseOp.MovssLoad : SseOp.MovsdLoad, (Xmm)location.Value, slot);
    }

    // Through rax, so that the upper half of an f32's slot is zero.
    private void StoreVector(AbiType type, Xmm register, Mem slot)
    {
        _asm.Vec(type == AbiType.F32 ? SseOp.MovdToGpr : SseOp.MovqToGpr, Rax, register);
        _asm.Mov(S64, slot, Rax);
    }

    private Mem At(int offset) => new(Rsp, offset + _pushed);

    private Mem Local(int index) => At(FirstSlot + (index * 8));

    private Mem Operand(int position) => At(FirstSlot + ((_localCount + position) * 8));

    private void Push(Gpr register)
    {
        _asm.Mov(S64, Operand(_depth), register);
        Grow(1);
    }

    private void Pop(Gpr register)
    {
        _depth--;
        _asm.Mov(S64, register, Operand(_depth));
    }

    private void Grow(int count)
    {
        _depth += count;
        _maximumDepth = Math.Max(_maximumDepth, _depth);
    }

    private void TrapIf(Condition condition, TrapCode code)
    {
        Label cold = _asm.NewLabel();
        _coldTraps.Add(new ColdTrap(cold, code, _wasmOffset, InPrologue: false));
        _asm.Jcc(condition, cold);
    }

    private void TrapAlways(TrapCode code)
    {
        _asm.CallSymbol(Symbol(SymbolKind.Trap, 0));
        _trapSites.Add(new TrapSite(_asm.Offset, code, _wasmOffset));
    }

    private readonly record struct Block(Opcode Kind, Label Target, Label Else, int Height, int Parameters, int Results)
    {
        /// <summary>How many values a branch to the block takes along.</summary>
        public int BranchArity => Kind == Opcode.Loop ? Parameters : Results;
    }

    private readonly record struct ColdTrap(Label Label, TrapCode Code, int WasmOffset, bool InPrologue);
}
