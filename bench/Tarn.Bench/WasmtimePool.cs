// Engines of Wasmtime's C API with its pooling allocator, and their stores, called straight from the package's native library: what modules and components are measured with alike.
using System.Runtime.InteropServices;

namespace Tarn.Bench;

internal static partial class WasmtimePool
{
    public const string Library = "wasmtime";

    /// <summary>Makes an engine.</summary>
    /// <param name="keepResident">Bytes of a memory that stay resident and are reset by copying; null for the defaults of everything.</param>
    /// <param name="warmSlots">Slots that are kept for the module that they had; null for the default.</param>
    public static nint NewEngine(int? keepResident, uint? warmSlots = null)
    {
        nint config = wasm_config_new();
        nint pool = wasmtime_pooling_allocation_config_new();
        if (keepResident is { } bytes)
        {
            wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, (nuint)bytes);
            wasmtime_pooling_allocation_config_table_keep_resident_set(pool, 64 << 10);
        }

        if (warmSlots is { } slots)
            wasmtime_pooling_allocation_config_max_unused_warm_slots_set(pool, slots);
        wasmtime_pooling_allocation_strategy_set(config, pool);
        return wasm_engine_new_with_config(config);
    }

    [LibraryImport(Library, EntryPoint = "wasm_engine_delete")]
    public static partial void DeleteEngine(nint engine);

    [LibraryImport(Library, EntryPoint = "wasmtime_store_new")]
    public static partial nint NewStore(nint engine, nint data = 0, nint finalizer = 0);

    [LibraryImport(Library, EntryPoint = "wasmtime_store_context")]
    public static partial nint ContextOf(nint store);

    [LibraryImport(Library, EntryPoint = "wasmtime_store_delete")]
    public static partial void DeleteStore(nint store);

    [LibraryImport(Library)]
    private static partial nint wasm_config_new();

    [LibraryImport(Library)]
    private static partial nint wasm_engine_new_with_config(nint config);

    [LibraryImport(Library)]
    private static partial nint wasmtime_pooling_allocation_config_new();

    [LibraryImport(Library)]
    private static partial void wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(nint pool, nuint bytes);

    [LibraryImport(Library)]
    private static partial void wasmtime_pooling_allocation_config_table_keep_resident_set(nint pool, nuint bytes);

    [LibraryImport(Library)]
    private static partial void wasmtime_pooling_allocation_config_max_unused_warm_slots_set(nint pool, uint slots);

    [LibraryImport(Library)]
    private static partial void wasmtime_pooling_allocation_strategy_set(nint config, nint pool);
}
