// Which types of an assembly each of its types uses, read from the assembly itself: bases, members, signatures, locals and the operands of instructions. Names in the source
// would not do, since a property may be called like a type. Constants are gone by then, and so is what only a comment mentions.
using System.Reflection;
using System.Reflection.Emit;

namespace Tarn.Architecture.Tests;

internal static class TypeReferences
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> s_opcodes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>For each type that is not nested, the others of the assembly that it or a type nested in it uses.</summary>
    public static Dictionary<Type, HashSet<Type>> Of(Assembly assembly)
    {
        Dictionary<Type, HashSet<Type>> uses = [];
        foreach (Type type in assembly.GetTypes())
        {
            Type outer = Outermost(type);
            if (!uses.TryGetValue(outer, out HashSet<Type>? used))
                uses.Add(outer, used = []);
            foreach (Type found in Uses(type))
                Add(used, found, assembly, outer);
        }
        return uses;
    }

    private static IEnumerable<Type> Uses(Type type)
    {
        if (type.BaseType is not null)
            yield return type.BaseType;
        foreach (Type used in type.GetInterfaces())
            yield return used;
        foreach (Type used in type.GetGenericArguments().Where(a => a.IsGenericParameter).SelectMany(a => a.GetGenericParameterConstraints()))
            yield return used;
        foreach (FieldInfo field in type.GetFields(All))
            yield return field.FieldType;
        foreach (MethodBase method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            if (method is MethodInfo info)
                yield return info.ReturnType;
            foreach (ParameterInfo parameter in method.GetParameters())
                yield return parameter.ParameterType;
            if (method.GetMethodBody() is not MethodBody body)
                continue;
            foreach (LocalVariableInfo local in body.LocalVariables)
                yield return local.LocalType;
            foreach (Type used in Operands(method, body.GetILAsByteArray() ?? []))
                yield return used;
        }
    }

    private static IEnumerable<Type> Operands(MethodBase method, byte[] code)
    {
        Type[]? typeArguments = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        Type[]? methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        int at = 0;
        while (at < code.Length)
        {
            short value = code[at++];
            if (value == 0xFE)
                value = (short)(0xFE00 | code[at++]);
            OpCode opcode = s_opcodes[value];
            switch (opcode.OperandType)
            {
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    at++;
                    break;
                case OperandType.InlineVar:
                    at += 2;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    at += 8;
                    break;
                case OperandType.InlineSwitch:
                    at += 4 + (4 * BitConverter.ToInt32(code, at));
                    break;
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    MemberInfo? member = method.Module.ResolveMember(BitConverter.ToInt32(code, at), typeArguments, methodArguments);
                    at += 4;
                    if (member is Type type)
                        yield return type;
                    if (member?.DeclaringType is Type declaring)
                        yield return declaring;
                    if (member is MethodInfo { IsGenericMethod: true } generic)
                    {
                        foreach (Type argument in generic.GetGenericArguments())
                            yield return argument;
                    }
                    break;
                default:
                    at += 4;
                    break;
            }
        }
    }

    private static void Add(HashSet<Type> used, Type type, Assembly assembly, Type user)
    {
        while (type.HasElementType)
            type = type.GetElementType()!;
        if (type.IsFunctionPointer)
        {
            foreach (Type part in type.GetFunctionPointerParameterTypes().Append(type.GetFunctionPointerReturnType()))
                Add(used, part, assembly, user);
            return;
        }
        if (type.IsGenericParameter)
            return;
        foreach (Type argument in type.GetGenericArguments().Where(a => !a.IsGenericParameter))
            Add(used, argument, assembly, user);
        Type outer = Outermost(type.IsGenericType ? type.GetGenericTypeDefinition() : type);
        if (outer.Assembly == assembly && outer != user)
            used.Add(outer);
    }

    private static Type Outermost(Type type)
    {
        while (type.DeclaringType is not null)
            type = type.DeclaringType;
        return type;
    }
}
