// Instructions that speak to the machine rather than compute: string moves, segment bases, fences, flags, traps, padding.
using static Tarn.Assembler.X64.X64Encoding;

namespace Tarn.Assembler.X64;

/// <summary>How near to bring a cache line; the value is the digit.</summary>
internal enum PrefetchHint : byte
{
    NonTemporal,
    T0,
    T1,
    T2,
}

internal sealed unsafe partial class X64Assembler
{
    /// <summary>Copies rcx bytes from [rsi] to [rdi], upward.</summary>
    public void RepMovsb() => EncodePlain(PF3 | 0xA4);

    /// <summary>Copies rcx 64-bit words.</summary>
    public void RepMovsq() => EncodePlain(PF3 | W | 0xA5);

    /// <summary>Fills rcx bytes at [rdi] with al.</summary>
    public void RepStosb() => EncodePlain(PF3 | 0xAA);

    /// <summary>Fills rcx 64-bit words with rax.</summary>
    public void RepStosq() => EncodePlain(PF3 | W | 0xAB);

    public void Cld() => EncodePlain(0xFC);

    public void Std() => EncodePlain(0xFD);

    public void Syscall() => EncodePlain(M0F | 0x05);

    public void Rdfsbase(Gpr dst) => EncodeRR(M0F | PF3 | W | 0xAE, 0, (uint)dst);

    public void Rdgsbase(Gpr dst) => EncodeRR(M0F | PF3 | W | 0xAE, 1, (uint)dst);

    public void Wrfsbase(Gpr src) => EncodeRR(M0F | PF3 | W | 0xAE, 2, (uint)src);

    public void Wrgsbase(Gpr src) => EncodeRR(M0F | PF3 | W | 0xAE, 3, (uint)src);

    public void Ldmxcsr(Mem src) => EncodeRM(M0F | 0xAE, 2, src, 0);

    public void Stmxcsr(Mem dst) => EncodeRM(M0F | 0xAE, 3, dst, 0);

    public void Lfence() => EncodeRR(M0F | 0xAE, 5, 0);

    public void Mfence() => EncodeRR(M0F | 0xAE, 6, 0);

    public void Sfence() => EncodeRR(M0F | 0xAE, 7, 0);

    public void Prefetch(PrefetchHint hint, Mem line) => EncodeRM(M0F | 0x18, (uint)hint, line, 0);

    public void Prefetchw(Mem line) => EncodeRM(M0F | 0x0D, 1, line, 0);

    public void Pushfq() => EncodePlain(0x9C);

    public void Popfq() => EncodePlain(0x9D);

    public void Cpuid() => EncodePlain(M0F | 0xA2);

    public void Xgetbv()
    {
        EncodePlain(M0F | 0x01);
        Append8(0xD0);
    }

    public void Rdtsc() => EncodePlain(M0F | 0x31);

    public void Rdtscp()
    {
        EncodePlain(M0F | 0x01);
        Append8(0xF9);
    }

    public void Pause() => EncodePlain(PF3 | 0x90);

    public void Endbr64()
    {
        EncodePlain(M0F | PF3 | 0x1E);
        Append8(0xFA);
    }

    /// <summary>An invalid instruction that stays one: SIGILL.</summary>
    public void Ud2() => EncodePlain(M0F | 0x0B);

    public void Int3() => EncodePlain(0xCC);

    public void Hlt() => EncodePlain(0xF4);

    /// <summary>So many bytes of padding, in as few instructions as the manuals recommend (up to nine bytes each).</summary>
    public void Nop(int bytes = 1)
    {
        EnsureRoom(bytes);
        WriteNops(_cursor, bytes);
        _cursor += bytes;
    }

    private static void WriteNops(byte* p, int bytes)
    {
        // Row n − 1 is the nop of n bytes.
        ReadOnlySpan<byte> nops =
        [
            0x90, 0, 0, 0, 0, 0, 0, 0, 0,
            0x66, 0x90, 0, 0, 0, 0, 0, 0, 0,
            0x0F, 0x1F, 0x00, 0, 0, 0, 0, 0, 0,
            0x0F, 0x1F, 0x40, 0x00, 0, 0, 0, 0, 0,
            0x0F, 0x1F, 0x44, 0x00, 0x00, 0, 0, 0, 0,
            0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00, 0, 0, 0,
            0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00, 0, 0,
            0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00, 0,
            0x66, 0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00,
        ];
        while (bytes > 0)
        {
            int length = Math.Min(bytes, 9);
            nops.Slice((length - 1) * 9, length).CopyTo(new Span<byte>(p, length));
            p += length;
            bytes -= length;
        }
    }
}
