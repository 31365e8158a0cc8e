// Validation of value and function types.
namespace Tarn.Wasm.Component;

internal static class ValueTypeValidator
{
    public static ValueTypeNode Resolve(ComponentScope scope, ValueTypeReference type, int offset)
    {
        if (!type.IsPrimitive)
            return scope.ValueTypeAt(type.Index, offset);
        CheckPrimitive(scope, type.Primitive, offset);
        return scope.Arena.Primitive(type.Primitive);
    }

    public static FunctionTypeNode Function(ComponentScope scope, FunctionTypeSyntax syntax)
    {
        if (syntax.IsAsync)
            scope.Require(WasmFeatures.ComponentAsync, "an async function type", syntax.Offset);
        TypeMeasure measure = TypeMeasure.One;
        CheckLabels(syntax.Names, "function parameter", syntax.Offset);
        ValueTypeNode[] parameters = new ValueTypeNode[syntax.Parameters.Length];
        for (int i = 0; i < parameters.Length; i++)
        {
            parameters[i] = Resolve(scope, syntax.Parameters[i], syntax.Offset);
            measure.Add(parameters[i]);
        }

        ValueTypeNode? result = syntax.Result is ValueTypeReference reference ? Resolve(scope, reference, syntax.Offset) : null;
        if (result is { HasBorrows: true })
            throw new InvalidModuleException("function result cannot contain a `borrow` type", syntax.Offset);
        measure.Add(result);
        measure.Check(syntax.Offset);
        return new FunctionTypeNode(syntax.IsAsync, syntax.Names, parameters, result, measure);
    }

    public static ValueTypeNode Define(ComponentScope scope, ValueTypeSyntax syntax)
    {
        int offset = syntax.Offset;
        ResourceTypeNode? resource = null;
        switch (syntax.Kind)
        {
            case ValueTypeKind.Record:
                CheckCount(syntax.Names.Length, "record type must have at least one field", offset);
                CheckLabels(syntax.Names, "record field", offset);
                break;
            case ValueTypeKind.Variant:
                CheckCount(syntax.Names.Length, "variant type must have at least one case", offset);
                CheckLabels(syntax.Names, "variant case", offset);
                break;
            case ValueTypeKind.Tuple:
                CheckCount(syntax.Types.Length, "tuple type must have at least one type", offset);
                break;
            case ValueTypeKind.Flags:
                CheckCount(syntax.Names.Length, "flags must have at least one entry", offset);
                if (syntax.Names.Length > ComponentLimits.ValidFlags)
                    throw new InvalidModuleException($"cannot have more than {ComponentLimits.ValidFlags} flags", offset);
                CheckLabels(syntax.Names, "flag", offset);
                break;
            case ValueTypeKind.Enum:
                CheckCount(syntax.Names.Length, "enum type must have at least one variant", offset);
                CheckLabels(syntax.Names, "enum tag", offset);
                break;
            case ValueTypeKind.FixedLengthList:
                scope.Require(WasmFeatures.ComponentFixedLengthLists, "a list of fixed length", offset);
                CheckCount((int)Math.Min(syntax.Immediate, int.MaxValue), "Fixed-length lists must have more than zero elements", offset);
                break;
            case ValueTypeKind.Map:
                scope.Require(WasmFeatures.ComponentMaps, "a map", offset);
                break;
            case ValueTypeKind.Stream or ValueTypeKind.Future:
                scope.Require(WasmFeatures.ComponentAsync, $"`{syntax.Kind.Keyword()}`", offset);
                break;
            case ValueTypeKind.Own or ValueTypeKind.Borrow:
                resource = scope.ResourceAt((int)syntax.Immediate, offset);
                break;
            default:
                if (syntax.Kind.IsPrimitive())
                    CheckPrimitive(scope, syntax.Kind, offset);
                break;
        }

        ValueTypeNode?[] types = new ValueTypeNode?[syntax.Types.Length];
        for (int i = 0; i < types.Length; i++)
            types[i] = syntax.Types[i] is ValueTypeReference reference ? Resolve(scope, reference, offset) : null;
        CheckElements(syntax.Kind, types, offset);
        return scope.Arena.Create(syntax.Kind, syntax.Names, types, syntax.Kind == ValueTypeKind.FixedLengthList ? syntax.Immediate : 0, resource, offset);
    }

    private static void CheckElements(ValueTypeKind kind, ValueTypeNode?[] types, int offset)
    {
        if (kind == ValueTypeKind.Stream && types[0] is { Kind: ValueTypeKind.Char })
            throw new InvalidModuleException("`stream<char>` is not valid at this time, use `stream<u8>`", offset);
        if (kind is ValueTypeKind.Stream or ValueTypeKind.Future && types[0] is { HasBorrows: true })
            throw new InvalidModuleException($"a {kind.Keyword()} cannot contain a `borrow` type", offset);
        if (kind == ValueTypeKind.Map)
        {
            // A map is a list of pairs, which must fit as well.
            long pair = CanonicalLayout.AlignTo(types[0]!.Layout64.Size, types[1]!.Layout64.Alignment) + types[1]!.Layout64.Size;
            if (CanonicalLayout.AlignTo(pair, Math.Max(types[0]!.Layout64.Alignment, types[1]!.Layout64.Alignment)) >= ComponentLimits.ElementSize * 2)
                throw new InvalidModuleException("type exceeds maximum byte size", offset);
        }
    }

    private static void CheckPrimitive(ComponentScope scope, ValueTypeKind kind, int offset)
    {
        if (kind == ValueTypeKind.ErrorContext)
            scope.Require(WasmFeatures.ComponentErrorContext, "`error-context`", offset);
    }

    private static void CheckCount(int count, string problem, int offset)
    {
        if (count == 0)
            throw new InvalidModuleException(problem, offset);
    }

    private static void CheckLabels(string[] labels, string what, int offset)
    {
        HashSet<string> seen = new(labels.Length, StringComparer.OrdinalIgnoreCase);
        foreach (string label in labels)
        {
            if (label.Length == 0)
                throw new InvalidModuleException($"{what} name cannot be empty", offset);
            if (!ComponentName.IsKebab(label))
                throw new InvalidModuleException($"{what} name `{label}` is not in kebab case", offset);
            if (!seen.Add(label))
                throw new InvalidModuleException($"{what} name `{label}` conflicts with previous {what} name", offset);
        }
    }
}
