// Why: what all x86-64 stubs have in common: the frame on the thread's own stack, and publishing. Invariant: whatever enters guest code pushes
// the six registers that the C convention preserves, in this order and nothing after them, before it writes HostStackPointer; whatever leaves
// guest code pops them from there. So any exit can end any entry, and a guest suspended by one thread can return to another.
//
//   host stack:  ... return address | rbx | rbp | r12 | r13 | r14 | r15   <- HostStackPointer
//
// Branches are not shortened, so offsets are final as soon as they are known.
using System.Buffers.Binary;
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Platform;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Execution.X64;

internal sealed unsafe class StubAssembler(CodeArena arena, string name)
{
    /// <summary>Bytes pushed by <see cref="EnterHostFrame"/>.</summary>
    public const int HostFrameBytes = 48;

    /// <summary>Preserved by guest code: keeps rsp of the thread's stack during a call.</summary>
    public const Gpr HostFrameRegister = Rbx;

    private readonly List<nint> _symbols = [];

    public X64Assembler Asm { get; } = new(Processor.Features, shortenBranches: false, initialCapacity: 4096);

    public StubOwner Owner { get; } = new(name);

    public static Mem Context(int field) => new(R14, field);

    public void EnterHostFrame()
    {
        Asm.Push(Rbx);
        Asm.Push(Rbp);
        Asm.Push(R12);
        Asm.Push(R13);
        Asm.Push(R14);
        Asm.Push(R15);
    }

    /// <summary>
    /// Returns from an entry stub whose guest returned. <see cref="HostFrameRegister"/> holds what HostStackPointer was at entry; while both agree, taking rsp from the register keeps
    /// the store and load of HostStackPointer out of the chain of dependencies from call to call. After a resumption HostStackPointer is another's. All six registers come from the
    /// frame either way. The two stack pointers also agree when the code that resumed the guest is exactly as deep on its stack as the code that entered it was. What the guest has preserved
    /// is then the wrong one's.
    /// </summary>
    public void ReturnToHostFrame()
    {
        Label resumed = Asm.NewLabel();
        Asm.Mov(S64, R10, Context(VmContextHeader.Execution));
        Asm.Cmp(S64, HostFrameRegister, new Mem(R10, ExecutionRecordLayout.HostStackPointer));
        Asm.Jcc(Condition.NotEqual, resumed);
        Asm.Mov(S64, Rsp, HostFrameRegister);
        PopHostFrame();
        Asm.Ret();
        Asm.Bind(resumed);
        LeaveToHostFrame(R10);
        Asm.Ret();
    }

    /// <summary>Back to the thread's stack; the return address is on top afterwards.</summary>
    public void LeaveToHostFrame(Gpr execution)
    {
        Asm.Mov(S64, Rsp, new Mem(execution, ExecutionRecordLayout.HostStackPointer));
        PopHostFrame();
    }

    /// <summary>A jump to code elsewhere in the arena.</summary>
    public void JumpTo(nint target) => Asm.JmpSymbol(Symbol(target));

    /// <summary>A call of code elsewhere in the arena.</summary>
    public void CallTo(nint target) => Asm.CallSymbol(Symbol(target));

    public Mem AtAddress(nint target) => Mem.AtSymbol(Symbol(target));

    public void Align() => Asm.Align(16);

    /// <summary>Copies the code into the arena, links it and makes it executable; returns the block.</summary>
    public CodeBlock Publish()
    {
        Asm.Finish();
        CodeBlock block = arena.Allocate(Asm.Code.Length);
        try
        {
            Asm.Code.CopyTo(block.Bytes);
            Link(block.Bytes, (nint)block.Address);
            arena.Publish(block, Owner);
            return block;
        }
        catch
        {
            arena.Free(block);
            throw;
        }
    }

    /// <summary>As the other one, but to a place that the code shares with others.</summary>
    public CodePiece Publish(PackedCode into)
    {
        Asm.Finish();
        byte[] code = Asm.Code.ToArray();
        CodePiece piece = into.Allocate(code.Length);
        try
        {
            Link(code, (nint)piece.Address);
            into.Publish(piece, code, Owner);
            return piece;
        }
        catch
        {
            into.Free(piece);
            throw;
        }
    }

    private void PopHostFrame()
    {
        Asm.Pop(R15);
        Asm.Pop(R14);
        Asm.Pop(R13);
        Asm.Pop(R12);
        Asm.Pop(Rbp);
        Asm.Pop(Rbx);
    }

    private void Link(Span<byte> code, nint address)
    {
        foreach (ref readonly CodeRelocation relocation in Asm.Relocations)
        {
            int distance = checked((int)(_symbols[relocation.Symbol] + relocation.Addend - (address + relocation.Offset)));
            BinaryPrimitives.WriteInt32LittleEndian(code[relocation.Offset..], distance);
        }
    }

    private int Symbol(nint address)
    {
        _symbols.Add(address);
        return _symbols.Count - 1;
    }
}
