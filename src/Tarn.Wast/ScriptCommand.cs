// A directive of a script as the runner needs it. Modules in text keep their place in the source and are parsed when asked for, so that a bad module
// fails its own directive and no other.
using Tarn.Wasm.Text;

namespace Tarn.Wast;

/// <summary>A parsed script.</summary>
/// <param name="Source">Its text.</param>
/// <param name="FileName">Its name in messages.</param>
/// <param name="Commands">Its directives in order.</param>
internal sealed record Script(byte[] Source, string? FileName, IReadOnlyList<ScriptCommand> Commands);

/// <summary>A directive.</summary>
internal sealed class ScriptCommand
{
    public required ScriptCommandKind Kind { get; init; }

    /// <summary>Its line in the source, from 1.</summary>
    public required int Line { get; init; }

    /// <summary>The identifier that the directive defines or means (without the dollar sign), where it has one.</summary>
    public string? Name { get; init; }

    /// <summary>A second identifier: what is instantiated or shared.</summary>
    public string? Target { get; init; }

    /// <summary>The expected message of an assertion, or the name to register under.</summary>
    public string? Text { get; init; }

    public ScriptModule? Module { get; init; }

    public ScriptAction? Action { get; init; }

    public ScriptResult[] Results { get; init; } = [];

    /// <summary>What a thread runs.</summary>
    public ScriptCommand[] Commands { get; init; } = [];
}

/// <summary>A call of an exported function or a look at an exported global.</summary>
/// <param name="IsGet">Whether it reads a global.</param>
/// <param name="Instance">Identifier of the instance, null for the last one.</param>
/// <param name="Export">The name of the export.</param>
/// <param name="Arguments">Arguments of a call.</param>
internal sealed record ScriptAction(bool IsGet, string? Instance, string Export, ScriptValue[] Arguments);

/// <summary>Forms in which a script holds a module.</summary>
internal enum ScriptModuleForm : byte
{
    /// <summary>In the text format, as part of the script.</summary>
    Text,

    /// <summary>In the text format, in strings, so that it may be malformed.</summary>
    Quote,

    /// <summary>In the binary format, in strings.</summary>
    Binary,
}

/// <summary>A module in a script.</summary>
internal sealed class ScriptModule
{
    private readonly byte[] _source;
    private readonly int _start;
    private readonly int _end;
    private readonly string? _fileName;

    /// <summary>Creates a module that stands in the source from <paramref name="start"/> to <paramref name="end"/>, or whose strings hold <paramref name="source"/>.</summary>
    public ScriptModule(ScriptModuleForm form, string? name, byte[] source, int start, int end, string? fileName)
    {
        Form = form;
        Name = name;
        _source = source;
        _start = start;
        _end = end;
        _fileName = fileName;
    }

    public ScriptModuleForm Form { get; }

    /// <summary>Its identifier without the dollar sign.</summary>
    public string? Name { get; }

    /// <summary>The module as binary. Text is parsed on every call.</summary>
    /// <exception cref="TextFormatException">The text is malformed.</exception>
    public byte[] ToBinary(WatOptions? options = null) => Form == ScriptModuleForm.Binary
        ? _source
        : WatParser.Parse(_source, _start, _end, _fileName, options);
}
