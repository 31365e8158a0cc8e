// What a function may cost to compile, by the length of its body. A body can be short and ask for much: each branch may carry a value for each local that is assigned, each of
// a thousand nested loops has a parameter for each local assigned in the innermost, and values that stay alive over many blocks count once for each. All of that is
// linear in what is counted here, so what a module can ask for is linear in its bytes. What compilers make stays below: the largest function of lightningcss, 400 KB long, has
// 45 million values alive at the beginnings of its blocks and is the worst of two dozen large modules.
namespace Tarn.Compiler;

/// <summary>Limits on what is made of one function.</summary>
internal static class ComplexityLimits
{
    /// <summary>Parameters of blocks: what may differ at joins and loops.</summary>
    public static int Parameters(int bodyLength) => (int)Math.Min(4L << 20, (64L << 10) + (2L * bodyLength));

    /// <summary>Values saved for labels or carried by edges, and entries of the lists of assigned locals.</summary>
    public static int Arguments(int bodyLength) => (int)Math.Min(32L << 20, (1L << 20) + (32L * bodyLength));

    /// <summary>Values alive at the beginnings of blocks, all blocks together.</summary>
    public static int LiveValues(int instructions) => (int)Math.Min(384L << 20, (96L << 20) + (256L * instructions));
}
