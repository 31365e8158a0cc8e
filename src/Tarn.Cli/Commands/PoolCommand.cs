// tarn pool: puts the pools under load and shows them. In a terminal the picture is redrawn several times a second: every slot as a coloured square, rates,
// percentiles of the time from instantiation to disposal; elsewhere one line a second. A summary ends both, also when the user ends them: q in the terminal, or Ctrl-C.
using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Spectre.Console;
using Tarn.Cli.Pool;

namespace Tarn.Cli.Commands;

internal static class PoolCommand
{
    public static Command Create()
    {
        Argument<string?> file = new("FILE") { Description = "The module. The default is a small module that touches its memory.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> invoke = new("--invoke", "-i") { Description = "An exported function without parameters to call in each instance.", HelpName = "NAME" };
        Option<int> slots = new("--slots", "-n") { Description = "The number of slots in the pool.", HelpName = "COUNT", DefaultValueFactory = _ => 200 };
        Option<int> workers = new("--workers", "-w") { Description = "The number of workers that instantiate, call and dispose at the same time.", HelpName = "COUNT", DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<int> hold = new("--hold") { Description = "The number of instances that are suspended in an asynchronous host function on average.", HelpName = "COUNT", DefaultValueFactory = _ => 50 };
        Option<double> seconds = new("--seconds", "-s") { Description = "How long to run, in seconds.", HelpName = "SECONDS", DefaultValueFactory = _ => 10 };
        Option<MemoryStrategy> memory = new("--memory") { Description = "guarded or checked.", DefaultValueFactory = _ => Tarn.Execution.HostTarget.CatchesFaults ? MemoryStrategy.Guarded : MemoryStrategy.Checked };
        Command command = new(
            "pool",
            """
            Put the instance pools under load and watch them: every slot, rates, and how long instantiate + call + dispose take.

            Examples:
              tarn pool                                  ten seconds of a small module in 200 slots
              tarn pool --slots 1000 --hold 500 -w 4     half of the slots suspended, four threads at work
              tarn pool -i handle app.wasm -s 60         a module of yours, its function handle, a minute
            """)
        {
            file, invoke, slots, workers, hold, seconds, memory,
        };
        command.SetAction(arguments =>
        {
            var options = new EngineOptions
            {
                AllocationStrategy = AllocationStrategy.Pooling,
                MemoryStrategy = arguments.GetValue(memory),
                Pooling = new PoolingOptions
                {
                    Limits = InstanceLimits.Default with { Count = arguments.GetValue(slots) },
                    MaximumWarmSlots = Math.Max(1, arguments.GetValue(slots)),
                },
            };
            return Run(options, arguments.GetValue(file), arguments.GetValue(invoke), arguments.GetValue(workers), arguments.GetValue(hold), TimeSpan.FromSeconds(arguments.GetValue(seconds)));
        });
        return command;
    }

    private static int Run(EngineOptions options, string? path, string? export, int workers, int hold, TimeSpan duration)
    {
        try
        {
            ArgumentOutOfRangeException.ThrowIfNegative(hold);
            ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
            ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero);
            using var engine = new Engine(options);
            using PoolLoad load = new(engine, path, export, workers, hold);
            IAnsiConsole console = AnsiConsole.Console;
            using var stop = new CancellationTokenSource();
            PosixSignal? signal = null;
            void OnSignal(PosixSignalContext context)
            {
                // The summary is still to come, and the terminal to be put back as it was.
                context.Cancel = true;
                signal = context.Signal;
                stop.Cancel();
            }
            using (PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal))
            using (PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal))
            {
                long end = Environment.TickCount64 + (long)duration.TotalMilliseconds;
                string title = $"{options.Pooling.Limits.Count} slots, {options.MemoryStrategy.ToString().ToLowerInvariant()} memories, {workers} at work, {hold} suspended";
                var sampler = new PoolSampler(engine, load);
                load.Start();
                if (console.Profile.Capabilities.Ansi && !Console.IsOutputRedirected)
                    ShowLive(console, sampler, load, title, end, stop);
                else
                    ShowLines(sampler, load, end, stop.Token);
            }
            load.Stop();
            Console.WriteLine(PoolView.Summary(engine.GetPoolStatistics(), load.Latencies(), load.Traps));
            return signal switch { PosixSignal.SIGINT => ExitStatus.Interrupted, PosixSignal.SIGTERM => ExitStatus.Terminated, _ => ExitStatus.Done };
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine($"tarn: {e.Message}");
            return ExitStatus.Failed;
        }
    }

    // On a screen of its own, so that resizing leaves nothing behind and what was there before comes back.
    private static void ShowLive(IAnsiConsole console, PoolSampler sampler, PoolLoad load, string title, long end, CancellationTokenSource stop)
    {
        bool keys = !Console.IsInputRedirected;
        console.AlternateScreen(() =>
        {
            (int width, int height) = (console.Profile.Width, console.Profile.Height);
            console.Live(Text.Empty).AutoClear(true).Overflow(VerticalOverflow.Crop).Cropping(VerticalOverflowCropping.Bottom).Start(live =>
            {
                while (Environment.TickCount64 < end && load.Failure is null && !stop.IsCancellationRequested)
                {
                    if ((width, height) != (console.Profile.Width, console.Profile.Height))
                    {
                        (width, height) = (console.Profile.Width, console.Profile.Height);
                        console.Clear();
                    }
                    long left = Math.Max(0, end - Environment.TickCount64);
                    string heading = string.Create(CultureInfo.InvariantCulture, $"tarn pool, {left / 1000.0:0} s left{(keys ? ", q to end" : "")}: {title}");
                    live.UpdateTarget(PoolView.Render(sampler.Look(), heading, width, height, console.Profile.Capabilities.Unicode));
                    stop.Token.WaitHandle.WaitOne((int)Math.Min(left, 150));
                    while (keys && Console.KeyAvailable)
                    {
                        if (Console.ReadKey(intercept: true).KeyChar is 'q' or 'Q')
                            stop.Cancel();
                    }
                }
            });
        });
    }

    private static void ShowLines(PoolSampler sampler, PoolLoad load, long end, CancellationToken stop)
    {
        while (Environment.TickCount64 < end && load.Failure is null && !stop.IsCancellationRequested)
        {
            stop.WaitHandle.WaitOne((int)Math.Clamp(end - Environment.TickCount64, 1, 1000));
            Console.WriteLine(PoolView.Line(sampler.Look()));
        }
    }
}
