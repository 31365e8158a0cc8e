// TARN_TEST_EXECUTION=portable runs this suite by the interpreter, but for tests that ask for guarded memories or for machine code.
using System.Runtime.CompilerServices;

namespace Tarn.Runtime.Tests;

internal static class ExecutionSwitch
{
    /// <summary>Why tests are left out then that are about faults, guarded memories or stubs of machine code.</summary>
    public const string Reason = "TARN_TEST_EXECUTION is portable, and this test is about machine code.";

    /// <summary>Whether the suite runs by the interpreter.</summary>
    public static bool IsPortable => ExecutionTargets.PrefersPortable;

#pragma warning disable CA2255 // A test assembly is where this is right: the choice has to be made before the first engine.
    [ModuleInitializer]
    internal static void Choose() => ExecutionTargets.PrefersPortable = Environment.GetEnvironmentVariable("TARN_TEST_EXECUTION") == "portable";
#pragma warning restore CA2255
}
