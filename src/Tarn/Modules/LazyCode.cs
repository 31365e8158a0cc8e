// The functions of a module that are compiled when they are first called: what has been compiled, and where. Calls go through thunks, so that functions refer to each
// other whether they are compiled or not.
//
// Each function is compiled once, by one thread: others that call it meanwhile wait, as do a few that call functions which share its lock. Functions share pages
// (PackedCode). A thunk leads to a function only after everything about it is in place.
using Tarn.Compiler;
using Tarn.Execution;
using Tarn.Platform;

namespace Tarn.Modules;

internal sealed unsafe class LazyCode : IDisposable
{
    private const int Locks = 16;

    private readonly LazyThunks _thunks;
    private readonly PackedCode _code;
    private readonly CodePiece?[] _pieces;
    private readonly Lock[] _locks = new Lock[Locks];

    public LazyCode(Machine machine, int functions)
    {
        _code = new PackedCode(machine.Arena, machine.Memory);
        _pieces = new CodePiece?[functions];
        for (int i = 0; i < Locks; i++)
            _locks[i] = new Lock();
        _thunks = machine.Stubs.CreateLazyThunks(functions);
    }

    /// <summary>Blocks of the arena that compiled functions take.</summary>
    public int BlockCount => _code.BlockCount;

    /// <summary>Where to call a function, compiled or not.</summary>
    public nint Thunk(int definedIndex) => _thunks.Thunk(definedIndex);

    /// <summary>Where a function is if it has been compiled, else 0.</summary>
    public nint Find(int definedIndex) => Volatile.Read(ref _pieces[definedIndex]) is CodePiece piece ? (nint)piece.Address : 0;

    /// <summary>The function, compiled and loaded unless it is already.</summary>
    /// <param name="definedIndex">Which one.</param>
    /// <param name="compile">Compiles it.</param>
    /// <param name="load">Makes its code fit for an address, and gives who answers for it.</param>
    public CodePiece GetOrAdd(int definedIndex, Func<int, CompiledFunction> compile, Func<int, CompiledFunction, byte[], nint, LoadedFunction> load)
    {
        if (Volatile.Read(ref _pieces[definedIndex]) is CodePiece there)
            return there;
        lock (_locks[definedIndex % Locks])
        {
            if (_pieces[definedIndex] is CodePiece made)
                return made;
            CompiledFunction function = compile(definedIndex);
            CodePiece piece = _code.Allocate(function.Code.Length);
            try
            {
                byte[] code = (byte[])function.Code.Clone();
                _code.Publish(piece, code, load(definedIndex, function, code, (nint)piece.Address));
            }
            catch
            {
                _code.Free(piece);
                throw;
            }
            Volatile.Write(ref _pieces[definedIndex], piece);
            _thunks.SetTarget(definedIndex, (nint)piece.Address);
            return piece;
        }
    }

    public void Dispose()
    {
        _code.Dispose();
        _thunks.Dispose();
    }
}
