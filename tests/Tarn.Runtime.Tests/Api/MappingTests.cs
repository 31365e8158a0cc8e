// That instances leave no mappings behind, which only means something while nothing else in the process makes any.
namespace Tarn.Runtime.Tests.Api;

[Collection(ProcessWideCollection.Name)]
public sealed class MappingTests
{
    [Fact]
    public void Many_instances_come_and_go_without_growing_the_process()
    {
        using var engine = new Engine();
        using Module module = Module.FromText(engine, """(module (memory (export "memory") 1) (table 10 funcref) (data (i32.const 0) "x"))""");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        int before = File.ReadLines("/proc/self/maps").Count();
        for (int n = 0; n < 2000; n++)
        {
            using Instance instance = template.Instantiate();
            Assert.Equal((byte)'x', instance.Memory.Read<byte>(0));
            instance.Memory.Write(0, (byte)'y');
        }
        Assert.InRange(File.ReadLines("/proc/self/maps").Count() - before, -100_000, 200);
    }
}
