// Why a stream gave or took nothing.
namespace Tarn.Wasi.Preview2.Io;

/// <summary>What went wrong with a stream; the object behind wasi:io/error.</summary>
/// <param name="Errno">The error number; of a file, also its error code.</param>
/// <param name="Text">In words.</param>
internal sealed record StreamError(WasiErrno Errno, string Text)
{
    /// <summary>The failure behind it, where there is one.</summary>
    public Exception? Cause { get; init; }

    public static StreamError Of(WasiErrno errno) => new(errno, errno.ToString());

    public static StreamError Of(Exception exception) => new(Preview1.ExceptionErrno.From(exception), exception.Message) { Cause = exception };
}

/// <summary>What an operation on a stream came to.</summary>
/// <param name="IsClosed">Whether the stream has ended.</param>
/// <param name="Error">What went wrong, or null.</param>
internal readonly record struct StreamOutcome(bool IsClosed, StreamError? Error)
{
    public static StreamOutcome Done => default;

    public static StreamOutcome Closed => new(true, null);

    public bool IsDone => !IsClosed && Error is null;

    public static StreamOutcome Failed(WasiErrno errno) => new(false, StreamError.Of(errno));

    public static StreamOutcome Failed(Exception exception) => new(false, StreamError.Of(exception));
}
