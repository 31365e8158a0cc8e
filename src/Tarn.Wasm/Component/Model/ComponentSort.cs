// The sorts of the component model's index spaces. One enumeration for core and component sorts, so that an alias, an argument and an export name their space in the same way.
namespace Tarn.Wasm.Component;

/// <summary>What an index of a component refers to.</summary>
internal enum ComponentSort : byte
{
    CoreFunction,
    CoreTable,
    CoreMemory,
    CoreGlobal,
    CoreTag,
    CoreType,
    CoreModule,
    CoreInstance,
    Function,
    Value,
    Type,
    Component,
    Instance,

    /// <summary>The number of sorts.</summary>
    Count,
}

/// <summary>Facts about sorts.</summary>
internal static class ComponentSorts
{
    /// <summary>The sort's code in the binary format; for a core sort, the byte behind the leading zero.</summary>
    public static byte Code(this ComponentSort sort) => sort switch
    {
        ComponentSort.CoreFunction => 0x00,
        ComponentSort.CoreTable => 0x01,
        ComponentSort.CoreMemory => 0x02,
        ComponentSort.CoreGlobal => 0x03,
        ComponentSort.CoreTag => 0x04,
        ComponentSort.CoreType => 0x10,
        ComponentSort.CoreModule => 0x11,
        ComponentSort.CoreInstance => 0x12,
        ComponentSort.Function => 0x01,
        ComponentSort.Value => 0x02,
        ComponentSort.Type => 0x03,
        ComponentSort.Component => 0x04,
        _ => 0x05,
    };

    /// <summary>Whether the sort belongs to core WebAssembly.</summary>
    public static bool IsCore(this ComponentSort sort) => sort <= ComponentSort.CoreInstance;

    /// <summary>The core sort of a code, or null.</summary>
    public static ComponentSort? OfCoreCode(byte code) => code switch
    {
        0x00 => ComponentSort.CoreFunction,
        0x01 => ComponentSort.CoreTable,
        0x02 => ComponentSort.CoreMemory,
        0x03 => ComponentSort.CoreGlobal,
        0x04 => ComponentSort.CoreTag,
        0x10 => ComponentSort.CoreType,
        0x11 => ComponentSort.CoreModule,
        0x12 => ComponentSort.CoreInstance,
        _ => null,
    };

    /// <summary>The component sort of a code, or null.</summary>
    public static ComponentSort? OfCode(byte code) => code switch
    {
        0x01 => ComponentSort.Function,
        0x02 => ComponentSort.Value,
        0x03 => ComponentSort.Type,
        0x04 => ComponentSort.Component,
        0x05 => ComponentSort.Instance,
        _ => null,
    };

    /// <summary>The sort's keyword in the text format, without the word <c>core</c>.</summary>
    public static string Keyword(this ComponentSort sort) => sort switch
    {
        ComponentSort.CoreFunction or ComponentSort.Function => "func",
        ComponentSort.CoreTable => "table",
        ComponentSort.CoreMemory => "memory",
        ComponentSort.CoreGlobal => "global",
        ComponentSort.CoreTag => "tag",
        ComponentSort.CoreType or ComponentSort.Type => "type",
        ComponentSort.CoreModule => "module",
        ComponentSort.CoreInstance or ComponentSort.Instance => "instance",
        ComponentSort.Value => "value",
        _ => "component",
    };

    /// <summary>The sort in words, for messages.</summary>
    public static string Describe(this ComponentSort sort) => sort switch
    {
        ComponentSort.CoreFunction => "core function",
        ComponentSort.Function => "function",
        ComponentSort.CoreModule => "module",
        _ => (sort.IsCore() ? "core " : "") + sort.Keyword(),
    };
}
