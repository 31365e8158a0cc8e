// One side of an adapter: a component instance with the memory that its values are in.
namespace Tarn.Components.Linking;

/// <summary>A side of a call between two components.</summary>
/// <param name="Instance">The component instance.</param>
/// <param name="Memory">The name of its memory in the adapter; null without one.</param>
/// <param name="Realloc">The name of its allocator; null without one.</param>
/// <param name="Encoding">Of its strings.</param>
internal sealed record AdapterSide(int Instance, string? Memory, string? Realloc, StringEncoding Encoding);
