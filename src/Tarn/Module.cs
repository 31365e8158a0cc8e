// The embedder's view of a module. Everything is in ModuleCore, which lives for as long as anything that was made of it; disposing the view lets go of it.
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Tarn.Modules;
using Tarn.Snapshots;

namespace Tarn;

/// <summary>A compiled WebAssembly module. Thread-safe; make it once and instantiate it often.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public sealed class Module : IDisposable
{
    private int _disposed;
    private IReadOnlyList<ModuleImport>? _importList;
    private IReadOnlyList<ModuleExport>? _exportList;

    internal Module(Engine engine, ModuleCore core)
    {
        Engine = engine;
        Core = core;
        core.Facade = this;
        if (core.Snapshot.Length == 0)
            return;
        try
        {
            Image = StateEncoding.Decode(core, null, core.Snapshot, engine.MaximumTableElements).ToImage(core.Wasm.Globals.Length);
        }
        catch (InvalidSnapshotException e)
        {
            core.ReleaseReference();
            throw new IncompatibleArtifactException("The compiled module's snapshot cannot be used. " + e.Message);
        }
    }

    /// <summary>The engine that compiled it.</summary>
    public Engine Engine { get; }

    /// <summary>The module's name from its name section, or <see langword="null"/>.</summary>
    public string? Name => Core.Name;

    /// <summary>Gets what instances require from outside, in the order of the module.</summary>
    /// <exception cref="ObjectDisposedException">The module has been disposed, and nothing of it is left.</exception>
    public IReadOnlyList<ModuleImport> Imports => _importList ?? Describe(ref _importList, static wasm =>
    {
        var imports = new ModuleImport[wasm.Imports.Length];
        for (int i = 0; i < imports.Length; i++)
        {
            Import import = wasm.Imports[i];
            imports[i] = new ModuleImport(import.Module, import.Name, TypeDescriptions.Of(wasm, import.Kind, import.Index));
        }
        return imports;
    });

    /// <summary>Gets what instances offer, in the order of the module.</summary>
    /// <exception cref="ObjectDisposedException">The module has been disposed, and nothing of it is left.</exception>
    public IReadOnlyList<ModuleExport> Exports => _exportList ?? Describe(ref _exportList, static wasm =>
    {
        var exports = new ModuleExport[wasm.Exports.Length];
        for (int i = 0; i < exports.Length; i++)
        {
            Export export = wasm.Exports[i];
            exports[i] = new ModuleExport(export.Name, TypeDescriptions.Of(wasm, export.Kind, export.Index));
        }
        return exports;
    });

    /// <summary>Gets whether instances begin with the state that an instance was left in by <see cref="InstanceTemplate.Initialize"/>, instead of the one that the module describes.</summary>
    public bool HasSnapshot => Image is not null;

    internal InstanceImage? Image { get; }

    internal ModuleCore Core { get; }

    internal WasmModule Wasm => Core.Wasm;

    /// <summary>Compiles a module from the binary format, or from the text format if that is what the bytes are. The bytes are copied.</summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="bytes">The module.</param>
    /// <exception cref="MalformedModuleException">The bytes are not a module.</exception>
    /// <exception cref="TextFormatException">The text is not a module.</exception>
    /// <exception cref="InvalidModuleException">The module breaks a rule of validation, or a function is too complex to be compiled.</exception>
    /// <exception cref="UnsupportedModuleException">The module has an instruction that this version of Tarn cannot execute.</exception>
    public static Module FromBytes(Engine engine, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return new Module(engine, ModuleMaker.Make(engine.Core, bytes.ToArray()));
    }

    /// <summary>
    /// Compiles a module from the binary format, or from the text format if that is what the bytes are. The bytes are not copied: they must not change while the module
    /// or an instance of it is in use, since what has been validated is relied upon.
    /// </summary>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Module FromBytes(Engine engine, ReadOnlyMemory<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return new Module(engine, ModuleMaker.Make(engine.Core, bytes));
    }

    /// <summary>Compiles a module from a file in the binary or the text format.</summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Module FromFile(Engine engine, string path)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(path);
        return new Module(engine, ModuleMaker.Make(engine.Core, File.ReadAllBytes(path), path));
    }

    /// <summary>Compiles a module from a stream in the binary or the text format, which is read to its end.</summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="stream">The stream. It is not closed.</param>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Module FromStream(Engine engine, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(stream);
        using var all = new MemoryStream();
        stream.CopyTo(all);
        return new Module(engine, ModuleMaker.Make(engine.Core, all.GetBuffer().AsMemory(0, (int)all.Length)));
    }

    /// <summary>Compiles a module from a stream in the binary or the text format, which is read to its end. Compiling is done on the thread pool.</summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="stream">The stream. It is not closed.</param>
    /// <param name="progress">Receives how far the compilation is, on the threads that compile.</param>
    /// <param name="cancellationToken">Ends reading and compiling; looked at before each function.</param>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Task<Module> FromStreamAsync(
        Engine engine, Stream stream, IProgress<CompilationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(stream);
        return MakeAsync(engine, stream, progress, cancellationToken);
    }

    /// <summary>
    /// Compiles a module on the thread pool. The bytes are not copied: they must not change while the module or an instance of it is in use, since what has been validated is
    /// relied upon.
    /// </summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="bytes">The module, in the binary or the text format.</param>
    /// <param name="progress">Receives how far the compilation is, on the threads that compile.</param>
    /// <param name="cancellationToken">Ends compiling; looked at before each function.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Task<Module> CompileAsync(
        Engine engine, ReadOnlyMemory<byte> bytes, IProgress<CompilationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return Task.Run(() => new Module(engine, ModuleMaker.Make(engine.Core, bytes, progress: progress, cancellationToken: cancellationToken)), cancellationToken);
    }

    /// <summary>Compiles a module from the text format.</summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="text">The module.</param>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Module FromText(Engine engine, string text)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(text);
        return new Module(engine, ModuleMaker.MakeOfText(engine.Core, Encoding.UTF8.GetBytes(text), null));
    }

    /// <summary>Validates a module without compiling it, with the features that the engine's options allow.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="bytes">The module, in the binary or the text format.</param>
    /// <exception cref="MalformedModuleException">The bytes are not a module.</exception>
    /// <exception cref="TextFormatException">The text is not a module.</exception>
    /// <exception cref="InvalidModuleException">The module breaks a rule of validation.</exception>
    /// <exception cref="UnsupportedModuleException">The module has an instruction that this version of Tarn cannot execute.</exception>
    public static void Validate(Engine engine, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ModuleMaker.Validate(engine.Core, bytes.ToArray());
    }

    /// <summary>Validates a module without compiling it, with the features that the engine's options allow.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="bytes">The module, in the binary or the text format.</param>
    /// <param name="error">The exception that <see cref="Validate"/> would throw, if the module is not valid.</param>
    /// <returns>Whether the module is valid and this version of Tarn can execute it.</returns>
    public static bool TryValidate(Engine engine, ReadOnlySpan<byte> bytes, [NotNullWhen(false)] out WasmException? error)
    {
        try
        {
            Validate(engine, bytes);
            error = null;
            return true;
        }
        catch (WasmException e)
        {
            error = e;
            return false;
        }
    }

    /// <summary>
    /// The compiled module as bytes, for <see cref="Deserialize"/> by an engine of the same build of Tarn, on the same kind of processor, with
    /// the same options that change code. Of a module that was loaded they are the bytes that it was loaded from.
    /// </summary>
    public byte[] Serialize()
    {
        ThrowIfDisposed();
        return Core.Serialize(Image is null ? default : StateEncoding.Encode(Wasm, null, StateDifference.Of(Image)));
    }

    /// <summary>
    /// Loads a compiled module. Its machine code will be executed as it is: load only what you or someone you trust has written, as you would a program.
    /// </summary>
    /// <exception cref="IncompatibleArtifactException">It was made by another build, for another processor or with other options, or is damaged.</exception>
    public static unsafe Module Deserialize(Engine engine, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        engine.ThrowIfDisposed();
        if (bytes.IsEmpty)
            throw new IncompatibleArtifactException("There are no bytes.");
        fixed (byte* start = bytes)
        {
            using var stream = new UnmanagedMemoryStream(start, bytes.Length);
            return new Module(engine, ModuleLoader.Load(engine.Core, stream));
        }
    }

    /// <summary>
    /// Loads a compiled module from a file, in one pass and without keeping the file open. A file that is cut off, replaced or written to while it is read
    /// gives the module as it was, or an error.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <inheritdoc cref="Deserialize"/>
    public static Module DeserializeFile(Engine engine, string path)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(path);
        engine.ThrowIfDisposed();
        return new Module(engine, ModuleLoader.LoadFile(engine.Core, path));
    }

    /// <summary>Frees the module's code once no template and no instance of it is left.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        Engine.Allocator.Forget(Core);
        if (Image is not null)
            Engine.Allocator.Forget(Image);
        Core.ReleaseReference();
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);

    private static async Task<Module> MakeAsync(Engine engine, Stream stream, IProgress<CompilationProgress>? progress, CancellationToken cancellationToken) =>
        new(engine, await ModuleMaker.MakeAsync(engine.Core, stream, progress, cancellationToken).ConfigureAwait(false));

    // Made on first use; a race makes them twice. The types that are looked at are there for as long as the module is used.
    private IReadOnlyList<T> Describe<T>(ref IReadOnlyList<T>? list, Func<WasmModule, T[]> describe)
    {
        Core.AddReference();
        try
        {
            return list = Array.AsReadOnly(describe(Core.Wasm));
        }
        finally
        {
            Core.ReleaseReference();
        }
    }

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => $"Module {Name ?? "without a name"}, {Wasm.Imports.Length} imports, {Wasm.Exports.Length} exports";
}
