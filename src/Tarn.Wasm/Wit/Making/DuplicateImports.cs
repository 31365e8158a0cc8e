// Renames imports that a core module has several times, which core WebAssembly permits and the component model does not: the second `f` becomes `f [v2]`. Only the import section changes, so
// that everything that refers to offsets in the code remains right.
using Tarn.Wasm.Binary;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Wit;

/// <summary>Makes the names of imports unique.</summary>
internal static class DuplicateImports
{
    /// <summary>The name under which an import is known in a component.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="earlier">How many imports before it have the same names.</param>
    public static string Unique(string name, int earlier) => earlier == 0 ? name : $"{name} [v{earlier + 1}]";

    /// <summary>Renames the imports of a module that imports only functions.</summary>
    public static byte[] Rename(byte[] bytes, WasmModule module)
    {
        Dictionary<(string, string), int> counts = [];
        ByteBuffer imports = new();
        bool isUnique = true;
        foreach (ref readonly Import import in module.Imports)
        {
            int earlier = counts.GetValueOrDefault((import.Module, import.Name));
            counts[(import.Module, import.Name)] = earlier + 1;
            isUnique &= earlier == 0;
            CoreModuleBuilder.Name(imports, import.Module);
            CoreModuleBuilder.Name(imports, Unique(import.Name, earlier));
            imports.Byte((byte)ExternalKind.Function);
            imports.U32((uint)module.Functions[import.Index]);
        }

        if (isUnique)
            return bytes;
        ByteBuffer result = new(bytes.Length + 64);
        result.Bytes(bytes.AsSpan(0, 8));
        WasmReader reader = new(bytes, 8, bytes.Length);
        while (!reader.IsAtEnd)
        {
            int start = reader.Position;
            byte id = reader.ReadByte();
            int size = (int)reader.ReadVarU32();
            reader.Skip(size);
            if (id == (byte)SectionId.Import)
                CoreModuleBuilder.Section(result, SectionId.Import, module.Imports.Length, imports);
            else
                result.Bytes(bytes.AsSpan(start, reader.Position - start));
        }

        return result.ToArray();
    }
}
