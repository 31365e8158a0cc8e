// What an endpoint gives to the programs that it runs.
using Tarn.Wasi;

namespace Tarn.AspNetCore;

/// <summary>What <see cref="TarnEndpointRouteBuilderExtensions.MapWasm"/> gives to a program.</summary>
public sealed class WasmEndpointOptions
{
    /// <summary>Gets or sets the type of the response's content, <c>application/octet-stream</c> unless set.</summary>
    public string ContentType { get; set; } = "application/octet-stream";

    /// <summary>Gets the directories that the program sees; none unless added. All requests share them.</summary>
    public IList<WasiPreopen> PreopenList { get; } = [];

    internal IReadOnlyList<WasiPreopen> Preopens => [.. PreopenList];
}
