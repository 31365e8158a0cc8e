// Encodes types of WIT into a scope: of a component, a component type or an instance type. A type is encoded when it is first needed, behind what it needs itself.
//
// What differs between scopes is what a name means (an import of the component, an export of the instance) and where a type of another interface comes from.
using System.Text;
using Tarn.Wasm.Component;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Wit;

/// <summary>Encodes types.</summary>
/// <param name="scope">What they are added to.</param>
internal abstract class TypeEncoder(ComponentBuilder scope)
{
    /// <summary>The scope.</summary>
    protected ComponentBuilder Scope { get; } = scope;

    /// <summary>Indices of types that are there.</summary>
    public Dictionary<WitTypeDef, int> Types { get; init; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Indices of function types by their encoding.</summary>
    public Dictionary<string, int> Functions { get; init; } = new(StringComparer.Ordinal);

    /// <summary>The index of a type that belongs to another definition, or null where it is to be defined here.</summary>
    protected abstract int? FindElsewhere(WitTypeDef type);

    /// <summary>Gives a type a name; its new index, or null where names are not given.</summary>
    protected abstract int? NameType(WitTypeDef type, int index);

    /// <summary>Adds a resource type.</summary>
    protected abstract int NameResource(WitTypeDef resource);

    /// <summary>Encodes a type and what it needs.</summary>
    public ValueTypeReference Encode(WitType type) => type.Definition is WitTypeDef definition ? Encode(definition) : new ValueTypeReference(Primitive(type.Primitive));

    /// <summary>Encodes a definition and what it needs.</summary>
    public ValueTypeReference Encode(WitTypeDef type)
    {
        if (Types.TryGetValue(type, out int known))
            return new ValueTypeReference(known);
        if (FindElsewhere(type) is int found)
        {
            Types[type] = found;
            return new ValueTypeReference(found);
        }

        if (type.Kind == WitTypeKind.Resource)
        {
            int resource = NameResource(type);
            Types[type] = resource;
            return new ValueTypeReference(resource);
        }

        ValueTypeReference reference;
        if (type.Kind == WitTypeKind.Named)
        {
            reference = Encode(type.Types[0]!.Value);
            if (reference.IsPrimitive)
                reference = new ValueTypeReference(Scope.Type([(byte)reference.Primitive]));
        }
        else
        {
            reference = new ValueTypeReference(Scope.Type(Structure(type)));
        }

        if (type.Name is not null && NameType(type, reference.Index) is int named)
            reference = new ValueTypeReference(named);
        Types[type] = reference.Index;
        return reference;
    }

    /// <summary>Encodes a function's type.</summary>
    public int Function(WitFunction function)
    {
        ValueTypeReference[] parameters = [.. function.Parameters.Select(parameter => Encode(parameter.Type))];
        ValueTypeReference? result = function.Result is WitType type ? Encode(type) : null;
        ByteBuffer content = new();
        content.Byte(function.IsAsync ? (byte)0x43 : (byte)0x40);
        content.U32((uint)parameters.Length);
        for (int i = 0; i < parameters.Length; i++)
        {
            content.Counted(Encoding.UTF8.GetBytes(function.Parameters[i].Name));
            Write(content, parameters[i]);
        }

        content.Byte(result is null ? (byte)1 : (byte)0);
        if (result is ValueTypeReference only)
            Write(content, only);
        else
            content.Byte(0);
        string key = Convert.ToHexString(content.Span);
        if (!Functions.TryGetValue(key, out int index))
            Functions.Add(key, index = Scope.Type(content.Span));
        return index;
    }

    private byte[] Structure(WitTypeDef type)
    {
        ValueTypeReference?[] parts = [.. type.Types.Select(part => part is WitType inner ? Encode(inner) : (ValueTypeReference?)null)];
        ByteBuffer content = new();
        ValueTypeKind kind = Enum.Parse<ValueTypeKind>(type.Kind.ToString());
        content.Byte((byte)kind);
        switch (type.Kind)
        {
            case WitTypeKind.Record or WitTypeKind.Variant:
                content.U32((uint)type.Names.Length);
                for (int i = 0; i < type.Names.Length; i++)
                {
                    content.Counted(Encoding.UTF8.GetBytes(type.Names[i]));
                    if (type.Kind == WitTypeKind.Record)
                    {
                        Write(content, parts[i]!.Value);
                        continue;
                    }

                    WriteOptional(content, parts[i]);
                    content.Byte(0);
                }

                break;
            case WitTypeKind.Flags or WitTypeKind.Enum:
                content.U32((uint)type.Names.Length);
                foreach (string name in type.Names)
                    content.Counted(Encoding.UTF8.GetBytes(name));
                break;
            case WitTypeKind.Tuple:
                content.U32((uint)parts.Length);
                foreach (ValueTypeReference? part in parts)
                    Write(content, part!.Value);
                break;
            case WitTypeKind.Own or WitTypeKind.Borrow:
                content.U32((uint)parts[0]!.Value.Index);
                break;
            case WitTypeKind.Result or WitTypeKind.Stream or WitTypeKind.Future:
                foreach (ValueTypeReference? part in parts)
                    WriteOptional(content, part);
                break;
            default:
                foreach (ValueTypeReference? part in parts)
                    Write(content, part!.Value);
                if (type.Kind == WitTypeKind.FixedLengthList)
                    content.U32(type.Length);
                break;
        }

        return content.ToArray();
    }

    private static void WriteOptional(ByteBuffer target, ValueTypeReference? type)
    {
        target.Byte(type is null ? (byte)0 : (byte)1);
        if (type is ValueTypeReference present)
            Write(target, present);
    }

    private static void Write(ByteBuffer target, ValueTypeReference type)
    {
        if (type.IsPrimitive)
            target.Byte((byte)type.Primitive);
        else
            target.Signed(type.Index);
    }

    private static ValueTypeKind Primitive(WitTypeKind kind) => Enum.Parse<ValueTypeKind>(kind.ToString());
}

/// <summary>Encodes types into an instance type; types of other interfaces come from the scope around it.</summary>
/// <param name="scope">The instance type.</param>
/// <param name="owner">The interface.</param>
/// <param name="outer">The index that a type of another interface has in the scope around the instance type.</param>
internal sealed class InstanceTypeEncoder(ComponentBuilder scope, WitInterface owner, Func<WitTypeDef, int> outer) : TypeEncoder(scope)
{
    protected override int? FindElsewhere(WitTypeDef type) =>
        type.Owner is null || type.Owner == owner ? null : Scope.AliasOuter(ComponentSort.Type, 1, outer(type));

    protected override int? NameType(WitTypeDef type, int index) => Scope.Declare(new ExternName(type.Name!), new ExternSyntax(ComponentSort.Type, index));

    protected override int NameResource(WitTypeDef resource) => Scope.Declare(new ExternName(resource.Name!), new ExternSyntax(ComponentSort.Type, -1));
}

/// <summary>Encodes types into a component or component type; types of interfaces come from instances.</summary>
/// <param name="scope">The component.</param>
/// <param name="instances">The instance of an interface, or -1.</param>
/// <param name="namesTypes">Whether types of the world are imports.</param>
internal sealed class WorldTypeEncoder(ComponentBuilder scope, Func<WitInterface, int> instances, bool namesTypes) : TypeEncoder(scope)
{
    protected override int? FindElsewhere(WitTypeDef type) =>
        type.Owner is WitInterface owner && instances(owner) is >= 0 and int instance ? Scope.AliasExport(ComponentSort.Type, instance, type.Name!, type.Name) : null;

    protected override int? NameType(WitTypeDef type, int index) =>
        namesTypes ? Scope.Import(new ExternName(type.Name!), new ExternSyntax(ComponentSort.Type, index), type.Name) : null;

    protected override int NameResource(WitTypeDef resource) => Scope.Import(new ExternName(resource.Name!), new ExternSyntax(ComponentSort.Type, -1), resource.Name);
}
