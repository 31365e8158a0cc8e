// Printing of types. Every type is written as a definition, in order, so that no type use adds one; a type use names its type by index or identifier and
// repeats parameters and results for the reader (where the index is good).
namespace Tarn.Wasm.Text;

internal sealed partial class WatPrinter
{
    private void TypeSection()
    {
        foreach (RecursionGroup group in _module.RecursionGroups)
        {
            bool written = group.IsExplicit && group.Length != 1;
            if (written)
            {
                Open("rec"u8);
                _output.Depth++;
            }

            for (int i = group.Start; i < group.Start + group.Length; i++)
                TypeField(i);
            if (!written)
                continue;
            _output.Depth--;
            _output.Close();
        }
    }

    private void TypeField(int index)
    {
        SubType type = _module.Types[index];
        Open("type"u8);
        Define(IndexSpace.Type, index);
        _output.Space();
        bool written = !type.IsFinal || type.HasSupertype;
        if (written)
        {
            Write(type.IsFinal ? "(sub final "u8 : "(sub "u8);
            if (type.HasSupertype)
            {
                Reference(IndexSpace.Type, type.Supertype);
                _output.Space();
            }
        }

        switch (type.Composite)
        {
            case CoreFunctionType function:
                Write("(func"u8);
                Signature(_output, function);
                break;
            case StructType structure:
                Write("(struct"u8);
                for (int i = 0; i < structure.Fields.Length; i++)
                    StructField(index, i, structure.Fields[i]);
                break;
            case ArrayType array:
                Write("(array "u8);
                FieldType(array.Element);
                break;
        }

        Write(written ? ")))"u8 : "))"u8);
    }

    private void StructField(int type, int field, FieldType fieldType)
    {
        Write(" (field"u8);
        if (FieldIdentifier(type, field) is string identifier)
        {
            _names.CountPrinted();
            _output.Space();
            Write(identifier);
        }
        else
        {
            _names.Annotate(_output, _names.Section.Fields.Find(type, field));
        }

        _output.Space();
        FieldType(fieldType);
        _output.Close();
    }

    /// <summary>The identifier of a field; where several fields of a type share a name, the first one's.</summary>
    private string? FieldIdentifier(int type, int field)
    {
        if (_fieldIdentifiers == null)
        {
            _fieldIdentifiers = [];
            HashSet<(int, string)> taken = [];
            for (int i = 0; i < _names.Section.Fields.Count; i++)
            {
                (int outer, int index, string? name) = _names.Section.Fields.At(i);
                if (!string.IsNullOrEmpty(name) && taken.Add((outer, name)))
                    _fieldIdentifiers.TryAdd((outer, index), TextOutput.Identifier(name));
            }
        }

        return _fieldIdentifiers.GetValueOrDefault((type, field));
    }

    private void FieldType(FieldType type)
    {
        if (type.IsMutable)
            Write("(mut "u8);
        ValueType(_output, type.Storage);
        if (type.IsMutable)
            _output.Close();
    }

    private void Signature(TextOutput target, CoreFunctionType type)
    {
        if (type.ParameterCount != 0)
            Types(target, " (param"u8, type.Parameters);
        if (type.ResultCount != 0)
            Types(target, " (result"u8, type.Results);
    }

    private void Types(TextOutput target, ReadOnlySpan<byte> form, ReadOnlySpan<ValType> types)
    {
        target.Write(form);
        foreach (ValType type in types)
        {
            target.Space();
            ValueType(target, type);
        }

        target.Close();
    }

    private CoreFunctionType? FunctionTypeAt(long typeIndex) =>
        typeIndex < _module.Types.Length ? _module.Types[(int)typeIndex].Composite as CoreFunctionType : null;

    private void TypeUse(TextOutput target, long typeIndex)
    {
        target.Write("(type "u8);
        Reference(target, IndexSpace.Type, typeIndex);
        target.Close();
        if (FunctionTypeAt(typeIndex) is CoreFunctionType type)
            Signature(target, type);
    }

    /// <summary>A function's type, its parameters with their names.</summary>
    private void FunctionType(int function)
    {
        int typeIndex = _module.Functions[function];
        EnterFunction(function);
        Write("(type "u8);
        Reference(IndexSpace.Type, typeIndex);
        _output.Close();
        if (FunctionTypeAt(typeIndex) is not CoreFunctionType type)
            return;
        int at = 0;
        Locals("param"u8, type.Parameters, ref at);
        if (type.ResultCount != 0)
            Types(_output, " (result"u8, type.Results);
    }

    private void TableType(CoreTableType type)
    {
        LimitsOf(type.Limits);
        _output.Space();
        ValueType(_output, type.Element);
    }

    private void MemoryType(CoreMemoryType type)
    {
        LimitsOf(type.Limits);
        if (type.PageSizeLog2 == 16)
            return;
        Write(" (pagesize "u8);
        _output.Number(1UL << type.PageSizeLog2);
        _output.Close();
    }

    private void LimitsOf(Limits limits)
    {
        if (limits.Is64)
            Write("i64 "u8);
        _output.Number(limits.Minimum);
        if (limits.HasMaximum)
        {
            _output.Space();
            _output.Number(limits.Maximum);
        }

        if (limits.IsShared)
            Write(" shared"u8);
    }

    private void GlobalType(CoreGlobalType type)
    {
        if (type.IsMutable)
            Write("(mut "u8);
        ValueType(_output, type.Type);
        if (type.IsMutable)
            _output.Close();
    }

    private void ValueType(TextOutput target, ValType type)
    {
        if (!type.IsReference || !type.IsConcrete)
        {
            target.Write(type.ToString());
            return;
        }

        target.Write(type.IsNullable ? "(ref null "u8 : "(ref "u8);
        HeapTypeOf(target, type.Heap);
        target.Close();
    }

    private void HeapTypeOf(TextOutput target, HeapType type)
    {
        if (type.IsConcrete)
            Reference(target, IndexSpace.Type, type.TypeIndex);
        else
            target.Write(type.ToString());
    }
}
