// A place in the code of one function, known by number so that it costs nothing to make, copy and store. A label belongs to
// the assembler that made it and dies at its next Reset; using it later is an error that Finish cannot see.
namespace Tarn.Assembler;

/// <summary>A place in the code being assembled.</summary>
internal readonly struct Label(int id) : IEquatable<Label>
{
    /// <summary>The label's number, counted from 0 in each function.</summary>
    public int Id { get; } = id;

    public bool Equals(Label other) => Id == other.Id;

    public override bool Equals(object? obj) => obj is Label other && Equals(other);

    public override int GetHashCode() => Id;

    public override string ToString() => $"L{Id}";

    public static bool operator ==(Label left, Label right) => left.Id == right.Id;

    public static bool operator !=(Label left, Label right) => left.Id != right.Id;
}
