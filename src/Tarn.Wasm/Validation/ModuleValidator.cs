// Validates a module: types first (and makes them canonical), then everything outside of function bodies, then the bodies, on several threads if wanted.
// After it has returned, every index in the module and every instruction may be relied upon.
//
// The error is deterministic: sections in the order below, then the lowest failing function, whatever the number of threads; and a module that
// is both malformed and invalid is malformed, as the specification decodes before it validates.
using System.Runtime.ExceptionServices;
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Validation;

/// <summary>Validation of whole modules.</summary>
internal static class ModuleValidator
{
    // Below this many bytes of code, starting threads costs more than it brings.
    private const int ParallelThreshold = 128 * 1024;
    private const int BodiesPerClaim = 16;

    /// <summary>Validates a module. One that is accepted uses types of the registry until <see cref="WasmModule.ReleaseTypes"/>; one that is refused uses none.</summary>
    /// <param name="module">The decoded module; afterwards it knows its canonical types.</param>
    /// <param name="registry">The engine's types.</param>
    /// <param name="degreeOfParallelism">How many threads validate bodies; 0 for one per processor.</param>
    /// <exception cref="MalformedModuleException">A function body does not follow the binary format.</exception>
    /// <exception cref="InvalidModuleException">A rule of validation is broken.</exception>
    public static void Validate(WasmModule module, TypeRegistry registry, int degreeOfParallelism = 0)
    {
        try
        {
            ValidationContext context = ValidateDeclarations(module, registry);
            try
            {
                ValidateBodies(context, degreeOfParallelism);
            }
            catch
            {
                module.ReleaseTypes();
                throw;
            }
        }
        catch (InvalidModuleException)
        {
            BodyStructure.ThrowIfMalformed(module, module.BodyArray.Length);
            throw;
        }

        module.SetValidated();
    }

    /// <summary>
    /// Validates everything but function bodies. For a compiler that validates each body just before it compiles it; the module counts as validated
    /// only when all are, which the caller then says with <see cref="WasmModule.SetValidated"/>.
    /// </summary>
    public static ValidationContext ValidateDeclarations(WasmModule module, TypeRegistry registry)
    {
        int[] canonical = TypeValidator.Validate(module, registry);
        module.SetCanonicalIds(registry, canonical);
        try
        {
            DeclarationValidator declarations = new(module, registry, canonical);
            return declarations.Validate();
        }
        catch
        {
            module.ReleaseTypes();
            throw;
        }
    }

    private static void ValidateBodies(ValidationContext context, int degree)
    {
        FunctionBody[] bodies = context.Module.BodyArray;
        if (bodies.Length == 0)
            return;
        if (degree <= 0)
            degree = Environment.ProcessorCount;
        if (degree == 1 || bodies[^1].End - bodies[0].Offset < ParallelThreshold)
        {
            FunctionValidator validator = new(context);
            for (int i = 0; i < bodies.Length; i++)
                validator.ValidateFunction(i);
            return;
        }

        Work work = new(context, bodies.Length);
        Task[] helpers = new Task[degree - 1];
        for (int i = 0; i < helpers.Length; i++)
            helpers[i] = Task.Run(work.Run);
        work.Run();
        Task.WaitAll(helpers);
        work.Failure?.Throw();
    }

    // Bodies are claimed in rising order, so once one has failed, no body below it is left unclaimed: workers finish what lies below the lowest failure
    // and skip what lies above.
    private sealed class Work(ValidationContext context, int count)
    {
        private readonly Lock _lock = new();
        private int _next;
        private int _lowestFailure = int.MaxValue;

        public ExceptionDispatchInfo? Failure { get; private set; }

        public void Run()
        {
            FunctionValidator validator = new(context);
            while (true)
            {
                int first = Interlocked.Add(ref _next, BodiesPerClaim) - BodiesPerClaim;
                int end = Math.Min(first + BodiesPerClaim, count);
                if (first >= count || first > Volatile.Read(ref _lowestFailure))
                    return;
                int current = first;
                try
                {
                    for (; current < end; current++)
                        validator.ValidateFunction(current);
                }
                catch (Exception exception)
                {
                    // Everything, not WasmException alone: a defect of ours must reach the caller from whichever thread it happens on.
                    lock (_lock)
                    {
                        if (current < _lowestFailure)
                        {
                            Failure = ExceptionDispatchInfo.Capture(exception);
                            Volatile.Write(ref _lowestFailure, current);
                        }
                    }
                }
            }
        }
    }
}
