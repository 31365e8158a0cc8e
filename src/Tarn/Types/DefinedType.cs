// A type that a module defines, as a snapshot: identities of the type and its supertypes, copied from the engine's registry. The registry gives each canonical
// type a number of its own that no other type of the process ever gets (TypeRegistry.Identity), so a snapshot needs no lifetime and stays comparable for ever.
// Two modules' types are the same as long as one of the modules that define it is alive; one that is loaded again when all are gone defines a new type.
using System.Globalization;

namespace Tarn;

/// <summary>
/// A function, structure or array type that a module defines. Equal for all modules of an engine that are alive at the same time and define the same type, as the
/// specification has it: recursion groups are compared as a whole.
/// </summary>
public sealed class DefinedType : IEquatable<DefinedType>
{
    // From the root of the hierarchy down to the type itself.
    private readonly long[] _display;
    private readonly int _index;

    internal DefinedType(DefinedTypeKind kind, long[] display, int index)
    {
        Kind = kind;
        _display = display;
        _index = index;
    }

    /// <summary>Gets what the type describes.</summary>
    public DefinedTypeKind Kind { get; }

    internal long Identity => _display[^1];

    /// <summary>Gets whether the type is another one, or declares it as a supertype, directly or indirectly.</summary>
    /// <param name="other">The other type.</param>
    public bool IsSubtypeOf(DefinedType other)
    {
        ArgumentNullException.ThrowIfNull(other);
        int depth = other._display.Length - 1;
        return depth < _display.Length && _display[depth] == other.Identity;
    }

    /// <inheritdoc/>
    public bool Equals(DefinedType? other) => other is not null && Identity == other.Identity;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as DefinedType);

    /// <inheritdoc/>
    public override int GetHashCode() => Identity.GetHashCode();

    /// <summary>Returns the index of the type in the module that it was read from, or <c>#</c> and a number where it was read from a function, table or global.</summary>
    public override string ToString() =>
        _index >= 0 ? _index.ToString(CultureInfo.InvariantCulture) : "#" + Identity.ToString(CultureInfo.InvariantCulture);
}
