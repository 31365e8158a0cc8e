// The engine of the silo, and how bytes become something that can be called.
using Microsoft.Extensions.Options;
using Tarn.Orleans.Calls;
using Tarn.Wasi;

namespace Tarn.Orleans.Silos;

internal sealed class SiloEngine : IDisposable
{
    private readonly TarnClusterOptions _options;

    public SiloEngine(IOptions<TarnClusterOptions> options)
    {
        _options = options.Value;
        Engine = new Engine(_options.ToEngineOptions());
    }

    public Engine Engine { get; }

    /// <summary>Compares bytes with the hash that names them, compiles and links them.</summary>
    /// <exception cref="GuestCallException">They are others, not a module, or import what is not there.</exception>
    public LoadedGuest Load(string hash, string? initialize, ReadOnlyMemory<byte> bytes)
    {
        Verify(hash, bytes.Span);
        Module? module = null;
        InstanceTemplate? template = null;
        try
        {
            module = Module.FromBytes(Engine, bytes.Span);
            var linker = new Linker(Engine);
            linker.DefineWasi();
            GuestImports.Define(linker);
            _options.ConfigureLinker?.Invoke(linker);
            template = linker.Prepare(module);
            InstanceTemplate? initialized = null;
            if (initialize is not null)
            {
                using var state = new GuestContext(_options, null);
                initialized = template.Initialize(instance => _ = instance.GetFunction(initialize).Invoke(), state, new StoreLimits { CallTimeout = _options.DefaultTenant.CallTime });
            }
            return new LoadedGuest(hash, module, template, initialized);
        }
        catch (Exception e) when (e is WasmException or ArgumentException or GuestCallException)
        {
            template?.Dispose();
            module?.Dispose();
            throw new GuestCallException(GuestFailure.InvalidModule, $"The module {hash} cannot be used: {e.Message}");
        }
    }

    /// <summary>Validates bytes without compiling them.</summary>
    /// <exception cref="GuestCallException">They are not what the hash names, or not a module.</exception>
    public void Validate(string hash, ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > _options.MaximumModuleBytes)
            throw new GuestCallException(GuestFailure.LimitExceeded, $"The module has {bytes.Length} bytes, and MaximumModuleBytes is {_options.MaximumModuleBytes}.");
        Verify(hash, bytes.Span);
        if (!Module.TryValidate(Engine, bytes.Span, out WasmException? error))
            throw new GuestCallException(GuestFailure.InvalidModule, $"The bytes are not a valid module: {error.Message}");
    }

    public void Dispose() => Engine.Dispose();

    private static void Verify(string hash, ReadOnlySpan<byte> bytes)
    {
        string found = GuestGrainFactoryExtensions.HashOf(bytes);
        if (found != hash)
            throw new GuestCallException(GuestFailure.InvalidModule, $"The bytes have the SHA-256 {found}, and were to have {hash}.");
    }
}
