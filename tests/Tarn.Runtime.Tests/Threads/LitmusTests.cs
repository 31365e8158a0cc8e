// Litmus tests: small programs on two to four threads whose outcomes the memory model forbids or allows. With sequentially consistent atomics the forbidden ones must never be seen, in however many
// rounds; the control, store buffering with plain accesses, shows that the rounds do run at the same time, where the machine has two processors free.
//
// A round has a slot of its own in the memory, 64 bytes, all zero: variables at 0 and 32, results from 40 on. Each thread goes through the slots in a loop of the guest's, in step with the others by a
// counter that all of them add to, so that the accesses of one round meet.
using System.Globalization;

namespace Tarn.Runtime.Tests.Threads;

public sealed class LitmusTests(ITestOutputHelper output)
{
    // Few at a time: on a busy machine a thread that spins until the others have come gives each round a turn of the scheduler.
    private const int Rounds = 250;
    private const int SlotBytes = 64;
    private const int Counters = 1 << 16;
    private const int Slots = 2 << 16;

    // $x and $y: the slot's variables.
    private const string X = "(local.get $at)";
    private const string Y = "(i32.add (local.get $at) (i32.const 32))";

    private static readonly double s_seconds = double.Parse(Environment.GetEnvironmentVariable("TARN_SOAK_SECONDS") ?? "0.5", CultureInfo.InvariantCulture);

    public static TheoryData<string, MemoryStrategy> Tests => new(
        from test in new[] { "SB", "MP", "LB", "CoRR", "IRIW", "2+2W", "MP by a lock-free flag", "RMW" }
        from memory in new[] { MemoryStrategy.Guarded, MemoryStrategy.Checked }
        select new ValueTuple<string, MemoryStrategy>(test, memory));

    [Theory]
    [MemberData(nameof(Tests))]
    public void Forbidden_outcomes_are_never_seen(string name, MemoryStrategy memory)
    {
        static string store(string where, int value) => $"(i32.atomic.store {where} (i32.const {value}))";
        static string load(string where) => $"(i32.atomic.load {where})";
        (string[] threads, Func<int[], bool> isForbidden) = name switch
        {
            // Each stores, then loads what the other one has stored: not both zero.
            "SB" => (new[] { store(X, 1) + Result(load(Y)), store(Y, 1) + Result(load(X)) }, (Func<int[], bool>)(r => r[0] == 0 && r[1] == 0)),
            // Data, then a flag: who sees the flag sees the data. Two results in one number.
            "MP" => ([store(X, 1) + store(Y, 1) + Result("(i32.const 0)"), Result(Two(load(Y), load(X)))], r => r[1] == 0b10),
            // Loads come before the stores that they see.
            "LB" => ([Result(load(X)) + store(Y, 1), Result(load(Y)) + store(X, 1)], r => r[0] == 1 && r[1] == 1),
            // Two loads of one location see its values in order.
            "CoRR" => ([store(X, 1) + Result("(i32.const 0)"), Result(Two(load(X), load(X)))], r => r[1] == 0b10),
            // Two threads see two independent stores in the same order.
            "IRIW" => ([store(X, 1) + Result("(i32.const 0)"), store(Y, 1) + Result("(i32.const 0)"), Result(Two(load(X), load(Y))), Result(Two(load(Y), load(X)))], r => r[2] == 0b10 && r[3] == 0b10),
            // The last values of two locations: not both of the first stores.
            "2+2W" => ([store(X, 1) + store(Y, 2) + Result("(i32.const 0)"), store(Y, 1) + store(X, 2) + Result("(i32.const 0)")], r => r[2] == 1 && r[3] == 1),
            // The data is plain: an atomic store releases it, and an atomic load that sees the store acquires it.
            "MP by a lock-free flag" => (
                [$"(i64.store {X} (i64.const 0x100000001))" + store(Y, 1) + Result("(i32.const 0)"), Result(Two(load(Y), $"(i32.wrap_i64 (i64.shr_u (i64.load {X}) (i64.const 32)))"))],
                r => r[1] == 0b10),
            // Both add: neither is lost.
            _ => ([Result($"(i32.atomic.rmw.add {X} (i32.const 1))"), Result($"(i32.atomic.rmw.add {X} (i32.const 1))")], r => r[0] == r[1] || r[2] != 2),
        };
        (int forbidden, int rounds, _) = Run(threads, isForbidden, _ => false, memory);
        output.WriteLine($"{rounds} rounds");
        Assert.Equal(0, forbidden);
    }

    [Fact]
    public void Plain_accesses_may_show_what_atomic_ones_may_not()
    {
        static string store(string where) => $"(i32.store {where} (i32.const 1))";
        static string load(string where) => $"(i32.load {where})";
        (_, int rounds, int weak) = Run([store(X) + Result(load(Y)), store(Y) + Result(load(X))], r => false, r => r[0] == 0 && r[1] == 0, MemoryStrategy.Guarded);
        // No assertion: with one processor, or a busy one, it is never seen.
        output.WriteLine($"both loads came before both stores in {weak} of {rounds} rounds");
    }

    private static string Result(string value) => $"(local.set $r {value})";

    // Two loads in order as one result: the first in bit 1, the second in bit 0.
    private static string Two(string first, string second) => $"(i32.or (i32.shl {first} (i32.const 1)) {second})";

    // The results of a round: those of the threads, then the last values of X and Y.
    private static (int Forbidden, int Rounds, int Weak) Run(string[] threads, Func<int[], bool> isForbidden, Func<int[], bool> isWeak, MemoryStrategy memory)
    {
        string functions = string.Concat(threads.Select((body, i) => $$"""
            (func (export "t{{i}}") (param $rounds i32) (param $all i32) (param $base i32)
              (local $n i32) (local $at i32) (local $r i32)
              (loop $round
                (local.set $at (i32.add (i32.const {{Slots}}) (i32.mul (local.get $n) (i32.const {{SlotBytes}}))))
                ;; Wait until all have come this far.
                (drop (i32.atomic.rmw.add (i32.const {{Counters}}) (i32.const 1)))
                (loop $spin
                  (br_if $spin (i32.lt_u (i32.atomic.load (i32.const {{Counters}})) (i32.mul (local.get $all) (i32.add (local.get $n) (i32.const 1))))))
                {{body}}
                (i32.store offset={{40 + (4 * i)}} (local.get $at) (local.get $r))
                (br_if $round (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (local.get $rounds)))))
            """));
        using var guests = new SharedGuests(functions, SharedGuests.Options(memory, AllocationStrategy.OnDemand), new MemoryType(4, 4, isShared: true));
        Instance[] instances = [.. threads.Select(_ => guests.Instantiate())];
        int forbidden = 0;
        int weak = 0;
        int rounds = 0;
        // Where threads outnumber processors, they wait for one another's turns.
        int count = threads.Length > Environment.ProcessorCount ? Rounds / 10 : Rounds;
        long end = Environment.TickCount64 + (long)(s_seconds * 1000);
        byte[] zero = new byte[Slots + (Rounds * SlotBytes)];
        do
        {
            guests.Memory.CopyFrom(0, zero);
            SharedGuests.Together([.. instances.Select((instance, i) => (Action)(() => instance.GetAction<int, int, int>($"t{i}").Invoke(count, threads.Length, 0)))]);
            for (int n = 0; n < count; n++)
            {
                int at = Slots + (n * SlotBytes);
                int[] results = [.. threads.Select((_, i) => guests.Memory.Read<int>(at + 40 + (4 * i))), guests.Memory.Read<int>(at), guests.Memory.Read<int>(at + 32)];
                forbidden += isForbidden(results) ? 1 : 0;
                weak += isWeak(results) ? 1 : 0;
            }
            rounds += count;
        }
        while (Environment.TickCount64 < end);
        foreach (Instance instance in instances)
            instance.Dispose();
        return (forbidden, rounds, weak);
    }
}
