// Something that a guest can wait for.
namespace Tarn.Wasi.Preview2.Io;

/// <summary>The object behind a pollable.</summary>
/// <param name="isReady">Whether waiting would end at once.</param>
/// <param name="wait">Waits until it may be ready; the waiter asks again.</param>
internal sealed class Pollable(Func<bool> isReady, Func<CancellationToken, Task> wait)
{
    /// <summary>Always ready.</summary>
    public static Pollable Ready { get; } = new(static () => true, static _ => Task.CompletedTask);

    public bool IsReady => isReady();

    /// <summary>Waits until one of several is ready and returns the positions of those that are.</summary>
    public static async ValueTask<List<uint>> WaitAsync(Pollable[] pollables, CancellationToken cancellationToken)
    {
        while (true)
        {
            List<uint> ready = [];
            for (int i = 0; i < pollables.Length; i++)
            {
                if (pollables[i].IsReady)
                    ready.Add((uint)i);
            }

            if (ready.Count > 0)
                return ready;
            cancellationToken.ThrowIfCancellationRequested();
            using CancellationTokenSource others = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Task[] waits = Array.ConvertAll(pollables, pollable => pollable.Wait(others.Token));
            Task first = await Task.WhenAny(waits).ConfigureAwait(false);
            // The others are not waited for any longer; what they come to is nobody's business.
            await others.CancelAsync().ConfigureAwait(false);
            foreach (Task wait in waits)
                _ = wait.ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            if (first.IsCanceled)
                cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private Task Wait(CancellationToken cancellationToken) => wait(cancellationToken);
}
