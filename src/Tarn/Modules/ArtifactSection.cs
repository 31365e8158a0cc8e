// The parts of a compiled module's file, in their order there. The numbers are the format's.
namespace Tarn.Modules;

internal enum ArtifactSection
{
    Module = 0,
    Code,
    Starts,
    Lengths,
    FrameSizes,
    StackArgumentBytes,
    TrapOffsets,
    TrapWasmOffsets,
    TrapCodes,
    CallOffsets,
    CallWasmOffsets,
    CallReferences,
    References,
    SavedRegisters,
    HandlerOffsets,
    HandlerLandings,
    HandlerScopes,
    Scopes,
    RelocationOffsets,
    RelocationKinds,
    RelocationTargets,

    /// <summary>What instances begin with, as StateEncoding writes it; empty where they begin as the module says.</summary>
    Snapshot,
}
