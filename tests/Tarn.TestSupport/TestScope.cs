// How much the tests do. By themselves they end within minutes on two cores: long searches are bounded, and what takes a minute each is left out. With TARN_TESTS=full, and in CI, they do
// everything. A test that does less says how much in its output, and its thresholds follow; nothing is ever left out altogether without a skip that names the switch.
namespace Tarn.TestSupport;

/// <summary>Whether the tests do everything.</summary>
public static class TestScope
{
    /// <summary>Why a test is skipped that only runs when everything does.</summary>
    public const string Absence = "it takes long: TARN_TESTS=full runs it, and CI does";

    /// <summary>Whether everything is to be done: <c>TARN_TESTS=full</c>, or CI.</summary>
    public static bool IsFull => Repository.ContinuousIntegration || Environment.GetEnvironmentVariable("TARN_TESTS") == "full";

    /// <summary>A number of rounds, modules or files: all of them, or the part that is done by default.</summary>
    public static int Count(int all, int part) => IsFull ? all : part;
}
