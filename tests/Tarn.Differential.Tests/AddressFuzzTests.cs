// Modules that compute addresses (AddressModuleGenerator), here under every strategy and in the reference engine: results, traps, sizes and contents of memory must be the same.
// An access that leaves its memory shows as another result or trap, or, since the runtime takes a fault that no memory explains for an escape, as the end of the process. So the
// seed is written down before it runs; if a run never came back, the next one begins with its seed and says so. Bounded; from new seeds in CI and with TARN_FUZZ_SECONDS (FuzzRun).
using System.Text;
using Tarn.TestSupport;

namespace Tarn.Differential.Tests;

// In here, so that its Engine and Module win over ours.
using Wasmtime;

public sealed class AddressFuzzTests
{
    private const int ModulesInCi = 40;
    private const int Calls = 2;

    /// <summary>Seeds that once showed a fault, kept for ever, with the fault.</summary>
    private static readonly int[] s_crashers =
    [
        698523338, // a short copy's loads moved above its checks
    ];

    public static TheoryData<MemoryStrategy, AllocationStrategy, CompilationMode> Configurations => new()
    {
        { MemoryStrategy.Guarded, AllocationStrategy.OnDemand, CompilationMode.Eager },
        { MemoryStrategy.Checked, AllocationStrategy.OnDemand, CompilationMode.Eager },
        { MemoryStrategy.Guarded, AllocationStrategy.Pooling, CompilationMode.Eager },
        { MemoryStrategy.Checked, AllocationStrategy.Pooling, CompilationMode.Lazy },
    };

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Every_access_is_where_the_reference_engine_makes_it(MemoryStrategy memory, AllocationStrategy allocation, CompilationMode compilation)
    {
        using var tarn = new Tarn.Engine(new EngineOptions
        {
            MemoryStrategy = memory,
            AllocationStrategy = allocation,
            CompilationMode = compilation,
            Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 4, Memories = 2 } },
            MaximumMemoryPages = 160,
        });
        using var config = new Config();
        using var reference = new Engine(config.WithMultiMemory(true).WithMemory64(true));
        using FuzzRun run = FuzzRun.Start(
            typeof(AddressFuzzTests), nameof(Every_access_is_where_the_reference_engine_makes_it), 1_000_000 * (((int)memory * 2) + (int)allocation), $"{memory}-{allocation}");
        string journal = Repository.PathOf("artifacts", $"address-fuzz-{memory}-{allocation}.seed");
        if (File.Exists(journal) && int.TryParse(File.ReadAllText(journal), out int lost))
        {
            Compare(lost, tarn, reference, run, "a run before this one ended without a word at it; ");
        }

        using (FileStream file = File.Create(journal))
        {
            foreach (int seed in s_crashers)
            {
                Journal(file, seed);
                Compare(seed, tarn, reference, run, "");
            }

            for (int n = 0; n < ModulesInCi || run.GoesOn; n++)
            {
                Journal(file, run.First + n);
                Compare(run.First + n, tarn, reference, run, "");
            }
        }

        run.Passed();
        File.Delete(journal);
    }

    // In the page cache it outlives the process.
    private static void Journal(FileStream file, int seed)
    {
        file.Position = 0;
        file.Write(Encoding.ASCII.GetBytes($"{seed,-12}"));
        file.Flush();
    }

    private static void Compare(int seed, Tarn.Engine tarn, Engine reference, FuzzRun run, string remark)
    {
        var generator = new AddressModuleGenerator(seed);
        string text = generator.Generate();
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        run.Running(seed, bytes);
        List<string> expected;
        using (var module = Module.FromText(reference, "addresses", text))
        using (var store = new Store(reference))
        {
            store.SetLimits(memorySize: 160L << 16, tableElements: null, instances: null, tables: null, memories: null);
            using var linker = new Linker(reference);
            Instance instance = linker.Instantiate(store, module);
            expected = Run(generator, (function, a, b, c) =>
            {
                try
                {
                    return $"{instance.GetFunction(function)!.Invoke(a, b, c)}";
                }
                catch (Wasmtime.TrapException trap)
                {
                    return trap.Type.ToString();
                }
            }, name => instance.GetMemory(name) is Memory m ? Hash(m.GetSpan<byte>(0, (int)m.GetLength())) : null);
        }

        using var own = Tarn.Module.FromText(tarn, text);
        using InstanceTemplate template = new Tarn.Linker(tarn).Prepare(own);
        using Tarn.Instance guest = template.Instantiate();
        List<string> actual = Run(generator, (function, a, b, c) => guest.GetFunction<int, int, long, long>(function).TryInvoke(a, b, c, out long result, out Trap? trap) ? $"{result}" : Name(trap!.Code),
            name => guest.TryGetMemory(name, out Tarn.Memory m) ? Hash(m.AsSpan()) : null);
        for (int i = 0; i < expected.Count; i++)
        {
            if (expected[i] != actual[i])
                Assert.Fail($"seed {seed}: {remark}wanted {expected[i]}, got {actual[i]}; {run.Keep(seed, bytes)}\n{text}");
        }
    }

    private static List<string> Run(AddressModuleGenerator generator, Func<string, int, int, long, string> call, Func<string, string?> memory)
    {
        var seen = new List<string>();
        for (int n = 0; n < Calls; n++)
        {
            for (int f = 0; f < AddressModuleGenerator.FunctionsInModule; f++)
            {
                (int a, int b, long c) = generator.Arguments[f];
                seen.Add($"f{f}({a}, {b}, {c}): {call($"f{f}", a + (n * 3), b, c - n)}");
                seen.Add($"f{f}: {memory("m0")} {memory("m1")}");
            }
        }

        return seen;
    }

    private static string Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = new HashCode();
        hash.AddBytes(bytes);
        return $"{bytes.Length} {hash.ToHashCode():x}";
    }

    // The reference does not tell an index beyond the table in an indirect call from one in an access.
    private static string Name(Tarn.TrapCode code) => code switch
    {
        Tarn.TrapCode.UndefinedElement => "TableOutOfBounds",
        Tarn.TrapCode.UninitializedElement => "IndirectCallToNull",
        _ => code.ToString(),
    };
}
