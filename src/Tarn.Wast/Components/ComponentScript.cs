// Directives of scripts over components, in the order in which they are executed. A component in text keeps its place in the source and is parsed when it is asked for, so that a bad one
// fails its own directive and no other.
using Tarn.Wasm.Component;
using Tarn.Wasm.Text;

namespace Tarn.Wast.Components;

/// <summary>Kinds of directives.</summary>
internal enum ComponentCommandKind : byte
{
    /// <summary>A component or module that is defined and instantiated.</summary>
    Component,

    /// <summary>One that is only defined.</summary>
    Definition,

    /// <summary>An instance of a definition.</summary>
    Instance,

    /// <summary>Makes an instance importable.</summary>
    Register,

    /// <summary>A call.</summary>
    Invoke,
    AssertReturn,
    AssertTrap,
    AssertMalformed,
    AssertInvalid,
    AssertUnlinkable,
}

/// <summary>A directive.</summary>
internal sealed class ComponentCommand
{
    public required ComponentCommandKind Kind { get; init; }

    public required int Line { get; init; }

    /// <summary>The identifier that it defines or means.</summary>
    public string? Name { get; init; }

    /// <summary>The definition that is instantiated.</summary>
    public string? Target { get; init; }

    /// <summary>An expected message, or the name to register under.</summary>
    public string? Text { get; init; }

    public ComponentSource? Source { get; init; }

    public ComponentAction? Action { get; init; }

    public ComponentScriptValue[] Results { get; init; } = [];
}

/// <summary>A call of an export.</summary>
internal sealed record ComponentAction(string? Instance, string Export, ComponentScriptValue[] Arguments);

/// <summary>A component, or a core module, as a script has it.</summary>
internal sealed class ComponentSource(bool isModule, ScriptModuleForm form, string? name, byte[] source, int start, int end, string? fileName)
{
    public bool IsModule { get; } = isModule;

    public bool IsText => form == ScriptModuleForm.Text;

    public string? Name { get; } = name;

    /// <summary>The binary form. Text is parsed on every call.</summary>
    public byte[] ToBinary(WatOptions options, bool lenient)
    {
        if (form == ScriptModuleForm.Binary)
            return source;
        return IsModule ? WatParser.Parse(source, start, end, fileName, options) : ComponentParser.Parse(source, start, end, fileName, options, lenient);
    }
}
