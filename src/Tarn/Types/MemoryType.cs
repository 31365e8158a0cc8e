// The type of a linear memory, as embedders see it.
namespace Tarn;

/// <summary>The type of a linear memory.</summary>
public sealed class MemoryType : ExternType
{
    /// <summary>The size of a page in bytes, unless a module declares another.</summary>
    public const int DefaultPageSize = 65536;

    /// <summary>Initializes a new instance of the <see cref="MemoryType"/> class.</summary>
    /// <param name="minimum">The size at creation, in pages.</param>
    /// <param name="maximum">The size to which the memory may grow, in pages; <see langword="null"/> for no bound of its own. Required of a shared memory.</param>
    /// <param name="is64">Whether addresses have 64 bits.</param>
    /// <param name="isShared">Whether the memory may be used by several threads at the same time.</param>
    /// <param name="pageSize">The size of a page in bytes: 65536, or 1 (custom page sizes).</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, the maximum is below the minimum, or the page size is neither 65536 nor 1.</exception>
    /// <exception cref="ArgumentException">The memory is shared and has no maximum.</exception>
    public MemoryType(long minimum, long? maximum = null, bool is64 = false, bool isShared = false, int pageSize = DefaultPageSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimum);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximum ?? minimum, minimum, nameof(maximum));
        if (pageSize is not (DefaultPageSize or 1))
            throw new ArgumentOutOfRangeException(nameof(pageSize), pageSize, "The page size has to be 65536 or 1.");
        if (isShared && maximum is null)
            throw new ArgumentException("A shared memory requires a maximum.", nameof(maximum));
        Minimum = minimum;
        Maximum = maximum;
        Is64 = is64;
        IsShared = isShared;
        PageSize = pageSize;
    }

    /// <inheritdoc/>
    public override ExternKind Kind => ExternKind.Memory;

    /// <summary>Gets the size at creation, in pages. For the type of a memory that exists it is the current size.</summary>
    public long Minimum { get; }

    /// <summary>Gets the size to which the memory may grow, in pages; <see langword="null"/> for no bound of its own.</summary>
    public long? Maximum { get; }

    /// <summary>Gets whether addresses have 64 bits.</summary>
    public bool Is64 { get; }

    /// <summary>Gets whether the memory may be used by several threads at the same time.</summary>
    public bool IsShared { get; }

    /// <summary>Gets the size of a page in bytes.</summary>
    public int PageSize { get; }

    /// <inheritdoc/>
    public override bool Equals(ExternType? other) => other is MemoryType type
        && Minimum == type.Minimum && Maximum == type.Maximum && Is64 == type.Is64 && IsShared == type.IsShared && PageSize == type.PageSize;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Minimum, Maximum, Is64, IsShared, PageSize);

    /// <inheritdoc/>
    public override string ToString() =>
        $"(memory {LimitsText(Minimum, Maximum, Is64)}{(IsShared ? " shared" : "")}{(PageSize == DefaultPageSize ? "" : $" (pagesize {PageSize})")})";

    private protected override bool MatchesCore(ExternType expected)
    {
        var wanted = (MemoryType)expected;
        return PageSize == wanted.PageSize && Is64 == wanted.Is64 && IsShared == wanted.IsShared
            && LimitsMatch(Minimum, Maximum, wanted.Minimum, wanted.Maximum);
    }
}
