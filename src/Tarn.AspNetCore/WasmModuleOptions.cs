// One module of TarnOptions.
namespace Tarn.AspNetCore;

/// <summary>A module that endpoints refer to by its name.</summary>
public sealed class WasmModuleOptions
{
    /// <summary>Gets or sets the file: a module or a component, in the binary or the text format, or a compiled module (<c>tarn compile</c>, <c>tarn snapshot</c>), whose machine code is executed as it is.</summary>
    public string? Path { get; set; }

    /// <summary>Gets or sets what returns the bytes instead of a file. It is called once.</summary>
    public Func<CancellationToken, ValueTask<ReadOnlyMemory<byte>>>? Provider { get; set; }

    /// <summary>
    /// Gets or sets an exported function without parameters that initializes the module once. Requests begin with the state that it leaves (<see cref="InstanceTemplate.Initialize"/>).
    /// <c>_initialize</c> is called before it, if the module exports that. For modules, not for components.
    /// </summary>
    public string? Initialize { get; set; }

    /// <summary>Gets or sets the time that <see cref="Initialize"/> may take. A module that takes longer is not loaded.</summary>
    public TimeSpan InitializationTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Gets or sets the units of fuel that <see cref="Initialize"/> may use; <see langword="null"/> for no limit. Requires <see cref="TarnOptions.EnableFuel"/>.</summary>
    public long? InitializationFuel { get; set; }

    /// <summary>Gets or sets the bytes that each memory may have after <see cref="Initialize"/>; <see langword="null"/> for the engine's limit alone.</summary>
    public long? InitializationMemoryBytes { get; set; }
}
