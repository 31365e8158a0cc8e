// Resources between hosts and guests: who owns what, and that each is destroyed once.
namespace Tarn.Components.Tests;

public sealed class ResourceTests
{
    // Exports a resource with a constructor, a way to look at it, and a count of those that are alive.
    private const string Maker = """
        (component
          (core module $d
            (global $live (export "live") (mut i32) (i32.const 0))
            (func (export "dtor") (param i32) (global.set $live (i32.sub (global.get $live) (i32.const 1)))))
          (core instance $d (instantiate $d))
          (type $r' (resource (rep i32) (dtor (core func $d "dtor"))))
          (export $r "r" (type $r'))
          (core func $new (canon resource.new $r'))
          (core func $drop (canon resource.drop $r'))
          (core module $m
            (import "" "new" (func $new (param i32) (result i32)))
            (import "" "drop" (func $drop (param i32)))
            (import "" "live" (global $live (mut i32)))
            (func (export "make") (param i32) (result i32) (global.set $live (i32.add (global.get $live) (i32.const 1))) (call $new (local.get 0)))
            (func (export "peek") (param i32) (result i32) (local.get 0))
            (func (export "take") (param i32) (call $drop (local.get 0)))
            (func (export "live") (result i32) (global.get $live)))
          (core instance $m (instantiate $m (with "" (instance (export "new" (func $new)) (export "drop" (func $drop)) (export "live" (global $d "live"))))))
          (func (export "[constructor]r") (param "rep" u32) (result (own $r)) (canon lift (core func $m "make")))
          (func (export "[method]r.peek") (param "self" (borrow $r)) (result u32) (canon lift (core func $m "peek")))
          (func (export "take") (param "x" (own $r)) (canon lift (core func $m "take")))
          (func (export "live") (result u32) (canon lift (core func $m "live"))))
        """;

    // Imports a resource of the host and passes it around.
    private const string User = """
        (component
          (import "host:api/things@1.2.0" (instance $i
            (export "thing" (type $t (sub resource)))
            (export "make" (func (result (own $t))))
            (export "[method]thing.name" (func (param "self" (borrow $t)) (result u32)))))
          (alias export $i "thing" (type $t))
          (core func $make (canon lower (func $i "make")))
          (core func $name (canon lower (func $i "[method]thing.name")))
          (core func $drop (canon resource.drop $t))
          (core module $m
            (import "" "make" (func $make (result i32)))
            (import "" "name" (func $name (param i32) (result i32)))
            (import "" "drop" (func $drop (param i32)))
            (func (export "use") (result i32) (local $h i32) (local $n i32)
              (local.set $h (call $make)) (local.set $n (call $name (local.get $h))) (call $drop (local.get $h)) (local.get $n))
            (func (export "twice") (local $h i32) (local.set $h (call $make)) (call $drop (local.get $h)) (call $drop (local.get $h)))
            (func (export "leak") (result i32) (call $make))
            (func (export "pass") (param i32) (result i32) (local.get 0)))
          (core instance $m (instantiate $m (with "" (instance (export "make" (func $make)) (export "name" (func $name)) (export "drop" (func $drop))))))
          (func (export "use") (result u32) (canon lift (core func $m "use")))
          (func (export "twice") (canon lift (core func $m "twice")))
          (func (export "pass") (param "x" (own $t)) (result (own $t)) (canon lift (core func $m "pass"))))
        """;

    [Fact]
    public void A_resource_of_a_guest_is_destroyed_once_by_whoever_owns_it()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Maker);
        using ComponentInstance instance = new ComponentLinker(engine).Instantiate(component);
        ComponentResource first = instance.GetFunction("[constructor]r").Invoke(ComponentValue.FromUInt32(41))!.AsResource();
        ComponentResource second = instance.GetFunction("[constructor]r").Invoke(ComponentValue.FromUInt32(42))!.AsResource();
        Assert.Equal(ComponentValue.FromUInt32(2), instance.GetFunction("live").Invoke());
        Assert.Equal(ComponentValue.FromUInt32(41), instance.GetFunction("[method]r.peek").Invoke(ComponentValue.FromResource(first)));
        Assert.Equal(ComponentValue.FromUInt32(41), instance.GetFunction("[method]r.peek").Invoke(ComponentValue.FromResource(first)));

        first.Dispose();
        first.Dispose();
        Assert.Equal(ComponentValue.FromUInt32(1), instance.GetFunction("live").Invoke());
        Assert.Throws<ObjectDisposedException>(() => instance.GetFunction("[method]r.peek").Invoke(ComponentValue.FromResource(first)));
    }

    [Fact]
    public void A_resource_that_is_passed_on_is_no_longer_the_hosts()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Maker);
        using ComponentInstance instance = new ComponentLinker(engine).Instantiate(component);
        ComponentResource resource = instance.GetFunction("[constructor]r").Invoke(ComponentValue.FromUInt32(1))!.AsResource();
        instance.GetFunction("take").Invoke(ComponentValue.FromResource(resource));
        Assert.False(resource.IsOwned);
        Assert.Equal(ComponentValue.FromUInt32(0), instance.GetFunction("live").Invoke());
        resource.Dispose();
        Assert.Equal(ComponentValue.FromUInt32(0), instance.GetFunction("live").Invoke());
    }

    [Fact]
    public void A_resource_outlives_its_instance_without_harm()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Maker);
        ComponentResource resource;
        using (ComponentInstance instance = new ComponentLinker(engine).Instantiate(component))
            resource = instance.GetFunction("[constructor]r").Invoke(ComponentValue.FromUInt32(1))!.AsResource();
        resource.Dispose();
        Assert.False(resource.IsOwned);
    }

    [Fact]
    public void A_resource_of_another_instance_is_refused()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Maker);
        ComponentTemplate template = new ComponentLinker(engine).Prepare(component);
        using ComponentInstance one = template.Instantiate();
        using ComponentInstance other = template.Instantiate();
        ComponentResource resource = one.GetFunction("[constructor]r").Invoke(ComponentValue.FromUInt32(1))!.AsResource();
        Assert.Throws<ArgumentException>(() => other.GetFunction("take").Invoke(ComponentValue.FromResource(resource)));
        Assert.True(resource.IsOwned);
    }

    [Fact]
    public void Objects_of_the_host_live_as_long_as_their_handles()
    {
        using Engine engine = Guests.CreateEngine();
        List<string> destroyed = [];
        ComponentResourceType type = new("thing", thing => destroyed.Add((string)thing));
        using Component component = Component.FromText(engine, User);
        using ComponentInstance instance = Linker(engine, type).Instantiate(component);
        Assert.Equal(ComponentValue.FromUInt32(5), instance.GetFunction("use").Invoke());
        Assert.Equal(["thing"], destroyed);
        Assert.Equal(0, type.Count);

        ComponentResource passed = type.Create("own");
        ComponentResource back = instance.GetFunction("pass").Invoke(ComponentValue.FromResource(passed))!.AsResource();
        Assert.Equal("own", back.Target);
        Assert.False(passed.IsOwned);
        back.Dispose();
        Assert.Equal(["thing", "own"], destroyed);
    }

    [Fact]
    public void A_handle_that_is_dropped_twice_traps()
    {
        using Engine engine = Guests.CreateEngine();
        int destroyed = 0;
        ComponentResourceType type = new("thing", _ => destroyed++);
        using Component component = Component.FromText(engine, User);
        using ComponentInstance instance = Linker(engine, type).Instantiate(component);
        Assert.Equal(ComponentTrapCode.InvalidHandle, Assert.Throws<ComponentTrapException>(() => instance.GetFunction("twice").Invoke()).Code);
        Assert.Equal(1, destroyed);
    }

    [Fact]
    public void A_destructor_of_the_host_that_throws_ends_the_call_with_its_exception()
    {
        using Engine engine = Guests.CreateEngine();
        ComponentResourceType type = new("thing", _ => throw new InvalidTimeZoneException("no"));
        using Component component = Component.FromText(engine, User);
        using ComponentInstance instance = Linker(engine, type).Instantiate(component);
        Assert.Throws<InvalidTimeZoneException>(() => instance.GetFunction("use").Invoke());
        Assert.True(instance.HasTrapped);
        Assert.Equal(0, type.Count);
    }

    [Fact]
    public void A_borrowed_resource_is_of_no_use_after_the_call()
    {
        using Engine engine = Guests.CreateEngine();
        ComponentResourceType type = new("thing");
        ComponentResource? kept = null;
        using Component component = Component.FromText(engine, User);
        ComponentLinker linker = new ComponentLinker(engine)
            .DefineResource("host:api/things@1.2.0", "thing", type)
            .DefineFunction("host:api/things@1.2.0", "make", _ => ComponentValue.FromResource(type.Create("thing")))
            .DefineFunction("host:api/things@1.2.0", "[method]thing.name", call =>
            {
                kept = call[0].AsResource();
                kept.Dispose();
                Assert.Equal("thing", kept.Target);
                return ComponentValue.FromUInt32(1);
            });
        using ComponentInstance instance = linker.Instantiate(component);
        instance.GetFunction("use").Invoke();
        Assert.Throws<ObjectDisposedException>(() => kept!.Target);
    }

    [Fact]
    public void A_type_of_the_host_has_a_capacity()
    {
        ComponentResourceType type = new("thing", null, capacity: 2);
        ComponentResource first = type.Create("a");
        type.Create("b");
        Assert.Throws<InvalidOperationException>(() => type.Create("c"));
        first.Dispose();
        Assert.Equal("c", type.Create("c").Target);
    }

    private static ComponentLinker Linker(Engine engine, ComponentResourceType type) => new ComponentLinker(engine)
        .DefineResource("host:api/things@1.3.0", "thing", type)
        .DefineFunction("host:api/things@1.3.0", "make", _ => ComponentValue.FromResource(type.Create("thing")))
        .DefineFunction("host:api/things@1.3.0", "[method]thing.name", call => ComponentValue.FromUInt32((uint)((string)call[0].AsResource().Target!).Length));
}
