// Source maps: what AssemblyScript and Emscripten write is read, whatever else is no map.
using System.Text;
using Tarn.Symbols;

namespace Tarn.Cli.Tests.Symbols;

/// <summary>An offset leads to the segment that it is in.</summary>
public sealed class SourceMapTests
{
    // Offsets 100 (a.ts 1:1), 110 (a.ts 3:5), 115 (b.ts 2:1): differences in base 64.
    private const string Map = """{"version":3,"sources":["a.ts","b.ts"],"names":[],"sourceRoot":"src","mappings":"oGAAA,UAEI,KCDJ,I"}""";

    [Theory]
    [InlineData(99, null)]
    [InlineData(100, "src/a.ts:1:1")]
    [InlineData(109, "src/a.ts:1:1")]
    [InlineData(110, "src/a.ts:3:5")]
    [InlineData(115, "src/b.ts:2:1")]
    [InlineData(4_000_000_000, "src/b.ts:2:1")]
    public void An_offset_has_the_place_of_its_segment(long offset, string? place) =>
        Assert.Equal(place, SourceMap.Parse(Encoding.UTF8.GetBytes(Map))!.Find((uint)offset)?.ToString());

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"mappings":5,"sources":[]}""")]
    [InlineData("""{"mappings":"A","sources":7}""")]
    [InlineData("""{"mappings":"oGAAA,!","sources":["a"]}""")]
    [InlineData("""{"mappings":"oGAAA,hGAAA","sources":["a"]}""")]
    [InlineData("""{"mappings":"ggggggggggggggggggggggA","sources":["a"]}""")]
    [InlineData("""{"mappings":"g","sources":["a"]}""")]
    public void What_is_no_map_is_none(string text) => Assert.Null(SourceMap.Parse(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void A_source_that_is_not_there_is_no_place() =>
        Assert.Null(SourceMap.Parse("""{"mappings":"AAAA,KCAA","sources":["a"]}"""u8.ToArray())!.Find(5));

    [Fact]
    public void Whatever_is_in_a_map_does_no_harm()
    {
        var random = new Random(3);
        byte[] map = Encoding.UTF8.GetBytes(Map);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] broken = [.. map];
            for (int change = random.Next(1, 5); change > 0; change--)
                broken[random.Next(broken.Length)] = (byte)random.Next(32, 127);
            SourceMap.Parse(broken)?.Find((uint)random.Next());
        }
    }
}
