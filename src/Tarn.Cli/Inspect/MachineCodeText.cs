// A compiled function's bytes as assembly for a reader: offsets, instructions, and in place of numbers what calls lead to and where and why
// the function may trap. The decoder is Iced's, so that what is shown is what the processor will see and not what the compiler meant.
using System.Globalization;
using System.Text;
using Iced.Intel;
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Decoder = Iced.Intel.Decoder;

namespace Tarn.Cli.Inspect;

internal static class MachineCodeText
{
    /// <summary>The assembly of a function, an instruction a line.</summary>
    /// <param name="function">The function.</param>
    /// <param name="nameOf">Names a function of the module by its index.</param>
    /// <param name="offsets">Receives for each line the offset of its instruction, or −1.</param>
    public static string Print(CompiledFunction function, Func<int, string> nameOf, List<int>? offsets = null)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"; {function.Code.Length} bytes, frame {function.FrameSize} bytes\n");
        offsets?.Add(-1);
        IntelFormatter formatter = new();
        formatter.Options.SpaceAfterOperandSeparator = true;
        formatter.Options.HexPrefix = "0x";
        formatter.Options.HexSuffix = "";
        formatter.Options.SmallHexNumbersInDecimal = true;
        formatter.Options.ShowBranchSize = false;
        formatter.Options.BranchLeadingZeros = false;
        formatter.Options.RipRelativeAddresses = true;
        StringOutput output = new();
        Decoder decoder = Decoder.Create(64, new ByteArrayCodeReader(function.Code));
        Dictionary<int, Relocation> relocations = function.Relocations.ToDictionary(r => r.Offset);
        Dictionary<int, TrapSite> traps = [];
        foreach (TrapSite site in function.TrapSites)
            traps[site.Offset] = site;
        HashSet<ulong> targets = FindTargets(function.Code);
        while (decoder.IP < (ulong)function.Code.Length)
        {
            decoder.Decode(out Instruction instruction);
            int start = (int)instruction.IP;
            int end = (int)instruction.NextIP;
            formatter.Format(instruction, output);
            string line = output.ToStringAndReset();
            string? note = null;
            for (int at = start; at < end; at++)
            {
                if (!relocations.TryGetValue(at, out Relocation relocation))
                    continue;
                if (relocation.Kind != SymbolKind.TypeId)
                    line = line[..(line.IndexOf(' ', StringComparison.Ordinal) + 1)];
                line += relocation.Kind switch
                {
                    SymbolKind.Function => nameOf(relocation.Target),
                    SymbolKind.Builtin => $"builtin {(BuiltinId)relocation.Target}",
                    SymbolKind.Trap => "trap",
                    _ => $" (canonical id of type {relocation.Target})",
                };
            }

            // A site is the instruction that faults, or the return address of the call that traps.
            if (IsTrapCall(relocations, start, end))
            {
                if (traps.TryGetValue(end, out TrapSite trap))
                    note = $"{trap.Code} (wasm 0x{trap.WasmOffset:x})";
            }
            else if (traps.TryGetValue(start, out TrapSite fault) && fault.Code == Compiler.Abi.TrapCode.MemoryOutOfBounds)
            {
                note = $"may fault (wasm 0x{fault.WasmOffset:x})";
            }

            text.Append(targets.Contains(instruction.IP) ? '>' : ' ').Append(CultureInfo.InvariantCulture, $"{start,5:x}  ").Append(line);
            if (note is not null)
                text.Append(' ', Math.Max(1, 44 - line.Length)).Append("; ").Append(note);
            text.Append('\n');
            offsets?.Add(start);
        }

        return text.ToString();
    }

    private static bool IsTrapCall(Dictionary<int, Relocation> relocations, int start, int end) =>
        end - start == 5 && relocations.TryGetValue(start + 1, out Relocation relocation) && relocation.Kind == SymbolKind.Trap;

    private static HashSet<ulong> FindTargets(byte[] code)
    {
        HashSet<ulong> targets = [];
        Decoder decoder = Decoder.Create(64, new ByteArrayCodeReader(code));
        while (decoder.IP < (ulong)code.Length)
        {
            decoder.Decode(out Instruction instruction);
            if (instruction.FlowControl is FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch)
                targets.Add(instruction.NearBranchTarget);
        }

        return targets;
    }
}
