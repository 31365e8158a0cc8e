// One of several results: where it is in the tuple, and how it gets into a slot and out of it.
namespace Tarn;

/// <param name="Offset">Bytes from the tuple's first.</param>
/// <param name="Codec">Moves it.</param>
internal readonly record struct TupleField(int Offset, FieldCodec Codec);
