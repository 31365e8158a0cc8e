// A request to an exported function: its arguments are numbers, taken from the route or from an array of JSON, its results are JSON.
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Tarn.AspNetCore.Modules;

namespace Tarn.AspNetCore.Requests;

internal sealed class FunctionEndpoint(WasmHost host, HostedModule module, string function, IReadOnlyList<string> parameters, ILogger logger) : GuestEndpoint(host, module, logger)
{
    // A function has at most 1000 parameters.
    private const int MostBytes = 1 << 16;

    protected override async Task<bool> AnswerAsync(HttpContext http, LoadedModule loaded, TenantLimits limits, CancellationToken stop)
    {
        InstanceTemplate template = loaded.Template ?? throw new InvalidOperationException($"\"{Hosted.Name}\" is a component, whose functions are not mapped; map it with MapWasm.");
        using var context = new Wasi.WasiContext(new Wasi.WasiOptions());
        string[] texts = parameters.Count != 0
            ? [.. parameters.Select(name => Convert.ToString(http.Request.RouteValues[name], CultureInfo.InvariantCulture) ?? "")]
            : await ReadAsync(http, stop);
        Value[] results;
        Instance instance = await RentAsync(template, context, limits, stop);
        await using (instance)
        {
            Function called = instance.GetFunction(function);
            FunctionType type = called.Type;
            if (texts.Length != type.Parameters.Length)
                throw new BadHttpRequestException($"The function takes {type.Parameters.Length} numbers.");
            var arguments = new Value[texts.Length];
            for (int i = 0; i < texts.Length; i++)
                arguments[i] = Parse(texts[i], type.Parameters[i]);
            results = await called.InvokeAsync(arguments, stop);
        }
        http.Response.ContentType = "application/json";
        var text = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(text))
        {
            if (results.Length != 1)
                writer.WriteStartArray();
            foreach (Value result in results)
                Write(writer, result);
            if (results.Length != 1)
                writer.WriteEndArray();
        }
        await http.Response.Body.WriteAsync(text.WrittenMemory, stop);
        return true;
    }

    private static async ValueTask<string[]> ReadAsync(HttpContext http, CancellationToken stop)
    {
        if (http.Request.ContentLength is null or 0 && !http.Request.Headers.ContainsKey("Transfer-Encoding"))
            return [];
        try
        {
            // Bounded here, whatever MaximumRequestBytes allows to programs: an array of a byte for each item takes many times its size when it is read.
            byte[] buffer = new byte[MostBytes + 1];
            int count = await http.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, stop);
            if (count > MostBytes)
                throw new BadHttpRequestException("The body is too long for numbers.", StatusCodes.Status413PayloadTooLarge);
            using JsonDocument body = JsonDocument.Parse(buffer.AsMemory(0, count));
            return body.RootElement.ValueKind == JsonValueKind.Array
                ? [.. body.RootElement.EnumerateArray().Select(static item => item.ValueKind == JsonValueKind.String ? item.GetString()! : item.GetRawText())]
                : throw new BadHttpRequestException("The body must be an array of numbers.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new BadHttpRequestException("The body must be an array of numbers.", e);
        }
    }

    private static Value Parse(string text, WasmValueType type)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        if (type == ValueKind.I32 && int.TryParse(text, NumberStyles.AllowLeadingSign, culture, out int i32))
            return Value.FromInt32(i32);
        if (type == ValueKind.I64 && long.TryParse(text, NumberStyles.AllowLeadingSign, culture, out long i64))
            return Value.FromInt64(i64);
        if (type == ValueKind.F32 && float.TryParse(text, NumberStyles.Float, culture, out float f32))
            return Value.FromSingle(f32);
        return type == ValueKind.F64 && double.TryParse(text, NumberStyles.Float, culture, out double f64)
            ? Value.FromDouble(f64)
            : throw new BadHttpRequestException($"A parameter is not a value of the type {type}.");
    }

    private static void Write(Utf8JsonWriter writer, Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.I32:
                writer.WriteNumberValue(value.AsInt32());
                break;
            case ValueKind.I64:
                writer.WriteNumberValue(value.AsInt64());
                break;
            case ValueKind.F32 when float.IsFinite(value.AsSingle()):
                writer.WriteNumberValue(value.AsSingle());
                break;
            case ValueKind.F64 when double.IsFinite(value.AsDouble()):
                writer.WriteNumberValue(value.AsDouble());
                break;
            case ValueKind.F32 or ValueKind.F64:
                // JSON has no such numbers.
                writer.WriteStringValue(value.Kind == ValueKind.F32 ? value.AsSingle().ToString(CultureInfo.InvariantCulture) : value.AsDouble().ToString(CultureInfo.InvariantCulture));
                break;
            default:
                throw new InvalidOperationException($"A result of the type {value.Kind} cannot be written as JSON.");
        }
    }
}
