// Why: what stubs are to register code: words that the interpreter executes, and two C functions by which managed code comes in. Nothing of it is executable; the arena serves as the place whose
// addresses have known owners, so backtraces, traps and the collector find their tables as with machine code.
//
// A stub that leaves:   | start | (trap site) | resume: words of its frame, results | types of the results, a byte each |
// An entry:             | call of the function in word 1 of its frame, arguments | where results go | end |
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.Portable;
using Tarn.Compiler.Targets.Portable;
using Tarn.Platform;

namespace Tarn.Execution.Portable;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

#pragma warning disable CA1001 // It lives as long as the process, and so does the code that it owns.
internal sealed unsafe class PortableMachineStubs : MachineStubs
#pragma warning restore CA1001
{
    /// <summary>Bytes of the frame by which a guest continues at a handler.</summary>
    public const int LandingFrameBytes = ExitFrame.HeaderSize + 16;

    // Where an entry that has no room for its frame traps: no word ends there.
    private const int EntryTrap = 1;

    private readonly CodeArena _arena;
    private readonly PackedCode _signatureStubs;
    private readonly nint[] _builtins = new nint[(int)BuiltinId.Count];
    private readonly nint _landing;

    public PortableMachineStubs(CodeArena arena, VirtualMemory memory)
    {
        _arena = arena;
        _signatureStubs = new PackedCode(arena, memory);
        var words = new List<Word>();
        var owner = new StubOwner("portable stubs");
        int[] starts = new int[_builtins.Length];
        for (int i = 0; i < starts.Length; i++)
        {
            var id = (BuiltinId)i;
            PortableOpcode start = id == BuiltinId.MemoryCopyBytes ? PortableOpcode.CopyBytes : id == BuiltinId.MemoryFillBytes ? PortableOpcode.FillBytes : PortableOpcode.BuiltinExit;
            PortableOpcode resume = id switch
            {
                BuiltinId.MemoryCopyBytes => PortableOpcode.ResumeCopy,
                BuiltinId.MemoryFillBytes => PortableOpcode.ResumeFill,
                BuiltinId.CompileFunction => PortableOpcode.ResumeCompile,
                _ => PortableOpcode.ResumeCall,
            };
            // The number of the function to be compiled is no parameter.
            int parameters = id == BuiltinId.CompileFunction ? 1 : BuiltinSignatures.Parameters(id).Length;
            starts[i] = AddExit(words, owner, start, resume, i, parameters, BuiltinSignatures.Results(id));
        }
        int landing = words.Count;
        owner.AddFrame(landing * PortableTarget.WordBytes, new FrameDescription(FrameKind.Exit, ExitFrame.HeaderSize));
        words.Add(new Word { Opcode = PortableOpcode.Landing });
        CodeBlock block = Publish(CollectionsMarshal.AsSpan(words), owner);
        for (int i = 0; i < starts.Length; i++)
            _builtins[i] = (nint)block.Address + (starts[i] * PortableTarget.WordBytes);
        _landing = (nint)block.Address + (landing * PortableTarget.WordBytes);
    }

    public override nint Resume => (nint)(delegate* unmanaged<ExecutionRecord*, RawResult>)&ResumeGuest;

    // Register code traps by itself.
    public override nint Trap => 0;

    public override nint FaultLanding => 0;

    public override nint Builtin(BuiltinId id) => _builtins[(int)id];

    public override SignatureStubs CreateSignatureStubs(Signature signature)
    {
        var words = new List<Word>();
        var owner = new StubOwner($"stubs {signature}");
        int count = signature.Parameters.Length;
        int[] places = new int[count];
        int above = PortableConvention.Assign(signature.Parameters, places, out _);
        words.Add(new Word { Opcode = PortableOpcode.CallReference, A = (ushort)count, B = (ushort)above, C = 1 });
        var list = new List<ushort>();
        for (int i = 0; i < count; i++)
        {
            list.Add((ushort)((2 + (2 * i)) | (signature.Parameters[i] == AbiType.V128 ? PortableConvention.Flag : 0)));
            list.Add((ushort)places[i]);
        }
        AddList(words, list);
        owner.AddTrap(EntryTrap, TrapCode.StackOverflow, new FrameDescription(FrameKind.Entry, 0));
        owner.AddFrame(words.Count * PortableTarget.WordBytes, new FrameDescription(FrameKind.Entry, sizeof(ulong) * EntryWords(signature)));
        for (int i = 0; i < signature.Results.Length; i++)
            list.Add((ushort)(2 + (2 * i)));
        AddList(words, list);
        words.Add(new Word { Opcode = PortableOpcode.EntryReturn, B = (ushort)signature.Results.Length });
        int exit = AddExit(words, owner, PortableOpcode.HostCall, PortableOpcode.ResumeCall, 0, count, signature.Results);
        CodePiece piece = _signatureStubs.Allocate(words.Count * PortableTarget.WordBytes);
        try
        {
            _signatureStubs.Publish(piece, MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(words)), owner);
        }
        catch
        {
            _signatureStubs.Free(piece);
            throw;
        }
        nint entry = (nint)(delegate* unmanaged<FunctionReference*, ulong*, void>)&EnterGuest;
        return new SignatureStubs(signature, piece, TypedEntry: 0, entry, (nint)piece.Address + (exit * PortableTarget.WordBytes));
    }

    public override CodePiece? CreateDirectExit(SignatureStubs stubs, nint entry) => null;

    public override void Free(CodePiece stub) => _signatureStubs.Free(stub);

    public override LazyThunks CreateLazyThunks(int count)
    {
        nint* slots = (nint*)_arena.AllocateData(count * sizeof(nint));
        try
        {
            var words = new Word[2 * count];
            for (int i = 0; i < count; i++)
            {
                words[i] = new Word { Opcode = PortableOpcode.LazyJump, Imm = (nint)(slots + i) };
                words[count + i] = new Word { Opcode = PortableOpcode.CompileExit, Imm = i };
            }
            CodeBlock block = Publish(words, new StubOwner("lazy thunks"));
            for (int i = 0; i < count; i++)
                slots[i] = (nint)block.Address + ((count + i) * PortableTarget.WordBytes);
            return new LazyThunks(_arena, block, PortableTarget.WordBytes, slots, count);
        }
        catch
        {
            _arena.FreeData((byte*)slots, count * sizeof(nint));
            throw;
        }
    }

    public override nint CreateFaultHandler(CodeArena arena, in FaultHandlerParameters parameters) => throw new NotSupportedException("Register code needs no handler of faults.");

    public override CodeBlock CreateProbe(nint address) => throw new NotSupportedException("Register code has no faults to probe.");

    public override void Unwind(nint end, in FrameDescription frame, out nint programCounter, out nint stackPointer)
    {
        programCounter = *(nint*)end;
        stackPointer = end + (PortableConvention.LinkageWords * sizeof(ulong)) + frame.StackArgumentBytes;
    }

    public override ulong* SavedRegister(ExitFrame* frame, int register) => throw new NotSupportedException("Register code has all references in frames.");

    // What is called may be of another instance: the caller's context is in its linkage.
    public override UnwoundRegisters RegistersOf(ExitFrame* frame) =>
        new() { VmContext = frame->Resume == _landing ? frame->VmContext : InterpreterExits.CallerContext((ulong*)frame) };

    public override void EnterFrame(nint end, byte saved, ref UnwoundRegisters registers)
    {
    }

    public override void LeaveFrame(nint end, byte saved, ref UnwoundRegisters registers) => registers.VmContext = ((VmContext**)end)[1];

    public override ExitFrame* PrepareLanding(nint stackPointer, nint returnAddress, nint landing, in UnwoundRegisters registers)
    {
        var frame = (ExitFrame*)(stackPointer - LandingFrameBytes);
        frame->Resume = _landing;
        frame->VmContext = registers.VmContext;
        nint* values = (nint*)ExitFrame.Values(frame);
        values[0] = returnAddress;
        values[1] = landing;
        return frame;
    }

    private static int EntryWords(Signature signature) => 2 + (2 * signature.ValueCount);

    private static int AddExit(
        List<Word> words, StubOwner owner, PortableOpcode start, PortableOpcode resume, int id, int parameters, ReadOnlySpan<AbiType> results)
    {
        int first = words.Count;
        int frameBytes = ExitFrame.HeaderSize + (Math.Max(parameters, results.Length) * ExitFrame.ValueSize);
        words.Add(new Word { Opcode = start, B = (ushort)id });
        words.Add(new Word { Opcode = PortableOpcode.Count });
        owner.AddTrap((first + 1) * PortableTarget.WordBytes, TrapCode.StackOverflow, new FrameDescription(FrameKind.Exit, 0));
        owner.AddFrame(words.Count * PortableTarget.WordBytes, new FrameDescription(FrameKind.Exit, frameBytes));
        words.Add(new Word { Opcode = resume, A = (ushort)(frameBytes / sizeof(ulong)), B = (ushort)results.Length });
        for (int i = 0; i < results.Length; i += PortableTarget.WordBytes)
        {
            Word types = default;
            for (int k = i; k < Math.Min(results.Length, i + PortableTarget.WordBytes); k++)
                ((byte*)&types)[k - i] = (byte)results[k];
            words.Add(types);
        }
        return first;
    }

    private static void AddList(List<Word> words, List<ushort> list)
    {
        while (list.Count % 8 != 0)
            list.Add(0);
        foreach (Word word in MemoryMarshal.Cast<ushort, Word>(CollectionsMarshal.AsSpan(list)))
            words.Add(word);
        list.Clear();
    }

    private CodeBlock Publish(ReadOnlySpan<Word> words, CodeOwner owner)
    {
        CodeBlock block = _arena.Allocate(words.Length * PortableTarget.WordBytes);
        try
        {
            MemoryMarshal.AsBytes(words).CopyTo(block.Bytes);
            _arena.Publish(block, owner);
            return block;
        }
        catch
        {
            _arena.Free(block);
            throw;
        }
    }

    // The array entry of every signature: which one it is, the function's type says.
    [UnmanagedCallersOnly]
    private static void EnterGuest(FunctionReference* function, ulong* values)
    {
        VmContext* context = function->VmContext;
        ExecutionRecord* record = context->Execution;
        SignatureStubs stubs = GuestExecution.Of(record).StubsOf(function);
        int words = EntryWords(stubs.Signature);
        ulong* s = (ulong*)record->GuestStackPointer - words;
        if (words > InterpreterExits.UncheckedBytes / sizeof(ulong) && (nint)s < context->StackLimit)
        {
            record->TrapProgramCounter = (nint)stubs.Code.Address + EntryTrap;
            record->ExitVmContext = context;
            record->ExitCode = ExitCode.Trap;
            return;
        }
        s[0] = (ulong)values;
        s[1] = (ulong)function;
        ReadOnlySpan<AbiType> parameters = stubs.Signature.Parameters;
        for (int i = 0; i < parameters.Length; i++)
        {
            s[2 + (2 * i)] = parameters[i] is AbiType.I32 or AbiType.Managed ? (uint)values[2 * i] : values[2 * i];
            if (parameters[i] == AbiType.V128)
                s[3 + (2 * i)] = values[(2 * i) + 1];
        }
        Interpreter.Run((Word*)stubs.Code.Address, s, context, record);
    }

    [UnmanagedCallersOnly]
    private static RawResult ResumeGuest(ExecutionRecord* record)
    {
        var frame = (ExitFrame*)record->GuestStackPointer;
        Interpreter.Run((Word*)frame->Resume, (ulong*)frame, frame->VmContext, record);
        return default;
    }
}
