// The exit statuses of every verb, as the help states them. Those of `run` are what shells and timeout(1) use for the same things.
namespace Tarn.Cli;

internal static class ExitStatus
{
    /// <summary>All well.</summary>
    public const int Done = 0;

    /// <summary>A module was refused, or a script's assertion failed.</summary>
    public const int Failed = 1;

    /// <summary>A file could not be read or written.</summary>
    public const int Unreadable = 2;

    /// <summary>A bug in Tarn: EX_SOFTWARE of sysexits.h.</summary>
    public const int Broken = 70;

    /// <summary>The guest took longer than it was given.</summary>
    public const int TimedOut = 124;

    /// <summary>The guest was stopped by Ctrl-C.</summary>
    public const int Interrupted = 130;

    /// <summary>The guest trapped.</summary>
    public const int Trapped = 134;

    /// <summary>The guest was stopped by SIGTERM.</summary>
    public const int Terminated = 143;
}
