// Executes register code (Targets/Portable): the loop that takes the place of a processor for which there is no machine code. The registers are words of the function's frame on the guest stack, so a guest
// that has left, for the host or for another thread, is nothing but its frames, as with machine code: ExitFrame, ActivationLink and the execution record mean the same.
//
// Safety: what code may touch is decided by the compiler, as for machine code, and checked before each access; nothing here relies on a fault. Frames are compared with the stack limit before
// they are written (Call below), exit frames beyond UncheckedBytes too (InterpreterExits). No exception leaves Run but those of the runtime's own faults: host functions are called by GuestExecution.CallHost,
// which catches. A trap names its site by the word's end, or one byte more for the second reason of the same word.
//
// The loop is one method since its state (pc, s, context) has to be in registers; nothing may take the address of these three. Cases declare no locals if they can help it: each costs the JIT.
using System.Numerics;
using System.Runtime.CompilerServices;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.Portable;
using Tarn.Compiler.Targets.Portable;

namespace Tarn.Execution.Portable;

internal static unsafe class Interpreter
{
    /// <summary>Runs from a word on, until the activation is over or the guest leaves; ExitCode says which.</summary>
    /// <param name="pc">Where to start.</param>
    /// <param name="s">The frame.</param>
    /// <param name="context">The VM context of the frame's function.</param>
    /// <param name="record">The store's execution record.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(Word* pc, ulong* s, VmContext* context, ExecutionRecord* record)
    {
        Word* code;
        VmContext* callee;
        FunctionReference* reference;
        while (true)
        {
            switch (pc->Opcode)
            {
                case PortableOpcode.Jump:
                    pc = (Word*)((byte*)pc + pc->Low);
                    continue;
                case PortableOpcode.Switch:
                    pc = (Word*)((byte*)pc + ((int*)(pc + 1))[(long)Math.Min((uint)s[pc->A], (uint)pc->Imm - 1)]);
                    continue;
                case PortableOpcode.Trap:
                    goto trap;
                case PortableOpcode.Call:
                    code = (Word*)((byte*)pc + pc->Low);
                    callee = context;
                    reference = null;
                    goto call;
                case PortableOpcode.CallReference:
                    reference = (FunctionReference*)s[pc->C];
                    code = (Word*)reference->Code;
                    callee = reference->VmContext;
                    goto call;
                case PortableOpcode.CallBuiltin:
                    code = (Word*)((byte*)pc + pc->Low);
                    pc = InterpreterExits.CallBuiltin(pc, s, context, record, code);
                    if (pc == null)
                        return;
                    continue;
                case PortableOpcode.TailCall:
                    code = (Word*)((byte*)pc + pc->Low);
                    callee = context;
                    reference = null;
                    goto tailCall;
                case PortableOpcode.TailCallReference:
                    reference = (FunctionReference*)s[pc->C];
                    code = (Word*)reference->Code;
                    callee = reference->VmContext;
                    goto tailCall;
                case PortableOpcode.Return:
                    {
                        // The frame's end is found through the function's start: its linkage is there.
                        ulong* end = s + pc->B;
                        ulong* caller = end + PortableConvention.LinkageWords + pc->C;
                        Word* back = (Word*)end[0];
                        ushort* from = (ushort*)(pc + 1);
                        ushort* to = (ushort*)back;
                        context = (VmContext*)end[1];
                        if (pc->A == 1 && *from < PortableConvention.Flag)
                        {
                            caller[*to] = s[*from];
                            s = caller;
                            pc = back + 1;
                            continue;
                        }
                        pc = back + ((pc->A + 7) >> 3);
                        for (ushort* last = from + ((Word*)from)[-1].A; from < last; from++, to++)
                        {
                            if (*from < PortableConvention.Flag)
                                caller[*to] = s[*from];
                            else
                                *(UInt128*)(caller + *to) = *(UInt128*)(s + (*from & PortableConvention.LargestWord));
                        }
                        s = caller;
                        continue;
                    }
                case PortableOpcode.InterruptCheck:
                    if (context->InterruptRequested != 0)
                    {
                        InterpreterExits.LeaveFor(BuiltinId.Interrupt, pc + 1, s, context, record);
                        return;
                    }
                    pc++;
                    continue;
                case PortableOpcode.FuelCheck:
                    if ((((ExecutionRecord*)s[pc->A])->Fuel -= pc->Imm) < 0)
                    {
                        InterpreterExits.LeaveFor(BuiltinId.FuelExhausted, pc + 1, s, context, record);
                        return;
                    }
                    pc++;
                    continue;
                case PortableOpcode.FuelCharge:
                    if ((((ExecutionRecord*)s[pc->A])->Fuel -= (long)s[pc->B]) < 0)
                    {
                        InterpreterExits.LeaveFor(BuiltinId.FuelExhausted, pc + 1, s, context, record);
                        return;
                    }
                    pc++;
                    continue;
                case PortableOpcode.Allocate:
                    if (!InterpreterExits.TryAllocate(pc, s))
                    {
                        InterpreterExits.LeaveFor(BuiltinId.CollectGarbage, pc + 1, s, context, record);
                        return;
                    }
                    pc += 2;
                    continue;
                case PortableOpcode.ResumeCall:
                    pc = InterpreterExits.Finish(pc, s);
                    context = InterpreterExits.CallerContext(s);
                    s = InterpreterExits.CallerFrame(s);
                    continue;
                case PortableOpcode.ResumeCompile:
                    pc = InterpreterExits.CallToRepeat(s);
                    context = InterpreterExits.CallerContext(s);
                    s = InterpreterExits.CallerFrame(s);
                    continue;
                case PortableOpcode.ResumeCopy:
                case PortableOpcode.ResumeFill:
                    if (!InterpreterExits.TryContinueTransfer(pc, s, record))
                        return;
                    pc = InterpreterExits.Finish(pc, s);
                    context = InterpreterExits.CallerContext(s);
                    s = InterpreterExits.CallerFrame(s);
                    continue;
                case PortableOpcode.Landing:
                    pc = (Word*)ExitFrame.Values((ExitFrame*)s)[1];
                    context = ((ExitFrame*)s)->VmContext;
                    s += PortableMachineStubs.LandingFrameBytes / sizeof(ulong);
                    continue;
                case PortableOpcode.EntryReturn:
                    InterpreterExits.ReturnFromEntry(pc, s);
                    record->ExitCode = ExitCode.Returned;
                    return;
                case PortableOpcode.Add32:
                    s[pc->A] = (uint)s[pc->B] + (uint)s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.Add32K:
                    s[pc->A] = (uint)s[pc->B] + (uint)pc->Imm;
                    pc++;
                    continue;
                case PortableOpcode.Add64:
                    s[pc->A] = s[pc->B] + s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.Add64K:
                    s[pc->A] = s[pc->B] + (ulong)pc->Imm;
                    pc++;
                    continue;
                case PortableOpcode.Sub32:
                    s[pc->A] = (uint)s[pc->B] - (uint)s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.Sub32K:
                    s[pc->A] = (uint)s[pc->B] - (uint)pc->Imm;
                    pc++;
                    continue;
                case PortableOpcode.Sub64:
                    s[pc->A] = s[pc->B] - s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.Sub64K:
                    s[pc->A] = s[pc->B] - (ulong)pc->Imm;
                    pc++;
                    continue;
                case PortableOpcode.Mul32:
                    s[pc->A] = (uint)s[pc->B] * (uint)s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.Mul32K:
                    s[pc->A] = (uint)s[pc->B] * (uint)pc->Imm;
                    pc++;
                    continue;
                case PortableOpcode.Mul64:
                    s[pc->A] = s[pc->B] * s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.Mul64K:
                    s[pc->A] = s[pc->B] * (ulong)pc->Imm;
                    pc++;
                    continue;
                case PortableOpcode.And:
                    s[pc->A] = s[pc->B] & s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.AndK:
                    s[pc->A] = s[pc->B] & (ulong)pc->Imm;
                    pc++;
                    continue;
                case PortableOpcode.Or:
                    s[pc->A] = s[pc->B] | s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.OrK:
                    s[pc->A] = s[pc->B] | (ulong)pc->Imm;
                    pc++;
                    continue;
                case PortableOpcode.Xor:
                    s[pc->A] = s[pc->B] ^ s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.XorK:
                    s[pc->A] = s[pc->B] ^ (ulong)pc->Imm;
                    pc++;
                    continue;
                case PortableOpcode.ShiftLeft32:
                    s[pc->A] = ((uint)s[pc->B] << (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.ShiftLeft32K:
                    s[pc->A] = ((uint)s[pc->B] << (int)pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.ShiftLeft64:
                    s[pc->A] = ((ulong)s[pc->B] << (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.ShiftLeft64K:
                    s[pc->A] = ((ulong)s[pc->B] << (int)pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.ShiftRightSigned32:
                    s[pc->A] = (uint)((int)s[pc->B] >> (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.ShiftRightSigned32K:
                    s[pc->A] = (uint)((int)s[pc->B] >> (int)pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.ShiftRightSigned64:
                    s[pc->A] = (ulong)((long)s[pc->B] >> (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.ShiftRightSigned64K:
                    s[pc->A] = (ulong)((long)s[pc->B] >> (int)pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.ShiftRightUnsigned32:
                    s[pc->A] = ((uint)s[pc->B] >> (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.ShiftRightUnsigned32K:
                    s[pc->A] = ((uint)s[pc->B] >> (int)pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.ShiftRightUnsigned64:
                    s[pc->A] = ((ulong)s[pc->B] >> (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.ShiftRightUnsigned64K:
                    s[pc->A] = ((ulong)s[pc->B] >> (int)pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.RotateLeft32:
                    s[pc->A] = BitOperations.RotateLeft((uint)s[pc->B], (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.RotateLeft32K:
                    s[pc->A] = BitOperations.RotateLeft((uint)s[pc->B], (int)pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.RotateLeft64:
                    s[pc->A] = BitOperations.RotateLeft(s[pc->B], (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.RotateLeft64K:
                    s[pc->A] = BitOperations.RotateLeft(s[pc->B], (int)pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.RotateRight32:
                    s[pc->A] = BitOperations.RotateRight((uint)s[pc->B], (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.RotateRight32K:
                    s[pc->A] = BitOperations.RotateRight((uint)s[pc->B], (int)pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.RotateRight64:
                    s[pc->A] = BitOperations.RotateRight(s[pc->B], (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.RotateRight64K:
                    s[pc->A] = BitOperations.RotateRight(s[pc->B], (int)pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.DivSigned32:
                    if ((uint)s[pc->C] == 0)
                        goto trap;
                    if ((int)s[pc->C] == -1 && (int)s[pc->B] == int.MinValue)
                        goto trapSecond;
                    s[pc->A] = (uint)((int)s[pc->B] / (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.DivUnsigned32:
                    if ((uint)s[pc->C] == 0)
                        goto trap;
                    s[pc->A] = (uint)s[pc->B] / (uint)s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.RemSigned32:
                    if ((uint)s[pc->C] == 0)
                        goto trap;
                    s[pc->A] = (int)s[pc->C] == -1 ? 0 : (uint)((int)s[pc->B] % (int)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.RemUnsigned32:
                    if ((uint)s[pc->C] == 0)
                        goto trap;
                    s[pc->A] = (uint)s[pc->B] % (uint)s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.DivSigned64:
                    if (s[pc->C] == 0)
                        goto trap;
                    if ((long)s[pc->C] == -1 && (long)s[pc->B] == long.MinValue)
                        goto trapSecond;
                    s[pc->A] = (ulong)((long)s[pc->B] / (long)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.DivUnsigned64:
                    if (s[pc->C] == 0)
                        goto trap;
                    s[pc->A] = s[pc->B] / s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.RemSigned64:
                    if (s[pc->C] == 0)
                        goto trap;
                    s[pc->A] = (long)s[pc->C] == -1 ? 0 : (ulong)((long)s[pc->B] % (long)s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.RemUnsigned64:
                    if (s[pc->C] == 0)
                        goto trap;
                    s[pc->A] = s[pc->B] % s[pc->C];
                    pc++;
                    continue;
                case PortableOpcode.MulHighSigned32:
                    s[pc->A] = (uint)(((long)(int)s[pc->B] * (int)s[pc->C]) >> 32);
                    pc++;
                    continue;
                case PortableOpcode.MulHighUnsigned32:
                    s[pc->A] = ((ulong)(uint)s[pc->B] * (uint)s[pc->C]) >> 32;
                    pc++;
                    continue;
                case PortableOpcode.MulHighSigned64:
                    s[pc->A] = (ulong)Math.BigMul((long)s[pc->B], (long)s[pc->C], out _);
                    pc++;
                    continue;
                case PortableOpcode.MulHighUnsigned64:
                    s[pc->A] = Math.BigMul(s[pc->B], s[pc->C], out _);
                    pc++;
                    continue;
                case PortableOpcode.CountLeadingZeros32:
                    s[pc->A] = (uint)BitOperations.LeadingZeroCount((uint)s[pc->B]);
                    pc++;
                    continue;
                case PortableOpcode.CountTrailingZeros32:
                    s[pc->A] = (uint)BitOperations.TrailingZeroCount((uint)s[pc->B]);
                    pc++;
                    continue;
                case PortableOpcode.PopulationCount32:
                    s[pc->A] = (uint)BitOperations.PopCount((uint)s[pc->B]);
                    pc++;
                    continue;
                case PortableOpcode.CountLeadingZeros64:
                    s[pc->A] = (uint)BitOperations.LeadingZeroCount(s[pc->B]);
                    pc++;
                    continue;
                case PortableOpcode.CountTrailingZeros64:
                    s[pc->A] = (uint)BitOperations.TrailingZeroCount(s[pc->B]);
                    pc++;
                    continue;
                case PortableOpcode.PopulationCount64:
                    s[pc->A] = (uint)BitOperations.PopCount(s[pc->B]);
                    pc++;
                    continue;
                case PortableOpcode.SignExtend8To32:
                    s[pc->A] = (uint)(sbyte)s[pc->B];
                    pc++;
                    continue;
                case PortableOpcode.SignExtend16To32:
                    s[pc->A] = (uint)(short)s[pc->B];
                    pc++;
                    continue;
                case PortableOpcode.SignExtend8To64:
                    s[pc->A] = (ulong)(sbyte)s[pc->B];
                    pc++;
                    continue;
                case PortableOpcode.SignExtend16To64:
                    s[pc->A] = (ulong)(short)s[pc->B];
                    pc++;
                    continue;
                case PortableOpcode.SignExtend32To64:
                    s[pc->A] = (ulong)(int)s[pc->B];
                    pc++;
                    continue;
                case PortableOpcode.Wrap:
                    s[pc->A] = (uint)s[pc->B];
                    pc++;
                    continue;
                case PortableOpcode.Move:
                    s[pc->A] = s[pc->B];
                    pc++;
                    continue;
                case PortableOpcode.Move128:
                    *(UInt128*)(s + pc->A) = *(UInt128*)(s + pc->B);
                    pc++;
                    continue;
                case PortableOpcode.Swap:
                    (s[pc->A], s[pc->B]) = (s[pc->B], s[pc->A]);
                    pc++;
                    continue;
                case PortableOpcode.SetEqual:
                    s[pc->A] = s[pc->B] == s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetEqualK:
                    s[pc->A] = s[pc->B] == (ulong)pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotEqual:
                    s[pc->A] = s[pc->B] != s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotEqualK:
                    s[pc->A] = s[pc->B] != (ulong)pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessSigned:
                    s[pc->A] = (long)s[pc->B] < (long)s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessSignedK:
                    s[pc->A] = (long)s[pc->B] < pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterEqualSigned:
                    s[pc->A] = (long)s[pc->B] >= (long)s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterEqualSignedK:
                    s[pc->A] = (long)s[pc->B] >= pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessEqualSigned:
                    s[pc->A] = (long)s[pc->B] <= (long)s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessEqualSignedK:
                    s[pc->A] = (long)s[pc->B] <= pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterSigned:
                    s[pc->A] = (long)s[pc->B] > (long)s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterSignedK:
                    s[pc->A] = (long)s[pc->B] > pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessUnsigned:
                    s[pc->A] = s[pc->B] < s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessUnsignedK:
                    s[pc->A] = s[pc->B] < (ulong)pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterEqualUnsigned:
                    s[pc->A] = s[pc->B] >= s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterEqualUnsignedK:
                    s[pc->A] = s[pc->B] >= (ulong)pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessEqualUnsigned:
                    s[pc->A] = s[pc->B] <= s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessEqualUnsignedK:
                    s[pc->A] = s[pc->B] <= (ulong)pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterUnsigned:
                    s[pc->A] = s[pc->B] > s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterUnsignedK:
                    s[pc->A] = s[pc->B] > (ulong)pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessSigned32:
                    s[pc->A] = (int)s[pc->B] < (int)s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessSigned32K:
                    s[pc->A] = (int)s[pc->B] < (int)pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterEqualSigned32:
                    s[pc->A] = (int)s[pc->B] >= (int)s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterEqualSigned32K:
                    s[pc->A] = (int)s[pc->B] >= (int)pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessEqualSigned32:
                    s[pc->A] = (int)s[pc->B] <= (int)s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessEqualSigned32K:
                    s[pc->A] = (int)s[pc->B] <= (int)pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterSigned32:
                    s[pc->A] = (int)s[pc->B] > (int)s[pc->C] ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterSigned32K:
                    s[pc->A] = (int)s[pc->B] > (int)pc->Imm ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.BranchNonZero:
                    pc = (uint)s[pc->A] != 0 ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchZero:
                    pc = (uint)s[pc->A] == 0 ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchEqual:
                    pc = s[pc->A] == s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchEqualK:
                    pc = s[pc->A] == (ulong)pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchNotEqual:
                    pc = s[pc->A] != s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchNotEqualK:
                    pc = s[pc->A] != (ulong)pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessSigned:
                    pc = (long)s[pc->A] < (long)s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessSignedK:
                    pc = (long)s[pc->A] < pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterEqualSigned:
                    pc = (long)s[pc->A] >= (long)s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterEqualSignedK:
                    pc = (long)s[pc->A] >= pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessEqualSigned:
                    pc = (long)s[pc->A] <= (long)s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessEqualSignedK:
                    pc = (long)s[pc->A] <= pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterSigned:
                    pc = (long)s[pc->A] > (long)s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterSignedK:
                    pc = (long)s[pc->A] > pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessUnsigned:
                    pc = s[pc->A] < s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessUnsignedK:
                    pc = s[pc->A] < (ulong)pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterEqualUnsigned:
                    pc = s[pc->A] >= s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterEqualUnsignedK:
                    pc = s[pc->A] >= (ulong)pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessEqualUnsigned:
                    pc = s[pc->A] <= s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessEqualUnsignedK:
                    pc = s[pc->A] <= (ulong)pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterUnsigned:
                    pc = s[pc->A] > s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterUnsignedK:
                    pc = s[pc->A] > (ulong)pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessSigned32:
                    pc = (int)s[pc->A] < (int)s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessSigned32K:
                    pc = (int)s[pc->A] < pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterEqualSigned32:
                    pc = (int)s[pc->A] >= (int)s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterEqualSigned32K:
                    pc = (int)s[pc->A] >= pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessEqualSigned32:
                    pc = (int)s[pc->A] <= (int)s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchLessEqualSigned32K:
                    pc = (int)s[pc->A] <= pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterSigned32:
                    pc = (int)s[pc->A] > (int)s[pc->B] ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.BranchGreaterSigned32K:
                    pc = (int)s[pc->A] > pc->High ? (Word*)((byte*)pc + pc->Low) : pc + 1;
                    continue;
                case PortableOpcode.AddF32:
                    SetF32(s, pc->A, *(float*)(s + pc->B) + *(float*)(s + pc->C));
                    pc++;
                    continue;
                case PortableOpcode.SubF32:
                    SetF32(s, pc->A, *(float*)(s + pc->B) - *(float*)(s + pc->C));
                    pc++;
                    continue;
                case PortableOpcode.MulF32:
                    SetF32(s, pc->A, *(float*)(s + pc->B) * *(float*)(s + pc->C));
                    pc++;
                    continue;
                case PortableOpcode.DivF32:
                    SetF32(s, pc->A, *(float*)(s + pc->B) / *(float*)(s + pc->C));
                    pc++;
                    continue;
                case PortableOpcode.MinF32:
                    SetF32(s, pc->A, FloatOperations.Min(*(float*)(s + pc->B), *(float*)(s + pc->C)));
                    pc++;
                    continue;
                case PortableOpcode.MaxF32:
                    SetF32(s, pc->A, FloatOperations.Max(*(float*)(s + pc->B), *(float*)(s + pc->C)));
                    pc++;
                    continue;
                case PortableOpcode.CopySignF32:
                    s[pc->A] = ((uint)s[pc->B] & 0x7FFF_FFFF) | ((uint)s[pc->C] & 0x8000_0000);
                    pc++;
                    continue;
                case PortableOpcode.AbsF32:
                    s[pc->A] = (uint)s[pc->B] & 0x7FFF_FFFF;
                    pc++;
                    continue;
                case PortableOpcode.NegF32:
                    s[pc->A] = (uint)s[pc->B] ^ 0x8000_0000;
                    pc++;
                    continue;
                case PortableOpcode.SqrtF32:
                    SetF32(s, pc->A, MathF.Sqrt(*(float*)(s + pc->B)));
                    pc++;
                    continue;
                case PortableOpcode.CeilF32:
                    SetF32(s, pc->A, FloatOperations.Ceiling(*(float*)(s + pc->B)));
                    pc++;
                    continue;
                case PortableOpcode.FloorF32:
                    SetF32(s, pc->A, FloatOperations.Floor(*(float*)(s + pc->B)));
                    pc++;
                    continue;
                case PortableOpcode.TruncF32:
                    SetF32(s, pc->A, FloatOperations.Truncate(*(float*)(s + pc->B)));
                    pc++;
                    continue;
                case PortableOpcode.NearestF32:
                    SetF32(s, pc->A, FloatOperations.Nearest(*(float*)(s + pc->B)));
                    pc++;
                    continue;
                case PortableOpcode.AddF64:
                    SetF64(s, pc->A, *(double*)(s + pc->B) + *(double*)(s + pc->C));
                    pc++;
                    continue;
                case PortableOpcode.SubF64:
                    SetF64(s, pc->A, *(double*)(s + pc->B) - *(double*)(s + pc->C));
                    pc++;
                    continue;
                case PortableOpcode.MulF64:
                    SetF64(s, pc->A, *(double*)(s + pc->B) * *(double*)(s + pc->C));
                    pc++;
                    continue;
                case PortableOpcode.DivF64:
                    SetF64(s, pc->A, *(double*)(s + pc->B) / *(double*)(s + pc->C));
                    pc++;
                    continue;
                case PortableOpcode.MinF64:
                    SetF64(s, pc->A, FloatOperations.Min(*(double*)(s + pc->B), *(double*)(s + pc->C)));
                    pc++;
                    continue;
                case PortableOpcode.MaxF64:
                    SetF64(s, pc->A, FloatOperations.Max(*(double*)(s + pc->B), *(double*)(s + pc->C)));
                    pc++;
                    continue;
                case PortableOpcode.CopySignF64:
                    s[pc->A] = (s[pc->B] & ~(1UL << 63)) | (s[pc->C] & (1UL << 63));
                    pc++;
                    continue;
                case PortableOpcode.AbsF64:
                    s[pc->A] = s[pc->B] & ~(1UL << 63);
                    pc++;
                    continue;
                case PortableOpcode.NegF64:
                    s[pc->A] = s[pc->B] ^ (1UL << 63);
                    pc++;
                    continue;
                case PortableOpcode.SqrtF64:
                    SetF64(s, pc->A, Math.Sqrt(*(double*)(s + pc->B)));
                    pc++;
                    continue;
                case PortableOpcode.CeilF64:
                    SetF64(s, pc->A, FloatOperations.Ceiling(*(double*)(s + pc->B)));
                    pc++;
                    continue;
                case PortableOpcode.FloorF64:
                    SetF64(s, pc->A, FloatOperations.Floor(*(double*)(s + pc->B)));
                    pc++;
                    continue;
                case PortableOpcode.TruncF64:
                    SetF64(s, pc->A, FloatOperations.Truncate(*(double*)(s + pc->B)));
                    pc++;
                    continue;
                case PortableOpcode.NearestF64:
                    SetF64(s, pc->A, FloatOperations.Nearest(*(double*)(s + pc->B)));
                    pc++;
                    continue;
                case PortableOpcode.Demote:
                    SetF32(s, pc->A, (float)*(double*)(s + pc->B));
                    pc++;
                    continue;
                case PortableOpcode.Promote:
                    SetF64(s, pc->A, *(float*)(s + pc->B));
                    pc++;
                    continue;
                case PortableOpcode.SetEqualF32:
                    s[pc->A] = *(float*)(s + pc->B) == *(float*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotEqualF32:
                    s[pc->A] = *(float*)(s + pc->B) != *(float*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessF32:
                    s[pc->A] = *(float*)(s + pc->B) < *(float*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotLessF32:
                    s[pc->A] = *(float*)(s + pc->B) < *(float*)(s + pc->C) ? 0u : 1;
                    pc++;
                    continue;
                case PortableOpcode.SetLessEqualF32:
                    s[pc->A] = *(float*)(s + pc->B) <= *(float*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotLessEqualF32:
                    s[pc->A] = *(float*)(s + pc->B) <= *(float*)(s + pc->C) ? 0u : 1;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterF32:
                    s[pc->A] = *(float*)(s + pc->B) > *(float*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotGreaterF32:
                    s[pc->A] = *(float*)(s + pc->B) > *(float*)(s + pc->C) ? 0u : 1;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterEqualF32:
                    s[pc->A] = *(float*)(s + pc->B) >= *(float*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotGreaterEqualF32:
                    s[pc->A] = *(float*)(s + pc->B) >= *(float*)(s + pc->C) ? 0u : 1;
                    pc++;
                    continue;
                case PortableOpcode.SetEqualF64:
                    s[pc->A] = *(double*)(s + pc->B) == *(double*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotEqualF64:
                    s[pc->A] = *(double*)(s + pc->B) != *(double*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetLessF64:
                    s[pc->A] = *(double*)(s + pc->B) < *(double*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotLessF64:
                    s[pc->A] = *(double*)(s + pc->B) < *(double*)(s + pc->C) ? 0u : 1;
                    pc++;
                    continue;
                case PortableOpcode.SetLessEqualF64:
                    s[pc->A] = *(double*)(s + pc->B) <= *(double*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotLessEqualF64:
                    s[pc->A] = *(double*)(s + pc->B) <= *(double*)(s + pc->C) ? 0u : 1;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterF64:
                    s[pc->A] = *(double*)(s + pc->B) > *(double*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotGreaterF64:
                    s[pc->A] = *(double*)(s + pc->B) > *(double*)(s + pc->C) ? 0u : 1;
                    pc++;
                    continue;
                case PortableOpcode.SetGreaterEqualF64:
                    s[pc->A] = *(double*)(s + pc->B) >= *(double*)(s + pc->C) ? 1u : 0;
                    pc++;
                    continue;
                case PortableOpcode.SetNotGreaterEqualF64:
                    s[pc->A] = *(double*)(s + pc->B) >= *(double*)(s + pc->C) ? 0u : 1;
                    pc++;
                    continue;
                case PortableOpcode.TruncateF32ToSigned32:
                    if (float.IsNaN(*(float*)(s + pc->B)))
                        goto trap;
                    if (!(*(float*)(s + pc->B) > -2147483904f && *(float*)(s + pc->B) < 2147483648f))
                        goto trapSecond;
                    s[pc->A] = (uint)(int)*(float*)(s + pc->B);
                    pc++;
                    continue;
                case PortableOpcode.TruncateF32ToSigned64:
                    if (float.IsNaN(*(float*)(s + pc->B)))
                        goto trap;
                    if (!(*(float*)(s + pc->B) > -9223373136366403584f && *(float*)(s + pc->B) < 9223372036854775808f))
                        goto trapSecond;
                    s[pc->A] = (ulong)(long)*(float*)(s + pc->B);
                    pc++;
                    continue;
                case PortableOpcode.TruncateF32ToUnsigned32:
                    if (float.IsNaN(*(float*)(s + pc->B)))
                        goto trap;
                    if (!(*(float*)(s + pc->B) > -1f && *(float*)(s + pc->B) < 4294967296f))
                        goto trapSecond;
                    s[pc->A] = (uint)*(float*)(s + pc->B);
                    pc++;
                    continue;
                case PortableOpcode.TruncateF32ToUnsigned64:
                    if (float.IsNaN(*(float*)(s + pc->B)))
                        goto trap;
                    if (!(*(float*)(s + pc->B) > -1f && *(float*)(s + pc->B) < 18446744073709551616f))
                        goto trapSecond;
                    s[pc->A] = (ulong)*(float*)(s + pc->B);
                    pc++;
                    continue;
                case PortableOpcode.TruncateF64ToSigned32:
                    if (double.IsNaN(*(double*)(s + pc->B)))
                        goto trap;
                    if (!(*(double*)(s + pc->B) > -2147483649d && *(double*)(s + pc->B) < 2147483648d))
                        goto trapSecond;
                    s[pc->A] = (uint)(int)*(double*)(s + pc->B);
                    pc++;
                    continue;
                case PortableOpcode.TruncateF64ToSigned64:
                    if (double.IsNaN(*(double*)(s + pc->B)))
                        goto trap;
                    if (!(*(double*)(s + pc->B) > -9223372036854777856d && *(double*)(s + pc->B) < 9223372036854775808d))
                        goto trapSecond;
                    s[pc->A] = (ulong)(long)*(double*)(s + pc->B);
                    pc++;
                    continue;
                case PortableOpcode.TruncateF64ToUnsigned32:
                    if (double.IsNaN(*(double*)(s + pc->B)))
                        goto trap;
                    if (!(*(double*)(s + pc->B) > -1d && *(double*)(s + pc->B) < 4294967296d))
                        goto trapSecond;
                    s[pc->A] = (uint)*(double*)(s + pc->B);
                    pc++;
                    continue;
                case PortableOpcode.TruncateF64ToUnsigned64:
                    if (double.IsNaN(*(double*)(s + pc->B)))
                        goto trap;
                    if (!(*(double*)(s + pc->B) > -1d && *(double*)(s + pc->B) < 18446744073709551616d))
                        goto trapSecond;
                    s[pc->A] = (ulong)*(double*)(s + pc->B);
                    pc++;
                    continue;
                case PortableOpcode.SaturateF32ToSigned32:
                    s[pc->A] = (uint)FloatOperations.ToSigned32(*(float*)(s + pc->B));
                    pc++;
                    continue;
                case PortableOpcode.SaturateF32ToSigned64:
                    s[pc->A] = (ulong)FloatOperations.ToSigned64(*(float*)(s + pc->B));
                    pc++;
                    continue;
                case PortableOpcode.SaturateF32ToUnsigned32:
                    s[pc->A] = FloatOperations.ToUnsigned32(*(float*)(s + pc->B));
                    pc++;
                    continue;
                case PortableOpcode.SaturateF32ToUnsigned64:
                    s[pc->A] = FloatOperations.ToUnsigned64(*(float*)(s + pc->B));
                    pc++;
                    continue;
                case PortableOpcode.SaturateF64ToSigned32:
                    s[pc->A] = (uint)FloatOperations.ToSigned32(*(double*)(s + pc->B));
                    pc++;
                    continue;
                case PortableOpcode.SaturateF64ToSigned64:
                    s[pc->A] = (ulong)FloatOperations.ToSigned64(*(double*)(s + pc->B));
                    pc++;
                    continue;
                case PortableOpcode.SaturateF64ToUnsigned32:
                    s[pc->A] = FloatOperations.ToUnsigned32(*(double*)(s + pc->B));
                    pc++;
                    continue;
                case PortableOpcode.SaturateF64ToUnsigned64:
                    s[pc->A] = FloatOperations.ToUnsigned64(*(double*)(s + pc->B));
                    pc++;
                    continue;
                case PortableOpcode.ConvertSigned32ToF32:
                    SetF32(s, pc->A, FloatOperations.ToF32((int)s[pc->B]));
                    pc++;
                    continue;
                case PortableOpcode.ConvertSigned64ToF32:
                    SetF32(s, pc->A, FloatOperations.ToF32((long)s[pc->B]));
                    pc++;
                    continue;
                case PortableOpcode.ConvertUnsigned32ToF32:
                    SetF32(s, pc->A, FloatOperations.ToF32((uint)s[pc->B]));
                    pc++;
                    continue;
                case PortableOpcode.ConvertUnsigned64ToF32:
                    SetF32(s, pc->A, FloatOperations.ToF32((ulong)s[pc->B]));
                    pc++;
                    continue;
                case PortableOpcode.ConvertSigned32ToF64:
                    SetF64(s, pc->A, FloatOperations.ToF64((int)s[pc->B]));
                    pc++;
                    continue;
                case PortableOpcode.ConvertSigned64ToF64:
                    SetF64(s, pc->A, FloatOperations.ToF64((long)s[pc->B]));
                    pc++;
                    continue;
                case PortableOpcode.ConvertUnsigned32ToF64:
                    SetF64(s, pc->A, FloatOperations.ToF64((uint)s[pc->B]));
                    pc++;
                    continue;
                case PortableOpcode.ConvertUnsigned64ToF64:
                    SetF64(s, pc->A, FloatOperations.ToF64((ulong)s[pc->B]));
                    pc++;
                    continue;
                case PortableOpcode.Select:
                    s[pc->A] = (uint)s[pc->B] != 0 ? s[pc->C] : s[pc->Fourth];
                    pc++;
                    continue;
                case PortableOpcode.Select128:
                    *(UInt128*)(s + pc->A) = *(UInt128*)(s + ((uint)s[pc->B] != 0 ? pc->C : pc->Fourth));
                    pc++;
                    continue;
                case PortableOpcode.LoadU8:
                    s[pc->A] = *(byte*)((byte*)s[pc->B] + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadU8X:
                    s[pc->A] = *(byte*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadU8C:
                    s[pc->A] = *(byte*)((byte*)context + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS8To32:
                    s[pc->A] = (uint)*(sbyte*)((byte*)s[pc->B] + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS8To32X:
                    s[pc->A] = (uint)*(sbyte*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS8To32C:
                    s[pc->A] = (uint)*(sbyte*)((byte*)context + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS8To64:
                    s[pc->A] = (ulong)*(sbyte*)((byte*)s[pc->B] + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS8To64X:
                    s[pc->A] = (ulong)*(sbyte*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS8To64C:
                    s[pc->A] = (ulong)*(sbyte*)((byte*)context + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadU16:
                    s[pc->A] = *(ushort*)((byte*)s[pc->B] + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadU16X:
                    s[pc->A] = *(ushort*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadU16C:
                    s[pc->A] = *(ushort*)((byte*)context + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS16To32:
                    s[pc->A] = (uint)*(short*)((byte*)s[pc->B] + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS16To32X:
                    s[pc->A] = (uint)*(short*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS16To32C:
                    s[pc->A] = (uint)*(short*)((byte*)context + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS16To64:
                    s[pc->A] = (ulong)*(short*)((byte*)s[pc->B] + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS16To64X:
                    s[pc->A] = (ulong)*(short*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS16To64C:
                    s[pc->A] = (ulong)*(short*)((byte*)context + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadU32:
                    s[pc->A] = *(uint*)((byte*)s[pc->B] + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadU32X:
                    s[pc->A] = *(uint*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadU32C:
                    s[pc->A] = *(uint*)((byte*)context + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS32To64:
                    s[pc->A] = (ulong)*(int*)((byte*)s[pc->B] + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS32To64X:
                    s[pc->A] = (ulong)*(int*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadS32To64C:
                    s[pc->A] = (ulong)*(int*)((byte*)context + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadU64:
                    s[pc->A] = *(ulong*)((byte*)s[pc->B] + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadU64X:
                    s[pc->A] = *(ulong*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadU64C:
                    s[pc->A] = *(ulong*)((byte*)context + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadV128:
                    *(UInt128*)(s + pc->A) = *(UInt128*)((byte*)s[pc->B] + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadV128X:
                    *(UInt128*)(s + pc->A) = *(UInt128*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadV128C:
                    *(UInt128*)(s + pc->A) = *(UInt128*)((byte*)context + pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.LoadV32:
                    s[pc->A] = *(uint*)((byte*)s[pc->B] + pc->Imm);
                    s[pc->A + 1] = 0;
                    pc++;
                    continue;
                case PortableOpcode.LoadV32X:
                    s[pc->A] = *(uint*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    s[pc->A + 1] = 0;
                    pc++;
                    continue;
                case PortableOpcode.LoadV32C:
                    s[pc->A] = *(uint*)((byte*)context + pc->Imm);
                    s[pc->A + 1] = 0;
                    pc++;
                    continue;
                case PortableOpcode.LoadV64:
                    s[pc->A] = *(ulong*)((byte*)s[pc->B] + pc->Imm);
                    s[pc->A + 1] = 0;
                    pc++;
                    continue;
                case PortableOpcode.LoadV64X:
                    s[pc->A] = *(ulong*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm);
                    s[pc->A + 1] = 0;
                    pc++;
                    continue;
                case PortableOpcode.LoadV64C:
                    s[pc->A] = *(ulong*)((byte*)context + pc->Imm);
                    s[pc->A + 1] = 0;
                    pc++;
                    continue;
                case PortableOpcode.Store8:
                    *(byte*)((byte*)s[pc->B] + pc->Imm) = (byte)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store8X:
                    *(byte*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm) = (byte)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store8C:
                    *(byte*)((byte*)context + pc->Imm) = (byte)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store16:
                    *(ushort*)((byte*)s[pc->B] + pc->Imm) = (ushort)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store16X:
                    *(ushort*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm) = (ushort)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store16C:
                    *(ushort*)((byte*)context + pc->Imm) = (ushort)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store32:
                    *(uint*)((byte*)s[pc->B] + pc->Imm) = (uint)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store32X:
                    *(uint*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm) = (uint)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store32C:
                    *(uint*)((byte*)context + pc->Imm) = (uint)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store64:
                    *(ulong*)((byte*)s[pc->B] + pc->Imm) = s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store64X:
                    *(ulong*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm) = s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store64C:
                    *(ulong*)((byte*)context + pc->Imm) = s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store128:
                    *(UInt128*)((byte*)s[pc->B] + pc->Imm) = *(UInt128*)(s + pc->A);
                    pc++;
                    continue;
                case PortableOpcode.Store128X:
                    *(UInt128*)((byte*)(s[pc->B] + s[pc->C]) + pc->Imm) = *(UInt128*)(s + pc->A);
                    pc++;
                    continue;
                case PortableOpcode.Store128C:
                    *(UInt128*)((byte*)context + pc->Imm) = *(UInt128*)(s + pc->A);
                    pc++;
                    continue;
                case PortableOpcode.LoadU8Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    s[pc->A] = *(byte*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low);
                    pc++;
                    continue;
                case PortableOpcode.LoadS8To32Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    s[pc->A] = (uint)*(sbyte*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low);
                    pc++;
                    continue;
                case PortableOpcode.LoadS8To64Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    s[pc->A] = (ulong)*(sbyte*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low);
                    pc++;
                    continue;
                case PortableOpcode.LoadU16Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    s[pc->A] = *(ushort*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low);
                    pc++;
                    continue;
                case PortableOpcode.LoadS16To32Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    s[pc->A] = (uint)*(short*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low);
                    pc++;
                    continue;
                case PortableOpcode.LoadS16To64Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    s[pc->A] = (ulong)*(short*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low);
                    pc++;
                    continue;
                case PortableOpcode.LoadU32Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    s[pc->A] = *(uint*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low);
                    pc++;
                    continue;
                case PortableOpcode.LoadS32To64Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    s[pc->A] = (ulong)*(int*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low);
                    pc++;
                    continue;
                case PortableOpcode.LoadU64Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    s[pc->A] = *(ulong*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low);
                    pc++;
                    continue;
                case PortableOpcode.Store8Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    *(byte*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low) = (byte)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store16Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    *(ushort*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low) = (ushort)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store32Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    *(uint*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low) = (uint)s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Store64Checked:
                    if (s[pc->C] > s[pc->Fourth] || s[pc->Fourth] - s[pc->C] < (ulong)(pc->High & 0xFFFF))
                        goto trap;
                    *(ulong*)((byte*)(s[pc->B] + s[pc->C]) + pc->Low) = s[pc->A];
                    pc++;
                    continue;
                case PortableOpcode.Move2:
                    s[pc->A] = s[pc->B];
                    s[pc->C] = s[pc->Fourth];
                    pc++;
                    continue;
                case PortableOpcode.MoveJump:
                    s[pc->A] = s[pc->B];
                    pc = (Word*)((byte*)pc + pc->Low);
                    continue;
                case PortableOpcode.Move2Jump:
                    s[pc->A] = s[pc->B];
                    s[pc->C] = s[pc->Fourth];
                    pc = (Word*)((byte*)pc + pc->Low);
                    continue;
                case PortableOpcode.LoadConstant:
                    s[pc->A] = (ulong)pc->Imm;
                    pc++;
                    continue;
                case PortableOpcode.LoadConstant128:
                    s[pc->A] = (ulong)pc->Imm;
                    s[pc->A + 1] = (ulong)pc[1].Imm;
                    pc++;
                    pc++;
                    continue;
                case PortableOpcode.LoadContext:
                    s[pc->A] = (ulong)context;
                    pc++;
                    continue;
                case PortableOpcode.LoadTypeId:
                    s[pc->A] = (uint)pc->Imm;
                    pc++;
                    continue;
                case PortableOpcode.BoundsCheck:
                    if (s[pc->A] > s[pc->B] || s[pc->B] - s[pc->A] < (ulong)pc->Imm)
                        goto trap;
                    pc++;
                    continue;
                case PortableOpcode.TrapIf:
                    if ((uint)s[pc->A] != 0)
                        goto trap;
                    pc++;
                    continue;
                case PortableOpcode.TrapIfNot:
                    if ((uint)s[pc->A] == 0)
                        goto trap;
                    pc++;
                    continue;
                case PortableOpcode.NullCheck:
                    if (s[pc->A] + (ulong)pc->Imm < ObjectLayout.NullZone)
                        goto trap;
                    pc++;
                    continue;
                case PortableOpcode.AtomicLoad:
                    s[pc->A] = AtomicOperations.Load((byte*)s[pc->B] + (uint)pc->Low, pc->High);
                    pc++;
                    continue;
                case PortableOpcode.AtomicStore:
                    AtomicOperations.Store((byte*)s[pc->B] + (uint)pc->Low, pc->High, s[pc->A]);
                    pc++;
                    continue;
                case PortableOpcode.AtomicReadModifyWrite:
                    s[pc->A] = AtomicOperations.ReadModifyWrite((byte*)s[pc->B] + (uint)pc->Low, pc->High, s[pc->C]);
                    pc++;
                    continue;
                case PortableOpcode.AtomicCompareExchange:
                    s[pc->A] = AtomicOperations.CompareExchange((byte*)s[pc->B] + (uint)pc->Low, pc->High & 0xFFFF, s[pc->C], s[pc->Fourth]);
                    pc++;
                    continue;
                case PortableOpcode.AtomicFence:
                    Interlocked.MemoryBarrier();
                    pc++;
                    continue;
                case PortableOpcode.ElementOffset:
                    s[pc->A] = (uint)s[pc->B] + ((uint)s[pc->C] << (int)pc->Imm);
                    pc++;
                    continue;
                case PortableOpcode.WriteBarrier:
                    if ((uint)s[pc->B] >= ObjectLayout.NurseryEnd)
                        ((byte*)s[pc->A])[(long)(((uint)s[pc->B] + (uint)pc->Imm) >> ObjectLayout.CardShift) - ObjectLayout.CardTableBytes] = 1;
                    pc++;
                    continue;
                case PortableOpcode.Vector:
                    pc = VectorInterpreter.Execute(pc, s);
                    continue;
                default:
                    throw new InvalidOperationException($"register code has the word {(ushort)pc->Opcode}, which is none");
            }

        call:
            if (code->Opcode == PortableOpcode.Enter)
            {
                ulong* end = s - pc->B - PortableConvention.LinkageWords;
                ulong* frame = end - code->A;
                if ((nint)frame < callee->StackLimit)
                {
                    InterpreterExits.OverflowInCall(code, pc, end, context, callee, record);
                    return;
                }
                int count = pc->A;
                ushort* list = (ushort*)(pc + 1);
                for (ushort* last = list + (2 * count); list < last; list += 2)
                {
                    if ((list[0] | list[1]) < PortableConvention.Flag)
                        frame[list[1]] = s[list[0]];
                    else
                        InterpreterExits.PassArgument(list[0], list[1], s, frame, end);
                }
                end[0] = (ulong)(pc + 1 + ((count + 3) >> 2));
                end[1] = (ulong)context;
                s = frame;
                context = callee;
                pc = code + 1;
                continue;
            }
            if (code->Opcode == PortableOpcode.LazyJump)
            {
                code = (Word*)Volatile.Read(ref *(nint*)code->Imm);
                goto call;
            }
            if (code->Opcode == PortableOpcode.HostCall)
            {
                pc = InterpreterExits.CallHost(pc, s, context, record, code, reference);
                if (pc == null)
                    return;
                continue;
            }
            InterpreterExits.LeaveToCompile(code, pc, s, context, callee, record);
            return;

        tailCall:
            if (code->Opcode == PortableOpcode.LazyJump)
            {
                code = (Word*)Volatile.Read(ref *(nint*)code->Imm);
                goto tailCall;
            }
            if (code->Opcode is PortableOpcode.Enter or PortableOpcode.HostCall)
            {
                s = InterpreterExits.TailCall(pc, s, callee, record, code, reference);
                if (s == null)
                    return;
                if (code->Opcode == PortableOpcode.HostCall)
                {
                    // A call of the host in the place of this function: its words say what comes next.
                    pc = (Word*)s[0];
                    context = (VmContext*)s[1];
                    s = (ulong*)s[2];
                    continue;
                }
                context = callee;
                pc = code + 1;
                continue;
            }
            InterpreterExits.LeaveToCompile(code, pc, s, context, callee, record);
            return;

        trapSecond:
            record->TrapProgramCounter = (nint)(pc + 1) + 1;
            goto leave;
        trap:
            record->TrapProgramCounter = (nint)(pc + 1);
        leave:
            record->GuestStackPointer = (nint)s;
            record->ExitVmContext = context;
            record->ExitCode = ExitCode.Trap;
            return;
        }
    }

    private static void SetF32(ulong* s, int word, float value) => s[word] = BitConverter.SingleToUInt32Bits(value);

    private static void SetF64(ulong* s, int word, double value) => s[word] = BitConverter.DoubleToUInt64Bits(value);
}
