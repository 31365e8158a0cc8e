// Every place outside of the heap where a managed reference of a store may be: frames of guests, running or suspended, by the lists that the compiler made for their calls; globals and tables of
// the store's instances, and those that the host made; values of element segments that were evaluated; references that the host holds (HostRoots). What exceptions carry is visited apart (ExceptionTable). The one list there is: what is missing here is a reference
// to where an object was.
//
// Guests are outside of compiled code when this runs: the innermost frame is an exit frame at GuestStackPointer. Registers hold references only in frames of CollectGarbage, which are innermost in
// their activation: there may be several, since a limiter that is asked for a larger heap may call guests.
using Tarn.Execution;
using Tarn.Heaps;
using Tarn.Modules;
using Tarn.Platform;
using Tarn.Tables;
using Tarn.Traps;

namespace Tarn.Stores;

internal static unsafe class RootWalker
{
    /// <summary>Visits every root of a store.</summary>
    public static void Visit<T>(StoreCore store, T visitor)
        where T : IRootVisitor
    {
        VisitStack(store.Execution, visitor);
        foreach (InstanceData instance in store.Instances)
        {
            ModuleCore module = instance.Module;
            foreach (int global in module.ManagedGlobals)
                visitor.Visit((ulong*)(instance.Context + module.Layout.Global(global)));
            for (int i = module.Wasm.ImportedTableCount; i < instance.Tables.Length; i++)
            {
                if (instance.Tables[i] is TableInstance table)
                    Visit(table, store.Engine.Types, visitor);
            }
            instance.VisitElementValues(visitor);
        }
        store.HostRoots?.Visit(visitor);
        foreach (TableInstance table in store.HostTables)
            Visit(table, store.Engine.Types, visitor);
        foreach (nint cell in store.ManagedHostGlobals)
            visitor.Visit((ulong*)cell);
    }

    private static void Visit<T>(TableInstance table, TypeRegistry types, T visitor)
        where T : IRootVisitor
    {
        if (!TypeShape.IsManaged(table.Type.Element, types))
            return;
        ulong* elements = table.Elements;
        table.IsDirty = true;
        for (ulong i = 0, n = table.Length; i < n; i++)
        {
            if (elements[i] != 0)
                visitor.Visit(elements + i);
        }
    }

    private static void VisitStack<T>(ExecutionRecord* record, T visitor)
        where T : IRootVisitor
    {
        nint stackPointer = record->GuestStackPointer;
        if (stackPointer >= record->StackHigh || stackPointer == 0)
            return;
        var exit = (ExitFrame*)stackPointer;
        var walk = new StackFrames(record, exit->Resume, stackPointer);
        while (walk.MoveNext())
        {
            FrameDescription frame = walk.Current;
            if (frame.ReferenceList < 0)
                continue;
            int[] places = frame.References!;
            int count = places[frame.ReferenceList];
            for (int i = 1; i <= count; i++)
            {
                int place = places[frame.ReferenceList + i];
                visitor.Visit(place >= 0 ? (ulong*)walk.StackPointer + place : GuestExecution.Of(record).Machine.Stubs.SavedRegister(walk.Exit, ~place));
            }
        }
    }
}
