// The checked-in table of the scripts over components, as ScriptTable is for those over modules.
using System.Text;
using Tarn.TestSupport;
using Tarn.Wast;
using Tarn.Wast.Components;

namespace Tarn.Spec.Tests.Components;

internal static class ComponentScriptTable
{
    public static readonly string[] Folders = ["reference", "wasm-tools/component-model"];

    public static IEnumerable<string> Scripts() => Folders.SelectMany(folder => ComponentSuite.Scripts(folder));

    /// <summary>Runs scripts with an engine from <paramref name="createEngine"/> (null reads only) and compares with the table of that name.</summary>
    public static void Check(string name, IEnumerable<string> scripts, Func<ComponentScriptOptions, IComponentScriptEngine?> createEngine)
    {
        StringBuilder table = new("# passed failed skipped reworded file: why the first failure\n");
        int passed = 0, failed = 0, skipped = 0, reworded = 0;
        string? details = Environment.GetEnvironmentVariable("TARN_SCRIPT_DETAILS");
        foreach (string path in scripts)
        {
            byte[] source = File.ReadAllBytes(Path.Combine(ComponentSuite.RequiredFolder, path));
            ComponentScriptOptions options = ComponentScriptOptions.For(path, source);
            using IComponentScriptEngine? engine = createEngine(options);
            ScriptReport report = ComponentScriptRunner.Run(ComponentScriptParser.Parse(source, path), options, engine);
            passed += report.Passed;
            failed += report.Failures.Count;
            skipped += report.Skips.Count;
            reworded += report.Rewordings.Count;
            table.Append($"{report.Passed,6} {report.Failures.Count,5} {report.Skips.Count,5} {report.Rewordings.Count,3} {path}");
            if (report.Failures.Count > 0)
                table.Append($": line {report.Failures[0].Line}, {report.Failures[0].Text}");
            table.Append('\n');
            if (details is not null)
                File.AppendAllLines(details, report.Failures.Select(f => $"{path}:{f.Line}: {f.Directive}: {f.Text}"));
        }

        table.Append($"{passed,6} {failed,5} {skipped,5} {reworded,3} in all\n");
        GoldenFile.Check($"tests/Tarn.Spec.Tests/Tables/{name}.txt", table.ToString());
    }
}
