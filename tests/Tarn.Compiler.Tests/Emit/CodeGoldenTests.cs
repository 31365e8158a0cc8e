// What the back half of the compiler makes of small modules: each .wat in Golden/ is compiled for a fixed set of extensions, and lowered instructions,
// registers and machine code are compared with the .txt of the same name. A first line of ";;" comments takes words: checked, interruption, fuel, baseline
// (no extensions). Bless with TARN_BLESS=1 and review the diff.
using System.Text;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Targets.X64;
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Compiler.Tests.Emit;

public sealed class CodeGoldenTests
{
    private const string Folder = "tests/Tarn.Compiler.Tests/Emit/Golden";

    // A usual processor of the last ten years, so that the files are the same on any machine.
    private const CpuFeatures Usual = CpuFeatures.Popcnt | CpuFeatures.Lzcnt | CpuFeatures.Bmi1 | CpuFeatures.Bmi2 | CpuFeatures.Avx | CpuFeatures.Avx2 | CpuFeatures.Fma;

    public static TheoryData<string> Cases => [.. Directory.GetFiles(Repository.PathOf(Folder), "*.wat").Select(p => Path.GetFileNameWithoutExtension(p)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Code_of_a_module_is_what_the_file_says(string name)
    {
        var source = File.ReadAllText(Repository.PathOf($"{Folder}/{name}.wat"));
        var words = source.StartsWith(";;", StringComparison.Ordinal) ? source[2..source.IndexOf('\n', StringComparison.Ordinal)].Split(' ') : [];
        var target = new TargetDescription
        {
            MemoryStrategy = words.Contains("checked") ? MemoryStrategy.Checked : MemoryStrategy.Guarded,
            Interruption = words.Contains("interruption"),
            Fuel = words.Contains("fuel"),
        };
        var module = WasmModule.Decode(WatParser.Parse(Encoding.UTF8.GetBytes(source)), WasmFeatures.All);
        ModuleValidator.Validate(module, new TypeRegistry(), 1);
        var compilation = new FunctionCompilation(new X64Target(words.Contains("baseline") ? CpuFeatures.None : Usual)) { ChecksAllocation = true };
        var layout = new VmContextLayout(module);
        var text = new StringBuilder();
        for (var i = 0; i < module.Bodies.Length; i++)
        {
            var listing = CompilationListing.Create(compilation, module, layout, i, target);
            text.Append("; function ").Append(i + module.ImportedFunctionCount).Append("\n; lowered\n").Append(listing.Lowered);
            text.Append("; allocated\n").Append(listing.Allocated);
            text.Append("; code, frame ").Append(listing.Function.FrameSize).Append('\n').Append(Disassembler.Format(listing.Function.Code, withBytes: false));
            text.Append("; relocations ").AppendJoin(' ', listing.Function.Relocations.Select(r => $"{r.Offset:X}:{r.Kind}:{r.Target}"));
            text.Append("\n; traps ").AppendJoin(' ', listing.Function.TrapSites.Select(s => $"{s.Offset:X}:{s.Code}"));
            text.Append("\n; calls ").AppendJoin(' ', listing.Function.CallSites.Select(s => $"{s.ReturnOffset:X}"));
            if (listing.Function.Handlers is { } handlers)
            {
                text.Append("\n; handlers ").AppendJoin(' ', handlers.Sites.Select(s => $"{s.ReturnOffset:X}:{s.LandingOffset:X}:{s.Scope}")).Append(", scopes ").AppendJoin(' ', handlers.Scopes);
            }

            text.Append("\n\n");
        }

        GoldenFile.Check($"{Folder}/{name}.txt", text.ToString());
    }
}
