// Every vector access at the end of a memory: each byte of distance around the last one, offsets up to the largest, guarded and checked memories, 64-bit ones, and ones that end in the
// middle of a page of the system. What is within reads or writes exactly its bytes; all else traps and changes nothing.
using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text;
using Tarn.Assembler.X64;
using Tarn.Compiler.Targets.X64;
using Tarn.Execution.X64;

namespace Tarn.Runtime.Tests.Attacks;

public sealed class VectorAccessTests
{
    private static readonly (string Name, int Width, bool IsStore)[] s_accesses =
    [
        ("v128.load", 16, false), ("v128.load8x8_s", 8, false), ("v128.load16x4_u", 8, false), ("v128.load32x2_s", 8, false), ("v128.load8_splat", 1, false), ("v128.load16_splat", 2, false),
        ("v128.load32_splat", 4, false), ("v128.load64_splat", 8, false), ("v128.load32_zero", 4, false), ("v128.load64_zero", 8, false), ("v128.load8_lane", 1, false), ("v128.load16_lane", 2, false),
        ("v128.load32_lane", 4, false), ("v128.load64_lane", 8, false), ("v128.store", 16, true), ("v128.store8_lane", 1, true), ("v128.store16_lane", 2, true), ("v128.store32_lane", 4, true),
        ("v128.store64_lane", 8, true),
    ];

    private static readonly ulong[] s_offsets = [0, 1, 7, 15, 16, 65519, 65520, 65521, 65535, 65536, 0x7FFFFFF0, 0xFFFFFFEF, 0xFFFFFFF0, 0xFFFFFFFF];

    public static TheoryData<string, bool, bool> Memories
    {
        get
        {
            var data = new TheoryData<string, bool, bool>();
            foreach (string memory in (string[])["1", "i64 1", "65600 (pagesize 1)"])
            {
                foreach (bool isGuarded in (bool[])[true, false])
                {
                    data.Add(memory, isGuarded, true);
                    data.Add(memory, isGuarded, false);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Memories))]
    public void No_access_reaches_beyond_the_end(string memory, bool isGuarded, bool hasExtensions)
    {
        bool is64 = memory.StartsWith("i64", StringComparison.Ordinal);
        var text = new StringBuilder($"(module (memory (export \"m\") {memory})\n");
        string address = is64 ? "(local.get 0)" : "(i32.wrap_i64 (local.get 0))";
        for (int a = 0; a < s_accesses.Length; a++)
        {
            (string name, _, bool isStore) = s_accesses[a];
            for (int o = 0; o < s_offsets.Length; o++)
            {
                string lane = name.EndsWith("lane", StringComparison.Ordinal) ? " 1" : "";
                string value = isStore || lane.Length > 0 ? " (local.get 1)" : "";
                string access = $"({name} offset={s_offsets[o]}{lane} {address}{value})";
                text.Append(CultureInfo.InvariantCulture, $"(func (export \"f{a}.{o}\") (param i64 v128) (result v128) {access}{(isStore ? " (local.get 1)" : "")})\n");
            }
        }

        using var engine = new Engine(new EngineOptions
        {
            Features = WasmFeatures.All,
            AllocationStrategy = AllocationStrategy.OnDemand,
            MemoryStrategy = isGuarded ? MemoryStrategy.Guarded : MemoryStrategy.Checked,
            CodeTarget = new X64Target(hasExtensions ? Processor.Features : CpuFeatures.None),
        });
        using Module module = Module.FromText(engine, text.Append(')').ToString());
        using Instance instance = new Linker(engine).Prepare(module).Instantiate();
        Memory bytes = instance.GetMemory("m");
        ulong size = (ulong)bytes.AsSpan().Length;
        for (int k = 0; k < (int)size; k++)
        {
            bytes.AsSpan()[k] = (byte)(k * 31);
        }

        byte[] before = bytes.AsSpan().ToArray();
        Vector128<byte> vector = Vector128.Create((byte)0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF);
        int within = 0, beyond = 0;
        for (int a = 0; a < s_accesses.Length; a++)
        {
            for (int o = 0; o < s_offsets.Length; o++)
            {
                TypedFunction<long, Vector128<byte>, Vector128<byte>> function = instance.GetFunction<long, Vector128<byte>, Vector128<byte>>($"f{a}.{o}");
                foreach (ulong start in Addresses(size, s_offsets[o], s_accesses[a].Width, is64))
                {
                    UInt128 first = (UInt128)start + s_offsets[o];
                    bool isWithin = first + (UInt128)s_accesses[a].Width <= size;
                    bool isStore = s_accesses[a].IsStore;
                    try
                    {
                        Vector128<byte> result = function.Invoke((long)start, vector);
                        Assert.True(isWithin, $"{s_accesses[a].Name} at {start:x} + {s_offsets[o]:x} did not trap");
                        Check(s_accesses[a], before, (int)first, isStore ? vector : result, bytes);
                        within++;
                    }
                    catch (TrapException trap)
                    {
                        Assert.False(isWithin, $"{s_accesses[a].Name} at {start:x} + {s_offsets[o]:x} trapped");
                        Assert.Equal(TrapCode.MemoryOutOfBounds, trap.Trap.Code);
                        beyond++;
                    }

                    if (isStore)
                    {
                        int from = Math.Min((int)UInt128.Min(first, size), (int)size - 40);
                        before.AsSpan(from).CopyTo(bytes.AsSpan()[from..]);
                    }
                }
            }
        }

        Assert.True(bytes.AsSpan().SequenceEqual(before), "what was not written has changed");
        Assert.True(within > 500 && beyond > 2000, $"{within} within, {beyond} beyond");
    }

    // Starts for which the access ends from three bytes before the memory's end to a vector behind it, and the largest ones.
    private static IEnumerable<ulong> Addresses(ulong size, ulong offset, int width, bool is64)
    {
        for (long distance = -3; distance <= 17; distance++)
        {
            long start = (long)size + distance - width - (long)offset;
            if (start >= 0)
            {
                yield return (ulong)start;
            }
        }

        yield return uint.MaxValue;
        yield return uint.MaxValue - 15;
        if (is64)
        {
            yield return ulong.MaxValue;
            yield return ulong.MaxValue - 15;
            yield return 0 - offset;
            yield return 1UL << 63;
        }
    }

    private static void Check((string Name, int Width, bool IsStore) access, byte[] before, int at, Vector128<byte> vector, Memory memory)
    {
        if (access.IsStore)
        {
            int lane = access.Width < 16 ? access.Width : 0;
            for (int k = 0; k < access.Width; k++)
            {
                Assert.Equal(vector[lane + k], memory.AsSpan()[at + k]);
            }

            if (at + access.Width < before.Length)
            {
                Assert.Equal(before[at + access.Width], memory.AsSpan()[at + access.Width]);
            }
        }
        else if (!access.Name.Contains('x', StringComparison.Ordinal))
        {
            // A lane, all lanes, or the lowest bytes.
            int lane = access.Name.EndsWith("lane", StringComparison.Ordinal) ? access.Width : 0;
            for (int k = 0; k < access.Width; k++)
            {
                Assert.Equal(before[at + k], vector[lane + k]);
            }

            if (access.Name.EndsWith("zero", StringComparison.Ordinal))
            {
                Assert.Equal(0, vector[access.Width]);
                Assert.Equal(0UL, vector.AsUInt64()[1]);
            }
        }
    }
}
