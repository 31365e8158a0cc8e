// The embedder's price list for fuel. Immutable: engines share the default one, and what code was compiled with must not change afterwards. The compiler's own table
// (FuelTable) is made once for each list; it is part of the identity of compiled code.
using Tarn.Compiler;

namespace Tarn;

/// <summary>
/// What the instructions of a guest cost, in units of fuel. Unless said otherwise each instruction costs one unit, those that only give structure (<c>block</c>, <c>loop</c>,
/// <c>else</c>, <c>end</c>, <c>nop</c>) cost nothing, and instructions whose work depends on a size cost by that size in addition.
/// </summary>
public sealed class FuelCosts
{
    /// <summary>The most that one instruction may cost, not counting what its size adds.</summary>
    public const int MaximumCost = FuelTable.MostForInstruction;

    private readonly Dictionary<Opcode, int> _costs = [];
    private readonly int _bytesPerUnit = FuelTable.Default.BytesPerUnit;
    private readonly int _elementsPerUnit = FuelTable.Default.ElementsPerUnit;
    private readonly int _grownBytesPerUnit = FuelTable.Default.GrownBytesPerUnit;
    private readonly int _valuesPerUnit = FuelTable.Default.ValuesPerUnit;
    private FuelTable? _table;

    /// <summary>Initializes a new instance of the <see cref="FuelCosts"/> class with the default costs.</summary>
    public FuelCosts()
    {
    }

    private FuelCosts(FuelCosts other)
    {
        _costs = new Dictionary<Opcode, int>(other._costs);
        _bytesPerUnit = other._bytesPerUnit;
        _elementsPerUnit = other._elementsPerUnit;
        _grownBytesPerUnit = other._grownBytesPerUnit;
        _valuesPerUnit = other._valuesPerUnit;
    }

    /// <summary>Gets the costs that engines use unless told otherwise.</summary>
    public static FuelCosts Default { get; } = new();

    /// <summary>
    /// Gets the number of bytes that <c>memory.fill</c>, <c>memory.copy</c> and <c>memory.init</c> move for one unit, on top of the instruction's own cost. 0 means that the size
    /// costs nothing. The default is 16.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int BytesPerUnit
    {
        get => _bytesPerUnit;
        init => _bytesPerUnit = NotNegative(value);
    }

    /// <summary>
    /// Gets the number of elements that <c>table.fill</c>, <c>table.copy</c>, <c>table.init</c> and a successful <c>table.grow</c> write for one unit, on top of the instruction's
    /// own cost. 0 means that the size costs nothing. The default is 2.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int ElementsPerUnit
    {
        get => _elementsPerUnit;
        init => _elementsPerUnit = NotNegative(value);
    }

    /// <summary>
    /// Gets the number of bytes by which a successful <c>memory.grow</c> enlarges a memory for one unit, on top of the instruction's own cost. 0 means that the size costs nothing.
    /// The default is 256: a page of 64 KiB costs 256 units.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int GrownBytesPerUnit
    {
        get => _grownBytesPerUnit;
        init => _grownBytesPerUnit = NotNegative(value);
    }

    /// <summary>
    /// Gets the number of values beyond the first 16 that a call (arguments and results together) or a branch moves for one unit, on top of the instruction's own cost.
    /// 0 means that values cost nothing. The default is 1.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int ValuesPerUnit
    {
        get => _valuesPerUnit;
        init => _valuesPerUnit = NotNegative(value);
    }

    internal FuelTable Table => _table ??= new FuelTable(_costs.Select(cost => (cost.Key, cost.Value)))
    {
        BytesPerUnit = BytesPerUnit,
        ElementsPerUnit = ElementsPerUnit,
        GrownBytesPerUnit = GrownBytesPerUnit,
        ValuesPerUnit = ValuesPerUnit,
    };

    /// <summary>Gets what executing an instruction costs, in units, not counting what its size adds.</summary>
    /// <param name="instruction">The instruction's name in the text format, for example <c>i32.div_s</c>.</param>
    /// <exception cref="ArgumentException">There is no such instruction.</exception>
    public int this[string instruction] => Table.Of(Find(instruction));

    /// <summary>Returns these costs with another one for an instruction.</summary>
    /// <param name="instruction">The instruction's name in the text format, for example <c>i32.div_s</c>.</param>
    /// <param name="cost">Units, from 0 to <see cref="MaximumCost"/>.</param>
    /// <returns>The new list; this one stays as it is.</returns>
    /// <exception cref="ArgumentException">There is no such instruction, or it only gives structure and cannot cost anything.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The cost is negative or too high.</exception>
    public FuelCosts With(string instruction, int cost)
    {
        Opcode opcode = Find(instruction);
        ArgumentOutOfRangeException.ThrowIfNegative(cost);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cost, MaximumCost);
        if (opcode is Opcode.Block or Opcode.Loop or Opcode.Else or Opcode.End or Opcode.Nop
            or Opcode.TryTable or Opcode.Try or Opcode.Catch or Opcode.CatchAll or Opcode.Delegate)
            throw new ArgumentException($"The instruction '{instruction}' only gives structure and cannot cost fuel. Set a cost for the instructions within.", nameof(instruction));
        var costs = new FuelCosts(this);
        costs._costs[opcode] = cost;
        return costs;
    }

    /// <summary>Returns what tells these costs from others.</summary>
    public override string ToString() => Table.ToString();

    private static Opcode Find(string instruction)
    {
        ArgumentNullException.ThrowIfNull(instruction);
        return Opcodes.TryFind(instruction, out Opcode opcode)
            ? opcode
            : throw new ArgumentException($"There is no instruction '{instruction}'. Give its name in the text format, for example 'memory.fill'.", nameof(instruction));
    }

    private static int NotNegative(int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        return value;
    }
}
