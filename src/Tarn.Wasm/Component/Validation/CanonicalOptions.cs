// The options of a canonical definition, checked for what they can be checked for alone: each at most once, none that excludes another, functions of the right types.
namespace Tarn.Wasm.Component;

/// <summary>String encodings of the canonical ABI.</summary>
internal enum StringEncoding : byte
{
    Utf8,
    Utf16,
    Latin1Utf16,
}

/// <summary>Options that fit together.</summary>
internal sealed class CanonicalOptions
{
    public StringEncoding Encoding { get; private set; }

    /// <summary>Memory index, -1 without one.</summary>
    public int Memory { get; private set; } = -1;

    /// <summary>Core function index, -1 without one.</summary>
    public int Realloc { get; private set; } = -1;

    /// <summary>Core function index, -1 without one.</summary>
    public int PostReturn { get; private set; } = -1;

    /// <summary>Core function index, -1 without one.</summary>
    public int Callback { get; private set; } = -1;

    /// <summary>Core type index, -1 without one.</summary>
    public int CoreType { get; private set; } = -1;

    public bool IsAsync { get; private set; }

    public bool IsGc { get; private set; }

    /// <summary>Whether the memory has 64-bit addresses.</summary>
    public bool Is64 { get; private set; }

    public ValType Pointer => Is64 ? ValType.I64 : ValType.I32;

    /// <summary>Sorts options by kind without looking at what they refer to; what is given twice is refused.</summary>
    public static CanonicalOptions Read(CanonicalOption[] options, int offset)
    {
        CanonicalOptions result = new();
        CanonicalOptionKind? encoding = null;
        foreach (CanonicalOption option in options)
        {
            switch (option.Kind)
            {
                case CanonicalOptionKind.Utf8 or CanonicalOptionKind.Utf16 or CanonicalOptionKind.Latin1Utf16:
                    if (encoding is CanonicalOptionKind other)
                        throw new InvalidModuleException($"canonical encoding option `{Name(other)}` conflicts with option `{Name(option.Kind)}`", offset);
                    encoding = option.Kind;
                    result.Encoding = (StringEncoding)option.Kind;
                    break;
                case CanonicalOptionKind.Memory:
                    result.Memory = Once(result.Memory, option, offset);
                    break;
                case CanonicalOptionKind.Realloc:
                    result.Realloc = Once(result.Realloc, option, offset);
                    break;
                case CanonicalOptionKind.PostReturn:
                    result.PostReturn = Once(result.PostReturn, option, offset);
                    break;
                case CanonicalOptionKind.Callback:
                    result.Callback = Once(result.Callback, option, offset);
                    break;
                case CanonicalOptionKind.CoreType:
                    result.CoreType = Once(result.CoreType, option, offset);
                    break;
                case CanonicalOptionKind.Async:
                    Once(result.IsAsync ? 0 : -1, option, offset);
                    result.IsAsync = true;
                    break;
                default:
                    Once(result.IsGc ? 0 : -1, option, offset);
                    result.IsGc = true;
                    break;
            }
        }

        return result;
    }

    /// <summary>Options that are valid in a scope.</summary>
    public static CanonicalOptions Check(ComponentScope scope, CanonicalOption[] options, int offset)
    {
        CanonicalOptions result = Read(options, offset);
        if (result.IsAsync)
            scope.Require(WasmFeatures.ComponentAsync, "canonical option `async`", offset);
        if (result.IsGc)
            scope.Require(WasmFeatures.ComponentGarbageCollection, "canonical option `gc`", offset);
        if (result.CoreType >= 0)
            CheckCoreType(scope, result.CoreType, offset);
        if (result.Memory >= 0)
            result.Is64 = CheckMemory(scope, result.Memory, offset);
        if (result.Callback >= 0 && !result.IsAsync)
            throw new InvalidModuleException("cannot specify callback without async", offset);
        if (result.PostReturn >= 0 && result.IsAsync)
            throw new InvalidModuleException("cannot specify post-return function in async", offset);
        if (result.CoreType >= 0 && !result.IsGc)
            throw new InvalidModuleException("cannot specify `core-type` without `gc`", offset);
        if (result.Realloc >= 0)
        {
            if (result.Memory < 0)
                throw new InvalidModuleException("canonical option `realloc` requires `memory` to also be specified", offset);
            CoreFunctionType realloc = scope.CoreFunctionAt(result.Realloc, offset);
            if (!realloc.Parameters.SequenceEqual([result.Pointer, result.Pointer, result.Pointer, result.Pointer]) || !realloc.Results.SequenceEqual([result.Pointer]))
                throw new InvalidModuleException("canonical option `realloc` uses a core function with an incorrect signature", offset);
        }

        return result;
    }

    /// <summary>Checks that a memory can be used by the canonical ABI; whether it has 64-bit addresses.</summary>
    public static bool CheckMemory(ComponentScope scope, int index, int offset)
    {
        CoreMemoryType memory = ComponentScope.At(scope.CoreMemories, index, "memory", offset);
        if (memory.Limits.Is64)
            scope.Require(WasmFeatures.ComponentMemory64, "a 64-bit memory", offset);
        if (memory.Limits.IsShared)
            throw new InvalidModuleException("mismatch in the shared flag for memories", offset);
        return memory.Limits.Is64;
    }

    public void RequireMemory(bool when, int offset)
    {
        if (when && Memory < 0)
            throw new InvalidModuleException("canonical option `memory` is required", offset);
    }

    public void RequireRealloc(bool when, int offset)
    {
        RequireMemory(when, offset);
        if (when && Realloc < 0)
            throw new InvalidModuleException("canonical option `realloc` is required", offset);
    }

    /// <summary>Refuses what a lowering cannot have.</summary>
    public void CheckLower(int offset)
    {
        if (PostReturn >= 0)
            throw new InvalidModuleException("canonical option `post-return` cannot be specified for lowerings", offset);
        if (Callback >= 0)
            throw new InvalidModuleException("canonical option `callback` cannot be specified for lowerings", offset);
        if (IsGc && CoreType < 0)
            throw new InvalidModuleException("cannot specify `gc` without also specifying a `core-type` for lowerings", offset);
    }

    private static void CheckCoreType(ComponentScope scope, int index, int offset)
    {
        scope.Require(WasmFeatures.ComponentGarbageCollection, "canonical option `core-type`", offset);
        scope.CheckCoreType(index, offset);
        if (scope.CoreTypes.FunctionAt(index) is null)
            throw new InvalidModuleException("canonical option `core type` must reference a core function type", offset);
    }

    private static int Once(int known, CanonicalOption option, int offset) => known < 0
        ? option.Index
        : throw new InvalidModuleException($"canonical option `{CanonicalKinds.Name(option.Kind)}` is specified more than once", offset);

    private static string Name(CanonicalOptionKind kind) => kind == CanonicalOptionKind.Latin1Utf16 ? "latin1-utf16" : CanonicalKinds.Name(kind)["string-encoding=".Length..];
}
