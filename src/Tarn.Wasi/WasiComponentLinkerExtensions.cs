// How an embedder gives WASI 0.2 to components.
using Tarn.Components;
using Tarn.Wasi.Preview2;
using Tarn.Wasi.Preview2.Cli;
using Tarn.Wasi.Preview2.Clocks;
using Tarn.Wasi.Preview2.Filesystem;
using Tarn.Wasi.Preview2.Http;
using Tarn.Wasi.Preview2.Io;
using Tarn.Wasi.Preview2.Randomness;
using Tarn.Wasi.Preview2.Sockets;

namespace Tarn.Wasi;

/// <summary>Defines WASI 0.2 in a component linker.</summary>
public static class WasiComponentLinkerExtensions
{
    /// <summary>
    /// Defines wasi:cli, wasi:io, wasi:clocks, wasi:filesystem, wasi:random, wasi:sockets and wasi:http for any number of instances: each has its own <see cref="WasiContext"/>, passed as its state
    /// (<see cref="ComponentTemplate.Instantiate"/>) or as part of it (<see cref="IWasiState"/>). Components that were made for an earlier version of 0.2 are linked too.
    /// </summary>
    /// <param name="linker">The linker.</param>
    /// <returns>The linker.</returns>
    /// <exception cref="ArgumentException">A function is defined already.</exception>
    public static ComponentLinker DefineWasi(this ComponentLinker linker) => Define(linker, null);

    /// <summary>Defines the same for one instance, whatever its state.</summary>
    /// <param name="linker">The linker.</param>
    /// <param name="context">What the instance sees.</param>
    /// <returns>The linker.</returns>
    /// <exception cref="ArgumentException">A function is defined already.</exception>
    public static ComponentLinker DefineWasi(this ComponentLinker linker, WasiContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Define(linker, context);
    }

    private static ComponentLinker Define(ComponentLinker linker, WasiContext? context)
    {
        ArgumentNullException.ThrowIfNull(linker);
        Preview2Binder binder = new(linker, context, new WasiResources());
        IoFunctions.DefineIn(binder);
        ClockFunctions.DefineIn(binder);
        RandomFunctions.DefineIn(binder);
        CliFunctions.DefineIn(binder);
        FilesystemFunctions.DefineIn(binder);
        HttpTypesFunctions.DefineIn(binder);
        OutgoingHandlerFunctions.DefineIn(binder);
        NetworkFunctions.DefineIn(binder);
        TcpFunctions.DefineIn(binder);
        UdpFunctions.DefineIn(binder);
        return linker;
    }
}
