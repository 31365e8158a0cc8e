// Virtual memory, the range allocator and the code arena: what they promise, and what they say when they can't.
using System.Runtime.InteropServices;
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
        memory.Decommit(range, 2 * page);
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
        CodeArena arena = new(VirtualMemory.Current, Execution.HostTarget.Current.Filler);
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
        Assert.True(arena.Contains((nint)arena.Base + (nint)arena.ReservedBytes - 1));
        Assert.False(arena.Contains((nint)arena.Base + (nint)arena.ReservedBytes));
        Assert.False(arena.Contains((nint)arena.Base - 1));
    }

    [Fact]
    public void Freed_code_is_gone_and_its_space_is_taken_again()
    {
        CodeArena arena = new(VirtualMemory.Current, Execution.HostTarget.Current.Filler);
        CodeBlock first = arena.Allocate(100);
        nint address = (nint)first.Address;
        Assert.Equal("rw-p", PermissionsAt(address));
        first.Bytes.Fill(0x90);
        arena.Publish(first, new Owner());
        Assert.Equal("r-xp", PermissionsAt(address));
        arena.Free(first);
        Assert.Equal("---p", PermissionsAt(address));
        CodeBlock second = arena.Allocate(5000);
        Assert.Equal(address, (nint)second.Address);
        Assert.Equal(-1, second.Bytes.IndexOfAnyExcept((byte)0));
        arena.Free(second);
        byte* data = arena.AllocateData(10);
        data[5] = 9;
        Assert.Equal("rw-p", PermissionsAt((nint)data));
        arena.FreeData(data, 10);
        byte* again = arena.AllocateData(10);
        Assert.Equal((nint)data, (nint)again);
        Assert.Equal(0, again[5]);

        // rel32 reaches from any byte of it to any other.
        Assert.True(CodeArena.MaximumBytes <= int.MaxValue);
    }

    [Fact]
    public void A_full_arena_says_what_did_not_fit()
    {
        CodeArena arena = new(VirtualMemory.Current, Execution.HostTarget.Current.Filler, 2L << 30);
        InsufficientMemoryException error = Assert.Throws<InsufficientMemoryException>(() => arena.Allocate(int.MaxValue - 10_000));
        Assert.Contains("2,147,475,456 bytes of machine code do not fit", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<InsufficientMemoryException>(() => { _ = arena.AllocateData(1 << 30); });
        Assert.Contains("1,073,741,824 bytes do not fit in the 67,108,864 bytes left", error.Message, StringComparison.Ordinal);
        Assert.NotNull(arena.Allocate(1));
    }

    // Backtraces look up PCs while other threads compile and dispose of modules.
    [Fact]
    public void Owners_are_found_while_blocks_come_and_go()
    {
        CodeArena arena = new(VirtualMemory.Current, Execution.HostTarget.Current.Filler);
        CodeBlock stable = arena.Allocate(4096);
        Owner owner = new();
        arena.Publish(stable, owner);
        bool isOver = false;
        Thread[] churn = [.. Enumerable.Range(0, 2).Select(seed => new Thread(() =>
        {
            Random random = new(seed);
            List<CodeBlock> mine = [];
            for (int i = 0; i < 3000; i++)
            {
                CodeBlock block = arena.Allocate(random.Next(1, 10_000));
                arena.Publish(block, new Owner());
                mine.Add(block);
                if (mine.Count > 8)
                {
                    int at = random.Next(mine.Count);
                    arena.Free(mine[at]);
                    mine.RemoveAt(at);
                }
            }

            Volatile.Write(ref isOver, true);
        }))];
        foreach (Thread thread in churn)
            thread.Start();
        long found = 0;
        for (nint at = 0; !Volatile.Read(ref isOver); at = (at + 61) % 4096, found++)
        {
            Assert.Same(owner, arena.Find((nint)stable.Address + at)!.Owner);
            CodeBlock? other = arena.Find((nint)arena.Base + (nint)(found * 4096 % (4 << 20)));
            Assert.True(other is null || other.Owner is not null);
        }

        foreach (Thread thread in churn)
            thread.Join();
        Assert.True(found > 0);
    }

    [Fact]
    public void Guest_stacks_are_used_again_last_in_first_out()
    {
        using Execution.GuestStackPool pool = new(VirtualMemory.Current, 2 * Execution.GuestStack.Headroom, keep: 2);
        Execution.GuestStack[] stacks = [pool.Rent(), pool.Rent(), pool.Rent()];
        Assert.Equal(3, stacks.Distinct().Count());
        Assert.Equal("---p", PermissionsAt(stacks[0].Low - 1));
        Assert.Equal("rw-p", PermissionsAt(stacks[0].Low));
        Assert.Equal(Execution.GuestStack.Headroom, stacks[0].Limit - stacks[0].Low);
        nint third = stacks[2].Low;
        foreach (Execution.GuestStack stack in stacks)
            pool.Return(stack);
        // Two are kept; the third has gone back to the system.
        Assert.NotEqual("rw-p", PermissionsAt(third));
        Assert.Same(stacks[1], pool.Rent());
        Assert.Same(stacks[0], pool.Rent());
        Assert.Throws<ArgumentOutOfRangeException>(() => new Execution.GuestStack(VirtualMemory.Current, Execution.GuestStack.Headroom));
    }

    [Fact]
    public void Stubs_are_made_once_for_each_signature()
    {
        Execution.Machine machine = Execution.Machine.Current;
        AbiType[] odd = [AbiType.F32, AbiType.I64, AbiType.V128, AbiType.Reference];
        Execution.SignatureStubs[] seen = new Execution.SignatureStubs[8];
        Parallel.For(0, seen.Length, i => seen[i] = machine.StubsFor(new Execution.Signature([.. odd], [AbiType.F64])));
        Assert.All(seen, stubs => Assert.Same(seen[0], stubs));
        Assert.NotSame(seen[0], machine.StubsFor(new Execution.Signature(odd, [AbiType.F32])));
        Assert.Equal(0, seen[0].TypedEntry);
    }

    // The C library knows the names for its numbers.
    [Fact]
    public void Errors_have_the_systems_names()
    {
        if (!NativeLibrary.TryLoad("libc.so.6", out nint library) || !NativeLibrary.TryGetExport(library, "strerrorname_np", out nint function))
        {
            Assert.Skip("the C library has no strerrorname_np");
            return;
        }

        int known = 0;
        for (int error = 1; error < 134; error++)
        {
            (string name, string meaning) = Platform.Linux.Errno.Describe(error);
            Assert.NotEmpty(meaning);
            if (!name.StartsWith('E'))
                continue;
            known++;
            Assert.Equal(Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<int, byte*>)function)(error)), name);
        }

        Assert.True(known >= 16);
        Assert.Equal("errno 9999", Platform.Linux.Errno.Describe(9999).Name);
    }

    private static string? PermissionsAt(nint address)
    {
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            string[] parts = line.Split(' ', '-');
            ulong start = ulong.Parse(parts[0], System.Globalization.NumberStyles.HexNumber, null);
            ulong end = ulong.Parse(parts[1], System.Globalization.NumberStyles.HexNumber, null);
            if ((ulong)address >= start && (ulong)address < end)
                return line.Split(' ')[1];
        }

        return null;
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
