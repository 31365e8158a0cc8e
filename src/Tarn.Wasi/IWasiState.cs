// How the functions that DefineWasi defines find the context of the instance that calls them when one linker serves many: it is the instance's state, or
// part of it.
namespace Tarn.Wasi;

/// <summary>State of an instance that has a WASI context; <see cref="WasiContext"/> itself is one.</summary>
public interface IWasiState
{
    /// <summary>The instance's context.</summary>
    WasiContext Wasi { get; }
}
