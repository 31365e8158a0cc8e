// What a missing import usually means, by what is missing: a function of a JavaScript host, one that nobody linked, a memory that the host is to bring, a tag of C++ exceptions.
using Tarn.Wasi;

namespace Tarn.Cli.Running;

internal static class LinkHints
{
    /// <summary>The hint for an import that is missing or of another type.</summary>
    public static string Of(LinkException e, Module module)
    {
        bool forWasi = module.Imports.Any(import => import.Module is WasiLinkerExtensions.ModuleName or WasiLinkerExtensions.UnstableModuleName);
        if (e.Expected is MemoryType)
            return "The module expects its host to bring the memory. Link it without --import-memory (Emscripten: without -sIMPORTED_MEMORY), so that it exports one of its own.";
        if (e.Expected is TagType)
        {
            return "The module expects its host to bring a tag, as C++ exceptions (__cpp_exception) and setjmp (__c_longjmp) do in parts of a program that are linked when it starts. "
                + "Link the program as one module, with the library that defines the tag (-lunwind, -lsetjmp).";
        }
        if (e.Expected is TableType or GlobalType)
            return "The module is part of a program that is linked when it starts (a shared library, a side module), or expects a JavaScript host. Link the program as one module, without -shared, -pie and --import-table.";
        return e.ImportModule switch
        {
            WasiLinkerExtensions.ModuleName or WasiLinkerExtensions.UnstableModuleName => "This function is not part of that version of WASI, or has another type there.",
            string m when m.StartsWith("wasi:", StringComparison.Ordinal) => "This is WASI preview 2. Build for wasm32-wasip1.",
            "env" when forWasi => $"The module is built for WASI and expects {e.ImportName} of its host beside it. Most often that is a function that was declared and never linked (a missing library, or --allow-undefined). {Unknown}",
            "env" or "a" or "gojs" or "wbg" or "__wbindgen_placeholder__" =>
                $"The module was built for a JavaScript host (Emscripten, js/wasm, wasm-bindgen). Build it for WASI: wasm32-wasip1, -sSTANDALONE_WASM, GOOS=wasip1. {Unknown}",
            _ => $"tarn run offers WASI and nothing else. A host with functions of its own is a few lines of C#, see the samples. {Unknown}",
        };
    }

    private const string Unknown = "To run what does not call it: --unknown-imports trap.";
}
