// Validates canonical definitions (Binary.md and CanonicalABI.md, "Canonical Definitions"). Those newer than WASI 0.2 are known by their types alone.
namespace Tarn.Wasm.Component;

/// <summary>Validation of canonical definitions.</summary>
internal sealed class CanonicalValidator(ComponentScope scope, ComponentFacts facts)
{
    private static readonly ValType[] s_none = [];
    private static readonly ValType[] s_i32 = [ValType.I32];

    public void Validate(CanonicalDefinition definition)
    {
        int offset = definition.Offset;
        switch (definition.Kind)
        {
            case CanonicalKind.Lift:
                Lift(definition);
                return;
            case CanonicalKind.Lower:
                Lower(definition);
                return;
            case CanonicalKind.ResourceNew:
                Add(definition, [LocalResource(definition)], s_i32);
                return;
            case CanonicalKind.ResourceRep:
                Add(definition, s_i32, [LocalResource(definition)]);
                return;
            case CanonicalKind.ResourceDrop:
                facts.Handles[definition] = scope.ResourceAt(definition.Type, offset);
                Add(definition, s_i32, s_none);
                return;
        }

        WasmFeatures feature = definition.Kind switch
        {
            >= CanonicalKind.ThreadSpawnRef => WasmFeatures.None,
            >= CanonicalKind.ThreadIndex => WasmFeatures.ComponentThreading,
            CanonicalKind.ErrorContextNew or CanonicalKind.ErrorContextDebugMessage or CanonicalKind.ErrorContextDrop => WasmFeatures.ComponentErrorContext,
            _ => WasmFeatures.ComponentAsync,
        };
        if (feature == WasmFeatures.None)
            throw new InvalidModuleException($"`{CanonicalKinds.Name(definition.Kind)}` requires the shared-everything-threads proposal, which is not supported", offset);
        scope.Require(feature, $"`{CanonicalKinds.Name(definition.Kind)}`", offset);
        ValidateBuiltIn(definition);
    }

    private void Lift(CanonicalDefinition definition)
    {
        int offset = definition.Offset;
        FunctionTypeNode type = scope.FunctionTypeAt(definition.Type, offset);
        CoreFunctionType core = scope.CoreFunctionAt(definition.Function, offset);
        CanonicalOptions options = CanonicalOptions.Check(scope, definition.Options, offset);
        CheckAsync(type, options, offset);
        if (options.PostReturn >= 0)
        {
            CoreFunctionType postReturn = scope.CoreFunctionAt(options.PostReturn, offset);
            if (!postReturn.Parameters.SequenceEqual(core.Results) || postReturn.ResultCount != 0)
                throw new InvalidModuleException("canonical option `post-return` uses a core function with an incorrect signature", offset);
        }

        if (options.IsAsync && options.Callback < 0)
            scope.Require(WasmFeatures.ComponentAsyncStackful, "an async lift without a callback", offset);
        if (options.Callback >= 0)
        {
            CoreFunctionType callback = scope.CoreFunctionAt(options.Callback, offset);
            if (!callback.Parameters.SequenceEqual([ValType.I32, ValType.I32, ValType.I32]) || !callback.Results.SequenceEqual(s_i32))
                throw new InvalidModuleException("canonical option `callback` uses a core function with an incorrect signature", offset);
        }

        if (options.CoreType >= 0)
            throw new InvalidModuleException("canonical option `core-type` is not allowed in `canon lift`", offset);
        RefuseGc(options, offset);
        CanonicalSignature signature = CanonicalSignature.OfLift(type, options, offset);
        if (!core.Parameters.SequenceEqual(signature.Parameters))
            throw new InvalidModuleException($"lowered parameter types `[{Show(signature.Parameters)}]` do not match parameter types `[{Show(core.Parameters)}]` of core function {definition.Function}", offset);
        if (!core.Results.SequenceEqual(signature.Results))
            throw new InvalidModuleException($"lowered result types `[{Show(signature.Results)}]` do not match result types `[{Show(core.Results)}]` of core function {definition.Function}", offset);
        facts.Functions[definition] = type;
        scope.Functions.Add(type);
    }

    private void Lower(CanonicalDefinition definition)
    {
        int offset = definition.Offset;
        FunctionTypeNode type = ComponentScope.At(scope.Functions, definition.Function, "function", offset);
        CanonicalOptions options = CanonicalOptions.Check(scope, definition.Options, offset);
        options.CheckLower(offset);
        CheckAsync(type, options, offset);
        RefuseGc(options, offset);
        CanonicalSignature signature = CanonicalSignature.OfLower(type, options, offset);
        facts.Functions[definition] = type;
        Add(definition, signature.Parameters, signature.Results);
    }

    private static void CheckAsync(FunctionTypeNode type, CanonicalOptions options, int offset)
    {
        if (options.IsAsync && !type.IsAsync)
            throw new InvalidModuleException("the `async` canonical option requires an async function type", offset);
    }

    private static void RefuseGc(CanonicalOptions options, int offset)
    {
        if (options.IsGc)
            throw new InvalidModuleException("the canonical ABI over managed objects is not supported", offset);
    }

    private ValType LocalResource(CanonicalDefinition definition)
    {
        ResourceTypeNode resource = scope.ResourceAt(definition.Type, definition.Offset);
        facts.Handles[definition] = resource;
        return scope.DefinedResources.TryGetValue(resource.Id, out ValType? representation) && representation is ValType type
            ? type
            : throw new InvalidModuleException($"type {definition.Type} is not a local resource", definition.Offset);
    }

    private void ValidateBuiltIn(CanonicalDefinition definition)
    {
        int offset = definition.Offset;
        string name = CanonicalKinds.Name(definition.Kind);
        ValType[] pointer = s_i32;
        switch (CanonicalKinds.Shape(definition.Kind))
        {
            case CanonicalShape.Type or CanonicalShape.TypeFlag:
                ElementType(definition, name);
                if (definition.Flag)
                    scope.Require(WasmFeatures.ComponentMoreAsync, $"async `{name}`", offset);
                break;
            case CanonicalShape.TypeOptions:
                ReadOrWrite(definition, name);
                return;
            case CanonicalShape.Options:
                CanonicalOptions options = CanonicalOptions.Check(scope, definition.Options, offset);
                options.RequireMemory(true, offset);
                options.RequireRealloc(definition.Kind == CanonicalKind.ErrorContextDebugMessage, offset);
                RequireSync(options, name, offset);
                options.CheckLower(offset);
                RefuseGc(options, offset);
                pointer = [options.Pointer];
                break;
            case CanonicalShape.Flag:
                if (definition.Flag && definition.Kind == CanonicalKind.SubtaskCancel)
                    scope.Require(WasmFeatures.ComponentMoreAsync, $"async `{name}`", offset);
                break;
            case CanonicalShape.FlagMemory:
                pointer = [CanonicalOptions.CheckMemory(scope, definition.Index, offset) ? ValType.I64 : ValType.I32];
                break;
            case CanonicalShape.ResultOptions:
                TaskReturn(definition);
                return;
            case CanonicalShape.Context:
                Context(definition, name);
                return;
            case CanonicalShape.TypeTable:
                CheckThreadStart(definition);
                break;
        }

        switch (definition.Kind)
        {
            case CanonicalKind.BackpressureInc or CanonicalKind.BackpressureDec or CanonicalKind.TaskCancel:
                Add(definition, s_none, s_none);
                break;
            case CanonicalKind.StreamNew or CanonicalKind.FutureNew:
                Add(definition, s_none, [ValType.I64]);
                break;
            case CanonicalKind.ErrorContextNew:
                Add(definition, [pointer[0], pointer[0]], s_i32);
                break;
            case CanonicalKind.ErrorContextDebugMessage:
                Add(definition, [ValType.I32, pointer[0]], s_none);
                break;
            case CanonicalKind.WaitableSetWait or CanonicalKind.WaitableSetPoll:
                Add(definition, [ValType.I32, pointer[0]], s_i32);
                break;
            case CanonicalKind.WaitableSetNew or CanonicalKind.ThreadYield or CanonicalKind.ThreadIndex or CanonicalKind.ThreadSuspend:
                Add(definition, s_none, s_i32);
                break;
            case CanonicalKind.WaitableJoin:
                Add(definition, [ValType.I32, ValType.I32], s_none);
                break;
            case CanonicalKind.ThreadNewIndirect:
                Add(definition, [ValType.I32, ValType.I32], s_i32);
                break;
            case CanonicalKind.SubtaskCancel or CanonicalKind.StreamCancelRead or CanonicalKind.StreamCancelWrite or CanonicalKind.FutureCancelRead or CanonicalKind.FutureCancelWrite
                or CanonicalKind.ThreadSuspendThenResume or CanonicalKind.ThreadYieldThenResume or CanonicalKind.ThreadSuspendThenPromote or CanonicalKind.ThreadYieldThenPromote:
                Add(definition, s_i32, s_i32);
                break;
            default:
                Add(definition, s_i32, s_none);
                break;
        }
    }

    private ValueTypeNode? ElementType(CanonicalDefinition definition, string name)
    {
        bool stream = name.StartsWith("stream", StringComparison.Ordinal);
        ValueTypeNode type = scope.ValueTypeAt(definition.Type, definition.Offset);
        if (type.Kind != (stream ? ValueTypeKind.Stream : ValueTypeKind.Future))
            throw new InvalidModuleException($"`{name}` requires a {(stream ? "stream" : "future")} type", definition.Offset);
        return type.Types[0];
    }

    private void ReadOrWrite(CanonicalDefinition definition, string name)
    {
        ValueTypeNode? element = ElementType(definition, name);
        CanonicalOptions options = CanonicalOptions.Check(scope, definition.Options, definition.Offset);
        if (!options.IsAsync)
            scope.Require(WasmFeatures.ComponentMoreAsync, $"synchronous `{name}`", definition.Offset);
        options.RequireMemory(element is not null, definition.Offset);
        options.RequireRealloc(definition.Kind is CanonicalKind.StreamRead or CanonicalKind.FutureRead && element is { HasPointers: true }, definition.Offset);
        options.CheckLower(definition.Offset);
        RefuseGc(options, definition.Offset);
        bool stream = definition.Kind is CanonicalKind.StreamRead or CanonicalKind.StreamWrite;
        Add(definition, stream ? [ValType.I32, options.Pointer, options.Pointer] : [ValType.I32, options.Pointer], s_i32);
    }

    private void TaskReturn(CanonicalDefinition definition)
    {
        int offset = definition.Offset;
        ValueTypeNode[] parameters = definition.Result is ValueTypeReference result ? [ValueTypeValidator.Resolve(scope, result, offset)] : [];
        CanonicalOptions options = CanonicalOptions.Check(scope, definition.Options, offset);
        if (options.Realloc >= 0)
            throw new InvalidModuleException("cannot specify `realloc` option on `task.return`", offset);
        if (options.PostReturn >= 0)
            throw new InvalidModuleException("cannot specify `post-return` option on `task.return`", offset);
        options.CheckLower(offset);
        RequireSync(options, "task.return", offset);
        RefuseGc(options, offset);
        CanonicalSignature signature = CanonicalSignature.OfLower(new FunctionTypeNode(false, ["v"], parameters, null, TypeMeasure.One), options, offset);
        Add(definition, signature.Parameters, signature.Results);
    }

    private void Context(CanonicalDefinition definition, string name)
    {
        int offset = definition.Offset;
        if (definition.ContextType == ValType.I64)
            scope.Require(WasmFeatures.ComponentMemory64, $"64-bit `{name}`", offset);
        else if (definition.ContextType != ValType.I32)
            throw new InvalidModuleException($"`{name}` only supports `i32` or `i64`", offset);
        if (!scope.ContextType.IsBottom && scope.ContextType != definition.ContextType)
            throw new InvalidModuleException($"`{name}` type must match previous context type", offset);
        scope.ContextType = definition.ContextType;
        if (definition.Index > 0 && !scope.Has(WasmFeatures.ComponentThreading))
            throw new InvalidModuleException($"`{name}` immediate must be zero: {definition.Index}", offset);
        if (definition.Index > 1)
            throw new InvalidModuleException($"`{name}` immediate must be zero or one: {definition.Index}", offset);
        if (definition.Kind == CanonicalKind.ContextGet)
            Add(definition, s_none, [definition.ContextType]);
        else
            Add(definition, [definition.ContextType], s_none);
    }

    private void CheckThreadStart(CanonicalDefinition definition)
    {
        int offset = definition.Offset;
        scope.CheckCoreType(definition.Type, offset);
        CoreFunctionType start = scope.CoreTypes.FunctionAt(definition.Type) ?? throw new InvalidModuleException("start type must be a function", offset);
        if (!start.Parameters.SequenceEqual(s_i32))
            throw new InvalidModuleException("start function must take a single `i32` argument (currently)", offset);
        if (start.ResultCount != 0)
            throw new InvalidModuleException("start function must not return any values", offset);
        CoreTableType table = ComponentScope.At(scope.CoreTables, definition.Index, "table", offset);
        if (table.Element != ValType.FuncRef || table.Limits.Is64 || table.Limits.IsShared)
            throw new InvalidModuleException("table is not a 32-bit table of (ref null (func))", offset);
    }

    private static void RequireSync(CanonicalOptions options, string name, int offset)
    {
        if (options.IsAsync)
            throw new InvalidModuleException($"cannot specify `async` option on `{name}`", offset);
    }

    private void Add(CanonicalDefinition definition, ValType[] parameters, ValType[] results)
    {
        facts.BuiltIns[definition] = (parameters, results);
        scope.CoreFunctions.Add(scope.Arena.Registry.AddFunction(parameters, results));
    }

    private static string Show(ReadOnlySpan<ValType> types) => string.Join(", ", Array.ConvertAll(types.ToArray(), t => t.ToString().ToUpperInvariant()));
}
