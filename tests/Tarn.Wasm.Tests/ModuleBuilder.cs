// Writes modules byte by byte for tests, so that they can be wrong in any way: nothing here checks anything.
using System.Text;

namespace Tarn.Wasm.Tests;

/// <summary>Puts sections together.</summary>
internal sealed class ModuleBuilder
{
    private readonly List<byte> _bytes = [0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0];

    public ModuleBuilder Section(int id, params byte[][] contents)
    {
        byte[] all = Concat(contents);
        _bytes.Add((byte)id);
        _bytes.AddRange(U(all.Length));
        _bytes.AddRange(all);
        return this;
    }

    /// <summary>A section that is a vector.</summary>
    public ModuleBuilder Vector(int id, params byte[][] items) => Section(id, Vec(items));

    /// <summary>A code section of bodies, sizes added.</summary>
    public ModuleBuilder Code(params byte[][] bodies) => Vector(10, [.. bodies.Select(b => Concat(U(b.Length), b))]);

    public byte[] Build() => [.. _bytes];

    public WasmModule Decode(WasmFeatures features = WasmFeatures.Wasm3) => WasmModule.Decode(Build(), features);

    public static byte[] B(params int[] bytes) => [.. bytes.Select(b => (byte)b)];

    public static byte[] Concat(params byte[][] parts) => [.. parts.SelectMany(p => p)];

    public static byte[] Vec(params byte[][] items) => Concat([U(items.Length), .. items]);

    public static byte[] Name(string name) => Concat(U(Encoding.UTF8.GetByteCount(name)), Encoding.UTF8.GetBytes(name));

    public static byte[] U(long value)
    {
        List<byte> bytes = [];
        ulong rest = (ulong)value;
        do
        {
            bytes.Add((byte)((rest & 0x7F) | (rest > 0x7F ? 0x80u : 0)));
            rest >>= 7;
        }
        while (rest != 0);
        return [.. bytes];
    }
}
