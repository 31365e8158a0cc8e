// Where a guest puts its response. A guest that ends, or drops it, without having put anything there has failed, and the response that the host waits for ends with that error.
using System.Net;

namespace Tarn.Wasi.Preview2.Http;

/// <summary>The object behind <c>response-outparam</c>.</summary>
internal sealed class ResponseOutparam : IDisposable
{
    private readonly TaskCompletionSource<HttpResponseMessage> _response = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The response, as soon as the guest has said its status and headers.</summary>
    public Task<HttpResponseMessage> Response => _response.Task;

    /// <summary>The response's body, which ends with an error if the guest ends before it has finished it.</summary>
    public OutgoingBody? Body { get; private set; }

    public void Set(OutgoingResponse response)
    {
        Body = response.Body;
        HttpResponseMessage message = new((HttpStatusCode)response.Status) { Content = Body is null ? new ByteArrayContent([]) : new PipeContent(Body.Pipe, Body.Length) };
        response.Headers.CopyTo(message.Headers, message.Content.Headers);
        _response.TrySetResult(message);
    }

    /// <summary>The guest says that it cannot answer.</summary>
    public void Fail(string code) => _response.TrySetException(new HttpRequestException($"The guest answered the request with the error {code}."));

    /// <summary>The guest has ended.</summary>
    /// <param name="failure">What with, or null.</param>
    public void End(Exception? failure)
    {
        _response.TrySetException(failure ?? new HttpRequestException("The guest returned without a response."));
        Body?.Pipe.Complete(failure ?? new InvalidOperationException("the guest returned"));
    }

    public void Dispose() => _response.TrySetException(new HttpRequestException("The guest dropped the request without a response."));
}
