// Defines the functions of WASI 0.2 in a component linker: finds the context of the instance that calls, and is the one place where names of interfaces get their version.
using Tarn.Components;
using Tarn.Wasi.Preview1;

namespace Tarn.Wasi.Preview2;

/// <summary>A function of WASI 0.2.</summary>
internal delegate ComponentValue? Preview2Function(in Preview2Call call);

/// <summary>A function of WASI 0.2 that may wait. What it needs of the call it takes before it waits.</summary>
internal delegate ValueTask<ComponentValue?> Preview2AsyncFunction(Preview2Call call);

/// <summary>A call of a function of WASI 0.2.</summary>
internal readonly struct Preview2Call(WasiContext context, ComponentCall call, WasiResources resources)
{
    /// <summary>What the instance sees.</summary>
    public WasiContext Context { get; } = context;

    /// <summary>The resource types.</summary>
    public WasiResources Resources { get; } = resources;

    public CancellationToken CancellationToken => call.CancellationToken;

    /// <summary>The call as the file systems' code has it: for fuel, and to end when it is stopped.</summary>
    public WasiCall Work => new(Context, call.Caller, call.CancellationToken);

    /// <summary>An argument.</summary>
    public ComponentValue this[int index] => call[index];

    /// <summary>The object behind a resource of the host that is an argument.</summary>
    public T Target<T>(int index)
        where T : class => (T)call[index].AsResource().Target!;
}

/// <summary>Defines functions.</summary>
/// <param name="linker">The linker.</param>
/// <param name="context">The context of every instance, or null where it is the instance's state.</param>
/// <param name="resources">The resource types.</param>
internal sealed class Preview2Binder(ComponentLinker linker, WasiContext? context, WasiResources resources)
{
    /// <summary>The version of the interfaces. Components that were made for an earlier 0.2 are linked with it.</summary>
    public const string Version = "0.2.12";

    public WasiResources Resources => resources;

    /// <summary>Defines a function.</summary>
    /// <param name="interfaceName">The interface without its version.</param>
    /// <param name="name">The function.</param>
    /// <param name="function">What it does.</param>
    public void Define(string interfaceName, string name, Preview2Function function) =>
        linker.DefineFunction($"{interfaceName}@{Version}", name, call => function(new Preview2Call(Find(call), call, resources)));

    /// <summary>Defines a function that may wait.</summary>
    public void DefineAsync(string interfaceName, string name, Preview2AsyncFunction function) =>
        linker.DefineFunction($"{interfaceName}@{Version}", name, (AsyncComponentHostCallback)(call => function(new Preview2Call(Find(call), call, resources))));

    /// <summary>Defines a resource type.</summary>
    public void Define(string interfaceName, string name, ComponentResourceType type) => linker.DefineResource($"{interfaceName}@{Version}", name, type);

    private WasiContext Find(ComponentCall call) => context ?? call.GetState<IWasiState>().Wasi;
}
