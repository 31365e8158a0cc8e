// From the code as assembled to the code as it will run: shortening branches, resolving labels, placing constants.
//
// Forward branches are assembled with 32-bit displacements and alignments with all the padding they could ever need, so that every piece of
// code can only shrink. That is the argument for all that happens here:
//   - a backward branch that reaches with 8 bits when it is assembled still does afterwards, and is made short at once;
//   - a forward branch found to reach with 8 bits in the layout of one pass does so in the layout of each later pass, so passes never have
//     to take anything back, and stopping after any number of passes (MaxPasses) leaves a correct layout;
//   - moving code down in place never overwrites code not yet moved.
// Passes take an alignment's padding at its longest; only the last placement, after all lengths are decided, makes it exact.
//
// Sites, labels (in the order of binding), fix-ups and relocations are all recorded in ascending order of offset, so each step
// is a merge and the whole is linear in code and sites. A label bound just before an alignment stays before its padding, one bound just
// after it stays after.
//
// With ShortenBranches off, forward branches stay long, padding is exact at once, and nothing moves: MapOffset is then the identity.
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tarn.Assembler.X64;

internal sealed unsafe partial class X64Assembler
{
    private const int ShortBranch = 2;
    private const int MaxPasses = 3;

    /// <summary>The alignment of a function that asks for none.</summary>
    private const int MinAlignment = 16;

    private GrowableArray<int> _labels = new(64);
    private GrowableArray<int> _newLabels = new(64);
    private GrowableArray<int> _boundLabels = new(64);
    private GrowableArray<Site> _sites = new(64);
    private GrowableArray<Fixup> _fixups = new(64);
    private GrowableArray<CodeRelocation> _relocations = new(64);
    private bool _isFinished;

    private enum FixupKind : byte
    {
        Label,
        Constant,
    }

    /// <summary>Whether <see cref="Finish"/> makes forward branches short where they reach.</summary>
    public bool ShortenBranches { get; }

    /// <summary>Bytes of instructions, without the constants after them; known after <see cref="Finish"/>.</summary>
    public int CodeSize { get; private set; }

    /// <summary>The alignment that the function's first byte needs for those within it to hold; known after <see cref="Finish"/>.</summary>
    public int RequiredAlignment { get; private set; } = MinAlignment;

    /// <summary>Instructions and constants; valid after <see cref="Finish"/> until the next <see cref="Reset"/>.</summary>
    public ReadOnlySpan<byte> Code => new(_start, Offset);

    /// <summary>What is left to fill in, by ascending offset; final after <see cref="Finish"/>.</summary>
    public ReadOnlySpan<CodeRelocation> Relocations => _relocations.Span;

    /// <summary>Pads to a multiple of <paramref name="alignment"/>, unless that takes more than <paramref name="maxPadding"/> bytes.</summary>
    public void Align(int alignment, int maxPadding = int.MaxValue)
    {
        Debug.Assert(BitOperations.IsPow2(alignment) && alignment <= 128, "An alignment is a power of two up to 128.");
        RequiredAlignment = Math.Max(RequiredAlignment, alignment);
        maxPadding = Math.Min(maxPadding, alignment - 1);
        if (ShortenBranches && _sites.Count > 0 && maxPadding > 0)
        {
            _sites.Add(new Site(Offset, alignment, (byte)maxPadding, 0));
            EnsureRoom(maxPadding);
            _cursor += maxPadding;
            return;
        }
        Nop(Padding(Offset, alignment, maxPadding));
    }

    private static int Padding(int offset, int alignment, int maxPadding)
    {
        int padding = -offset & (alignment - 1);
        return padding <= maxPadding ? padding : 0;
    }

    /// <summary>Decides branch lengths, resolves labels and places constants. Nothing may be emitted until the next <see cref="Reset"/>.</summary>
    public void Finish()
    {
        if (_isFinished)
            throw new InvalidOperationException("The code is finished already.");
        _isFinished = true;
        if (ShortenBranches && _sites.Count > 0)
            Shorten();
        else
            PatchForwardBranches();
        CodeSize = Offset;
        PlaceConstants();
        ResolveFixups();
    }

    /// <summary>Where an offset recorded while assembling has gone. See <see cref="OffsetCursor"/> for many of them in order.</summary>
    public int MapOffset(int offset)
    {
        if (!ShortenBranches)
            return offset;
        Span<Site> sites = _sites.Span;
        int low = 0;
        int high = sites.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (sites[middle].Start < offset)
                low = middle + 1;
            else
                high = middle;
        }
        return low == 0 ? offset : sites[low - 1].MapAfter(offset);
    }

    private void ResetLayout()
    {
        _labels.Clear();
        _boundLabels.Clear();
        _sites.Clear();
        _fixups.Clear();
        _relocations.Clear();
        _isFinished = false;
        CodeSize = 0;
        RequiredAlignment = MinAlignment;
    }

    private void PatchForwardBranches()
    {
        foreach (ref Site site in _sites.Span)
        {
            int end = site.Start + site.Length;
            *(int*)(_start + end - 4) = Resolve(site.Target) - end;
        }
    }

    private int Resolve(int label)
    {
        int place = _labels[label];
        return place != Unbound ? place : throw new InvalidOperationException($"Label {new Label(label)} is used but never bound.");
    }

    private void Shorten()
    {
        _newLabels.SetCount(_labels.Count);
        _labels.Span.CopyTo(_newLabels.Span);
        foreach (ref Site site in _sites.Span)
        {
            if (!site.IsAlignment)
                _ = Resolve(site.Target);
        }
        for (int pass = 0; ShortenPass() && pass < MaxPasses - 1; pass++)
            Place(exactPadding: false);
        Place(exactPadding: true);
        Move();
        (_labels, _newLabels) = (_newLabels, _labels);
        MapRecords();
    }

    /// <summary>Marks branches that reach in the current layout; true when it is worth another pass.</summary>
    private bool ShortenPass()
    {
        bool marked = false;
        bool left = false;
        Span<int> labels = _newLabels.Span;
        foreach (ref Site site in _sites.Span)
        {
            if (site.IsAlignment || site.NewLength == ShortBranch)
                continue;
            int target = labels[site.Target];
            // A forward branch's distance does not depend on its own length, a backward one's does.
            int distance = target - (site.NewStart + (target > site.NewStart ? site.NewLength : ShortBranch));
            if (distance == (sbyte)distance)
            {
                site.NewLength = ShortBranch;
                marked = true;
            }
            else
            {
                left = true;
            }
        }
        return marked && left;
    }

    /// <summary>Gives sites and labels their places under the lengths marked so far.</summary>
    private void Place(bool exactPadding)
    {
        ReadOnlySpan<int> bound = _boundLabels.Span;
        ReadOnlySpan<int> labels = _labels.Span;
        Span<int> newLabels = _newLabels.Span;
        int removed = 0;
        int next = 0;
        foreach (ref Site site in _sites.Span)
        {
            while (next < bound.Length && labels[bound[next]] <= site.Start)
            {
                newLabels[bound[next]] = labels[bound[next]] - removed;
                next++;
            }
            site.NewStart = site.Start - removed;
            if (exactPadding && site.IsAlignment)
                site.NewLength = (byte)Padding(site.NewStart, site.Target, site.Length);
            removed += site.Length - site.NewLength;
        }
        for (; next < bound.Length; next++)
            newLabels[bound[next]] = labels[bound[next]] - removed;
    }

    private void Move()
    {
        ReadOnlySpan<int> labels = _newLabels.Span;
        int from = 0;
        int to = 0;
        foreach (ref Site site in _sites.Span)
        {
            MoveDown(from, to, site.Start - from);
            byte* p = _start + site.NewStart;
            int end = site.NewStart + site.NewLength;
            if (site.IsAlignment)
            {
                WriteNops(p, site.NewLength);
            }
            else if (site.NewLength == ShortBranch)
            {
                int distance = labels[site.Target] - end;
                Debug.Assert(distance == (sbyte)distance, "A branch marked short does not reach.");
                p[0] = site.ShortOpcode;
                p[1] = (byte)distance;
            }
            else
            {
                if (site.ShortOpcode == 0xEB)
                {
                    *p = 0xE9;
                }
                else
                {
                    p[0] = 0x0F;
                    p[1] = (byte)(site.ShortOpcode + 0x10);
                }
                *(int*)(_start + end - 4) = labels[site.Target] - end;
            }
            from = site.Start + site.Length;
            to = end;
        }
        int rest = Offset - from;
        MoveDown(from, to, rest);
        _cursor = _start + to + rest;
    }

    private void MoveDown(int from, int to, int bytes)
    {
        if (from != to)
            Buffer.MemoryCopy(_start + from, _start + to, bytes, bytes);
    }

    private void MapRecords()
    {
        var cursor = new OffsetCursor(this);
        foreach (ref Fixup fixup in _fixups.Span)
            fixup.Field = cursor.Map(fixup.Field);
        cursor = new OffsetCursor(this);
        foreach (ref CodeRelocation relocation in _relocations.Span)
            relocation = relocation with { Offset = cursor.Map(relocation.Offset) };
    }

    private void ResolveFixups()
    {
        foreach (ref Fixup fixup in _fixups.Span)
        {
            int target = fixup.Kind == FixupKind.Label ? Resolve(fixup.Target) : PlaceOfConstant(fixup.Target);
            *(int*)(_start + fixup.Field) = target - (fixup.Field + 4 + fixup.Trailing);
        }
        ResolveJumpTables();
    }

    /// <summary>
    /// Maps offsets recorded while assembling to their final places, in ascending order and in linear time all in all.
    /// Valid after <see cref="Finish"/> until the next <see cref="Reset"/>.
    /// </summary>
    internal struct OffsetCursor(X64Assembler assembler)
    {
        private int _next;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public int Map(int offset)
        {
            if (!assembler.ShortenBranches)
                return offset;
            Span<Site> sites = assembler._sites.Span;
            while (_next < sites.Length && sites[_next].Start < offset)
                _next++;
            Debug.Assert(_next == 0 || sites[_next - 1].Start < offset, "Offsets have to come in ascending order.");
            return _next == 0 ? offset : sites[_next - 1].MapAfter(offset);
        }
    }

    /// <summary>A branch or an alignment: a part of the code whose length is decided at the end.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct Site(int start, int target, byte length, byte shortOpcode)
    {
        public readonly int Start = start;

        /// <summary>The label's number, or the alignment.</summary>
        public readonly int Target = target;

        public int NewStart = start;
        public readonly byte Length = length;
        public byte NewLength = length;

        /// <summary>0 for alignments.</summary>
        public readonly byte ShortOpcode = shortOpcode;

        public readonly bool IsAlignment => ShortOpcode == 0;

        /// <summary>Where an offset between this site's end and the next site has gone.</summary>
        public readonly int MapAfter(int offset) => offset - (Start + Length) + NewStart + NewLength;
    }

    /// <summary>A 32-bit field relative to the end of its instruction.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct Fixup(int field, int target, FixupKind kind, byte trailing)
    {
        public int Field = field;
        public readonly int Target = target;
        public readonly FixupKind Kind = kind;

        /// <summary>Bytes of immediate between the field and the end of the instruction.</summary>
        public readonly byte Trailing = trailing;
    }
}
