// Why: finds the handler of an exception and prepares the guest to continue there. Walks the guest's frames by the tables that the compiler made, from the exit frame in which the guest
// has left, up to the bottom of the running activation; frames of activations further out are looked at when the exception arrives there by way of the host.
//
// What a mistake could do: a wrong stack pointer or landing would run guest code in another function's frame, a wrong VM context would run it in another instance. So
//  - the walk reads within the store's guest stack only, goes strictly upward, and ends at the first address that the tables do not know as a return address;
//  - where to land, the stack pointer and the registers are from tables that guests cannot write and from frames that guests cannot address; the guest has no part in them but which
//    of its own calls throws;
//  - the VM context of a frame is the one that its function keeps in it, or that of the frame below, whose call was within the instance; it must lead to an instance of this store;
//  - the payload is copied only for a clause with a tag: the tag's own type says how many values there are, and the context of a module that has the tag has room for them;
//  - nothing is written before a handler is found, and the only thing that can fail after that, a reference too many, fails before as well.
using Tarn.Compiler.Abi;
using Tarn.Execution;
using Tarn.Platform;

namespace Tarn.Stores;

internal static unsafe class Unwinder
{
    /// <summary>Looks for a handler in the activation that has just left. If there is one, GuestStackPointer is the frame by which it is resumed.</summary>
    /// <param name="store">The store.</param>
    /// <param name="thrown">The exception.</param>
    /// <param name="payload">Its values; may lie in a VM context.</param>
    /// <returns>Whether there is a handler; otherwise nothing has changed.</returns>
    /// <exception cref="TrapException">The handler wants a reference, and the store's limits do not allow one more.</exception>
    public static bool TryCatch(StoreCore store, in ThrownException thrown, ReadOnlySpan<RawValue> payload)
    {
        ExecutionRecord* record = store.Execution;
        Machine machine = store.Engine.Machine;
        var exit = (ExitFrame*)record->GuestStackPointer;
        nint programCounter = exit->Resume;
        nint stackPointer = (nint)exit;
        UnwoundRegisters registers = machine.Stubs.RegistersOf(exit);
        while (true)
        {
            if (machine.Arena.Find(programCounter - 1) is not CodeBlock block)
            {
                if (machine.Arena.Find(programCounter) is not CodeBlock first)
                    return false;
                block = first;
            }
            nint start = (nint)block.Address;
            if (!block.Owner!.TryGetUnwind((int)(programCounter - start), out UnwindFrame frame) || frame.Kind == FrameKind.Entry)
                return false;
            nint end = stackPointer + frame.FrameSize;
            if (frame.FrameSize < 0 || end < record->StackLow || end > record->StackHigh - sizeof(nint))
                return false;
            if (frame.Kind == FrameKind.Guest)
            {
                machine.Stubs.EnterFrame(end, frame.SavedRegisters, ref registers);
                if (frame.Landing != UnwindFrame.NoHandler && TryHandle(store, frame, registers.VmContext, thrown, payload))
                {
                    record->GuestStackPointer = (nint)machine.Stubs.PrepareLanding(stackPointer, programCounter, start + frame.Landing, registers);
                    return true;
                }
                machine.Stubs.LeaveFrame(end, frame.SavedRegisters, ref registers);
            }
            machine.Stubs.Unwind(end, new FrameDescription(frame.Kind, frame.FrameSize, frame.StackArgumentBytes), out programCounter, out stackPointer);
        }
    }

    // Asks the scopes of a call from the innermost outward, and hands the exception to the clause that catches.
    private static bool TryHandle(StoreCore store, in UnwindFrame frame, VmContext* context, in ThrownException thrown, ReadOnlySpan<RawValue> payload)
    {
        InstanceData? instance = InstanceData.FromContext(context);
        if (instance is null || instance.Store != store)
            throw new InvalidOperationException("a frame of the guest has a VM context that is of no instance of its store");
        int[] scopes = frame.Scopes;
        for (int scope = frame.Scope; scope >= 0; scope = scopes[scope + HandlerTable.Outer])
        {
            int count = scopes[scope + HandlerTable.ClauseCount];
            for (int k = 0; k < count; k++)
            {
                int clause = scopes[scope + HandlerTable.Clauses + k];
                int tag = HandlerTable.TagOf(clause);
                if (tag >= 0 && !ReferenceEquals(instance.Tags[tag], thrown.Tag))
                    continue;
                Hand(store, instance, scopes[scope + HandlerTable.FirstClause] + k, clause, thrown, payload);
                return true;
            }
        }
        return false;
    }

    private static void Hand(StoreCore store, InstanceData instance, int number, int clause, in ThrownException thrown, ReadOnlySpan<RawValue> payload)
    {
        ulong reference = 0;
        if (HandlerTable.WantsReference(clause))
        {
            reference = thrown.Reference != 0 ? thrown.Reference : store.Exceptions.Add(thrown.Tag, payload);
            // To find room for it may have moved what the values refer to: the exception's own are as they should be.
            payload = store.Exceptions.Get(reference).Payload;
        }
        byte* area = instance.Context + instance.Module.Layout.Exception;
        *(int*)(area + VmContextLayout.ExceptionClause) = number;
        *(ulong*)(area + VmContextLayout.ExceptionReference) = reference;
        // A handler for all has no use for the payload, and its module no room.
        if (HandlerTable.TagOf(clause) >= 0)
            payload.CopyTo(new Span<RawValue>(area + VmContextLayout.ExceptionPayload, payload.Length));
    }
}
