// One function on its way through the compiler, ready to be shown.
using Tarn.Compiler;

namespace Tarn.Cli.Inspect;

/// <param name="Index">In the module's function index space.</param>
/// <param name="Name">By the name section or the first export, else its number.</param>
/// <param name="Text">Its body in the text format.</param>
/// <param name="Listing">What the compiler's stages made of it.</param>
/// <param name="Assembly">Its machine code.</param>
internal sealed record InspectedFunction(int Index, string Name, string Text, CompilationListing Listing, string Assembly)
{
    /// <summary>What is shown, in the order of the stages. The IR before optimisation is left out where the passes changed nothing.</summary>
    public IEnumerable<(string Heading, string Text)> Panes
    {
        get
        {
            yield return ("wat", Text);
            if (Listing.Ir != Listing.OptimizedIr)
                yield return ("IR as built", Listing.Ir);
            yield return ("IR", Listing.OptimizedIr);
            yield return ("registers", Listing.Allocated);
            yield return ("assembly", Assembly);
        }
    }
}
