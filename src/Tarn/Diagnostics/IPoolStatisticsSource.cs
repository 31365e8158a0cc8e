// What the meter reads pools by: it knows nothing else of them.
namespace Tarn.Diagnostics;

internal interface IPoolStatisticsSource
{
    /// <summary>What the pool holds and has done.</summary>
    PoolStatistics GetStatistics();
}
