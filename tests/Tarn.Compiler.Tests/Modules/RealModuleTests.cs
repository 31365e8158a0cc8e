// Every function of large modules from real toolchains goes through the whole compiler with its checkers on: the verifier after each stage that
// changes IR, the allocation checker after register allocation. Compiled once on one thread and once on two, the bytes must be the same.
// Nothing here is executed; that is the differential tests' job.
using System.Security.Cryptography;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Targets.X64;
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Validation;

namespace Tarn.Compiler.Tests.Modules;

public sealed class RealModuleTests
{
    public static TheoryData<string, string, bool> Modules
    {
        get
        {
            var data = new TheoryData<string, string, bool>();
            // One of them by default: the others are tens of megabytes and take a minute together.
            foreach (var (package, path) in NpmPackages.LargeModules.Take(TestScope.Count(NpmPackages.LargeModules.Count, 1)))
            {
                data.Add(package, path, true);
                data.Add(package, path, false);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void Checkers_find_no_fault_and_bytes_do_not_depend_on_the_thread(string package, string path, bool guarded)
    {
        var folder = NpmPackages.TryGet(package, out var absence);
        Assert.SkipWhen(folder is null, absence);
        var module = WasmModule.Decode(File.ReadAllBytes(Path.Combine(folder!, path)));
        ModuleValidator.Validate(module, new TypeRegistry());
        var layout = new VmContextLayout(module);
        var target = TargetDescription.Default with { MemoryStrategy = guarded ? MemoryStrategy.Guarded : MemoryStrategy.Checked };

        // The second compilation takes the functions in another order on two threads, with contexts that have seen other functions before.
        var first = new byte[module.Bodies.Length][];
        var context = new FunctionCompilation(new X64Target(CpuFeatureDetector.Detect())) { ChecksAllocation = true };
        for (var i = 0; i < first.Length; i++)
        {
            first[i] = Digest(context.Compile(module, layout, i, target));
        }

        var different = 0;
        var workers = new Thread[2];
        for (var w = 0; w < workers.Length; w++)
        {
            var worker = w;
            workers[w] = new Thread(() =>
            {
                var own = new FunctionCompilation(new X64Target(CpuFeatureDetector.Detect())) { ChecksAllocation = false };
                for (var i = first.Length - 1 - worker; i >= 0; i -= workers.Length)
                {
                    if (!Digest(own.Compile(module, layout, i, target)).AsSpan().SequenceEqual(first[i]))
                    {
                        Interlocked.Increment(ref different);
                    }
                }
            });
            workers[w].Start();
        }

        foreach (var thread in workers)
        {
            thread.Join();
        }

        Assert.Equal(0, different);
        Assert.True(first.Length > 500, "a large module");
    }

    // Everything that is handed over, not only the code.
    private static byte[] Digest(CompiledFunction function)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(function.Code);
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes(
            string.Join(';', function.Relocations) + string.Join(';', function.TrapSites) + string.Join(';', function.CallSites) + function.FrameSize));
        return hash.GetHashAndReset();
    }
}
