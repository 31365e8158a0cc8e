// Entry point of the tarn command.
using System.CommandLine;
using Tarn.Cli.Commands;

RootCommand root = new("Tarn, a WebAssembly runtime for .NET.") { RunCommand.Create() };
return root.Parse(args).Invoke();
