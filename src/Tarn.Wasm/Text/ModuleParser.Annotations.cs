// Annotations that mean something (specification 7.5): custom sections by @custom with their placement, names by @name, branch hints by
// @metadata.code.branch_hint. An annotation is noted with the token that it stands before; whoever may have one there takes it, and stepping over
// a token whose annotations were not taken is the error "misplaced".
using System.Diagnostics.CodeAnalysis;

namespace Tarn.Wasm.Text;

internal ref partial struct ModuleParser
{
    private const int AfterLast = 1000;

    private List<CustomSection>? _customs;
    private ByteBuffer? _hints;
    private ByteBuffer? _functionHints;
    private uint _hintedFunctions;
    private uint _functionHintCount;
    private int _nextAnnotation;

    /// <summary>A custom section and where it goes: three steps for each section, of which the middle one is the section itself.</summary>
    private readonly record struct CustomSection(int Place, byte[] Content);

    /// <summary>Sections in the order of the binary format.</summary>
    private static ReadOnlySpan<byte> SectionOrder => [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

    /// <summary>Takes the annotations of module fields that stand before the current token.</summary>
    private void TakeModuleAnnotations(bool atStart, bool named)
    {
        while (TryTakeAnnotation(AnnotationKind.Custom, out Annotation annotation) || (atStart && TryTakeAnnotation(AnnotationKind.Name, out annotation)))
        {
            if (annotation.Kind == AnnotationKind.Custom)
            {
                (_customs ??= []).Add(ParseCustom(annotation));
                continue;
            }

            if (named)
                FailAt(annotation.Start, annotation.End, "@name annotation: multiple module");
            named = true;
            _moduleName = ParseName(annotation);
        }
    }

    private byte[]? TakeName() => TryTakeAnnotation(AnnotationKind.Name, out Annotation annotation) ? ParseName(annotation) : null;

    /// <summary>The branch hint before the current token, -1 where there is none.</summary>
    private int TakeBranchHint()
    {
        if (!TryTakeAnnotation(AnnotationKind.BranchHint, out Annotation annotation))
            return -1;
        if (!_inFunction)
            FailAt(annotation.Start, annotation.End, "@metadata.code.branch_hint annotation: not in a function");
        if (Current.Annotated && _tokens.Annotations[_nextAnnotation].Kind == AnnotationKind.BranchHint)
            FailAt(annotation.Start, annotation.End, "@metadata.code.branch_hint annotation: duplicate annotation");
        ModuleParser inner = Inside(annotation);
        byte[] value = inner.Kind == TokenKind.String ? inner.String() : [];
        if (inner.Kind != TokenKind.End || value.Length != 1 || value[0] > 1)
            FailAt(annotation.Start, annotation.End, "@metadata.code.branch_hint annotation: malformed, expected \"\\00\" or \"\\01\"");
        return value[0];
    }

    /// <summary>Keeps a hint for the instruction that is about to be emitted.</summary>
    private void NoteHint(int hint, int offset)
    {
        if (hint < 0)
            return;
        _functionHints ??= new ByteBuffer();
        _functionHints.U32((uint)offset);
        _functionHints.U32(1);
        _functionHints.Byte((byte)hint);
        _functionHintCount++;
    }

    private void FlushHints()
    {
        if (_functionHintCount == 0)
            return;
        _hints ??= new ByteBuffer();
        _hints.U32(_functionIndex);
        _hints.U32(_functionHintCount);
        _hints.Bytes(_functionHints!);
        _functionHints!.Clear();
        _functionHintCount = 0;
        _hintedFunctions++;
    }

    private bool TryTakeAnnotation(AnnotationKind kind, out Annotation annotation)
    {
        annotation = default;
        ref Token token = ref Current;
        if (!token.Annotated)
            return false;
        FindAnnotation();
        annotation = _tokens.Annotations[_nextAnnotation];
        if (annotation.Kind != kind)
            return false;
        _nextAnnotation++;
        token.Annotated = _nextAnnotation < _tokens.Annotations.Count && _tokens.Annotations[_nextAnnotation].Token == _at;
        return true;
    }

    /// <summary>The walks over types and over fields each pass annotations in order, but one after the other.</summary>
    private void FindAnnotation()
    {
        List<Annotation> all = _tokens.Annotations;
        if (_nextAnnotation < all.Count && _nextAnnotation > 0 && all[_nextAnnotation].Token == _at)
            return;
        int low = 0, high = all.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (all[middle].Token < _at)
                low = middle + 1;
            else
                high = middle;
        }

        _nextAnnotation = low;
    }

    [DoesNotReturn]
    private void RefuseAnnotations()
    {
        FindAnnotation();
        Annotation annotation = _tokens.Annotations[_nextAnnotation];
        string reason = annotation.Kind switch
        {
            AnnotationKind.Custom => "misplaced @custom annotation",
            AnnotationKind.Name => "misplaced @name annotation",
            _ => _inFunction
                ? "@metadata.code.branch_hint annotation: invalid target, only br_if and if can be hinted"
                : "@metadata.code.branch_hint annotation: not in a function",
        };
        FailAt(annotation.Start, annotation.End, reason);
    }

    private readonly ModuleParser Inside(Annotation annotation) =>
        new(_source, Lexer.Run(_source, annotation.Content, annotation.End - 1, _fileName), _fileName, _options);

    private readonly byte[] ParseName(Annotation annotation)
    {
        ModuleParser inner = Inside(annotation);
        if (inner.Kind != TokenKind.String)
            FailAt(annotation.Start, annotation.End, "@name annotation: unexpected token, expected a name in quotes");
        if (!StringLiteral.IsUtf8(inner.Text))
            FailAt(annotation.Start, annotation.End, "@name annotation: malformed UTF-8 encoding");
        byte[] name = inner.String();
        if (inner.Kind != TokenKind.End)
            FailAt(annotation.Start, annotation.End, "@name annotation: unexpected token after the name");
        return name;
    }

    private readonly CustomSection ParseCustom(Annotation annotation)
    {
        ModuleParser inner = Inside(annotation);
        if (inner.Kind != TokenKind.String)
            FailAt(annotation.Start, annotation.End, "@custom annotation: missing section name");
        if (!StringLiteral.IsUtf8(inner.Text))
            FailAt(annotation.Start, annotation.End, "@custom annotation: malformed UTF-8 encoding");
        ByteBuffer content = new();
        content.Counted(inner.String());
        int place = AfterLast;
        if (inner.Kind == TokenKind.Open)
        {
            inner.Advance();
            bool before = inner.Is(inner._at, "before"u8);
            if (!before && !inner.Is(inner._at, "after"u8))
                FailAt(annotation.Start, annotation.End, "@custom annotation: malformed placement, expected (before …) or (after …)");
            inner.Advance();
            int section = inner.Kind == TokenKind.Keyword ? SectionPlace(inner.Text) : -1;
            place = inner.Is(inner._at, "first"u8) && before ? 0
                : inner.Is(inner._at, "last"u8) && !before ? AfterLast
                : section < 0 ? -1
                : before ? section - 1 : section + 1;
            if (place < 0)
                FailAt(annotation.Start, annotation.End, "@custom annotation: malformed section kind");
            inner.Advance();
            if (inner.Kind != TokenKind.Close)
                FailAt(annotation.Start, annotation.End, "@custom annotation: unexpected token in the placement");
            inner.Advance();
        }

        while (inner.Kind == TokenKind.String)
        {
            StringLiteral.AppendTo(content, inner.Text);
            inner.Advance();
        }

        if (inner.Kind != TokenKind.End)
            FailAt(annotation.Start, annotation.End, "@custom annotation: unexpected token");
        return new CustomSection(place, content.ToArray());
    }

    private static int SectionPlace(ReadOnlySpan<byte> name)
    {
        int id = name.SequenceEqual("type"u8) ? 1
            : name.SequenceEqual("import"u8) ? 2
            : name.SequenceEqual("func"u8) ? 3
            : name.SequenceEqual("table"u8) ? 4
            : name.SequenceEqual("memory"u8) ? 5
            : name.SequenceEqual("global"u8) ? 6
            : name.SequenceEqual("export"u8) ? 7
            : name.SequenceEqual("start"u8) ? 8
            : name.SequenceEqual("elem"u8) ? 9
            : name.SequenceEqual("code"u8) ? 10
            : name.SequenceEqual("data"u8) ? 11
            : name.SequenceEqual("datacount"u8) ? 12
            : name.SequenceEqual("tag"u8) ? 13
            : -1;
        int order = id < 0 ? -1 : SectionOrder.IndexOf((byte)id);
        return order < 0 ? -1 : (order * 3) + 2;
    }
}
