// A guest that does nothing but pass calls on: every function of preview 1 is exported under its own name, so that a test can call it with any numbers
// whatever, as a hostile guest would. Its memory has two pages.
using System.Globalization;
using System.Text;

namespace Tarn.Wasi.Tests.Support;

internal sealed class RawGuest : IDisposable
{
    public const int MemorySize = 2 * 65536;

    // i: 32 bits, l: 64 bits. In the order of the interface's text.
    public static readonly IReadOnlyDictionary<string, string> Signatures = """
        args_get(ii) args_sizes_get(ii) environ_get(ii) environ_sizes_get(ii) clock_res_get(ii) clock_time_get(ili) fd_advise(illi)
        fd_allocate(ill) fd_close(i) fd_datasync(i) fd_fdstat_get(ii) fd_fdstat_set_flags(ii) fd_fdstat_set_rights(ill) fd_filestat_get(ii)
        fd_filestat_set_size(il) fd_filestat_set_times(illi) fd_pread(iiili) fd_prestat_get(ii) fd_prestat_dir_name(iii) fd_pwrite(iiili)
        fd_read(iiii) fd_readdir(iiili) fd_renumber(ii) fd_seek(ilii) fd_sync(i) fd_tell(ii) fd_write(iiii) path_create_directory(iii)
        path_filestat_get(iiiii) path_filestat_set_times(iiiilli) path_link(iiiiiii) path_open(iiiiillii) path_readlink(iiiiii)
        path_remove_directory(iii) path_rename(iiiiii) path_symlink(iiiii) path_unlink_file(iii) poll_oneoff(iiii) proc_raise(i)
        sched_yield() random_get(ii) sock_accept(iii) sock_recv(iiiiii) sock_send(iiiii) sock_shutdown(ii)
        """.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).ToDictionary(f => f.Split('(')[0], f => f.Split('(')[1].TrimEnd(')'));

    private static readonly Lazy<Module> s_module = new(() => Module.FromText(Guest.Engine, Text()));
    private readonly Module? _own;
    private readonly WasiContext _context;
    private readonly Instance _instance;

    /// <param name="options">Those of its context.</param>
    /// <param name="engine">Its engine, if not that of all guests.</param>
    /// <param name="isShared">Whether its memory is shared, which the engine has to allow.</param>
    public RawGuest(WasiOptions options, Engine? engine = null, bool isShared = false)
    {
        _context = new WasiContext(options);
        if (engine is not null)
            _own = Module.FromText(engine, isShared ? Text().Replace("\"memory\") 2)", "\"memory\") 2 2 shared)", StringComparison.Ordinal) : Text());
        _instance = new Linker(engine ?? Guest.Engine).DefineWasi().Prepare(_own ?? s_module.Value).Instantiate(_context);
    }

    public Memory Memory => _instance.Memory;

    public Instance Instance => _instance;

    public WasiErrno Call(string name, params ReadOnlySpan<long> arguments)
    {
        string signature = Signatures[name];
        Assert.Equal(signature.Length, arguments.Length);
        var values = new Value[arguments.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = signature[i] == 'i' ? Value.FromInt32(unchecked((int)arguments[i])) : Value.FromInt64(arguments[i]);
        return (WasiErrno)_instance.GetFunction(name).Invoke(values)[0].AsInt32();
    }

    /// <summary>Calls a function that takes a path first of all after the descriptor.</summary>
    public WasiErrno OnPath(string name, int directory, string path)
    {
        int length = Memory.WriteUtf8(1024, path);
        return Call(name, directory, 1024, length);
    }

    /// <summary>Opens a path.</summary>
    public WasiErrno Open(int directory, string path, out int opened, WasiOpenFlags flags = 0, WasiRights rights = WasiRights.All, bool follow = true)
    {
        int length = Memory.WriteUtf8(1024, path);
        WasiErrno errno = Call("path_open", directory, follow ? 1 : 0, 1024, length, (int)flags, (long)rights, (long)WasiRights.All, 0, 512);
        opened = errno == WasiErrno.Success ? Memory.Read<int>(512) : -1;
        return errno;
    }

    /// <summary>Reads a descriptor to the end or the first 1000 bytes.</summary>
    public string ReadText(int descriptor)
    {
        Memory.Write(256, 8192);
        Memory.Write(260, 1000);
        Assert.Equal(WasiErrno.Success, Call("fd_read", descriptor, 256, 1, 264));
        return Memory.ReadUtf8(8192, Memory.Read<int>(264));
    }

    /// <summary>Writes text to a descriptor.</summary>
    public WasiErrno WriteText(int descriptor, string text)
    {
        int length = Memory.WriteUtf8(8192, text);
        Memory.Write(256, 8192);
        Memory.Write(260, length);
        return Call("fd_write", descriptor, 256, 1, 264);
    }

    public WasiErrno SymbolicLink(string target, int directory, string path)
    {
        int targetLength = Memory.WriteUtf8(2048, target);
        int length = Memory.WriteUtf8(1024, path);
        return Call("path_symlink", 2048, targetLength, directory, 1024, length);
    }

    public WasiErrno Rename(int from, string path, int to, string target)
    {
        int length = Memory.WriteUtf8(1024, path);
        int targetLength = Memory.WriteUtf8(2048, target);
        return Call("path_rename", from, 1024, length, to, 2048, targetLength);
    }

    public WasiErrno HardLink(int from, string path, int to, string target, bool follow = false)
    {
        int length = Memory.WriteUtf8(1024, path);
        int targetLength = Memory.WriteUtf8(2048, target);
        return Call("path_link", from, follow ? 1 : 0, 1024, length, to, 2048, targetLength);
    }

    public void Dispose()
    {
        _instance.Dispose();
        _context.Dispose();
        _own?.Dispose();
    }

    private static string Text()
    {
        var text = new StringBuilder("(module (memory (export \"memory\") 2)\n");
        foreach ((string name, string signature) in Signatures)
        {
            string types = string.Concat(signature.Select(c => c == 'i' ? " i32" : " i64"));
            text.Append(CultureInfo.InvariantCulture, $"(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param{types}) (result i32)))\n");
        }
        foreach ((string name, string signature) in Signatures)
        {
            string types = string.Concat(signature.Select(c => c == 'i' ? " i32" : " i64"));
            string gets = string.Concat(Enumerable.Range(0, signature.Length).Select(i => $" (local.get {i})"));
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"{name}\") (param{types}) (result i32) (call ${name}{gets}))\n");
        }
        // Imports come before everything else.
        return text.Append(')').Replace("(memory (export \"memory\") 2)\n", "").Replace("(func (export \"args_get\")", "(memory (export \"memory\") 2)\n(func (export \"args_get\")").ToString();
    }
}
