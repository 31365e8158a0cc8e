// How a program ended and what it printed.
namespace Tarn.Wasi.Tests.Support;

internal sealed record GuestResult(int Status, string Output, string Error);
