// Entry point of the benchmarks: one verb for each. Timed things live here and never in the tests.
Console.WriteLine("no benchmarks yet");
