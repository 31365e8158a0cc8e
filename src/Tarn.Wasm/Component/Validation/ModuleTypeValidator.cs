// Validates the type of a core module as a component writes it. Its scope knows only core types, its own and those that it takes from the scope around it.
namespace Tarn.Wasm.Component;

/// <summary>Validation of module types.</summary>
internal sealed class ModuleTypeValidator(TypeRegistry registry, ComponentScope scope, WasmFeatures features)
{
    private readonly CoreTypeSpace _types = new(registry);

    public CoreModuleType Validate(CoreModuleTypeSyntax syntax)
    {
        CoreModuleType type = new();
        foreach (ModuleTypeDeclaration declaration in syntax.Declarations)
        {
            int offset = declaration.Offset;
            switch (declaration.Kind)
            {
                case ModuleTypeDeclarationKind.Import:
                    if (!type.Imports.TryAdd((declaration.Module, declaration.Name), Resolve(declaration.Extern, offset)))
                        throw new InvalidModuleException($"duplicate import name `{declaration.Module}:{declaration.Name}`", offset);
                    break;
                case ModuleTypeDeclarationKind.Export:
                    if (!type.Exports.TryAdd(declaration.Name, Resolve(declaration.Extern, offset)))
                        throw new InvalidModuleException($"export name `{declaration.Name}` already defined", offset);
                    break;
                case ModuleTypeDeclarationKind.OuterAlias:
                    Alias(declaration);
                    break;
                default:
                    _types.Add(declaration.Group!);
                    break;
            }
        }

        return type;
    }

    private void Alias(ModuleTypeDeclaration declaration)
    {
        CoreTypeSpace from = declaration.Count == 0 ? _types : scope.Outer(declaration.Count - 1, declaration.Offset).CoreTypes;
        if (declaration.Index >= from.Count)
            throw new InvalidModuleException($"unknown type {declaration.Index}: type index out of bounds", declaration.Offset);
        if (from.ModuleAt(declaration.Index) is not null)
            throw new InvalidModuleException($"core type index {declaration.Index} is a module type, which a module type cannot refer to", declaration.Offset);
        _types.AddAlias(from, declaration.Index);
    }

    private CoreExternType Resolve(CoreExternSyntax syntax, int offset)
    {
        switch (syntax.Kind)
        {
            case ExternalKind.Function:
                RequireFunction(syntax.TypeIndex, offset);
                return CoreExternType.Function(_types.IdAt(syntax.TypeIndex));
            case ExternalKind.Tag:
                if ((features & WasmFeatures.Exceptions) == 0)
                    throw new InvalidModuleException("exceptions proposal not enabled", offset);
                if (RequireFunction(syntax.TypeIndex, offset).ResultCount > 0)
                    throw new InvalidModuleException("non-empty tag result type: invalid exception type", offset);
                return new CoreExternType(ExternalKind.Tag, _types.IdAt(syntax.TypeIndex), default, default, default);
            case ExternalKind.Table:
                CheckReference(syntax.Table.Element, offset);
                CheckLimits(syntax.Table.Limits, offset);
                return new CoreExternType(ExternalKind.Table, 0, CoreModuleType.Canonical(syntax.Table, _types.Canonical), default, default);
            case ExternalKind.Memory:
                CheckMemory(syntax.Memory, offset);
                return new CoreExternType(ExternalKind.Memory, 0, default, syntax.Memory, default);
            default:
                CheckReference(syntax.Global.Type, offset);
                return new CoreExternType(ExternalKind.Global, 0, default, default, CoreModuleType.Canonical(syntax.Global, _types.Canonical));
        }
    }

    private CoreFunctionType RequireFunction(int index, int offset)
    {
        if (index >= _types.Count)
            throw new InvalidModuleException($"unknown type {index}: type index out of bounds", offset);
        return _types.FunctionAt(index) ?? throw new InvalidModuleException($"type index {index} is not a function type", offset);
    }

    private void CheckReference(ValType type, int offset)
    {
        if (type.IsConcrete && (type.Heap.TypeIndex >= _types.Count || _types.ModuleAt(type.Heap.TypeIndex) is not null))
            throw new InvalidModuleException($"unknown type {type.Heap.TypeIndex}: type index out of bounds", offset);
    }

    private static void CheckLimits(Limits limits, int offset)
    {
        if (limits.HasMaximum && limits.Minimum > limits.Maximum)
            throw new InvalidModuleException("size minimum must not be greater than maximum", offset);
    }

    private static void CheckMemory(CoreMemoryType type, int offset)
    {
        CheckLimits(type.Limits, offset);
        if (type.PageSizeLog2 is not (0 or 16))
            throw new InvalidModuleException("invalid custom page size: only 1 and 65536 bytes are allowed", offset);
        if (type.Limits.IsShared && !type.Limits.HasMaximum)
            throw new InvalidModuleException("shared memory must have maximum", offset);
        ulong most = type.Limits.Is64 ? (type.PageSizeLog2 == 16 ? 1UL << 48 : ulong.MaxValue) : type.PageSizeLog2 == 16 ? 65536UL : uint.MaxValue;
        if (type.Limits.Minimum > most || (type.Limits.HasMaximum && type.Limits.Maximum > most))
            throw new InvalidModuleException($"memory size must be at most {most} pages", offset);
    }
}
