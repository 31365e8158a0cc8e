// Why: machine code is called from C functions and calls them, by a convention that differs between systems on the same processor. The guest's own convention does not.
namespace Tarn.Platform;

/// <summary>How C functions take their arguments, where systems differ.</summary>
internal enum HostConvention
{
    /// <summary>That of Unix: integers and vectors are counted apart, two results come back in two registers.</summary>
    SystemV,

    /// <summary>That of Windows: arguments are counted by position, larger results go where a hidden first argument points, and more registers are preserved.</summary>
    Microsoft,
}
