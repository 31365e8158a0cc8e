// Everything there is to know about the places in one block of code, as parallel arrays over the whole block: what function a program counter is in, what its
// frame looks like, where it may trap, where its calls return to. Traps are rare and modules large, so that this is looked up and never computed ahead;
// and an artifact holds the same arrays, which are read from it as they are.
//
// Invariants: offsets are from the block's start and ascend; a function's offsets are between its start and its end, that included (the return address of a
// last call); there is at least one byte between two functions, so that no offset belongs to both.
using Tarn.Compiler;
using Tarn.Compiler.Abi;

namespace Tarn.Modules;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal sealed class CodeTables
{
    private const int FunctionAlignment = 32;
    private const byte InPrologue = 0x80;
    private const byte CodeMask = 0x7F;

    /// <summary>Bytes of the block.</summary>
    public required int Size { get; init; }

    /// <summary>For each function: where it starts.</summary>
    public required int[] Starts { get; init; }

    /// <summary>For each function: its bytes.</summary>
    public required int[] Lengths { get; init; }

    /// <summary>For each function: bytes from the stack pointer to the return address, once the prologue is through.</summary>
    public required int[] FrameSizes { get; init; }

    /// <summary>For each function: bytes of arguments above the return address that it pops.</summary>
    public required int[] StackArgumentBytes { get; init; }

    /// <summary>For each function: what its frame keeps of its caller's registers, in the target's form.</summary>
    public required byte[] SavedRegisters { get; init; }

    /// <summary>For each trap site: its offset.</summary>
    public required int[] TrapOffsets { get; init; }

    /// <summary>For each trap site: the instruction's offset in the module.</summary>
    public required int[] TrapWasmOffsets { get; init; }

    /// <summary>For each trap site: its code, with the highest bit set where the frame is not set up yet.</summary>
    public required byte[] TrapCodes { get; init; }

    /// <summary>For each call: the offset it returns to.</summary>
    public required int[] CallOffsets { get; init; }

    /// <summary>For each call: its offset in the module.</summary>
    public required int[] CallWasmOffsets { get; init; }

    /// <summary>For each call: where its list in <see cref="References"/> starts, or −1; empty if no function has any.</summary>
    public required int[] CallReferences { get; init; }

    /// <summary>Lists of places of managed references, as <see cref="CompiledFunction.References"/> has them.</summary>
    public required int[] References { get; init; }

    /// <summary>For each call that an exception's handler is around: the offset it returns to.</summary>
    public required int[] HandlerOffsets { get; init; }

    /// <summary>For each such call: the offset at which the code continues when a handler catches.</summary>
    public required int[] HandlerLandings { get; init; }

    /// <summary>For each such call: offset of its innermost scope.</summary>
    public required int[] HandlerScopes { get; init; }

    /// <summary>The scopes of all functions, in the form of <see cref="HandlerTable.Scopes"/>.</summary>
    public required int[] Scopes { get; init; }

    /// <summary>Lays functions out one behind the other and describes them.</summary>
    public static CodeTables Of(ReadOnlySpan<CompiledFunction> functions)
    {
        int traps = 0;
        int calls = 0;
        int references = 0;
        int handlers = 0;
        int scopes = 0;
        foreach (CompiledFunction function in functions)
        {
            traps += function.TrapSites.Length;
            calls += function.CallSites.Length;
            references += function.References.Length;
            handlers += function.Handlers?.Sites.Length ?? 0;
            scopes += function.Handlers?.Scopes.Length ?? 0;
        }
        int[] starts = new int[functions.Length];
        int size = 0;
        for (int i = 0; i < functions.Length; i++)
        {
            starts[i] = size;
            size = checked((size + functions[i].Code.Length + FunctionAlignment) & ~(FunctionAlignment - 1));
        }
        var tables = new CodeTables
        {
            Size = size,
            Starts = starts,
            Lengths = new int[functions.Length],
            FrameSizes = new int[functions.Length],
            StackArgumentBytes = new int[functions.Length],
            SavedRegisters = new byte[functions.Length],
            TrapOffsets = new int[traps],
            TrapWasmOffsets = new int[traps],
            TrapCodes = new byte[traps],
            CallOffsets = new int[calls],
            CallWasmOffsets = new int[calls],
            CallReferences = references == 0 ? [] : new int[calls],
            References = references == 0 ? [] : new int[references],
            HandlerOffsets = handlers == 0 ? [] : new int[handlers],
            HandlerLandings = handlers == 0 ? [] : new int[handlers],
            HandlerScopes = handlers == 0 ? [] : new int[handlers],
            Scopes = scopes == 0 ? [] : new int[scopes],
        };
        int trap = 0;
        int call = 0;
        int reference = 0;
        int handler = 0;
        int scope = 0;
        for (int i = 0; i < functions.Length; i++)
        {
            CompiledFunction function = functions[i];
            tables.Lengths[i] = function.Code.Length;
            tables.FrameSizes[i] = function.FrameSize;
            tables.StackArgumentBytes[i] = function.StackArgumentBytes;
            tables.SavedRegisters[i] = function.SavedRegisters;
            if (function.Handlers is HandlerTable table)
                tables.Add(table, starts[i], ref handler, ref scope);
            foreach (ref readonly TrapSite site in function.TrapSites.AsSpan())
            {
                tables.TrapOffsets[trap] = starts[i] + site.Offset;
                tables.TrapWasmOffsets[trap] = site.WasmOffset;
                tables.TrapCodes[trap++] = (byte)((byte)site.Code | (site.InPrologue ? InPrologue : 0));
            }
            foreach (ref readonly CallSite site in function.CallSites.AsSpan())
            {
                tables.CallOffsets[call] = starts[i] + site.ReturnOffset;
                if (references != 0)
                    tables.CallReferences[call] = site.References < 0 ? -1 : reference + site.References;
                tables.CallWasmOffsets[call++] = site.WasmOffset;
            }
            function.References.CopyTo(tables.References, reference);
            reference += function.References.Length;
        }
        return tables;
    }

    private void Add(HandlerTable table, int start, ref int handler, ref int scope)
    {
        foreach (ref readonly HandlerSite site in table.Sites.AsSpan())
        {
            HandlerOffsets[handler] = start + site.ReturnOffset;
            HandlerLandings[handler] = start + site.LandingOffset;
            HandlerScopes[handler++] = scope + site.Scope;
        }
        Span<int> copy = Scopes.AsSpan(scope, table.Scopes.Length);
        table.Scopes.CopyTo(copy);
        for (int at = 0; at < copy.Length; at += HandlerTable.Clauses + copy[at + HandlerTable.ClauseCount])
        {
            if (copy[at + HandlerTable.Outer] >= 0)
                copy[at + HandlerTable.Outer] += scope;
        }
        scope += copy.Length;
    }

    /// <summary>The function that contains an offset, or ends at it.</summary>
    public bool TryFindFunction(int offset, out int index)
    {
        index = Array.BinarySearch(Starts, offset);
        if (index < 0)
            index = ~index - 1;
        return index >= 0 && offset - Starts[index] <= Lengths[index];
    }

    /// <summary>The index of the trap site at an offset, or a negative number.</summary>
    public int FindTrap(int offset) => Array.BinarySearch(TrapOffsets, offset);

    /// <summary>The index of the call that returns to an offset, or a negative number.</summary>
    public int FindCall(int offset) => Array.BinarySearch(CallOffsets, offset);

    /// <summary>The index of the call with handlers that returns to an offset, or a negative number.</summary>
    public int FindHandler(int offset) => Array.BinarySearch(HandlerOffsets, offset);

    /// <summary>Why a trap site traps.</summary>
    public TrapCode TrapCodeAt(int trap) => (TrapCode)(TrapCodes[trap] & CodeMask);

    /// <summary>Whether a trap site comes before its function's frame is set up.</summary>
    public bool IsInPrologue(int trap) => (TrapCodes[trap] & InPrologue) != 0;
}
