// What runs under a name: which module, in which version, for which tenant.

namespace Tarn.Orleans;

/// <summary>What is to run under a name.</summary>
[GenerateSerializer, Immutable, Alias("Tarn.GuestRollOut")]
public sealed record GuestRollOut
{
    /// <summary>Gets the name: 1 to 100 letters, digits and <c>-_.</c>.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary>Gets the SHA-256 of the module's bytes, as 64 lower-case hexadecimal digits (<see cref="GuestGrainFactoryExtensions.UploadGuestModuleAsync"/>).</summary>
    [Id(1)]
    public required string ModuleHash { get; init; }

    /// <summary>Gets the tenant whose quota pays for all calls. It is set by the first roll-out of a name and cannot be changed; <see langword="null"/> for the tenant of each request.</summary>
    [Id(2)]
    public string? Tenant { get; init; }

    /// <summary>Gets an exported function that initializes the module once on each silo; functions (not actors) begin with the state that it leaves.</summary>
    [Id(3)]
    public string? Initialize { get; init; }
}

/// <summary>A version that runs, or has run, under a name.</summary>
[GenerateSerializer, Immutable, Alias("Tarn.GuestDeployment")]
public sealed record GuestDeployment
{
    /// <summary>Gets the name.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary>Gets the version, from 1; each roll-out has the next number.</summary>
    [Id(1)]
    public required int Version { get; init; }

    /// <summary>Gets the SHA-256 of the module's bytes.</summary>
    [Id(2)]
    public required string ModuleHash { get; init; }

    /// <summary>Gets the tenant whose quota pays.</summary>
    [Id(3)]
    public string? Tenant { get; init; }

    /// <summary>Gets the function that initializes the module.</summary>
    [Id(4)]
    public string? Initialize { get; init; }
}
