// Tarn in a native executable, for the execution benchmark's column of that name. Speaks what node-peer.mjs speaks: "run N PATH" is answered with {"ns", "sum"} of the module's exported
// run(N), of which only the call is timed; "cpu N PATH" with the thread's time on a processor instead; "compile 0 PATH" with {"ns"} of compiling it. A fault is answered as {"error"}.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Tarn;
using Tarn.Bench.Execute;

using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
Dictionary<string, TypedFunction<int, long>> functions = new(StringComparer.Ordinal);
while (Console.ReadLine() is { } line)
{
    string answer;
    try
    {
        answer = Answer(line.Split(' ', 3));
    }
    catch (Exception e) when (e is WasmException or IOException or FormatException or IndexOutOfRangeException)
    {
        answer = $$"""{"error": "{{JsonEncodedText.Encode(e.Message)}}"}""";
    }
    Console.WriteLine(answer);
}

string Answer(string[] request)
{
    string path = request[2];
    if (request[0] == "compile")
    {
        byte[] bytes = File.ReadAllBytes(path);
        long at = Stopwatch.GetTimestamp();
        using var module = Module.FromBytes(engine, bytes);
        return string.Create(CultureInfo.InvariantCulture, $$"""{"ns": {{Stopwatch.GetElapsedTime(at).TotalNanoseconds}}}""");
    }
    if (!functions.TryGetValue(path, out TypedFunction<int, long> run))
    {
        // Instances live as long as the process.
        run = new Linker(engine).Prepare(Module.FromBytes(engine, File.ReadAllBytes(path))).Instantiate().GetFunction<int, long>("run");
        functions.Add(path, run);
    }
    ExecutionClock.IsProcessorTime = request[0] == "cpu";
    int n = (int)uint.Parse(request[1], CultureInfo.InvariantCulture);
    double start = ExecutionClock.Now();
    long sum = run.Invoke(n);
    double nanoseconds = ExecutionClock.Now() - start;
    return string.Create(CultureInfo.InvariantCulture, $$"""{"ns": {{nanoseconds}}, "sum": "{{(ulong)sum}}"}""");
}
