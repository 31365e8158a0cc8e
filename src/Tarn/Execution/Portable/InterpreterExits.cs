// Why: the ways out of register code and back, apart from the loop so that it stays small: calls of the host and of the runtime, tail calls, traps for want of stack, and what resuming does. Each exit
// leaves an ExitFrame below the linkage of the call:
//
//   guest stack:  caller's frame | VM context of the caller, where it continues | values, 16 bytes each | header   <- GuestStackPointer
//
// Invariants: what is written below a frame is within UncheckedBytes of it, or has been compared with the limit, whose headroom covers the rest. A resumed call finds all that it needs in its exit frame
// and in the word that is the frame's Resume, so any thread can resume it.
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.Portable;
using Tarn.Compiler.Targets.Portable;

namespace Tarn.Execution.Portable;


internal static unsafe class InterpreterExits
{
    /// <summary>Frames of exits above this size compare with the stack limit.</summary>
    public const int UncheckedBytes = 1024;

    /// <summary>What is copied or filled between two looks whether the guest has been interrupted.</summary>
    public const ulong PieceBytes = 16 << 20;

    private const int Linkage = PortableConvention.LinkageWords;

    /// <summary>Where a start of a stub has the word by which calls of it are resumed. Between them is a trap site.</summary>
    public const int ResumeWord = 2;

    // ---- Calls

    /// <summary>Writes an argument that has 16 bytes or goes above the linkage.</summary>
    public static void PassArgument(ushort from, ushort to, ulong* s, ulong* frame, ulong* end)
    {
        ulong* place = to < PortableConvention.Flag ? frame + to : end + Linkage + (to & PortableConvention.LargestWord);
        ulong* value = s + (from & PortableConvention.LargestWord);
        place[0] = value[0];
        if (from >= PortableConvention.Flag)
            place[1] = value[1];
    }

    /// <summary>A function has no room for its frame: traps in its first word, where its frame counts as empty.</summary>
    public static void OverflowInCall(Word* code, Word* pc, ulong* end, VmContext* context, VmContext* callee, ExecutionRecord* record)
    {
        end[0] = (ulong)AfterArguments(pc);
        end[1] = (ulong)context;
        Trap(code + 1, end, callee, record);
    }

    /// <summary>
    /// Puts a function in the place of the one that calls it. With a host function in the place of the callee the call is made, and the words at the result say where the caller continues, in which context
    /// and frame.
    /// </summary>
    /// <returns>The callee's frame; null if the guest has left.</returns>
    public static ulong* TailCall(Word* pc, ulong* s, VmContext* callee, ExecutionRecord* record, Word* code, FunctionReference* reference)
    {
        ulong* end = s + (pc->High & 0xFFFF);
        ulong* caller = end + Linkage + (int)((uint)pc->High >> 16);
        ulong back = end[0];
        ulong outer = end[1];
        int count = pc->A;
        ulong* values = stackalloc ulong[(2 * count) + 1];
        Gather(pc, s, values);
        if (code->Opcode == PortableOpcode.HostCall)
        {
            Word* next = CallHost(values, count, (Word*)back, (VmContext*)outer, caller, record, code, reference);
            if (next == null)
                return null;
            ulong* state = caller - 3;
            state[0] = (ulong)next;
            state[1] = outer;
            state[2] = (ulong)caller;
            return state;
        }
        ulong* newEnd = caller - pc->B - Linkage;
        ulong* frame = newEnd - code->A;
        if ((nint)frame < callee->StackLimit)
        {
            newEnd[0] = back;
            newEnd[1] = outer;
            Trap(code + 1, newEnd, callee, record);
            return null;
        }
        ushort* list = (ushort*)(pc + 1);
        for (int k = 0; k < count; k++, list += 2)
        {
            ulong* place = list[1] < PortableConvention.Flag ? frame + list[1] : newEnd + Linkage + (list[1] & PortableConvention.LargestWord);
            place[0] = values[2 * k];
            if (list[0] >= PortableConvention.Flag)
                place[1] = values[(2 * k) + 1];
        }
        newEnd[0] = back;
        newEnd[1] = outer;
        return frame;
    }

    /// <summary>Calls a host function.</summary>
    /// <returns>Where the guest continues; null if it has left.</returns>
    public static Word* CallHost(Word* pc, ulong* s, VmContext* context, ExecutionRecord* record, Word* code, FunctionReference* reference)
    {
        int count = pc->A;
        if (count <= 8)
        {
            ulong* few = stackalloc ulong[16];
            Gather(pc, s, few);
            return CallHost(few, count, AfterArguments(pc), context, s, record, code, reference);
        }
        ulong* values = stackalloc ulong[2 * count];
        Gather(pc, s, values);
        return CallHost(values, count, AfterArguments(pc), context, s, record, code, reference);
    }

    private static Word* CallHost(ulong* values, int count, Word* back, VmContext* context, ulong* s, ExecutionRecord* record, Word* code, FunctionReference* reference)
    {
        ExitFrame* frame = Leave(code, back, s, context, reference->VmContext, record);
        if (frame == null)
            return null;
        new Span<ulong>(values, 2 * count).CopyTo(new Span<ulong>(ExitFrame.Values(frame), 2 * count));
        nint outer = record->GuestStackPointer;
        record->GuestStackPointer = (nint)frame;
        HostCallStatus status = GuestExecution.CallHost(record, reference);
        if (status == HostCallStatus.Completed)
        {
            record->GuestStackPointer = outer;
            return Finish(code + ResumeWord, (ulong*)frame);
        }
        record->GuestStackPointer = (nint)frame;
        record->ExitArgument = (uint)status;
        record->ExitVmContext = reference->VmContext;
        record->ExitCode = ExitCode.HostCall;
        return null;
    }

    /// <summary>Calls a builtin: leaves for the runtime, or copies or fills memory.</summary>
    /// <returns>Where the guest continues; null if it has left.</returns>
    public static Word* CallBuiltin(Word* pc, ulong* s, VmContext* context, ExecutionRecord* record, Word* code)
    {
        bool isTransfer = code->Opcode != PortableOpcode.BuiltinExit;
        ushort* list = (ushort*)(pc + 1);
        if (isTransfer && s[list[4]] <= PieceBytes)
        {
            Transfer(code->Opcode == PortableOpcode.CopyBytes, (byte*)s[list[0]], s[list[2]], s[list[4]]);
            return AfterArguments(pc);
        }
        ExitFrame* frame = Leave(code, AfterArguments(pc), s, context, context, record);
        if (frame == null)
            return null;
        Gather(pc, s, ExitFrame.Values(frame));
        if (isTransfer)
        {
            Word* resume = code + ResumeWord;
            return TryContinueTransfer(resume, (ulong*)frame, record) ? Finish(resume, (ulong*)frame) : null;
        }
        Leave(frame, (BuiltinId)code->B, context, record);
        return null;
    }

    /// <summary>Leaves for a builtin without values.</summary>
    public static void LeaveFor(BuiltinId id, Word* back, ulong* s, VmContext* context, ExecutionRecord* record)
    {
        ExitFrame* frame = Leave((Word*)Machine.PortableMachine.Stubs.Builtin(id), back, s, context, context, record);
        Leave(frame, id, context, record);
    }

    /// <summary>Leaves to have a function compiled, whose call is then made again.</summary>
    public static void LeaveToCompile(Word* code, Word* pc, ulong* s, VmContext* context, VmContext* callee, ExecutionRecord* record)
    {
        if (code->Opcode != PortableOpcode.CompileExit)
            throw new InvalidOperationException($"a call leads to the word {(ushort)code->Opcode}, where no function starts");
        ExitFrame* frame = Leave((Word*)Machine.PortableMachine.Stubs.Builtin(BuiltinId.CompileFunction), AfterArguments(pc), s, context, callee, record);
        *ExitFrame.Values(frame) = (ulong)code->Imm;
        *(Word**)((byte*)frame + ExitFrame.ResultBufferOffset) = pc;
        Leave(frame, BuiltinId.CompileFunction, callee, record);
    }

    private static void Leave(ExitFrame* frame, BuiltinId id, VmContext* context, ExecutionRecord* record)
    {
        record->GuestStackPointer = (nint)frame;
        record->ExitVmContext = context;
        record->ExitArgument = (uint)id;
        record->ExitCode = ExitCode.Builtin;
    }

    // Makes the frame of an exit; null, and a trap, if there is no room.
    private static ExitFrame* Leave(Word* code, Word* back, ulong* s, VmContext* context, VmContext* called, ExecutionRecord* record)
    {
        ulong* end = s - Linkage;
        end[0] = (ulong)back;
        end[1] = (ulong)context;
        Word* resume = code + ResumeWord;
        ulong* frame = end - resume->A;
        if (resume->A > UncheckedBytes / sizeof(ulong) && (nint)frame < context->StackLimit)
        {
            Trap(code + 1, end, called, record);
            return null;
        }
        var exit = (ExitFrame*)frame;
        exit->Resume = (nint)resume;
        exit->VmContext = called;
        return exit;
    }

    private static void Trap(Word* site, ulong* stackPointer, VmContext* context, ExecutionRecord* record)
    {
        record->TrapProgramCounter = (nint)site;
        record->GuestStackPointer = (nint)stackPointer;
        record->ExitVmContext = context;
        record->ExitCode = ExitCode.Trap;
    }

    private static Word* AfterArguments(Word* pc) => pc + 1 + ((pc->A + 3) >> 2);

    private static void Gather(Word* pc, ulong* s, ulong* values)
    {
        ushort* list = (ushort*)(pc + 1);
        for (ushort* last = list + (2 * pc->A); list < last; list += 2, values += 2)
        {
            ulong* value = s + (list[0] & PortableConvention.LargestWord);
            values[0] = value[0];
            if (list[0] >= PortableConvention.Flag)
                values[1] = value[1];
        }
    }

    // ---- Resuming

    /// <summary>Takes the results of a call that left to where the list behind the call says.</summary>
    /// <param name="resume">The word by which it is resumed: words of the frame, results, and behind it a byte for the type of each.</param>
    /// <param name="s">The exit frame.</param>
    /// <returns>Where the caller continues.</returns>
    public static Word* Finish(Word* resume, ulong* s)
    {
        ulong* end = s + resume->A;
        ulong* caller = end + Linkage;
        Word* back = (Word*)end[0];
        ushort* list = (ushort*)back;
        byte* types = (byte*)(resume + 1);
        ulong* values = ExitFrame.Values((ExitFrame*)s);
        for (int k = 0; k < resume->B; k++, values += 2)
        {
            // Guest code relies on the upper half of an i32 or a managed reference being zero.
            ulong* to = caller + list[k];
            to[0] = (AbiType)types[k] is AbiType.I32 or AbiType.Managed ? (uint)values[0] : values[0];
            if ((AbiType)types[k] == AbiType.V128)
                to[1] = values[1];
        }
        return back + ((resume->B + 7) >> 3);
    }

    /// <summary>The VM context of the function that made the call whose exit frame this is.</summary>
    public static VmContext* CallerContext(ulong* s) => (VmContext*)(s + ((Word*)((ExitFrame*)s)->Resume)->A)[1];

    /// <summary>That function's frame.</summary>
    public static ulong* CallerFrame(ulong* s) => s + ((Word*)((ExitFrame*)s)->Resume)->A + Linkage;

    /// <summary>The call that is made again.</summary>
    public static Word* CallToRepeat(ulong* s) => *(Word**)((byte*)s + ExitFrame.ResultBufferOffset);

    /// <summary>The end of an activation: results go to the array that the host gave.</summary>
    public static void ReturnFromEntry(Word* pc, ulong* s) => new Span<ulong>(s + 2, 2 * pc->B).CopyTo(new Span<ulong>((ulong*)s[0], 2 * pc->B));

    // ---- Copying and filling

    /// <summary>Copies or fills what is left to, piece by piece; false if the guest has left because it was asked to stop.</summary>
    public static bool TryContinueTransfer(Word* resume, ulong* s, ExecutionRecord* record)
    {
        bool copies = resume->Opcode == PortableOpcode.ResumeCopy;
        ulong* values = ExitFrame.Values((ExitFrame*)s);
        ref ulong to = ref values[0];
        ref ulong from = ref values[2];
        ref ulong left = ref values[4];
        while (left != 0)
        {
            ulong piece = Math.Min(left, PieceBytes);
            // From the end where the destination starts within the source.
            if (copies && to - from < left)
            {
                Transfer(copies, (byte*)to + (left - piece), from + (left - piece), piece);
            }
            else
            {
                Transfer(copies, (byte*)to, from, piece);
                to += piece;
                from += copies ? piece : 0;
            }
            left -= piece;
            if (left != 0 && Volatile.Read(ref ((ExitFrame*)s)->VmContext->InterruptRequested) != 0)
            {
                Leave((ExitFrame*)s, BuiltinId.Interrupt, ((ExitFrame*)s)->VmContext, record);
                return false;
            }
        }
        return true;
    }

    private static void Transfer(bool copies, byte* to, ulong fromOrByte, ulong count)
    {
        if (copies)
            Buffer.MemoryCopy((byte*)fromOrByte, to, count, count);
        else
            NativeMemory.Fill(to, (nuint)count, (byte)fromOrByte);
    }

    // ---- Objects

    /// <summary>Takes room for an object, if there is enough.</summary>
    public static bool TryAllocate(Word* pc, ulong* s)
    {
        var record = (ExecutionRecord*)s[pc->B];
        ulong size = pc->C == PortableConvention.Flag ? (ulong)pc->Imm : s[pc->C];
        ulong top = record->HeapTop;
        if (top + size > record->HeapLimit)
        {
            record->HeapRequest = size;
            return false;
        }
        record->HeapTop = top + size;
        s[pc->A] = top;
        return true;
    }
}
