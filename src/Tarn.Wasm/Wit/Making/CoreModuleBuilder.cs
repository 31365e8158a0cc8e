// The small core modules that connect the others in a component: one with a table of functions that are not there yet, and one that puts them in.
//
// A module's imports must be there before it is instantiated, and a lowered function needs the memory of that module. The shim module breaks the circle: it exports functions that call
// through a table, and once memory and functions exist, the fixup module fills the table.
using System.Text;
using Tarn.Wasm.Component;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Wit;

/// <summary>A function of the shim.</summary>
/// <param name="Name">Its name for people.</param>
/// <param name="Parameters">Types of its parameters.</param>
/// <param name="Results">Types of its results.</param>
internal readonly record struct ShimSignature(string Name, ValType[] Parameters, ValType[] Results);

/// <summary>Builds shim and fixup.</summary>
internal static class CoreModuleBuilder
{
    private static readonly byte[] s_header = [0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00];

    /// <summary>The module with the table.</summary>
    public static byte[] Shim(IReadOnlyList<ShimSignature> functions)
    {
        ByteBuffer types = new(), declarations = new(), exports = new(), code = new();
        List<string> signatures = [];
        exports.U32((uint)functions.Count + 1);
        declarations.U32((uint)functions.Count);
        code.U32((uint)functions.Count);
        for (int i = 0; i < functions.Count; i++)
        {
            int type = AddType(types, signatures, functions[i]);
            declarations.U32((uint)type);
            Export(exports, i.ToString(), ExternalKind.Function, i);
            ByteBuffer body = new();
            body.U32(0);
            for (int parameter = 0; parameter < functions[i].Parameters.Length; parameter++)
            {
                body.Byte((byte)Opcode.LocalGet);
                body.U32((uint)parameter);
            }

            body.Byte((byte)Opcode.I32Const);
            body.Signed(i);
            body.Byte((byte)Opcode.CallIndirect);
            body.U32((uint)type);
            body.U32(0);
            body.Byte((byte)Opcode.End);
            code.Counted(body.Span);
        }

        Export(exports, "$imports", ExternalKind.Table, 0);
        ByteBuffer module = new();
        module.Bytes(s_header);
        Section(module, SectionId.Type, Vector(signatures.Count, types));
        Section(module, SectionId.Function, declarations);
        ByteBuffer table = new();
        table.U32(1);
        Table(table, functions.Count);
        Section(module, SectionId.Table, table);
        Section(module, SectionId.Export, exports);
        Section(module, SectionId.Code, code);
        return Finish(module, [.. functions.Select(function => function.Name)]);
    }

    /// <summary>The module that fills the table and calls the start function.</summary>
    /// <param name="functions">The shim's functions.</param>
    /// <param name="initialize">The export of the main module that is called, or null.</param>
    public static byte[] Fixup(IReadOnlyList<ShimSignature> functions, string? initialize)
    {
        ByteBuffer types = new(), imports = new();
        List<string> signatures = [];
        List<string> names = [];
        int count = 0;
        for (int i = 0; i < functions.Count; i++)
        {
            Import(imports, "actual", i.ToString(), AddType(types, signatures, functions[i]));
            names.Add(i.ToString());
            count++;
        }

        if (initialize is not null)
        {
            Import(imports, "main", initialize, AddType(types, signatures, new ShimSignature("", [], [])));
            names.Add(initialize);
            count++;
        }

        if (functions.Count > 0)
        {
            Name(imports, "shim");
            Name(imports, "$imports");
            imports.Byte((byte)ExternalKind.Table);
            Table(imports, functions.Count);
            count++;
        }

        ByteBuffer module = new();
        module.Bytes(s_header);
        Section(module, SectionId.Type, Vector(signatures.Count, types));
        if (count > 0)
            Section(module, SectionId.Import, Vector(count, imports));
        if (initialize is not null)
        {
            ByteBuffer start = new();
            start.U32((uint)functions.Count);
            Section(module, SectionId.Start, start);
        }

        if (functions.Count > 0)
        {
            ByteBuffer elements = new();
            elements.U32(1);
            elements.U32(0);
            elements.Byte((byte)Opcode.I32Const);
            elements.Signed(0);
            elements.Byte((byte)Opcode.End);
            elements.U32((uint)functions.Count);
            for (int i = 0; i < functions.Count; i++)
                elements.U32((uint)i);
            Section(module, SectionId.Element, elements);
        }

        return Finish(module, names);
    }

    private static byte[] Finish(ByteBuffer module, List<string> functionNames)
    {
        ByteBuffer names = new(), part = new();
        part.U32((uint)functionNames.Count);
        for (int i = 0; i < functionNames.Count; i++)
        {
            part.U32((uint)i);
            Name(part, functionNames[i]);
        }

        names.Byte(1);
        names.Counted(part.Span);
        byte[] named = ModuleMetadata.Append(module.Span, "name", names.Span);
        return ModuleMetadata.Append(named, Producers.SectionName, Producers.Own().Encode());
    }

    private static int AddType(ByteBuffer types, List<string> signatures, in ShimSignature function)
    {
        string key = $"{string.Join(' ', function.Parameters)} -> {string.Join(' ', function.Results)}";
        int index = signatures.IndexOf(key);
        if (index >= 0)
            return index;
        signatures.Add(key);
        types.Byte(0x60);
        foreach (ValType[] list in (ValType[][])[function.Parameters, function.Results])
        {
            types.U32((uint)list.Length);
            foreach (ValType type in list)
                types.Byte(Code(type));
        }

        return signatures.Count - 1;
    }

    private static byte Code(ValType type) => type == ValType.I32 ? (byte)0x7F : type == ValType.I64 ? (byte)0x7E : type == ValType.F32 ? (byte)0x7D : (byte)0x7C;

    private static void Table(ByteBuffer target, int size)
    {
        target.Byte(0x70);
        target.Byte(0x01);
        target.U32((uint)size);
        target.U32((uint)size);
    }

    private static void Import(ByteBuffer target, string module, string name, int type)
    {
        Name(target, module);
        Name(target, name);
        target.Byte((byte)ExternalKind.Function);
        target.U32((uint)type);
    }

    internal static void Export(ByteBuffer target, string name, ExternalKind kind, int index)
    {
        Name(target, name);
        target.Byte((byte)kind);
        target.U32((uint)index);
    }

    internal static void Name(ByteBuffer target, string name) => target.Counted(Encoding.UTF8.GetBytes(name));

    private static ByteBuffer Vector(int count, ByteBuffer items)
    {
        ByteBuffer vector = new();
        vector.U32((uint)count);
        vector.Bytes(items);
        return vector;
    }

    /// <summary>Adds a section with a vector, unless it is empty.</summary>
    internal static void Section(ByteBuffer module, SectionId id, int count, ByteBuffer items)
    {
        if (count > 0)
            Section(module, id, Vector(count, items));
    }

    private static void Section(ByteBuffer module, SectionId id, ByteBuffer content)
    {
        module.Byte((byte)id);
        module.Counted(content.Span);
    }
}
