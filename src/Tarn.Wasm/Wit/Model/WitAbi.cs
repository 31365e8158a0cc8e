// The core signature of a function and what its canonical definition needs (CanonicalABI.md, "Flattening"), from WIT alone: a module is checked against its world before there is a
// component whose types could be asked.
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Wit;

/// <summary>What a canonical definition needs.</summary>
[Flags]
internal enum WitAbiNeeds
{
    None = 0,
    Memory = 1,
    Realloc = 2,
    StringEncoding = 4,
}

/// <summary>Signatures of functions in core WebAssembly.</summary>
internal static class WitAbi
{
    /// <summary>The signature of a function.</summary>
    /// <param name="function">The function.</param>
    /// <param name="isImport">Whether the module calls it, and does not define it.</param>
    public static (ValType[] Parameters, ValType[] Results) Signature(WitFunction function, bool isImport)
    {
        List<ValType>? parameters = FlattenAll(function.Parameters.Select(parameter => parameter.Type), CanonicalLayout.MaxFlatParameters);
        parameters ??= [ValType.I32];
        List<ValType>? results = FlattenAll(function.Result is WitType result ? [result] : [], CanonicalLayout.MaxFlatResults);
        if (results is not null)
            return ([.. parameters], [.. results]);
        if (!isImport)
            return ([.. parameters], [ValType.I32]);
        return ([.. parameters, ValType.I32], []);
    }

    /// <summary>What the definition of a function needs.</summary>
    public static WitAbiNeeds Needs(WitFunction function, bool isImport)
    {
        WitAbiNeeds needs = WitAbiNeeds.None;
        WitAbiNeeds toCallee = isImport ? WitAbiNeeds.Memory : WitAbiNeeds.Memory | WitAbiNeeds.Realloc;
        WitAbiNeeds toCaller = isImport ? WitAbiNeeds.Memory | WitAbiNeeds.Realloc : WitAbiNeeds.Memory;
        foreach (WitParameter parameter in function.Parameters)
            needs |= Of(parameter.Type, toCallee);
        if (FlattenAll(function.Parameters.Select(parameter => parameter.Type), CanonicalLayout.MaxFlatParameters) is null)
            needs |= toCallee;
        if (function.Result is WitType result)
        {
            needs |= Of(result, toCaller);
            if (FlattenAll([result], CanonicalLayout.MaxFlatResults) is null)
                needs |= WitAbiNeeds.Memory;
        }

        return needs;
    }

    private static WitAbiNeeds Of(WitType type, WitAbiNeeds lists)
    {
        switch (type.Kind)
        {
            case WitTypeKind.String:
                return lists | WitAbiNeeds.StringEncoding;
            case WitTypeKind.Own or WitTypeKind.Borrow or WitTypeKind.Resource or WitTypeKind.Stream or WitTypeKind.Future:
                return WitAbiNeeds.None;
            default:
                WitAbiNeeds needs = type.Kind is WitTypeKind.List or WitTypeKind.Map ? lists : WitAbiNeeds.None;
                foreach (WitType? part in type.Definition?.Types ?? [])
                {
                    if (part is WitType inner)
                        needs |= Of(inner, lists);
                }

                return needs;
        }
    }

    // The flat types, or null where there are more than so many.
    private static List<ValType>? FlattenAll(IEnumerable<WitType> types, int limit)
    {
        List<ValType> flat = [];
        foreach (WitType type in types)
        {
            if (!Flatten(type, flat, limit))
                return null;
        }

        return flat;
    }

    private static bool Flatten(WitType type, List<ValType> target, int limit)
    {
        switch (type.Kind)
        {
            case WitTypeKind.S64 or WitTypeKind.U64:
                target.Add(ValType.I64);
                break;
            case WitTypeKind.F32:
                target.Add(ValType.F32);
                break;
            case WitTypeKind.F64:
                target.Add(ValType.F64);
                break;
            case WitTypeKind.String or WitTypeKind.List or WitTypeKind.Map:
                target.Add(ValType.I32);
                target.Add(ValType.I32);
                break;
            case WitTypeKind.Named or WitTypeKind.Record or WitTypeKind.Tuple:
                foreach (WitType? part in type.Definition!.Types)
                {
                    if (!Flatten(part!.Value, target, limit))
                        return false;
                }

                break;
            case WitTypeKind.FixedLengthList:
                for (uint i = 0; i < type.Definition!.Length; i++)
                {
                    if (!Flatten(type.Definition.Types[0]!.Value, target, limit))
                        return false;
                }

                break;
            case WitTypeKind.Variant or WitTypeKind.Option or WitTypeKind.Result:
                target.Add(ValType.I32);
                int start = target.Count;
                foreach (WitType? part in type.Definition!.Types)
                {
                    List<ValType> payload = [];
                    if (part is WitType inner && !Flatten(inner, payload, limit))
                        return false;
                    for (int i = 0; i < payload.Count; i++)
                    {
                        if (start + i < target.Count)
                            target[start + i] = ValueTypeNode.Join(target[start + i], payload[i]);
                        else
                            target.Add(payload[i]);
                    }
                }

                break;
            default:
                target.Add(ValType.I32);
                break;
        }

        return target.Count <= limit;
    }
}
