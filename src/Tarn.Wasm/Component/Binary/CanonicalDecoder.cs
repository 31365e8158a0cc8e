// Decodes canonical definitions.
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Component;

/// <summary>Decoder of canonical definitions.</summary>
internal static class CanonicalDecoder
{
    public static CanonicalDefinition Read(ref WasmReader reader)
    {
        int at = reader.Position;
        byte code = reader.ReadByte();
        CanonicalKind kind = (CanonicalKind)code;
        if (!Enum.IsDefined(kind))
            ComponentDecoder.Invalid(code, "canonical function", at);
        CanonicalDefinition result = new(at, kind, 0, 0, [], false, 0, null, ValType.I32);
        if (kind is CanonicalKind.Lift or CanonicalKind.Lower)
        {
            ComponentDecoder.Expect(ref reader, 0, kind == CanonicalKind.Lift ? "canonical function lift" : "canonical function lower");
            int function = reader.ReadIndex();
            CanonicalOption[] options = ReadOptions(ref reader);
            return result with { Function = function, Options = options, Type = kind == CanonicalKind.Lift ? reader.ReadIndex() : 0 };
        }

        switch (CanonicalKinds.Shape(kind))
        {
            case CanonicalShape.Type:
                return result with { Type = reader.ReadIndex() };
            case CanonicalShape.TypeOptions:
                int type = reader.ReadIndex();
                return result with { Type = type, Options = ReadOptions(ref reader) };
            case CanonicalShape.TypeFlag:
                type = reader.ReadIndex();
                return result with { Type = type, Flag = ReadFlag(ref reader) };
            case CanonicalShape.Options:
                return result with { Options = ReadOptions(ref reader) };
            case CanonicalShape.Flag:
                return result with { Flag = ReadFlag(ref reader) };
            case CanonicalShape.FlagMemory:
                bool flag = ReadFlag(ref reader);
                return result with { Flag = flag, Index = reader.ReadIndex() };
            case CanonicalShape.ResultOptions:
                ValueTypeReference? value = ComponentTypeDecoder.ReadResultList(ref reader);
                return result with { Result = value, Options = ReadOptions(ref reader) };
            case CanonicalShape.Context:
                ValType contextType = reader.ReadValType();
                return result with { ContextType = contextType, Index = reader.ReadIndex() };
            case CanonicalShape.TypeTable:
                type = reader.ReadIndex();
                return result with { Type = type, Index = reader.ReadIndex() };
            case CanonicalShape.FlagType:
                flag = ReadFlag(ref reader);
                return result with { Flag = flag, Type = reader.ReadIndex() };
            case CanonicalShape.FlagTypeTable:
                flag = ReadFlag(ref reader);
                type = reader.ReadIndex();
                return result with { Flag = flag, Type = type, Index = reader.ReadIndex() };
            default:
                return result;
        }
    }

    private static bool ReadFlag(ref WasmReader reader)
    {
        int at = reader.Position;
        byte value = reader.ReadByte();
        if (value > 1)
            MalformedModuleException.Throw($"invalid boolean value 0x{value:x2}", at);
        return value == 1;
    }

    private static CanonicalOption[] ReadOptions(ref WasmReader reader)
    {
        var options = new CanonicalOption[reader.ReadCount(ComponentLimits.Options, "canonical options")];
        for (int i = 0; i < options.Length; i++)
        {
            int at = reader.Position;
            byte code = reader.ReadByte();
            if (code > (byte)CanonicalOptionKind.Gc)
                ComponentDecoder.Invalid(code, "canonical option", at);
            CanonicalOptionKind kind = (CanonicalOptionKind)code;
            bool indexed = kind is CanonicalOptionKind.Memory or CanonicalOptionKind.Realloc or CanonicalOptionKind.PostReturn or CanonicalOptionKind.Callback or CanonicalOptionKind.CoreType;
            options[i] = new CanonicalOption(kind, indexed ? reader.ReadIndex() : 0);
        }

        return options;
    }
}
