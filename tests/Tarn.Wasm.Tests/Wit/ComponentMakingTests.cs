// wit-component's own cases: a core module and its world become the component that is written down. What a component says of the tool that made it is ours and is compared as such.
using System.Text;
using Tarn.TestSupport;
using Tarn.Wasm.Component;
using Tarn.Wasm.Text;
using Tarn.Wasm.Wit;

namespace Tarn.Wasm.Tests.Wit;

public sealed class ComponentMakingTests
{
    private const string Folder = "wasm-tools/wit-component";

    // Cases that need what is not made: asynchronous functions and their built-ins, threads, a memory that is imported, the hook around tasks, shims by function references.
    private static readonly string[] s_left =
    [
        "async-builtins", "async-export", "async-export-with-callback", "async-import", "async-import-only-intrinsic", "async-import-tricky", "async-streams-and-futures",
        "async-task-return-param-string", "async-unit-builtins", "error-async-export-missing-callback", "import-memory", "import-memory-async-builtins", "realloc-shim-import-memory",
        "realloc-task-hook", "realloc-task-hook-adapter", "return-call-ref-adapter", "realloc-task-hook-async", "realloc-task-hook-import-memory", "realloc-task-hook-unused", "return-call-ref-async", "return-call-ref-lowerings",
        "return-call-ref-payloads", "return-call-ref-realloc-shim", "return-call-ref-resource-dtor", "threading", "threading-wasm-ld-symbols", "threading-wasm-ld-symbols-coop",
        "threading-wasm-ld-symbols-with-shims", "threading-wasm-ld-symbols64", "wasm-init-task",
    ];

    public static bool IsHere => !ComponentSuite.Skipped;

    public static TheoryData<string> Made => [.. Cases(error: false)];

    public static TheoryData<string> Refused => [.. Cases(error: true)];

    [Theory(SkipUnless = nameof(IsHere), Skip = ComponentSuite.Absence)]
    [MemberData(nameof(Made))]
    public void A_module_becomes_the_expected_component(string name)
    {
        byte[] made = Make(name);
        byte[] expected = ComponentParser.Parse(Encoding.UTF8.GetBytes(File.ReadAllText(Path.Combine(PathOf(name), "component.wat"))), name);
        Assert.Equal(Text(expected), Text(made));
    }

    [Theory(SkipUnless = nameof(IsHere), Skip = ComponentSuite.Absence)]
    [MemberData(nameof(Refused))]
    public void A_module_that_does_not_fit_its_world_is_refused(string name)
    {
        string message = File.ReadAllText(Path.Combine(PathOf(name), "error.txt"));
        TextFormatException error = Assert.Throws<TextFormatException>(() => Make(name));
        string expected = message switch
        {
            _ when message.Contains("type mismatch", StringComparison.Ordinal) => "expected [",
            _ when message.Contains("failed to find export", StringComparison.Ordinal) => "which the world requires",
            _ when message.Contains("does not export a memory", StringComparison.Ordinal) => "exports no memory named `memory`",
            _ when message.Contains("only allowed to import functions", StringComparison.Ordinal) => "which is not a function",
            _ => "The world has nothing",
        };
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        if (message.IndexOf("expected `", StringComparison.Ordinal) is >= 0 and int at)
        {
            string types = message[(at + "expected `".Length)..message.IndexOf('`', at + "expected `".Length)].ToLowerInvariant();
            Assert.Contains($"expected {types}", error.Message, StringComparison.Ordinal);
        }
    }

    private static string Text(byte[] component) => Encoding.UTF8.GetString(ComponentPrinter.Print(WasmComponent.Decode(Strip(component), WasmFeatures.All)));

    // Names for people and the names of tools are not compared: the text format of wasm-tools has forms for them that ours does not read.
    private static byte[] Strip(ReadOnlySpan<byte> binary)
    {
        List<byte> result = [.. binary[..8]];
        for (int at = 8; at < binary.Length;)
        {
            byte id = binary[at++];
            int size = Number(binary, ref at);
            ReadOnlySpan<byte> content = binary.Slice(at, size);
            at += size;
            if (id == 0)
            {
                int inner = 0;
                int length = Number(content, ref inner);
                if (Encoding.UTF8.GetString(content.Slice(inner, length)) is "name" or "component-name" or "producers")
                    continue;
            }

            // Core modules and components within a component; in a core module these are sections of other kinds.
            byte[] stripped = binary[6] == 1 && id is 1 or 4 && content.StartsWith("\0asm"u8) ? Strip(content) : content.ToArray();
            result.Add(id);
            for (uint rest = (uint)stripped.Length; ; rest >>= 7)
            {
                result.Add((byte)(rest < 0x80 ? rest : (rest & 0x7F) | 0x80));
                if (rest < 0x80)
                    break;
            }

            result.AddRange(stripped);
        }

        return [.. result];
    }

    private static int Number(ReadOnlySpan<byte> bytes, ref int at)
    {
        int value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte part = bytes[at++];
            value |= (part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }
    }

    private static byte[] Make(string name)
    {
        WitResolver resolver = new();
        WitPackage package = Directory.Exists(Path.Combine(PathOf(name), "deps")) ? resolver.AddPath(PathOf(name)) : resolver.AddPath(Path.Combine(PathOf(name), "module.wit"));
        byte[] module = WatParser.Parse(File.ReadAllBytes(Path.Combine(PathOf(name), "module.wat")), name);
        Producers bindgen = new();
        bindgen.Add("processed-by", "my-fake-bindgen", "123.45");
        byte[] embedded = ModuleMetadata.Embed(module, package.Worlds["module"], CanonicalOptionKind.Utf8);
        List<(string, byte[])> adapters = [];
        foreach (string file in Directory.GetFiles(PathOf(name), "adapt-*.wat").Order(StringComparer.Ordinal))
        {
            string text = File.ReadAllText(file);
            // A comment names the adapter where its name cannot be the name of a file.
            const string Mark = ";; module name: ";
            string adapter = text.StartsWith(Mark, StringComparison.Ordinal) ? text[Mark.Length..text.IndexOf('\n')] : Path.GetFileNameWithoutExtension(file)["adapt-".Length..];
            // The file names no package: it is that of the module's world.
            WitResolver own = new();
            own.Add(resolver.Packages.Where(other => other != package));
            string wit = Path.ChangeExtension(file, ".wit");
            WitWorld world = own.AddText(wit, $"{(File.ReadAllText(wit).StartsWith("package ", StringComparison.Ordinal) ? "" : $"package {package.Name};\n")}{File.ReadAllText(wit)}").Worlds[Path.GetFileNameWithoutExtension(file)];
            adapters.Add((adapter, ModuleMetadata.Embed(WatParser.Parse(Encoding.UTF8.GetBytes(text), file), world, CanonicalOptionKind.Utf8)));
        }

        return ComponentMaker.Make(ModuleMetadata.Append(embedded, Producers.SectionName, bindgen.Encode()), adapters, WasmFeatures.All, withNames: true, growsMemory: name == "adapt-realloc-via-memory-grow");
    }

    private static string PathOf(string name) => Path.Combine(ComponentSuite.RequiredFolder, Folder, name);

    private static IEnumerable<string> Cases(bool error)
    {
        if (ComponentSuite.Folder is not string root)
            return [];
        return Directory.EnumerateDirectories(Path.Combine(root, Folder))
            .Where(folder => File.Exists(Path.Combine(folder, "module.wat")) && File.Exists(Path.Combine(folder, "error.txt")) == error && !s_left.Contains(Path.GetFileName(folder)))
            .Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal);
    }
}
