// Walks function bodies by the binary format alone, types aside. Bodies are decoded as they are validated, so whatever stops before that (a later section that
// is malformed, a rule that is broken) asks here whether something before it is no binary format at all: the specification decodes all of a module first,
// and the first malformed byte is the one to fix.
//
// Runs only on the way to an error.
namespace Tarn.Wasm.Binary;

/// <summary>The binary format of function bodies.</summary>
internal static class BodyStructure
{
    /// <summary>Throws for the first body that does not follow the binary format.</summary>
    /// <param name="module">The module.</param>
    /// <param name="count">How many bodies to look at.</param>
    /// <exception cref="MalformedModuleException">A body is malformed.</exception>
    public static void ThrowIfMalformed(WasmModule module, int count)
    {
        for (int i = 0; i < count; i++)
        {
            WasmReader reader = module.ReadBody(i);
            ulong locals = 0;
            for (int groups = reader.ReadCount(int.MaxValue, "local declarations", 2); groups > 0; groups--)
            {
                locals += reader.ReadLocalGroup(out _);
                if (locals > uint.MaxValue)
                    reader.Fail("too many locals: a function has fewer than 2^32");
            }

            Walk(ref reader, module);
            if (!reader.IsAtEnd)
                reader.Fail("unexpected content after the end of the function (section size mismatch, END opcode expected)");
        }
    }

    /// <summary>Steps over a function's instructions, its final <c>end</c> included.</summary>
    public static void Walk(ref WasmReader reader, WasmModule module)
    {
        int depth = 0;
        while (true)
        {
            if (reader.IsAtEnd)
                ThrowMissingEnd(module, reader.Position);
            int at = reader.Position;
            Opcode opcode = InstructionSkipper.Skip(ref reader);
            switch (opcode)
            {
                case Opcode.Block or Opcode.Loop or Opcode.If or Opcode.TryTable or Opcode.Try:
                    depth++;
                    break;
                case Opcode.End or Opcode.Delegate when depth-- == 0:
                    return;
                case Opcode.MemoryInit or Opcode.DataDrop or Opcode.ArrayNewData or Opcode.ArrayInitData when module.DeclaredDataCount < 0:
                    throw MissingDataCount(opcode, at);
            }
        }
    }

    /// <summary>A body is over before its <c>end</c>.</summary>
    public static void ThrowMissingEnd(WasmModule module, int at) => MalformedModuleException.Throw(
        at == module.Bytes.Length
            ? "unexpected end of section or function: END opcode expected"
            : "END opcode expected: the function's body is over before its end (unexpected end of section or function)",
        at);

    /// <summary>An instruction names a data segment, but bodies come before the data section: one pass needs the count ahead of them.</summary>
    public static MalformedModuleException MissingDataCount(Opcode opcode, long at) =>
        new($"data count section required: {Opcodes.Name(opcode)} names a data segment, and the module does not say how many there are", at);
}
