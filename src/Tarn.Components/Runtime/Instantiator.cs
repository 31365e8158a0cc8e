// Runs a linking plan: a loop over its steps that fills one slot with each. What fails in the middle is taken back as a whole, since all that was made lives in one store.
//
// In a slot of a pool that is used again the core instances and functions are there, and only the objects of this life are made: what is behind the functions, and what the component exports.
using Tarn.Components.Abi;
using Tarn.Components.Linking;

namespace Tarn.Components.Runtime;

/// <summary>One instantiation of a plan.</summary>
internal sealed class Instantiator
{
    private readonly ComponentPlan _plan;
    private readonly Module[] _modules;
    private readonly ComponentStore _root;
    private readonly ComponentSlot _slot;
    private readonly bool _isBound;
    private readonly InstanceState[] _instances;
    private readonly Instance[] _coreInstances;
    private readonly LiftedFunction[] _lifts;
    private readonly ResourceRuntime?[] _resources;
    private readonly HostFunction[] _imports;
    private readonly ResourceRuntime[] _importedResources;

    /// <param name="plan">The plan.</param>
    /// <param name="modules">Its core modules.</param>
    /// <param name="root">The store, with a slot.</param>
    /// <param name="isBound">Whether the slot holds the core items already.</param>
    /// <param name="imports">The functions that the component imports.</param>
    /// <param name="importedResources">The resource types that it imports.</param>
    public Instantiator(ComponentPlan plan, Module[] modules, ComponentStore root, bool isBound, HostFunction[] imports, ResourceRuntime[] importedResources)
    {
        _plan = plan;
        _modules = modules;
        _root = root;
        _slot = root.Slot;
        _isBound = isBound;
        _imports = imports;
        _importedResources = importedResources;
        _instances = new InstanceState[plan.Instances.Length];
        for (int i = 0; i < _instances.Length; i++)
            _instances[i] = new InstanceState(root, plan.RelatedTo(i));
        root.Instances = _instances;
        _coreInstances = plan.CoreInstances == 0 ? [] : new Instance[plan.CoreInstances];
        _lifts = plan.Lifts == 0 ? [] : new LiftedFunction[plan.Lifts];
        _resources = plan.Resources == 0 ? [] : new ResourceRuntime?[plan.Resources];
    }

    public LiftedFunction[] Lifts => _lifts;

    public Instance[] CoreInstances => _coreInstances;

    public ResourceRuntime?[] Resources => _resources;

    /// <summary>Runs all steps.</summary>
    public void Run(CancellationToken cancellationToken)
    {
        int imported = 0;
        foreach (PlanStep step in _plan.Steps)
        {
            switch (step)
            {
                case ResourceStep resource:
                    _resources[resource.Slot] = new ResourceRuntime(_instances[resource.Instance], resource.Destructor is CoreItem destructor ? FunctionOf(destructor) : null);
                    break;
                case ImportResourceStep import:
                    _resources[import.Slot] = _importedResources[imported++];
                    break;
                case InstantiateStep instantiate:
                    cancellationToken.ThrowIfCancellationRequested();
                    _coreInstances[instantiate.Slot] = _isBound ? new Instance(_slot.Instances[instantiate.Slot]!, ownsStore: false) : Instantiate(instantiate);
                    if (instantiate.Slot == _plan.StateInstance)
                        BindStates(_coreInstances[instantiate.Slot]);
                    break;
                case AdapterTrapStep trap:
                    if (!_isBound)
                        _slot.Functions[trap.Slot] = AdapterTrap.Create(_root.Store, trap.Sites);
                    break;
                case LiftStep lift:
                    _lifts[lift.Slot] = Lift(lift);
                    break;
                case LowerStep lower:
                    Lower(lower);
                    break;
                case BuiltInStep builtIn:
                    BuiltIn(builtIn);
                    break;
            }
        }
    }

    private Instance Instantiate(InstantiateStep step)
    {
        Linker linker = new(_root.Store.Engine);
        foreach (PlanArgument argument in step.Arguments)
        {
            if (argument.Item.Export is string export)
                linker.Define(argument.Module, argument.Name, _coreInstances[argument.Item.Slot], export);
            else
                linker.Define(argument.Module, argument.Name, _slot.Functions[argument.Item.Slot]);
        }

        Instance instance = linker.Instantiate(_root.Store, _modules[step.Module]);
        _slot.Instances[step.Slot] = instance.Data;
        return instance;
    }

    private void BindStates(Instance states)
    {
        for (int i = 0; i < _instances.Length; i++)
            _instances[i].Bind(states.GetGlobal(StateModule.MayLeave(i)), states.GetGlobal(StateModule.Entries(i)));
    }

    private Function FunctionOf(CoreItem item) =>
        item.Export is string export ? _coreInstances[item.Slot].GetFunction(export) : _isBound ? _slot.Functions[item.Slot].Renew() : _slot.Functions[item.Slot];

    private AbiContext Context(int instance, PlanOptions options)
    {
        AbiContext context = new(_instances[instance], _resources) { Encoding = options.Encoding };
        if (options.Memory is CoreItem memory)
            context.SetMemory(_coreInstances[memory.Slot].GetMemory(memory.Export!));
        if (options.Realloc is CoreItem realloc)
            context.SetRealloc(FunctionOf(realloc));
        return context;
    }

    private LiftedFunction Lift(LiftStep step)
    {
        Function core = FunctionOf(step.Core);
        CanonicalSignature signature = _plan.LiftSignatures[step.Slot] ??= CanonicalSignature.Of(
            Array.ConvertAll(core.Type.Parameters.ToArray(), ToType), Array.ConvertAll(core.Type.Results.ToArray(), ToType));
        return new LiftedFunction(
            _instances[step.Instance], Context(step.Instance, step.Options), core, step.Options.PostReturn is CoreItem postReturn ? FunctionOf(postReturn) : null, step.Type, signature)
        {
            IsSupported = !step.Options.IsAsync && !step.Type.IsAsync,
        };
    }

    private void Lower(LowerStep step)
    {
        LiftedFunction? callee = step.Callee is LiftedItem lifted ? _lifts[lifted.Slot] : null;
        HostFunction? host = step.Callee is ImportedItem imported ? _imports[imported.Import] : null;
        InstanceState instance = _instances[step.Instance];
        bool isSupported = !step.Options.IsAsync && !step.Type.IsAsync;
        CallTarget target = _slot.Targets[step.Slot] ??= new CallTarget();
        target.Set(instance, isSupported ? new LoweredFunction(instance, Context(step.Instance, step.Options), step.Type, step.Signature, callee, host) : null, null);
        if (_isBound)
            return;
        FunctionType signature = SignatureOf(step.Signature.Parameters, step.Signature.Results);
        if (!isSupported)
        {
            _slot.Functions[step.Slot] = _root.Store.CreateFunction(signature, (_, _, _) =>
            {
                target.Leave().CheckLeave();
                throw new ComponentTrapException(ComponentTrapCode.NotSupported, "asynchronous functions of components are not supported");
            });
            return;
        }

        _slot.Functions[step.Slot] = host is { IsAsync: true }
            ? _root.Store.CreateFunction(signature, target.CallAsync)
            : _root.Store.CreateFunction(signature, target.Call);
    }

    private void BuiltIn(BuiltInStep step)
    {
        CallTarget target = _slot.Targets[step.Slot] ??= new CallTarget();
        target.Set(_instances[step.Instance], null, step.Resource < 0 ? null : _resources[step.Resource]);
        if (_isBound)
            return;
        HostCallback callback = step.Kind switch
        {
            CanonicalKind.ResourceNew => New,
            CanonicalKind.ResourceRep => Representation,
            CanonicalKind.ResourceDrop => Drop,
            CanonicalKind.ContextGet => GetContext,
            CanonicalKind.ContextSet => SetContext,
            CanonicalKind.BackpressureInc or CanonicalKind.BackpressureDec => Ignore,
            _ => Refuse,
        };
        _slot.Functions[step.Slot] = _root.Store.CreateFunction(SignatureOf(step.Parameters, step.Results), callback);

        void New(Caller caller, ReadOnlySpan<Value> arguments, Span<Value> results)
        {
            InstanceState instance = target.Leave();
            instance.CheckLeave();
            results[0] = Value.FromInt32((int)instance.Handles.Add(target.Resource!, (uint)arguments[0].AsInt32(), null));
        }

        void Representation(Caller caller, ReadOnlySpan<Value> arguments, Span<Value> results) =>
            results[0] = Value.FromInt32((int)target.Leave().Handles.Find((uint)arguments[0].AsInt32(), target.Resource!).Representation);

        void Drop(Caller caller, ReadOnlySpan<Value> arguments, Span<Value> results)
        {
            InstanceState instance = target.Leave();
            instance.CheckLeave();
            Handles.HandleEntry entry = instance.Handles.Remove((uint)arguments[0].AsInt32(), target.Resource!);
            if (entry.Scope is not null)
                entry.Scope.Borrows--;
            else
                target.Resource!.Destroy(entry.Representation, instance);
        }

        void GetContext(Caller caller, ReadOnlySpan<Value> arguments, Span<Value> results)
        {
            InstanceState instance = target.Leave();
            results[0] = FlatValues.ToValue(step.Index == 0 ? instance.Context.First : instance.Context.Second, step.Results[0]);
        }

        void SetContext(Caller caller, ReadOnlySpan<Value> arguments, Span<Value> results)
        {
            InstanceState instance = target.Leave();
            ulong bits = FlatValues.ToBits(arguments[0]);
            instance.Context = step.Index == 0 ? (bits, instance.Context.Second) : (instance.Context.First, bits);
        }

        // Calls are synchronous: no other one waits to be let in.
        void Ignore(Caller caller, ReadOnlySpan<Value> arguments, Span<Value> results)
        {
        }

        void Refuse(Caller caller, ReadOnlySpan<Value> arguments, Span<Value> results)
        {
            target.Leave().CheckLeave();
            throw new ComponentTrapException(ComponentTrapCode.NotSupported, $"the built-in function {CanonicalKinds.Name(step.Kind)} is not supported");
        }
    }

    private static FunctionType SignatureOf(ValType[] parameters, ValType[] results) => new(Array.ConvertAll(parameters, ToPublic), Array.ConvertAll(results, ToPublic));

    private static WasmValueType ToPublic(ValType type) =>
        type == ValType.I32 ? WasmValueType.I32 : type == ValType.I64 ? WasmValueType.I64 : type == ValType.F32 ? WasmValueType.F32 : WasmValueType.F64;

    private static ValType ToType(WasmValueType type) => type.Kind switch
    {
        ValueKind.I32 => ValType.I32,
        ValueKind.I64 => ValType.I64,
        ValueKind.F32 => ValType.F32,
        _ => ValType.F64,
    };
}
