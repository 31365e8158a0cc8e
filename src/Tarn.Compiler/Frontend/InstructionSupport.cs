// Which instructions the translator and the runtime's constant expressions know. A module is refused by this when it is made, so that a function that is compiled when it is
// called first cannot fail there. Whoever teaches the translator an instruction takes it out here; tests hold the two to each other wherever a module is translated (IrInstance).
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Frontend;

internal static class InstructionSupport
{
    /// <summary>Groups of instructions of which some cannot be executed: modules that use none of them are not looked at.</summary>
    private const ModuleFacts Incomplete = ModuleFacts.UsesAtomics;

    /// <summary>Whether an instruction can be executed.</summary>
    public static bool Supports(Opcode opcode) => opcode switch
    {
        Opcode.MemoryAtomicNotify or Opcode.MemoryAtomicWait32 or Opcode.MemoryAtomicWait64 => false,
        _ => true,
    };

    /// <summary>Refuses a validated module that has an instruction which cannot be executed, in reachable code or not.</summary>
    /// <exception cref="UnsupportedModuleException">There is one.</exception>
    public static void Require(WasmModule module)
    {
        if ((module.Facts & Incomplete) == 0)
            return;
        foreach (ref readonly ConstantExpression expression in module.GlobalInitializers)
            RequireExpression(module, expression);
        foreach (ref readonly ConstantExpression expression in module.TableInitializers)
            RequireExpression(module, expression);
        foreach (ref readonly ElementSegment segment in module.Elements)
        {
            RequireExpression(module, segment.Start);
            if (!segment.HasExpressions)
                continue;
            WasmReader items = module.Read(segment);
            for (int i = 0; i < segment.Count; i++)
                RequireAll(ref items, null);
        }
        foreach (ref readonly DataSegment segment in module.Data)
            RequireExpression(module, segment.Start);
        for (int i = 0; i < module.Bodies.Length; i++)
        {
            WasmReader body = module.ReadBody(i);
            for (uint groups = body.ReadVarU32(); groups > 0; groups--)
                body.ReadLocalGroup(out _);
            RequireAll(ref body, i + module.ImportedFunctionCount);
        }
    }

    private static void RequireExpression(WasmModule module, ConstantExpression expression)
    {
        if (!expression.IsPresent)
            return;
        WasmReader reader = module.Read(expression);
        RequireAll(ref reader, null);
    }

    // Up to the end that closes the expression or body.
    private static void RequireAll(ref WasmReader reader, int? functionIndex)
    {
        int depth = 1;
        while (depth > 0)
        {
            int at = reader.Position;
            Opcode opcode = InstructionSkipper.Skip(ref reader);
            if (!Supports(opcode))
                throw new UnsupportedModuleException(Opcodes.Name(opcode), functionIndex, at);
            if (opcode is Opcode.Block or Opcode.Loop or Opcode.If or Opcode.TryTable or Opcode.Try)
                depth++;
            else if (opcode is Opcode.End or Opcode.Delegate)
                depth--;
        }
    }
}
