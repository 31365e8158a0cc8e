// A module's compiled code with an instance around it, as a file that bench/native/driver.c maps at fixed addresses: the compiler's output runs under
// valgrind or perf without a managed process, which neither follows well. What it lays out is the contract of docs/abi.md and nothing of the runtime.
//
// Only what freestanding programs need: no imports, memories of 32 bits, active segments at constant offsets, and of the builtins those that grow, move and fill
// memory. Anything else is refused, so that no count is ever of something else than it says.
using System.Buffers.Binary;
using System.Text;
using Tarn.Assembler.X64;
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Compiler.Targets.X64;
using Tarn.Wasm;
using Tarn.Wasm.Binary;
using Tarn.Wasm.Validation;

namespace Tarn.Bench.Count;

internal sealed class GuestImage
{
    /// <summary>Where the code of the functions begins.</summary>
    public const ulong CodeAddress = 0x4_0000_0000;

    private const ulong ContextAddress = 0x4_8000_0000;
    private const ulong TableAddress = 0x4_9000_0000;
    private const ulong MemoryAddress = 0x5_0000_0000;
    private const ulong MemoryReservation = 0x1_4000_0000;
    private const int Slots = 64;
    private const int Stubs = Slots * 8;
    private const int FirstFunction = 1024;

    private readonly WasmModule _module;
    private readonly VmContextLayout _layout;
    private readonly TargetDescription _target;
    private readonly ulong[] _addresses;
    private byte[] _code = [];

    public GuestImage(byte[] bytes, TargetDescription target)
    {
        _target = target;
        _module = WasmModule.Decode(bytes, WasmFeatures.Wasm3);
        ModuleValidator.Validate(_module, new TypeRegistry(), 1);
        if (_module.Imports.Length != 0)
            throw new NotSupportedException("The module has imports.");
        _layout = new VmContextLayout(_module);
        _addresses = new ulong[_module.Functions.Length];
        Functions = new CompiledFunction[_module.Bodies.Length];
        Compile();
    }

    /// <summary>The compiled functions in order.</summary>
    public CompiledFunction[] Functions { get; }

    /// <summary>All functions as they are handed to code generation.</summary>
    public string Intermediate()
    {
        FunctionCompilation compilation = new(new X64Target(CpuFeatureDetector.Detect()));
        StringBuilder text = new();
        for (int i = 0; i < Functions.Length; i++)
        {
            compilation.Translate(_module, _layout, i, _target);
            compilation.Optimize(_target);
            text.AppendLine(IrPrinter.Print(compilation.Function));
        }

        return text.ToString();
    }

    /// <summary>The functions' names.</summary>
    public string NameOf(int function) => _module.Names.Functions.Find(function) ?? $"func[{function}]";

    /// <summary>Where a function's code lies once the image is mapped.</summary>
    public ulong AddressOf(int function) => _addresses[function];

    /// <summary>Writes the file.</summary>
    public void Write(string path)
    {
        using FileStream file = File.Create(path);
        ReadOnlySpan<ulong> tableBases = TableBases();
        byte[] context = Context(tableBases);
        byte[] tables = Tables(tableBases);
        (ulong Address, ulong Reserved, byte[] Bytes)[] segments =
        [
            (CodeAddress, Pages(_code.Length), _code),
            (ContextAddress, Pages(context.Length), context),
            (TableAddress, Pages(tables.Length + 1), tables),
            (MemoryAddress, MemoryReservation, Memory()),
        ];
        Put(file, BinaryPrimitives.ReadUInt64LittleEndian("TARNIMG1"u8));
        Put(file, _addresses[Export("run")]);
        Put(file, ContextAddress);
        Put(file, CodeAddress);
        Put(file, (ulong)segments.Length);
        foreach ((ulong address, ulong reserved, byte[] bytes) in segments)
        {
            Put(file, address);
            Put(file, reserved);
            Put(file, (ulong)bytes.Length);
            file.Write(bytes);
        }
    }

    private static ulong Pages(int bytes) => ((ulong)bytes + 4095) & ~4095UL;

    private static void Put(FileStream file, ulong word)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, word);
        file.Write(bytes);
    }

    private int Export(string name)
    {
        foreach (ref readonly Export export in _module.Exports)
        {
            if (export.Kind == ExternalKind.Function && export.Name == name)
                return export.Index;
        }

        throw new NotSupportedException($"The module exports no function {name}.");
    }

    // Slots for the addresses of builtins, a stub for each builtin and one for traps, then the functions.
    private void Compile()
    {
        FunctionCompilation compilation = new(new X64Target(CpuFeatureDetector.Detect()));
        int at = FirstFunction;
        for (int i = 0; i < Functions.Length; i++)
        {
            Functions[i] = compilation.Compile(_module, _layout, i, _target);
            at = (at + 31) & ~31;
            _addresses[i] = CodeAddress + (ulong)at;
            at += Functions[i].Code.Length;
        }

        _code = new byte[at];
        _code.AsSpan(Stubs, FirstFunction - Stubs).Fill(0xCC);
        foreach (BuiltinId builtin in (ReadOnlySpan<BuiltinId>)[BuiltinId.MemoryGrow, BuiltinId.MemoryCopyBytes, BuiltinId.MemoryFillBytes])
        {
            // sub rsp, 8; and rsp, −16 would lose the old value: the stack's alignment is unknown, so it is kept in rbp.
            // push rbp; mov rbp, rsp; and rsp, −16; call [rip + slot]; leave; ret
            int stub = StubOf(builtin);
            ReadOnlySpan<byte> code = [0x55, 0x48, 0x89, 0xE5, 0x48, 0x83, 0xE4, 0xF0, 0xFF, 0x15, 0, 0, 0, 0, 0xC9, 0xC3];
            code.CopyTo(_code.AsSpan(stub));
            BinaryPrimitives.WriteInt32LittleEndian(_code.AsSpan(stub + 10), ((int)builtin * 8) - (stub + 14));
        }

        for (int i = 0; i < Functions.Length; i++)
        {
            int start = (int)(_addresses[i] - CodeAddress);
            Functions[i].Code.CopyTo(_code.AsSpan(start));
            foreach (Relocation relocation in Functions[i].Relocations)
                Relocate(start + relocation.Offset, relocation);
        }
    }

    private static int StubOf(BuiltinId builtin) => Stubs + 16 + ((int)builtin * 16);

    private void Relocate(int field, in Relocation relocation)
    {
        int value = relocation.Kind switch
        {
            SymbolKind.Function => (int)(_addresses[relocation.Target] - CodeAddress) - (field + 4),
            SymbolKind.Trap => Stubs - (field + 4), // a breakpoint: a benchmark does not trap
            SymbolKind.Builtin => StubOf((BuiltinId)relocation.Target) - (field + 4),
            _ => _module.CanonicalIds[relocation.Target],
        };
        BinaryPrimitives.WriteInt32LittleEndian(_code.AsSpan(field), value);
    }

    private ulong[] TableBases()
    {
        ulong[] bases = new ulong[_module.Tables.Length];
        ulong next = TableAddress;
        for (int i = 0; i < bases.Length; i++)
        {
            bases[i] = next;
            next += (ulong)_module.Tables[i].Limits.Minimum * 8;
        }

        return bases;
    }

    private byte[] Context(ReadOnlySpan<ulong> tableBases)
    {
        // Behind it the execution record, of which code looks at the fuel alone.
        byte[] context = new byte[_layout.Size + ExecutionRecordLayout.Size];
        Set(context, VmContextHeader.Execution, ContextAddress + (ulong)_layout.Size);
        Set(context, _layout.Size + ExecutionRecordLayout.Fuel, long.MaxValue);
        for (int i = 0; i < _module.Memories.Length; i++)
        {
            Set(context, _layout.Memory(i), MemoryAddress);
            Set(context, _layout.Memory(i) + 8, (ulong)_module.Memories[i].Limits.Minimum << 16);
        }

        for (int i = 0; i < tableBases.Length; i++)
        {
            Set(context, _layout.Table(i), tableBases[i]);
            Set(context, _layout.Table(i) + 8, (ulong)_module.Tables[i].Limits.Minimum);
        }

        for (int i = 0; i < _module.Globals.Length; i++)
            Set(context, _layout.Global(i), Evaluate(_module.GlobalInitializers[i]));
        foreach (int function in _layout.EscapingFunctions)
        {
            int record = _layout.FunctionReference(function);
            Set(context, record + FunctionReferenceRecord.Code, _addresses[function]);
            Set(context, record + FunctionReferenceRecord.VmContext, ContextAddress);
            Set(context, record + FunctionReferenceRecord.TypeId, ((ulong)FunctionReferenceRecord.NotAHostFunction << 32) | (uint)_module.CanonicalIds[_module.Functions[function]]);
        }

        return context;
    }

    private byte[] Tables(ReadOnlySpan<ulong> tableBases)
    {
        ulong end = TableAddress;
        for (int i = 0; i < tableBases.Length; i++)
            end = tableBases[i] + ((ulong)_module.Tables[i].Limits.Minimum * 8);
        byte[] tables = new byte[end - TableAddress];
        foreach (ref readonly ElementSegment segment in _module.Elements)
        {
            if (segment.Mode != SegmentMode.Active)
                continue;
            if (segment.HasExpressions)
                throw new NotSupportedException("An element segment has expressions.");
            int start = (int)(tableBases[segment.Table] - TableAddress) + ((int)Evaluate(segment.Start) * 8);
            WasmReader reader = _module.Read(in segment);
            for (int i = 0; i < segment.Count; i++)
                Set(tables, start + (i * 8), ContextAddress + (ulong)_layout.FunctionReference(reader.ReadIndex()));
        }

        return tables;
    }

    private byte[] Memory()
    {
        int length = 0;
        foreach (ref readonly DataSegment segment in _module.Data)
            length = Math.Max(length, segment.Mode == SegmentMode.Active ? (int)Evaluate(segment.Start) + segment.Length : 0);
        byte[] memory = new byte[length];
        foreach (ref readonly DataSegment segment in _module.Data)
        {
            if (segment.Mode == SegmentMode.Active)
                _module.Read(in segment).CopyTo(memory.AsSpan((int)Evaluate(segment.Start)));
        }

        return memory;
    }

    private static void Set(byte[] bytes, int offset, ulong word) => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(offset), word);

    // A constant and `end`.
    private ulong Evaluate(ConstantExpression expression)
    {
        WasmReader reader = _module.Read(expression);
        ulong value = reader.ReadOpcode() switch
        {
            Opcode.I32Const => (uint)reader.ReadVarS32(),
            Opcode.I64Const => (ulong)reader.ReadVarS64(),
            Opcode.F32Const => reader.ReadF32Bits(),
            Opcode.F64Const => reader.ReadF64Bits(),
            Opcode other => throw new NotSupportedException($"A constant expression begins with {other}."),
        };
        return reader.ReadOpcode() == Opcode.End ? value : throw new NotSupportedException("A constant expression of several instructions.");
    }
}
