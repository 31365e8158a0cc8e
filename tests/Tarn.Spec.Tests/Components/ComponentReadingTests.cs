// The component model's scripts, read but not executed: components parse, decode and validate, malformed and invalid ones are refused for what they are.
using Tarn.TestSupport;

namespace Tarn.Spec.Tests.Components;

public sealed class ComponentReadingTests
{
    [Fact]
    public void The_suite_is_here() => Assert.True(ComponentSuite.Folder is not null || ComponentSuite.Skipped, ComponentSuite.Absence);

    [Fact]
    public void Scripts_are_read_as_the_table_says()
    {
        Assert.SkipWhen(ComponentSuite.Skipped, ComponentSuite.Absence);
        ComponentScriptTable.Check("components-reading", ComponentScriptTable.Scripts(), _ => null);
    }
}
