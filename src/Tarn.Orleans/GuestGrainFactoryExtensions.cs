// Finds the grains by what applications know: names of modules and ids of actors.
using System.Security.Cryptography;

namespace Tarn.Orleans;

/// <summary>Finds guests in the cluster.</summary>
public static class GuestGrainFactoryExtensions
{
    /// <summary>Returns the actor of a module with an id. Nothing is called.</summary>
    /// <param name="grains">The cluster's grains.</param>
    /// <param name="module">The name of a deployment.</param>
    /// <param name="id">Any text that is not empty.</param>
    /// <exception cref="ArgumentException">The name or the id is not valid.</exception>
    public static IGuestActor GetGuestActor(this IGrainFactory grains, string module, string id)
    {
        ArgumentNullException.ThrowIfNull(grains);
        ArgumentException.ThrowIfNullOrEmpty(id);
        RequireName(module);
        return grains.GetGrain<IGuestActor>($"{module}/{id}");
    }

    /// <summary>Returns the functions of a module. Nothing is called.</summary>
    /// <param name="grains">The cluster's grains.</param>
    /// <param name="module">The name of a deployment.</param>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    public static IGuestFunction GetGuestFunction(this IGrainFactory grains, string module)
    {
        ArgumentNullException.ThrowIfNull(grains);
        RequireName(module);
        return grains.GetGrain<IGuestFunction>(module);
    }

    /// <summary>Returns the catalog of the cluster.</summary>
    public static IGuestCatalog GetGuestCatalog(this IGrainFactory grains)
    {
        ArgumentNullException.ThrowIfNull(grains);
        return grains.GetGrain<IGuestCatalog>(0);
    }

    /// <summary>Stores a module in the cluster under its SHA-256.</summary>
    /// <param name="grains">The cluster's grains.</param>
    /// <param name="bytes">A module in the binary or the text format.</param>
    /// <returns>The hash, for <see cref="GuestRollOut.ModuleHash"/>.</returns>
    /// <exception cref="GuestCallException">The bytes are too long, or not a valid module.</exception>
    public static async Task<string> UploadGuestModuleAsync(this IGrainFactory grains, ReadOnlyMemory<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(grains);
        string hash = HashOf(bytes.Span);
        await grains.GetGrain<IGuestModule>(hash).StoreAsync(bytes).ConfigureAwait(false);
        return hash;
    }

    internal static string HashOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    internal static bool IsName(string? name) => name is { Length: > 0 and <= 100 } && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static void RequireName(string module)
    {
        ArgumentNullException.ThrowIfNull(module);
        if (!IsName(module))
            throw new ArgumentException($"\"{module}\" is not the name of a deployment: it has 1 to 100 letters, digits and \"-\", \"_\", \".\".", nameof(module));
    }
}
