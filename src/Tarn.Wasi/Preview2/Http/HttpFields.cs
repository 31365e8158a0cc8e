// Header fields as guests see them: names without regard to case, values as bytes, in the order in which they were added. Names and values are checked as they are set (RFC 9110, 5.1 and 5.5),
// so that no guest smuggles a line into a message; those that are the connection's business are the host's.
using System.Buffers;
using System.Net.Http.Headers;
using System.Text;
using Tarn.Components;

namespace Tarn.Wasi.Preview2.Http;

/// <summary>The object behind <c>fields</c>.</summary>
internal sealed class HttpFields(bool isImmutable = false)
{
    /// <summary>Bytes of all names and values.</summary>
    public const int MostBytes = 128 << 10;

    // What an entry takes beside its text.
    private const int EntryCost = 32;

    private static readonly SearchValues<char> s_nameCharacters = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly HashSet<string> s_forbidden = new(StringComparer.OrdinalIgnoreCase)
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "transfer-encoding", "upgrade", "host", "http2-settings",
    };

    private readonly List<(string Name, byte[] Value)> _entries = [];
    private int _bytes;

    public bool IsImmutable { get; } = isImmutable;

    public IReadOnlyList<(string Name, byte[] Value)> Entries => _entries;

    /// <summary>Fields of a message that arrived.</summary>
    public static HttpFields Of(params ReadOnlySpan<HttpHeaders?> headers)
    {
        HttpFields fields = new(isImmutable: true);
        foreach (HttpHeaders? some in headers)
        {
            foreach ((string name, HeaderStringValues values) in some?.NonValidated ?? default)
            {
                // What was never the guest's to set is not shown either.
                if (s_forbidden.Contains(name) && !name.Equals("host", StringComparison.OrdinalIgnoreCase))
                    continue;
                foreach (string value in values)
                    fields.AddCore(name, Encoding.Latin1.GetBytes(value));
            }
        }

        return fields;
    }

    /// <summary>A copy.</summary>
    public HttpFields Clone(bool isImmutable)
    {
        HttpFields copy = new(isImmutable);
        foreach ((string name, byte[] value) in _entries)
            copy.AddCore(name, value);
        return copy;
    }

    public IEnumerable<byte[]> Get(string name) => _entries.Where(entry => entry.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(entry => entry.Value);

    /// <summary>Adds a value.</summary>
    /// <returns>The case of <c>header-error</c>, or null.</returns>
    public string? Append(string name, byte[] value)
    {
        if (Check(name) is string error)
            return error;
        if (!IsValue(value))
            return "invalid-syntax";
        AddCore(name, value);
        return null;
    }

    /// <summary>Replaces all values of a name.</summary>
    /// <returns>The case of <c>header-error</c>, or null.</returns>
    public string? Set(string name, IReadOnlyList<byte[]> values)
    {
        if (Check(name) is string error)
            return error;
        foreach (byte[] value in values)
        {
            if (!IsValue(value))
                return "invalid-syntax";
        }

        Remove(name);
        foreach (byte[] value in values)
            AddCore(name, value);
        return null;
    }

    /// <summary>Removes all values of a name.</summary>
    /// <returns>The case of <c>header-error</c>, or null.</returns>
    public string? Delete(string name)
    {
        if (Check(name) is string error)
            return error;
        Remove(name);
        return null;
    }

    /// <summary>Puts all fields into the headers of a message, those of the content into the content's.</summary>
    public void CopyTo(HttpHeaders headers, HttpContentHeaders? content)
    {
        foreach ((string name, byte[] value) in _entries)
        {
            string text = Encoding.Latin1.GetString(value);
            if (!headers.TryAddWithoutValidation(name, text))
                content?.TryAddWithoutValidation(name, text);
        }
    }

    /// <summary>The length that the fields say a body has, or null.</summary>
    public long? ContentLength => Get("content-length").FirstOrDefault() is byte[] value && long.TryParse(Encoding.Latin1.GetString(value), out long length) && length >= 0 ? length : null;

    private string? Check(string name)
    {
        if (IsImmutable)
            return "immutable";
        if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(s_nameCharacters))
            return "invalid-syntax";
        return s_forbidden.Contains(name) ? "forbidden" : null;
    }

    private static bool IsValue(ReadOnlySpan<byte> value)
    {
        foreach (byte b in value)
        {
            if (b is < 0x20 and not (byte)'\t' or 0x7F)
                return false;
        }

        return true;
    }

    private void Remove(string name)
    {
        foreach ((string found, byte[] value) in _entries)
        {
            if (found.Equals(name, StringComparison.OrdinalIgnoreCase))
                _bytes -= Cost(found, value);
        }

        _entries.RemoveAll(entry => entry.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
    }

    private void AddCore(string name, byte[] value)
    {
        if (_bytes + Cost(name, value) > MostBytes)
            throw new ComponentTrapException(ComponentTrapCode.LimitReached, $"the header fields of a message take more than {MostBytes} bytes, which are the most");
        _bytes += Cost(name, value);
        _entries.Add((name, value));
    }

    private static int Cost(string name, byte[] value) => name.Length + value.Length + EntryCost;
}
