// What tarn itself prints, as opposed to what guests print. Three things hold for every message, whoever writes it:
//   - that it cannot be written (standard error is closed, full, or nobody reads it) never becomes an error of its own: the exit status still says what was to be said;
//   - what a module or file has put into it (names of functions, exports, lines of text) is shown and not obeyed: control characters would move a terminal's cursor, change
//     its title or colours, or hide what was printed before;
//   - it goes to a descriptor that the process was started with. Where a standard stream was closed at the start, the runtime's own descriptors take its number. They are
//     told by their flag close-on-exec, which no descriptor that came through an exec can have.
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Tarn.Cli;

internal static partial class StandardStreams
{
    private const int Output = 1;
    private const int Error = 2;

    /// <summary>Standard error for what moves the cursor itself.</summary>
    public static TextWriter Terminal { get; } = new MessageWriter(escape: false);

    /// <summary>Makes the console's writers ours.</summary>
    public static void Install()
    {
        Console.SetError(new MessageWriter(escape: true));
        if (!IsInherited(Output))
            Console.SetOut(new ClosedWriter());
    }

    /// <summary>A text with its control and formatting characters spelt out, but for line ends and tabs.</summary>
    internal static string Escape(string text)
    {
        text = Tarn.Wasi.WasiText.Display(text);
        if (!text.Any(MustBeEscaped))
            return text;
        StringBuilder escaped = new();
        foreach (char c in text)
        {
            if (MustBeEscaped(c))
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{{{(int)c:x}}}");
            else
                escaped.Append(c);
        }
        return escaped.ToString();
    }

    private static bool MustBeEscaped(char c) =>
        c is not ('\n' or '\t') && (char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format);

    private static bool IsInherited(int descriptor)
    {
        const int GetDescriptorFlags = 1; // F_GETFD
        const int CloseOnExec = 1;
        if (!OperatingSystem.IsLinux())
            return true;
        int flags = Control(descriptor, GetDescriptorFlags);
        return flags >= 0 && (flags & CloseOnExec) == 0;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);

    private sealed class MessageWriter(bool escape) : TextWriter
    {
        // Opened by the first message: most runs have none.
        private readonly Lazy<Stream> _stream = new(() => IsInherited(Error) ? Console.OpenStandardError() : Stream.Null);

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => Put(value.ToString());

        public override void Write(char[] buffer, int index, int count) => Put(new string(buffer, index, count));

        public override void Write(ReadOnlySpan<char> buffer) => Put(buffer.ToString());

        public override void Write(string? value) => Put(value ?? "");

        // In one piece, so that lines of two processes that share a terminal do not mix.
        public override void WriteLine(string? value) => Put(value + "\n");

        private void Put(string text)
        {
            try
            {
                _stream.Value.Write(Encoding.UTF8.GetBytes(escape ? Escape(text) : text));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                // There is nobody left to be told.
            }
        }
    }

    private sealed class ClosedWriter : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => throw new IOException("standard output is closed");
    }
}
