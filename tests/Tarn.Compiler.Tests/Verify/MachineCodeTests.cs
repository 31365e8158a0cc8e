// The machine code of the benchmark's programs and of random modules, verified: see MachineCodeVerifier.cs for what that means. With all instruction-set extensions and with none.
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Targets.X64;
using Tarn.Differential.Tests;
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Compiler.Tests.Verify;

public sealed class MachineCodeTests
{
    private static readonly int s_randomModules = TestScope.Count(150, 40);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Programs(bool all)
    {
        int proved = 0, scaled = 0;
        foreach (var path in Directory.GetFiles(Repository.PathOf("bench/programs/wasm"), "*.wasm").Order(StringComparer.Ordinal))
        {
            Verify(File.ReadAllBytes(path), all, Path.GetFileName(path), ref proved, ref scaled);
        }

        Assert.True(proved > 5000, $"{proved} accesses proved, {scaled} scaled");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Random_modules(bool all)
    {
        int proved = 0, scaled = 0;
        for (var seed = 0; seed < s_randomModules; seed++)
        {
            var addresses = WatParser.Parse(System.Text.Encoding.UTF8.GetBytes(new AddressModuleGenerator(seed).Generate()), "addresses");
            Verify(addresses, all, $"addresses {seed}", ref proved, ref scaled);
            Verify(new ModuleGenerator(seed).Generate(), all, $"module {seed}", ref proved, ref scaled);
            Verify(new ModuleGenerator(seed, vectors: true).Generate(), all, $"vectors {seed}", ref proved, ref scaled);
        }

        Assert.True(proved > 20 * s_randomModules, $"{proved} accesses proved, {scaled} scaled");
    }

    // The verifier has teeth: without the extension of what a compare-exchange gives back, it finds the escape that this once was.
    [Fact]
    public void A_missing_extension_is_found()
    {
        var module = WasmModule.Decode(
            WatParser.Parse(
                """(module (memory 1) (func (param i64) (result i32) (i32.load8_u (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.wrap_i64 (local.get 0)) (i32.const 1)))))"""u8.ToArray(), "cmpxchg"),
            WasmFeatures.All);
        ModuleValidator.Validate(module, new TypeRegistry(), 1);
        var layout = new VmContextLayout(module);
        var function = new FunctionCompilation(new X64Target(CpuFeatureDetector.Detect())).Compile(module, layout, 0, TargetDescription.Default);
        var verifier = new MachineCodeVerifier(module, layout, TargetDescription.Default.GuardBytes);
        verifier.Verify(function, 0);
        Assert.Empty(verifier.Faults);
        Assert.Equal(1, verifier.Proved);

        // mov eax, eax
        var at = function.Code.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x8B, 0xC0]);
        Assert.True(at > 0);
        function.Code.AsSpan(at, 2).Fill(0x90);
        verifier.Verify(function, 0);
        Assert.Contains("an index with an upper half", Assert.Single(verifier.Faults), StringComparison.Ordinal);
    }

    /// <summary>Any modules, by hand: TARN_VERIFY_MODULES names files, separated by colons. Large ones take minutes.</summary>
    [Fact]
    public void Modules_that_were_named()
    {
        var names = Environment.GetEnvironmentVariable("TARN_VERIFY_MODULES");
        Assert.SkipWhen(string.IsNullOrEmpty(names), "TARN_VERIFY_MODULES names no modules");
        var lines = new List<string>();
        var found = false;
        foreach (var path in names!.Split(':'))
        {
            var (proved, scaled) = (0, 0);
            try
            {
                Verify(File.ReadAllBytes(path), all: true, path, ref proved, ref scaled);
                lines.Add($"{Path.GetFileName(path)}: {proved} accesses proved, {scaled} scaled");
            }
            catch (Exception e) when (e is Xunit.Sdk.XunitException or WasmException)
            {
                found |= e is not UnsupportedModuleException;
                lines.Add($"{Path.GetFileName(path)}: {e.Message}");
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', lines));
        Assert.False(found, string.Join('\n', lines));
    }

    private static void Verify(byte[] bytes, bool all, string name, ref int proved, ref int scaled)
    {
        var module = WasmModule.Decode(bytes, WasmFeatures.All);
        ModuleValidator.Validate(module, new TypeRegistry(), 1);
        var layout = new VmContextLayout(module);
        var compilation = new FunctionCompilation(new X64Target(all ? CpuFeatureDetector.Detect() : CpuFeatures.None));
        var verifier = new MachineCodeVerifier(module, layout, TargetDescription.Default.GuardBytes);
        for (var f = 0; f < module.Bodies.Length; f++)
        {
            verifier.Verify(compilation.Compile(module, layout, f, TargetDescription.Default), f + module.ImportedFunctionCount);
        }

        Assert.True(verifier.Faults.Count == 0, $"{name}: {verifier.Faults.Count}\n{string.Join('\n', verifier.Faults.Take(20))}");
        proved += verifier.Proved;
        scaled += verifier.Scaled;
    }
}
