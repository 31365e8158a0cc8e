// How an embedder gives WASI to guests.
using Tarn.Wasi.Preview1;

namespace Tarn.Wasi;

/// <summary>Defines WASI in a linker.</summary>
public static class WasiLinkerExtensions
{
    /// <summary>The module name under which guests import preview 1.</summary>
    public const string ModuleName = "wasi_snapshot_preview1";

    /// <summary>The module name under which guests import the snapshot before preview 1, for which programs were built until 2019.</summary>
    public const string UnstableModuleName = "wasi_unstable";

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
        return Define(linker, context).DefineSnapshotState(context);
    }

    /// <summary>Defines all of <c>wasi_unstable</c>, for guests built until 2019, as <see cref="DefineWasi(Linker)"/> does preview 1.</summary>
    /// <param name="linker">The linker.</param>
    /// <returns>The linker.</returns>
    public static Linker DefineWasiUnstable(this Linker linker) => Define(linker, null, UnstableModuleName);

    /// <summary>Defines all of <c>wasi_unstable</c> for one instance, whatever its state.</summary>
    /// <param name="linker">The linker.</param>
    /// <param name="context">What the instance sees.</param>
    /// <returns>The linker.</returns>
    public static Linker DefineWasiUnstable(this Linker linker, WasiContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Define(linker, context, UnstableModuleName).DefineSnapshotState(context);
    }

    // The two differ in where some fields lie and how some things are numbered: filestat, subscription, whence (WasiCall.IsUnstable). sock_accept is of preview 1 alone.
    private static Linker Define(Linker linker, WasiContext? context, string module = ModuleName)
    {
        ArgumentNullException.ThrowIfNull(linker);
        var binder = new Binder(linker, module, context, module == UnstableModuleName);
        ProcessFunctions.DefineIn(binder);
        DescriptorFunctions.DefineIn(binder);
        TransferFunctions.DefineIn(binder);
        PathFunctions.DefineIn(binder);
        PollFunctions.DefineIn(binder);
        SocketFunctions.DefineIn(binder);
        return linker.DefineFunction(module, "proc_exit", (Action<int>)ProcessFunctions.Exit);
    }
}
