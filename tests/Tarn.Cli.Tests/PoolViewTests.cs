// What tarn pool shows, as text: in terminals of several sizes the map is there and nothing is wider or higher than the terminal; states can be told apart without colours.
using Spectre.Console;
using Spectre.Console.Testing;
using Tarn.Cli.Pool;
using Tarn.Pooling;

namespace Tarn.Cli.Tests;

public sealed class PoolViewTests
{
    private const string Title = "tarn pool: 200 slots";

    [Fact]
    public void The_picture_at_eighty_columns_is_as_it_was_looked_at()
    {
        string expected = """
            tarn pool: 200 slots
            ┌─instance slots───────────────────────────────────────────────────────────────┐
            │ ■■■◆◆◆◆◆◆◆◆◆◆□□□□□□□························································ │
            │ ············································································ │
            │ ················································                             │
            └──────────────────────────────────────────────────────────────────────────────┘
            ■ in use 3   ◆ suspended 10   □ warm 7   · free 180

            an instance's life    median      90 %      99 %    99.9 %   longest
            took                  104 ns    2.0 µs    2.0 µs   33.6 ms   33.6 ms

                           a second       in all    pool        in use   warm     free
            instances     1,000,000    3,000,000    instances       13      7      180
            slots bound           0           20    memories        13      7      180
            waits                 2            6    tables           0      0      200
            reset            1.5 GB       4.5 GB    stacks          20      0      180
            page faults           0          100
            decommits             0            0    waiting          4
            """;
        Assert.Equal(expected.ReplaceLineEndings("\n"), string.Join('\n', Draw(Sample(200), 80, 24).Lines.Select(l => l.TrimEnd())).TrimEnd());
    }

    [Theory]
    [InlineData(80, 24)]
    [InlineData(120, 40)]
    [InlineData(200, 50)]
    [InlineData(60, 20)]
    [InlineData(40, 12)]
    [InlineData(30, 8)]
    public void It_fits_the_terminal_and_the_map_is_always_there(int width, int height)
    {
        foreach (int slots in new[] { 1, 200, 3000, 1_000_000 })
        {
            TestConsole console = Draw(Sample(slots), width, height);
            IReadOnlyList<string> lines = console.Lines;
            Assert.True(lines.Count < height, console.Output);
            Assert.All(lines, line => Assert.InRange(line.TrimEnd().Length, 0, width));
            Assert.StartsWith("┌─instance slots", lines[1], StringComparison.Ordinal);
            Assert.Contains(lines, line => line.Contains('■', StringComparison.Ordinal));
            if (height >= 24)
                Assert.Contains(lines, line => line.StartsWith("decommits", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_sign_stands_for_several_slots_where_there_are_many_and_shows_the_busiest()
    {
        var slots = new SlotState[100];
        slots[9] = SlotState.InUse;
        slots[10] = SlotState.Warm;
        slots[99] = SlotState.Suspended;
        Assert.Equal("[green]■[/][blue]□[/][grey]···\n····[/][yellow]◆[/]", PoolView.Map(slots, 5, 2, unicode: true, out int each));
        Assert.Equal(10, each);
        Assert.Equal("[green]#[/][blue]-[/][grey]........[/][yellow]o[/]".Length - 1, PoolView.Map(slots, 10, 1, unicode: false, out _).Length);
    }

    [Fact]
    public void Colours_are_there_where_the_terminal_has_them()
    {
        TestConsole console = new TestConsole().Width(80).Height(24).Colors(ColorSystem.Standard).EmitAnsiSequences();
        console.Write(PoolView.Render(Sample(200), Title, 80, 24, unicode: true));
        Assert.Contains("\u001b[32m■■■", console.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[", Draw(Sample(200), 80, 24).Output, StringComparison.Ordinal);
    }

    private static TestConsole Draw(PoolSample sample, int width, int height)
    {
        TestConsole console = new TestConsole().Width(width).Height(height).Colors(ColorSystem.NoColors);
        console.Write(PoolView.Render(sample, Title, width, height, unicode: true));
        return console;
    }

    private static PoolSample Sample(int count)
    {
        var slots = new SlotState[count];
        for (int i = 0; i < count; i++)
            slots[i] = i < 3 ? SlotState.InUse : i < 13 ? SlotState.Suspended : i < 20 ? SlotState.Warm : SlotState.Free;
        var latencies = new LatencyHistogram();
        for (int i = 0; i < 1000; i++)
            latencies.Record(TimeSpan.FromMicroseconds(i < 800 ? 0.1 : i < 998 ? 2 : 33_000));
        PoolStatistics before = new() { Rents = 2_000_000, Bindings = 20, Waits = 4, BytesReset = 3_000_000_000, Faults = 100 };
        PoolStatistics now = before with
        {
            Instances = new PoolUsage(count, Math.Max(0, count - 20), 7),
            Memories = new PoolUsage(count, Math.Max(0, count - 20), 7),
            Tables = new PoolUsage(count, count, 0),
            Stacks = new PoolUsage(count, Math.Max(0, count - 20), 0),
            Rents = 3_000_000,
            Waits = 6,
            Waiting = 4,
            BytesReset = 4_500_000_000,
        };
        return new PoolSample(slots, now, before, latencies, 1);
    }
}
