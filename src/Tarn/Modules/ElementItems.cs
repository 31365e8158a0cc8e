// Element segments decoded once for each module, so that table.init can start at any item and instantiation reads no LEB128.
// One int an item:
//   >= 0  ref.func of that function
//   -1    ref.null
//   < -1  a constant expression at byte offset -2 - item of the module
using Tarn.Wasm.Binary;

namespace Tarn.Modules;

internal static class ElementItems
{
    public const int Null = -1;

    public static int ExpressionOffset(int item) => -2 - item;

    public static int[][] Decode(WasmModule module)
    {
        ReadOnlySpan<ElementSegment> segments = module.Elements;
        var all = new int[segments.Length][];
        for (int s = 0; s < segments.Length; s++)
            all[s] = segments[s].Mode == SegmentMode.Declarative ? [] : Decode(module, segments[s]);
        return all;
    }

    /// <summary>Segments that are not declarative and have items whose expressions make objects.</summary>
    public static int[] FindAllocating(WasmModule module, int[][] items)
    {
        List<int> found = [];
        ReadOnlySpan<byte> bytes = module.Bytes.Span;
        for (int s = 0; s < items.Length; s++)
        {
            foreach (int item in items[s])
            {
                if (item < Null && Allocates(new WasmReader(bytes, ExpressionOffset(item), bytes.Length, module.Features)))
                {
                    found.Add(s);
                    break;
                }
            }
        }
        return [.. found];
    }

    private static bool Allocates(WasmReader reader)
    {
        while (true)
        {
            Opcode opcode = reader.ReadOpcode();
            if (opcode == Opcode.End)
                return false;
            if (opcode is >= Opcode.StructNew and <= Opcode.ArrayNewFixed)
                return true;
            InstructionSkipper.SkipImmediates(ref reader, opcode);
        }
    }

    private static int[] Decode(WasmModule module, in ElementSegment segment)
    {
        var items = new int[segment.Count];
        WasmReader reader = module.Read(segment);
        for (int i = 0; i < items.Length; i++)
        {
            if (!segment.HasExpressions)
            {
                items[i] = reader.ReadIndex();
                continue;
            }
            int start = reader.Position;
            items[i] = -2 - start;
            int operations = 0;
            int item = 0;
            bool simple = true;
            while (true)
            {
                Opcode opcode = reader.ReadOpcode();
                if (opcode == Opcode.End)
                    break;
                operations++;
                switch (opcode)
                {
                    case Opcode.RefFunc:
                        item = reader.ReadIndex();
                        break;
                    case Opcode.RefNull:
                        _ = reader.ReadHeapType();
                        item = Null;
                        break;
                    default:
                        simple = false;
                        InstructionSkipper.SkipImmediates(ref reader, opcode);
                        break;
                }
            }
            if (simple && operations == 1)
                items[i] = item;
        }
        return items;
    }
}
