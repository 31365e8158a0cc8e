// What random machine functions look like. The allocator's faults hide in corners that one distribution seldom visits: few registers, calls
// everywhere, long lists of parameters that permute, values that wait for a far-away loop. Each seed picks its own corner.
using Tarn.Compiler.Allocate;

namespace Tarn.Compiler.Tests.Allocate;

/// <summary>Weights and sizes of a random function.</summary>
internal sealed record RandomShape
{
    /// <summary>Registers to allocate from.</summary>
    public required RegisterFile File { get; init; }

    /// <summary>Weight of conditionals.</summary>
    public int Ifs { get; init; } = 1;

    /// <summary>Weight of loops.</summary>
    public int Loops { get; init; } = 2;

    /// <summary>Weight of blocks that branches leave from within.</summary>
    public int Blocks { get; init; }

    /// <summary>Weight of calls.</summary>
    public int Calls { get; init; } = 1;

    /// <summary>Weight of calls that may go to a handler.</summary>
    public int Throws { get; init; }

    /// <summary>Weight of constants.</summary>
    public int Constants { get; init; } = 1;

    /// <summary>Weight of all other instructions.</summary>
    public int Operations { get; init; } = 9;

    /// <summary>Most parameters of a block, exclusive.</summary>
    public int Parameters { get; init; } = 5;

    /// <summary>Values made at the start, used wherever chance has it.</summary>
    public int LongLived { get; init; }

    /// <summary>Of three picks, how many take any value and not one of the last.</summary>
    public int Far { get; init; } = 1;

    /// <summary>How many of the last values are picked from.</summary>
    public int Window { get; init; } = 6;

    /// <summary>Nesting of control flow.</summary>
    public int Depth { get; init; } = 4;

    /// <summary>Of ten values, how many are integers.</summary>
    public int Integers { get; init; } = 6;

    /// <summary>Of eight blocks, how many are cold.</summary>
    public int Cold { get; init; } = 1;

    /// <summary>Go on until the size is reached, however long that takes.</summary>
    public bool Fills { get; init; }

    /// <summary>Few registers: 5 and 4.</summary>
    public static RegisterFile SmallFile { get; } = new()
    {
        IntegerOrder = [0, 1, 2, 3, 4],
        VectorOrder = [32, 33, 34, 35],
        CalleeSaved = 0b11000,
        CallClobbers = 0b111 | (0xFFUL << 32),
        ClobberSets = [0, 0b101],
        Scratch = 36,
    };

    /// <summary>No register survives a call.</summary>
    public static RegisterFile ClobberedFile { get; } = new()
    {
        IntegerOrder = [1, 0, 2, 3, 4, 5],
        VectorOrder = [35, 34, 33, 32],
        CalleeSaved = 0,
        CallClobbers = 0b111111 | (0xFFUL << 32),
        ClobberSets = [0, 0b101],
        Scratch = 36,
    };

    /// <summary>As on a real machine, vector registers that survive calls included.</summary>
    public static RegisterFile LargeFile { get; } = new()
    {
        IntegerOrder = [0, 1, 2, 6, 7, 8, 9, 10, 11, 3, 5, 12, 13, 15],
        VectorOrder = [32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46],
        CalleeSaved = 0xB028 | (0x6000UL << 32),
        CallClobbers = 0x0FC7 | (0x9FFFUL << 32),
        ClobberSets = [0, 0b101],
        Scratch = 47,
    };

    /// <summary>The shape that a seed stands for.</summary>
    public static RandomShape Of(int seed)
    {
        var random = new Random(seed ^ 0x5EED);
        int OneOf(params ReadOnlySpan<int> choices) => choices[random.Next(choices.Length)];
        return new RandomShape
        {
            File = random.Next(4) switch { 0 => ClobberedFile, 1 => LargeFile, _ => SmallFile },
            Ifs = OneOf(0, 1, 2, 6),
            Loops = OneOf(0, 1, 2, 4),
            Blocks = OneOf(0, 1, 4),
            Calls = OneOf(0, 1, 1, 8),
            Constants = OneOf(0, 1, 3, 10),
            Operations = OneOf(3, 9, 20),
            Parameters = OneOf(1, 3, 5, 12),
            LongLived = OneOf(0, 0, 4, 12, 40),
            Far = OneOf(0, 1, 2, 3),
            Window = OneOf(2, 6, 16),
            Depth = OneOf(1, 3, 4, 7),
            Integers = OneOf(0, 5, 6, 10),
            Cold = OneOf(0, 1, 4),
            Throws = OneOf(0, 1, 4),
        };
    }
}
