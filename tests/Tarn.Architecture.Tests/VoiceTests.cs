// Keeps turns of phrase out of what people read: documents, documentation comments and messages. Each was in the repository once; beside it stands the sentence that it comes from and
// what to write. There is no list of excused places.
using System.Text.RegularExpressions;
using Tarn.TestSupport;

namespace Tarn.Architecture.Tests;

/// <summary>Public words are plain.</summary>
public sealed partial class VoiceTests
{
    // Pattern, the sentence that it was found in, what to write instead.
    private static readonly (Regex Pattern, string From, string Instead)[] s_patterns =
    [
        (AnyMore(), "ObjectDisposedException: There was no reference any more.", "no longer; any longer"),
        (IsNo(), "a floating-point number that is no integer was converted", "is not a"),
        (Whoever(), "Exceptions unwind the guest and reach whoever called it.", "the caller, the guest, the thread: name it"),
        (Nobody(), "The slot is given up: nobody finds it any more.", "no thread, no caller, no other user; or the passive"),
        (Somebody(), "Completes when somebody wakes it.", "name it; or the passive"),
        (AsLongAs(), "null for as good as no limit; null for as long as calls like", "no limit; while"),
        (GoOn(), "one that lives longer goes on working", "continue"),
        (GiveBack(), "Memory slots whose pages were given back to the system.", "return; release"),
        (HeldAgainst(), "random calls held against the kernel", "compare with"),
        (Mend(), "Found by reading, reproduced, mended.", "fix"),
        (Lie(), "Whether a range lies within the memory.", "is"),
        (FaultOfOurs(), "this is a fault of Tarn", "a bug in Tarn; the options are invalid"),
        (Shall(), "Called when compiled code noticed that it shall stop.", "must"),
        (WantsTo(), "null where nobody wants to know", "requires; is asked for"),
    ];

    [Fact]
    public void Documents_are_plain() => Check(
        Directory.EnumerateFiles(Repository.Root, "*.md")
            .Concat(Directory.EnumerateFiles(Repository.PathOf("docs"), "*.md"))
            .Concat(Directory.EnumerateFiles(Repository.PathOf("src"), "*.md", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(Repository.PathOf("bench"), "*.md"))
            .SelectMany(path => File.ReadLines(path).Select((line, i) => (path, i + 1, line))));

    [Fact]
    public void Documentation_comments_are_plain() => Check(Sources().SelectMany(path => File.ReadLines(path)
        .Select((line, i) => (path, i + 1, line.TrimStart()))
        .Where(line => line.Item3.StartsWith("///", StringComparison.Ordinal))));

    [Fact]
    public void Messages_are_plain() => Check(Sources().SelectMany(path => File.ReadLines(path)
        .Select((line, i) => (path, i + 1, line.TrimStart()))
        .Where(line => !line.Item3.StartsWith("//", StringComparison.Ordinal))
        .SelectMany(line => Literal().Matches(line.Item3).Select(match => (line.path, line.Item2, match.Value)))));

    [Fact]
    public void Every_pattern_finds_the_sentence_that_it_comes_from()
    {
        foreach ((Regex pattern, string from, string _) in s_patterns)
        {
            Assert.Matches(pattern, from);
        }
    }

    private static IEnumerable<string> Sources() => Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
        .Where(path => !path.Contains("/obj/", StringComparison.Ordinal));

    private static void Check(IEnumerable<(string Path, int Line, string Text)> lines)
    {
        List<string> found = [];
        foreach ((string path, int line, string text) in lines)
        {
            foreach ((Regex pattern, string _, string instead) in s_patterns)
            {
                if (pattern.Match(text) is { Success: true } match)
                {
                    found.Add($"{Path.GetRelativePath(Repository.Root, path)}:{line}: \"{match.Value}\"; write: {instead}");
                }
            }
        }

        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    [GeneratedRegex(@"""(?:[^""\\]|\\.)*""")]
    private static partial Regex Literal();

    [GeneratedRegex(@"\bany more\b")]
    private static partial Regex AnyMore();

    // "There is no X" is good English.
    [GeneratedRegex(@"(?<!\b[Tt]here )\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|other\b)[a-z]")]
    private static partial Regex IsNo();

    [GeneratedRegex(@"\b[Ww]hoever\b")]
    private static partial Regex Whoever();

    [GeneratedRegex(@"\b[Nn]obody\b")]
    private static partial Regex Nobody();

    [GeneratedRegex(@"\b(?:[Ss]ome|[Aa]ny)body\b")]
    private static partial Regex Somebody();

    [GeneratedRegex(@"\bfor as (?:long|good) as\b")]
    private static partial Regex AsLongAs();

    [GeneratedRegex(@"\b(?:go|goes|going|went) on\b")]
    private static partial Regex GoOn();

    [GeneratedRegex(@"\b(?:gives?|given|gave) (?:everything |it |them |all )?back\b")]
    private static partial Regex GiveBack();

    [GeneratedRegex(@"\b(?:held|holds?) against\b")]
    private static partial Regex HeldAgainst();

    [GeneratedRegex(@"\bmend(?:s|ed|ing)?\b")]
    private static partial Regex Mend();

    [GeneratedRegex(@"\b(?:lies|lay) (?:in|at|within|beside|below|above|behind|before|elsewhere|outside|there)\b|\b(?:slots|memories|bytes|blocks|stacks|they|that) lie\b|\bnot lie\b")]
    private static partial Regex Lie();

    [GeneratedRegex(@"\bfault of (?:Tarn|ours)\b|\boptions are faulty\b")]
    private static partial Regex FaultOfOurs();

    [GeneratedRegex(@"\bshall\b")]
    private static partial Regex Shall();

    [GeneratedRegex(@"\bwants? (?:to know|it|them|that)\b")]
    private static partial Regex WantsTo();
}
