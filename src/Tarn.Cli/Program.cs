// Entry point of the tarn command. Each verb is one file in Commands/ that builds a System.CommandLine command; this file lists them, and
// turns every error into a message on standard error and an exit status.
using System.CommandLine;
using System.CommandLine.Invocation;
using System.Runtime.InteropServices;
using Tarn.Cli;
using Tarn.Cli.Commands;

StandardStreams.Install();
// A file that grows beyond ulimit -f, one of the cache for example, is an error and does not end the process. Signal 25 is SIGXFSZ.
using PosixSignalRegistration? fileSize = !OperatingSystem.IsLinux() ? null : PosixSignalRegistration.Create((PosixSignal)25, static context => context.Cancel = true);
Command run = RunCommand.Create();
RootCommand root = new(
    """
    Tarn, a WebAssembly runtime for .NET.

    A module is a .wasm or .wat file, or - for standard input. The format is detected from the contents.
    Exit status: 0 for success, 1 if a module or script failed, 2 if a file could not be read or written, 70 for a bug in tarn. tarn run exits with the guest's status.

    Examples:
      tarn run --dir . app.wasm input.txt         run a program built for WASI, with files of this directory
      tarn run --invoke add samples/add.wat 2 3    call an exported function (tarn samples/add.wat 2 3 where there is one only)
      tarn compile app.wasm                       compile ahead of time; tarn run app.tarn starts at once
      tarn snapshot app.wasm --invoke init        initialize a module once, and keep its state; tarn run app.tarn continues from there
      tarn validate app.wasm                      check a module, and report where and why it is invalid
      tarn print --folded app.wasm                read a binary module as text
      tarn parse app.wat -o app.wasm              write the binary of a text module
      tarn component wit app.wasm                 show what a component imports and exports
      tarn inspect -f add samples/add.wat         show a function as IR and machine code
      tarn pool --slots 500 --hold 100            watch the pools under load
      tarn wast spec-testsuite                    run WebAssembly's own test scripts
    """)
{
    run,
    CompileCommand.Create(),
    SnapshotCommand.Create(),
    ValidateCommand.Create(),
    PrintCommand.Create(),
    ParseCommand.Create(),
    ComponentCommand.Create(),
    InspectCommand.Create(),
    PoolCommand.Create(),
    WastCommand.Create(),
};

try
{
    string[] words = HostText.Restore(args);
    // A module where a verb is expected is to be run.
    if (words is [var first, ..] && !root.Subcommands.Any(verb => verb.Name == first) && RunCommand.LooksLikeModule(first))
        words = [run.Name, .. words];
    ParseResult parsed = root.Parse(RunCommand.SeparateGuestArguments(run, words));
    if (parsed.Action is ParseErrorAction faulty)
    {
        // The message must not scroll away above a page of help.
        faulty.ShowHelp = false;
        int status = parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        Console.Error.WriteLine($"Try: tarn {(parsed.CommandResult.Command == root ? "" : parsed.CommandResult.Command.Name + " ")}--help");
        return status;
    }
    return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception problem)
{
    return Problem.Tell(problem);
}
