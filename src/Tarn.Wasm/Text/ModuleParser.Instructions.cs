// Function bodies and expressions (specification 6.5): plain and folded instructions in one loop over tokens with an explicit stack of frames.
//
// A folded instruction's own bytes go out after those of its operands. Until then they wait in _pending, which is a stack: the frame remembers where
// its bytes begin, and whatever is above them belongs to frames inside it that have closed.
//
//   frame              opened by          body              closed by
//   Plain block/if     block, loop, if    instructions      end (else in between)
//   FoldedOperands     (instruction …     folded operands   )       emits the pending bytes
//   FoldedBlock        (block …           instructions      )       emits end
//   FoldedIf           (if …              folded condition  (then …, which emits the pending `if` and opens its label
//   FoldedThen/Else    (then … / (else …  instructions      )
//   FoldedIfRest       after then         (else …           )       emits end
//   Plain try/catch    try, catch         instructions      end, delegate (catches in between)
//   FoldedTry          (try …             (do …
//   FoldedTryRest      after do           (catch …, (delegate …     )       emits end
//   FoldedCatches      after a catch      (catch …          )       emits end; after catch_all FoldedCaught, which takes nothing more
//   FoldedDelegated    after delegate                       )
namespace Tarn.Wasm.Text;

internal ref partial struct ModuleParser
{
    private readonly ByteBuffer _body = new(256);
    private readonly ByteBuffer _pending = new();
    private readonly ByteBuffer _localTypes = new();
    private readonly ByteBuffer _localType = new();
    private Frame[] _frames = new Frame[16];
    private int _frameCount;
    private int _functionStamp;
    private uint _functionIndex;
    private uint _labelOrdinal;
    private int _labelDepth;
    private bool _inFunction;

    private enum FrameKind : byte
    {
        PlainBlock,
        PlainIf,
        PlainTry,
        PlainCatch,
        FoldedOperands,
        FoldedBlock,
        FoldedIf,
        FoldedThen,
        FoldedIfRest,
        FoldedElse,
        FoldedTry,
        FoldedTryRest,
        FoldedCatches,
        FoldedCaught,
        FoldedDelegated,
    }

    /// <summary>An open block or folded instruction.</summary>
    private struct Frame
    {
        public FrameKind Kind;
        public sbyte Hint;

        /// <summary>Where its bytes start in the pending buffer.</summary>
        public int Pending;

        /// <summary>The token that opened it, for messages.</summary>
        public int Token;

        /// <summary>The label's symbol (-1: none) and the depth of the label that it shadows.</summary>
        public int Label;
        public int Shadowed;
    }

    private void Function()
    {
        int field = _at;
        if (Head(IndexSpace.Function, out _))
            return;
        _functionCount++;
        _functions.U32(TypeUse(ParameterNames.Bound));
        int locals = _parameterCount;
        _localTypes.Clear();
        _localType.Clear();
        uint groups = 0, run = 0;
        int runStart = 0;
        while (TryForm("local"u8))
        {
            bool single = Kind == TokenKind.Identifier || Current.Annotated;
            if (single)
                BindLocal((uint)locals);
            while (Kind != TokenKind.Close)
            {
                int start = _localType.Count;
                ValueType(_localType);
                locals++;
                if (run != 0 && _localType.Slice(runStart, start - runStart).SequenceEqual(_localType.Slice(start, _localType.Count - start)))
                {
                    run++;
                    _localType.Truncate(start);
                }
                else
                {
                    FlushLocals(ref groups, run, runStart, start);
                    runStart = start;
                    run = 1;
                }

                if (single)
                    break;
            }

            Close();
        }

        FlushLocals(ref groups, run, runStart, _localType.Count);
        _body.Clear();
        _body.U32(groups);
        _body.Bytes(_localTypes);
        _labelOrdinal = 0;
        _inFunction = true;
        Instructions(_body);
        if (Current.Annotated)
            RefuseAnnotations();
        Mark(_body, _at);
        _inFunction = false;
        _body.Byte(0x0B);
        _codes.Counted(_body.Span);
        _options.Positions?.EndBody(_codes.Count - _body.Count, _tokens[field]);
        FlushHints();
    }

    private readonly void FlushLocals(ref uint groups, uint run, int start, int end)
    {
        if (run == 0)
            return;
        _localTypes.U32(run);
        _localTypes.Bytes(_localType.Slice(start, end - start));
        groups++;
    }

    /// <summary>A constant expression up to the closing parenthesis around it.</summary>
    private void Expression(ByteBuffer target)
    {
        _functionStamp++;
        Instructions(target);
        target.Byte(0x0B);
    }

    /// <summary>A constant expression of a single folded instruction.</summary>
    private void FoldedExpression(ByteBuffer target)
    {
        _functionStamp++;
        Instructions(target, single: true);
        target.Byte(0x0B);
    }

    /// <summary>Instructions up to a closing parenthesis that is not theirs, or one folded instruction.</summary>
    private void Instructions(ByteBuffer code, bool single = false)
    {
        while (true)
        {
            bool inFrame = _frameCount != 0;
            FrameKind frame = inFrame ? _frames[_frameCount - 1].Kind : default;
            bool isTry = inFrame && frame >= FrameKind.FoldedTry;
            switch (Kind)
            {
                case TokenKind.Open when isTry:
                    TryPart(code, frame);
                    break;
                case TokenKind.Keyword when !isTry && !(inFrame && frame is FrameKind.FoldedOperands or FrameKind.FoldedIf or FrameKind.FoldedIfRest):
                    PlainInstruction(code);
                    break;
                case TokenKind.Open when inFrame && frame == FrameKind.FoldedIf && Is(_at + 1, "then"u8):
                    Then(code);
                    break;
                case TokenKind.Open when inFrame && frame == FrameKind.FoldedIfRest:
                    if (!TryForm("else"u8))
                        Unexpected("(else …) or ')'");
                    Mark(code, _at - 1);
                    code.Byte(0x05);
                    Push(FrameKind.FoldedElse, -1, _at - 1);
                    break;
                case TokenKind.Open:
                    FoldedInstruction(code);
                    break;
                case TokenKind.Close when inFrame:
                    CloseFolded(code, frame);
                    if (single && _frameCount == 0)
                        return;
                    break;
                case TokenKind.Close:
                    return;
                default:
                    Unexpected("an instruction");
                    break;
            }
        }
    }

    // The place of an instruction in the body, for messages about it. Constant expressions are told by their field.
    private readonly void Mark(ByteBuffer code, int token)
    {
        if (_inFunction)
            _options.Positions?.Instruction(code.Count, _tokens[token]);
    }

    private void PlainInstruction(ByteBuffer code)
    {
        Mark(code, _at);
        int hint = Current.Annotated ? TakeBranchHint() : -1;
        Opcode opcode = InstructionName();
        int token = _at;
        switch (opcode)
        {
            case Opcode.End:
                Advance();
                if (_frameCount == 0 || _frames[_frameCount - 1].Kind is not (FrameKind.PlainBlock or FrameKind.PlainIf or FrameKind.PlainTry or FrameKind.PlainCatch))
                    Fail(token, "unexpected token 'end': no block is open here");
                MatchLabel();
                PopLabel();
                code.Byte(0x0B);
                break;
            case Opcode.Else:
                Advance();
                if (_frameCount == 0 || _frames[_frameCount - 1].Kind != FrameKind.PlainIf)
                    Fail(token, "unexpected token 'else': no if is open here");
                _frames[_frameCount - 1].Kind = FrameKind.PlainBlock;
                MatchLabel();
                code.Byte(0x05);
                break;
            case Opcode.Catch or Opcode.CatchAll:
                Advance();
                if (_frameCount == 0 || _frames[_frameCount - 1].Kind is not (FrameKind.PlainTry or FrameKind.PlainCatch))
                    Fail(token, $"unexpected token '{Opcodes.Name(opcode)}': no try is open here");
                _frames[_frameCount - 1].Kind = opcode == Opcode.Catch ? FrameKind.PlainCatch : FrameKind.PlainBlock;
                code.Byte((byte)opcode);
                if (opcode == Opcode.Catch)
                    code.U32(Index(IndexSpace.Tag));
                break;
            case Opcode.Delegate:
                Advance();
                if (_frameCount == 0 || _frames[_frameCount - 1].Kind != FrameKind.PlainTry)
                    Fail(token, "unexpected token 'delegate': no try is open here, or it has had a catch");
                PopLabel();
                code.Byte((byte)opcode);
                code.U32(Label());
                break;
            case Opcode.Block or Opcode.Loop or Opcode.If or Opcode.TryTable or Opcode.Try:
                if (opcode == Opcode.If)
                    NoteHint(hint, code.Count);
                else if (hint >= 0)
                    RefuseHint(token);
                Advance();
                int label = OptionalLabel(out byte[]? name);
                code.Byte((byte)opcode);
                BlockType(code);
                if (opcode == Opcode.TryTable)
                    CatchClauses(code);
                Push(opcode switch { Opcode.If => FrameKind.PlainIf, Opcode.Try => FrameKind.PlainTry, _ => FrameKind.PlainBlock }, -1, token);
                PushLabel(label, name);
                break;
            default:
                if (opcode == Opcode.BrIf)
                    NoteHint(hint, code.Count);
                else if (hint >= 0)
                    RefuseHint(token);
                Advance();
                Encode(opcode, code);
                break;
        }
    }

    private void FoldedInstruction(ByteBuffer code)
    {
        int hint = Current.Annotated ? TakeBranchHint() : -1;
        Advance();
        if (Current.Annotated && hint < 0)
            hint = TakeBranchHint();
        int token = _at;
        if (Kind != TokenKind.Keyword)
            Fail(_at, Kind is TokenKind.Open or TokenKind.Close or TokenKind.End ? "unexpected token: expected an instruction" : "unknown operator: expected an instruction");
        Opcode opcode = InstructionName();
        if (hint >= 0 && opcode is not (Opcode.If or Opcode.BrIf))
            RefuseHint(token);
        Advance();
        int pending = _pending.Count;
        switch (opcode)
        {
            case Opcode.End or Opcode.Else or Opcode.Catch or Opcode.CatchAll or Opcode.Delegate:
                _at = token;
                Unexpected("an instruction");
                break;
            case Opcode.Block or Opcode.Loop or Opcode.TryTable or Opcode.Try:
                int label = OptionalLabel(out byte[]? name);
                Mark(code, token);
                code.Byte((byte)opcode);
                BlockType(code);
                if (opcode == Opcode.TryTable)
                    CatchClauses(code);
                Push(opcode == Opcode.Try ? FrameKind.FoldedTry : FrameKind.FoldedBlock, -1, token);
                PushLabel(label, name);
                break;
            case Opcode.If:
                // The label is open in the branches only; until then the frame keeps its symbol.
                int ifLabel = OptionalLabel(out byte[]? ifName);
                _pending.Byte(0x04);
                BlockType(_pending);
                Push(FrameKind.FoldedIf, hint, token);
                _frames[_frameCount - 1].Pending = pending;
                _frames[_frameCount - 1].Label = ifLabel;
                if (ifName != null)
                    (_givenLabelNames ??= []).Add(token, ifName);
                break;
            default:
                Encode(opcode, _pending);
                Push(FrameKind.FoldedOperands, opcode == Opcode.BrIf ? hint : -1, token);
                _frames[_frameCount - 1].Pending = pending;
                break;
        }
    }

    private void Then(ByteBuffer code)
    {
        ref Frame frame = ref _frames[_frameCount - 1];
        NoteHint(frame.Hint, code.Count);
        Mark(code, frame.Token);
        code.Bytes(_pending, frame.Pending);
        _pending.Truncate(frame.Pending);
        frame.Kind = FrameKind.FoldedIfRest;
        byte[]? name = null;
        _givenLabelNames?.Remove(frame.Token, out name);
        PushLabel(frame.Label, name);
        Advance();
        Advance();
        Push(FrameKind.FoldedThen, -1, _at - 1);
    }

    // What may stand in a folded try: (do …) first, then either (delegate …) or any number of (catch …) and at most one (catch_all …).
    private void TryPart(ByteBuffer code, FrameKind kind)
    {
        int token = _at + 1;
        if (kind == FrameKind.FoldedTry)
        {
            if (!TryForm("do"u8))
                Unexpected("(do …)");
            _frames[_frameCount - 1].Kind = FrameKind.FoldedTryRest;
        }
        else if (kind is FrameKind.FoldedTryRest or FrameKind.FoldedCatches && TryForm("catch"u8))
        {
            _frames[_frameCount - 1].Kind = FrameKind.FoldedCatches;
            Mark(code, token);
            code.Byte((byte)Opcode.Catch);
            code.U32(Index(IndexSpace.Tag));
        }
        else if (kind is FrameKind.FoldedTryRest or FrameKind.FoldedCatches && TryForm("catch_all"u8))
        {
            _frames[_frameCount - 1].Kind = FrameKind.FoldedCaught;
            Mark(code, token);
            code.Byte((byte)Opcode.CatchAll);
        }
        else if (kind == FrameKind.FoldedTryRest && TryForm("delegate"u8))
        {
            // The label is counted from outside of the try.
            PopLabel();
            Mark(code, token);
            code.Byte((byte)Opcode.Delegate);
            code.U32(Label());
            Close();
            Push(FrameKind.FoldedDelegated, -1, token);
            return;
        }
        else
        {
            Unexpected("')'");
        }

        Push(FrameKind.FoldedThen, -1, token);
    }

    private void CloseFolded(ByteBuffer code, FrameKind kind)
    {
        ref Frame frame = ref _frames[_frameCount - 1];
        switch (kind)
        {
            case FrameKind.FoldedOperands:
                NoteHint(frame.Hint, code.Count);
                Mark(code, frame.Token);
                code.Bytes(_pending, frame.Pending);
                _pending.Truncate(frame.Pending);
                _frameCount--;
                break;
            case FrameKind.FoldedBlock or FrameKind.FoldedIfRest or FrameKind.FoldedTryRest or FrameKind.FoldedCatches or FrameKind.FoldedCaught:
                Mark(code, _at);
                code.Byte(0x0B);
                PopLabel();
                break;
            case FrameKind.FoldedThen or FrameKind.FoldedDelegated:
                _frameCount--;
                break;
            case FrameKind.FoldedTry:
                Unexpected("(do …)");
                break;
            case FrameKind.FoldedElse:
                // Nothing but the closing parenthesis of the if may follow.
                _frameCount--;
                Advance();
                if (Kind != TokenKind.Close)
                    Unexpected("')'");
                return;
            case FrameKind.FoldedIf:
                Unexpected("(then …)");
                break;
            default:
                Unexpected($"the end of the block that line {TextFormatException.LineOf(_source, _tokens[frame.Token].Start).Line} opens");
                break;
        }

        Advance();
    }

    /// <summary>The instruction that the current token names.</summary>
    private readonly Opcode InstructionName()
    {
        if (!Opcodes.TryFind(Text, out Opcode opcode))
            Unexpected("an instruction");
        if (Opcodes.IsLegacy(opcode) && (_options.Features & WasmFeatures.LegacyExceptions) == 0)
            Fail(_at, $"unexpected token: '{Opcodes.Name(opcode)}' is a legacy exception instruction, which needs the feature LegacyExceptions, which is off; use try_table");
        return opcode;
    }

    private readonly void RefuseHint(int token) =>
        Fail(token, "@metadata.code.branch_hint annotation: invalid target, only br_if and if can be hinted");

    private void Push(FrameKind kind, int hint, int token)
    {
        if (_frameCount == _frames.Length)
            Array.Resize(ref _frames, _frameCount * 2);
        ref Frame frame = ref _frames[_frameCount++];
        frame.Kind = kind;
        frame.Hint = (sbyte)hint;
        frame.Token = token;
        frame.Label = -1;
        frame.Pending = _pending.Count;
    }
}
