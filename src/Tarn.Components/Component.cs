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
    private readonly ReadOnlyMemory<byte> _bytes;
    private bool _disposed;

    private Component(Engine engine, ReadOnlyMemory<byte> bytes, ComponentFacts facts, NotSupportedException unsupported)
        : this(engine, bytes, facts, null, []) => _unsupported = unsupported;

    private Component(Engine engine, ReadOnlyMemory<byte> bytes, ComponentFacts facts, ComponentPlan? plan, Module[] modules)
    {
        _bytes = bytes;
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
        return Make(engine, bytes.ToArray(), static (engine, module, _) => Module.FromBytes(engine, module.Bytes.Span));
    }

    /// <summary>
    /// Returns the compiled component as bytes, for <see cref="Deserialize"/> by an engine of the same build of Tarn, on the same kind of processor, with the same options that change code.
    /// </summary>
    /// <exception cref="NotSupportedException">The component uses what is not supported.</exception>
    public byte[] Serialize()
    {
        ThrowIfDisposed();
        _ = Plan;
        return ComponentArtifact.Write(_bytes.Span, Modules);
    }

    /// <summary>
    /// Loads a compiled component. Its machine code will be executed as it is: load only what you or someone you trust has written, as you would a program.
    /// </summary>
    /// <param name="engine">The engine that runs it.</param>
    /// <param name="bytes">What <see cref="Serialize"/> has returned.</param>
    /// <exception cref="IncompatibleArtifactException">It was made by another build, for another processor or with other options, or is damaged.</exception>
    public static Component Deserialize(Engine engine, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        (Range component, Range[] ranges) = ComponentArtifact.Read(bytes);
        byte[][] artifacts = new byte[ranges.Length][];
        for (int i = 0; i < ranges.Length; i++)
            artifacts[i] = bytes[ranges[i]].ToArray();
        try
        {
            Component loaded = Make(engine, bytes[component].ToArray(), (engine, module, number) =>
            {
                if (number >= artifacts.Length)
                    throw new IncompatibleArtifactException("The compiled component lacks a core module. Compile it again.");
                Module code = Module.Deserialize(engine, artifacts[number]);
                if (code.Core.Wasm.Bytes.Span.SequenceEqual(module.Bytes.Span))
                    return code;
                code.Dispose();
                throw new IncompatibleArtifactException("The compiled component has the code of another core module. Compile it again.");
            });
            if (loaded.Modules.Length == artifacts.Length)
                return loaded;
            loaded.Dispose();
            throw new IncompatibleArtifactException("The compiled component has more core modules than it should. Compile it again.");
        }
        catch (WasmException e) when (e is MalformedModuleException or InvalidModuleException or UnsupportedModuleException)
        {
            throw new IncompatibleArtifactException($"The compiled component is not valid for this engine: {e.Message}");
        }
    }

    // The modules of the plan come from the function, by their numbers.
    private static Component Make(Engine engine, byte[] bytes, Func<Engine, WasmModule, int, Module> makeModule)
    {
        WasmFeatures features = engine.Options.Features;
        WasmComponent component = WasmComponent.Decode(bytes, features);
        ComponentFacts facts = ComponentValidator.Validate(component, features);
        ComponentPlan plan;
        try
        {
            plan = PlanBuilder.Build(component, facts, features);
        }
        catch (NotSupportedException e)
        {
            // A valid component all the same: what it exports and imports can be asked for.
            return new Component(engine, bytes, facts, e);
        }

        var modules = new Module[plan.Modules.Length];
        int made = 0;
        try
        {
            for (; made < modules.Length; made++)
                modules[made] = makeModule(engine, plan.Modules[made], made);
        }
        catch
        {
            foreach (Module module in modules.AsSpan(0, made))
                module.Dispose();
            throw;
        }

        return new Component(engine, bytes, facts, plan, modules);
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
