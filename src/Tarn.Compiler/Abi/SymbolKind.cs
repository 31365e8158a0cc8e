// Why: what a relocation in compiled code refers to. All are 32-bit fields: pc-relative to the end of the field, except TypeId.
namespace Tarn.Compiler.Abi;

internal enum SymbolKind : byte
{
    /// <summary>A function of the same module by its index in the function index space (imports included).</summary>
    Function = 0,

    /// <summary>Code the runtime supplies; the target is a <see cref="BuiltinId"/>.</summary>
    Builtin = 1,

    /// <summary>The trap stub; the target is unused (the site's return address identifies the trap).</summary>
    Trap = 2,

    /// <summary>The engine-wide canonical id of a type of the module; imm32.</summary>
    TypeId = 3,
}

/// <summary>One place in a function's bytes that the runtime fills in when it loads the code.</summary>
/// <param name="Offset">Of the 32-bit field, from the start of the function's bytes.</param>
/// <param name="Kind">What it refers to.</param>
/// <param name="Target">Index of the function, <see cref="BuiltinId"/>, or the module's type index.</param>
internal readonly record struct Relocation(int Offset, SymbolKind Kind, int Target);

/// <summary>One PC at which a function may trap. Sorted by offset within a function.</summary>
/// <param name="Offset">Of the return address of the trap's call, or of the faulting instruction itself.</param>
/// <param name="Code">Why.</param>
/// <param name="WasmOffset">Byte offset of the instruction in the module.</param>
/// <param name="InPrologue">The frame is not set up yet: its size counts as zero.</param>
internal readonly record struct TrapSite(int Offset, TrapCode Code, int WasmOffset, bool InPrologue = false);

/// <summary>The return address of one call within a function. Sorted by offset within a function.</summary>
/// <param name="ReturnOffset">Of the instruction after the call.</param>
/// <param name="WasmOffset">Byte offset of the call in the module.</param>
/// <param name="References">Start of the list of places of managed references in <see cref="CompiledFunction.References"/>; −1 if none is alive.</param>
internal readonly record struct CallSite(int ReturnOffset, int WasmOffset, int References = -1);
