// Names, arguments and variables that are not UTF-8. Guests and Unix hosts pass bytes, and they arrive as they were sent; an embedder's own file system has names that are text, and a
// guest that uses another is told so.
using System.Text;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>Bytes that are not UTF-8 go through unchanged.</summary>
public sealed class ByteNameTests : IDisposable
{
    private const int Work = 3;
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        // The framework cannot name what is in it.
        Shell("rm -rf work");
        _directory.Dispose();
    }

    [Fact]
    public void Every_sequence_of_bytes_has_one_text_and_comes_back()
    {
        var random = new Random(1);
        byte[][] known = [[], [0xff], [0xc3], [0xc3, 0xa9], [0xed, 0xa0, 0x80], [0xed, 0xb2, 0x80], [0xc0, 0xae], [0xf4, 0x90, 0x80, 0x80], [0xf0, 0x9f, 0x98], [.. "é😀"u8]];
        var seen = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = i < known.Length ? known[i] : [.. Enumerable.Range(0, random.Next(6)).Select(_ => random.Next(3) == 0 ? (byte)random.Next(128) : (byte)random.Next(128, 256))];
            string text = WasiText.FromBytes(bytes);
            Assert.Equal(bytes, WasiText.ToBytes(text));
            if (!seen.TryAdd(text, bytes))
                Assert.Equal(bytes, seen[text]);
            Assert.True(WasiText.IsUnicode(WasiText.Display(text)));
        }
        Assert.Equal("é😀", WasiText.FromBytes("é😀"u8));
        Assert.Equal("a\\xffb", WasiText.Display(WasiText.FromBytes([(byte)'a', 0xff, (byte)'b'])));
        Assert.Contains("half of a surrogate pair", Assert.Throws<ArgumentException>(() => WasiText.ToBytes("\ud800")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_program_in_C_sees_the_bytes_of_names_links_arguments_and_variables(bool onHost)
    {
        var memory = new WasiMemoryFileSystem();
        if (onHost)
        {
            Shell("mkdir -p work; touch $'work/a\\xff' $'work/a\\xfe'; ln -s $'a\\xff' $'work/l\\xfd'");
        }
        else
        {
            memory.WriteFile("work/a\udcff", "");
            memory.WriteFile("work/a\udcfe", "");
            using WasiDirectory root = memory.OpenRoot();
            Assert.Equal(WasiErrno.Success, root.OpenDirectory("work", out WasiDirectory? work));
            Assert.Equal(WasiErrno.Success, work!.CreateSymbolicLink("l\udcfd", "a\udcff"));
            work.Dispose();
        }
        GuestResult result = Guest.Run("not-utf8-names", ["x\udce9"], new WasiOptions
        {
            Preopens = [onHost ? WasiPreopen.Host(_directory.Path, ".") : WasiPreopen.Memory(memory, "."), WasiPreopen.Memory(memory, "p\udcff")],
            Environment = [new("V\udcfe", "v\udcff")],
        });
        Assert.Equal("", result.Error);
        string[] lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            ["argument: 6e6f742d757466382d6e616d6573", "argument: 78e9", "variable: 56fe3d76ff", "preopen: 2e", "preopen: 70ff"], lines[..5]);
        Assert.Contains("entry: 61ff", lines);
        Assert.Contains("entry: 61fe", lines);
        Assert.Contains("entry: 6cfd", lines);
        Assert.Contains("  link to: 61ff", lines);
        Assert.Equal(4, lines.Count(line => line.Trim() is "lstat 0" or "stat 0"));
        Assert.DoesNotContain(lines, line => line.Contains("efbfbd", StringComparison.Ordinal));
    }

    [Fact]
    public void A_directory_of_the_host_may_have_such_a_name()
    {
        Shell("mkdir -p $'work/d\\xe9'; printf inside > $'work/d\\xe9/x\\xe8'");
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Host(Path.Combine(_directory.Path, "work", "d\udce9"), "/")] });
        guest.Memory.CopyFrom(1024, [(byte)'x', 0xe8]);
        Assert.Equal(WasiErrno.Success, guest.Call("path_open", Work, 0, 1024, 2, 0, (long)WasiRights.Read, 0, 0, 512));
        Assert.Equal("inside", guest.ReadText(guest.Memory.Read<int>(512)));
        DirectoryNotFoundException missing = Assert.Throws<DirectoryNotFoundException>(() => new WasiContext(new WasiOptions { Preopens = [WasiPreopen.Host("/not/there\udcff", "/")] }));
        Assert.Contains("/not/there\\xff", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_a_guest_makes_are_on_the_host_as_it_spelt_them()
    {
        Shell("mkdir work");
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Host(_directory["work"], "/")] });
        // Among them ".." in overlong form and half of a surrogate pair: names like others.
        foreach (byte[] name in new byte[][] { [0xff, 0xfe, (byte)'a'], [0xc0, 0xae, 0xc0, 0xae], [0xed, 0xa0, 0x80] })
        {
            guest.Memory.CopyFrom(1024, name);
            Assert.Equal(WasiErrno.Success, guest.Call("path_create_directory", Work, 1024, name.Length));
        }
        Assert.Equal("c0aec0ae\neda080\nfffe61\n", Shell("cd work; for f in *; do printf %s \"$f\" | od -An -tx1 | tr -d ' '; done | sort"));
    }

    [Fact]
    public void A_file_system_whose_names_are_text_refuses_other_names()
    {
        var memory = new WasiMemoryFileSystem();
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Virtual(() => new TextOnlyDirectory(memory.OpenRoot()), "/")] });
        guest.Memory.CopyFrom(1024, [(byte)'x', 0xe8]);
        Assert.Equal(WasiErrno.IllegalSequence, guest.Call("path_open", Work, 0, 1024, 2, 0, (long)WasiRights.Read, 0, 0, 512));
        Assert.Equal(WasiErrno.IllegalSequence, guest.Call("path_create_directory", Work, 1024, 2));
        guest.Memory.CopyFrom(2048, "link"u8);
        Assert.Equal(WasiErrno.IllegalSequence, guest.Call("path_symlink", 1024, 2, Work, 2048, 4));
        Assert.Equal(WasiErrno.NoEntry, guest.Open(Work, "é", out _));
    }

    [Fact]
    public void Two_spellings_of_the_same_bytes_are_one_name_in_memory()
    {
        var memory = new WasiMemoryFileSystem();
        memory.WriteFile("\udcc3\udca9", "first");
        memory.WriteFile("é", "second");
        Assert.Equal("second", Encoding.UTF8.GetString(memory.ReadFile("\udcc3\udca9")));
    }

    [Fact]
    public void What_stands_for_no_bytes_is_refused_by_name()
    {
        Assert.Throws<ArgumentException>(() => new WasiContext(new WasiOptions { Arguments = ["\ud800"] }));
        Assert.Throws<ArgumentException>(() => new WasiContext(new WasiOptions { Environment = [new("A", "\ud800")] }));
        Assert.Throws<ArgumentException>(() => WasiPreopen.Memory(new WasiMemoryFileSystem(), "\udfff"));
    }

    private string Shell(string line)
    {
        using var process = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("bash", ["-c", line]) { WorkingDirectory = _directory.Path, RedirectStandardOutput = true, Environment = { ["LC_ALL"] = "C" } })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    // An embedder's own, which says nothing about bytes.
    private sealed class TextOnlyDirectory(WasiDirectory inner) : WasiDirectory
    {
        public override WasiErrno GetStat(out WasiFileStat stat) => inner.GetStat(out stat);

        public override WasiErrno GetStat(string name, out WasiFileStat stat) => inner.GetStat(name, out stat);

        public override WasiErrno OpenDirectory(string name, out WasiDirectory? directory) => inner.OpenDirectory(name, out directory);

        public override WasiErrno Reopen(out WasiDirectory? directory) => inner.Reopen(out directory);

        public override WasiErrno OpenFile(string name, WasiOpenFlags flags, out WasiFile? file) => inner.OpenFile(name, flags, out file);

        public override WasiErrno ReadEntries(out IReadOnlyList<WasiDirectoryEntry> entries) => inner.ReadEntries(out entries);

        public override WasiErrno CreateSymbolicLink(string name, string target) => inner.CreateSymbolicLink(name, target);

        public override WasiErrno CreateDirectory(string name) => inner.CreateDirectory(name);

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
