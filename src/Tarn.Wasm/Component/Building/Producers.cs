// The section that says which tools made a component or module (tool-conventions, "Producers Section"): fields with names of tools and their versions.
using System.Reflection;
using System.Text;
using Tarn.Wasm.Binary;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>A producers section.</summary>
internal sealed class Producers
{
    public const string SectionName = "producers";

    private readonly OrderedDictionary<string, OrderedDictionary<string, string>> _fields = new(StringComparer.Ordinal);

    /// <summary>The version of this library.</summary>
    public static string Version { get; } = typeof(Producers).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    /// <summary>Whether no tool is named.</summary>
    public bool IsEmpty => _fields.Count == 0;

    /// <summary>The section that names this library.</summary>
    public static Producers Own()
    {
        Producers producers = new();
        producers.Add("processed-by", "tarn", Version);
        return producers;
    }

    /// <summary>Adds the section that names this library to a component.</summary>
    public static void Add(ComponentBuilder component) => component.Custom(SectionName, Own().Encode());

    /// <summary>Adds a tool, unless it is there.</summary>
    public void Add(string field, string name, string version)
    {
        if (!_fields.TryGetValue(field, out OrderedDictionary<string, string>? values))
            _fields.Add(field, values = new OrderedDictionary<string, string>(StringComparer.Ordinal));
        values.TryAdd(name, version);
    }

    /// <summary>Adds what another section has.</summary>
    public void Merge(Producers other)
    {
        foreach ((string field, OrderedDictionary<string, string> values) in other._fields)
        {
            foreach ((string name, string version) in values)
                Add(field, name, version);
        }
    }

    /// <summary>Reads a section; null where it is broken.</summary>
    public static Producers? Parse(ReadOnlySpan<byte> content)
    {
        try
        {
            Producers producers = new();
            WasmReader reader = new(content, 0, content.Length);
            for (int fields = reader.ReadCount(1000, "fields of a producers section", 2); fields > 0; fields--)
            {
                string field = reader.ReadName();
                for (int values = reader.ReadCount(1000, "values of a producers field", 2); values > 0; values--)
                    producers.Add(field, reader.ReadName(), reader.ReadName());
            }

            return producers;
        }
        catch (MalformedModuleException)
        {
            return null;
        }
    }

    /// <summary>The section's content.</summary>
    public byte[] Encode()
    {
        ByteBuffer content = new();
        content.U32((uint)_fields.Count);
        foreach ((string field, OrderedDictionary<string, string> values) in _fields)
        {
            content.Counted(Encoding.UTF8.GetBytes(field));
            content.U32((uint)values.Count);
            foreach ((string name, string version) in values)
            {
                content.Counted(Encoding.UTF8.GetBytes(name));
                content.Counted(Encoding.UTF8.GetBytes(version));
            }
        }

        return content.ToArray();
    }
}
