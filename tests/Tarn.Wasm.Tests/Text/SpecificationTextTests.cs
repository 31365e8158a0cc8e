// The text side of the specification's scripts: every module in text that is not meant to be malformed parses, every malformed quoted one is refused
// with the message that the script expects. (What needs the binary reader or execution is the specification runner's.)
using Tarn.TestSupport;
using Tarn.Wasm.Text;
using Tarn.Wast;

namespace Tarn.Wasm.Tests.Text;

public sealed class SpecificationTextTests
{
    public static TheoryData<string> Scripts()
    {
        TheoryData<string> data = [];
        foreach (string file in SpecificationSuite.Scripts())
            data.Add(file);
        if (data.Count == 0)
            data.Add("none");
        return data;
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Text_modules_parse_and_malformed_ones_do_not(string file)
    {
        Assert.SkipWhen(SpecificationSuite.Skipped, SpecificationSuite.Absence);
        WasmFeatures features = file.StartsWith("proposals/threads", StringComparison.Ordinal) ? WasmFeatures.All & ~WasmFeatures.Memory64 : WasmFeatures.All;
        WatOptions options = new() { Features = features };
        Script script = ScriptParser.Parse(File.ReadAllBytes(Path.Combine(SpecificationSuite.RequiredFolder, file)), file);
        List<string> problems = [];
        foreach (ScriptCommand command in script.Commands)
        {
            if (command.Module is not { Form: not ScriptModuleForm.Binary } module)
                continue;
            bool malformed = command.Kind is ScriptCommandKind.AssertMalformed or ScriptCommandKind.AssertMalformedCustom or ScriptCommandKind.AssertInvalidCustom;
            try
            {
                module.ToBinary(options);
                if (malformed)
                    problems.Add($"{file}:{command.Line}: parsed, but expected: {command.Text}");
            }
            catch (TextFormatException e)
            {
                if (!malformed)
                    problems.Add($"{file}:{command.Line}: {e.Message}");
                else if (!e.Reason.Contains(command.Text!, StringComparison.Ordinal))
                    problems.Add($"{file}:{command.Line}: expected \"{command.Text}\", but: {e.Message}");
            }
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }
}
