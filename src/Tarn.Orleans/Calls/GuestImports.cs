// The module "tarn", which guests of the cluster import: the bytes of a call, and calls of other guests. While such a call is pending, the guest is suspended and holds no thread.
//
// Who may call whom: a guest names others by text, so its host decides (TarnClusterOptions.MayCall). A call that would have to wait for itself is refused rather than left to time out: the guests that
// wait travel with the call. Every pointer is checked before it is used, and bytes are charged as fuel.
using System.Text;

namespace Tarn.Orleans.Calls;

internal static class GuestImports
{
    public const string ModuleName = "tarn";
    public const string ChainKey = "tarn.chain";

    private const int MostInChain = 16;

    public static void Define(Linker linker)
    {
        linker.DefineFunction(ModuleName, "input_length", static (Caller caller) => Context(caller).Input.Length);
        linker.DefineFunction(ModuleName, "input_read", static (Caller caller, int at, int offset, int length) => Copy(caller, Context(caller).Input.Span, at, offset, length));
        linker.DefineFunction(ModuleName, "output_write", static (Caller caller, int at, int length) => Context(caller).Write(Bytes(caller, at, length)));
        linker.DefineFunction(ModuleName, "reply_length", static (Caller caller) => Context(caller).Reply.Length);
        linker.DefineFunction(ModuleName, "reply_read", static (Caller caller, int at, int offset, int length) => Copy(caller, Context(caller).Reply.Span, at, offset, length));
        linker.DefineFunction(
            ModuleName,
            "call_function",
            static (Caller caller, int module, int moduleLength, int function, int functionLength, int input, int inputLength) => CallAsync(
                Context(caller), Text(caller, module, moduleLength), null, Text(caller, function, functionLength), Message(caller, input, inputLength), false));
        linker.DefineFunction(
            ModuleName,
            "call_actor",
            static (Caller caller, int module, int moduleLength, int id, int idLength, int function, int functionLength, int input, int inputLength, int isDurable) => CallAsync(
                Context(caller), Text(caller, module, moduleLength), Text(caller, id, idLength), Text(caller, function, functionLength), Message(caller, input, inputLength), isDurable != 0));
    }

    // 0, or one more than the failure's number.
    private static async Task<int> CallAsync(GuestContext context, string module, string? id, string function, byte[] input, bool isDurable)
    {
        context.Reply = default;
        if (context.Peers is not GuestPeers peers || context.Deployment is not GuestDeployment own)
            throw new GuestCallException(GuestFailure.HostFailed, "A guest cannot call others while it is initialized.");
        if (!GuestGrainFactoryExtensions.IsName(module) || id is "")
            return Result(GuestFailure.InvalidArguments);
        string key = id is null ? module : $"{module}/{id}";
        string[] chain = context.Chain;
        if (chain.Length > MostInChain || (id is not null && chain.Contains(key)))
            return Result(GuestFailure.InvalidArguments);
        try
        {
            GuestDeployment other = await peers.Guests.FindAsync(module).ConfigureAwait(false);
            if (!(peers.MayCall is { } mayCall ? mayCall(own, other) : other.Tenant == own.Tenant))
                return Result(GuestFailure.UnknownModule);
            var request = new GuestRequest { Function = function, Input = input, IsDurable = isDurable, Tenant = context.Tenant };
            RequestContext.Set(ChainKey, chain);
            GuestReply reply = await (id is null ? peers.Grains.GetGrain<IGuestFunction>(key).CallAsync(request) : peers.Grains.GetGrain<IGuestActor>(key).CallAsync(request)).ConfigureAwait(false);
            context.Reply = reply.Output;
            return 0;
        }
        catch (GuestCallException e)
        {
            return Result(e.Failure);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            return Result(GuestFailure.TimedOut);
        }
    }

    private static int Result(GuestFailure failure) => (int)failure + 1;

    private static GuestContext Context(Caller caller) => caller.GetState<GuestContext>() ?? throw new InvalidOperationException("The instance was not made by the cluster.");

    private static int Copy(Caller caller, ReadOnlySpan<byte> source, int at, int offset, int length)
    {
        if ((uint)offset >= (uint)source.Length)
            return 0;
        ReadOnlySpan<byte> part = source[offset..];
        if ((uint)length < (uint)part.Length)
            part = part[..length];
        part.CopyTo(Bytes(caller, at, part.Length));
        return part.Length;
    }

    private static byte[] Message(Caller caller, int at, int length)
    {
        int most = Context(caller).MaximumMessageBytes;
        return (uint)length <= (uint)most
            ? Bytes(caller, at, length).ToArray()
            : throw new GuestCallException(GuestFailure.LimitExceeded, $"The guest sent a message of {(uint)length} bytes, and MaximumMessageBytes is {most}.");
    }

    private static string Text(Caller caller, int at, int length) => (uint)length <= 1000
        ? Encoding.UTF8.GetString(Bytes(caller, at, length))
        : throw new GuestCallException(GuestFailure.LimitExceeded, $"The guest passed a name of {(uint)length} bytes; it may have 1000.");

    private static Span<byte> Bytes(Caller caller, int at, int length)
    {
        Memory memory = caller.Memory;
        if ((uint)length > int.MaxValue || (uint)at + (long)(uint)length > memory.Length)
            throw new GuestCallException(GuestFailure.Trapped, $"The guest passed bytes from {(uint)at}, {(uint)length} in number, and its memory has {memory.Length}.", TrapCode.MemoryOutOfBounds);
        caller.ConsumeFuel(1 + (length / 8));
        return memory.AsSpan((uint)at, length);
    }
}
