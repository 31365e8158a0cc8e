// What is known of an instance that was not disposed.
using System.Diagnostics;

namespace Tarn;

/// <summary>An instance that the garbage collector found before anything disposed it.</summary>
public sealed class InstanceLeak
{
    internal InstanceLeak(string? moduleName, int? slot, StackTrace? createdAt)
    {
        ModuleName = moduleName;
        Slot = slot;
        CreatedAt = createdAt;
    }

    /// <summary>Gets the name of the instance's module from its name section; <see langword="null"/> where it has none.</summary>
    public string? ModuleName { get; }

    /// <summary>Gets the slot of the instance pool that the instance keeps; <see langword="null"/> where it is not in a pool.</summary>
    public int? Slot { get; }

    /// <summary>Gets where the instance was made; <see langword="null"/> unless <see cref="LeakDetectionOptions.CaptureStackTrace"/> is on.</summary>
    public StackTrace? CreatedAt { get; }

    /// <summary>Returns a sentence about the instance, with the stack trace if there is one.</summary>
    public override string ToString() =>
        $"An instance of the module {ModuleName ?? "without a name"} was not disposed{(Slot is int slot ? $" and keeps slot {slot} of the pool" : "")}."
        + (CreatedAt is null ? "" : $" It was made here:{Environment.NewLine}{CreatedAt}");
}
