// What `tarn run` gives a program: the terminal's streams, and what --dir and --env say. Streams are the process's own descriptors without a buffer, so
// that what the guest prints is there when it has printed it.
using Tarn.Wasi;

namespace Tarn.Cli.Running;

internal static class GuestWorld
{
    public static WasiOptions Options(string program, string[] arguments, string[] directories, string[] readOnlyDirectories, string[] variables) => new WasiOptions
    {
        Arguments = [program, .. arguments],
        Environment = [.. variables.Select(Variable)],
        Preopens = [.. directories.Select(d => Preopen(d, WasiRights.All)), .. readOnlyDirectories.Select(d => Preopen(d, WasiRights.ReadOnly))],
    }.WithProcessStreams();

    private static KeyValuePair<string, string> Variable(string text)
    {
        int at = text.IndexOf('=', StringComparison.Ordinal);
        if (at > 0)
            return new(text[..at], text[(at + 1)..]);
        return at < 0 && text.Length > 0
            ? new(text, HostText.Variable(text) ?? throw new ArgumentException($"--env {text}: there is no such variable here; give it a value with {text}=VALUE"))
            : throw new ArgumentException($"--env {text}: write NAME=VALUE, or NAME to pass on a variable of yours");
    }

    private static WasiPreopen Preopen(string text, WasiRights rights)
    {
        int at = text.IndexOf("::", StringComparison.Ordinal);
        string host = at < 0 ? text : text[..at];
        string guest = at < 0 ? text : text[(at + 2)..];
        return host.Length > 0 && guest.Length > 0
            ? WasiPreopen.Host(host, guest, rights)
            : throw new ArgumentException($"--dir {text}: write a directory of yours, or HOST::GUEST to give it another name in the guest");
    }
}
