// Bytes that claim to be a saved state. Cut off or changed they are refused with a typed error; with a checksum that is right again they are refused or give an instance that keeps every rule of its
// module: what is checked is what a stray reference, length or index would break.
using System.Buffers.Binary;
using Tarn.Modules;
using Tarn.TestSupport;

namespace Tarn.Runtime.Tests.Snapshots;

public sealed class HostileStateTests : IDisposable
{
    private const string Text = """
        (module
          (type $f (func (result i32))) (type $g (func (param i64)))
          (memory (export "memory") 1 4)
          (table $t (export "t") 3 8 funcref)
          (table $u 2 (ref null $f))
          (global $a (export "a") (mut i32) (i32.const 1))
          (global $b (mut (ref $f)) (ref.func $one))
          (global $e (mut externref) (ref.null extern))
          (func $one (export "one") (result i32) (i32.const 1))
          (func $two (export "two") (param i64))
          (func $hidden)
          (data $p "passive") (elem $q func $one)
          (data (i32.const 0) "active")
          (func (export "init") (i32.store (i32.const 9000) (i32.const 3)) (table.set $u (i32.const 1) (ref.func $one)) (table.set $t (i32.const 2) (ref.func $two)) (global.set $a (i32.const 9)))
          (func (export "run") (result i32) (i32.add (call_ref $f (global.get $b)) (call_ref $f (table.get $u (i32.const 1))))))
        """;

    private readonly Engine _engine = SnapshotTests.EngineOf(AllocationStrategy.Pooling, ResetStrategy.Default, MemoryStrategy.Guarded, 1 << 20, 8);
    private readonly Module _module;
    private readonly InstanceTemplate _template;
    private readonly byte[] _saved;

    public HostileStateTests()
    {
        _module = Module.FromText(_engine, Text);
        _template = new Linker(_engine).Prepare(_module);
        using Instance instance = _template.Instantiate();
        instance.GetFunction("init").Invoke();
        _saved = instance.Save();
    }

    public void Dispose()
    {
        _template.Dispose();
        _module.Dispose();
        _engine.Dispose();
    }

    [Fact]
    public void Every_prefix_and_every_changed_byte_is_refused()
    {
        for (int i = 0; i < _saved.Length; i++)
            Assert.Throws<InvalidSnapshotException>(() => _template.Restore(_saved.AsSpan(0, i)));
        byte[] changed = (byte[])_saved.Clone();
        for (int i = 0; i < changed.Length; i++)
        {
            changed[i] ^= (byte)(1 << (i % 8));
            Assert.Throws<InvalidSnapshotException>(() => _template.Restore(changed));
            changed[i] = _saved[i];
        }
        Assert.Throws<InvalidSnapshotException>(() => _template.Restore([.. _saved, 0]));
        using Instance whole = _template.Restore(_saved);
        Assert.Equal(2, whole.GetFunction<int>("run").Invoke());
    }

    [Fact]
    public void A_state_of_another_module_or_another_snapshot_is_refused()
    {
        using Module other = Module.FromText(_engine, Text.Replace("\"active\"", "\"Active\"", StringComparison.Ordinal));
        using InstanceTemplate template = new Linker(_engine).Prepare(other);
        Assert.Contains("another module", Assert.Throws<InvalidSnapshotException>(() => template.Restore(_saved)).Message, StringComparison.Ordinal);
        using InstanceTemplate initialized = _template.Initialize(static instance => instance.GetFunction("init").Invoke());
        Assert.Contains("another initial state", Assert.Throws<InvalidSnapshotException>(() => initialized.Restore(_saved)).Message, StringComparison.Ordinal);
    }

    // Everything behind the header, in words of 32 bits and in bytes, with every checksum right.
    [Fact]
    public void Bytes_with_the_right_checksum_are_compared_with_the_module()
    {
        using FuzzRun run = FuzzRun.Start(typeof(HostileStateTests), nameof(Bytes_with_the_right_checksum_are_compared_with_the_module), 20261202);
        uint[] odd = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 4095, 4096, 65535, 65536, int.MaxValue, 0x80000000, uint.MaxValue - 1, uint.MaxValue];
        int accepted = 0;
        int refused = 0;
        for (int i = 0; i < 20_000 || run.GoesOn; i++)
        {
            var random = new Random(run.First + i);
            byte[] bytes = (byte[])_saved.Clone();
            for (int n = random.Next(1, 4); n > 0; n--)
            {
                // The contents of pages may be anything, and are most of the bytes: what is around them is changed more often.
                int at = random.Next(2) == 0 ? random.Next(64, 120) : random.Next(3) == 0 ? random.Next(64, bytes.Length - 20) : random.Next(bytes.Length - 200, bytes.Length - 20);
                if (random.Next(2) == 0)
                    bytes[at] = (byte)random.Next();
                else
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at & ~3), odd[random.Next(odd.Length)]);
            }
            if (random.Next(8) == 0)
                bytes = [.. bytes[..random.Next(64, bytes.Length - 16)], .. new byte[16]];
            Seal(bytes);
            try
            {
                using Instance instance = _template.Restore(bytes);
                accepted++;
                // A reference of another type, or to anything that is no record, would end the process here.
                if (instance.GetFunction<int>("run").TryInvoke(out int sum, out Trap? trap, default))
                    Assert.Equal(2, sum);
                else
                    Assert.True(trap.Code is TrapCode.NullReference or TrapCode.NullFunctionReference or TrapCode.StackExhausted, trap.ToString());
                Table table = instance.GetTable("t");
                for (int e = 0; e < table.Length; e++)
                    _ = table.Get(e).IsNull || table.Get(e).AsFunction().Type.Results.Length >= 0;
                Assert.InRange(instance.Memory.Length, 65536, 4 * 65536);
                _ = SnapshotTests.StateOf(instance);
            }
            catch (InvalidSnapshotException)
            {
                refused++;
            }
        }
        Assert.True(accepted > 100 && refused > 1000, $"{accepted} accepted, {refused} refused");
    }

    [Fact]
    public void Lengths_that_nothing_backs_allocate_nothing()
    {
        byte[] bytes = (byte[])_saved.Clone();
        // The number of pages of the first memory, behind header, counts and length.
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(64 + 20 + 8), int.MaxValue);
        Seal(bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidSnapshotException>(() => _template.Restore(bytes));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void A_damaged_snapshot_in_an_artifact_is_refused()
    {
        using InstanceTemplate initialized = _template.Initialize(static instance => instance.GetFunction("init").Invoke());
        byte[] artifact = initialized.Serialize();
        foreach (int at in Enumerable.Range(0, artifact.Length).Where(i => i % 97 == 0 || i > artifact.Length - 600))
        {
            byte[] changed = (byte[])artifact.Clone();
            changed[at] ^= 0x10;
            Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(_engine, changed));
            Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(_engine, artifact.AsSpan(0, at)));
        }
    }

    private static void Seal(byte[] bytes) => BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(bytes.Length - 16), Checksum.Of(bytes.AsSpan(0, bytes.Length - 16)));
}
