// Writes a decoded component as text: a field for each definition, in order, so that parsing the text gives the same definitions. Indices are numbers or, where the component's name section
// is one that the parser would write, identifiers; a name section of another form is kept as it is, as a @custom annotation. The component need not be valid.
using System.Globalization;
using System.Text;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>Printer of components.</summary>
internal sealed class ComponentPrinter
{
    private readonly TextOutput _output = new(null);
    private readonly WatPrintOptions _options;
    private readonly Dictionary<WasmComponent, ComponentNames?> _printable = new(ReferenceEqualityComparer.Instance);

    private ComponentPrinter(WatPrintOptions options) => _options = options;

    /// <summary>The text of a component, in UTF-8.</summary>
    /// <exception cref="MalformedModuleException">A function's body is malformed.</exception>
    public static byte[] Print(WasmComponent component, WatPrintOptions? options = null)
    {
        ComponentPrinter printer = new(options ?? WatPrintOptions.Default);
        printer.Write("(component");
        ComponentNames? names = printer.PrintableNames(component);
        if (names?.Name is string name)
            printer.Write(" " + TextOutput.Identifier(name));
        printer.Body(component, names);
        printer.Write("\n");
        return printer._output.Span.ToArray();
    }

    private void Write(string text) => _output.Write(text);

    private void Line(string text)
    {
        _output.Line();
        Write(text);
    }

    private void Body(WasmComponent component, ComponentNames? names)
    {
        Scope scope = new(names);
        _output.Depth++;
        foreach (ComponentDefinition definition in component.Definitions)
            Definition(component, scope, definition);
        _output.Depth--;
        Line(")");
    }

    // The names, if the parser would write the section that they come from. The identifier of a component is also the name that the component itself has: both are there, or neither.
    private ComponentNames? PrintableNames(WasmComponent component)
    {
        if (_printable.TryGetValue(component, out ComponentNames? known))
            return known;
        ComponentNames? names = null;
        CustomDefinition[] sections = [.. component.Definitions.OfType<CustomDefinition>().Where(section => section.Name == ComponentNames.SectionName)];
        if (sections.Length == 1 && component.Definitions[^1] == sections[0] && component.Names.Encode().AsSpan().SequenceEqual(component.Read(sections[0])))
            names = component.Names;
        if (names is not null && !NestedNamesAgree(component, names))
            names = null;
        _printable.Add(component, names);
        return names;
    }

    private bool NestedNamesAgree(WasmComponent component, ComponentNames names)
    {
        int index = 0;
        foreach (ComponentDefinition definition in component.Definitions)
        {
            if (definition is NestedComponentDefinition nested && names.Find(ComponentSort.Component, index) != PrintableNames(nested.Component)?.Name)
                return false;
            index += definition switch
            {
                NestedComponentDefinition => 1,
                ImportDefinition { Extern.Sort: ComponentSort.Component } => 1,
                ExportDefinition { Item.Sort: ComponentSort.Component } => 1,
                ExportAliasDefinition { Sort: ComponentSort.Component } => 1,
                OuterAliasDefinition { Sort: ComponentSort.Component } => 1,
                _ => 0,
            };
        }

        return true;
    }

    private void Definition(WasmComponent? component, Scope scope, ComponentDefinition definition)
    {
        switch (definition)
        {
            case CustomDefinition custom:
                if (custom.Name == ComponentNames.SectionName && scope.Names is not null)
                    break;
                Line("(@custom ");
                _output.Name(custom.Name);
                Write(" ");
                _output.Bytes(component!.Read(custom));
                Write(")");
                break;
            case CoreModuleDefinition module:
                Module(scope, module.Module);
                break;
            case NestedComponentDefinition nested:
                Line($"(component {scope.Define(ComponentSort.Component)}");
                ComponentNames? names = PrintableNames(nested.Component);
                Body(nested.Component, names?.Name is null || scope.Names is not null ? names : null);
                break;
            case CoreInstantiateDefinition instantiate:
                Line($"(core instance {scope.Define(ComponentSort.CoreInstance)} (instantiate {scope.Use(ComponentSort.CoreModule, instantiate.Module)}");
                Group(instantiate.Arguments, argument => Named("(with ", argument.Name, $" (instance {scope.Use(ComponentSort.CoreInstance, argument.Instance)}))"), "))");
                break;
            case CoreExportsDefinition exports:
                Line($"(core instance {scope.Define(ComponentSort.CoreInstance)}");
                Group(exports.Exports, e => Named("(export ", e.Name.Name, $" ({e.Item.Sort.Keyword()} {scope.Use(e.Item.Sort, e.Item.Index)}))"), ")");
                break;
            case CoreTypeDefinition type:
                CoreType(scope, type.Type);
                break;
            case InstantiateDefinition instantiate:
                Line($"(instance {scope.Define(ComponentSort.Instance)} (instantiate {scope.Use(ComponentSort.Component, instantiate.Component)}");
                Group(instantiate.Arguments, argument => Named("(with ", argument.Name.Name, $" ({Item(scope, argument.Item)}))"), "))");
                break;
            case InstanceExportsDefinition exports:
                Line($"(instance {scope.Define(ComponentSort.Instance)}");
                Group(
                    exports.Exports,
                    e =>
                    {
                        Write("(export ");
                        Name(e.Name);
                        Write($" ({Item(scope, e.Item)}))");
                    },
                    ")");
                break;
            case ExportAliasDefinition alias:
                bool core = alias.Sort.IsCore() && alias.Sort != ComponentSort.CoreModule;
                string from = scope.Use(core ? ComponentSort.CoreInstance : ComponentSort.Instance, alias.Instance);
                Line($"(alias {(core ? "core " : "")}export {from} ");
                _output.Name(alias.Name);
                Write($" ({(alias.Sort.IsCore() ? "core " : "")}{alias.Sort.Keyword()} {scope.Define(alias.Sort)}))");
                break;
            case OuterAliasDefinition alias:
                Line(string.Create(CultureInfo.InvariantCulture, $"(alias outer {alias.Count} {alias.Index} ({(alias.Sort.IsCore() ? "core " : "")}{alias.Sort.Keyword()} {scope.Define(alias.Sort)}))"));
                break;
            case TypeDefinition type:
                Line($"(type {scope.Define(ComponentSort.Type)} ");
                Type(scope, type.Type);
                Write(")");
                break;
            case CanonicalDefinition canonical:
                Canonical(scope, canonical);
                break;
            case StartDefinition start:
                Line($"(start {scope.Use(ComponentSort.Function, start.Function)}");
                foreach (int argument in start.Arguments)
                    Write($" (value {scope.Use(ComponentSort.Value, argument)})");
                for (int i = 0; i < start.Results; i++)
                    Write($" (result (value {scope.Define(ComponentSort.Value)}))");
                Write(")");
                break;
            case ImportDefinition import:
                Line("(import ");
                Name(import.Name);
                Write(" ");
                Extern(scope, import.Extern, scope.Define(import.Extern.Sort));
                Write(")");
                break;
            case ExportDefinition export:
                Line($"(export {scope.Define(export.Item.Sort)} ");
                Name(export.Name);
                Write($" ({Item(scope, export.Item)})");
                if (export.Ascribed is ExternSyntax ascribed)
                {
                    Write(" ");
                    Extern(scope, ascribed, null);
                }

                Write(")");
                break;
            case ExportDeclaration export:
                Line($"(export {scope.Define(export.Extern.Sort)} ");
                Name(export.Name);
                Write(" ");
                Extern(scope, export.Extern, null);
                Write(")");
                break;
        }
    }

    private void Named(string before, string name, string after)
    {
        Write(before);
        _output.Name(name);
        Write(after);
    }

    private void Group<T>(T[] items, Action<T> print, string end)
    {
        if (items.Length == 0)
        {
            Write(end);
            return;
        }

        _output.Depth += 2;
        foreach (T item in items)
        {
            _output.Line();
            print(item);
        }

        _output.Depth--;
        for (int i = 0; i < end.Length; i++)
        {
            if (i == end.Length - 1)
                _output.Depth--;
            Line(")");
        }
    }

    private static string Item(Scope scope, SortIndex item) => $"{(item.Sort.IsCore() ? "core " : "")}{item.Sort.Keyword()} {scope.Use(item.Sort, item.Index)}";

    private void Name(ExternName name)
    {
        _output.Name(name.Name);
        Attribute(" (implements ", name.Implements);
        Attribute(" (versionsuffix ", name.VersionSuffix);
        Attribute(" (external-id ", name.ExternalId);
    }

    private void Attribute(string before, string? value)
    {
        if (value is not null)
            Named(before, value, ")");
    }

    private void Module(Scope scope, WasmModule module)
    {
        string text = Encoding.UTF8.GetString(WatPrinter.Print(module, _options)).TrimEnd('\n');
        text = text["(module".Length..];
        // The module's own name, which is not the identifier that the component gives it.
        if (module.Names.ModuleName is string name && name.Length > 0 && text.StartsWith(" $", StringComparison.Ordinal))
            text = $" (@name {Quoted(name)}){text[(1 + TextOutput.Identifier(name).Length)..]}";
        Line($"(core module {scope.Define(ComponentSort.CoreModule)}");
        string[] lines = text.Split('\n');
        Write(lines[0]);
        foreach (string line in lines.AsSpan(1))
            Line(line);
    }

    private static string Quoted(string name)
    {
        TextOutput output = new(null);
        output.Name(name);
        return Encoding.UTF8.GetString(output.Span);
    }

    private void Extern(Scope scope, ExternSyntax item, string? index)
    {
        Write($"({(item.Sort.IsCore() ? "core " : "")}{item.Sort.Keyword()} ");
        if (index is not null)
            Write(index + " ");
        switch (item.Sort)
        {
            case ComponentSort.Type:
                Write(item.Index < 0 ? "(sub resource)" : $"(eq {scope.Use(ComponentSort.Type, item.Index)})");
                break;
            case ComponentSort.Value:
                Write(item.Value.IsPrimitive ? Value(scope, item.Value) : $"(type {Value(scope, item.Value)})");
                break;
            default:
                Write($"(type {scope.Use(item.Sort == ComponentSort.CoreModule ? ComponentSort.CoreType : ComponentSort.Type, item.Index)})");
                break;
        }

        Write(")");
    }

    private static string Value(Scope scope, ValueTypeReference type) => type.IsPrimitive ? type.Primitive.Keyword() : scope.Use(ComponentSort.Type, type.Index);

    private void Type(Scope scope, TypeSyntax type)
    {
        switch (type)
        {
            case ResourceTypeSyntax resource:
                Write($"(resource (rep {resource.Representation})");
                if (resource.Destructor >= 0)
                    Write($" (dtor (core func {scope.Use(ComponentSort.CoreFunction, resource.Destructor)}))");
                Write(")");
                break;
            case FunctionTypeSyntax function:
                Write(function.IsAsync ? "(func async" : "(func");
                for (int i = 0; i < function.Names.Length; i++)
                    Named(" (param ", function.Names[i], $" {Value(scope, function.Parameters[i])})");
                if (function.Result is ValueTypeReference result)
                    Write($" (result {Value(scope, result)})");
                Write(")");
                break;
            case ComponentTypeSyntax component:
                Declarations("(component", component.Declarations);
                break;
            case InstanceTypeSyntax instance:
                Declarations("(instance", instance.Declarations);
                break;
            case ValueTypeSyntax value:
                ValueType(scope, value);
                break;
        }
    }

    private void Declarations(string word, ComponentDefinition[] declarations)
    {
        Scope inner = new(null);
        _output.Depth++;
        Line(word);
        _output.Depth++;
        foreach (ComponentDefinition declaration in declarations)
            Definition(null, inner, declaration);
        _output.Depth--;
        Line(")");
        _output.Depth--;
        _output.Line();
    }

    private void ValueType(Scope scope, ValueTypeSyntax type)
    {
        string keyword = type.Kind.Keyword();
        if (type.Kind.IsPrimitive())
        {
            Write(keyword);
            return;
        }

        Write("(" + keyword);
        switch (type.Kind)
        {
            case ValueTypeKind.Record or ValueTypeKind.Variant:
                for (int i = 0; i < type.Names.Length; i++)
                    Named(type.Kind == ValueTypeKind.Record ? " (field " : " (case ", type.Names[i], $"{(type.Types[i] is ValueTypeReference part ? " " + Value(scope, part) : "")})");
                break;
            case ValueTypeKind.Flags or ValueTypeKind.Enum:
                foreach (string name in type.Names)
                    Named(" ", name, "");
                break;
            case ValueTypeKind.Result:
                if (type.Types[0] is ValueTypeReference ok)
                    Write(" " + Value(scope, ok));
                if (type.Types[1] is ValueTypeReference error)
                    Write($" (error {Value(scope, error)})");
                break;
            case ValueTypeKind.Own or ValueTypeKind.Borrow:
                Write(" " + scope.Use(ComponentSort.Type, (int)type.Immediate));
                break;
            default:
                foreach (ValueTypeReference? part in type.Types)
                {
                    if (part is ValueTypeReference element)
                        Write(" " + Value(scope, element));
                }

                if (type.Kind == ValueTypeKind.FixedLengthList)
                    Write(string.Create(CultureInfo.InvariantCulture, $" {type.Immediate}"));
                break;
        }

        Write(")");
    }

    private void Canonical(Scope scope, CanonicalDefinition definition)
    {
        if (definition.Kind == CanonicalKind.Lift)
        {
            Line($"(func {scope.Define(ComponentSort.Function)} (type {scope.Use(ComponentSort.Type, definition.Type)}) (canon lift (core func {scope.Use(ComponentSort.CoreFunction, definition.Function)})");
            Options(scope, definition.Options);
            Write("))");
            return;
        }

        Line($"(core func {scope.Define(ComponentSort.CoreFunction)} (canon {CanonicalKinds.Name(definition.Kind)}");
        if (definition.Kind == CanonicalKind.Lower)
            Write($" (func {scope.Use(ComponentSort.Function, definition.Function)})");
        string flag = definition.Flag ? " " + CanonicalKinds.FlagKeyword(definition.Kind) : "";
        switch (definition.Kind == CanonicalKind.Lower ? CanonicalShape.None : CanonicalKinds.Shape(definition.Kind))
        {
            case CanonicalShape.Type or CanonicalShape.TypeOptions or CanonicalShape.TypeFlag:
                Write($" {scope.Use(ComponentSort.Type, definition.Type)}{flag}");
                break;
            case CanonicalShape.Flag:
                Write(flag);
                break;
            case CanonicalShape.FlagMemory:
                Write($"{flag} (memory {scope.Use(ComponentSort.CoreMemory, definition.Index)})");
                break;
            case CanonicalShape.ResultOptions:
                if (definition.Result is ValueTypeReference result)
                    Write($" (result {Value(scope, result)})");
                break;
            case CanonicalShape.Context:
                Write(string.Create(CultureInfo.InvariantCulture, $" {definition.ContextType} {definition.Index}"));
                break;
            case CanonicalShape.TypeTable or CanonicalShape.FlagTypeTable:
                Write($"{flag} {scope.Use(ComponentSort.CoreType, definition.Type)} (core table {scope.Use(ComponentSort.CoreTable, definition.Index)})");
                break;
            case CanonicalShape.FlagType:
                Write($"{flag} {scope.Use(ComponentSort.CoreType, definition.Type)}");
                break;
        }

        Options(scope, definition.Options);
        Write("))");
    }

    private void Options(Scope scope, CanonicalOption[] options)
    {
        foreach (CanonicalOption option in options)
        {
            ComponentSort? sort = option.Kind switch
            {
                CanonicalOptionKind.Memory => ComponentSort.CoreMemory,
                CanonicalOptionKind.Realloc or CanonicalOptionKind.PostReturn or CanonicalOptionKind.Callback => ComponentSort.CoreFunction,
                CanonicalOptionKind.CoreType => ComponentSort.CoreType,
                _ => null,
            };
            string name = CanonicalKinds.Name(option.Kind);
            Write(sort is ComponentSort of ? $" ({name} {scope.Use(of, option.Index)})" : " " + name);
        }
    }

    private void CoreType(Scope scope, CoreTypeSyntax type)
    {
        if (type is CoreGroupSyntax group)
        {
            Line(group.IsExplicit ? "(core rec" : "(core ");
            CoreGroup(scope, group);
            return;
        }

        Line($"(core type {scope.Define(ComponentSort.CoreType)}");
        _output.Depth++;
        Line("(module");
        _output.Depth++;
        Scope inner = new(null);
        foreach (ModuleTypeDeclaration declaration in ((CoreModuleTypeSyntax)type).Declarations)
        {
            switch (declaration.Kind)
            {
                case ModuleTypeDeclarationKind.Type:
                    Line(declaration.Group!.IsExplicit ? "(rec" : "(");
                    CoreGroup(inner, declaration.Group);
                    break;
                case ModuleTypeDeclarationKind.OuterAlias:
                    Line(string.Create(CultureInfo.InvariantCulture, $"(alias outer {declaration.Count} {declaration.Index} (type {inner.Define(ComponentSort.CoreType)}))"));
                    break;
                case ModuleTypeDeclarationKind.Import:
                    Line("(import ");
                    Named("", declaration.Module, " ");
                    Named("", declaration.Name, $" {CoreExtern(declaration.Extern)})");
                    break;
                default:
                    Line("(export ");
                    Named("", declaration.Name, $" {CoreExtern(declaration.Extern)})");
                    break;
            }
        }

        _output.Depth--;
        Line(")");
        _output.Depth--;
        Line(")");
    }

    // The opening parenthesis, and the word rec of a group, are written.
    private void CoreGroup(Scope scope, CoreGroupSyntax group)
    {
        foreach (SubType type in group.Types)
        {
            Write($"{(group.IsExplicit ? " (" : "")}type {scope.Define(ComponentSort.CoreType)} {CoreSubType(type)})");
        }

        if (group.IsExplicit)
            Write(")");
    }

    private static string CoreSubType(SubType type)
    {
        string composite = type.Composite switch
        {
            CoreFunctionType function => $"(func{List(" (param", function.Parameters)}{List(" (result", function.Results)})",
            StructType structure => $"(struct{string.Concat(structure.Fields.ToArray().Select(f => $" (field {CoreField(f)})"))})",
            _ => $"(array {CoreField(((ArrayType)type.Composite).Element)})",
        };
        if (type.IsFinal && !type.HasSupertype)
            return composite;
        return string.Create(CultureInfo.InvariantCulture, $"(sub{(type.IsFinal ? " final" : "")}{(type.HasSupertype ? $" {type.Supertype}" : "")} {composite})");
    }

    private static string CoreField(FieldType field) => field.IsMutable ? $"(mut {field.Storage})" : field.Storage.ToString();

    private static string List(string before, ReadOnlySpan<ValType> types)
    {
        if (types.IsEmpty)
            return "";
        StringBuilder text = new(before);
        foreach (ValType type in types)
            text.Append(' ').Append(type);
        return text.Append(')').ToString();
    }

    private static string CoreExtern(CoreExternSyntax item) => item.Kind switch
    {
        ExternalKind.Function => string.Create(CultureInfo.InvariantCulture, $"(func (type {item.TypeIndex}))"),
        ExternalKind.Tag => string.Create(CultureInfo.InvariantCulture, $"(tag (type {item.TypeIndex}))"),
        ExternalKind.Table => $"(table {item.Table.Limits} {item.Table.Element})",
        ExternalKind.Memory => $"(memory {item.Memory.Limits}{(item.Memory.PageSizeLog2 == 16 ? "" : $" (pagesize {1UL << item.Memory.PageSizeLog2})")})",
        _ => item.Global.IsMutable ? $"(global (mut {item.Global.Type}))" : $"(global {item.Global.Type})",
    };

    // Counts items as they are printed and knows their identifiers.
    private sealed class Scope(ComponentNames? names)
    {
        private readonly int[] _counts = new int[(int)ComponentSort.Count];

        public ComponentNames? Names => names;

        public string Define(ComponentSort sort)
        {
            int index = _counts[(int)sort]++;
            string comment = string.Create(CultureInfo.InvariantCulture, $"(;{index};)");
            return names?.Find(sort, index) is string name ? $"{TextOutput.Identifier(name)} {comment}" : comment;
        }

        public string Use(ComponentSort sort, int index) =>
            index < _counts[(int)sort] && names?.Find(sort, index) is string name ? TextOutput.Identifier(name) : index.ToString(CultureInfo.InvariantCulture);
    }
}
