// Runs code of the compiler without a runtime: maps it, resolves relocations among the functions given, and enters it through a small stub that
// loads all argument registers and stores all result registers. A trap returns to the stub's caller with the site's return address.
//
//   VM context of these tests:  0x00 stack limit (0)   0x08 interrupt   0x40 rsp to return to after a trap   0x48 return address of the trap's call
using System.Runtime.InteropServices;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Compiler.Machine;
using Tarn.Compiler.Targets.X64;

namespace Tarn.Compiler.Tests.Emit;

internal sealed unsafe partial class CodeRunner : IDisposable
{
    private const int Size = 1 << 20;
    private const int TrapStackPointer = 0x40;
    private const int TrapAddress = 0x48;
    private readonly byte* _memory;
    private readonly byte* _context;
    private readonly CpuFeatures _features;
    private readonly Dictionary<int, (nint Address, CompiledFunction Function)> _functions = [];
    private readonly List<(nint Address, CompiledFunction Function)> _pending = [];
    private readonly nint _entry;
    private readonly nint _trap;
    private nint _next;

    public CodeRunner(CpuFeatures? features = null)
    {
        _features = features ?? CpuFeatureDetector.Detect();
        _memory = (byte*)Map(0, Size, 7, 0x22, -1, 0);
        if (_memory == (byte*)-1)
        {
            throw new InvalidOperationException("mmap failed.");
        }

        _context = (byte*)NativeMemory.AlignedAlloc(4096, 64);
        NativeMemory.Clear(_context, 4096);
        _next = (nint)_memory;
        _entry = Place(Entry());
        _trap = Place(Trap());
    }

    /// <summary>The VM context, 4096 bytes.</summary>
    public byte* Context => _context;

    /// <summary>Generates code for IR text, checks the allocation, and loads it under the function's index.</summary>
    public CompiledFunction Load(string ir)
    {
        var function = new IrFunction();
        IrParser.Parse(ir, function);
        function.ComputeOrder();
        var generator = new CodeGenerator(new X64Target(_features)) { ChecksAllocation = true };
        generator.Generate(function, reloadsAfterCalls: false);
        var compiled = generator.ToCompiledFunction();
        var address = Place(compiled.Code);
        _functions[function.FunctionIndex] = (address, compiled);
        _pending.Add((address, compiled));
        return compiled;
    }

    public nint AddressOf(int function) => _functions[function].Address;

    /// <summary>Calls a function; null or the trap it ended in. Registers: six integer arguments, then eight vector ones.</summary>
    public TrapCode? Call(int function, ReadOnlySpan<ulong> integers, ReadOnlySpan<ulong> floats, Span<ulong> results)
    {
        Link();
        var arguments = stackalloc ulong[14];
        integers.CopyTo(new Span<ulong>(arguments, 6));
        floats.CopyTo(new Span<ulong>(arguments + 6, 8));
        var outcome = stackalloc ulong[14];
        *(ulong*)(_context + TrapAddress) = 0;
        ((delegate* unmanaged<nint, ulong*, byte*, ulong*, void>)_entry)(_functions[function].Address, arguments, _context, outcome);
        var trapped = *(nint*)(_context + TrapAddress);
        if (trapped == 0)
        {
            new Span<ulong>(outcome, 14)[..results.Length].CopyTo(results);
            return null;
        }

        foreach (var (address, compiled) in _functions.Values)
        {
            foreach (var site in compiled.TrapSites)
            {
                if (address + site.Offset == trapped)
                {
                    return site.Code;
                }
            }
        }

        throw new InvalidOperationException("A trap came from nowhere.");
    }

    public void Dispose()
    {
        Unmap((nint)_memory, Size);
        NativeMemory.AlignedFree(_context);
    }

    private nint Place(ReadOnlySpan<byte> code)
    {
        var address = _next;
        code.CopyTo(new Span<byte>((void*)address, code.Length));
        _next = (address + code.Length + 63) & ~63;
        return address;
    }

    private void Link()
    {
        foreach (var (address, function) in _pending)
        {
            foreach (var relocation in function.Relocations)
            {
                var field = (int*)(address + relocation.Offset);
                var target = relocation.Kind switch
                {
                    SymbolKind.Function => _functions[relocation.Target].Address,
                    SymbolKind.Trap => _trap,
                    _ => throw new NotSupportedException(relocation.Kind.ToString()),
                };
                *field = checked((int)(target - ((nint)field + 4)));
            }
        }

        _pending.Clear();
    }

    // void entry(rdi: code, rsi: arguments, rdx: VM context, rcx: results)
    private static byte[] Entry()
    {
        var asm = new X64Assembler(CpuFeatures.None);
        Gpr[] saved = [Gpr.Rbx, Gpr.Rbp, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15];
        foreach (var register in saved)
        {
            asm.Push(register);
        }

        asm.Push(Gpr.Rcx);
        asm.Mov(OperandSize.S64, Gpr.R14, Gpr.Rdx);
        asm.Mov(OperandSize.S64, Gpr.Rax, Gpr.Rdi);
        asm.Mov(OperandSize.S64, Gpr.R10, Gpr.Rsi);
        asm.Mov(OperandSize.S64, new Mem(Gpr.R14, TrapStackPointer), Gpr.Rsp);
        Gpr[] integers = [Gpr.Rdi, Gpr.Rsi, Gpr.Rdx, Gpr.Rcx, Gpr.R8, Gpr.R9];
        for (var k = 0; k < 6; k++)
        {
            asm.Mov(OperandSize.S64, integers[k], new Mem(Gpr.R10, 8 * k));
        }

        for (var k = 0; k < 8; k++)
        {
            asm.Sse(SseOp.MovsdLoad, (Xmm)k, new Mem(Gpr.R10, 48 + (8 * k)));
        }

        // What must survive a call.
        asm.MovImm(Gpr.Rbx, 0x1111);
        asm.MovImm(Gpr.Rbp, 0x2222);
        asm.MovImm(Gpr.R12, 0x3333);
        asm.MovImm(Gpr.R13, 0x4444);
        asm.MovImm(Gpr.R15, 0x5555);
        asm.Call(Gpr.Rax);
        asm.Pop(Gpr.R10);
        Gpr[] results = [Gpr.Rax, Gpr.Rdx, Gpr.Rcx, Gpr.Rsi, Gpr.Rdi, Gpr.R8];
        for (var k = 0; k < 6; k++)
        {
            asm.Mov(OperandSize.S64, new Mem(Gpr.R10, 8 * k), results[k]);
        }

        for (var k = 0; k < 8; k++)
        {
            asm.Sse(SseOp.MovsdStore, new Mem(Gpr.R10, 48 + (8 * k)), (Xmm)k);
        }

        var bad = asm.NewLabel();
        (Gpr, int)[] preserved = [(Gpr.Rbx, 0x1111), (Gpr.Rbp, 0x2222), (Gpr.R12, 0x3333), (Gpr.R13, 0x4444), (Gpr.R15, 0x5555)];
        foreach (var (register, value) in preserved)
        {
            asm.Cmp(OperandSize.S64, register, value);
            asm.Jcc(Condition.NotEqual, bad);
        }

        foreach (var register in saved.Reverse())
        {
            asm.Pop(register);
        }

        asm.Ret();
        asm.Bind(bad);
        asm.Ud2();
        asm.Finish();
        return asm.Code.ToArray();
    }

    // Reached by call: notes the return address and leaves as the entry would, registers unchecked.
    private static byte[] Trap()
    {
        var asm = new X64Assembler(CpuFeatures.None);
        asm.Pop(Gpr.Rax);
        asm.Mov(OperandSize.S64, new Mem(Gpr.R14, TrapAddress), Gpr.Rax);
        asm.Mov(OperandSize.S64, Gpr.Rsp, new Mem(Gpr.R14, TrapStackPointer));
        asm.Add(OperandSize.S64, Gpr.Rsp, 8);
        foreach (var register in (Gpr[])[Gpr.R15, Gpr.R14, Gpr.R13, Gpr.R12, Gpr.Rbp, Gpr.Rbx])
        {
            asm.Pop(register);
        }

        asm.Ret();
        asm.Finish();
        return asm.Code.ToArray();
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nint length);
}
