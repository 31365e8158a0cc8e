// wasi:random. What is called insecure comes from the same source: a generator that can be predicted would have to be seeded from it anyway.
using System.Buffers.Binary;
using Tarn.Components;

namespace Tarn.Wasi.Preview2.Randomness;

internal static class RandomFunctions
{
    private const int Piece = 64 << 10;

    /// <summary>Bytes that one call gives: they are made in the host's memory.</summary>
    private const ulong MostBytes = 16 << 20;

    public static void DefineIn(Preview2Binder binder)
    {
        binder.Define("wasi:random/random", "get-random-bytes", Bytes);
        binder.Define("wasi:random/random", "get-random-u64", (in Preview2Call call) => ComponentValue.FromUInt64(Next(call.Context)));
        binder.Define("wasi:random/insecure", "get-insecure-random-bytes", Bytes);
        binder.Define("wasi:random/insecure", "get-insecure-random-u64", (in Preview2Call call) => ComponentValue.FromUInt64(Next(call.Context)));
        binder.Define("wasi:random/insecure-seed", "insecure-seed", (in Preview2Call call) =>
            ComponentValue.FromTuple(ComponentValue.FromUInt64(Next(call.Context)), ComponentValue.FromUInt64(Next(call.Context))));
    }

    private static ulong Next(WasiContext context)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        context.Random(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    private static ComponentValue Bytes(in Preview2Call call)
    {
        ulong length = call[0].AsUInt64();
        if (length > MostBytes)
            throw new ComponentTrapException(ComponentTrapCode.LimitReached, $"the guest asked for {length} random bytes at once, and {MostBytes} are the most");
        byte[] bytes = new byte[length];
        for (int at = 0; at < bytes.Length; at += Piece)
        {
            Span<byte> piece = bytes.AsSpan(at, Math.Min(Piece, bytes.Length - at));
            call.Work.BeginPiece(piece.Length);
            call.Context.Random(piece);
        }

        return ComponentValue.FromBytes(bytes);
    }
}
