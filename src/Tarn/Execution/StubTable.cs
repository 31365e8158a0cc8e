// Why: the stubs that one engine uses, by canonical type. Entering a function looks here, so a look-up is two loads and takes no lock. An object of its own,
// so that an engine that nobody disposed gives its stubs back: while anything of the engine can be called, something reaches the engine and so this.
using Tarn.Compiler.Abi;

namespace Tarn.Execution;

internal sealed class StubTable(TypeRegistry types, Machine machine)
{
    private readonly Lock _lock = new();
    private SignatureStubs?[] _stubs = new SignatureStubs?[64];

    // Modules that were forgotten along with it may be finalised later, and tell it of types that are gone: it has no stubs then.
    ~StubTable() => Forget(Enumerable.Range(0, _stubs.Length));

    /// <summary>The stubs through which functions of a canonical type are entered and host functions of that type left to. The caller keeps the type.</summary>
    /// <exception cref="InsufficientMemoryException">The code arena is full.</exception>
    public SignatureStubs For(uint typeId)
    {
        SignatureStubs?[] stubs = Volatile.Read(ref _stubs);
        return (typeId < (uint)stubs.Length ? Volatile.Read(ref stubs[typeId]) : null) ?? Create(typeId);
    }

    /// <summary>Types are gone: their stubs are no longer referred to.</summary>
    public void Forget(IEnumerable<int> ids)
    {
        foreach (int id in ids)
        {
            SignatureStubs? forgotten;
            lock (_lock)
            {
                if (id >= _stubs.Length)
                    continue;
                forgotten = _stubs[id];
                _stubs[id] = null;
            }
            if (forgotten is not null)
                machine.ReleaseStubs(forgotten);
        }
    }

    private SignatureStubs Create(uint typeId)
    {
        CoreFunctionType type = types.Function((int)typeId);
        var parameters = new AbiType[type.ParameterCount];
        for (int i = 0; i < parameters.Length; i++)
            parameters[i] = ValueKinds.AbiOf(type.Parameters[i]);
        var results = new AbiType[type.ResultCount];
        for (int i = 0; i < results.Length; i++)
            results[i] = ValueKinds.AbiOf(type.Results[i]);
        SignatureStubs made = machine.AcquireStubs(new Signature(parameters, results));
        SignatureStubs? others;
        lock (_lock)
        {
            if (typeId >= (uint)_stubs.Length)
            {
                SignatureStubs?[] larger = _stubs;
                Array.Resize(ref larger, (int)Math.Max(typeId + 1, (uint)_stubs.Length * 2));
                Volatile.Write(ref _stubs, larger);
            }
            others = _stubs[typeId];
            if (others is null)
                Volatile.Write(ref _stubs[typeId], made);
        }
        if (others is null)
            return made;
        machine.ReleaseStubs(made);
        return others;
    }
}
