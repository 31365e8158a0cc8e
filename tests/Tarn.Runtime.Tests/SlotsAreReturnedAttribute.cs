// Counts the slots of every pool that any test makes, when the pool's engine is disposed: whatever the test did, all instances, memories, tables and stacks have been given back.
// For the whole assembly; a test whose instances outlive their engine on purpose says so.
using System.Collections.Concurrent;
using System.Reflection;
using Tarn.Pooling;
using Xunit.v3;

[assembly: Tarn.Runtime.Tests.SlotsAreReturned]

namespace Tarn.Runtime.Tests;

[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class SlotsAreReturnedAttribute : BeforeAfterTestAttribute
{
    // By test: what it lost, null once it is over.
    private static readonly ConcurrentDictionary<string, string?> s_lost = new();

    static SlotsAreReturnedAttribute() => PooledAllocator.Ending = Count;

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        s_lost.TryGetValue(test.UniqueID, out string? lost);
        s_lost[test.UniqueID] = null;
        if (lost is not null && methodUnderTest.GetCustomAttribute<OutlivesEngineAttribute>() is null)
            Assert.Fail(lost);
    }

    private static void Count(PooledAllocator pool)
    {
        (int Instances, int Memories, int Tables, int Stacks) lost = pool.CountUnreturned();
        if (lost == default)
            return;
        string message = $"slots were not given back: {lost.Instances} of instances, {lost.Memories} of memories, {lost.Tables} of tables, {lost.Stacks} of stacks";
        string? test = TestContext.Current.Test?.UniqueID;
        // An exception here would hide the one that may be on its way; but where the test is over or unknown, nobody else would tell.
        if (test is null || (s_lost.TryGetValue(test, out string? before) && before is null))
            throw new InvalidOperationException(message);
        s_lost[test] = message;
    }
}
