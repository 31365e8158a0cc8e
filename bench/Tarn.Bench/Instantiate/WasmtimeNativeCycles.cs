// Wasmtime's C API called straight from the package's native library, with a pre-linked instance and the unchecked call: what its .NET binding would reach
// if it cost nothing. The fairest of its figures, hence the one that a claim has to beat.
// Layouts are those of wasmtime/extern.h and instance.h: an extern is a kind byte, padding, and a union of up to 24 bytes; a function or instance 16 bytes.
// The C API offers no switch for PAGEMAP_SCAN in this version.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tarn.Bench.Instantiate;

[System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2216:Disposable types should declare finalizer", Justification = "lives as long as the benchmark, which disposes it")]
internal sealed unsafe partial class WasmtimeNativeCycles : CycleContender
{
    private readonly nint _engine;
    private readonly nint _linker;
    private nint _module;
    private nint _template;
    private int _argument;

    /// <param name="name">What it is called.</param>
    /// <param name="keepResident">Bytes of a memory that stay resident and are reset by copying; null for the defaults of everything.</param>
    public WasmtimeNativeCycles(string name, int? keepResident)
        : base(name)
    {
        _engine = WasmtimePool.NewEngine(keepResident, keepResident is null ? null : 1000);
        _linker = wasmtime_linker_new(_engine);
    }

    public override void Load(InstantiateCase instantiateCase)
    {
        Unload();
        fixed (byte* bytes = instantiateCase.Module)
            Check(wasmtime_module_new(_engine, bytes, (nuint)instantiateCase.Module.Length, out _module), 0);
        Check(wasmtime_linker_instantiate_pre(_linker, _module, out _template), 0);
        _argument = instantiateCase.Argument;
    }

    [SkipLocalsInit]
    public override long Run(int cycles)
    {
        long sum = 0;
        byte* instance = stackalloc byte[16];
        byte* item = stackalloc byte[64];
        byte* run = stackalloc byte[] { (byte)'r', (byte)'u', (byte)'n' };
        ulong* values = stackalloc ulong[2];
        for (int i = 0; i < cycles; i++)
        {
            nint store = WasmtimePool.NewStore(_engine);
            nint context = WasmtimePool.ContextOf(store);
            Check(wasmtime_instance_pre_instantiate(_template, context, instance, out nint trap), trap);
            if (wasmtime_instance_export_get(context, instance, run, 3, item) == 0)
                throw new InvalidDataException("the module exports no run");
            values[0] = (uint)_argument;
            Check(wasmtime_func_call_unchecked(context, item + 8, values, 1, out trap), trap);
            sum += (long)values[0];
            WasmtimePool.DeleteStore(store);
        }
        return sum;
    }

    public override void Dispose()
    {
        Unload();
        wasmtime_linker_delete(_linker);
        WasmtimePool.DeleteEngine(_engine);
    }

    private static void Check(nint error, nint trap)
    {
        if (error != 0 || trap != 0)
            throw new InvalidOperationException("Wasmtime's C API reports an error");
    }

    private void Unload()
    {
        if (_template != 0)
            wasmtime_instance_pre_delete(_template);
        if (_module != 0)
            wasmtime_module_delete(_module);
        _template = _module = 0;
    }

    private const string Library = WasmtimePool.Library;

    [LibraryImport(Library)]
    private static partial nint wasmtime_linker_new(nint engine);

    [LibraryImport(Library)]
    private static partial void wasmtime_linker_delete(nint linker);

    [LibraryImport(Library)]
    private static partial nint wasmtime_module_new(nint engine, byte* bytes, nuint length, out nint module);

    [LibraryImport(Library)]
    private static partial void wasmtime_module_delete(nint module);

    [LibraryImport(Library)]
    private static partial nint wasmtime_linker_instantiate_pre(nint linker, nint module, out nint template);

    [LibraryImport(Library)]
    private static partial void wasmtime_instance_pre_delete(nint template);

    [LibraryImport(Library)]
    private static partial nint wasmtime_instance_pre_instantiate(nint template, nint context, byte* instance, out nint trap);

    [LibraryImport(Library)]
    private static partial byte wasmtime_instance_export_get(nint context, byte* instance, byte* name, nuint length, byte* item);

    [LibraryImport(Library)]
    private static partial nint wasmtime_func_call_unchecked(nint context, byte* function, ulong* values, nuint count, out nint trap);
}
