// The exit statuses of every verb, as the help states them.
namespace Tarn.Cli;

internal static class ExitStatus
{
    /// <summary>All well.</summary>
    public const int Done = 0;

    /// <summary>A module was refused, or a script's assertion failed.</summary>
    public const int Failed = 1;

    /// <summary>A file could not be read or written.</summary>
    public const int Unreadable = 2;
}
