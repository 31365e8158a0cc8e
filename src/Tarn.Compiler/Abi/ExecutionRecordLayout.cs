// Why: the state that guest code, stubs, the signal handler and the managed driver hand to one another; one record for each store,
// since a store has one guest stack. Invariant: whoever switches stacks writes HostStackPointer or GuestStackPointer first; a stale
// one means running on a frame that is gone. The struct in Tarn/Execution is compared with these offsets at start-up.
//
//   0x00  HostStackPointer        u64   stack pointer of the thread's own stack, valid only while guest code runs
//   0x08  GuestStackPointer       u64   where the next activation starts: stack top, or the exit frame of the suspended one
//   0x10  ExitCode                u32   ExitCode; 0 = returned. The managed driver sets it back to 0
//   0x14  ExitArgument            u32   BuiltinId of a builtin's exit, HostCallStatus of a host call's
//   0x18  ExitVmContext           u64   VM context at the exit
//   0x20  TrapProgramCounter      u64   return address of the trap's call, or PC of the faulting instruction
//   0x28  FaultAddress            u64   address that faulted
//   0x30  Fuel                    i64   counts down; below zero is exhausted
//   0x38  HostHandle              u64   handle of the managed object that serves host calls
//   0x40  StackLow                u64   lowest usable address of the guest stack, above the guard page
//   0x48  StackHigh               u64   end of the guest stack
//   0x50  FaultSignal             u32   signal number of the fault
//   0x54  StopRequested           u32   not zero: host calls take the general way, where somebody looks whether the guest has to stop. Any thread
//   0x58  Owner                   u64   opaque to code: the runtime's own
//   0x60  HeapTop                 u64   offset in the heap where the next object goes
//   0x68  HeapLimit               u64   offset that no object of the nursery may reach over
//   0x70  HeapRequest             u64   bytes that there was no room for
//   0x78  Functions               u64   address of the store's table of functions that objects name: 8 bytes each, the first is null
//   0x80  FunctionCount           u64   entries of that table
//   0x88  room up to 256 bytes
namespace Tarn.Compiler.Abi;

internal static class ExecutionRecordLayout
{
    public const int HostStackPointer = 0x00;
    public const int GuestStackPointer = 0x08;
    public const int ExitCode = 0x10;
    public const int ExitArgument = 0x14;
    public const int ExitVmContext = 0x18;
    public const int TrapProgramCounter = 0x20;
    public const int FaultAddress = 0x28;
    public const int Fuel = 0x30;
    public const int HostHandle = 0x38;
    public const int StackLow = 0x40;
    public const int StackHigh = 0x48;
    public const int FaultSignal = 0x50;
    public const int StopRequested = 0x54;
    public const int Owner = 0x58;
    public const int HeapTop = 0x60;
    public const int HeapLimit = 0x68;
    public const int HeapRequest = 0x70;
    public const int Functions = 0x78;
    public const int FunctionCount = 0x80;

    public const int Size = 0x100;
}
