// Interpreted instances know each other through static lists: tests that use them run one after the other.
namespace Tarn.Compiler.Tests.Frontend;

[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class IrInterpretation
{
    public const string Name = "interpretation of IR";
}
