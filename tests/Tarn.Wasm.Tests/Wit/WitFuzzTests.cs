// Mutated WIT: it is accepted or refused with an error that has a place, and what is accepted prints, and encodes to something that the validator answers for.
using System.Text;
using Tarn.TestSupport;
using Tarn.Wasm.Wit;

namespace Tarn.Wasm.Tests.Wit;

public sealed class WitFuzzTests
{
    private const int Runs = 3000;

    private static readonly string[] s_seeds =
    [
        "package a:b@1.2.3; /// docs\n interface i { resource r { constructor(x: u8); m: func() -> result<string, e>; s: static func(x: borrow<r>); } enum e { a, b } type t = list<tuple<u8, r>>; f: func(x: t) -> option<t>; }",
        "package a:b; interface i { record p { x: u32, y: option<string> } variant v { a(p), b } flags f { a, b } use j.{k as l}; g: func(x: l, y: v); } interface j { type k = u8; } world w { import i; export j; include v; } world v { import x: func(); export y: interface { use i.{p}; f: func() -> p; } }",
        "package a:b; @unstable(feature = x) interface i { type t = u8; } world w { use j.{r}; import f: func(x: r) -> stream<u8>; export l: j; } interface j { resource r; } package c:d@0.1.0 { interface k { type t = map<string, list<u8, 4>>; } }",
    ];

    [Fact]
    public void Mutated_text_is_accepted_or_refused_with_a_typed_error()
    {
        using FuzzRun run = FuzzRun.Start(typeof(WitFuzzTests), nameof(Mutated_text_is_accepted_or_refused_with_a_typed_error), otherwise: 1);
        int accepted = 0;
        for (int i = 0; i < Runs || run.GoesOn; i++)
        {
            var random = new Random(run.First + i);
            List<string> words = [.. Words(s_seeds[random.Next(s_seeds.Length)])];
            string[] others = [.. Words(s_seeds[random.Next(s_seeds.Length)])];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int at = random.Next(words.Count);
                switch (random.Next(3))
                {
                    case 0:
                        words.RemoveAt(at);
                        break;
                    case 1:
                        words.Insert(at, others[random.Next(others.Length)]);
                        break;
                    default:
                        words[at] = others[random.Next(others.Length)];
                        break;
                }
            }

            string text = string.Concat(words);
            try
            {
                WitResolver resolver = new(WitFeatures.Every);
                WitPackage main = resolver.AddText("fuzzed.wit", text);
                string printed = WitPrinter.Print(main, resolver.Packages);
                WitResolver again = new(WitFeatures.Every);
                Assert.Equal(printed, WitPrinter.Print(again.AddText("printed.wit", printed), again.Packages));
                accepted++;
                if (main.Interfaces.Count + main.Worlds.Count > 0)
                    WitDecoder.Decode(WitEncoder.Encode(main));
            }
            catch (WasmException)
            {
            }
        }

        Assert.True(accepted > Runs / 100, $"only {accepted} mutants were accepted: the mutations are too coarse to test anything");
    }

    [Fact]
    public void Text_that_nests_or_chains_without_end_is_refused()
    {
        Refuse("package a:b; interface i { type t = " + string.Concat(Enumerable.Repeat("list<", 100_000)) + "u8", "nested too deeply");
        Refuse(string.Concat(Enumerable.Repeat("package a:b {", 100_000)), "nested too deeply");
        StringBuilder chain = new("package a:b; interface i { type t0 = u8;");
        for (int i = 1; i < 5000; i++)
            chain.Append($"type t{i} = list<t{i - 1}>;");
        Refuse(chain.Append('}').ToString(), "nested too deeply");
        StringBuilder uses = new("package a:b; interface i0 { type t = u8; }");
        for (int i = 1; i < 20_000; i++)
            uses.Append($"interface i{i} {{ use i{i - 1}.{{t as u}}; type t = u8; }}");
        Refuse(uses.Append("world w { import i19999; }").ToString(), "in a chain of more than");
        Refuse("package a:b; " + string.Concat(Enumerable.Repeat("/*", 100_000)), "not closed");
    }

    private static void Refuse(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<TextFormatException>(() => new WitResolver().AddText("hostile.wit", text)).Message, StringComparison.Ordinal);

    private static IEnumerable<string> Words(string text)
    {
        int start = 0;
        for (int i = 1; i <= text.Length; i++)
        {
            if (i < text.Length && IsWord(text[i]) && IsWord(text[i - 1]))
                continue;
            yield return text[start..i];
            start = i;
        }

        static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '-';
    }
}
