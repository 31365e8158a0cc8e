// Writes an assembly's public surface as text, one member a line in ordinal order: the input of PublicApiTests. It only has to be stable and readable,
// not compilable: a signature that differs in any way a caller could notice must differ here.
using System.Globalization;
using System.Reflection;
using System.Text;

namespace Tarn.Architecture.Tests;

internal static class PublicApi
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
    private static readonly NullabilityInfoContext s_nullability = new();

    public static string Describe(Assembly assembly)
    {
        StringBuilder text = new();
        // What the serializer of Orleans generates is public, and not for people.
        foreach (Type type in assembly.GetExportedTypes().Where(static type => type.Namespace?.StartsWith("OrleansCodeGen", StringComparison.Ordinal) != true).OrderBy(type => Name(type), StringComparer.Ordinal))
        {
            text.Append(Kind(type)).Append(' ').Append(Name(type)).Append(Bases(type)).Append('\n');
            foreach (string line in Members(type).Order(StringComparer.Ordinal))
                text.Append("    ").Append(line).Append('\n');
        }

        return text.ToString();
    }

    private static string Kind(Type type)
    {
        if (type.IsEnum)
            return "enum";
        if (type.IsInterface)
            return "interface";
        if (type.IsSubclassOf(typeof(MulticastDelegate)))
            return "delegate";
        if (type.IsValueType)
            return (type.IsDefined(typeof(System.Runtime.CompilerServices.IsReadOnlyAttribute), false) ? "readonly " : "") + (type.IsByRefLike ? "ref struct" : "struct");
        return type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";
    }

    private static string Bases(Type type)
    {
        List<string> bases = [];
        if (type.IsEnum)
        {
            bases.Add(Name(Enum.GetUnderlyingType(type)));
        }
        else if (!type.IsInterface)
        {
            if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType))
                bases.Add(Name(parent));
        }

        if (!type.IsEnum)
            bases.AddRange(type.GetInterfaces().Where(i => i.IsPublic).Select(Name).Order(StringComparer.Ordinal));
        return bases.Count == 0 ? "" : " : " + string.Join(", ", bases);
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.Static))
                yield return $"{field.Name} = {Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}";
            yield break;
        }

        foreach (FieldInfo field in type.GetFields(Declared).Where(f => f.IsPublic || f.IsFamily || f.IsFamilyOrAssembly))
        {
            string modifier = field.IsLiteral ? "const " : (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");
            string value = field.IsLiteral ? " = " + Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture) : "";
            yield return $"{modifier}{Annotated(field.FieldType, s_nullability.Create(field))} {field.Name}{value}";
        }

        foreach (PropertyInfo property in type.GetProperties(Declared))
        {
            MethodInfo? get = Seen(property.GetMethod) ? property.GetMethod : null;
            MethodInfo? set = Seen(property.SetMethod) ? property.SetMethod : null;
            if (get is null && set is null)
                continue;
            bool init = set?.ReturnParameter.GetRequiredCustomModifiers().Any(m => m.Name == "IsExternalInit") == true;
            string index = property.GetIndexParameters() is { Length: > 0 } parameters ? $"[{Parameters(parameters)}]" : "";
            yield return $"{Modifiers(get ?? set!)}{Annotated(property.PropertyType, s_nullability.Create(property))} {property.Name}{index} {{{(get is null ? "" : " get;")}{(set is null ? "" : init ? " init;" : " set;")} }}";
        }

        foreach (EventInfo happening in type.GetEvents(Declared).Where(e => Seen(e.AddMethod)))
            yield return $"event {Name(happening.EventHandlerType!)} {happening.Name}";
        foreach (ConstructorInfo constructor in type.GetConstructors(Declared).Where(c => !c.IsStatic && Seen(c)))
            yield return $"{(constructor.IsPublic ? "" : "protected ")}new({Parameters(constructor.GetParameters())})";
        foreach (MethodInfo method in type.GetMethods(Declared).Where(m => Seen(m) && !(m.IsSpecialName && !m.Name.StartsWith("op_", StringComparison.Ordinal))))
        {
            string generic = method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";
            yield return $"{Modifiers(method)}{Annotated(method.ReturnType, s_nullability.Create(method.ReturnParameter))} {method.Name}{generic}({Parameters(method.GetParameters())})";
        }
    }

    private static bool Seen(MethodBase? method) => method is { IsPublic: true } or { IsFamily: true } or { IsFamilyOrAssembly: true };

    private static string Modifiers(MethodBase method) =>
        (method.IsPublic ? "" : "protected ") + (method.IsStatic ? "static " : "")
        + (method.DeclaringType!.IsInterface || !method.IsVirtual || method.IsFinal ? "" : method.IsAbstract ? "abstract " : ((MethodInfo)method).GetBaseDefinition() != method ? "override " : "virtual ");

    private static string Parameters(ParameterInfo[] parameters) => string.Join(", ", parameters.Select(p =>
        (p.IsOut ? "out " : p.ParameterType.IsByRef ? p.IsIn ? "in " : "ref " : p.IsDefined(typeof(ParamArrayAttribute), false) ? "params " : "")
        + $"{Annotated(p.ParameterType, s_nullability.Create(p))} {p.Name}{(p.HasDefaultValue ? " = " + (p.RawDefaultValue ?? "null") : "")}"));

    private static string Annotated(Type type, NullabilityInfo info)
    {
        if (type.IsByRef)
            type = type.GetElementType()!;
        string mark = info.ReadState == NullabilityState.Nullable && !type.IsValueType ? "?" : "";
        return Name(type) + mark;
    }

    private static string Name(Type type)
    {
        if (type.IsByRef)
            return "ref " + Name(type.GetElementType()!);
        if (type.IsPointer)
            return Name(type.GetElementType()!) + "*";
        if (type.IsArray)
            return Name(type.GetElementType()!) + "[]";
        if (type.IsGenericParameter)
            return type.Name;
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Name(underlying) + "?";
        string scope = type.IsNested ? Name(type.DeclaringType!) + "." : type.Namespace is "System" or null ? "" : type.Namespace + ".";
        if (!type.IsGenericType)
            return scope + type.Name;
        string plain = type.Name.Split('`')[0];
        return $"{scope}{plain}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }
}
