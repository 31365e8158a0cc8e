// Where register code finds arguments: one computation for call sites and functions (compiler) and for entries (runtime), which would otherwise write into one another's places.
//
//   a function's frame, in words of 8 bytes from the stack pointer upward; stacks grow downward
//   | integer registers, 24 | vector registers, 16 × 2 words | spill slots |    linkage    | arguments left over | caller's frame
//   0                       24                               56 or less    A              A + 2
//   linkage: word 0 where the caller continues, word 1 the caller's VM context
//
// A frame that uses no vector register has only as many integer registers as it uses, and its spill slots follow. The caller writes arguments to their places in the callee's frame; the
// callee takes results to where the list behind the call says. So nothing is moved twice, no register is saved, and whatever is in a frame survives calls.
namespace Tarn.Compiler.Abi.Portable;

internal static class PortableConvention
{
    /// <summary>Integer registers.</summary>
    public const int IntegerRegisters = 24;

    /// <summary>Vector registers, of two words each. The first is the scratch register of moves.</summary>
    public const int VectorRegisters = 16;

    /// <summary>Words of all registers.</summary>
    public const int AllRegisterWords = IntegerRegisters + (2 * VectorRegisters);

    /// <summary>Integer arguments in registers, from register 0.</summary>
    public const int IntegerArguments = 16;

    /// <summary>Vector arguments in registers, from register 1.</summary>
    public const int VectorArguments = 12;

    /// <summary>Words between a frame and the arguments above it.</summary>
    public const int LinkageWords = 2;

    /// <summary>The largest number of a word of a frame that code can name.</summary>
    public const int LargestWord = 0x7FFF;

    /// <summary>In the place of an argument: it is above the linkage. In that of a value: it has 16 bytes.</summary>
    public const int Flag = 0x8000;

    /// <summary>Where an integer or vector register is, in words.</summary>
    /// <param name="register">Its number in the register file.</param>
    public static int WordOf(int register) => register < 32 ? register : IntegerRegisters + (2 * (register - 32));

    /// <summary>Assigns places to arguments.</summary>
    /// <param name="types">Their types.</param>
    /// <param name="places">Receives for each a word of the callee's frame, or with <see cref="Flag"/> a word above its linkage.</param>
    /// <param name="registerWords">The words that the registers of all arguments need.</param>
    /// <returns>The words above the linkage.</returns>
    public static int Assign(ReadOnlySpan<AbiType> types, Span<int> places, out int registerWords)
    {
        var integers = 0;
        var vectors = 0;
        var above = 0;
        registerWords = 0;
        for (var k = 0; k < types.Length; k++)
        {
            var isVector = types[k] >= AbiType.F32;
            if (isVector ? vectors < VectorArguments : integers < IntegerArguments)
            {
                places[k] = isVector ? WordOf(33 + vectors++) : integers++;
                registerWords = Math.Max(registerWords, places[k] + (isVector ? 2 : 1));
            }
            else
            {
                places[k] = above | Flag;
                above += types[k] == AbiType.V128 ? 2 : 1;
            }
        }

        return above;
    }
}
