// Marks tests in which instances are left when their engine is disposed: see SlotsAreReturned.
namespace Tarn.Runtime.Tests;

[AttributeUsage(AttributeTargets.Method)]
internal sealed class OutlivesEngineAttribute : Attribute;
