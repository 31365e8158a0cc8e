// What a store may take and for how long its guests may run. All of it is looked at where something grows or a call begins from outside; a store
// without limits pays a comparison.

using Tarn.Heaps;

namespace Tarn.Stores;

internal sealed unsafe partial class StoreCore
{
    private long _timeoutMilliseconds;

    /// <summary>What its memories and tables may take; see <see cref="Store.Limits"/>.</summary>
    public StoreLimits? Limits
    {
        get;
        set
        {
            field = value;
            ManagedHeap?.LimitsChanged();
        }
    }

    /// <summary>How long a call from outside may take; see <see cref="Store.CallTimeout"/>.</summary>
    public TimeSpan CallTimeout
    {
        get => _timeoutMilliseconds == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(_timeoutMilliseconds);
        set
        {
            long milliseconds = StoreLimits.CheckedTimeout(value);
            if (milliseconds != 0)
                RequireInterruption("A timeout for calls");
            using StoreUse use = Enter();
            _timeoutMilliseconds = milliseconds;
        }
    }

    // A limit that the engine's compiled code cannot honour is refused where it is set, never ignored.
    private void RequireInterruption(string what)
    {
        if (!Engine.Options.EnableInterruption)
            throw new InvalidOperationException($"{what} cannot be honoured: the engine was made with EngineOptions.EnableInterruption = false, so its code does not check whether it must stop. Make the engine with EnableInterruption = true.");
    }

    private void RequireFuel()
    {
        if (!Engine.Options.EnableFuel)
            throw new InvalidOperationException("Fuel cannot be honoured: the engine was made with EngineOptions.EnableFuel = false, so its code does not count. Make the engine with EnableFuel = true.");
    }

    /// <summary>Sets the limits of a store before anything is made in it.</summary>
    internal void BeginLimits(StoreLimits? limits)
    {
        Limits = limits;
        if (limits?.Fuel is long fuel)
        {
            RequireFuel();
            Execution->Fuel = fuel;
        }
        if (limits?.CallTimeout is TimeSpan timeout)
        {
            long milliseconds = StoreLimits.CheckedTimeout(timeout);
            if (milliseconds != 0)
                RequireInterruption("A timeout for calls");
            _timeoutMilliseconds = milliseconds;
        }
    }

    /// <summary>Sets the limits of an instance from a pool, whose memories and tables are there already.</summary>
    /// <exception cref="InstantiationException">They are larger than the limits allow.</exception>
    internal void BeginLimits(StoreLimits limits, InstanceData data)
    {
        BeginLimits(limits);
        WasmModule wasm = data.Module.Wasm;
        for (int i = wasm.ImportedMemoryCount; i < data.Memories.Length; i++)
            StoreQuota.RequireMemory(this, data.Memories[i].Type, data.Memories[i].CapacityBytes);
        for (int i = wasm.ImportedTableCount; i < data.Tables.Length; i++)
            StoreQuota.RequireTable(this, data.Tables[i].Type, data.Tables[i].Capacity);
        if (ManagedHeap is ManagedHeap heap)
            StoreQuota.RequireHeap(this, heap);
    }
}
