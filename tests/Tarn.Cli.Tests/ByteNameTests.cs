// The command line's own paths, arguments and variables where they are not UTF-8.
using Tarn.Cli.Tests.Support;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Cli.Tests;

/// <summary>What a shell passes in bytes arrives in bytes.</summary>
public sealed class ByteNameTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        CommandLine.Shell($"rm -rf '{_directory.Path}'/*");
        _directory.Dispose();
    }

    [Fact]
    public void Modules_directories_arguments_and_variables_may_have_any_bytes()
    {
        GuestResult result = Run("mkdir -p $'d\\xe9/work'; touch $'d\\xe9/work/x\\xe8'; cp NAMES $'n\\xe9.wasm'; export V=$'v\\xff'; tarn run --dir $'d\\xe9::.' -e V -e $'W=\\xfe' $'n\\xe9.wasm' $'a\\xff'");
        Assert.Equal(
            new GuestResult(0, "argument: 6ee92e7761736d\nargument: 61ff\nvariable: 563d76ff\nvariable: 573dfe\npreopen: 2e\nentry: 78e8\n  lstat 0 \n", ""), result);
    }

    [Fact]
    public void The_current_directory_may_have_any_bytes()
    {
        GuestResult result = Run("mkdir -p $'d\\xe9/work'; cd $'d\\xe9'; touch work/x; cp NAMES n.wasm; tarn run --dir . n.wasm && tarn compile n.wasm -o $'n\\xe9.tarn' && tarn run $'n\\xe9.tarn' && tarn validate n.wasm");
        Assert.Equal((0, ""), (result.Status, result.Error));
        Assert.Contains("entry: 78\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("n\\xe9.tarn: ", result.Output, StringComparison.Ordinal);
        Assert.Contains("argument: 6ee92e7461726e\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("n.wasm: valid", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named_as_it_was_given()
    {
        GuestResult result = Run("tarn run $'z\\xe9.wasm'");
        Assert.Equal(new GuestResult(2, "", "tarn: z\\xe9.wasm: No such file or directory\n"), result);
    }

    private GuestResult Run(string line) => CommandLine.Shell($"cd '{_directory.Path}'; {line.Replace("NAMES", Guest.PathOf("not-utf8-names"), StringComparison.Ordinal)}");
}
