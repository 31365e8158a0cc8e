// The compiled code of a program with how often each instruction ran, hottest functions first: what to read when a program is slower than it should be.
using System.Globalization;
using Iced.Intel;
using Tarn.Bench.Execute;

namespace Tarn.Bench.Count;

internal sealed class ProfileBenchmark : IBenchmark
{
    public string Verb => "profile";

    public string Summary => "PROGRAM: its code as Tarn compiles it, each instruction with its share of all executed (valgrind).  --least=PERMILLE --ir --interruption --fuel";

    public int Run(BenchmarkArguments arguments)
    {
        if (arguments.Words is not [string name] || NativeDriver.TryBuild() is not { } driver)
        {
            Console.Error.WriteLine("profile needs the name of a program, a C compiler (cc) and valgrind.");
            return 1;
        }

        BenchmarkProgram program = ProgramSet.Read([name])[0];
        string path = Path.Combine(driver.Folder, name + ".image");
        GuestImage image = new(File.ReadAllBytes(program.WasmPath), CountBenchmark.Target(arguments));
        image.Write(path);
        if (arguments.Flag("ir"))
            Console.WriteLine(image.Intermediate());
        (_, long total, string file) = driver.Count("tarn", path, program.CountN);
        Dictionary<ulong, long> counts = NativeDriver.Addresses(file);
        double least = arguments.Number("least", 5) / 1000.0;
        Console.WriteLine($"{name}: {total / 1e6:0.000} million instructions; those below {least * 100:0.0} % are left out");
        foreach (int function in Enumerable.Range(0, image.Functions.Length).OrderByDescending(f => Executed(image, f, counts)))
        {
            long own = Executed(image, function, counts);
            if (own >= least * total)
                Print(image, function, counts, total, least, own);
        }

        return 0;
    }

    private static long Executed(GuestImage image, int function, Dictionary<ulong, long> counts)
    {
        ulong start = image.AddressOf(function), end = start + (ulong)image.Functions[function].Code.Length;
        return counts.Sum(c => c.Key >= start && c.Key < end ? c.Value : 0);
    }

    private static void Print(GuestImage image, int function, Dictionary<ulong, long> counts, long total, double least, long own)
    {
        Console.WriteLine($"\n{image.NameOf(function)}: {100.0 * own / total:0.0} %, frame {image.Functions[function].FrameSize} bytes, code {image.Functions[function].Code.Length} bytes");
        byte[] code = image.Functions[function].Code;
        Decoder decoder = Decoder.Create(64, new ByteArrayCodeReader(code), image.AddressOf(function));
        IntelFormatter formatter = new();
        formatter.Options.HexPrefix = "0x";
        formatter.Options.HexSuffix = "";
        formatter.Options.BranchLeadingZeros = false;
        formatter.Options.ShowBranchSize = false;
        StringOutput output = new();
        bool gap = false;
        while (decoder.IP < image.AddressOf(function) + (ulong)code.Length)
        {
            decoder.Decode(out Instruction instruction);
            long count = counts.GetValueOrDefault(instruction.IP);
            if (count < least * total / 10)
            {
                if (!gap)
                    Console.WriteLine("        …");
                gap = true;
                continue;
            }

            gap = false;
            formatter.Format(instruction, output);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{100.0 * count / total,7:0.00} %  {instruction.IP:x}  {output.ToStringAndReset()}"));
        }
    }
}
