// How proc_exit gets out of the guest: as an exception of a host function, which unwinds the guest's frames. WasiContext.Run turns it into a number.
namespace Tarn.Wasi;

/// <summary>The guest ended itself by <c>proc_exit</c>.</summary>
public sealed class WasiExitException : Exception
{
    internal WasiExitException(int exitCode)
        : base($"the guest exited with status {exitCode}") => ExitCode = exitCode;

    /// <summary>The guest's exit status; 0 for success.</summary>
    public int ExitCode { get; }
}
