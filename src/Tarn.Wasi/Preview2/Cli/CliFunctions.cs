// wasi:cli: arguments, environment, standard streams and the end of the program.
using System.Text;
using Tarn.Components;
using Tarn.Wasi.Descriptors;
using Tarn.Wasi.Preview1;
using Tarn.Wasi.Preview2.Io;

namespace Tarn.Wasi.Preview2.Cli;

internal static class CliFunctions
{
    private const int Input = 0;
    private const int Output = 1;
    private const int Error = 2;

    public static void DefineIn(Preview2Binder binder)
    {
        binder.Define("wasi:cli/environment", "get-environment", (in Preview2Call call) => ComponentValue.FromList([.. call.Context.Environment.Select(Variable)]));
        binder.Define("wasi:cli/environment", "get-arguments", (in Preview2Call call) => ComponentValue.FromList([.. call.Context.Arguments.Select(argument => Text(argument.AsSpan(0, argument.Length - 1)))]));
        binder.Define("wasi:cli/environment", "initial-cwd", (in Preview2Call call) => ComponentValue.FromOption(null));
        binder.Define("wasi:cli/exit", "exit", (in Preview2Call call) => Exit(call[0].Case == "ok" ? 0 : 1));
        binder.Define("wasi:cli/exit", "exit-with-code", (in Preview2Call call) => Exit(call[0].AsUInt8()));

        binder.Define("wasi:cli/stdin", "get-stdin", (in Preview2Call call) => WasiResources.Give(call.Resources.InputStream, new DescriptorInputStream(Stream<InputDescriptor>(call.Context, Input))));
        binder.Define("wasi:cli/stdout", "get-stdout", (in Preview2Call call) => WasiResources.Give(call.Resources.OutputStream, new DescriptorOutputStream(Stream<OutputDescriptor>(call.Context, Output))));
        binder.Define("wasi:cli/stderr", "get-stderr", (in Preview2Call call) => WasiResources.Give(call.Resources.OutputStream, new DescriptorOutputStream(Stream<OutputDescriptor>(call.Context, Error))));

        binder.Define("wasi:cli/terminal-input", "terminal-input", binder.Resources.TerminalInput);
        binder.Define("wasi:cli/terminal-output", "terminal-output", binder.Resources.TerminalOutput);
        binder.Define("wasi:cli/terminal-stdin", "get-terminal-stdin", (in Preview2Call call) => Terminal(call, Input, call.Resources.TerminalInput));
        binder.Define("wasi:cli/terminal-stdout", "get-terminal-stdout", (in Preview2Call call) => Terminal(call, Output, call.Resources.TerminalOutput));
        binder.Define("wasi:cli/terminal-stderr", "get-terminal-stderr", (in Preview2Call call) => Terminal(call, Error, call.Resources.TerminalOutput));
    }

    private static ComponentValue? Exit(int status)
    {
        ProcessFunctions.Exit(status);
        return null;
    }

    // Standard streams are not in the guest's hands to close: they are where the context put them.
    private static T Stream<T>(WasiContext context, int number)
        where T : Descriptor => context.Descriptors.TryGet(number, out Descriptor? descriptor) && descriptor is T stream ? stream : throw new ObjectDisposedException(nameof(WasiContext));

    private static ComponentValue Terminal(in Preview2Call call, int number, ComponentResourceType type) =>
        ComponentValue.FromOption(call.Context.Descriptors.TryGet(number, out Descriptor? descriptor) && descriptor.FileType == WasiFileType.CharacterDevice ? WasiResources.Give(type, type) : null);

    // A string of a component is Unicode: bytes that are not UTF-8 become replacement characters.
    private static ComponentValue Text(ReadOnlySpan<byte> bytes) => ComponentValue.FromString(Encoding.UTF8.GetString(bytes));

    private static ComponentValue Variable(byte[] variable)
    {
        int equals = Array.IndexOf(variable, (byte)'=');
        return ComponentValue.FromTuple(Text(variable.AsSpan(0, equals)), Text(variable.AsSpan(equals + 1, variable.Length - equals - 2)));
    }
}
