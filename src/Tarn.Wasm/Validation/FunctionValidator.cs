// Validates function bodies and constant expressions: one pass over the bytes, the algorithm of the core specification's appendix ("Validation
// Algorithm"). This file holds the state and what every part needs; .Run the hot loop, .Control blocks and branches, .Other the remaining instructions.
//
// Memory: stacks of ints and frames in pinned arrays that one worker reuses for all its functions; nothing is allocated per instruction.
//
// Invariants that the unchecked accesses in all four files hang on:
//   1. The operand stack has at least as many free slots as the body has bytes left. An instruction of n bytes pushes at most n values net, so pushing needs
//      no check, except where a signature decides how many: those call Reserve, which restores the invariant.
//   2. _bottom <= _sp always; what is popped is at or above _bottom, which is the height of the innermost frame.
//   3. Frames: _depth counts them, EnterFrame grows the array before it writes.
//   4. The last byte of a body is 0x0B (checked first). See FunctionValidator.Run for what that spares.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Validation;

/// <summary>A worker that validates one body after the other.</summary>
internal sealed unsafe partial class FunctionValidator
{
    // Block types of frames: a type index from 0 up, or one of these.
    private const int EmptyBlock = -1;
    private const int SingleResult = -2;

    // On locals: not yet assigned, and without a default. The sign, so that one test tells.
    private const int Uninitialized = int.MinValue;

    private const int I32 = 0x7F;
    private const int I64 = 0x7E;
    private const int F32 = 0x7D;
    private const int F64 = 0x7C;
    private const int V128 = 0x7B;

    private static readonly int s_exnRef = ValType.Reference(HeapType.Exn, nullable: false).Bits;

    private readonly ValidationContext _context;
    private readonly WasmModule _module;
    private readonly WasmFeatures _features;
    private readonly SignatureShape* _shapes;
    private readonly int* _signatureTypes;

    private int[] _stackArray = [];
    private int[] _localArray = [];
    private Frame[] _frameArray = [];
    private int[] _initialized = new int[64];
    private int _initializedCount;

    private byte* _code;
    private byte* _bodyEnd;
    private byte* _at;
    private byte* _next;
    private int* _stack;
    private int* _stackEnd;
    private int* _sp;
    private int* _bottom;
    private int* _locals;
    private int _localCount;
    private Frame* _frames;
    private int _depth;
    private int _functionIndex;
    private ModuleFacts _facts;

    public FunctionValidator(ValidationContext context)
    {
        _context = context;
        _module = context.Module;
        _features = _module.Features;
        _shapes = context.Shapes;
        _signatureTypes = context.SignatureTypes;
        GrowFrames();
    }

    // A block that is being validated. 20 bytes; all of it plain data, since the array is pinned.
    private struct Frame
    {
        public int BlockType;
        public int Result;
        public int Height;
        public int InitializedCount;
        public byte Opcode;
        public bool IsUnreachable;
    }

    /// <summary>Validates the body of a function.</summary>
    /// <param name="definedIndex">Function index less the imported functions.</param>
    /// <exception cref="WasmException">The body is malformed or invalid.</exception>
    public void ValidateFunction(int definedIndex)
    {
        _functionIndex = _module.ImportedFunctionCount + definedIndex;
        FunctionBody body = _module.BodyArray[definedIndex];
        int typeIndex = _context.FunctionTypes[_functionIndex];
        ReadOnlySpan<byte> bytes = _module.Bytes.Span;
        int start = DeclareLocals(bytes, body, _shapes[typeIndex]);
        Validate(bytes, start, body.End, typeIndex, 0);
    }

    /// <summary>Validates a constant expression, of which it is known that all instructions may stand in one.</summary>
    public void ValidateExpression(ConstantExpression expression, ValType expected)
    {
        _functionIndex = -1;
        _localCount = 0;
        _initializedCount = 0;
        Validate(_module.Bytes.Span, expression.Offset, expression.Offset + expression.Length, SingleResult, expected.Bits);
    }

    private void Validate(ReadOnlySpan<byte> bytes, int start, int end, int blockType, int result)
    {
        fixed (byte* code = bytes)
        {
            _code = code;
            _bodyEnd = code + end;
            _at = _next = code + start;
            if (start >= end || code[end - 1] != (byte)Opcode.End)
                MissingEnd(bytes, start, end);
            int capacity = end - start + 16;
            if (_stackArray.Length < capacity)
                AllocateStack(capacity);
            _sp = _bottom = _stack;
            _depth = 0;
            EnterFrame((byte)Opcode.Block, blockType, result);
            Run(_next, _bodyEnd);
            _code = null;
        }

        if ((_facts & ~_module.Facts) != 0)
            _module.SetFacts(_facts);

        // Everything behind raw pointers is held by these two.
        GC.KeepAlive(_context);
        GC.KeepAlive(this);
    }

    // Finds the first thing wrong with a body that does not end in `end`: an instruction cut off, or an unknown opcode before that.
    [DoesNotReturn]
    private void MissingEnd(ReadOnlySpan<byte> bytes, int start, int end)
    {
        WasmReader reader = new(bytes, start, end, _features);
        BodyStructure.Walk(ref reader, _module);
        throw new MalformedModuleException("unexpected content after the end of the function (section size mismatch, END opcode expected)", reader.Position);
    }

    private int DeclareLocals(ReadOnlySpan<byte> bytes, FunctionBody body, in SignatureShape signature)
    {
        WasmReader reader = new(bytes, body.Offset, body.End, _features);
        _initializedCount = 0;
        _localCount = 0;
        ReserveLocals(signature.ParameterCount);
        for (int i = 0; i < signature.ParameterCount; i++)
            _locals[i] = _signatureTypes[signature.ParameterStart + i];
        _localCount = signature.ParameterCount;
        for (int groups = reader.ReadCount(int.MaxValue, "local declarations", 2); groups > 0; groups--)
        {
            int at = reader.Position;
            uint count = reader.ReadLocalGroup(out ValType type);
            if (count > (uint)(ImplementationLimits.Locals - _localCount))
                MalformedModuleException.Throw($"too many locals: the implementation limit is {ImplementationLimits.Locals}, parameters counted", at);
            CheckType(type, at);
            ReserveLocals(_localCount + (int)count);
            new Span<int>(_locals + _localCount, (int)count).Fill(type.IsDefaultable ? type.Bits : type.Bits | Uninitialized);
            _localCount += (int)count;
        }

        return reader.Position;
    }

    private void ReserveLocals(int count)
    {
        if (count <= _localArray.Length)
            return;
        int[] grown = GC.AllocateUninitializedArray<int>(Math.Max(count, Math.Max(256, _localArray.Length * 2)), pinned: true);
        _localArray.AsSpan(0, _localCount).CopyTo(grown);
        _localArray = grown;
        _locals = (int*)ValidationContext.Address(grown);
    }

    private void AllocateStack(int capacity)
    {
        _stackArray = GC.AllocateUninitializedArray<int>(Math.Max(4096, capacity + (capacity / 4)), pinned: true);
        _stack = (int*)ValidationContext.Address(_stackArray);
        _stackEnd = _stack + _stackArray.Length;
    }

    // Restores invariant 1 before an instruction pushes as many values as a signature says.
    private void Reserve(int count)
    {
        long used = _sp - _stack;
        if (used + count > ImplementationLimits.OperandStack)
            Fail($"too many operands on the stack: the implementation limit is {ImplementationLimits.OperandStack}");
        long needed = used + count + (_bodyEnd - _at) + 16;
        if (needed <= _stackEnd - _stack)
            return;
        int[] old = _stackArray;
        long bottom = _bottom - _stack;
        AllocateStack((int)needed);
        old.AsSpan(0, (int)used).CopyTo(_stackArray);
        _sp = _stack + used;
        _bottom = _stack + bottom;
    }

    private void GrowFrames()
    {
        // One more than the blocks, for the function itself: the array never grows beyond the limit, which is thereby exact.
        int length = Math.Min(Math.Max(128, _frameArray.Length * 2), ImplementationLimits.BlockNesting + 1);
        Frame[] grown = GC.AllocateUninitializedArray<Frame>(length, pinned: true);
        _frameArray.CopyTo(grown, 0);
        _frameArray = grown;
        _frames = (Frame*)ValidationContext.Address(grown);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Push(int type) => *_sp++ = type;

    /// <summary>Pops a value of any type; the bottom type where unreachable code has none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Pop()
    {
        if (_sp > _bottom)
            return *--_sp;
        if (!_frames[_depth - 1].IsUnreachable)
            Underflow("any");
        return 0;
    }

    /// <summary>Pops a value that must match a type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Pop(int expected)
    {
        if (_sp > _bottom && _sp[-1] == expected)
            return *--_sp;
        return PopSlow(expected);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int PopSlow(int expected)
    {
        if (_sp <= _bottom && !_frames[_depth - 1].IsUnreachable)
            Underflow(Text(expected));
        int actual = Pop();
        if (!_context.IsSubtype(actual, expected))
            Mismatch(Text(expected), Text(actual));
        return actual;
    }

    /// <summary>Pops a reference of any type; the bottom type in unreachable code.</summary>
    private int PopReference()
    {
        int actual = Pop();
        if (actual != 0 && (actual & ValType.ReferenceBit) == 0)
            Mismatch("reference type", Text(actual));
        return actual;
    }

    private void PopAll(int* types, int count, string who = "instruction")
    {
        // Signatures of a thousand values are a way to make validation slow: one comparison of memory, where the types are just these.
        if (_sp >= _bottom + count && new ReadOnlySpan<int>(_sp - count, count).SequenceEqual(new ReadOnlySpan<int>(types, count)))
        {
            _sp -= count;
            return;
        }

        int* before = _sp;
        for (int i = count - 1; i >= 0; i--)
        {
            if (_sp > _bottom)
            {
                int actual = *--_sp;
                if (actual != types[i] && !_context.IsSubtype(actual, types[i]))
                    Mismatch(who, types, count, before);
            }
            else if (!_frames[_depth - 1].IsUnreachable)
            {
                Mismatch(who, types, count, before);
            }
        }
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Mismatch(string who, int* types, int count, int* before)
    {
        _sp = before;
        Fail($"type mismatch: {who} requires [{TypesText(types, count)}] but stack has [{StackText(count)}]");
    }

    private void PushAll(int* types, int count)
    {
        if (count > 1)
            Reserve(count);
        if (count < 16)
        {
            for (int i = 0; i < count; i++)
                *_sp++ = types[i];
            return;
        }

        new ReadOnlySpan<int>(types, count).CopyTo(new Span<int>(_sp, count));
        _sp += count;
    }

    /// <summary>The rest of the innermost block cannot be reached.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SetUnreachable()
    {
        _sp = _bottom;
        _frames[_depth - 1].IsUnreachable = true;
    }

    private void CheckType(ValType type, int at)
    {
        if (type.IsConcrete && type.Heap.TypeIndex >= _context.TypeCount)
            throw Invalid($"unknown type {type.Heap.TypeIndex}", at, null);
    }

    private static string Text(int type) => new ValType(type & ~Uninitialized).ToString();

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Mismatch(string required, string actual) => Fail($"type mismatch: instruction requires [{required}] but stack has [{actual}]");

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Underflow(string required) => Fail($"type mismatch: instruction requires [{required}] but stack has []");

    /// <summary>The current instruction breaks a rule.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Fail(string rule)
    {
        throw Invalid(rule, (int)(_at - _code), Opcodes.Name(CurrentOpcode()));
    }

    private Opcode CurrentOpcode()
    {
        WasmReader reader = new(_module.Bytes.Span, (int)(_at - _code), (int)(_bodyEnd - _code), _features);
        return reader.ReadOpcode();
    }

    [DoesNotReturn]
    private void Malformed(string problem) => MalformedModuleException.Throw(problem, _at - _code);

    private InvalidModuleException Invalid(string rule, int at, string? instruction) => new(
        rule,
        at,
        _functionIndex < 0 ? null : _functionIndex,
        _functionIndex < 0 ? null : _module.Names.Functions.Find(_functionIndex),
        instruction);

    private string StackText(int count)
    {
        StringBuilder text = new();
        int available = (int)Math.Min(count, _sp - _bottom);
        for (int i = available; i > 0; i--)
            text.Append(text.Length > 0 ? " " : "").Append(Text(_sp[-i]));
        return text.ToString();
    }

    private static string TypesText(int* types, int count)
    {
        StringBuilder text = new();
        for (int i = 0; i < count; i++)
            text.Append(i > 0 ? " " : "").Append(Text(types[i]));
        return text.ToString();
    }
}
