// A decoded component: its definitions in order, everything bulky as ranges of its bytes. Like WasmModule it keeps the bytes alive and relies on nobody changing them, and nothing in
// it is known to be consistent until ComponentValidator has accepted it.
namespace Tarn.Wasm.Component;

/// <summary>A component in decoded form.</summary>
internal sealed class WasmComponent
{
    private ComponentNames? _names;

    internal WasmComponent(ReadOnlyMemory<byte> bytes, int start, int end, ComponentDefinition[] definitions, WasmFeatures features)
    {
        Bytes = bytes;
        Start = start;
        End = end;
        Definitions = definitions;
        Features = features;
    }

    /// <summary>The bytes of the outermost component, which all offsets refer to.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Offset of this component's first byte.</summary>
    public int Start { get; }

    /// <summary>Offset behind its last byte.</summary>
    public int End { get; }

    /// <summary>Its definitions in order.</summary>
    public ComponentDefinition[] Definitions { get; }

    /// <summary>The features that its modules were decoded with.</summary>
    public WasmFeatures Features { get; }

    /// <summary>Names of its items for people; empty without a name section or where it is broken.</summary>
    public ComponentNames Names => _names ??= ComponentNames.Parse(this);

    /// <summary>Whether bytes begin as a component does.</summary>
    public static bool IsComponent(ReadOnlySpan<byte> bytes) => bytes.StartsWith("\0asm"u8) && bytes.Length >= 8 && bytes[6] == 1 && bytes[7] == 0;

    /// <summary>Decodes a component with everything in it but the bodies of functions.</summary>
    /// <param name="bytes">The binary; kept, not copied.</param>
    /// <param name="features">What its core modules may use.</param>
    /// <exception cref="MalformedModuleException">The bytes are not a component.</exception>
    public static WasmComponent Decode(ReadOnlyMemory<byte> bytes, WasmFeatures features = WasmFeatures.Wasm3) => ComponentDecoder.Decode(bytes, features);

    /// <summary>The bytes of a custom section behind its name.</summary>
    public ReadOnlySpan<byte> Read(CustomDefinition section) => Bytes.Span.Slice(section.Start, section.Length);

    /// <summary>The bytes of a core module.</summary>
    public static ReadOnlyMemory<byte> Read(CoreModuleDefinition module) => module.Module.Bytes;
}
