// Decodes types, and the definitions that types and components have in common: imports, exports as declared, aliases. Component and instance types hold definitions, which may hold
// types: the depth is counted.
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Component;

/// <summary>Decoder of types.</summary>
/// <param name="features">What core types may use.</param>
/// <param name="depth">How many components are around the types.</param>
internal sealed class ComponentTypeDecoder(WasmFeatures features, int depth)
{
    private readonly ModuleDecoder _core = new(default, features);
    private int _depth = depth;

    public TypeSyntax ReadType(ref WasmReader reader)
    {
        int at = reader.Position;
        byte form = reader.ReadByte();
        switch (form)
        {
            case 0x3F:
                ValType representation = reader.ReadValType();
                int optionAt = reader.Position;
                byte option = reader.ReadByte();
                if (option > 1)
                    ComponentDecoder.Invalid(option, "resource destructor", optionAt);
                return new ResourceTypeSyntax(at, representation, option == 1 ? reader.ReadIndex() : -1);
            case 0x40 or 0x43:
                return ReadFunctionType(ref reader, at, isAsync: form == 0x43);
            case 0x41:
                return new ComponentTypeSyntax(at, ReadDeclarations(ref reader, isComponent: true));
            case 0x42:
                return new InstanceTypeSyntax(at, ReadDeclarations(ref reader, isComponent: false));
            default:
                return ReadValueType(ref reader, (ValueTypeKind)form, at);
        }
    }

    private static FunctionTypeSyntax ReadFunctionType(ref WasmReader reader, int at, bool isAsync)
    {
        int count = reader.ReadCount(ComponentLimits.Parameters, "parameters", 2);
        string[] names = new string[count];
        var types = new ValueTypeReference[count];
        for (int i = 0; i < count; i++)
        {
            names[i] = reader.ReadName();
            types[i] = ReadValueTypeReference(ref reader);
        }

        return new FunctionTypeSyntax(at, isAsync, names, types, ReadResultList(ref reader));
    }

    internal static ValueTypeReference? ReadResultList(ref WasmReader reader)
    {
        int at = reader.Position;
        byte form = reader.ReadByte();
        if (form == 0)
            return ReadValueTypeReference(ref reader);
        if (form != 1)
            ComponentDecoder.Invalid(form, "component function results", at);
        ComponentDecoder.Expect(ref reader, 0, "number of results");
        return null;
    }

    private static ValueTypeSyntax ReadValueType(ref WasmReader reader, ValueTypeKind kind, int at)
    {
        string[] names = [];
        ValueTypeReference?[] types = [];
        uint immediate = 0;
        switch (kind)
        {
            case ValueTypeKind.Record:
                names = new string[reader.ReadCount(ComponentLimits.Fields, "fields of a record", 2)];
                types = new ValueTypeReference?[names.Length];
                for (int i = 0; i < names.Length; i++)
                {
                    names[i] = reader.ReadName();
                    types[i] = ReadValueTypeReference(ref reader);
                }

                break;
            case ValueTypeKind.Variant:
                names = new string[reader.ReadCount(ComponentLimits.Cases, "cases of a variant", 3)];
                types = new ValueTypeReference?[names.Length];
                for (int i = 0; i < names.Length; i++)
                {
                    names[i] = reader.ReadName();
                    types[i] = ReadOptionalType(ref reader);
                    ComponentDecoder.Expect(ref reader, 0, "zero byte required");
                }

                break;
            case ValueTypeKind.Tuple:
                types = new ValueTypeReference?[reader.ReadCount(ComponentLimits.Fields, "elements of a tuple")];
                for (int i = 0; i < types.Length; i++)
                    types[i] = ReadValueTypeReference(ref reader);
                break;
            case ValueTypeKind.Flags:
                names = ReadLabels(ref reader, ComponentLimits.Flags, "flags");
                break;
            case ValueTypeKind.Enum:
                names = ReadLabels(ref reader, ComponentLimits.Cases, "cases of an enum");
                break;
            case ValueTypeKind.List or ValueTypeKind.Option:
                types = [ReadValueTypeReference(ref reader)];
                break;
            case ValueTypeKind.FixedLengthList:
                types = [ReadValueTypeReference(ref reader)];
                immediate = reader.ReadVarU32();
                break;
            case ValueTypeKind.Map:
                types = [ReadValueTypeReference(ref reader), ReadValueTypeReference(ref reader)];
                break;
            case ValueTypeKind.Result:
                types = [ReadOptionalType(ref reader), ReadOptionalType(ref reader)];
                break;
            case ValueTypeKind.Stream or ValueTypeKind.Future:
                types = [ReadOptionalType(ref reader)];
                break;
            case ValueTypeKind.Own or ValueTypeKind.Borrow:
                immediate = (uint)reader.ReadIndex();
                break;
            default:
                if (!kind.IsPrimitive())
                    ComponentDecoder.Invalid((byte)kind, "component defined type", at);
                break;
        }

        return new ValueTypeSyntax(at, kind, names, types, immediate);
    }

    private static string[] ReadLabels(ref WasmReader reader, int limit, string what)
    {
        string[] names = new string[reader.ReadCount(limit, what)];
        for (int i = 0; i < names.Length; i++)
            names[i] = reader.ReadName();
        return names;
    }

    private static ValueTypeReference? ReadOptionalType(ref WasmReader reader)
    {
        int at = reader.Position;
        byte option = reader.ReadByte();
        if (option > 1)
            ComponentDecoder.Invalid(option, "optional component value type", at);
        return option == 1 ? ReadValueTypeReference(ref reader) : null;
    }

    internal static ValueTypeReference ReadValueTypeReference(ref WasmReader reader)
    {
        int at = reader.Position;
        long value = reader.ReadVarS33();
        if (value >= 0)
            return new ValueTypeReference((int)Math.Min(value, int.MaxValue));
        ValueTypeKind kind = (ValueTypeKind)(value & 0x7F);
        if (value < -64 || !kind.IsPrimitive())
            ComponentDecoder.Invalid((byte)(value & 0x7F), "component value type", at);
        return new ValueTypeReference(kind);
    }

    private ComponentDefinition[] ReadDeclarations(ref WasmReader reader, bool isComponent)
    {
        if (++_depth >= ComponentLimits.Nesting)
            reader.Fail($"nesting too deep: components and types are more than {ComponentLimits.Nesting} levels within each other");
        var declarations = new ComponentDefinition[reader.ReadCount(ComponentLimits.Declarations, "declarations of a type", 2)];
        for (int i = 0; i < declarations.Length; i++)
        {
            int at = reader.Position;
            byte form = reader.ReadByte();
            switch (form)
            {
                case 0:
                    declarations[i] = new CoreTypeDefinition(at, ReadCoreType(ref reader));
                    break;
                case 1:
                    declarations[i] = new TypeDefinition(at, ReadType(ref reader));
                    break;
                case 2:
                    declarations[i] = ReadAlias(ref reader);
                    break;
                case 3 when isComponent:
                    declarations[i] = ReadImport(ref reader);
                    break;
                case 4:
                    ExternName name = ReadExternName(ref reader);
                    declarations[i] = new ExportDeclaration(at, name, ReadExtern(ref reader));
                    break;
                default:
                    ComponentDecoder.Invalid(form, "component or instance type declaration", at);
                    break;
            }
        }

        _depth--;
        return declarations;
    }

    internal static ComponentDefinition ReadImport(ref WasmReader reader)
    {
        int at = reader.Position;
        ExternName name = ReadExternName(ref reader);
        return new ImportDefinition(at, name, ReadExtern(ref reader));
    }

    internal static ExternName ReadExternName(ref WasmReader reader)
    {
        int at = reader.Position;
        byte form = reader.ReadByte();
        if (form > 2)
            ComponentDecoder.Invalid(form, "component name", at);
        ExternName name = new(reader.ReadName());
        if (form != 2)
            return name;
        for (int count = reader.ReadCount(3, "attributes of a name", 2); count > 0; count--)
        {
            at = reader.Position;
            byte option = reader.ReadByte();
            if (option > 2)
                ComponentDecoder.Invalid(option, "name option", at);
            // What is given twice is well formed; the validator refuses it, and is told so by an empty one, which no other name is valid beside.
            string value = reader.ReadName();
            name = option switch
            {
                0 => name with { Implements = name.Implements is null ? value : Twice },
                1 => name with { VersionSuffix = name.VersionSuffix is null ? value : Twice },
                _ => name with { ExternalId = name.ExternalId is null ? value : Twice },
            };
        }

        return name;
    }

    /// <summary>Stands for an attribute that is given more than once.</summary>
    public const string Twice = "\0twice";

    internal static ExternSyntax ReadExtern(ref WasmReader reader)
    {
        int at = reader.Position;
        byte form = reader.ReadByte();
        switch (form)
        {
            case 0:
                ComponentDecoder.Expect(ref reader, 0x11, "component external kind");
                return new ExternSyntax(ComponentSort.CoreModule, reader.ReadIndex());
            case 1:
                return new ExternSyntax(ComponentSort.Function, reader.ReadIndex());
            case 2:
                int boundAt = reader.Position;
                byte valueBound = reader.ReadByte();
                if (valueBound == 0)
                    return new ExternSyntax(ComponentSort.Value, reader.ReadIndex());
                if (valueBound != 1)
                    ComponentDecoder.Invalid(valueBound, "value bound", boundAt);
                return new ExternSyntax(ComponentSort.Value, -1, ReadValueTypeReference(ref reader));
            case 3:
                boundAt = reader.Position;
                byte bound = reader.ReadByte();
                if (bound > 1)
                    ComponentDecoder.Invalid(bound, "type bound", boundAt);
                return new ExternSyntax(ComponentSort.Type, bound == 0 ? reader.ReadIndex() : -1);
            case 4:
                return new ExternSyntax(ComponentSort.Component, reader.ReadIndex());
            case 5:
                return new ExternSyntax(ComponentSort.Instance, reader.ReadIndex());
            default:
                ComponentDecoder.Invalid(form, "component external kind", at);
                return default;
        }
    }

    internal static ComponentDefinition ReadAlias(ref WasmReader reader)
    {
        int at = reader.Position;
        byte first = reader.ReadByte();
        byte second = first == 0 ? reader.ReadByte() : (byte)0;
        ComponentSort? sort = first == 0 ? ComponentSorts.OfCoreCode(second) : ComponentSorts.OfCode(first);
        int targetAt = reader.Position;
        byte target = reader.ReadByte();
        byte shown = first == 0 ? second : first;
        switch (target)
        {
            case 0:
                if (sort is null || (sort.Value.IsCore() && sort != ComponentSort.CoreModule))
                    ComponentDecoder.Invalid(shown, "component external kind", at);
                int instance = reader.ReadIndex();
                return new ExportAliasDefinition(at, sort!.Value, instance, reader.ReadName());
            case 1:
                if (sort is null or > ComponentSort.CoreTag)
                    ComponentDecoder.Invalid(shown, "core external kind", at);
                instance = reader.ReadIndex();
                return new ExportAliasDefinition(at, sort!.Value, instance, reader.ReadName());
            case 2:
                if (sort is not (ComponentSort.CoreModule or ComponentSort.CoreType or ComponentSort.Type or ComponentSort.Component))
                    ComponentDecoder.Invalid(shown, "component outer alias kind", at);
                int count = reader.ReadIndex();
                return new OuterAliasDefinition(at, sort!.Value, count, reader.ReadIndex());
            default:
                ComponentDecoder.Invalid(target, "alias", targetAt);
                return null!;
        }
    }

    public CoreTypeSyntax ReadCoreType(ref WasmReader reader)
    {
        int at = reader.Position;
        byte form = reader.PeekByte();
        if (form == 0)
        {
            // A sub type that is not final begins with the byte of a module type, and is told from it by a zero.
            reader.ReadByte();
            if (reader.PeekByte() != 0x50)
                ComponentDecoder.Invalid(reader.PeekByte(), "non-final sub type", reader.Position);
            return ReadGroup(ref reader);
        }

        if (form != 0x50)
            return ReadGroup(ref reader);
        reader.ReadByte();
        var declarations = new ModuleTypeDeclaration[reader.ReadCount(ComponentLimits.Declarations, "declarations of a module type", 2)];
        for (int i = 0; i < declarations.Length; i++)
            declarations[i] = ReadModuleTypeDeclaration(ref reader);
        return new CoreModuleTypeSyntax(at, declarations);
    }

    private ModuleTypeDeclaration ReadModuleTypeDeclaration(ref WasmReader reader)
    {
        int at = reader.Position;
        byte form = reader.ReadByte();
        string module = "", name = "";
        CoreExternSyntax external = default;
        CoreGroupSyntax? group = null;
        int count = 0, index = 0;
        switch (form)
        {
            case 0:
                module = reader.ReadName();
                name = reader.ReadName();
                external = ReadCoreExtern(ref reader);
                break;
            case 1:
                group = ReadGroupOfModuleType(ref reader);
                break;
            case 2:
                ComponentDecoder.Expect(ref reader, 0x10, "outer alias kind");
                ComponentDecoder.Expect(ref reader, 0x01, "outer alias target");
                count = reader.ReadIndex();
                index = reader.ReadIndex();
                break;
            case 3:
                name = reader.ReadName();
                external = ReadCoreExtern(ref reader);
                break;
            default:
                ComponentDecoder.Invalid(form, "type definition", at);
                break;
        }

        return new ModuleTypeDeclaration(at, (ModuleTypeDeclarationKind)form, module, name, external, group, count, index);
    }

    // What begins like a module type and is not a sub type is taken for the former, which validation refuses here.
    private CoreGroupSyntax ReadGroupOfModuleType(ref WasmReader reader)
    {
        int at = reader.Position;
        bool ambiguous = reader.PeekByte() == 0x50;
        try
        {
            return ReadGroup(ref reader);
        }
        catch (MalformedModuleException) when (ambiguous)
        {
            throw new InvalidModuleException("invalid leading byte (0x50) for type definition: module types cannot be defined in module types", at);
        }
    }

    private CoreGroupSyntax ReadGroup(ref WasmReader reader)
    {
        int at = reader.Position;
        if (reader.PeekByte() != 0x4E)
            return new CoreGroupSyntax(at, [_core.ReadSubType(ref reader)], IsExplicit: false);
        reader.ReadByte();
        var types = new SubType[reader.ReadCount(ImplementationLimits.Types, "types of a recursion group", 2)];
        for (int i = 0; i < types.Length; i++)
            types[i] = _core.ReadSubType(ref reader);
        return new CoreGroupSyntax(at, types, IsExplicit: true);
    }

    private CoreExternSyntax ReadCoreExtern(ref WasmReader reader)
    {
        int at = reader.Position;
        byte kind = reader.ReadByte();
        switch ((ExternalKind)kind)
        {
            case ExternalKind.Function:
                return new CoreExternSyntax(ExternalKind.Function, reader.ReadIndex(), default, default, default);
            case ExternalKind.Table:
                return new CoreExternSyntax(ExternalKind.Table, 0, _core.ReadTableType(ref reader), default, default);
            case ExternalKind.Memory:
                return new CoreExternSyntax(ExternalKind.Memory, 0, default, _core.ReadMemoryType(ref reader), default);
            case ExternalKind.Global:
                return new CoreExternSyntax(ExternalKind.Global, 0, default, default, ModuleDecoder.ReadGlobalType(ref reader));
            case ExternalKind.Tag:
                return new CoreExternSyntax(ExternalKind.Tag, ModuleDecoder.ReadTagType(ref reader).TypeIndex, default, default, default);
            default:
                ComponentDecoder.Invalid(kind, "external kind", at);
                return default;
        }
    }
}
