// Debug information that does not add up, or takes too long. It never leaves DwarfInformation.
namespace Tarn.Symbols;

internal sealed class DwarfException : Exception
{
    public DwarfException()
        : base("The debug information cannot be read.")
    {
    }

    public DwarfException(string message)
        : base(message)
    {
    }

    public DwarfException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
