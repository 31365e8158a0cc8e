// Golden tests: text in, text out, compared with a checked-in file. TARN_BLESS=1 writes what came out instead, for review as a diff.
// Invariant: without TARN_BLESS nothing is written and a missing file fails, so that a new case cannot pass by itself.
using System.Text;

namespace Tarn.TestSupport;

/// <summary>Compares text with checked-in files.</summary>
public static class GoldenFile
{
    /// <summary>Throws <see cref="GoldenMismatchException"/> unless the file at <paramref name="relativePath"/> (from the repository's root) holds this text.</summary>
    public static void Check(string relativePath, string actual)
    {
        string path = Repository.PathOf(relativePath);
        actual = Normalise(actual);
        if (Repository.Blessing)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (!File.Exists(path) || Normalise(File.ReadAllText(path)) != actual)
                File.WriteAllText(path, actual);
            return;
        }

        if (!File.Exists(path))
            throw new GoldenMismatchException($"{relativePath} does not exist. Run the test with TARN_BLESS=1 to write it. It would hold:\n{actual}");
        string expected = Normalise(File.ReadAllText(path));
        if (expected != actual)
            throw new GoldenMismatchException($"{relativePath} differs; if the change is meant, run the test with TARN_BLESS=1 and review the diff.\n{Difference(expected, actual)}");
    }

    private static string Normalise(string text)
    {
        text = text.ReplaceLineEndings("\n");
        return text.EndsWith('\n') ? text : text + "\n";
    }

    // The lines between the common beginning and the common end, with three lines before them: enough to see what changed.
    private static string Difference(string expected, string actual)
    {
        string[] before = expected.Split('\n');
        string[] after = actual.Split('\n');
        int start = 0;
        while (start < before.Length && start < after.Length && before[start] == after[start])
            start++;
        int end = 0;
        while (end < before.Length - start && end < after.Length - start && before[^(end + 1)] == after[^(end + 1)])
            end++;

        StringBuilder text = new();
        for (int i = Math.Max(0, start - 3); i < start; i++)
            text.Append("  ").Append(before[i]).Append('\n');
        AppendLines(text, "- ", before.AsSpan(start, before.Length - start - end));
        AppendLines(text, "+ ", after.AsSpan(start, after.Length - start - end));
        return text.ToString();
    }

    private static void AppendLines(StringBuilder text, string mark, ReadOnlySpan<string> lines)
    {
        const int most = 60;
        foreach (string line in lines[..Math.Min(most, lines.Length)])
            text.Append(mark).Append(line).Append('\n');
        if (lines.Length > most)
            text.Append(mark).Append("… and ").Append(lines.Length - most).Append(" more lines\n");
    }
}
