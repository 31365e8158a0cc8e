// From a validated body to SSA in one decode. The value stack and the locals hold value ids; blocks get parameters only where the values that
// arrive differ (joins) or may differ (loop headers, by the scan). One translator belongs to one worker and is reused; Translate leaves nothing behind.
//
// The parts: this file (state, entry, values), .Control (blocks and branches), .Decode (the instruction switch), .Memory, .Tables, .Calls, .Exceptions, .Atomics,
// .Objects and .Casts (managed objects).
// Invariant: while Block is −1 the code is unreachable; instructions are then skipped, never translated, so operands always exist.
using Tarn.Assembler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Compiler.IR.Build;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

/// <summary>Builds a function's IR from its body.</summary>
internal sealed partial class FunctionTranslator
{
    private readonly FunctionScan _scan = new();
    private readonly IrBuilder _builder = new();
    private GrowableArray<Value> _stack = new(64);
    private GrowableArray<Value> _locals = new(64);
    private GrowableArray<IrType> _localTypes = new(64);
    private GrowableArray<IrType> _zeroTypes = new(16);
    private GrowableArray<IrType> _types = new(64);
    private IrFunction _function = null!;
    private WasmModule _module = null!;
    private VmContextLayout _layout = null!;
    private TargetDescription _target = null!;
    private FunctionBudget _budget = null!;

    // Signatures of the module's types in the current function; an entry counts only if its epoch is the current one.
    private int[] _signatures = [];
    private int[] _signatureEpochs = [];
    private int _epoch;

    /// <summary>Whether the IR is verified; on in debug builds.</summary>
    public bool Verifies { get; set; } = IrVerifier.IsDebugBuild;

    /// <summary>Lets go of the module that was translated last: a translator that waits for work does not keep it.</summary>
    public void Forget()
    {
        ForgetFieldOffsets();
        _module = null!;
        _layout = null!;
    }

    /// <summary>Translates a function that the module defines into <paramref name="function"/>, which is reset first.</summary>
    /// <param name="module">A validated module.</param>
    /// <param name="layout">The module's VM context.</param>
    /// <param name="functionIndex">Index in the module's function index space.</param>
    /// <param name="target">What to compile for.</param>
    /// <param name="function">Receives the IR.</param>
    /// <param name="budget">What the function may spend together with the module's others.</param>
    public void Translate(WasmModule module, VmContextLayout layout, int functionIndex, TargetDescription target, IrFunction function, ModuleBudget? budget = null)
    {
        if (_module != module)
        {
            ForgetFieldOffsets();
        }

        _module = module;
        _layout = layout;
        _target = target;
        _function = function;
        _epoch++;
        if (_signatures.Length < module.TypeArray.Length)
        {
            _signatures = new int[module.TypeArray.Length];
            _signatureEpochs = new int[module.TypeArray.Length];
            _epoch = 1;
        }

        function.Reset(functionIndex);
        _budget = function.Budget;
        _budget.Begin(functionIndex, module.BodyArray[functionIndex - module.ImportedFunctionCount].Length, budget ?? new ModuleBudget());
        function.Signature = SignatureOf(module.FunctionArray[functionIndex]);
        function.LargestMemory = LargestMemory();
        function.GuardBytes = target.GuardBytes;
        function.CatchesFaults = target.CatchesFaults;
        var reader = module.ReadBody(functionIndex - module.ImportedFunctionCount);
        function.CurrentWasmOffset = reader.Position;
        ReadLocals(ref reader);
        _scan.Run(reader, _localTypes.Count, _budget);

        // Calls of builtins are added while translating.
        function.HasCalls = _scan.HasCalls;
        Begin(reader.Remaining);
        Decode(ref reader);
        function.ComputeOrder();
        if (Verifies)
        {
            IrVerifier.Require(function, "translation");
        }
    }

    private ulong LargestMemory()
    {
        var largest = 0UL;
        foreach (ref readonly var memory in _module.Memories)
        {
            if (!memory.Limits.Is64)
            {
                var pages = memory.Limits.HasMaximum ? memory.Limits.Maximum : ulong.MaxValue;
                var bytes = pages > uint.MaxValue ? ulong.MaxValue : pages << memory.PageSizeLog2;
                largest = Math.Max(largest, Math.Min(bytes, _target.MaximumMemoryBytes));
            }
        }

        return largest;
    }

    private void ReadLocals(ref WasmReader reader)
    {
        _localTypes.Clear();
        _localTypes.AddRange(_function.ParameterTypes);
        _zeroTypes.Clear();
        for (var groups = reader.ReadVarU32(); groups > 0; groups--)
        {
            var count = (int)reader.ReadLocalGroup(out var type);
            var start = _localTypes.AddDefault(count);
            _localTypes.Span[start..].Fill(TypeOf(type));
            if (count > 0)
            {
                _zeroTypes.Add(TypeOf(type));
            }
        }

        // Four bytes can declare 50,000 locals. Only those that the body names are ever looked at: what others left here stays.
        if (_locals.Count < _localTypes.Count)
        {
            _locals.AddDefault(_localTypes.Count - _locals.Count);
        }
    }

    private void Begin(int bodyLength)
    {
        _stack.Clear();
        _types.Clear();
        _saved.Clear();
        _pending.Clear();
        _frames.Clear();
        _nextScanFrame = 0;
        ResetExceptions();
        _fuelCheck = Value.None;
        var entry = _function.AddBlock();
        _budget.Charge((long)ComplexityLimits.Parameter * _function.ParameterTypes.Length, "many parameters");
        foreach (var type in _function.ParameterTypes)
        {
            _function.AddBlockParameter(entry, type);
        }

        _builder.Reset(_function, bodyLength / 4);
        var parameter = _function.Blocks[entry].First;
        for (var i = 0; i < _function.ParameterTypes.Length; i++)
        {
            _locals[i] = parameter;
            parameter = _function.Links[parameter].Next;
        }

        foreach (var type in _zeroTypes.Span)
        {
            _builder.Zero(type);
        }

        foreach (var local in _scan.Named.Span)
        {
            if (local >= _function.ParameterTypes.Length)
            {
                _locals[local] = _builder.Zero(_localTypes[local]);
            }
        }

        StartBlock(entry);

        // A function that calls nothing comes to an end, or into a loop: whoever calls it again and again has checks of its own.
        if (_target.Interruption && (_scan.HasCalls || _scan.HasTailCalls))
        {
            Check(IrOpcode.InterruptCheck);
        }

        PushFunctionFrame();
    }

    private IrType TypeOf(ValType type) => ValueTypes.Of(_module, type);

    private int SignatureOf(int typeIndex)
    {
        if (_signatureEpochs[typeIndex] == _epoch)
        {
            return _signatures[typeIndex];
        }

        var type = (CoreFunctionType)_module.TypeArray[typeIndex].Composite;
        var parameters = _function.SignatureTypes.AddDefault(type.ParameterCount + type.ResultCount);
        var results = parameters + type.ParameterCount;
        for (var i = 0; i < type.ParameterCount; i++)
        {
            _function.SignatureTypes[parameters + i] = TypeOf(type.Parameters[i]);
        }

        for (var i = 0; i < type.ResultCount; i++)
        {
            _function.SignatureTypes[results + i] = TypeOf(type.Results[i]);
        }

        var signature = _function.Signatures.Add(new IrSignature(parameters, type.ParameterCount, results, type.ResultCount));
        _signatures[typeIndex] = signature;
        _signatureEpochs[typeIndex] = _epoch;
        return signature;
    }

    private void Push(Value value) => _stack.Add(value);

    private Value Pop() => _stack.Pop();

    // The block that instructions go to from now on.
    private void StartBlock(Block block)
    {
        _builder.Block = block;
        if (_target.Fuel)
        {
            StartRun();
        }
    }

    // Every terminator goes through here: the rest is unreachable until a label joins again.
    private void Terminate(
        IrOpcode opcode, int a = -1, int b = -1, int c = -1, int d = 0, byte aux = 0)
    {
        _builder.Emit(opcode, IrType.None, a, b, c, d, aux);
        _builder.Block = Block.None;
        EndRun();
    }

    private void Check(IrOpcode opcode) => _builder.Emit(opcode, IrType.None);

    // A trap under a condition. Even if it is known to trap the code after it counts as reachable here; the optimiser cuts it off.
    private void TrapIf(Value condition, TrapCode code)
    {
        condition = _builder.Condition(condition, out var inverted);
        if (_builder.IsConstant(condition, out var bits) && bits != 0 == inverted)
        {
            return;
        }

        _builder.Emit(inverted ? IrOpcode.TrapIfNot : IrOpcode.TrapIf, IrType.None, condition, aux: (byte)code);
    }

    private void Trap(TrapCode code)
    {
        if (_builder.Block != IrFunction.Entry)
        {
            _function.Blocks[_builder.Block].Flags |= IrBlockFlags.Cold;
        }

        Terminate(IrOpcode.Trap, aux: (byte)code);
    }

    private Value ExtendUnsigned(Value value)
        => _function.TypeOf(value) == IrType.I32 ? _builder.Unary(IrOpcode.ExtendUnsigned, IrType.I64, value) : value;

    private Value Result(Value call, int index, IrType type) => _builder.Emit(IrOpcode.Result, type, call, index);

    // Calls a builtin; the result, if there is one, is returned.
    private Value CallBuiltin(BuiltinId builtin, params ReadOnlySpan<Value> arguments)
    {
        var start = _function.Pool.AddRange(arguments);
        var call = _builder.Emit(IrOpcode.CallBuiltin, IrType.None, (int)builtin, start, arguments.Length, -1);
        _function.HasCalls = true;
        var results = BuiltinSignatures.Results(builtin);
        return results.Length == 0 ? Value.None : Result(call, 0, IrTypes.Of(results[0]));
    }
}
