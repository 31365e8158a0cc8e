// The same program in Node's node:wasi, for comparison: its output, and how long it took from start to exit.
using System.Diagnostics;

namespace Tarn.Wasi.Tests.Support;

internal static class NodeWasi
{
    private const string Script = """
        import { WASI } from 'node:wasi';
        import fs from 'node:fs';
        const [file, dir, ...args] = process.argv.slice(1);
        const wasi = new WASI({ version: 'preview1', args: [file, ...args], env: {}, preopens: dir === '-' ? {} : { '/': dir } });
        const module = await WebAssembly.compile(fs.readFileSync(file));
        process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
        """;

    /// <summary>Runs a program, with a directory as its root or "-" for none; null where there is no Node.</summary>
    public static (int Status, byte[] Output, TimeSpan Time)? Run(string program, string directory, params string[] arguments)
    {
        ProcessStartInfo start = new("node", ["--no-warnings", "--input-type=module", "-e", Script, "--", program, directory, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        long begin = Stopwatch.GetTimestamp();
        try
        {
            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            using var output = new MemoryStream();
            process.StandardOutput.BaseStream.CopyTo(output);
            process.WaitForExit();
            return (process.ExitCode, output.ToArray(), Stopwatch.GetElapsedTime(begin));
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
