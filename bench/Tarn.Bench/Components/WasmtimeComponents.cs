// Components by Wasmtime's C API, called straight from the package's native library: what its .NET binding would reach if it cost nothing. Layouts are those of wasmtime/component/val.h: a value
// is a kind byte, padding to 8, and a union of 24 bytes; a name or a list is a size and a pointer; a field of a record is a name and a value.
using System.Runtime.InteropServices;
using System.Text;

namespace Tarn.Bench.Components;

/// <summary>An engine with a pool, and one component.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2216:Disposable types should declare finalizer", Justification = "lives as long as the benchmark, which disposes it")]
internal sealed unsafe partial class WasmtimeComponents : IDisposable
{
    public const int FunctionBytes = 32;
    public const int ValueBytes = 32;
    public const int FieldBytes = 48;
    public const byte U32 = 6;
    public const byte F64 = 10;
    public const byte String = 12;
    public const byte List = 13;
    public const byte Record = 14;

    private readonly nint _engine;
    private readonly nint _linker;
    private readonly nint _component;
    private readonly nint _export;
    private readonly bool _hasWasi;

    public WasmtimeComponents(byte[] bytes, string export, bool hasWasi)
    {
        _engine = WasmtimePool.NewEngine(keepResident: 64 << 10);
        _linker = wasmtime_component_linker_new(_engine);
        _hasWasi = hasWasi;
        if (hasWasi)
            Check(wasmtime_component_linker_add_wasip2(_linker));
        fixed (byte* start = bytes)
            Check(wasmtime_component_new(_engine, start, (nuint)bytes.Length, out _component));
        byte[] name = Encoding.UTF8.GetBytes(export);
        fixed (byte* start = name)
            _export = wasmtime_component_get_export_index(_component, 0, start, (nuint)name.Length);
        if (_export == 0)
            throw new InvalidDataException($"The component has no export {export}.");
    }

    /// <summary>Makes a store with an instance and finds the function.</summary>
    /// <param name="function">Room for the function.</param>
    public (nint Store, nint Context) Instantiate(byte* function)
    {
        byte* instance = stackalloc byte[16];
        nint store = WasmtimePool.NewStore(_engine);
        nint context = WasmtimePool.ContextOf(store);
        if (_hasWasi)
            Check(wasmtime_context_set_wasi(context, wasi_config_new()));
        Check(wasmtime_component_linker_instantiate(_linker, context, _component, instance));
        if (wasmtime_component_instance_get_func(instance, context, _export, function) == 0)
            throw new InvalidDataException("The instance has no such function.");
        return (store, context);
    }

    /// <summary>Calls a function that has a result.</summary>
    public static void Call(nint context, byte* function, byte* arguments, int count, byte* result)
    {
        Check(wasmtime_component_func_call(function, context, arguments, (nuint)count, result, 1));
    }

    public static void DeleteStore(nint store) => WasmtimePool.DeleteStore(store);

    public static void DeleteValue(byte* value)
    {
        wasmtime_component_val_delete(value);
        // The next call frees what it finds.
        value[0] = 0;
    }

    public void Dispose()
    {
        wasmtime_component_export_index_delete(_export);
        wasmtime_component_delete(_component);
        wasmtime_component_linker_delete(_linker);
        WasmtimePool.DeleteEngine(_engine);
    }

    private static void Check(nint error)
    {
        if (error != 0)
            throw new InvalidOperationException("Wasmtime's C API reports an error.");
    }

    private const string Library = WasmtimePool.Library;

    [LibraryImport(Library)]
    private static partial nint wasmtime_component_linker_new(nint engine);

    [LibraryImport(Library)]
    private static partial void wasmtime_component_linker_delete(nint linker);

    [LibraryImport(Library)]
    private static partial nint wasmtime_component_linker_add_wasip2(nint linker);

    [LibraryImport(Library)]
    private static partial nint wasmtime_component_linker_instantiate(nint linker, nint context, nint component, byte* instance);

    [LibraryImport(Library)]
    private static partial nint wasmtime_component_new(nint engine, byte* bytes, nuint length, out nint component);

    [LibraryImport(Library)]
    private static partial void wasmtime_component_delete(nint component);

    [LibraryImport(Library)]
    private static partial nint wasmtime_component_get_export_index(nint component, nint instance, byte* name, nuint length);

    [LibraryImport(Library)]
    private static partial void wasmtime_component_export_index_delete(nint index);

    [LibraryImport(Library)]
    private static partial byte wasmtime_component_instance_get_func(byte* instance, nint context, nint index, byte* function);

    [LibraryImport(Library)]
    private static partial nint wasmtime_component_func_call(byte* function, nint context, byte* arguments, nuint count, byte* results, nuint resultCount);

    [LibraryImport(Library)]
    private static partial void wasmtime_component_val_delete(byte* value);

    [LibraryImport(Library)]
    private static partial nint wasi_config_new();

    [LibraryImport(Library)]
    private static partial nint wasmtime_context_set_wasi(nint context, nint config);
}
