// What function bodies are validated against: the module's types and index spaces, laid out flat and pinned so that the hot loop reads them through
// pointers. Built once per module, read by all workers.
//
// Invariants: the arrays behind the pointers are allocated pinned and held by this object for as long as it lives; a worker keeps its context
// alive while it runs. Every pointer is indexed only after a comparison with its count.
namespace Tarn.Wasm.Validation;

/// <summary>A function type as ranges of <see cref="ValidationContext.SignatureTypes"/>. Other types have no parameters and no results.</summary>
internal struct SignatureShape
{
    public int ParameterStart;
    public int ParameterCount;
    public int ResultStart;
    public int ResultCount;
    public CompositeKind Kind;
}

/// <summary>A module as the function validator sees it.</summary>
internal sealed unsafe class ValidationContext
{
    /// <summary>In <see cref="GlobalTypes"/>: the global may not be assigned.</summary>
    public const int Immutable = int.MinValue;

    private readonly SignatureShape[] _shapes;
    private readonly int[] _signatureTypes;
    private readonly int[] _functionTypes;
    private readonly int[] _globalTypes;
    private readonly ulong[] _declared;

    public ValidationContext(WasmModule module, TypeRegistry registry, int[] canonicalIds)
    {
        Module = module;
        Registry = registry;
        CanonicalIds = canonicalIds;
        SubType[] types = module.TypeArray;
        TypeCount = types.Length;
        _shapes = GC.AllocateArray<SignatureShape>(types.Length, pinned: true);
        int total = 0;
        for (int i = 0; i < types.Length; i++)
        {
            _shapes[i].Kind = types[i].Composite.Kind;
            if (types[i].Composite is not CoreFunctionType function)
                continue;
            _shapes[i].ParameterStart = total;
            _shapes[i].ParameterCount = function.ParameterCount;
            total += function.ParameterCount;
            _shapes[i].ResultStart = total;
            _shapes[i].ResultCount = function.ResultCount;
            total += function.ResultCount;
        }

        _signatureTypes = GC.AllocateUninitializedArray<int>(total, pinned: true);
        int next = 0;
        foreach (ref readonly SubType type in types.AsSpan())
        {
            if (type.Composite is not CoreFunctionType function)
                continue;
            foreach (ValType parameter in function.Parameters)
                _signatureTypes[next++] = parameter.Bits;
            foreach (ValType result in function.Results)
                _signatureTypes[next++] = result.Bits;
        }

        FunctionCount = module.FunctionArray.Length;
        _functionTypes = GC.AllocateUninitializedArray<int>(FunctionCount, pinned: true);
        module.FunctionArray.CopyTo(_functionTypes, 0);
        _globalTypes = GC.AllocateUninitializedArray<int>(module.GlobalArray.Length, pinned: true);
        for (int i = 0; i < _globalTypes.Length; i++)
            _globalTypes[i] = module.GlobalArray[i].Type.Bits | (module.GlobalArray[i].IsMutable ? 0 : Immutable);
        GlobalCount = _globalTypes.Length;
        _declared = new ulong[(FunctionCount + 63) / 64];

        // Arrays of the pinned heap do not move, so their addresses hold as long as the arrays are reachable from here.
        Shapes = (SignatureShape*)Address(_shapes);
        SignatureTypes = (int*)Address(_signatureTypes);
        FunctionTypes = (int*)Address(_functionTypes);
        GlobalTypes = (int*)Address(_globalTypes);
    }

    public WasmModule Module { get; }

    public TypeRegistry Registry { get; }

    public int[] CanonicalIds { get; }

    public int TypeCount { get; }

    public int FunctionCount { get; }

    public int GlobalCount { get; }

    /// <summary>By type index.</summary>
    public SignatureShape* Shapes { get; }

    /// <summary>Bits of the value types of all signatures.</summary>
    public int* SignatureTypes { get; }

    /// <summary>Type index by function index.</summary>
    public int* FunctionTypes { get; }

    /// <summary>Bits of the value type by global index, with <see cref="Immutable"/>.</summary>
    public int* GlobalTypes { get; }

    /// <summary>Whether <c>ref.func</c> may name a function: one that occurs outside of function bodies.</summary>
    public bool IsDeclared(int function) => ((_declared[function >> 6] >> function) & 1) != 0;

    public void Declare(int function) => _declared[function >> 6] |= 1UL << function;

    public bool IsSubtype(int sub, int super) => Subtyping.IsSubtype(new ValType(sub), new ValType(super), Registry, CanonicalIds);

    /// <summary>An address that holds while the array is reachable, for arrays of the pinned heap alone.</summary>
    public static void* Address<T>(T[] pinned)
        where T : unmanaged
    {
        fixed (T* address = pinned)
            return address;
    }
}
