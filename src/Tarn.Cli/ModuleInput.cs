// How every verb reads a module: a path, or - for standard input; binary or text, told apart by the contents and never by the name.
using System.CommandLine;
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Cli;

internal static class ModuleInput
{
    /// <summary>The argument that names modules.</summary>
    public static Argument<string[]> Files(string description) => new("FILE") { Description = description, Arity = ArgumentArity.OneOrMore };

    /// <summary>The argument that names one module.</summary>
    public static Argument<string> File(string description) => new("FILE") { Description = description };

    /// <summary>The bytes of a file, or of standard input.</summary>
    public static byte[] Read(string path)
    {
        if (path != "-")
            return System.IO.File.ReadAllBytes(path);
        using Stream input = Console.OpenStandardInput();
        using MemoryStream all = new();
        input.CopyTo(all);
        return all.ToArray();
    }

    /// <summary>Whether these bytes are a binary module rather than text: they begin with a zero byte, which no text does.</summary>
    public static bool IsBinary(ReadOnlySpan<byte> bytes) => bytes is [0, ..];

    /// <summary>The binary form of a module read from <paramref name="path"/>.</summary>
    public static byte[] ReadBinary(string path, WasmFeatures features)
    {
        byte[] bytes = Read(path);
        return IsBinary(bytes) ? bytes : WatParser.Parse(bytes, DisplayName(path), new WatOptions { Features = features });
    }

    /// <summary>The decoded and validated module read from <paramref name="path"/>.</summary>
    public static WasmModule ReadModule(string path, WasmFeatures features) => Check(ReadBinary(path, features), features);

    /// <summary>Decodes and validates a module.</summary>
    public static WasmModule Check(byte[] binary, WasmFeatures features)
    {
        WasmModule module = WasmModule.Decode(binary, features);
        ModuleValidator.Validate(module, new TypeRegistry());
        return module;
    }

    /// <summary>What messages call this input.</summary>
    public static string DisplayName(string path) => path == "-" ? "(standard input)" : path;
}
