// The descriptors of an engine's struct and array types (layout: ObjectLayout), which compiled code reads to decide casts, and their shapes, which the collector reads. Compiled code computes a
// descriptor's address from a type id in 32 bits, so that whatever an object's header says, it reads within the 4 GiB that are reserved here, and a display entry at the most beyond.
//
// Invariants: what a type's users see was written before they learnt its id, for the module that brings a type writes its descriptor before it runs anything; a descriptor changes only
// when its id is handed out again, and then nobody uses the old type any more.
using System.Runtime.CompilerServices;
using Tarn.Compiler.Abi;
using Tarn.Platform;

namespace Tarn.Heaps;

internal sealed unsafe class TypeDescriptors(TypeRegistry types)
{
    private const ulong Reserved = (1UL << 32) + (1 << 16);
    private const int MostIds = 1 << (32 - ObjectLayout.DescriptorShift);
    private const nuint CommitStep = 1 << 16;
    private const int None = -1;

    private readonly Lock _lock = new();
    private TypeShape?[] _shapes = [];
    private byte* _base;
    private nuint _committed;

    /// <summary>Gives the address space back: whatever reaches an instance reaches the engine and so this.</summary>
    ~TypeDescriptors()
    {
        if (_base != null)
            VirtualMemory.Current.Release(_base, VirtualMemory.Current.RoundUp(unchecked((nuint)Reserved)));
    }

    /// <summary>Address of the descriptor of type 0; 0 while no module has a type that needs one.</summary>
    public nint Address => (nint)_base;

    /// <summary>All shapes by type id; replaced when there are more.</summary>
    public TypeShape?[] Shapes => _shapes;

    /// <summary>The shape of a type that some module has brought.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TypeShape Shape(uint typeId) => _shapes[(int)typeId]!;

    /// <summary>Whether a value of a type with canonical references is a reference to a function.</summary>
    public bool IsFunction(ValType type) => type.IsReference && ValueKinds.Of(type, types) == ValueKind.FuncRef;

    /// <summary>Whether a module has struct or array types, or instructions on them: then its instances need a heap.</summary>
    public static bool IsNeededBy(WasmModule module)
    {
        if ((module.Facts & ModuleFacts.UsesAggregates) != 0)
            return true;
        foreach (ref readonly SubType type in module.Types)
        {
            if (type.Composite.Kind != CompositeKind.Function)
                return true;
        }
        return false;
    }

    /// <summary>Writes the descriptors of a module's types.</summary>
    /// <exception cref="InstantiationException">The system refuses the memory, or there are too many types.</exception>
    public void Add(WasmModule module)
    {
        lock (_lock)
        {
            if (_base == null)
            {
                try
                {
                    _base = VirtualMemory.Current.Reserve(VirtualMemory.Current.RoundUp(unchecked((nuint)Reserved)));
                }
                catch (PlatformException e)
                {
                    throw new InstantiationException($"the system refuses the {Reserved} bytes of address space that the descriptors of managed types take: {e.Message}", e);
                }
            }
            for (int i = 0; i < module.Types.Length; i++)
            {
                if (module.Types[i].Composite.Kind != CompositeKind.Function)
                    Write(module.CanonicalIds[i]);
            }
        }
    }

    private void Write(int id)
    {
        if (id >= MostIds)
            throw new InstantiationException($"the engine's modules have {id} types, and {MostIds} may be those of managed objects");
        nuint end = (nuint)(id + 1) << ObjectLayout.DescriptorShift;
        if (end > _committed)
        {
            nuint committed = (end + CommitStep - 1) & ~(CommitStep - 1);
            try
            {
                VirtualMemory.Current.Commit(_base + _committed, committed - _committed);
            }
            catch (PlatformException e)
            {
                throw new InstantiationException($"the system refuses memory for the descriptors of managed types: {e.Message}", e);
            }
            _committed = committed;
        }
        if (id >= _shapes.Length)
        {
            TypeShape?[] shapes = _shapes;
            Array.Resize(ref shapes, Math.Max(id + 1, Math.Max(64, shapes.Length * 2)));
            Volatile.Write(ref _shapes, shapes);
        }
        SubType type = types[id];
        _shapes[id] = new TypeShape(type.Composite, types);
        int* descriptor = (int*)(_base + ((nuint)id << ObjectLayout.DescriptorShift));
        descriptor[ObjectLayout.DescriptorKind / sizeof(int)] = (int)type.Composite.Kind;
        ReadOnlySpan<int> display = types.Display(id);
        for (int depth = 0; depth < ObjectLayout.DisplayLength; depth++)
            descriptor[(ObjectLayout.DescriptorDisplay / sizeof(int)) + depth] = depth < display.Length ? display[depth] : None;
    }
}
