// Names the gate's numbers for whoever looks at single accesses to them (IGateSteps).
namespace Tarn.Scheduling;

internal enum GateField
{
    Generation,
    Watched,
    Ending,
}
