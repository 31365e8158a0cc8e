// The same words for an embedder as for the command line: what a file is that is no module, and where in a text the error is.
using Tarn.Wasi.Tests.Support;

namespace Tarn.Cli.Tests;

/// <summary>Module.FromFile, FromBytes and FromText say what is wrong with what they were given.</summary>
public sealed class ModuleErrorTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_is_not_a_module_is_named()
    {
        using Module module = Module.FromText(Guest.Engine, "(module)");
        (byte[] Bytes, string Message)[] inputs =
        [
            (module.Serialize(), "is a module that was compiled ahead of time"),
            ([.. "<html>"u8], "is an HTML or XML page"),
            ([.. "version https://git-lfs.github.com/spec/v1\n"u8], "is a pointer of Git LFS"),
            ([0x1F, 0x8B, 8, 0], "is compressed (gzip)"),
            ([], "is empty"),
            ([0, (byte)'a', (byte)'s', (byte)'m', 13, 0, 1, 0], "is a component"),
            ([0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0, 0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0], "a second one begins"),
        ];
        foreach ((byte[] bytes, string message) in inputs)
        {
            File.WriteAllBytes(_directory["m.wasm"], bytes);
            Assert.Contains(message, Assert.Throws<MalformedModuleException>(() => Module.FromBytes(Guest.Engine, bytes)).Message, StringComparison.Ordinal);
            Assert.Contains(message, Assert.Throws<MalformedModuleException>(() => Module.FromFile(Guest.Engine, _directory["m.wasm"])).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Errors_of_a_text_have_line_and_column()
    {
        const string Text = "(module\n  (func $f (result i32)\n    (i32.add (i32.const 1)\n      (i64.const 2))))";
        InvalidModuleException invalid = Assert.Throws<InvalidModuleException>(() => Module.FromText(Guest.Engine, Text));
        Assert.Equal((3, 6), (invalid.Line, invalid.Column));
        Assert.Contains("i32.add at line 3, column 6)\n  3 |     (i32.add (i32.const 1)\n    |      ^^^^^^^", invalid.Message, StringComparison.Ordinal);
        File.WriteAllText(_directory["m.wat"], Text);
        Assert.Contains("m.wat:3:6", Assert.Throws<InvalidModuleException>(() => Module.FromFile(Guest.Engine, _directory["m.wat"])).Message, StringComparison.Ordinal);
        MalformedModuleException malformed = Assert.Throws<MalformedModuleException>(() => Module.FromText(Guest.Engine, "(module\n (memory 1 2 shared))"));
        Assert.Equal((2, 3, WasmFeatures.Threads), (malformed.Line, malformed.Column, malformed.RequiredFeature));
        // A module that was binary has none.
        byte[] binary = Wasm.Text.WatParser.Parse(System.Text.Encoding.UTF8.GetBytes(Text));
        invalid = Assert.Throws<InvalidModuleException>(() => Module.FromBytes(Guest.Engine, binary));
        Assert.Null(invalid.Line);
        Assert.Contains("at byte 0x", invalid.Message, StringComparison.Ordinal);
    }
}
