// Printing of function bodies and constant expressions as flat instructions; folded bodies go through FoldedCode. Blocks nest on a list, not on the stack.
using System.Runtime.InteropServices;
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Text;

internal sealed partial class WatPrinter
{
    // Looking past this many labels for one that shadows another would be quadratic in hostile code; numbers are always right.
    private const int ShadowSearch = 64;

    private readonly List<string?> _labels = [];
    private readonly HashSet<string> _localNames = new(StringComparer.Ordinal);
    private Dictionary<int, string>? _localIdentifiers;
    private Dictionary<(int, int), string>? _fieldIdentifiers;
    private int _function = -1;
    private int _labelOrdinal;

    private void EnterFunction(int function)
    {
        _function = function;
        _labelOrdinal = 0;
        _labels.Clear();
        _localNames.Clear();
        _localIdentifiers?.Clear();
    }

    private void FunctionField(int index)
    {
        Open("func"u8);
        Define(IndexSpace.Function, index);
        _output.Space();
        FunctionType(index);
        int definedIndex = index - _module.ImportedFunctionCount;
        WasmReader reader = _module.ReadBody(definedIndex);
        _output.Depth++;
        LocalDeclarations(ref reader, FunctionTypeAt(_module.Functions[index])?.ParameterCount ?? 0);
        int start = _module.Bodies[definedIndex].Offset;
        if (_options.Folded && !HasLegacyTry(reader))
            FoldedBody(ref reader, start);
        else
            FlatBody(ref reader, start);
        _output.Depth--;
        _output.Close();
        _function = -1;
    }

    private void LocalDeclarations(ref WasmReader reader, int at)
    {
        long all = 0;
        List<ValType>? types = null;
        for (uint groups = reader.ReadVarU32(); groups > 0; groups--)
        {
            int position = reader.Position;
            uint count = reader.ReadLocalGroup(out ValType type);
            all += count;
            if (all > ImplementationLimits.Locals)
                throw new MalformedModuleException("too many locals", position);
            types ??= [];
            CollectionsMarshal.SetCount(types, (int)all);
            CollectionsMarshal.AsSpan(types)[^(int)count..].Fill(type);
        }

        if (all == 0)
            return;
        _output.Line();
        Locals("local"u8, CollectionsMarshal.AsSpan(types), ref at);
    }

    /// <summary>Parameters or locals: named ones by themselves, others together.</summary>
    private void Locals(ReadOnlySpan<byte> form, ReadOnlySpan<ValType> types, ref int index)
    {
        bool open = false;
        bool atLineStart = form[0] == 'l';
        foreach (ValType type in types)
        {
            string? name = _names.Section.Locals.Find(_function, index);
            if (open && name != null)
            {
                _output.Close();
                open = false;
            }

            if (!open)
            {
                if (!atLineStart)
                    _output.Space();
                atLineStart = false;
                Write("("u8);
                Write(form);
                open = true;
            }

            if (!string.IsNullOrEmpty(name) && _localNames.Add(name))
            {
                string identifier = TextOutput.Identifier(name);
                (_localIdentifiers ??= [])[index] = identifier;
                _names.CountPrinted();
                _output.Space();
                Write(identifier);
            }
            else
            {
                _names.Annotate(_output, name);
            }

            _output.Space();
            ValueType(_output, type);
            if (name != null)
            {
                _output.Close();
                open = false;
            }

            index++;
        }

        if (open)
            _output.Close();
    }

    private void FlatBody(ref WasmReader reader, int start)
    {
        int depth = _output.Depth;
        _labels.Add(null);
        while (true)
        {
            int offset = reader.Position - start;
            Opcode opcode = reader.ReadOpcode();
            if (opcode is Opcode.End or Opcode.Else or Opcode.Catch or Opcode.CatchAll or Opcode.Delegate)
            {
                bool ends = opcode is Opcode.End or Opcode.Delegate;
                if (ends)
                    LeaveLabel();
                if (_labels.Count == 0)
                    break;
                _output.Depth = depth + _labels.Count - (ends ? 1 : 2);
                _output.Line();
                Instruction(_output, ref reader, opcode);
                _output.Depth = depth + _labels.Count - 1;
                continue;
            }

            _output.Line();
            Hint(_output, offset);
            Instruction(_output, ref reader, opcode);
            _output.Depth = depth + _labels.Count - 1;
        }

        CheckEnd(reader);
        _output.Depth = depth;
    }

    // Whose parts have no folded form here.
    private bool HasLegacyTry(WasmReader reader)
    {
        if ((_module.Features & WasmFeatures.LegacyExceptions) == 0)
            return false;
        while (!reader.IsAtEnd)
        {
            if (InstructionSkipper.Skip(ref reader) == Opcode.Try)
                return true;
        }

        return false;
    }

    private static void CheckEnd(WasmReader reader)
    {
        if (!reader.IsAtEnd)
            reader.Fail("unexpected bytes behind the end of a function");
    }

    private void LeaveLabel() => _labels.RemoveAt(_labels.Count - 1);

    /// <summary>A branch hint at this offset of the body, as an annotation.</summary>
    private bool Hint(TextOutput target, int offset)
    {
        if (_hints == null || !_hints.TryGetValue((_function, offset), out byte hint))
            return false;
        target.Write(hint != 0 ? "(@metadata.code.branch_hint \"\\01\") "u8 : "(@metadata.code.branch_hint \"\\00\") "u8);
        return true;
    }

    /// <summary>A constant expression: folded where it is one instruction (in its keyword's form otherwise), else plain instructions.</summary>
    private void Expression(ConstantExpression expression, ReadOnlySpan<byte> keyword)
    {
        int function = _function;
        _function = -1;
        WasmReader reader = _module.Read(expression);
        WasmReader ahead = reader;
        Opcode first = InstructionSkipper.Skip(ref ahead);
        bool single = first is not (Opcode.End or Opcode.Block or Opcode.Loop or Opcode.If or Opcode.TryTable or Opcode.Try) && ahead.Remaining == 1;
        _output.Space();
        if (single || !keyword.IsEmpty)
            Write("("u8);
        if (!single)
            Write(keyword);
        _labels.Clear();
        _labels.Add(null);
        for (bool spaced = single || keyword.IsEmpty; ; spaced = false)
        {
            Opcode opcode = reader.ReadOpcode();
            if (opcode == Opcode.End)
                LeaveLabel();
            if (_labels.Count == 0)
                break;
            if (!spaced)
                _output.Space();
            if (opcode is Opcode.End or Opcode.Else)
                Write(Opcodes.NameUtf8(opcode));
            else
                Instruction(_output, ref reader, opcode);
        }

        if (single || !keyword.IsEmpty)
            _output.Close();
        _function = function;
    }

    private string? LabelIdentifier(uint depth)
    {
        int at = _labels.Count - 1 - (int)Math.Min(depth, int.MaxValue);
        if (at < 0 || depth > ShadowSearch || _labels[at] is not string identifier)
            return null;
        for (int inner = at + 1; inner < _labels.Count; inner++)
        {
            if (_labels[inner] == identifier)
                return null;
        }

        return identifier;
    }
}
