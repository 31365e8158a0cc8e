// A request to a component that exports wasi:http/incoming-handler, and its response. The response is there as soon as the guest has given its status and headers; its body is read while the guest
// writes it, and the guest waits, without a thread, for the reader.
using Tarn.Components;
using Tarn.Wasi.Preview2;
using Tarn.Wasi.Preview2.Http;

namespace Tarn.Wasi;

/// <summary>Represents the answer of a component to an HTTP request.</summary>
public sealed class WasiHttpExchange : IDisposable
{
    private const string HandlerInterface = "wasi:http/incoming-handler@0.2.0";

    private WasiHttpExchange(HttpResponseMessage response, Task completion)
    {
        Response = response;
        Completion = completion;
    }

    /// <summary>Gets the response. Its body ends with an <see cref="IOException"/> if the guest fails before it has finished it.</summary>
    public HttpResponseMessage Response { get; }

    /// <summary>Gets the task of the guest's call, which may continue after its response is complete. The instance must not be disposed or called before it has ended.</summary>
    public Task Completion { get; }

    /// <summary>Lets go of the response. A guest that still writes its body continues, and what it writes is dropped.</summary>
    public void Dispose() => Response.Dispose();

    internal static async Task<WasiHttpExchange> BeginAsync(WasiContext context, ComponentInstance instance, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ComponentFunction handle = instance.GetInstance(HandlerInterface).GetFunction("handle");
        ComponentResourceType incoming = TypeOf(handle, 0, "wasi:http/types.incoming-request"), outparam = TypeOf(handle, 1, "wasi:http/types.response-outparam");
        Stream body = request.Content is null ? Stream.Null : await request.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        ResponseOutparam target = new();
        ValueTask<ComponentValue?> call = handle.InvokeAsync(
            [WasiResources.Give(incoming, new IncomingRequest(request, body)), WasiResources.Give(outparam, target)], cancellationToken);
        Task completion = CompleteAsync(context, call, target, cancellationToken);
        try
        {
            return new WasiHttpExchange(await target.Response.ConfigureAwait(false), completion);
        }
        catch
        {
            // The guest's own failure says more than that there is no response.
            await completion.ConfigureAwait(false);
            throw;
        }
    }

    // The types that the linker gave to the component: a handle of others would not be the guest's.
    private static ComponentResourceType TypeOf(ComponentFunction function, int parameter, string name) =>
        function.HostResourceOf(parameter) is ComponentResourceType type && type.Name == name
            ? type
            : throw new ArgumentException($"The component was not linked with the functions of ComponentLinker.DefineWasi: its {name.AsSpan(name.IndexOf('.', StringComparison.Ordinal) + 1)} is another type.", nameof(function));

    private static async Task CompleteAsync(WasiContext context, ValueTask<ComponentValue?> call, ResponseOutparam target, CancellationToken cancellationToken)
    {
        try
        {
            _ = await call.ConfigureAwait(false);
            target.End(null);
        }
        catch (Exception e)
        {
            target.End(e);
            throw;
        }
        finally
        {
            ValueTask flushing = context.FlushOutputAsync(cancellationToken);
            if (flushing.IsCompleted)
                await flushing.ConfigureAwait(false);
        }
    }
}
