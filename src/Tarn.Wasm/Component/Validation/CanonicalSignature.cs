// The core function type of a function that is lifted or lowered (CanonicalABI.md, "Flattening"), and which options its values need.
namespace Tarn.Wasm.Component;

/// <summary>A function's core type.</summary>
internal sealed class CanonicalSignature
{
    private CanonicalSignature(ValType[] parameters, ValType[] results)
    {
        Parameters = parameters;
        Results = results;
    }

    public ValType[] Parameters { get; }

    public ValType[] Results { get; }

    /// <summary>Whether parameters are passed in memory.</summary>
    public bool ParametersInMemory { get; private init; }

    /// <summary>Whether the result is passed in memory.</summary>
    public bool ResultInMemory { get; private init; }

    /// <summary>The core type of a function that exists.</summary>
    public static CanonicalSignature Of(ValType[] parameters, ValType[] results) => new(parameters, results);

    /// <summary>Core values of a function's parameters, stopping at <see cref="CanonicalLayout.ManyFlat"/>.</summary>
    public static int CountFlat(ValueTypeNode[] types)
    {
        int count = 0;
        foreach (ValueTypeNode type in types)
            count = Math.Min(count + type.FlatCount, CanonicalLayout.ManyFlat);
        return count;
    }

    /// <summary>The core function that a lifted function is.</summary>
    public static CanonicalSignature OfLift(FunctionTypeNode type, CanonicalOptions options, int offset)
    {
        List<ValType> parameters = [], results = [];
        bool spilled = CountFlat(type.Parameters) > CanonicalLayout.MaxFlatParameters;
        bool pointers = Array.Exists(type.Parameters, p => p.HasPointers);
        options.RequireRealloc(spilled || pointers, offset);
        Flatten(parameters, type.Parameters, spilled, options);
        bool returned = false;
        if (options.IsAsync)
        {
            options.RequireMemory(type.Result is not null && (type.Result.HasPointers || type.Result.FlatCount > CanonicalLayout.MaxFlatParameters), offset);
            if (options.Callback >= 0)
                results.Add(ValType.I32);
        }
        else if (type.Result is ValueTypeNode result)
        {
            returned = result.FlatCount > CanonicalLayout.MaxFlatResults;
            options.RequireMemory(returned || result.HasPointers, offset);
            if (returned)
                results.Add(options.Pointer);
            else
                result.Flatten(results, options.Pointer);
        }

        return new CanonicalSignature([.. parameters], [.. results]) { ParametersInMemory = spilled, ResultInMemory = returned };
    }

    /// <summary>The core function that a lowered function becomes.</summary>
    public static CanonicalSignature OfLower(FunctionTypeNode type, CanonicalOptions options, int offset)
    {
        List<ValType> parameters = [], results = [];
        bool spilled = CountFlat(type.Parameters) > (options.IsAsync ? CanonicalLayout.MaxFlatAsyncParameters : CanonicalLayout.MaxFlatParameters);
        options.RequireMemory(spilled || Array.Exists(type.Parameters, p => p.HasPointers), offset);
        Flatten(parameters, type.Parameters, spilled, options);
        bool returned = type.Result is not null && (options.IsAsync || type.Result.FlatCount > CanonicalLayout.MaxFlatResults);
        options.RequireMemory(returned, offset);
        options.RequireRealloc(type.Result is { HasPointers: true }, offset);
        if (returned)
            parameters.Add(options.Pointer);
        if (options.IsAsync)
            results.Add(ValType.I32);
        else if (!returned)
            type.Result?.Flatten(results, options.Pointer);
        return new CanonicalSignature([.. parameters], [.. results]) { ParametersInMemory = spilled, ResultInMemory = returned };
    }

    private static void Flatten(List<ValType> target, ValueTypeNode[] types, bool spilled, CanonicalOptions options)
    {
        if (spilled)
        {
            target.Add(options.Pointer);
            return;
        }

        foreach (ValueTypeNode type in types)
            type.Flatten(target, options.Pointer);
    }
}
