// Copies types from one owner to another, with everything that refers to them. Types of other owners are shared.
namespace Tarn.Wasm.Wit;

/// <summary>Copies.</summary>
/// <param name="from">The owner whose types are copied.</param>
/// <param name="to">The owner of the copies.</param>
/// <param name="renames">New names of types.</param>
internal sealed class TypeCopier(object from, object to, IReadOnlyDictionary<string, string> renames)
{
    private readonly Dictionary<WitTypeDef, WitTypeDef> _copies = new(ReferenceEqualityComparer.Instance);

    /// <summary>Copies an item of a world.</summary>
    public WitWorldItem Copy(WitWorldItem item)
    {
        if (item.Type is not null)
            return item with { Type = Copy(item.Type) };
        if (item.Function is null)
            return item;
        WitFunction copy = Copy(item.Function);
        if (copy.Kind == WitFunctionKind.Freestanding && renames.TryGetValue(copy.Name, out string? name))
            copy = copy with { Name = name };
        return item with { Function = copy };
    }

    /// <summary>Copies a function; the name of a resource's function follows that of the resource.</summary>
    public WitFunction Copy(WitFunction function)
    {
        WitTypeDef? resource = function.Resource is null ? null : Copy(function.Resource);
        string name = function.Name;
        if (resource is not null && resource.Name != function.Resource!.Name)
        {
            name = function.Kind switch
            {
                WitFunctionKind.Constructor => $"[constructor]{resource.Name}",
                WitFunctionKind.Method => $"[method]{resource.Name}.{function.ItemName}",
                _ => $"[static]{resource.Name}.{function.ItemName}",
            };
        }

        return function with
        {
            Name = name,
            Resource = resource,
            Parameters = [.. function.Parameters.Select(parameter => new WitParameter(parameter.Name, Copy(parameter.Type)))],
            Result = function.Result is WitType result ? Copy(result) : null,
        };
    }

    /// <summary>Copies a type where it is used.</summary>
    public WitType Copy(WitType type) => type.Definition is null ? type : new WitType(Copy(type.Definition));

    /// <summary>Copies a definition, unless another owner has it.</summary>
    public WitTypeDef Copy(WitTypeDef type)
    {
        if (type.Owner is not null && type.Owner != from)
            return type;
        if (_copies.TryGetValue(type, out WitTypeDef? copy))
            return copy;
        WitType?[] types = [.. type.Types.Select(part => part is WitType inner ? Copy(inner) : (WitType?)null)];
        string? name = type.Name is null ? null : renames.GetValueOrDefault(type.Name, type.Name);
        copy = new WitTypeDef(type.Kind, name, type.Owner is null ? null : to)
        {
            Types = types,
            Names = type.Names,
            MemberDocs = type.MemberDocs,
            MemberSpans = type.MemberSpans,
            Length = type.Length,
            Docs = type.Docs,
            Stability = type.Stability,
            Span = type.Span,
        };
        _copies.Add(type, copy);
        return copy;
    }
}
