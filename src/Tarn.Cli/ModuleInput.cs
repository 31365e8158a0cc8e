// How every verb reads a module: a path, or - for standard input; binary or text, told apart by the contents and never by the name.
using System.CommandLine;
using Tarn.Wasi;
using Tarn.Wasm;
using Tarn.Wasm.Binary;
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
        using Stream input = Open(path);
        return ReadToEnd(input);
    }

    /// <summary>Opens a file, or standard input.</summary>
    public static Stream Open(string path)
    {
        if (path == "-")
            return Console.OpenStandardInput();
        // Opening it would be an error too, but "access denied".
        using HostPath host = HostPath.ForReading(path);
        return Directory.Exists(host.Usable)
            ? throw new IOException($"{DisplayName(path)} is a directory")
            : new FileStream(host.Usable, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
    }

    /// <summary>The bytes of a file that says that it has none, as those of /proc do.</summary>
    public static byte[] ReadWhole(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        return ReadToEnd(file);
    }

    /// <summary>The bytes of a stream from where it stands to its end; pipes and devices are as good as files.</summary>
    public static byte[] ReadToEnd(Stream input)
    {
        if (input.CanSeek && input.Length - input.Position is > 0 and long length && length <= Array.MaxLength)
        {
            byte[] bytes = new byte[length];
            input.ReadExactly(bytes);
            return bytes;
        }
        using MemoryStream all = new();
        input.CopyTo(all);
        return all.ToArray();
    }

    /// <summary>Refuses what is neither a module nor text, by what it is, before the parser of the text format says what it makes of it.</summary>
    public static void RefuseForeign(ReadOnlySpan<byte> bytes, string path)
    {
        if (ForeignBytes.Describe(bytes) is string what)
            throw new IOException($"{DisplayName(path)} {what}");
    }

    /// <summary>Whether these bytes are a binary module rather than text: they begin with a zero byte, which no text does.</summary>
    public static bool IsBinary(ReadOnlySpan<byte> bytes) => bytes is [0, ..];

    /// <summary>The binary form of a module read from <paramref name="path"/>.</summary>
    public static byte[] ReadBinary(string path, WasmFeatures features)
    {
        byte[] bytes = Read(path);
        RefuseForeign(bytes, path);
        return IsBinary(bytes) ? bytes : WatParser.Parse(bytes, DisplayName(path), new WatOptions { Features = features });
    }

    /// <summary>The decoded and validated module read from <paramref name="path"/>.</summary>
    public static WasmModule ReadModule(string path, WasmFeatures features)
    {
        byte[] bytes = Read(path);
        RefuseForeign(bytes, path);
        if (IsBinary(bytes))
            return Check(bytes, features);
        var options = new WatOptions { Features = features };
        try
        {
            return Check(WatParser.Parse(bytes, DisplayName(path), options), features);
        }
        catch (WasmException e) when (e is not TextFormatException)
        {
            throw TextLocation.Locate(e, bytes, DisplayName(path), options);
        }
    }

    /// <summary>Decodes and validates a module.</summary>
    public static WasmModule Check(byte[] binary, WasmFeatures features)
    {
        WasmModule module = WasmModule.Decode(binary, features);
        ModuleValidator.Validate(module, new TypeRegistry());
        return module;
    }

    /// <summary>What messages call this input.</summary>
    public static string DisplayName(string path) => path == "-" ? "(standard input)" : WasiText.Display(path);
}
