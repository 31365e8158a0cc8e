// A component, compiled: its core modules and its linking plan. Immutable, thread-safe, and made into instances any number of times.
using System.Text;
using Tarn.Components.Linking;
using Tarn.Components.Runtime;
using Tarn.Pooling;
using Tarn.Wasm.Text;

namespace Tarn.Components;

/// <summary>Represents a WebAssembly component that has been validated and compiled.</summary>
public sealed class Component : IDisposable
{
    private readonly ComponentPlan? _plan;
    private readonly NotSupportedException? _unsupported;
    private bool _disposed;

    private Component(Engine engine, ComponentFacts facts, NotSupportedException unsupported)
        : this(engine, facts, null, []) => _unsupported = unsupported;

    private Component(Engine engine, ComponentFacts facts, ComponentPlan? plan, Module[] modules)
    {
        Engine = engine;
        _plan = plan;
        Modules = modules;
        Pool = engine.Allocator is PooledAllocator allocator ? new ComponentPool(allocator) : null;
        Imports = [.. facts.Type.Imports.Select(item => new ComponentItem(item.Key, ToKind(item.Value)))];
        Exports = [.. facts.Type.Exports.Select(item => new ComponentItem(item.Key, ToKind(item.Value)))];
    }

    /// <summary>Gets the engine that the component was compiled by.</summary>
    public Engine Engine { get; }

    /// <summary>Gets what the component imports.</summary>
    public IReadOnlyList<ComponentItem> Imports { get; }

    /// <summary>Gets what the component exports.</summary>
    public IReadOnlyList<ComponentItem> Exports { get; }

    /// <summary>How it is instantiated.</summary>
    /// <exception cref="NotSupportedException">It uses what is not supported.</exception>
    internal ComponentPlan Plan => _plan ?? throw new NotSupportedException(_unsupported!.Message, _unsupported);

    internal Module[] Modules { get; }

    /// <summary>The component's slots, where the engine has a pool.</summary>
    internal ComponentPool? Pool { get; }

    /// <summary>Validates and compiles a component from a file in the binary or the text format, which is detected from the contents.</summary>
    /// <param name="engine">The engine that compiles it.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="MalformedModuleException">The bytes are not a component.</exception>
    /// <exception cref="TextFormatException">The text is malformed.</exception>
    /// <exception cref="InvalidModuleException">A rule of validation is broken, or the component unfolds beyond an implementation limit.</exception>
    public static Component FromFile(Engine engine, string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        return bytes.AsSpan().StartsWith("\0asm"u8) ? FromBytes(engine, bytes) : FromText(engine, System.Text.Encoding.UTF8.GetString(bytes));
    }

    /// <summary>Validates and compiles a component in the binary format.</summary>
    /// <param name="engine">The engine that compiles it.</param>
    /// <param name="bytes">The binary.</param>
    /// <exception cref="MalformedModuleException">The bytes are not a component.</exception>
    /// <exception cref="InvalidModuleException">A rule of validation is broken, or the component unfolds beyond an implementation limit.</exception>
    public static Component FromBytes(Engine engine, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        WasmFeatures features = engine.Options.Features;
        WasmComponent component = WasmComponent.Decode(bytes.ToArray(), features);
        ComponentFacts facts = ComponentValidator.Validate(component, features);
        ComponentPlan plan;
        try
        {
            plan = PlanBuilder.Build(component, facts);
        }
        catch (NotSupportedException e)
        {
            // A valid component all the same: what it exports and imports can be asked for.
            return new Component(engine, facts, e);
        }

        var modules = new Module[plan.Modules.Length];
        int made = 0;
        try
        {
            for (; made < modules.Length; made++)
                modules[made] = Module.FromBytes(engine, plan.Modules[made].Bytes.Span);
        }
        catch
        {
            foreach (Module module in modules.AsSpan(0, made))
                module.Dispose();
            throw;
        }

        return new Component(engine, facts, plan, modules);
    }

    /// <summary>Validates and compiles a component in the text format.</summary>
    /// <param name="engine">The engine that compiles it.</param>
    /// <param name="text">The text.</param>
    /// <exception cref="TextFormatException">The text is malformed.</exception>
    /// <exception cref="InvalidModuleException">A rule of validation is broken, or the component unfolds beyond an implementation limit.</exception>
    public static Component FromText(Engine engine, string text)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(text);
        return FromBytes(engine, ComponentParser.Parse(Encoding.UTF8.GetBytes(text), null, new WatOptions { Features = engine.Options.Features }));
    }

    /// <summary>Returns whether bytes begin as a component in the binary format does.</summary>
    public static bool IsComponent(ReadOnlySpan<byte> bytes) => WasmComponent.IsComponent(bytes);

    /// <summary>Returns what one instance of the component takes, for the limits of a pool.</summary>
    /// <exception cref="NotSupportedException">The component uses what is not supported.</exception>
    public ComponentResources DescribeResources()
    {
        int memories = 0, tables = 0, instances = 0;
        long pages = 0, elements = 0;
        foreach (InstantiateStep step in Plan.Steps.OfType<InstantiateStep>())
        {
            WasmModule module = Plan.Modules[step.Module];
            instances++;
            foreach (CoreMemoryType memory in module.Memories[module.ImportedMemoryCount..])
            {
                memories++;
                pages = Math.Max(pages, (long)Math.Min(memory.Limits.Minimum, long.MaxValue));
            }

            foreach (CoreTableType table in module.Tables[module.ImportedTableCount..])
            {
                tables++;
                elements = Math.Max(elements, (long)Math.Min(table.Limits.Minimum, long.MaxValue));
            }
        }

        return new ComponentResources(instances, memories, pages, tables, elements);
    }

    /// <summary>Frees the compiled code. Instances keep what they need until they are disposed.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Pool?.Close();
        foreach (Module module in Modules)
            module.Dispose();
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    private static ComponentItemKind ToKind(ComponentExternType type) => type.Sort switch
    {
        ComponentSort.CoreModule => ComponentItemKind.CoreModule,
        ComponentSort.Function => ComponentItemKind.Function,
        ComponentSort.Value => ComponentItemKind.Value,
        ComponentSort.Type => ComponentItemKind.Type,
        ComponentSort.Instance => ComponentItemKind.Instance,
        _ => ComponentItemKind.Component,
    };
}
