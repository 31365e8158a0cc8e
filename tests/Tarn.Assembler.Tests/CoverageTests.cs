// What the other tests have to have done: that no member of the encoder is without a test, and that what this machine is said to execute is what its
// kernel says. The members that a test assembly calls stand in its metadata.
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.Intrinsics.X86;
using Tarn.Assembler.X64;

namespace Tarn.Assembler.Tests;

public sealed class CoverageTests
{
    [Fact]
    public void Every_member_of_the_encoder_is_called_by_a_test()
    {
        System.Reflection.Module module = typeof(CoverageTests).Module;
        HashSet<MethodBase> called = [];
        using (FileStream file = File.OpenRead(module.Assembly.Location))
        using (PEReader image = new(file))
        {
            foreach (MemberReferenceHandle handle in image.GetMetadataReader().MemberReferences)
            {
                int token = System.Reflection.Metadata.Ecma335.MetadataTokens.GetToken(handle);
                MemberReference reference = image.GetMetadataReader().GetMemberReference(handle);
                if (reference.Parent.Kind == HandleKind.TypeReference && reference.GetKind() == MemberReferenceKind.Method)
                    called.Add(module.ResolveMethod(token)!);
            }
        }

        string[] untested = [.. typeof(X64Assembler).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(method => !method.IsSpecialName && !called.Contains(method)).Select(method => method.ToString()!)];
        Assert.True(called.Count(method => method.DeclaringType == typeof(X64Assembler)) > 150);
        Assert.True(untested.Length == 0, "No test calls:\n" + string.Join('\n', untested));
    }

    [Fact]
    public void Features_are_what_the_kernel_says()
    {
        Assert.SkipUnless(File.Exists("/proc/cpuinfo"), "no /proc/cpuinfo");
        Assert.SkipWhen(
            Environment.GetEnvironmentVariables().Keys.Cast<string>().Any(name => name.StartsWith("DOTNET_Enable", StringComparison.OrdinalIgnoreCase)),
            "the runtime was told not to use some of them");
        string[] flags = File.ReadLines("/proc/cpuinfo").First(line => line.StartsWith("flags", StringComparison.Ordinal)).Split(' ');
        // Under some hypervisors the kernel's list lacks what the processor says of itself.
        if ((X86Base.CpuId(unchecked((int)0x80000001), 0).Ecx & (1 << 5)) != 0)
            flags = [.. flags, "abm"];
        CpuFeatures found = CpuFeatureDetector.Detect();
        Assert.Equal(flags.Contains("sse4_2"), CpuFeatureDetector.HasBaseline);
        // The runtime takes AVX2 and what came with it (BMI, LZCNT, FMA, MOVBE) together or not at all.
        bool haswell = new[] { "avx2", "bmi1", "bmi2", "abm", "fma", "movbe" }.All(flags.Contains);
        foreach ((CpuFeatures feature, string flag) in new[]
        {
            (CpuFeatures.Popcnt, "popcnt"), (CpuFeatures.Lzcnt, "abm"), (CpuFeatures.Bmi1, "bmi1"), (CpuFeatures.Bmi2, "bmi2"), (CpuFeatures.Avx, "avx"),
            (CpuFeatures.Avx2, "avx2"), (CpuFeatures.Fma, "fma"), (CpuFeatures.Movbe, "movbe"), (CpuFeatures.FastRep, "erms"), (CpuFeatures.FastShortRep, "fsrm"),
        })
        {
            bool has = (found & feature) != 0;
            // Never more than there is, and all that there is where the machine is no odd mixture.
            Assert.False(has && !flags.Contains(flag), flag);
            Assert.True(has || !haswell || !flags.Contains(flag), flag);
        }
    }
}
