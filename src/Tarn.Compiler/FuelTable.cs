// What instructions cost where code counts fuel. Part of the target, as it changes the code: two tables that charge the same print the same and are equal.
//
// Exactness: what is charged follows from the instruction, its immediates and its operands alone, so any two machines that run the same module to the same point have charged the
// same. A straight run of instructions is paid for at its start; what an operand decides is paid right before the instruction does its work, and growth right after it, since
// whether memory can grow is for the embedder's limits to say.
using System.Globalization;
using System.Text;
using Tarn.Wasm;

namespace Tarn.Compiler;

/// <summary>Prices in units of fuel.</summary>
internal sealed class FuelTable : IEquatable<FuelTable>
{
    /// <summary>Arguments, results and values of a branch that cost nothing: they mostly travel in registers.</summary>
    public const int FreeValues = 16;

    /// <summary>The most that an instruction may cost for being executed.</summary>
    public const int MostForInstruction = 10_000;

    private readonly ushort[] _costs;

    /// <summary>Makes a table in which everything costs one unit but what the list says.</summary>
    public FuelTable(IEnumerable<(Opcode Opcode, int Cost)> costs)
    {
        _costs = new ushort[(int)Opcodes.All.ToArray().Max() + 1];
        Array.Fill(_costs, (ushort)1);
        foreach (var opcode in (Opcode[])[Opcode.Block, Opcode.Loop, Opcode.Else, Opcode.End, Opcode.Nop, Opcode.TryTable, Opcode.Try, Opcode.Catch, Opcode.CatchAll, Opcode.Delegate])
        {
            _costs[(int)opcode] = 0;
        }

        foreach (var (opcode, cost) in costs)
        {
            _costs[(int)opcode] = (ushort)cost;
        }
    }

    /// <summary>What is charged unless the embedder says otherwise.</summary>
    public static FuelTable Default { get; } = new([]);

    /// <summary>Bytes that memory.fill, memory.copy and memory.init move for a unit; 0: for nothing.</summary>
    public int BytesPerUnit { get; init; } = 16;

    /// <summary>Elements that table.fill, table.copy, table.init and table.grow write for a unit; 0: for nothing.</summary>
    public int ElementsPerUnit { get; init; } = 2;

    /// <summary>Bytes by which memory.grow enlarges a memory for a unit; 0: for nothing.</summary>
    public int GrownBytesPerUnit { get; init; } = 256;

    /// <summary>Values beyond <see cref="FreeValues"/> that a call or a branch moves for a unit; 0: for nothing.</summary>
    public int ValuesPerUnit { get; init; } = 1;

    /// <summary>What executing an instruction costs.</summary>
    public int Of(Opcode opcode) => _costs[(int)opcode];

    /// <summary>What moving so many values costs.</summary>
    public int OfValues(int count) => ValuesPerUnit == 0 || count <= FreeValues ? 0 : (count - FreeValues) / ValuesPerUnit;

    /// <inheritdoc/>
    public bool Equals(FuelTable? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as FuelTable);

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <summary>The whole table, in so many words that equal tables and no others have the same.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{BytesPerUnit}/{ElementsPerUnit}/{GrownBytesPerUnit}/{ValuesPerUnit}");
        if (!ReferenceEquals(this, Default))
        {
            for (var opcode = 0; opcode < _costs.Length; opcode++)
            {
                if (_costs[opcode] != Default._costs[opcode])
                {
                    text.Append(CultureInfo.InvariantCulture, $" {Opcodes.Name((Opcode)opcode)}={_costs[opcode]}");
                }
            }
        }

        return text.ToString();
    }
}
