// Mutated components: whatever the bytes are, they are accepted or refused with a typed error, in time, and what is accepted prints, parses and validates again. Bounded; from new seeds in
// CI and with TARN_FUZZ_SECONDS (FuzzRun).
using System.Text;
using Tarn.TestSupport;
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Tests.Components;

public sealed class ComponentFuzzTests
{
    private const int Runs = 4000;

    private static readonly byte[][] s_seeds = [.. ComponentSamples.Texts.Select(ComponentSamples.Binary)];

    [Fact]
    public void Mutated_components_are_accepted_or_refused_with_a_typed_error()
    {
        using FuzzRun run = FuzzRun.Start(typeof(ComponentFuzzTests), nameof(Mutated_components_are_accepted_or_refused_with_a_typed_error), otherwise: 1);
        int accepted = 0;
        for (int i = 0; i < Runs || run.GoesOn; i++)
        {
            int seed = run.First + i;
            var random = new Random(seed);
            byte[] mutant = Mutate(s_seeds[random.Next(s_seeds.Length)], random);
            try
            {
                WasmComponent component = WasmComponent.Decode(mutant, WasmFeatures.All);
                byte[] text = ComponentPrinter.Print(component);
                ComponentValidator.Validate(component, WasmFeatures.All);
                byte[] binary = ComponentParser.Parse(text, $"printed for seed {seed}");
                ComponentSamples.Validate(binary, WasmFeatures.All);
                accepted++;
            }
            catch (WasmException)
            {
            }
        }

        Assert.True(accepted > Runs / 100, $"only {accepted} mutants were accepted: the mutations are too coarse to test anything");
    }

    [Fact]
    public void Mutated_text_is_accepted_or_refused_with_a_typed_error()
    {
        using FuzzRun run = FuzzRun.Start(typeof(ComponentFuzzTests), nameof(Mutated_text_is_accepted_or_refused_with_a_typed_error), otherwise: 1);
        for (int i = 0; i < Runs || run.GoesOn; i++)
        {
            var random = new Random(run.First + i);
            string[] words = ComponentSamples.Texts[random.Next(ComponentSamples.Texts.Length)].Split(' ');
            string[] others = ComponentSamples.Texts[random.Next(ComponentSamples.Texts.Length)].Split(' ');
            for (int change = random.Next(1, 4); change > 0; change--)
                words[random.Next(words.Length)] = random.Next(3) == 0 ? "" : others[random.Next(others.Length)];
            try
            {
                ComponentSamples.Validate(ComponentParser.Parse(Encoding.UTF8.GetBytes(string.Join(' ', words))), WasmFeatures.All);
            }
            catch (WasmException)
            {
            }
        }
    }

    private static byte[] Mutate(byte[] component, Random random)
    {
        byte[] mutant = [.. component];
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            int at = random.Next(8, mutant.Length + 1);
            switch (random.Next(4))
            {
                case 0 when at < mutant.Length:
                    mutant[at] = (byte)random.Next(256);
                    break;
                case 1 when at < mutant.Length:
                    mutant[at] = (byte)(mutant[at] + random.Next(-2, 3));
                    break;
                case 2 when at < mutant.Length:
                    mutant = [.. mutant[..at], .. mutant[(at + 1)..]];
                    break;
                default:
                    mutant = [.. mutant[..at], (byte)random.Next(128), .. mutant[at..]];
                    break;
            }
        }

        return mutant;
    }
}
