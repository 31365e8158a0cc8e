// Constants: kept once, aligned, behind the code, found by the instructions that name them.
using System.Runtime.Intrinsics;
using Iced.Intel;
using Tarn.Assembler.X64;

namespace Tarn.Assembler.Tests;

public sealed class ConstantPoolTests
{
    private readonly X64Assembler _asm = new(CpuFeatures.Avx);

    [Fact]
    public void Equal_constants_are_kept_once()
    {
        Assert.Equal(_asm.Constant4(7).Value, _asm.Constant4(7).Value);
        Assert.Equal(_asm.Constant8(7).Value, _asm.Constant8(7).Value);
        Assert.Equal(_asm.Constant16(7, 8).Value, _asm.Constant16(Vector128.Create(7UL, 8UL).AsByte()).Value);
        Assert.Equal(_asm.Constant32(Vector256.Create((byte)9)).Value, _asm.Constant32(Vector256.Create((byte)9)).Value);
        Assert.NotEqual(_asm.Constant4(7).Value, _asm.Constant8(7).Value);
        Assert.NotEqual(_asm.Constant16(7, 8).Value, _asm.Constant16(8, 7).Value);
        _asm.Ret();
        _asm.Finish();
        // One of 4, one of 8, two of 16, one of 32.
        Assert.Equal(32 + 4 + 8 + 32 + 32, _asm.Code.Length);
    }

    [Fact]
    public void Each_size_is_aligned_and_found()
    {
        for (int code = 0; code < 40; code++)
        {
            _asm.Reset();
            Label skip = _asm.NewLabel();
            _asm.Jmp(skip);
            _asm.Nop(code);
            _asm.Bind(skip);
            _asm.Sse(SseOp.Addss, Xmm.Xmm1, _asm.Constant4(0x11223344));
            _asm.Sse(SseOp.Addsd, Xmm.Xmm1, _asm.Constant8(0x1122334455667788));
            _asm.SseImm(SseOp.Shufps, Xmm.Xmm1, _asm.Constant16(1, 2), 3);
            _asm.Ymm(SseOp.Paddb, Xmm.Xmm1, Xmm.Xmm1, _asm.Constant32(Vector256.Create(3UL, 4, 5, 6).AsByte()));
            _asm.Cmp(OperandSize.S64, _asm.Constant8(99), 1000);
            _asm.Finish();
            Assert.Equal(32, _asm.RequiredAlignment);
            byte[] bytes = _asm.Code.ToArray();
            var decoder = Iced.Intel.Decoder.Create(64, bytes);
            _ = decoder.Decode();
            decoder.IP = (ulong)(2 + code);
            decoder = Iced.Intel.Decoder.Create(64, new ByteArrayCodeReader(bytes, 2 + code, bytes.Length - 2 - code), (ulong)(2 + code));
            Assert.Equal(0x11223344, BitConverter.ToInt32(bytes, Next(4)));
            Assert.Equal(0x1122334455667788, BitConverter.ToInt64(bytes, Next(8)));
            int place = Next(16);
            Assert.Equal([1, 2], new[] { BitConverter.ToInt64(bytes, place), BitConverter.ToInt64(bytes, place + 8) });
            place = Next(32);
            Assert.Equal([3, 4, 5, 6], Enumerable.Range(0, 4).Select(i => BitConverter.ToInt64(bytes, place + (i * 8))));
            Assert.Equal(99, BitConverter.ToInt64(bytes, Next(8)));
            Assert.Equal((ulong)_asm.CodeSize, decoder.IP);

            int Next(int alignment)
            {
                int address = (int)decoder.Decode().IPRelativeMemoryAddress;
                Assert.Equal(0, address % alignment);
                Assert.True(address >= _asm.CodeSize);
                return address;
            }
        }
    }

    [Fact]
    public void Thousands_of_constants()
    {
        for (int round = 0; round < 2; round++)
        {
            _asm.Reset();
            for (int i = 0; i < 20_000; i++)
                _asm.Cmp(OperandSize.S64, Gpr.Rax, _asm.Constant8((ulong)(i % 10_000) * 0x1_0000_0001));
            _asm.Finish();
            byte[] bytes = _asm.Code.ToArray();
            Assert.Equal(80_000, bytes.Length - (-_asm.CodeSize & 7) - _asm.CodeSize);
            var decoder = Iced.Intel.Decoder.Create(64, bytes);
            for (int i = 0; i < 20_000; i++)
                Assert.Equal((ulong)(i % 10_000) * 0x1_0000_0001, BitConverter.ToUInt64(bytes, (int)decoder.Decode().IPRelativeMemoryAddress));
        }
    }

    [Fact]
    public void Code_without_constants_ends_with_its_last_instruction()
    {
        _asm.Ret();
        _asm.Finish();
        Assert.Equal([0xC3], _asm.Code.ToArray());
        Assert.Equal(1, _asm.CodeSize);
        Assert.Equal(16, _asm.RequiredAlignment);
    }
}
