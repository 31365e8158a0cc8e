// Runs the checked-in programs (Programs/build.sh makes them) and collects what they print. Modules are compiled once for all tests.
using System.Collections.Concurrent;
using System.Text;
using Tarn.TestSupport;

namespace Tarn.Wasi.Tests.Support;

internal static class Guest
{
    private static readonly ConcurrentDictionary<string, Lazy<Module>> s_modules = new();

    public static Engine Engine { get; } = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, EnableInterruption = true });

    public static string PathOf(string name) => Repository.PathOf("tests", "Tarn.Wasi.Tests", "Programs", "wasm", name + ".wasm");

    public static Module Module(string name) => s_modules.GetOrAdd(name, n => new Lazy<Module>(() => Tarn.Module.FromFile(Engine, PathOf(n)))).Value;

    public static GuestResult Run(string program, string[] arguments, WasiOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        options = (options ?? new WasiOptions()) with { Arguments = [program, .. arguments], StandardOutput = output, StandardError = error };
        using var context = new WasiContext(options);
        using InstanceTemplate template = new Linker(Engine).DefineWasi().Prepare(Module(program));
        using Instance instance = template.Instantiate(context);
        int status = context.Run(instance, cancellationToken);
        return new GuestResult(status, Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(error.ToArray()));
    }
}
