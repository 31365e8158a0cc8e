// What a processor says of itself, as raw registers: the decision what to use of it is made in one place from one kind of report, whoever asked the processor.
namespace Tarn.Assembler.X64;

/// <summary>The registers of CPUID that count, and what the operating system saves.</summary>
internal readonly record struct ProcessorIdentification
{
    /// <summary>Leaf 0: the highest leaf.</summary>
    public uint MaximumLeaf { get; init; }

    /// <summary>Leaf 0: whether the vendor is AMD.</summary>
    public bool IsAmd { get; init; }

    /// <summary>Leaf 1, eax: family and model.</summary>
    public uint Signature { get; init; }

    /// <summary>Leaf 1, ecx.</summary>
    public uint Leaf1C { get; init; }

    /// <summary>Leaf 7, ebx.</summary>
    public uint Leaf7B { get; init; }

    /// <summary>Leaf 7, ecx.</summary>
    public uint Leaf7C { get; init; }

    /// <summary>Leaf 7, edx.</summary>
    public uint Leaf7D { get; init; }

    /// <summary>Leaf 7, subleaf 1, eax.</summary>
    public uint Leaf7Subleaf1A { get; init; }

    /// <summary>Leaf 0x80000001, ecx.</summary>
    public uint ExtendedC { get; init; }

    /// <summary>Extended control register 0, or 0 where there is none.</summary>
    public ulong ControlRegister { get; init; }

    /// <summary>Asks by way of a function that executes CPUID, and one that reads the control register.</summary>
    public static ProcessorIdentification Read(Func<uint, uint, (uint A, uint B, uint C, uint D)> identify, Func<ulong> controlRegister)
    {
        const uint Extended = 0x80000000;
        var (maximum, vendorB, vendorC, vendorD) = identify(0, 0);
        var leaf1 = identify(1, 0);
        var leaf7 = maximum >= 7 ? identify(7, 0) : default;

        // eax of leaf 7 is its highest subleaf.
        var subleaf1 = leaf7.A >= 1 ? identify(7, 1) : default;
        return new ProcessorIdentification
        {
            MaximumLeaf = maximum,
            IsAmd = (vendorB, vendorD, vendorC) == (0x68747541, 0x69746e65, 0x444d4163), // "AuthenticAMD"
            Signature = leaf1.A,
            Leaf1C = leaf1.C,
            Leaf7B = leaf7.B,
            Leaf7C = leaf7.C,
            Leaf7D = leaf7.D,
            Leaf7Subleaf1A = subleaf1.A,
            ExtendedC = identify(Extended, 0).A > Extended ? identify(Extended + 1, 0).C : 0,
            ControlRegister = (leaf1.C & (1 << 27)) != 0 ? controlRegister() : 0,
        };
    }
}
