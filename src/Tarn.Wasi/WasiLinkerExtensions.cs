// How an embedder gives WASI to guests.
using Tarn.Wasi.Preview1;

namespace Tarn.Wasi;

/// <summary>Defines WASI in a linker.</summary>
public static class WasiLinkerExtensions
{
    /// <summary>The module name under which guests import preview 1.</summary>
    public const string ModuleName = "wasi_snapshot_preview1";

    /// <summary>
    /// Defines all of preview 1 for any number of instances: each has its own <see cref="WasiContext"/>, given as its state
    /// (<see cref="InstanceTemplate.Instantiate(object?, StoreLimits?)"/>) or as part of it (<see cref="IWasiState"/>).
    /// </summary>
    /// <param name="linker">The linker.</param>
    /// <returns>The linker.</returns>
    public static Linker DefineWasi(this Linker linker) => Define(linker, null);

    /// <summary>Defines all of preview 1 for one instance, whatever its state.</summary>
    /// <param name="linker">The linker.</param>
    /// <param name="context">What the instance sees.</param>
    /// <returns>The linker.</returns>
    public static Linker DefineWasi(this Linker linker, WasiContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Define(linker, context);
    }

    private static Linker Define(Linker linker, WasiContext? context)
    {
        ArgumentNullException.ThrowIfNull(linker);
        var binder = new Binder(linker, ModuleName, context);
        ProcessFunctions.DefineIn(binder);
        DescriptorFunctions.DefineIn(binder);
        TransferFunctions.DefineIn(binder);
        PathFunctions.DefineIn(binder);
        PollFunctions.DefineIn(binder);
        SocketFunctions.DefineIn(binder);
        return linker.Define(ModuleName, "proc_exit", (Action<int>)ProcessFunctions.Exit);
    }
}
