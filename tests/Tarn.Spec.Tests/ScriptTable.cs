// The checked-in table of one configuration: for every script how many directives held, did not hold, could not be tried, and held with an error worded in
// another way than the script expects; and why the first failure failed. A file that gets worse or better changes the table, which a person then looks at
// (TARN_BLESS=1 writes it).
using System.Text;
using Tarn.TestSupport;
using Tarn.Wast;

namespace Tarn.Spec.Tests;

internal static class ScriptTable
{
    /// <summary>Runs all scripts with an engine from <paramref name="createEngine"/> (null reads only) and compares with the table of that name.</summary>
    public static void Check(string configuration, Func<ScriptOptions, IScriptEngine?> createEngine)
    {
        StringBuilder table = new("# passed failed skipped reworded file: why the first failure\n");
        int passed = 0, failed = 0, skipped = 0, reworded = 0;
        foreach (string path in SpecificationSuite.Scripts())
        {
            byte[] source = File.ReadAllBytes(Path.Combine(SpecificationSuite.RequiredFolder, path));
            ScriptOptions options = ScriptOptions.ForPath(path);
            using IScriptEngine? engine = createEngine(options);
            ScriptReport report = ScriptRunner.Run(ScriptParser.Parse(source, path), options, engine);
            passed += report.Passed;
            failed += report.Failures.Count;
            skipped += report.Skips.Count;
            reworded += report.Rewordings.Count;
            table.Append($"{report.Passed,6} {report.Failures.Count,5} {report.Skips.Count,5} {report.Rewordings.Count,3} {path}");
            if (report.Failures.Count > 0)
                table.Append($": line {report.Failures[0].Line}, {report.Failures[0].Text}");
            table.Append('\n');
        }

        table.Append($"{passed,6} {failed,5} {skipped,5} {reworded,3} in all\n");
        GoldenFile.Check($"tests/Tarn.Spec.Tests/Tables/{configuration}.txt", table.ToString());
    }
}
