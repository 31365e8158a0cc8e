// A function for each request: a fresh instance out of the pool handles one request and is gone, so requests share nothing. The guest is a WASI program
// that reads the body from standard input and writes the answer to standard output; any language's compiler makes one.
//
//   dotnet run --project samples/FunctionsServer -- app.wasm        then: curl --data-binary hello http://localhost:5000/
using Tarn;
using Tarn.Wasi;

WebApplicationBuilder builder = WebApplication.CreateBuilder();
builder.WebHost.UseUrls(args.Length > 1 ? args[1] : "http://localhost:5000");
builder.Logging.ClearProviders();
using var engine = new Engine(new EngineOptions { EnableInterruption = true });
using Module module = Module.FromFile(engine, args[0]);
using InstanceTemplate template = new Linker(engine).DefineWasi().Prepare(module);
await using WebApplication app = builder.Build();
app.MapPost("/", async (HttpContext request) =>
{
    using var limit = CancellationTokenSource.CreateLinkedTokenSource(request.RequestAborted);
    limit.CancelAfter(TimeSpan.FromSeconds(5));
    using var body = new MemoryStream();
    await request.Request.Body.CopyToAsync(body, limit.Token);
    body.Position = 0;
    using var answer = new MemoryStream();
    using var context = new WasiContext(new WasiOptions { Arguments = ["function"], StandardInput = body, StandardOutput = answer });
    using Instance instance = template.Instantiate(context);
    int status = await context.RunAsync(instance, limit.Token);
    request.Response.StatusCode = status == 0 ? StatusCodes.Status200OK : StatusCodes.Status500InternalServerError;
    await request.Response.Body.WriteAsync(answer.ToArray(), limit.Token);
});
await app.StartAsync();
Console.WriteLine($"listening on {app.Urls.First()}");
await app.WaitForShutdownAsync();
