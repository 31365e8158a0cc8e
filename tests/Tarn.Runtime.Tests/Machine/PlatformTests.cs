// Virtual memory, the range allocator and the code arena: what they promise, and what they say when they can't.
using CsCheck;
using Tarn.Compiler.Abi;
using Tarn.Platform;

namespace Tarn.Runtime.Tests.Machine;

public sealed unsafe class PlatformTests
{
    [Fact]
    public void Reserving_more_than_the_address_space_says_so()
    {
        PlatformException error = Assert.Throws<PlatformException>(() => { _ = VirtualMemory.Current.Reserve((nuint)1 << 60); });
        Assert.Equal("ENOMEM", error.ErrorName);
        Assert.Equal(1UL << 60, error.Bytes);
        Assert.Contains("mmap", error.Message, StringComparison.Ordinal);
        Assert.Contains("1,152,921,504,606,846,976", error.Message, StringComparison.Ordinal);
        Assert.Contains("max_map_count", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Misaligned_protection_says_so()
    {
        VirtualMemory memory = VirtualMemory.Current;
        byte* range = memory.Reserve(memory.PageSize);
        try
        {
            PlatformException error = Assert.Throws<PlatformException>(() => memory.Protect(range + 1, 10, MemoryProtection.ReadWrite));
            Assert.Equal("EINVAL", error.ErrorName);
        }
        finally
        {
            memory.Release(range, memory.PageSize);
        }
    }

    [Fact]
    public void Images_are_mapped_copy_on_write_and_discarding_restores_them()
    {
        VirtualMemory memory = VirtualMemory.Current;
        nuint page = memory.PageSize;
        byte[] contents = new byte[(int)page + 100];
        new Random(1).NextBytes(contents);
        byte* range = memory.Reserve(4 * page);
        using (MemoryImage image = memory.CreateImage(contents, "test"))
        {
            Assert.Equal(2 * page, image.Length);
            memory.MapImage(image, 0, range, 2 * page, MemoryProtection.ReadWrite);
            memory.MapImage(image, page, range + (2 * page), page, MemoryProtection.Read);
        }

        Assert.True(new ReadOnlySpan<byte>(range, contents.Length).SequenceEqual(contents));
        Assert.True(new ReadOnlySpan<byte>(range + (2 * page), 100).SequenceEqual(contents.AsSpan((int)page)));
        Assert.Equal(0, range[contents.Length]);
        range[5] ^= 0xFF;
        range[page + 5] ^= 0xFF;
        Assert.Equal(contents[(int)page + 5], range[(2 * page) + 5]);
        memory.Discard(range, 2 * page);
        Assert.True(new ReadOnlySpan<byte>(range, contents.Length).SequenceEqual(contents));
        memory.Reset(range, 2 * page);
        memory.Protect(range, page, MemoryProtection.ReadWrite);
        Assert.Equal(0, range[5]);
        memory.Release(range, 4 * page);
    }

    // Against a map of bytes: no range is handed out twice, everything merges again.
    [Fact]
    public void Ranges_never_overlap_and_merge_when_freed() =>
        Gen.Select(Gen.Int[1, 40], Gen.Bool, Gen.Int[0, 1000]).Array[1, 200].Sample(steps =>
        {
            const int Length = 500;
            RangeAllocator allocator = new(Length);
            bool[] taken = new bool[Length];
            List<(long Start, int Bytes)> live = [];
            foreach ((int bytes, bool free, int pick) in steps)
            {
                if (free && live.Count > 0)
                {
                    (long start, int length) = live[pick % live.Count];
                    live.RemoveAt(pick % live.Count);
                    allocator.Free(start, length);
                    Array.Fill(taken, false, (int)start, length);
                    Assert.Throws<InvalidOperationException>(() => allocator.Free(start, length));
                }
                else if (allocator.TryAllocate(bytes, out long start))
                {
                    Assert.False(taken.AsSpan((int)start, bytes).Contains(true));
                    Array.Fill(taken, true, (int)start, bytes);
                    live.Add((start, bytes));
                }
                else
                {
                    int run = 0;
                    foreach (bool used in taken)
                    {
                        run = used ? 0 : run + 1;
                        Assert.True(run < bytes, "there was room");
                    }
                }

                Assert.Equal(taken.Count(used => !used), allocator.FreeBytes);
            }

            foreach ((long start, int bytes) in live)
                allocator.Free(start, bytes);
            Assert.True(allocator.TryAllocate(Length, out _));
        });

    [Fact]
    public void The_arena_finds_owners_and_uses_freed_space_again()
    {
        CodeArena arena = new(VirtualMemory.Current);
        List<(CodeBlock Block, Owner Owner)> live = [];
        Random random = new(2);
        for (int i = 0; i < 400; i++)
        {
            if (live.Count > 20)
            {
                int at = random.Next(live.Count);
                CodeBlock freed = live[at].Block;
                live.RemoveAt(at);
                arena.Free(freed);
                Assert.Null(arena.Find((nint)freed.Address));
            }

            CodeBlock block = arena.Allocate(random.Next(1, 20_000));
            block.Bytes.Fill(0xC3);
            Owner owner = new();
            arena.Publish(block, owner);
            live.Add((block, owner));
            foreach ((CodeBlock known, Owner itsOwner) in live)
            {
                Assert.Same(itsOwner, arena.Find((nint)known.Address)!.Owner);
                Assert.Same(itsOwner, arena.Find((nint)known.Address + known.Length - 1)!.Owner);
                Assert.NotSame(itsOwner, arena.Find((nint)known.Address + known.Length)?.Owner);
                Assert.NotSame(itsOwner, arena.Find((nint)known.Address - 1)?.Owner);
            }
        }

        Assert.True(arena.CodeBytesInUse <= 21 * 20_480);
        Assert.True(arena.Contains((nint)arena.Base));
        Assert.True(arena.Contains((nint)arena.Base + (nint)CodeArena.ReservationBytes - 1));
        Assert.False(arena.Contains((nint)arena.Base + (nint)CodeArena.ReservationBytes));
        Assert.False(arena.Contains((nint)arena.Base - 1));
    }

    [Fact]
    public void No_page_of_the_arena_is_writable_and_executable()
    {
        CodeArena arena = Execution.Machine.Current.Arena;
        int seen = 0;
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            string[] parts = line.Split(' ', '-');
            nint start = (nint)ulong.Parse(parts[0], System.Globalization.NumberStyles.HexNumber, null);
            if (arena.Contains(start))
            {
                seen++;
                Assert.False(parts[2].Contains('w', StringComparison.Ordinal) && parts[2].Contains('x', StringComparison.Ordinal), line);
            }
        }

        Assert.True(seen > 1);
    }

    [Fact]
    public void Every_builtin_has_a_signature()
    {
        for (BuiltinId id = 0; id < BuiltinId.Count; id++)
        {
            Assert.True(BuiltinSignatures.Parameters(id).Length <= 6);
            Assert.True(BuiltinSignatures.Results(id).Length <= 1);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => BuiltinSignatures.Parameters(BuiltinId.Count).Length);
    }

    private sealed class Owner : CodeOwner
    {
        public override bool TryGetFrame(int offset, out FrameDescription frame)
        {
            frame = default;
            return false;
        }

        public override bool TryGetTrap(int offset, out Compiler.Abi.TrapCode code)
        {
            code = default;
            return false;
        }
    }
}
