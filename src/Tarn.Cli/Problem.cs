// What an exception means to the user of the command line: a sentence and an exit status. Nobody is shown a stack trace, which says nothing to them; who looks for a fault of
// ours asks for it with TARN_TRACE.
using System.Reflection;
using Tarn.Platform;

namespace Tarn.Cli;

internal static class Problem
{
    private const string TraceVariable = "TARN_TRACE";

    /// <summary>Tells of an exception on standard error.</summary>
    /// <returns>The exit status.</returns>
    public static int Tell(Exception exception)
    {
        while (exception is TypeInitializationException or AggregateException or TargetInvocationException && exception.InnerException is Exception inner)
            exception = inner;
        (int status, string message) = exception switch
        {
            WasmException or PlatformException or PlatformNotSupportedException => (ExitStatus.Failed, exception.Message),
            IOException or UnauthorizedAccessException => (ExitStatus.Unreadable, exception.Message),
            // Running out is told from a single wish that was too large by nothing but the message, which says little in both cases.
            OutOfMemoryException => (ExitStatus.Failed, "there is not enough memory"),
            _ => (ExitStatus.Broken, $"this is a fault of tarn's own, please report it ({TraceVariable}=1 shows where it is): {exception.GetType().Name}: {exception.Message}"),
        };
        Console.Error.WriteLine($"tarn: {message}{HintOf(exception)}");
        if (Environment.GetEnvironmentVariable(TraceVariable) is { Length: > 0 })
            Console.Error.WriteLine(exception.ToString());
        return status;
    }

    /// <summary>A line that says what to do, behind a line end; empty where there is nothing to say.</summary>
    public static string HintOf(Exception exception) => exception is MalformedModuleException { RequiredFeature: not WasmFeatures.None and var feature }
        ? $"\nhint: --features {FeatureOption.NameOf(feature)} lets modules use it"
        : "";

    /// <summary>An exception's message without the name of a parameter, which the command line's user never saw.</summary>
    public static string MessageOf(Exception exception)
    {
        string behind = $" (Parameter '{(exception as ArgumentException)?.ParamName}')";
        return exception.Message.EndsWith(behind, StringComparison.Ordinal) ? exception.Message[..^behind.Length] : exception.Message;
    }
}
