// Function, struct and array types. Immutable; their value types hold module indices as decoded, or canonical ids in those that TypeRegistry hands out.
using System.Text;

namespace Tarn.Wasm;

/// <summary>Which of the three composite types.</summary>
internal enum CompositeKind : byte
{
    /// <summary>A function type.</summary>
    Function,

    /// <summary>A struct type.</summary>
    Struct,

    /// <summary>An array type.</summary>
    Array,
}

/// <summary>A function, struct or array type.</summary>
internal abstract class CompositeType
{
    private protected CompositeType(CompositeKind kind) => Kind = kind;

    /// <summary>Which of the three.</summary>
    public CompositeKind Kind { get; }
}

/// <summary>Parameters and results.</summary>
internal sealed class CoreFunctionType(ValType[] parameters, ValType[] results) : CompositeType(CompositeKind.Function)
{
    /// <summary>No parameters, no results.</summary>
    public static CoreFunctionType Empty { get; } = new([], []);

    public ReadOnlySpan<ValType> Parameters => parameters;

    public ReadOnlySpan<ValType> Results => results;

    public int ParameterCount => parameters.Length;

    public int ResultCount => results.Length;

    /// <summary>As in the text format.</summary>
    public override string ToString()
    {
        StringBuilder text = new("(func");
        if (parameters.Length > 0)
            text.Append(" (param ").AppendJoin(' ', parameters).Append(')');
        if (results.Length > 0)
            text.Append(" (result ").AppendJoin(' ', results).Append(')');
        return text.Append(')').ToString();
    }
}

/// <summary>The type of a field or array element.</summary>
internal readonly record struct FieldType(ValType Storage, bool IsMutable)
{
    /// <summary>As in the text format.</summary>
    public override string ToString() => IsMutable ? $"(mut {Storage})" : Storage.ToString();
}

/// <summary>A struct's fields.</summary>
internal sealed class StructType(FieldType[] fields) : CompositeType(CompositeKind.Struct)
{
    public ReadOnlySpan<FieldType> Fields => fields;

    /// <summary>As in the text format.</summary>
    public override string ToString() => fields.Length == 0 ? "(struct)" : "(struct (field " + string.Join(") (field ", fields) + "))";
}

/// <summary>An array's element.</summary>
internal sealed class ArrayType(FieldType element) : CompositeType(CompositeKind.Array)
{
    public FieldType Element => element;

    /// <summary>As in the text format.</summary>
    public override string ToString() => $"(array {element})";
}
