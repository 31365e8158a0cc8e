// A C program that uses threads, as clang compiles it (workers.c says how): its memory is imported and shared, the linker's start function copies the data once however many instances begin at the
// same time, and each thread has a stack of its own, which the host chooses.
using Tarn.TestSupport;

namespace Tarn.Runtime.Tests.Threads;

public sealed class CompiledProgramTests
{
    private const int Blocks = 200;
    private const int BlockSize = 500;
    private const int StackBytes = 4096;

    [Theory]
    [InlineData(AllocationStrategy.OnDemand, MemoryStrategy.Guarded, false)]
    [InlineData(AllocationStrategy.Pooling, MemoryStrategy.Guarded, false)]
    [InlineData(AllocationStrategy.Pooling, MemoryStrategy.Checked, true)]
    public async Task A_C_program_shares_its_work_among_threads(AllocationStrategy allocation, MemoryStrategy strategy, bool isAsync)
    {
        const int workers = 3;
        EngineOptions options = SharedGuests.Options(strategy, allocation);
        using var engine = new Engine(options with { Features = options.Features | WasmFeatures.Threads });
        using Module module = Module.FromFile(engine, Repository.PathOf("tests/Tarn.Runtime.Tests/Threads/workers.wasm"));
        for (int round = 0; round < 10; round++)
        {
            using var memory = new SharedMemory(engine, Assert.IsType<MemoryType>(module.Imports.Single().Type));
            using InstanceTemplate template = new Linker(engine).Define("env", "memory", memory).Prepare(module);
            // The host has the memory above the program's data grown for the stacks.
            long stacks = memory.Grow(1) * memory.PageSize;
            async Task<int> Work(int number)
            {
                // Its start function may wait for the one that copies the data.
                await using Instance instance = await template.InstantiateAsync();
                Global stack = instance.GetGlobal("__stack_pointer");
                stack.Value = (int)(stacks + ((number + 1) * StackBytes));
                TypedFunction<int, int, int> work = instance.GetFunction<int, int, int>("work");
                return isAsync ? await work.InvokeAsync(Blocks, BlockSize) : work.Invoke(Blocks, BlockSize);
            }
            using Instance main = template.Instantiate();
            Task<int>[] running = [.. Enumerable.Range(0, workers).Select(number => Task.Run(() => Work(number)))];
            await main.GetAction<int>("await").InvokeAsync(workers).AsTask().WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Equal(Blocks, (await Task.WhenAll(running)).Sum());
            (int count, long sum) = Primes(Blocks * BlockSize);
            Assert.Equal((count, sum, 1), (main.GetFunction<int>("primes").Invoke(), main.GetFunction<long>("sum").Invoke(), main.GetFunction<int, int>("once").Invoke(Blocks)));
            Assert.Equal("initialised once", memory.ReadUtf8(main.GetFunction<int>("greeting").Invoke(), 16));
        }
    }

    private static (int Count, long Sum) Primes(int end)
    {
        int count = 0;
        long sum = 0;
        for (int n = 2; n < end; n++)
        {
            bool isPrime = true;
            for (int d = 2; d * d <= n && isPrime; d++)
                isPrime = n % d != 0;
            if (isPrime)
                (count, sum) = (count + 1, sum + n);
        }
        return (count, sum);
    }
}
