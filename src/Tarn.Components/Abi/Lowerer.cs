// Makes core values and memory out of values (CanonicalABI.md, "Storing" and "Flat Lowering"). A value that does not fit its type is the host's mistake, since values of guests were lifted
// by a type that is the same: it is an ArgumentException with the value's path.
using Tarn.Components.Runtime;

namespace Tarn.Components.Abi;

/// <summary>Lowering to one side of a call.</summary>
/// <param name="context">The side.</param>
/// <param name="scope">What is borrowed for the call.</param>
/// <param name="receiver">The call that borrowed handles which arrive here belong to; null for the result of a call, which has none.</param>
internal readonly struct Lowerer(AbiContext context, CallScope scope, CallScope? receiver)
{
    private const long MaximumBytes = uint.MaxValue;

    /// <summary>Lowers the parameters of a call.</summary>
    public void Parameters(AbiFunction function, ReadOnlySpan<ComponentValue> values, ref FlatValues flat)
    {
        if (!function.ParametersInMemory)
        {
            for (int i = 0; i < values.Length; i++)
                Flat(function.Parameters[i], values[i], ref flat);
            return;
        }

        (long size, int alignment) = Lifter.TupleLayout(function.Parameters);
        uint pointer = context.Realloc(0, 0, alignment, (uint)size);
        flat.Add(pointer);
        for (int i = 0; i < values.Length; i++)
        {
            pointer = (uint)CanonicalLayout.AlignTo(pointer, function.Parameters[i].Alignment);
            Store(function.Parameters[i], values[i], pointer);
            pointer += (uint)function.Parameters[i].Size;
        }
    }

    /// <summary>Lowers the result of a call; one that is passed in memory goes to a place of the caller's.</summary>
    public void Result(AbiFunction function, ComponentValue? value, ref FlatValues flat, uint place)
    {
        if (function.Result is not AbiType type)
        {
            if (value is not null)
                throw new ArgumentException("The function has no result, and one was returned.");
            return;
        }

        if (value is null)
            throw new ArgumentException("The function has a result, and none was returned.");
        if (!function.ResultInMemory)
        {
            Flat(type, value, ref flat);
            return;
        }

        AbiContext.CheckAlignment(place, type.Alignment);
        context.CheckRange(place, type.Size, "result out of bounds of memory");
        Store(type, value, place);
    }

    /// <summary>Checks that a value of the host fits a type, before anything is asked of the guest.</summary>
    /// <exception cref="ArgumentException">It does not.</exception>
    public static void Check(AbiContext context, AbiType type, ComponentValue value)
    {
        switch (type.Kind)
        {
            case ValueTypeKind.String:
                Expect(value, ComponentValueKind.String);
                break;
            case ValueTypeKind.List or ValueTypeKind.FixedLengthList:
                Expect(value, ComponentValueKind.List);
                if (type.Kind == ValueTypeKind.FixedLengthList)
                    CheckLength(type, value);
                if (type.Types[0]!.Kind == ValueTypeKind.U8 && value.ByteItems is not null)
                    break;
                for (int i = 0; i < value.Count; i++)
                    Check(context, type.Types[0]!, value[i]);
                break;
            case ValueTypeKind.Record or ValueTypeKind.Tuple:
                CheckItems(type, value);
                for (int i = 0; i < type.Types.Length; i++)
                    Check(context, type.Types[i]!, value[i]);
                break;
            case ValueTypeKind.Variant or ValueTypeKind.Option or ValueTypeKind.Result or ValueTypeKind.Enum:
                if (type.CaseType(CaseOf(type, value)) is AbiType caseType)
                    Check(context, caseType, value.Payload!);
                break;
            case ValueTypeKind.Own or ValueTypeKind.Borrow:
                Expect(value, ComponentValueKind.Resource);
                value.Handle!.Check(context.Resource(type), type.Kind == ValueTypeKind.Own);
                break;
            default:
                ScalarBits(type, value);
                break;
        }
    }

    private void Flat(AbiType type, ComponentValue value, ref FlatValues flat)
    {
        switch (type.Kind)
        {
            case ValueTypeKind.String:
                Expect(value, ComponentValueKind.String);
                (uint pointer, uint units) = StringCodec.Store(context, value);
                flat.Add(pointer);
                flat.Add(units);
                break;
            case ValueTypeKind.List:
                (pointer, units) = List(type.Types[0]!, value);
                flat.Add(pointer);
                flat.Add(units);
                break;
            case ValueTypeKind.Record or ValueTypeKind.Tuple:
                CheckItems(type, value);
                for (int i = 0; i < type.Types.Length; i++)
                    Flat(type.Types[i]!, value[i], ref flat);
                break;
            case ValueTypeKind.Variant or ValueTypeKind.Option or ValueTypeKind.Result or ValueTypeKind.Enum:
                int start = flat.Position;
                int index = CaseOf(type, value);
                flat.Add((uint)index);
                if (type.CaseType(index) is AbiType caseType)
                    Flat(caseType, value.Payload!, ref flat);
                flat.MoveTo(start + type.Node.FlatCount, clear: true);
                break;
            case ValueTypeKind.FixedLengthList:
                CheckLength(type, value);
                for (int i = 0; i < value.Count; i++)
                    Flat(type.Types[0]!, value[i], ref flat);
                break;
            default:
                flat.Add(Scalar(type, value));
                break;
        }
    }

    private void Store(AbiType type, ComponentValue value, uint pointer)
    {
        switch (type.Kind)
        {
            case ValueTypeKind.String:
                Expect(value, ComponentValueKind.String);
                (uint place, uint units) = StringCodec.Store(context, value);
                context.Write(pointer, place, 4);
                context.Write(pointer + 4, units, 4);
                break;
            case ValueTypeKind.List:
                (place, units) = List(type.Types[0]!, value);
                context.Write(pointer, place, 4);
                context.Write(pointer + 4, units, 4);
                break;
            case ValueTypeKind.Record or ValueTypeKind.Tuple:
                CheckItems(type, value);
                for (int i = 0; i < type.Types.Length; i++)
                {
                    pointer = (uint)CanonicalLayout.AlignTo(pointer, type.Types[i]!.Alignment);
                    Store(type.Types[i]!, value[i], pointer);
                    pointer += (uint)type.Types[i]!.Size;
                }

                break;
            case ValueTypeKind.Variant or ValueTypeKind.Option or ValueTypeKind.Result or ValueTypeKind.Enum:
                int index = CaseOf(type, value);
                context.Write(pointer, (uint)index, type.Node.DiscriminantSize);
                if (type.CaseType(index) is AbiType caseType)
                    Store(caseType, value.Payload!, pointer + (uint)type.Node.Layout.PayloadOffset);
                break;
            case ValueTypeKind.FixedLengthList:
                CheckLength(type, value);
                Elements(type.Types[0]!, value, pointer);
                break;
            default:
                context.Write(pointer, Scalar(type, value), type.Size);
                break;
        }
    }

    private (uint Pointer, uint Length) List(AbiType element, ComponentValue value)
    {
        Expect(value, ComponentValueKind.List);
        long bytes = (long)value.Count * element.Size;
        if (bytes > MaximumBytes)
            throw new ComponentTrapException(ComponentTrapCode.LimitReached, $"a list takes {bytes} bytes, which no memory has");
        uint pointer = context.Realloc(0, 0, element.Alignment, (uint)bytes);
        Elements(element, value, pointer);
        return (pointer, (uint)value.Count);
    }

    private void Elements(AbiType element, ComponentValue value, uint pointer)
    {
        if (element.Kind == ValueTypeKind.U8 && value.ByteItems is byte[] bytes)
        {
            bytes.CopyTo(context.Span(pointer, bytes.Length));
            return;
        }

        for (int i = 0; i < value.Count; i++)
        {
            Store(element, value[i], pointer);
            pointer += (uint)element.Size;
        }
    }

    private ulong Scalar(AbiType type, ComponentValue value) => type.Kind switch
    {
        ValueTypeKind.Own => Own(context.Resource(type), value),
        ValueTypeKind.Borrow => Borrow(context.Resource(type), value),
        _ => ScalarBits(type, value),
    };

    private static ulong ScalarBits(AbiType type, ComponentValue value)
    {
        switch (type.Kind)
        {
            case ValueTypeKind.Bool:
                return Bits(value, ComponentValueKind.Bool);
            case ValueTypeKind.S8:
                return (uint)(int)(sbyte)Bits(value, ComponentValueKind.S8);
            case ValueTypeKind.U8:
                return Bits(value, ComponentValueKind.U8);
            case ValueTypeKind.S16:
                return (uint)(int)(short)Bits(value, ComponentValueKind.S16);
            case ValueTypeKind.U16:
                return Bits(value, ComponentValueKind.U16);
            case ValueTypeKind.S32:
                return (uint)Bits(value, ComponentValueKind.S32);
            case ValueTypeKind.U32:
                return Bits(value, ComponentValueKind.U32);
            case ValueTypeKind.S64:
                return Bits(value, ComponentValueKind.S64);
            case ValueTypeKind.U64:
                return Bits(value, ComponentValueKind.U64);
            case ValueTypeKind.F32:
                uint single = (uint)Bits(value, ComponentValueKind.F32);
                return float.IsNaN(BitConverter.UInt32BitsToSingle(single)) ? 0x7FC0_0000u : single;
            case ValueTypeKind.F64:
                ulong number = Bits(value, ComponentValueKind.F64);
                return double.IsNaN(BitConverter.UInt64BitsToDouble(number)) ? 0x7FF8_0000_0000_0000u : number;
            case ValueTypeKind.Char:
                return Bits(value, ComponentValueKind.Char);
            case ValueTypeKind.Flags:
                return Flags(type, value);
            default:
                throw new ComponentTrapException(ComponentTrapCode.NotSupported, $"values of the type {type.Kind.Keyword()} are not supported");
        }
    }

    private uint Own(ResourceRuntime type, ComponentValue value)
    {
        Expect(value, ComponentValueKind.Resource);
        return context.Instance.Handles.Add(type, value.Handle!.Take(type), null);
    }

    // The instance that implements a resource works with representations and needs no handle.
    private uint Borrow(ResourceRuntime type, ComponentValue value)
    {
        Expect(value, ComponentValueKind.Resource);
        ComponentResource resource = value.Handle!;
        uint representation = resource.Lend(type);
        scope.Lend(resource);
        if (type.Owner == context.Instance)
            return representation;
        receiver!.Borrows++;
        return context.Instance.Handles.Add(type, representation, receiver);
    }

    private static ulong Flags(AbiType type, ComponentValue value)
    {
        Expect(value, ComponentValueKind.Flags);
        ulong bits = 0;
        foreach (string name in value.Names)
        {
            int index = Array.IndexOf(type.Node.Names, name);
            if (index < 0)
                throw new ArgumentException($"There is no flag named '{name}'. The flags are {string.Join(", ", type.Node.Names)}.");
            bits |= 1UL << index;
        }

        return bits;
    }

    private static int CaseOf(AbiType type, ComponentValue value)
    {
        Expect(value, type.Kind switch
        {
            ValueTypeKind.Variant => ComponentValueKind.Variant,
            ValueTypeKind.Enum => ComponentValueKind.Enum,
            ValueTypeKind.Option => ComponentValueKind.Option,
            _ => ComponentValueKind.Result,
        });
        int index = 0;
        while (index < type.Node.CaseCount && type.CaseName(index) != value.Text)
            index++;
        if (index == type.Node.CaseCount)
            throw new ArgumentException($"There is no case named '{value.Text}'. The cases are {string.Join(", ", Enumerable.Range(0, type.Node.CaseCount).Select(type.CaseName))}.");
        if (type.CaseType(index) is null != value.Payload is null)
            throw new ArgumentException($"The case '{value.Text}' has {(value.Payload is null ? "a payload, and none was given" : "no payload, and one was given")}.");
        return index;
    }

    private static void CheckItems(AbiType type, ComponentValue value)
    {
        Expect(value, type.Kind == ValueTypeKind.Record ? ComponentValueKind.Record : ComponentValueKind.Tuple);
        if (value.Count != type.Types.Length)
            throw new ArgumentException($"A {type.Kind.Keyword()} of {type.Types.Length} values is expected, and one of {value.Count} was given.");
        for (int i = 0; i < type.Node.Names.Length; i++)
        {
            if (value.Names[i] != type.Node.Names[i])
                throw new ArgumentException($"The record's field {i} is named '{type.Node.Names[i]}', and '{value.Names[i]}' was given.");
        }
    }

    private static void CheckLength(AbiType type, ComponentValue value)
    {
        Expect(value, ComponentValueKind.List);
        if ((uint)value.Count != type.Node.Length)
            throw new ArgumentException($"A list of {type.Node.Length} elements is expected, and one of {value.Count} was given.");
    }

    private static ulong Bits(ComponentValue value, ComponentValueKind kind)
    {
        Expect(value, kind);
        return value.Bits;
    }

    private static void Expect(ComponentValue value, ComponentValueKind kind)
    {
        if (value is null)
            throw new ArgumentException($"A value of the kind {kind} is expected, and null was given.");
        if (value.Kind != kind)
            throw new ArgumentException($"A value of the kind {kind} is expected, and one of the kind {value.Kind} was given.");
    }
}
