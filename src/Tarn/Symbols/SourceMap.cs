// Source maps (ECMA-426) as AssemblyScript and Emscripten write them for WebAssembly: one generated line, whose columns are offsets in the binary. Only what a lookup needs is kept:
// offset, source, line and column of each segment, in order. The file is whatever somebody has put beside a module, so whatever is odd in it means no map.
using System.Text;
using System.Text.Json;

namespace Tarn.Symbols;

internal sealed class SourceMap
{
    private const int LargestFile = 256 << 20;
    private readonly string[] _sources;
    private readonly List<Segment> _segments;

    private SourceMap(string[] sources, List<Segment> segments)
    {
        _sources = sources;
        _segments = segments;
    }

    /// <summary>The name in a section sourceMappingURL, which is its length and its bytes.</summary>
    public static string Url(ReadOnlySpan<byte> section)
    {
        int length = 0, at = 0;
        for (int shift = 0; at < section.Length && shift < 28; shift += 7)
        {
            byte b = section[at++];
            length |= (b & 0x7F) << shift;
            if (b < 0x80)
                break;
        }
        return length <= section.Length - at ? Encoding.UTF8.GetString(section.Slice(at, length)) : "";
    }

    /// <summary>Reads a map; null if there is none or it cannot be read.</summary>
    public static SourceMap? Parse(byte[]? bytes)
    {
        if (bytes is null || bytes.Length > LargestFile)
            return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("mappings", out JsonElement mappings) || !root.TryGetProperty("sources", out JsonElement names))
                return null;
            string prefix = root.TryGetProperty("sourceRoot", out JsonElement found) && found.ValueKind == JsonValueKind.String ? found.GetString()! : "";
            if (prefix.Length > 0 && !prefix.EndsWith('/'))
                prefix += "/";
            string[] sources = [.. names.EnumerateArray().Select(name => prefix + (name.ValueKind == JsonValueKind.String ? name.GetString() : "?"))];
            return Decode(mappings.GetString() ?? "") is List<Segment> segments ? new SourceMap(sources, segments) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The place behind an offset in the binary: the last segment that begins at it or before.</summary>
    public SourceLocation? Find(uint offset)
    {
        int low = 0, high = _segments.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_segments[middle].Offset <= offset)
                low = middle + 1;
            else
                high = middle;
        }
        if (low == 0 || (uint)_segments[low - 1].Source >= (uint)_sources.Length)
            return null;
        Segment segment = _segments[low - 1];
        return new SourceLocation(null, _sources[segment.Source], segment.Line + 1, segment.Column + 1);
    }

    // Base 64 digits of five bits and one that says that more follow; numbers are differences from the segment before.
    private static List<Segment>? Decode(string mappings)
    {
        List<Segment> segments = [];
        Span<long> fields = stackalloc long[5];
        long offset = 0, source = 0, line = 0, column = 0;
        int at = 0;
        // A binary has one line.
        while (at < mappings.Length && mappings[at] != ';')
        {
            if (mappings[at] == ',')
            {
                at++;
                continue;
            }
            int count = 0;
            while (at < mappings.Length && mappings[at] is not (',' or ';'))
            {
                long value = 0;
                int shift = 0, digit;
                do
                {
                    digit = at < mappings.Length ? Digit(mappings[at++]) : -1;
                    if (digit < 0 || shift > 40)
                        return null;
                    value |= (long)(digit & 31) << shift;
                    shift += 5;
                }
                while (digit >= 32);
                if (count < fields.Length)
                    fields[count++] = (value & 1) != 0 ? -(value >> 1) : value >> 1;
            }
            offset += fields[0];
            if (count < 4)
                continue;
            source += fields[1];
            line += fields[2];
            column += fields[3];
            if (offset is < 0 or > uint.MaxValue || source is < 0 or > int.MaxValue || line is < 0 or >= int.MaxValue || column is < 0 or >= int.MaxValue
                || (segments.Count > 0 && offset < segments[^1].Offset))
            {
                return null;
            }
            segments.Add(new Segment((uint)offset, (int)source, (int)line, (int)column));
        }
        return segments;
    }

    private static int Digit(char c) => c switch
    {
        >= 'A' and <= 'Z' => c - 'A',
        >= 'a' and <= 'z' => c - 'a' + 26,
        >= '0' and <= '9' => c - '0' + 52,
        '+' => 62,
        '/' => 63,
        _ => -1,
    };

    private readonly record struct Segment(uint Offset, int Source, int Line, int Column);
}
