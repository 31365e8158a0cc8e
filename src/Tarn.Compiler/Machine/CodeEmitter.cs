// From allocated machine instructions to bytes: what every target's emitter shares. Blocks come in the order of BlockLayout; between instructions stand the
// moves that the allocator decided on; the frame is FrameLayout's. A target derives from this class and emits prologue, instructions and moves.
using Tarn.Assembler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Allocate;

namespace Tarn.Compiler.Machine;

/// <summary>Emitter of machine code. One object serves one thread and is reused.</summary>
/// <param name="registers">The target's registers.</param>
/// <param name="innerAlignment">Bytes to which innermost loops are aligned.</param>
/// <param name="outerAlignment">Bytes to which other loops are aligned.</param>
internal abstract class CodeEmitter(RegisterFile registers, int innerAlignment, int outerAlignment)
{
    /// <summary>The order of the blocks.</summary>
    private protected readonly BlockLayout _layout = new(innerAlignment, outerAlignment);

    /// <summary>The function being emitted.</summary>
    private protected MachineFunction _machine = null!;

    /// <summary>Where its values are.</summary>
    private protected Allocation _allocation = null!;

    /// <summary>Its frame.</summary>
    private protected FrameLayout _frame;

    /// <summary>The instruction that defines each virtual register that is rematerialised; −1 for the others.</summary>
    private protected GrowableArray<int> _definitions = new(1024);

    /// <summary>Trap sites in the order of emission.</summary>
    private protected GrowableArray<TrapSite> _trapSites = new(64);

    /// <summary>Call sites in the order of emission.</summary>
    private protected GrowableArray<CallSite> _callSites = new(64);
    private GrowableArray<int> _references = new(64);

    /// <summary>Handlers of calls in the order of emission.</summary>
    private protected GrowableArray<HandlerPlace> _handlers = new(16);

    /// <summary>The block being emitted.</summary>
    private protected int _current;

    /// <summary>The block that is emitted next, or −1.</summary>
    private protected int _next;

    private Label _firstLabel;

    /// <summary>Code, without relocations applied.</summary>
    public abstract ReadOnlySpan<byte> Code { get; }

    /// <summary>Trap sites by offset.</summary>
    public ReadOnlySpan<TrapSite> TrapSites => _trapSites.Span;

    /// <summary>Return addresses by offset.</summary>
    public ReadOnlySpan<CallSite> CallSites => _callSites.Span;

    /// <summary>Places of managed references at calls: for each list its length, then the numbers of slots, or the complements of registers.</summary>
    public ReadOnlySpan<int> References => _references.Span;

    /// <summary>The function's exception handlers; <see langword="null"/> if there are none.</summary>
    public HandlerTable? ToHandlerTable()
    {
        if (_handlers.Count == 0)
        {
            return null;
        }

        var sites = new HandlerSite[_handlers.Count];
        for (var k = 0; k < sites.Length; k++)
        {
            ref var handler = ref _handlers[k];
            sites[k] = new HandlerSite(_callSites[handler.CallSite].ReturnOffset, OffsetOf(handler.Landing), handler.Scope);
        }

        return new HandlerTable(sites, _machine.HandlerScopes.Span.ToArray());
    }

    /// <summary>What the frame keeps of the caller's registers, in the target's own form: a search for a handler puts them back on its way up.</summary>
    public abstract byte SavedRegisters { get; }

    /// <summary>Bytes from the stack pointer to the return address.</summary>
    public virtual int FrameSize => _frame.Size;

    /// <summary>
    /// Receives where the code of each instruction begins, and the offset in the module of the instruction that it comes from, or −1; in order of code. Null unless a
    /// listing is made.
    /// </summary>
    public List<(int Offset, int Source)>? Marks { get; set; }

    /// <summary>Emits a function.</summary>
    public void Emit(MachineFunction machine, Allocation allocation)
    {
        _machine = machine;
        _allocation = allocation;
        _frame = new FrameLayout(machine, allocation, registers);
        _trapSites.Clear();
        _callSites.Clear();
        _references.Clear();
        _handlers.Clear();
        BeginFunction();
        FindDefinitions();
        _firstLabel = NewLabels(machine.Blocks.Count);
        _layout.Prepare(machine, allocation);
        EmitPrologue();
        var order = _layout.Order;
        for (var k = 0; k < order.Length; k++)
        {
            EmitBlock(order[k], k + 1 < order.Length ? order[k + 1] : -1);
        }

        Marks?.Add((Offset, -1));
        FinishFunction();
        for (var k = 0; k < (Marks?.Count ?? 0); k++)
        {
            Marks![k] = (MapOffset(Marks[k].Offset), Marks[k].Source);
        }

        foreach (ref var site in _trapSites.Span)
        {
            site = site with { Offset = MapOffset(site.Offset) };
        }

        foreach (ref var site in _callSites.Span)
        {
            site = site with { ReturnOffset = MapOffset(site.ReturnOffset) };
        }
    }

    /// <summary>Appends all relocations, by offset.</summary>
    public abstract void CopyRelocations(ref GrowableArray<Relocation> target);

    // ---- What a target provides: its assembler

    /// <summary>Resets the assembler and the target's own state.</summary>
    private protected abstract void BeginFunction();

    /// <summary>Makes labels with consecutive numbers.</summary>
    private protected abstract Label NewLabels(int count);

    /// <summary>The offset at the time of emission.</summary>
    private protected abstract int Offset { get; }

    /// <summary>Binds a label to the current offset.</summary>
    private protected abstract void Bind(Label label);

    /// <summary>Aligns the code, if that takes no more than some bytes of padding.</summary>
    private protected abstract void Align(int alignment, int most);

    /// <summary>Aligns the code.</summary>
    private protected abstract void Align(int alignment);

    /// <summary>Where an offset at the time of emission is in the finished code.</summary>
    private protected abstract int MapOffset(int offset);

    /// <summary>Where a label is in the finished code.</summary>
    private protected abstract int OffsetOf(Label label);

    /// <summary>Emits what follows the blocks, and finishes the code.</summary>
    private protected abstract void FinishFunction();

    // ---- and its instructions

    /// <summary>Emits the stack check and sets up the frame.</summary>
    private protected abstract void EmitPrologue();

    /// <summary>Emits an instruction.</summary>
    private protected abstract void EmitInstruction(int i, ref MachineInstruction instruction);

    /// <summary>Forgets what is known of flags and registers.</summary>
    private protected abstract void BeginBlock();

    /// <summary>Forgets what a move makes obsolete of what is known of flags and registers.</summary>
    private protected abstract void BeforeMove(in AllocatedMove move);

    /// <summary>Exchanges two integer registers.</summary>
    private protected abstract void EmitExchange(Location one, Location other);

    /// <summary>Moves from slot to slot.</summary>
    private protected abstract void EmitSlotMove(Location to, Location from, MachineType type);

    /// <summary>Moves from a slot to a register.</summary>
    private protected abstract void EmitReload(Location to, Location from, MachineType type);

    /// <summary>Moves from a register to a slot.</summary>
    private protected abstract void EmitSpill(Location to, Location from, MachineType type);

    /// <summary>Moves from register to register.</summary>
    private protected abstract void EmitRegisterMove(Location to, Location from, MachineType type);

    /// <summary>Repeats a definition into a register or a slot. While flags are live it must keep them.</summary>
    private protected abstract void EmitRematerialised(int definition, Location to, bool flagsLive);

    // ---- What it may use

    /// <summary>Notes where a call returns to, and where managed references are while it runs.</summary>
    private protected void AddCallSite(int returnOffset, int instruction)
    {
        var references = -1;
        if (_allocation.Safepoints.Count > 0 && FindSafepoint(instruction) is var found and >= 0)
        {
            ref var safepoint = ref _allocation.Safepoints[found];
            references = _references.Add(safepoint.Count);
            foreach (var place in _allocation.References.Span.Slice(safepoint.Start, safepoint.Count))
            {
                _references.Add(PlaceOf(place));
            }
        }

        _callSites.Add(new CallSite(returnOffset, _machine.Sources[instruction], references));
    }

    /// <summary>How the tables name the place of a managed reference: a word from the stack pointer, or the complement of a register.</summary>
    private protected virtual int PlaceOf(Location place) => place.IsRegister ? ~place.Value : place.Payload;

    private int FindSafepoint(int instruction)
    {
        var low = 0;
        var high = _allocation.Safepoints.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            var at = _allocation.Safepoints[middle].Instruction;
            if (at == instruction)
            {
                return middle;
            }

            if (at < instruction)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return -1;
    }


    /// <summary>Where an operand is.</summary>
    private protected Location At(in MachineInstruction instruction, int k) => _allocation.Locations[instruction.OperandStart + k];

    /// <summary>The label of the code that a jump to a block leads to.</summary>
    private protected Label LabelOf(int block) => new(_firstLabel.Id + _layout.Threaded(block));

    /// <summary>Target of the current block's edge.</summary>
    private protected int EdgeTarget(int k) => _machine.Edges[_machine.Blocks[_current].SuccessorStart + k].To;

    /// <summary>Emits a block in place of a jump to it, where that is better.</summary>
    /// <returns>Whether it was emitted, so that no jump is needed.</returns>
    private protected bool TryRepeat(int target)
    {
        if (!_layout.TakesRepetition(target, _current))
        {
            return false;
        }

        var current = _current;
        _current = target;
        EmitInstructions(target);
        _current = current;
        return true;
    }

    /// <summary>Notes that what the call emitted last throws is caught by a scope's handlers, at the current block's second edge.</summary>
    private protected void AddHandler(int scope)
        => _handlers.Add(new HandlerPlace { CallSite = _callSites.Count - 1, Landing = LabelOf(EdgeTarget(1)), Scope = scope });

    /// <summary>A call site and where its handlers are.</summary>
    private protected struct HandlerPlace
    {
        public int CallSite;
        public Label Landing;
        public int Scope;
    }

    private void FindDefinitions()
    {
        _definitions.Fill(_machine.Types.Count, -1);
        for (var i = 0; i < _machine.Instructions.Count; i++)
        {
            ref var instruction = ref _machine.Instructions[i];
            if ((instruction.Flags & MachineFlags.Rematerialisable) != 0)
            {
                _definitions[_machine.Operands[instruction.OperandStart].VirtualRegister] = i;
            }
        }
    }

    private void EmitBlock(int b, int next)
    {
        AlignBlock(b);
        Bind(new Label(_firstLabel.Id + b));
        _current = b;
        _next = next;
        EmitInstructions(b);
    }

    // Padding is executed where code falls into the loop: one or two instructions of it at most.
    private void AlignBlock(int b)
    {
        var alignment = _layout.AlignmentOf(b);
        if (alignment == 0)
        {
            return;
        }

        if (alignment > outerAlignment && _machine.Blocks[b].IsLoopHeader)
        {
            Align(alignment, alignment / 2);
            alignment = outerAlignment;
        }

        Align(alignment);
    }

    private void EmitInstructions(int b)
    {
        ref var block = ref _machine.Blocks[b];
        BeginBlock();
        var move = _layout.MoveStart(b);
        for (var i = block.First + 1; i < block.End; i++)
        {
            Marks?.Add((Offset, _machine.Sources[i]));
            ref var instruction = ref _machine.Instructions[i];
            for (; move < _allocation.Moves.Count && _allocation.Moves[move].Instruction == i; move++)
            {
                EmitMove(_allocation.Moves[move], (instruction.Flags & MachineFlags.ReadsFlags) != 0);
            }

            EmitInstruction(i, ref instruction);
        }
    }

    private void EmitMove(in AllocatedMove move, bool flagsLive)
    {
        BeforeMove(move);
        var type = _machine.Types[move.VirtualRegister];
        var to = move.To;
        var from = move.From;
        if (move.Kind == MoveKind.Exchange)
        {
            EmitExchange(to, from);
        }
        else if (move.Kind == MoveKind.SlotToSlot)
        {
            EmitSlotMove(to, from, type);
        }
        else if (from.IsRematerialised)
        {
            EmitRematerialised(_definitions[from.Payload], to, flagsLive);
        }
        else if (from.IsSlot)
        {
            EmitReload(to, from, type);
        }
        else if (to.IsSlot)
        {
            EmitSpill(to, from, type);
        }
        else
        {
            EmitRegisterMove(to, from, type);
        }
    }
}
