// Custom sections named metadata.code.KIND attach bytes to instructions (tool conventions, "code metadata"); branch hints are the one kind that the
// compiler uses. Advice only: a broken section gives no annotations, and the module stays good. Strict readers (the spec runner) call Check.
namespace Tarn.Wasm.Binary;

/// <summary>An annotation of an instruction.</summary>
/// <param name="Function">Function index.</param>
/// <param name="Offset">Offset of the instruction from the start of the function's body (its local declarations).</param>
/// <param name="DataOffset">Offset in the module of what is attached.</param>
/// <param name="DataLength">Length of what is attached.</param>
internal readonly record struct CodeAnnotation(int Function, int Offset, int DataOffset, int DataLength);

/// <summary>Readers of code metadata sections.</summary>
internal static class CodeMetadata
{
    /// <summary>The section that holds branch hints.</summary>
    public const string BranchHintSection = "metadata.code.branch_hint";

    /// <summary>The annotations of a section, ordered by function and offset; none where the section is missing or broken.</summary>
    public static CodeAnnotation[] Read(WasmModule module, string section)
    {
        if (!module.TryGetCustomSection(section, out CustomSection custom))
            return [];
        try
        {
            return ReadStrictly(module, custom);
        }
        catch (MalformedModuleException)
        {
            return [];
        }
    }

    /// <summary>As <see cref="Read"/>, but a broken section is an error.</summary>
    /// <exception cref="MalformedModuleException">The section is broken or its entries are out of order.</exception>
    public static CodeAnnotation[] ReadStrictly(WasmModule module, CustomSection section)
    {
        WasmReader reader = new(module.Bytes.Span, section.Offset, section.Offset + section.Length);
        List<CodeAnnotation> annotations = [];
        int lastFunction = -1;
        for (int functions = reader.ReadCount(int.MaxValue, "annotated functions", 2); functions > 0; functions--)
        {
            int function = reader.ReadIndex();
            if (function <= lastFunction)
                reader.Fail($"malformed custom section {section.Name}: functions out of order");
            lastFunction = function;
            int lastOffset = -1;
            for (int count = reader.ReadCount(int.MaxValue, "annotations", 2); count > 0; count--)
            {
                int offset = reader.ReadIndex();
                if (offset <= lastOffset)
                    reader.Fail($"malformed custom section {section.Name}: annotations out of order");
                lastOffset = offset;
                uint size = reader.ReadVarU32();
                if (size > (uint)reader.Remaining)
                    reader.Fail($"malformed custom section {section.Name}: length out of bounds");
                annotations.Add(new CodeAnnotation(function, offset, reader.Position, (int)size));
                reader.Skip((int)size);
            }
        }

        if (!reader.IsAtEnd)
            reader.Fail($"malformed custom section {section.Name}: unexpected content at its end");
        return [.. annotations];
    }

    /// <summary>The hint of an annotation of the branch hint section: true where the branch is likely, null where the hint is none.</summary>
    public static bool? BranchHint(WasmModule module, in CodeAnnotation annotation)
    {
        if (annotation.DataLength != 1)
            return null;
        return module.Bytes.Span[annotation.DataOffset] switch
        {
            0 => false,
            1 => true,
            _ => null,
        };
    }
}
