// Functions that managed objects name, by index: an object holds no address, so that whoever gets to write where a function's index is chooses among the store's functions and calls
// nothing else. Index 0 is null. A function that objects have named once keeps its index for as long as the store
// lives, as its record does; a guest's function has it in its record, where compiled code finds it without asking.
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;
using Tarn.Execution;

namespace Tarn.Heaps;

internal sealed unsafe class FunctionHandles
{
    private readonly ExecutionRecord* _execution;
    private readonly Dictionary<nint, uint> _handles = [];
    private nint* _table;
    private int _capacity;

    public FunctionHandles(ExecutionRecord* execution)
    {
        _execution = execution;
        Grow(16);
        _table[0] = 0;
        Publish(1);
    }

    /// <summary>The index of a function; 0 for null.</summary>
    public uint Of(nint record)
    {
        if (record == 0)
            return 0;
        if (_handles.TryGetValue(record, out uint known))
            return known;
        int count = (int)_execution->FunctionCount;
        if (count == _capacity)
            Grow(count * 2);
        var reference = (FunctionReference*)record;
        if (reference->HostFunction == FunctionReferenceRecord.NotAHostFunction)
            reference->Opaque = count;
        _table[count] = record;
        _handles.Add(record, (uint)count);
        Publish(count + 1);
        return (uint)count;
    }

    /// <summary>The function of an index.</summary>
    public nint Record(uint handle) => handle < (uint)_execution->FunctionCount ? _table[handle] : 0;

    /// <summary>Gives the table's memory back.</summary>
    public void Free()
    {
        NativeMemory.Free(_table);
        _table = null;
        _capacity = 0;
    }

    private void Grow(int capacity)
    {
        _table = (nint*)NativeMemory.Realloc(_table, (nuint)capacity * (nuint)sizeof(nint));
        _capacity = capacity;
        _execution->Functions = (nint)_table;
    }

    private void Publish(int count) => _execution->FunctionCount = count;
}
