// How a slot is brought back to its initial state between two instances. All strategies give the same answers.
namespace Tarn;

/// <summary>How a pooled slot is made fresh for its next instance.</summary>
public enum ResetStrategy
{
    /// <summary>The best strategy of the platform.</summary>
    Default = 0,

    /// <summary>Only pages learned to be hot are open; those are restored by copying, all others are decommitted when touched.</summary>
    Learned = 1,

    /// <summary>The kernel is asked which pages were written (Linux 6.7 and later), and those are restored.</summary>
    PageMapScan = 2,

    /// <summary>All pages are returned to the system, which hands out zero pages again.</summary>
    Decommit = 3,

    /// <summary>All pages in use are overwritten.</summary>
    Copy = 4,
}
