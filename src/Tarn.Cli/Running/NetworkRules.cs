// What --allow-network and --allow-http grant, read once and refused if it is not understood: a rule that is taken for something else would grant what was not meant.
using System.Globalization;
using System.Net;
using Tarn.Wasi;

namespace Tarn.Cli.Running;

internal static class NetworkRules
{
    /// <summary>The options for rules, or null for none.</summary>
    /// <param name="rules">Addresses (<c>127.0.0.1</c>), networks (<c>10.0.0.0/8</c>) or <c>*</c>, each with <c>:PORT</c> for one port alone; IPv6 with a port in brackets.</param>
    /// <exception cref="ArgumentException">A rule is not understood.</exception>
    public static WasiNetworkOptions? Network(string[] rules)
    {
        if (rules.Length == 0)
            return null;
        (IPNetwork? Network, int Port)[] parsed = Array.ConvertAll(rules, Parse);
        // A name is resolved by another server, so resolving it sends data.
        bool isAll = parsed.Any(static rule => rule.Network is null);
        return new WasiNetworkOptions
        {
            Filter = (use, address) => parsed.Any(rule => (rule.Port < 0 || rule.Port == address.Port || IsBind(use) && address.Port == 0) && (rule.Network is null || rule.Network.Value.Contains(address.Address))),
            NameFilter = isAll ? static _ => true : null,
        };
    }

    /// <summary>The options for hosts, or null for none.</summary>
    public static WasiHttpOptions? Http(string[] hosts) => hosts.Length == 0 ? null : WasiHttpOptions.ForHosts(hosts);

    // A port that the system chooses is not the port of a service. Where data is sent to is checked on its own.
    private static bool IsBind(WasiSocketUse use) => use is WasiSocketUse.TcpBind or WasiSocketUse.UdpBind;

    private static (IPNetwork? Network, int Port) Parse(string rule)
    {
        if (rule.Length == 0)
            throw Wrong(rule);
        string address = rule;
        int port = -1;
        int colon = rule.LastIndexOf(':');
        if (colon >= 0 && (rule[0] == '[' ? colon > 0 && rule[colon - 1] == ']' : rule.IndexOf(':') == colon))
        {
            if (!ushort.TryParse(rule.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) || number == 0)
                throw Wrong(rule);
            port = number;
            address = rule[..colon];
        }

        address = address.StartsWith('[') && address.EndsWith(']') ? address[1..^1] : address;
        if (address == "*")
            return (null, port);
        if (IPNetwork.TryParse(address, out IPNetwork network))
            return (network, port);
        return IPAddress.TryParse(address, out IPAddress? single)
            ? (new IPNetwork(single, single.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128), port)
            : throw Wrong(rule);
    }

    private static ArgumentException Wrong(string rule) => new($"--allow-network {rule}: expected an address, a network such as 10.0.0.0/8, or *, with :PORT for one port alone; write [::1]:80 for IPv6.");
}
