// Properties of the slab arithmetic over numbers of every magnitude: sums exact, neighbours apart, nothing wraps.
using CsCheck;
using Tarn.Platform;

namespace Tarn.Runtime.Tests.Pooling;

public sealed class SlabLayoutTests
{
    private const ulong PageSize = 4096;

    // Magnitudes matter more than values: pick the number of bits first.
    private static readonly Gen<ulong> s_size =
        from bits in Gen.Int[0, 64]
        from value in Gen.ULong
        select bits == 0 ? 0 : value >> (64 - bits);

    private static readonly Gen<(int Slots, ulong Usable, ulong Guard, ulong Lead)> s_shape =
        from slots in Gen.OneOf(Gen.Int[0, 10], Gen.Int[0, int.MaxValue])
        from usable in s_size
        from guard in s_size
        from lead in s_size
        select (slots, usable, guard, lead);

    [Fact]
    public void A_layout_is_made_exactly_when_the_true_sum_fits()
    {
        s_shape.Sample(s =>
        {
            UInt128 stride = Round(s.Usable) + Round(s.Guard);
            UInt128 total = s.Slots == 0 ? 0 : Round(s.Lead) + (stride * (UInt128)s.Slots);
            bool made = SlabLayout.TryCreate(s.Slots, s.Usable, s.Guard, s.Lead, PageSize, out SlabLayout layout, out ulong wanted);
            Assert.Equal(total <= SlabLayout.MaximumBytes, made);
            Assert.Equal(total > ulong.MaxValue ? ulong.MaxValue : (ulong)total, wanted);
            if (made)
                Assert.Equal((ulong)total, layout.TotalBytes);
        });
    }

    [Fact]
    public void Slots_do_not_touch_and_end_inside_the_slab()
    {
        s_shape.Sample(s =>
        {
            if (!SlabLayout.TryCreate(s.Slots, s.Usable, s.Guard, s.Lead, PageSize, out SlabLayout layout, out _) || layout.Slots == 0)
                return;
            foreach (int slot in new[] { 0, layout.Slots / 2, layout.Slots - 1 })
            {
                ulong start = layout.OffsetOf(slot);
                Assert.Equal(0UL, start % PageSize);
                Assert.True(start >= s.Lead);
                ulong end = start + layout.UsableBytes + layout.GuardBytes;
                Assert.True(layout.UsableBytes >= s.Usable && layout.GuardBytes >= s.Guard);
                if (slot + 1 < layout.Slots)
                    Assert.Equal(end, layout.OffsetOf(slot + 1));
                else
                    Assert.Equal(end, layout.TotalBytes);
                if (layout.Stride != 0)
                {
                    Assert.Equal(slot, layout.SlotOf(start));
                    Assert.Equal(slot, layout.SlotOf(end - 1));
                }
            }
            Assert.Equal(-1, layout.SlotOf(layout.TotalBytes));
        });
    }

    [Fact]
    public void The_largest_count_fits_and_one_more_does_not()
    {
        s_shape.Sample(s =>
        {
            int most = SlabLayout.LargestCount(SlabLayout.MaximumBytes, s.Usable, s.Guard, s.Lead, PageSize);
            if (most > 0)
                Assert.True(SlabLayout.TryCreate(most, s.Usable, s.Guard, s.Lead, PageSize, out _, out _));
            if (most is > 0 and < int.MaxValue)
                Assert.False(SlabLayout.TryCreate(most + 1, s.Usable, s.Guard, s.Lead, PageSize, out _, out _));
        });
    }

    [Fact]
    public void A_slot_past_the_end_is_refused()
    {
        Assert.True(SlabLayout.TryCreate(3, 100, 0, 0, PageSize, out SlabLayout layout, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.OffsetOf(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.OffsetOf(-1));
    }

    private static UInt128 Round(ulong value) => ((UInt128)value + PageSize - 1) / PageSize * PageSize;
}
