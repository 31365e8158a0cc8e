// One function on its way through the compiler, ready to be shown.
using Tarn.Compiler;

namespace Tarn.Cli.Inspect;

/// <param name="Index">In the module's function index space.</param>
/// <param name="Name">By the name section or the first export, else its number.</param>
/// <param name="Text">Its body in the text format.</param>
/// <param name="TextSources">For each line of the text the offset of its instruction in the module, or −1.</param>
/// <param name="Listing">What the compiler's stages made of it.</param>
/// <param name="Assembly">Its machine code.</param>
/// <param name="AssemblySources">For each line of the machine code the offset of the instruction in the module that it comes from, or −1.</param>
internal sealed record InspectedFunction(
    int Index, string Name, string Text, IReadOnlyList<int> TextSources, CompilationListing Listing, string Assembly, IReadOnlyList<int> AssemblySources)
{
    /// <summary>What is shown, in the order of the stages. The IR before optimisation is left out where the passes changed nothing.</summary>
    public IEnumerable<(string Heading, string Text, IReadOnlyList<int> Sources)> Panes
    {
        get
        {
            yield return ("wat", Text, TextSources);
            if (Listing.Ir != Listing.OptimizedIr)
                yield return ("IR as built", Listing.Ir, Listing.Sources.Ir);
            yield return ("IR", Listing.OptimizedIr, Listing.Sources.OptimizedIr);
            yield return ("registers", Listing.Allocated, Listing.Sources.Allocated);
            yield return ("assembly", Assembly, AssemblySources);
        }
    }
}
