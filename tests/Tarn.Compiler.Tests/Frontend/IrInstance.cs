// An instance whose functions are run by interpreting their IR, so that front end and optimiser can be judged by the specification's scripts without any code generation. The
// VM context is real memory laid out as docs/abi.md says, so loads and stores of records are the ones that machine code would do. Every
// access to linear memory is compared with the memory's true length: one that may fault traps, one that claims to be checked fails the test.
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Frontend;
using Tarn.Compiler.IR;
using Tarn.Compiler.Optimize;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Tests.Frontend;

/// <summary>A trap of interpreted code.</summary>
public sealed class IrTrapException(byte code) : Exception($"trap {(TrapCode)code}")
{
    public byte Code { get; } = code;
}

internal sealed unsafe class IrInstance : IDisposable
{
    private const ulong MaximumPages = 1024;
    private const int TableRoom = 10_000;

    // Code in a function record is an index into this list plus one.
    private static readonly List<(IrInstance Instance, int Function)> s_callables = [];
    private static readonly List<nint> s_allocations = [];
    private static readonly List<nint> s_memories = [];
    private static readonly Dictionary<nint, ulong> s_maxima = [];

    // A reference to an exception is an index into this list plus one.
    private static readonly List<IrThrownException> s_exceptions = [];

    private readonly Dictionary<int, IrFunction> _functions = [];
    private readonly Dictionary<int, UInt128[]> _items = [];
    private readonly FunctionTranslator _translator = new();
    private readonly FunctionOptimizer _optimizer = new() { Verifies = true };

    // Verifying computes the order anew; without it a pass that forgets to do so shows.
    private readonly FunctionOptimizer _unverified = new();
    private readonly TargetDescription _target;
    private readonly byte* _execution;

    public IrInstance(WasmModule module, TargetDescription target, Func<Import, (IrInstance Instance, int Index)> resolve)
    {
        Module = module;
        _target = target;
        Layout = new VmContextLayout(module);
        Context = Allocate((nuint)Layout.Size + 16);
        _execution = Allocate(ExecutionRecordLayout.Size);
        Write(Context + VmContextHeader.Execution, (ulong)_execution);
        IrHeap.Attach(module, Context, _execution);
        Tags = Array.ConvertAll(new object[module.Tags.Length], _ => new object());
        Link(resolve);
        DefineMemories();
        Initialize();
    }

    public WasmModule Module { get; }

    public VmContextLayout Layout { get; }

    public byte* Context { get; }

    /// <summary>What tells the module's tags apart, those of other instances among them.</summary>
    public object[] Tags { get; }

    public void Dispose()
    {
    }

    public static void FreeAll()
    {
        foreach (var allocation in s_allocations)
        {
            NativeMemory.Free((void*)allocation);
        }

        s_allocations.Clear();
        s_callables.Clear();
        s_memories.Clear();
        s_maxima.Clear();
        s_exceptions.Clear();
        IrHeap.Clear();
    }

    public int FindExport(string name, ExternalKind kind)
    {
        foreach (var export in Module.Exports)
        {
            if (export.Name == name && export.Kind == kind)
            {
                return export.Index;
            }
        }

        throw new KeyNotFoundException(name);
    }

    public UInt128 ReadGlobal(int index)
    {
        var cell = Context + Layout.Global(index);
        if (index < Module.ImportedGlobalCount && Module.Globals[index].IsMutable)
        {
            cell = (byte*)*(ulong*)cell;
        }

        return TypeWidth(Module.Globals[index].Type) switch { 4 => *(uint*)cell, 8 => *(ulong*)cell, _ => *(UInt128*)cell };
    }

    private static int TypeWidth(ValType type) => type == ValType.I32 || type == ValType.F32 ? 4 : type == ValType.V128 ? 16 : 8;

    private static byte* Allocate(nuint size)
    {
        var memory = (byte*)NativeMemory.AllocZeroed(size);
        s_allocations.Add((nint)memory);
        return memory;
    }

    private static void Write(byte* address, ulong value) => *(ulong*)address = value;

    private void Link(Func<Import, (IrInstance Instance, int Index)> resolve)
    {
        foreach (var import in Module.Imports)
        {
            var (other, index) = resolve(import);
            switch (import.Kind)
            {
                case ExternalKind.Function:
                    other.WriteRecord(index, Context + Layout.FunctionReference(import.Index), Module.CanonicalIds[Module.Functions[import.Index]], other == this ? import : null);
                    break;
                case ExternalKind.Tag:
                    Tags[import.Index] = other.Tags[index];
                    break;
                case ExternalKind.Memory:
                    LinkEntry(other.Context + other.Layout.Memory(index), other.RefersToRecord(index), Context + Layout.Memory(import.Index));
                    break;
                case ExternalKind.Table:
                    LinkEntry(other.Context + other.Layout.Table(index), index < other.Module.ImportedTableCount, Context + Layout.Table(import.Index));
                    break;
                case ExternalKind.Global:
                    var cell = other.Context + other.Layout.Global(index);
                    var mine = Context + Layout.Global(import.Index);
                    if (!Module.Globals[import.Index].IsMutable)
                    {
                        Buffer.MemoryCopy(cell, mine, 16, TypeWidth(Module.Globals[import.Index].Type) == 16 ? 16 : 8);
                    }
                    else
                    {
                        Write(mine, index < other.Module.ImportedGlobalCount ? *(ulong*)cell : (ulong)cell);
                    }

                    break;
            }
        }
    }

    private static void LinkEntry(byte* theirs, bool imported, byte* mine)
    {
        Write(mine, *(ulong*)theirs);
        Write(mine + 8, imported ? *(ulong*)(theirs + 8) : (ulong)theirs);
    }

    private void WriteRecord(int function, byte* record, int typeId, Import? host)
    {
        if (host is null && function < Module.ImportedFunctionCount)
        {
            Buffer.MemoryCopy(Context + Layout.FunctionReference(function), record, 32, 32);
            return;
        }

        s_callables.Add(host is null ? (this, function) : (this, -1));
        Write(record, (ulong)s_callables.Count);
        Write(record + 8, (ulong)Context);
        *(int*)(record + 16) = typeId;
    }

    private void DefineMemories()
    {
        for (var i = Module.ImportedMemoryCount; i < Module.Memories.Length; i++)
        {
            var type = Module.Memories[i];
            var bytes = type.Limits.Minimum << type.PageSizeLog2;
            if (bytes > MaximumPages << 16)
            {
                throw new NotSupportedException("memory too large for the test");
            }

            var entry = Context + Layout.Memory(i);
            var memory = (ulong)Allocate((nuint)(MaximumPages << 16));
            if (type.Limits.IsShared)
            {
                // The record of a shared memory is not the instance's.
                var record = (byte*)Allocate(16);
                Write(entry, memory);
                Write(entry + 8, (ulong)record);
                entry = record;
            }

            Write(entry, memory);
            Write(entry + 8, bytes);
            s_memories.Add((nint)entry);
            s_maxima[(nint)entry] = Math.Min(type.Limits.HasMaximum ? type.Limits.Maximum : ulong.MaxValue, (MaximumPages << 16) >> type.PageSizeLog2);
        }

        for (var i = Module.ImportedTableCount; i < Module.Tables.Length; i++)
        {
            var entry = Context + Layout.Table(i);
            var length = Module.Tables[i].Limits.Minimum;
            if (length > 100_000)
            {
                throw new NotSupportedException("table too large for the test");
            }

            Write(entry, (ulong)Allocate(((nuint)length * 8) + (TableRoom * 8)));
            Write(entry + 8, length);
        }

        foreach (var function in Layout.EscapingFunctions)
        {
            WriteRecord(function, Context + Layout.FunctionReference(function), Module.CanonicalIds[Module.Functions[function]], null);
        }
    }

    private void Initialize()
    {
        for (var i = Module.ImportedGlobalCount; i < Module.Globals.Length; i++)
        {
            var cell = Context + Layout.Global(i);
            var value = Evaluate(Module.GlobalInitializers[i - Module.ImportedGlobalCount]);
            if (Module.Globals[i].Type == ValType.V128)
            {
                *(UInt128*)cell = value;
            }
            else
            {
                Write(cell, (ulong)value);
            }
        }

        for (var i = Module.ImportedTableCount; i < Module.Tables.Length; i++)
        {
            var initializer = Module.TableInitializers[i - Module.ImportedTableCount];
            if (initializer.IsPresent)
            {
                new Span<ulong>((void*)*(ulong*)(Context + Layout.Table(i)), (int)Module.Tables[i].Limits.Minimum).Fill((ulong)Evaluate(initializer));
            }
        }

        for (var i = 0; i < Module.Elements.Length; i++)
        {
            Write(Context + Layout.ElementState(i), (ulong)Module.Elements[i].Count);
            if (Module.Elements[i].Mode == SegmentMode.Active)
            {
                TableInit(Module.Elements[i].Table, i, (ulong)Evaluate(Module.Elements[i].Start), 0, (uint)Module.Elements[i].Count);
            }

            if (Module.Elements[i].Mode != SegmentMode.Passive)
            {
                Write(Context + Layout.ElementState(i), 0);
            }
        }

        for (var i = 0; i < Module.Data.Length; i++)
        {
            Write(Context + Layout.DataState(i), (ulong)Module.Data[i].Length);
            if (Module.Data[i].Mode == SegmentMode.Active)
            {
                MemoryInit(Module.Data[i].Memory, i, (ulong)Evaluate(Module.Data[i].Start), 0, (uint)Module.Data[i].Length);
                Write(Context + Layout.DataState(i), 0);
            }
        }

        if (Module.StartFunction >= 0)
        {
            Call(Module.StartFunction, []);
        }
    }

    private UInt128 Evaluate(ConstantExpression expression)
    {
        var reader = Module.Read(expression);
        return EvaluateNext(ref reader);
    }

    private UInt128 EvaluateNext(ref WasmReader reader)
    {
        var stack = new Stack<UInt128>();
        while (true)
        {
            var opcode = reader.ReadOpcode();
            switch (opcode)
            {
                case Opcode.End:
                    return stack.Pop();
                case Opcode.I32Const:
                    stack.Push((uint)reader.ReadVarS32());
                    break;
                case Opcode.I64Const:
                    stack.Push((ulong)reader.ReadVarS64());
                    break;
                case Opcode.F32Const:
                    stack.Push(reader.ReadF32Bits());
                    break;
                case Opcode.F64Const:
                    stack.Push(reader.ReadF64Bits());
                    break;
                case Opcode.V128Const:
                    reader.ReadV128(out var low, out var high);
                    stack.Push(new UInt128(high, low));
                    break;
                case Opcode.GlobalGet:
                    stack.Push(ReadGlobal(reader.ReadIndex()));
                    break;
                case Opcode.RefNull:
                    reader.ReadHeapType();
                    stack.Push(0);
                    break;
                case Opcode.RefFunc:
                    stack.Push((ulong)(Context + Layout.FunctionReference(reader.ReadIndex())));
                    break;
                case Opcode.I32Add or Opcode.I32Sub or Opcode.I32Mul:
                    {
                        var b = (uint)stack.Pop();
                        var a = (uint)stack.Pop();
                        stack.Push(opcode == Opcode.I32Add ? a + b : opcode == Opcode.I32Sub ? a - b : a * b);
                        break;
                    }

                case Opcode.I64Add or Opcode.I64Sub or Opcode.I64Mul:
                    {
                        var b = (ulong)stack.Pop();
                        var a = (ulong)stack.Pop();
                        stack.Push(opcode == Opcode.I64Add ? a + b : opcode == Opcode.I64Sub ? a - b : a * b);
                        break;
                    }

                default:
                    if (!IrHeap.TryEvaluate(Module, opcode, ref reader, stack))
                    {
                        throw new NotSupportedException($"constant expression: {opcode}");
                    }

                    break;
            }
        }
    }

    public UInt128[] Call(int function, UInt128[] arguments)
    {
        if (function < Module.ImportedFunctionCount)
        {
            return CallRecord((ulong)(Context + Layout.FunctionReference(function)), arguments, 0);
        }

        return new IrInterpreter(this).Run(FunctionOf(function), arguments, 0);
    }

    public UInt128[] CallRecord(ulong record, UInt128[] arguments, int depth)
    {
        var (instance, function) = Find(record);
        return function < 0 ? [] : new IrInterpreter(instance).Run(instance.FunctionOf(function), arguments, depth);
    }

    public static (IrInstance Instance, int Function) Find(ulong record) => s_callables[(int)(*(ulong*)record - 1)];

    public IrFunction FunctionOf(int index)
    {
        if (!_functions.TryGetValue(index, out var function))
        {
            function = new IrFunction();
            _translator.Translate(Module, Layout, index, _target, function);
            Assert.Empty(IrVerifier.Verify(function));
            if (_target.Optimize)
            {
                ((index & 1) == 0 ? _optimizer : _unverified).Run(function, _target);
                Assert.Empty(IrVerifier.Verify(function));
            }

            _functions.Add(index, function);
        }

        return function;
    }

    // The memory that an address lies in, by its reservation; traps or fails if the access is not within the memory's length.
    public static void CheckAccess(ulong address, int width, bool mayFault, ulong @base)
    {
        foreach (var entry in s_memories)
        {
            var start = *(ulong*)entry;
            var length = ((ulong*)entry)[1];
            if (@base >= start && @base <= start + (MaximumPages << 16))
            {
                if (address < start || address + (ulong)width > start + length)
                {
                    if (mayFault)
                    {
                        throw new IrTrapException((byte)TrapCode.MemoryOutOfBounds);
                    }

                    throw new InvalidOperationException("an access that counts as checked is out of bounds");
                }

                return;
            }
        }

        throw new InvalidOperationException("an access outside of all memories");
    }

    private bool RefersToRecord(int memory) => memory < Module.ImportedMemoryCount || Module.Memories[memory].Limits.IsShared;

    private byte* MemoryEntry(int memory)
        => RefersToRecord(memory) ? (byte*)*(ulong*)(Context + Layout.Memory(memory) + 8) : Context + Layout.Memory(memory);

    private byte* TableEntry(int table)
        => table < Module.ImportedTableCount ? (byte*)*(ulong*)(Context + Layout.Table(table) + 8) : Context + Layout.Table(table);

    private static void Require(bool condition, TrapCode code)
    {
        if (!condition)
        {
            throw new IrTrapException((byte)code);
        }
    }

    /// <summary>Writes to the VM context what a handler reads there.</summary>
    public void Hand(IrThrownException thrown, int clause, bool withPayload)
    {
        var area = Context + Layout.Exception;
        *(int*)(area + VmContextLayout.ExceptionClause) = clause;
        if (thrown.Handle == 0)
        {
            s_exceptions.Add(thrown);
            thrown.Handle = (ulong)s_exceptions.Count;
        }

        *(ulong*)(area + VmContextLayout.ExceptionReference) = thrown.Handle;
        for (var i = 0; withPayload && i < thrown.Payload.Length; i++)
        {
            ((UInt128*)(area + VmContextLayout.ExceptionPayload))[i] = thrown.Payload[i];
        }
    }

    public ulong Builtin(BuiltinId id, ulong[] a)
    {
        switch (id)
        {
            case BuiltinId.MemoryGrow:
                {
                    var memory = (int)a[0];
                    var entry = MemoryEntry(memory);
                    var type = Module.Memories[memory];
                    var old = ((ulong*)entry)[1] >> type.PageSizeLog2;
                    var maximum = s_maxima[(nint)entry];
                    if (a[1] > maximum || old + a[1] > maximum)
                    {
                        return ulong.MaxValue;
                    }

                    ((ulong*)entry)[1] += a[1] << type.PageSizeLog2;
                    return old;
                }

            case BuiltinId.MemoryAtomicNotify:
                return 0;
            case BuiltinId.MemoryAtomicWait32 or BuiltinId.MemoryAtomicWait64:
                {
                    // There is one thread, so nobody ever notifies.
                    Require(Module.Memories[(int)a[0]].Limits.IsShared, TrapCode.AtomicWaitOnUnsharedMemory);
                    var location = (byte*)*(ulong*)MemoryEntry((int)a[0]) + a[1];
                    var value = id == BuiltinId.MemoryAtomicWait64 ? *(ulong*)location : *(uint*)location;
                    if (value == a[2] && (long)a[3] < 0)
                    {
                        throw new NotSupportedException("a wait for ever");
                    }

                    return value == a[2] ? 2u : 1u;
                }

            case BuiltinId.MemoryInit:
                MemoryInit((int)a[0], (int)a[1], a[2], (uint)a[3], (uint)a[4]);
                return 0;
            case BuiltinId.MemoryCopyBytes:
                Buffer.MemoryCopy((void*)a[1], (void*)a[0], (long)a[2], (long)a[2]);
                return 0;
            case BuiltinId.MemoryFillBytes:
                new Span<byte>((void*)a[0], (int)a[2]).Fill((byte)a[1]);
                return 0;
            case BuiltinId.DataDrop:
                Write(Context + Layout.DataState((int)a[0]), 0);
                return 0;
            case BuiltinId.ElementDrop:
                Write(Context + Layout.ElementState((int)a[0]), 0);
                return 0;
            case BuiltinId.TableInit:
                TableInit((int)a[0], (int)a[1], a[2], (uint)a[3], (uint)a[4]);
                return 0;
            case BuiltinId.TableCopy:
                {
                    var to = (ulong*)TableEntry((int)a[0]);
                    var from = (ulong*)TableEntry((int)a[1]);
                    Require(a[4] <= to[1] && a[2] <= to[1] - a[4] && a[4] <= from[1] && a[3] <= from[1] - a[4], TrapCode.TableOutOfBounds);
                    Buffer.MemoryCopy((ulong*)from[0] + a[3], (ulong*)to[0] + a[2], a[4] * 8, a[4] * 8);
                    return 0;
                }

            case BuiltinId.TableFill:
                {
                    var entry = (ulong*)TableEntry((int)a[0]);
                    Require(a[3] <= entry[1] && a[1] <= entry[1] - a[3], TrapCode.TableOutOfBounds);
                    new Span<ulong>((ulong*)entry[0] + a[1], (int)a[3]).Fill(a[2]);
                    return 0;
                }

            case BuiltinId.TableGrow:
                {
                    var entry = (ulong*)TableEntry((int)a[0]);
                    var limits = Module.Tables[(int)a[0]].Limits;
                    if (a[2] > TableRoom || entry[1] + a[2] > Math.Min(limits.HasMaximum ? limits.Maximum : ulong.MaxValue, limits.Minimum + TableRoom))
                    {
                        return ulong.MaxValue;
                    }

                    new Span<ulong>((ulong*)entry[0] + entry[1], (int)a[2]).Fill(a[1]);
                    entry[1] += a[2];
                    return entry[1] - a[2];
                }

            case BuiltinId.Throw:
                var payload = (UInt128*)(Context + Layout.Exception + VmContextLayout.ExceptionPayload);
                var thrown = new IrThrownException(Tags[(int)a[0]], new UInt128[((CoreFunctionType)Module.Types[Module.Tags[(int)a[0]].TypeIndex].Composite).ParameterCount]);
                for (var i = 0; i < thrown.Payload.Length; i++)
                {
                    thrown.Payload[i] = payload[i];
                }

                throw thrown;
            case BuiltinId.ThrowReference:
                throw s_exceptions[(int)a[0] - 1];
            case BuiltinId.AllocateObject:
                return IrHeap.New(Module.Registry!, (int)a[0], (uint)a[1]);
            case BuiltinId.FunctionHandle:
                return IrHeap.Handle(a[0]);
            case BuiltinId.ArrayCopyReferences:
                IrHeap.Move(IrHeap.Element(Module.Registry!, (uint)a[0], (uint)a[1]), IrHeap.Element(Module.Registry!, (uint)a[2], (uint)a[3]), (uint)a[4] * sizeof(uint));
                return 0;
            case BuiltinId.ArrayNewData or BuiltinId.ArrayNewElement:
                {
                    RequireSegment(id == BuiltinId.ArrayNewData, (int)a[1], (uint)a[2], (uint)a[3], ((ArrayType)Module.Registry![(int)a[0]].Composite).Element.Storage);
                    var array = IrHeap.New(Module.Registry!, (int)a[0], (uint)a[3]);
                    InitializeArray(id == BuiltinId.ArrayNewData, array, 0, (int)a[1], (uint)a[2], (uint)a[3]);
                    return array;
                }

            case BuiltinId.ArrayInitData or BuiltinId.ArrayInitElement:
                Require(a[1] + a[4] <= IrHeap.LengthOf((uint)a[0]), TrapCode.ArrayOutOfBounds);
                RequireSegment(id == BuiltinId.ArrayInitData, (int)a[2], (uint)a[3], (uint)a[4], IrHeap.ElementOf(Module.Registry!, (uint)a[0]));
                InitializeArray(id == BuiltinId.ArrayInitData, (uint)a[0], (uint)a[1], (int)a[2], (uint)a[3], (uint)a[4]);
                return 0;
            case BuiltinId.IsSubtype:
                return Module.Registry!.IsSubtype((int)a[0], (int)a[1]) ? 1UL : 0;
            default:
                throw new NotSupportedException(id.ToString());
        }
    }

    private void RequireSegment(bool isData, int segment, uint source, uint count, ValType element)
    {
        var remaining = *(ulong*)(Context + (isData ? Layout.DataState(segment) : Layout.ElementState(segment)));
        var needed = isData ? (ulong)count << ObjectLayout.ShiftOf(element) : count;
        Require(source + needed <= remaining, isData ? TrapCode.MemoryOutOfBounds : TrapCode.TableOutOfBounds);
    }

    private void InitializeArray(bool isData, uint array, uint index, int segment, uint source, uint count)
    {
        var types = Module.Registry!;
        var element = IrHeap.ElementOf(types, array);
        if (isData)
        {
            if (count > 0)
            {
                IrHeap.Copy(Module.Read(Module.Data[segment]).Slice((int)source, (int)count << ObjectLayout.ShiftOf(element)), IrHeap.Element(types, array, index));
            }

            return;
        }

        var items = ItemsOf(segment);
        for (var i = 0u; i < count; i++)
        {
            IrHeap.Write(types, IrHeap.Element(types, array, index + i), element, items[source + i]);
        }
    }

    private void MemoryInit(int memory, int segment, ulong destination, uint source, uint count)
    {
        var entry = (ulong*)MemoryEntry(memory);
        var remaining = *(ulong*)(Context + Layout.DataState(segment));
        Require(count <= entry[1] && destination <= entry[1] - count && source + (ulong)count <= remaining, TrapCode.MemoryOutOfBounds);
        if (count > 0)
        {
            Module.Read(Module.Data[segment]).Slice((int)source, (int)count).CopyTo(new Span<byte>((byte*)entry[0] + destination, (int)count));
        }
    }

    // The values of a segment's items, which are evaluated once: they may be objects.
    private UInt128[] ItemsOf(int segment)
    {
        if (!_items.TryGetValue(segment, out var items))
        {
            var description = Module.Elements[segment];
            var reader = Module.Read(in description);
            items = new UInt128[description.Count];
            for (var i = 0; i < items.Length; i++)
            {
                items[i] = description.HasExpressions ? EvaluateNext(ref reader) : (ulong)(Context + Layout.FunctionReference(reader.ReadIndex()));
            }

            _items.Add(segment, items);
        }

        return items;
    }

    private void TableInit(int table, int segment, ulong destination, uint source, uint count)
    {
        var entry = (ulong*)TableEntry(table);
        var remaining = *(ulong*)(Context + Layout.ElementState(segment));
        Require(count <= entry[1] && destination <= entry[1] - count && source + (ulong)count <= remaining, TrapCode.TableOutOfBounds);
        var items = ItemsOf(segment);
        for (var i = 0u; i < count; i++)
        {
            ((ulong*)entry[0])[destination + i] = (ulong)items[source + i];
        }
    }
}
