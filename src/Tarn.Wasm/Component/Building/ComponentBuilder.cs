// Puts definitions together: of a component, or of a component or instance type. It counts the index spaces, so that whoever builds has indices without keeping books.
using System.Text;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>Definitions under construction.</summary>
/// <param name="isType">Whether they are declarations of a type.</param>
internal sealed class ComponentBuilder(bool isType)
{
    private readonly ComponentWriter _writer = new(isType);
    private readonly int[] _counts = new int[(int)ComponentSort.Count];
    private readonly ByteBuffer _scratch = new();

    /// <summary>Names for people.</summary>
    public ComponentNames Names { get; } = new();

    /// <summary>Whether nothing was added.</summary>
    public bool IsEmpty => _writer.Declarations == 0;

    /// <summary>How many items of a sort there are.</summary>
    public int Count(ComponentSort sort) => _counts[(int)sort];

    /// <summary>Adds a type.</summary>
    /// <param name="content">The type as the binary format has it.</param>
    /// <param name="name">A name for people.</param>
    public int Type(ReadOnlySpan<byte> content, string? name = null)
    {
        Content().Bytes(content);
        return Add(7, ComponentSort.Type, name);
    }

    /// <summary>Adds an alias of an instance's export.</summary>
    public int AliasExport(ComponentSort sort, int instance, string export, string? name = null)
    {
        ByteBuffer content = Content();
        Sort(content, sort);
        content.Byte(0x00);
        content.U32((uint)instance);
        content.Counted(Encoding.UTF8.GetBytes(export));
        return Add(6, sort, name);
    }

    /// <summary>Adds an alias of a core instance's export.</summary>
    public int AliasCoreExport(ComponentSort sort, int instance, string export, string? name = null)
    {
        ByteBuffer content = Content();
        Sort(content, sort);
        content.Byte(0x01);
        content.U32((uint)instance);
        content.Counted(Encoding.UTF8.GetBytes(export));
        return Add(6, sort, name);
    }

    /// <summary>Adds an alias of an item of a scope around this one.</summary>
    public int AliasOuter(ComponentSort sort, int count, int index)
    {
        ByteBuffer content = Content();
        Sort(content, sort);
        content.Byte(0x02);
        content.U32((uint)count);
        content.U32((uint)index);
        return Add(6, sort, null);
    }

    /// <summary>Adds an import.</summary>
    public int Import(in ExternName name, in ExternSyntax item, string? debugName = null)
    {
        ByteBuffer content = Content();
        Name(content, name);
        Extern(content, item);
        return Add(10, item.Sort, debugName);
    }

    /// <summary>Adds an export that a type declares.</summary>
    public int Declare(in ExternName name, in ExternSyntax item)
    {
        ByteBuffer content = Content();
        Name(content, name);
        Extern(content, item);
        return Add(11, item.Sort, null);
    }

    /// <summary>Adds an export.</summary>
    public int Export(in ExternName name, in SortIndex item, ExternSyntax? ascribed = null, string? debugName = null)
    {
        ByteBuffer content = Content();
        Name(content, name);
        Sort(content, item.Sort);
        content.U32((uint)item.Index);
        content.Byte(ascribed is null ? (byte)0 : (byte)1);
        if (ascribed is ExternSyntax type)
            Extern(content, type);
        return Add(11, item.Sort, debugName);
    }

    /// <summary>Adds a core module.</summary>
    public int CoreModule(ReadOnlySpan<byte> module, string? name)
    {
        _writer.AddWhole(1, module);
        return Count(ComponentSort.CoreModule, name);
    }

    /// <summary>Adds a component.</summary>
    public int Component(ReadOnlySpan<byte> component, string? name)
    {
        _writer.AddWhole(4, component);
        return Count(ComponentSort.Component, name);
    }

    /// <summary>Adds a core instance by instantiation.</summary>
    public int CoreInstantiate(int module, IReadOnlyCollection<CoreArgument> arguments, string? name)
    {
        ByteBuffer content = Content();
        content.Byte(0x00);
        content.U32((uint)module);
        content.U32((uint)arguments.Count);
        foreach (CoreArgument argument in arguments)
        {
            content.Counted(Encoding.UTF8.GetBytes(argument.Name));
            content.Byte(0x12);
            content.U32((uint)argument.Instance);
        }

        return Add(2, ComponentSort.CoreInstance, name);
    }

    /// <summary>Adds a core instance made of items.</summary>
    public int CoreExports(IReadOnlyCollection<(string Name, SortIndex Item)> exports, string? name)
    {
        ByteBuffer content = Content();
        content.Byte(0x01);
        content.U32((uint)exports.Count);
        foreach ((string export, SortIndex item) in exports)
        {
            content.Counted(Encoding.UTF8.GetBytes(export));
            content.Byte(item.Sort.Code());
            content.U32((uint)item.Index);
        }

        return Add(2, ComponentSort.CoreInstance, name);
    }

    /// <summary>Adds an instance by instantiation.</summary>
    public int Instantiate(int component, IReadOnlyCollection<(string Name, SortIndex Item)> arguments, string? name)
    {
        ByteBuffer content = Content();
        content.Byte(0x00);
        content.U32((uint)component);
        content.U32((uint)arguments.Count);
        foreach ((string argument, SortIndex item) in arguments)
        {
            content.Counted(Encoding.UTF8.GetBytes(argument));
            Sort(content, item.Sort);
            content.U32((uint)item.Index);
        }

        return Add(5, ComponentSort.Instance, name);
    }

    /// <summary>Adds a lifted function.</summary>
    public int Lift(int function, int type, IReadOnlyCollection<CanonicalOption> options, string? name)
    {
        ByteBuffer content = Content();
        content.Byte(0x00);
        content.Byte(0x00);
        content.U32((uint)function);
        Options(content, options);
        content.U32((uint)type);
        return Add(8, ComponentSort.Function, name);
    }

    /// <summary>Adds a lowered function.</summary>
    public int Lower(int function, IReadOnlyCollection<CanonicalOption> options, string? name)
    {
        ByteBuffer content = Content();
        content.Byte(0x01);
        content.Byte(0x00);
        content.U32((uint)function);
        Options(content, options);
        return Add(8, ComponentSort.CoreFunction, name);
    }

    /// <summary>Adds a built-in function on a resource.</summary>
    public int ResourceFunction(CanonicalKind kind, int type, string? name)
    {
        ByteBuffer content = Content();
        content.Byte((byte)kind);
        content.U32((uint)type);
        return Add(8, ComponentSort.CoreFunction, name);
    }

    /// <summary>Adds a custom section.</summary>
    public void Custom(string name, ReadOnlySpan<byte> content)
    {
        ByteBuffer section = new();
        section.Counted(Encoding.UTF8.GetBytes(name));
        section.Bytes(content);
        _writer.AddWhole(0, section.Span);
    }

    /// <summary>The component.</summary>
    /// <param name="withNames">Whether it has the section with names.</param>
    public byte[] ToComponent(bool withNames)
    {
        if (withNames)
            Custom(ComponentNames.SectionName, Names.Encode());
        return [0x00, 0x61, 0x73, 0x6D, 0x0D, 0x00, 0x01, 0x00, .. _writer.Finish().Span];
    }

    /// <summary>The definitions without a header.</summary>
    public ReadOnlySpan<byte> Definitions() => _writer.Finish().Span;

    /// <summary>The component type or instance type.</summary>
    public byte[] ToType(bool isInstance)
    {
        ByteBuffer content = new();
        content.Byte(isInstance ? (byte)0x42 : (byte)0x41);
        content.U32(_writer.Declarations);
        content.Bytes(_writer.Finish());
        return content.ToArray();
    }

    private ByteBuffer Content()
    {
        _scratch.Clear();
        return _scratch;
    }

    private int Add(byte section, ComponentSort sort, string? name)
    {
        _writer.Add(section, _scratch);
        return Count(sort, name);
    }

    private int Count(ComponentSort sort, string? name)
    {
        int index = _counts[(int)sort]++;
        if (name is not null)
            Names.Add(sort, index, name);
        return index;
    }

    private static void Sort(ByteBuffer target, ComponentSort sort)
    {
        if (sort.IsCore())
            target.Byte(0x00);
        target.Byte(sort.Code());
    }

    private static void Name(ByteBuffer target, in ExternName name) => new ExternNameText(name.Name, name.Implements, name.VersionSuffix, name.ExternalId).Write(target);

    private static void Extern(ByteBuffer target, in ExternSyntax item)
    {
        Sort(target, item.Sort);
        if (item.Sort == ComponentSort.Type)
        {
            target.Byte(item.Index < 0 ? (byte)0x01 : (byte)0x00);
            if (item.Index < 0)
                return;
        }

        target.U32((uint)item.Index);
    }

    private static void Options(ByteBuffer target, IReadOnlyCollection<CanonicalOption> options)
    {
        target.U32((uint)options.Count);
        foreach (CanonicalOption option in options)
        {
            target.Byte((byte)option.Kind);
            if (option.Kind is CanonicalOptionKind.Memory or CanonicalOptionKind.Realloc or CanonicalOptionKind.PostReturn or CanonicalOptionKind.Callback or CanonicalOptionKind.CoreType)
                target.U32((uint)option.Index);
        }
    }
}
