// An open file that a descriptor and its streams share: a guest may drop the descriptor first, and the file stays open for as long as one of them is there.
using Tarn.Wasi.Descriptors;

namespace Tarn.Wasi.Preview2.Io;

/// <summary>A counted file of the guest's descriptor table.</summary>
/// <param name="context">Whose it is.</param>
/// <param name="number">Its number.</param>
/// <param name="descriptor">The file.</param>
internal sealed class SharedFile(WasiContext context, int number, FileDescriptor descriptor)
{
    private int _users = 1;

    public WasiFile File => descriptor.File;

    public FileDescriptor Descriptor => descriptor;

    /// <summary>Whether each write goes to the storage before it is done.</summary>
    public bool SyncsWrites => (descriptor.Flags & (DescriptorFlags.Sync | DescriptorFlags.DataSync)) != 0;

    public SharedFile Share()
    {
        _users++;
        return this;
    }

    public void Release()
    {
        if (--_users == 0)
            context.Descriptors.Close(number);
    }
}
