// Makes values out of core values and memory (CanonicalABI.md, "Loading" and "Flat Lifting"). What a guest says is checked as it is read: alignment, bounds, discriminants, characters,
// encodings, handles; the trap has the path of the value.
using System.Globalization;
using Tarn.Components.Handles;
using Tarn.Components.Runtime;

namespace Tarn.Components.Abi;

/// <summary>Lifting from one side of a call.</summary>
/// <param name="context">The side.</param>
/// <param name="scope">What is borrowed for the call.</param>
internal readonly struct Lifter(AbiContext context, CallScope scope)
{
    // What an element of a list takes in the host: the value and the reference to it.
    private const int ElementCost = 64;

    /// <summary>Lifts the parameters of a call.</summary>
    public ComponentValue[] Parameters(AbiFunction function, ref FlatValues flat)
    {
        var values = new ComponentValue[function.Parameters.Length];
        if (!function.ParametersInMemory)
        {
            for (int i = 0; i < values.Length; i++)
                values[i] = At($"param \"{function.Names[i]}\"", function.Parameters[i], ref flat);
            return values;
        }

        uint pointer = (uint)flat.Next();
        (long size, int alignment) = TupleLayout(function.Parameters);
        AbiContext.CheckAlignment(pointer, alignment);
        context.CheckRange(pointer, size, "parameters out of bounds of memory");
        for (int i = 0; i < values.Length; i++)
        {
            pointer = (uint)CanonicalLayout.AlignTo(pointer, function.Parameters[i].Alignment);
            values[i] = At($"param \"{function.Names[i]}\"", function.Parameters[i], pointer);
            pointer += (uint)function.Parameters[i].Size;
        }

        return values;
    }

    /// <summary>Lifts the result of a call.</summary>
    public ComponentValue? Result(AbiFunction function, ref FlatValues flat)
    {
        if (function.Result is not AbiType type)
            return null;
        if (!function.ResultInMemory)
            return At("result", type, ref flat);
        uint pointer = (uint)flat.Next();
        AbiContext.CheckAlignment(pointer, type.Alignment);
        context.CheckRange(pointer, type.Size, "result out of bounds of memory");
        return At("result", type, pointer);
    }

    /// <summary>Size and alignment of parameters that are passed in memory.</summary>
    public static (long Size, int Alignment) TupleLayout(AbiType[] types)
    {
        long size = 0;
        int alignment = 1;
        foreach (AbiType type in types)
        {
            size = CanonicalLayout.AlignTo(size, type.Alignment) + type.Size;
            alignment = Math.Max(alignment, type.Alignment);
        }

        return (CanonicalLayout.AlignTo(size, alignment), alignment);
    }

    private ComponentValue At(string path, AbiType type, ref FlatValues flat)
    {
        try
        {
            return Flat(type, ref flat);
        }
        catch (ComponentTrapException e)
        {
            throw Located(e, path);
        }
    }

    private ComponentValue At(string path, AbiType type, uint pointer)
    {
        try
        {
            return Load(type, pointer);
        }
        catch (ComponentTrapException e)
        {
            throw Located(e, path);
        }
    }

    // Paths grow from the inside out; only a trap pays for them.
    internal static ComponentTrapException Located(ComponentTrapException e, string path)
    {
        string rest = e.Path is null ? "" : e.Path.StartsWith('[') ? e.Path : "." + e.Path;
        return new ComponentTrapException(e.Code, e.Problem, path + rest, e.InnerException);
    }

    private ComponentValue Flat(AbiType type, ref FlatValues flat)
    {
        switch (type.Kind)
        {
            case ValueTypeKind.String:
                uint pointer = (uint)flat.Next();
                return StringCodec.Load(context, scope, pointer, (uint)flat.Next());
            case ValueTypeKind.List:
                pointer = (uint)flat.Next();
                return List(type.Types[0]!, pointer, (uint)flat.Next());
            case ValueTypeKind.Record or ValueTypeKind.Tuple:
                var items = new ComponentValue[type.Types.Length];
                for (int i = 0; i < items.Length; i++)
                    items[i] = At(ItemPath(type, i), type.Types[i]!, ref flat);
                return Aggregate(type, items);
            case ValueTypeKind.Variant or ValueTypeKind.Option or ValueTypeKind.Result or ValueTypeKind.Enum:
                int start = flat.Position;
                uint discriminant = (uint)flat.Next();
                CheckDiscriminant(type, discriminant);
                AbiType? caseType = type.CaseType((int)discriminant);
                ComponentValue? payload = caseType is null ? null : At(type.CaseName((int)discriminant), caseType, ref flat);
                flat.MoveTo(start + type.Node.FlatCount, clear: false);
                return Case(type, (int)discriminant, payload);
            case ValueTypeKind.FixedLengthList:
                var elements = new ComponentValue[type.Node.Length];
                for (int i = 0; i < elements.Length; i++)
                    elements[i] = At(Index(i), type.Types[0]!, ref flat);
                return ComponentValue.FromItems(ComponentValueKind.List, elements);
            default:
                return Scalar(type, flat.Next());
        }
    }

    private ComponentValue Load(AbiType type, uint pointer)
    {
        switch (type.Kind)
        {
            case ValueTypeKind.String:
                return StringCodec.Load(context, scope, context.ReadUInt32(pointer), context.ReadUInt32(pointer + 4));
            case ValueTypeKind.List:
                return List(type.Types[0]!, context.ReadUInt32(pointer), context.ReadUInt32(pointer + 4));
            case ValueTypeKind.Record or ValueTypeKind.Tuple:
                var items = new ComponentValue[type.Types.Length];
                for (int i = 0; i < items.Length; i++)
                {
                    pointer = (uint)CanonicalLayout.AlignTo(pointer, type.Types[i]!.Alignment);
                    items[i] = At(ItemPath(type, i), type.Types[i]!, pointer);
                    pointer += (uint)type.Types[i]!.Size;
                }

                return Aggregate(type, items);
            case ValueTypeKind.Variant or ValueTypeKind.Option or ValueTypeKind.Result or ValueTypeKind.Enum:
                uint discriminant = type.Node.DiscriminantSize switch
                {
                    1 => context.ReadByte(pointer),
                    2 => context.ReadUInt16(pointer),
                    _ => context.ReadUInt32(pointer),
                };
                CheckDiscriminant(type, discriminant);
                AbiType? caseType = type.CaseType((int)discriminant);
                ComponentValue? payload = caseType is null ? null : At(type.CaseName((int)discriminant), caseType, pointer + (uint)type.Node.Layout.PayloadOffset);
                return Case(type, (int)discriminant, payload);
            case ValueTypeKind.FixedLengthList:
                return Elements(type.Types[0]!, pointer, type.Node.Length);
            default:
                return Scalar(type, type.Size switch
                {
                    1 => context.ReadByte(pointer),
                    2 => context.ReadUInt16(pointer),
                    4 => context.ReadUInt32(pointer),
                    _ => context.ReadUInt64(pointer),
                });
        }
    }

    private ComponentValue List(AbiType element, uint pointer, uint length)
    {
        AbiContext.CheckAlignment(pointer, element.Alignment);
        context.CheckRange(pointer, (long)length * element.Size, "list content out-of-bounds");
        return Elements(element, pointer, length);
    }

    private ComponentValue Elements(AbiType element, uint pointer, uint length)
    {
        scope.Charge(element.Kind == ValueTypeKind.U8 ? length : length * (long)ElementCost);
        if (element.Kind == ValueTypeKind.U8)
            return ComponentValue.FromOwnedBytes(context.Span(pointer, (int)length).ToArray());
        var items = new ComponentValue[length];
        for (int i = 0; i < items.Length; i++)
        {
            items[i] = At(Index(i), element, pointer);
            pointer += (uint)element.Size;
        }

        return ComponentValue.FromItems(ComponentValueKind.List, items);
    }

    private ComponentValue Scalar(AbiType type, ulong bits)
    {
        switch (type.Kind)
        {
            case ValueTypeKind.Bool:
                return ComponentValue.FromBoolean((uint)bits != 0);
            case ValueTypeKind.S8:
                return ComponentValue.FromInt8((sbyte)bits);
            case ValueTypeKind.U8:
                return ComponentValue.FromUInt8((byte)bits);
            case ValueTypeKind.S16:
                return ComponentValue.FromInt16((short)bits);
            case ValueTypeKind.U16:
                return ComponentValue.FromUInt16((ushort)bits);
            case ValueTypeKind.S32:
                return ComponentValue.FromInt32((int)bits);
            case ValueTypeKind.U32:
                return ComponentValue.FromUInt32((uint)bits);
            case ValueTypeKind.S64:
                return ComponentValue.FromInt64((long)bits);
            case ValueTypeKind.U64:
                return ComponentValue.FromUInt64(bits);
            case ValueTypeKind.F32:
                float single = BitConverter.UInt32BitsToSingle((uint)bits);
                return ComponentValue.FromBits(ComponentValueKind.F32, float.IsNaN(single) ? 0x7FC0_0000u : (uint)bits);
            case ValueTypeKind.F64:
                double number = BitConverter.UInt64BitsToDouble(bits);
                return ComponentValue.FromBits(ComponentValueKind.F64, double.IsNaN(number) ? 0x7FF8_0000_0000_0000u : bits);
            case ValueTypeKind.Char:
                uint scalar = (uint)bits;
                if (scalar >= 0x110000 || scalar is >= 0xD800 and <= 0xDFFF)
                    throw new ComponentTrapException(ComponentTrapCode.InvalidCharacter, $"invalid `char` bit pattern 0x{scalar:x}");
                return ComponentValue.FromBits(ComponentValueKind.Char, scalar);
            case ValueTypeKind.Flags:
                List<string> set = [];
                for (int i = 0; i < type.Node.Names.Length; i++)
                {
                    if ((bits >> i & 1) != 0)
                        set.Add(type.Node.Names[i]);
                }

                return ComponentValue.FromFlags([.. set]);
            case ValueTypeKind.Own:
                return Own(context.Resource(type), (uint)bits);
            case ValueTypeKind.Borrow:
                return Borrow(context.Resource(type), (uint)bits);
            default:
                throw new ComponentTrapException(ComponentTrapCode.NotSupported, $"values of the type {type.Kind.Keyword()} are not supported");
        }
    }

    private ComponentValue Own(ResourceRuntime type, uint handle)
    {
        HandleEntry entry = context.Instance.Handles.Find(handle, type);
        if (entry.Scope is not null)
            throw new ComponentTrapException(ComponentTrapCode.InvalidHandle, $"handle index {handle} is borrowed, and ownership of it cannot be passed on");
        context.Instance.Handles.Remove(handle, type);
        return ComponentValue.FromResource(new ComponentResource(type, entry.Representation, isOwned: true));
    }

    private ComponentValue Borrow(ResourceRuntime type, uint handle)
    {
        ref HandleEntry entry = ref context.Instance.Handles.Find(handle, type);
        if (entry.Scope is null)
        {
            entry.Lends++;
            scope.Lend(context.Instance.Handles, handle);
        }

        return ComponentValue.FromResource(scope.Borrow(new ComponentResource(type, entry.Representation, isOwned: false)));
    }

    private static void CheckDiscriminant(AbiType type, uint discriminant)
    {
        if (discriminant >= (uint)type.Node.CaseCount)
            throw new ComponentTrapException(ComponentTrapCode.InvalidDiscriminant, $"invalid variant discriminant {discriminant}: there are {type.Node.CaseCount} cases");
    }

    private static ComponentValue Case(AbiType type, int index, ComponentValue? payload) => type.Kind switch
    {
        ValueTypeKind.Option => ComponentValue.FromOption(payload),
        ValueTypeKind.Result => index == 0 ? ComponentValue.Ok(payload) : ComponentValue.Error(payload),
        ValueTypeKind.Enum => ComponentValue.FromEnum(type.Node.Names[index]),
        _ => ComponentValue.FromVariant(type.Node.Names[index], payload),
    };

    private static ComponentValue Aggregate(AbiType type, ComponentValue[] items) => type.Kind == ValueTypeKind.Record
        ? ComponentValue.FromItems(ComponentValueKind.Record, items, type.Node.Names)
        : ComponentValue.FromItems(ComponentValueKind.Tuple, items);

    private static string ItemPath(AbiType type, int index) => type.Kind == ValueTypeKind.Record ? type.Node.Names[index] : s_indices[Math.Min(index, s_indices.Length - 1)];

    private static string Index(int index) => index < s_indices.Length - 1 ? s_indices[index] : s_indices[^1];

    // Names of the first elements; a path is made for each element, and most are never seen.
    private static readonly string[] s_indices = [.. Enumerable.Range(0, 256).Select(i => "[" + i.ToString(CultureInfo.InvariantCulture) + "]"), "[256 or later]"];
}
