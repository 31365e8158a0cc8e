// Every specification script, read but not executed: modules decode and validate, malformed and invalid ones are refused for what they are, the instructions
// that 3.0 gave up are refused by name.
using Tarn.TestSupport;
using Tarn.Wast;

namespace Tarn.Spec.Tests;

public sealed class ReadingTests
{
    public static TheoryData<string> Scripts => [.. SpecificationSuite.Scripts().DefaultIfEmpty("(none)")];

    [Fact]
    public void The_suite_is_here() => Assert.True(SpecificationSuite.Exists || SpecificationSuite.Skipped, SpecificationSuite.Absence);

    [Fact]
    public void Scripts_are_read_as_the_table_says()
    {
        Assert.SkipWhen(SpecificationSuite.Skipped, SpecificationSuite.Absence);
        ScriptTable.Check("reading", _ => null);
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Every_module_is_read_or_refused_as_it_should_be(string path)
    {
        Assert.SkipWhen(SpecificationSuite.Skipped, SpecificationSuite.Absence);
        Wast.Script script = ScriptParser.Parse(File.ReadAllBytes(Path.Combine(SpecificationSuite.RequiredFolder, path)), path);
        ScriptReport report = ScriptRunner.Run(script, ScriptOptions.ForPath(path));
        Assert.True(report.Failures.Count == 0, string.Join('\n', report.Failures.Select(f => $"{path}:{f.Line}: {f.Directive}: {f.Text}")));
        Assert.Equal(script.Commands.Count, report.Passed + report.Skips.Count);
    }
}
