// Every number of every public options type at its extremes: it is refused by Validate, or where it is set, or by the constructor in words; or it works for the life of an
// instance, which is held to what the option says. Options are found by reflection: a new one is tried without anybody thinking of it.
using System.Reflection;

namespace Tarn.Runtime.Tests.Options;

[Collection(ProcessWideCollection.Name)]
public sealed class ExtremeOptionsTests
{
    private const string Guest = """
        (module (memory (export "m") 1) (table (export "t") 1 funcref)
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "growtable") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))
          (func (export "touch") (param i32) (i32.store (local.get 0) (i32.const 1)))
          (func (export "size") (result i32) (memory.size))
          (func (export "wrap") (param i32) (result i32) (drop (i32.load8_u (local.get 0))) (i32.load8_u (i32.add (local.get 0) (i32.const 0x1000)))))
        """;

    private static readonly Type[] s_types = [.. typeof(EngineOptions).Assembly.GetExportedTypes()
        .Where(t => t is { IsAbstract: false, IsEnum: false } && (t.Name.EndsWith("Options", StringComparison.Ordinal) || t.Name.EndsWith("Limits", StringComparison.Ordinal) || t == typeof(FuelCosts)))];

    public static TheoryData<string, string> Numbers
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (Type type in s_types)
            {
                foreach (PropertyInfo property in type.GetProperties().Where(p => p.CanWrite && IsNumber(p.PropertyType)))
                    data.Add(type.Name, property.Name);
            }
            return data;
        }
    }

    [Fact]
    public void Every_options_type_is_known_here()
    {
        // A new one needs a way into an engine below.
        Assert.Equal(["EngineOptions", "FuelCosts", "InstanceLimits", "LeakDetectionOptions", "PoolingOptions", "StoreLimits"], s_types.Select(t => t.Name).Order());
        Assert.True(Numbers.Count > 20);
        foreach (Type type in s_types)
        {
            foreach (PropertyInfo property in type.GetProperties().Where(p => p.CanWrite))
            {
                Type plain = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                Assert.True(IsNumber(plain) || plain.IsEnum || plain == typeof(bool) || s_types.Contains(plain) || plain == typeof(CompilationCache) || typeof(Delegate).IsAssignableFrom(plain), $"{type.Name}.{property.Name}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void A_number_at_its_extremes_is_refused_in_words_or_works(string typeName, string propertyName)
    {
        Type type = s_types.Single(t => t.Name == typeName);
        PropertyInfo property = type.GetProperty(propertyName)!;
        int worked = 0;
        foreach (MemoryStrategy strategy in Enum.GetValues<MemoryStrategy>())
        {
            foreach (AllocationStrategy allocation in Enum.GetValues<AllocationStrategy>())
            {
                foreach (object value in Extremes(property.PropertyType))
                {
                    try
                    {
                        worked += Try(type, property, value, strategy, allocation) ? 1 : 0;
                    }
                    catch (Exception e) when (e is not Xunit.Sdk.IAssertionException)
                    {
                        throw new InvalidOperationException($"{typeName}.{propertyName} = {value} ({strategy}, {allocation}): {e.Message}", e);
                    }
                }
            }
        }
        Assert.True(worked > 0);
    }

    private static bool Try(Type type, PropertyInfo property, object value, MemoryStrategy strategy, AllocationStrategy allocation)
    {
        var pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 2, MemoryPages = 4, TableElements = 4 }, StackSize = EngineOptions.MinimumStackSize };
        var options = new EngineOptions { MemoryStrategy = strategy, AllocationStrategy = allocation, StackSize = EngineOptions.MinimumStackSize, Features = WasmFeatures.All, EnableInterruption = true, EnableFuel = true };
        StoreLimits? limits = null;
        try
        {
            object changed = type == typeof(EngineOptions) ? options : type == typeof(PoolingOptions) ? pooling : type == typeof(InstanceLimits) ? pooling.Limits : type == typeof(FuelCosts) ? new FuelCosts() : new StoreLimits();
            changed = With(changed, property, value);
            pooling = changed switch { PoolingOptions p => p, InstanceLimits l => pooling with { Limits = l }, _ => pooling };
            options = (changed as EngineOptions ?? options) with { Pooling = pooling };
            if (changed is FuelCosts costs)
                options = options with { FuelCosts = costs };
            limits = changed as StoreLimits;
        }
        catch (ArgumentOutOfRangeException e)
        {
            Assert.NotEmpty(e.Message);
            return false;
        }
        IReadOnlyList<string> faults = options.Validate();
        Engine engine;
        try
        {
            engine = new Engine(options);
        }
        catch (ArgumentException e)
        {
            Assert.NotEmpty(faults);
            Assert.Contains(property.Name, e.Message, StringComparison.Ordinal);
            return false;
        }
        catch (PoolReservationException e)
        {
            Assert.Empty(faults);
            Assert.True(e.RequestedBytes > 0);
            return false;
        }
        Assert.Empty(faults);
        using (engine)
        {
            try
            {
                return Live(engine, options, limits);
            }
            catch (TrapException e) when (e.Code is TrapCode.OutOfFuel or TrapCode.Interrupted)
            {
                // What the limits are for.
                return limits?.Fuel is not null || limits?.CallTimeout is not null;
            }
        }
    }

    private static bool Live(Engine engine, EngineOptions options, StoreLimits? limits)
    {
        bool isPooled = options.AllocationStrategy == AllocationStrategy.Pooling;
        using Module module = Module.FromText(engine, Guest);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        for (int life = 0; life < 2; life++)
        {
            Instance instance;
            try
            {
                instance = template.Instantiate(null, limits);
            }
            catch (Exception e) when (e is InstantiationException or PoolExhaustedException)
            {
                return false;
            }
            using (instance)
            {
                long most = isPooled ? options.Pooling.Limits.MemoryPages : options.MaximumMemoryPages;
                if (limits?.MaximumMemoryBytes is long bytes)
                    most = Math.Min(most, bytes >> 16);
                int grown = instance.GetFunction<int, int>("grow").Invoke(1);
                Assert.True(grown == 1 || grown == -1);
                if (most < 2)
                    Assert.Equal(-1, grown);
                instance.GetFunction<int, int>("growtable").Invoke(2);
                int size = instance.GetFunction<int>("size").Invoke();
                Assert.InRange(size, 1, Math.Max(1, most));
                instance.GetAction<int>("touch").Invoke((size << 16) - 4);
                AssertOutside(() => instance.GetAction<int>("touch").Invoke(size << 16));
                Assert.Equal((long)size << 16, instance.Memory.Length);
                // A sum that wraps around is the small number that it is, and never beyond the memory.
                AssertOutside(() => instance.GetFunction<int, int>("wrap").Invoke(-1));
            }
        }
        return true;
    }

    private static void AssertOutside(Action call)
    {
        TrapException trap = Assert.Throws<TrapException>(call);
        if (trap.Code is TrapCode.OutOfFuel or TrapCode.Interrupted)
            throw trap;
        Assert.Equal(TrapCode.MemoryOutOfBounds, trap.Code);
    }

    private static object With(object options, PropertyInfo property, object value)
    {
        object copy = options is ValueType or FuelCosts ? options : options.GetType().GetMethod("<Clone>$")!.Invoke(options, null)!;
        try
        {
            property.SetValue(copy, value);
        }
        catch (TargetInvocationException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException!);
        }
        return copy;
    }

    private static bool IsNumber(Type type)
    {
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain == typeof(int) || plain == typeof(long) || plain == typeof(TimeSpan);
    }

    private static IEnumerable<object> Extremes(Type type)
    {
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        bool isInt = plain == typeof(int);
        IEnumerable<long> numbers = Enumerable.Range(0, isInt ? 31 : 63).SelectMany(k => (long[])[(1L << k) - 1, 1L << k, (1L << k) + 1])
            .Concat([-1, isInt ? int.MaxValue : long.MaxValue, isInt ? int.MinValue : long.MinValue]).Distinct();
        return numbers.Select(n => isInt ? (int)n : plain == typeof(long) ? n : (object)new TimeSpan(n));
    }
}
