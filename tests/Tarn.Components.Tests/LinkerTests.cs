// Imports by name and version, instances as imports, and what a pool has left when instances are gone.
using Tarn.Components.Linking;

namespace Tarn.Components.Tests;

public sealed class LinkerTests
{
    private const string Adder = """
        (component
          (core module $m (memory 1) (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
          (core instance $m (instantiate $m))
          (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $m "add")))
          (instance $math (export "add" (func $add)))
          (export "calc:math/ops@1.2.0" (instance $math)))
        """;

    private const string Caller = """
        (component
          (import "calc:math/ops@1.0.0" (instance $i (export "add" (func (param "a" u32) (param "b" u32) (result u32)))))
          (core func $add (canon lower (func $i "add")))
          (core module $m (import "" "add" (func $add (param i32 i32) (result i32))) (memory 1)
            (func (export "run") (result i32) (call $add (i32.const 40) (i32.const 2))))
          (core instance $m (instantiate $m (with "" (instance (export "add" (func $add))))))
          (func (export "run") (result u32) (canon lift (core func $m "run"))))
        """;

    [Theory]
    [InlineData("a:b/c@1.2.0", "a:b/c@1.0.0", true)]
    [InlineData("a:b/c@1.2.0", "a:b/c@1.2.0", true)]
    [InlineData("a:b/c@1.2.0", "a:b/c@1.2.1", false)]
    [InlineData("a:b/c@2.0.0", "a:b/c@1.0.0", false)]
    [InlineData("a:b/c@0.2.12", "a:b/c@0.2.0", true)]
    [InlineData("a:b/c@0.2.0", "a:b/c@0.2.3", false)]
    [InlineData("a:b/c@0.3.0", "a:b/c@0.2.0", false)]
    [InlineData("a:b/c@0.0.2", "a:b/c@0.0.1", false)]
    [InlineData("a:b/c@1.0.0-rc.1", "a:b/c@1.0.0-rc.1", true)]
    [InlineData("a:b/c@1.0.0", "a:b/c@1.0.0-rc.1", false)]
    [InlineData("a:b/d@1.2.0", "a:b/c@1.0.0", false)]
    [InlineData("a:b/c", "a:b/c@1.0.0", false)]
    public void Versions_stand_in_for_earlier_ones_of_their_track(string defined, string imported, bool provides) => Assert.Equal(provides, InterfaceVersion.Provides(defined, imported));

    [Fact]
    public void An_instance_provides_an_interface_to_another_one()
    {
        using Engine engine = Guests.CreateEngine();
        using Component adder = Component.FromText(engine, Adder);
        using Component caller = Component.FromText(engine, Caller);
        using ComponentInstance provider = new ComponentLinker(engine).Instantiate(adder);
        ComponentLinker linker = new ComponentLinker(engine).DefineInstance("calc:math/ops@1.2.0", provider.GetInstance("calc:math/ops@1.1.0"));
        using ComponentInstance user = linker.Instantiate(caller);
        Assert.Equal(ComponentValue.FromUInt32(42), user.GetFunction("run").Invoke());
    }

    [Fact]
    public void A_missing_import_is_named()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Caller);
        ComponentLinkException error = Assert.Throws<ComponentLinkException>(() => new ComponentLinker(engine).Prepare(component));
        Assert.Equal("calc:math/ops@1.0.0", error.Interface);
        Assert.Equal("add", error.Name);
        Assert.Equal([new ComponentItem("calc:math/ops@1.0.0", ComponentItemKind.Instance)], component.Imports);
        Assert.Equal([new ComponentItem("run", ComponentItemKind.Function)], component.Exports);
    }

    [Fact]
    public void Unknown_imports_may_trap_when_they_are_called()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Caller);
        using ComponentInstance instance = new ComponentLinker(engine).DefineUnknownImportsAsTraps().Instantiate(component);
        ComponentTrapException trap = Assert.Throws<ComponentTrapException>(() => instance.GetFunction("run").Invoke());
        Assert.Equal(ComponentTrapCode.NotSupported, trap.Code);
        Assert.Contains("calc:math/ops@1.0.0#add", trap.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_linked_can_still_be_looked_at()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, """(component (import "m" (core module)))""");
        Assert.Equal(ComponentItemKind.CoreModule, component.Imports[0].Kind);
        Assert.Throws<NotSupportedException>(() => new ComponentLinker(engine).Prepare(component));
    }

    [Fact]
    public void An_exception_of_a_host_function_reaches_the_caller()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Caller);
        using ComponentInstance instance = new ComponentLinker(engine).DefineFunction("calc:math/ops@1.0.0", "add", (ComponentHostCallback)(_ => throw new InvalidTimeZoneException("x"))).Instantiate(component);
        Assert.Throws<InvalidTimeZoneException>(() => instance.GetFunction("run").Invoke());
        Assert.True(instance.HasTrapped);
    }

    [Fact]
    public void Disposal_returns_everything_to_the_pool_and_a_failed_instantiation_keeps_nothing()
    {
        var limits = new InstanceLimits { Count = 4, Memories = 2, MemoryPages = 4, Tables = 1 };
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.Pooling,
            Pooling = new PoolingOptions { Limits = limits, TotalMemories = 4, TotalTables = 4 },
        });
        using Component good = Component.FromText(engine, Adder);
        using Component bad = Component.FromText(engine, """
            (component
              (core module $a (memory 1))
              (core module $b (memory 1) (func $s unreachable) (start $s))
              (core instance (instantiate $a))
              (core instance (instantiate $b)))
            """);
        ComponentTemplate working = new ComponentLinker(engine).Prepare(good);
        ComponentTemplate failing = new ComponentLinker(engine).Prepare(bad);
        for (int i = 0; i < 50; i++)
        {
            using (ComponentInstance instance = working.Instantiate())
                Assert.Equal(ComponentValue.FromUInt32(3), instance.GetInstance("calc:math/ops@1.2.0").GetFunction("add").Invoke(ComponentValue.FromUInt32(1), ComponentValue.FromUInt32(2)));
            Assert.Throws<TrapException>(() => failing.Instantiate());
        }
    }

    [Fact]
    public void What_a_component_takes_is_told()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, """
            (component
              (core module $a (memory 17) (table 3 funcref))
              (core module $b (memory 2) (table 100 funcref))
              (core instance (instantiate $a))
              (core instance (instantiate $b))
              (core instance (instantiate $b)))
            """);
        Assert.Equal(new ComponentResources(3, 3, 17, 3, 100), component.DescribeResources());
    }

    [Fact]
    public void Every_instance_of_a_template_is_fresh()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, """
            (component
              (core module $m (global $n (mut i32) (i32.const 0)) (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
              (core instance $m (instantiate $m))
              (func (export "next") (result u32) (canon lift (core func $m "next"))))
            """);
        ComponentTemplate template = new ComponentLinker(engine).Prepare(component);
        for (int i = 0; i < 3; i++)
        {
            using ComponentInstance instance = template.Instantiate();
            Assert.Equal(ComponentValue.FromUInt32(1), instance.GetFunction("next").Invoke());
            Assert.Equal(ComponentValue.FromUInt32(2), instance.GetFunction("next").Invoke());
        }
    }
}
