// What embedders' own state says about snapshots: a guest that has a file open has its descriptor in a variable, and the file is in the state.
namespace Tarn;

/// <summary>
/// Implemented by the state of an instance (<see cref="Caller.GetState{TState}"/>) that guests refer to by numbers, such as descriptors of open files. A snapshot takes the guest's side alone, so
/// it is refused while there is anything on the other side.
/// </summary>
public interface ISnapshotState
{
    /// <summary>Returns why a snapshot must not be taken now, as the end of a sentence, or <see langword="null"/> if it may.</summary>
    string? DescribeUnsavedState();
}
