// Where a value is while an adapter moves it: in a row of locals, from one of them on, or in memory at an address in a local.
namespace Tarn.Components.Linking;

/// <summary>A place of a value.</summary>
/// <param name="Locals">The locals; empty for memory.</param>
/// <param name="Types">Their types, which may be wider than what is in them (CanonicalABI.md, "Flattening").</param>
/// <param name="Position">The first local, or the offset from the address.</param>
/// <param name="Side">Whose memory it is.</param>
/// <param name="Address">The local with the address.</param>
internal readonly record struct AdapterPlace(string[] Locals, ValType[] Types, long Position, AdapterSide Side, string Address)
{
    public bool IsMemory => Locals.Length == 0;

    public string Local => Locals[(int)Position];

    public ValType LocalType => Types[(int)Position];

    public static AdapterPlace InLocals(AdapterSide side, string[] locals, ValType[] types) => new(locals, types, 0, side, "");

    public static AdapterPlace InMemory(AdapterSide side, string address) => new([], [], 0, side, address);

    /// <summary>A place further on.</summary>
    public AdapterPlace Plus(long locals, long bytes) => this with { Position = Position + (IsMemory ? bytes : locals) };
}
