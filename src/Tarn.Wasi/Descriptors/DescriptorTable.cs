// A guest's descriptors: small numbers, the lowest free one first, as POSIX has it. Their count is bounded, since each may hold a descriptor of the host.
using System.Diagnostics.CodeAnalysis;

namespace Tarn.Wasi.Descriptors;

internal sealed class DescriptorTable(int most) : IDisposable
{
    private readonly List<Descriptor?> _entries = [];
    private Descriptor[] _given = [];
    private int _lowestFree;

    /// <summary>Adds what the guest starts with.</summary>
    public void Preopen(Descriptor descriptor)
    {
        if (Add(descriptor, out _) != WasiErrno.Success)
        {
            descriptor.Dispose();
            throw new ArgumentException($"There are more preopened descriptors than the {most} that MaximumDescriptors allows.");
        }
        _given = [.. _given, descriptor];
    }

    /// <summary>What is different from what the guest started with, as the end of a sentence; null if nothing is.</summary>
    public string? DescribeChange()
    {
        for (int i = 0; i < Math.Max(_given.Length, _entries.Count); i++)
        {
            Descriptor? now = i < _entries.Count ? _entries[i] : null;
            Descriptor? before = i < _given.Length ? _given[i] : null;
            if (now != before)
                return before is null ? $"the guest has WASI descriptor {i} open" : $"the guest has closed or replaced WASI descriptor {i}, which it was given";
        }
        return null;
    }

    public WasiErrno Add(Descriptor descriptor, out int number)
    {
        for (number = _lowestFree; number < _entries.Count && _entries[number] is not null; number++)
        {
        }
        if (number >= most)
            return WasiErrno.TooManyDescriptors;
        if (number == _entries.Count)
            _entries.Add(descriptor);
        else
            _entries[number] = descriptor;
        _lowestFree = number + 1;
        return WasiErrno.Success;
    }

    public bool HasRoom()
    {
        for (int number = _lowestFree; number < _entries.Count; number++)
        {
            if (_entries[number] is null)
                return true;
        }
        return _entries.Count < most;
    }

    public bool TryGet(int number, [NotNullWhen(true)] out Descriptor? descriptor)
    {
        descriptor = (uint)number < (uint)_entries.Count ? _entries[number] : null;
        return descriptor is not null;
    }

    /// <summary>Finds a descriptor that has certain rights.</summary>
    public WasiErrno Get(int number, WasiRights needed, out Descriptor descriptor)
    {
        if (!TryGet(number, out Descriptor? found))
        {
            descriptor = null!;
            return WasiErrno.BadDescriptor;
        }
        descriptor = found;
        if ((found.Rights & needed) == needed)
            return WasiErrno.Success;
        return found is DirectoryDescriptor { IsReadOnly: true } && (needed & DirectoryDescriptor.Changing & ~WasiRights.Write) != 0 ? WasiErrno.ReadOnlyFileSystem : WasiErrno.NotCapable;
    }

    public WasiErrno GetFile(int number, WasiRights needed, out FileDescriptor file)
    {
        file = null!;
        if (!TryGet(number, out Descriptor? descriptor))
            return WasiErrno.BadDescriptor;
        if (descriptor is not FileDescriptor found)
            return descriptor is DirectoryDescriptor ? WasiErrno.BadDescriptor : WasiErrno.IllegalSeek;
        file = found;
        return (found.Rights & needed) == needed ? WasiErrno.Success : WasiErrno.NotCapable;
    }

    public WasiErrno GetDirectory(int number, WasiRights needed, out DirectoryDescriptor directory)
    {
        directory = null!;
        if (!TryGet(number, out Descriptor? descriptor))
            return WasiErrno.BadDescriptor;
        if (descriptor is not DirectoryDescriptor found)
            return WasiErrno.NotDirectory;
        directory = found;
        if ((found.Rights & needed) == needed)
            return WasiErrno.Success;
        return found.IsReadOnly && (needed & DirectoryDescriptor.Changing) != 0 ? WasiErrno.ReadOnlyFileSystem : WasiErrno.NotCapable;
    }

    public WasiErrno Close(int number)
    {
        if (!TryGet(number, out Descriptor? descriptor))
            return WasiErrno.BadDescriptor;
        _entries[number] = null;
        _lowestFree = Math.Min(_lowestFree, number);
        descriptor.Dispose();
        return WasiErrno.Success;
    }

    /// <summary>Moves a descriptor over another, which is closed.</summary>
    public WasiErrno Renumber(int from, int to)
    {
        if (!TryGet(from, out Descriptor? moved) || !TryGet(to, out Descriptor? replaced))
            return WasiErrno.BadDescriptor;
        if (from == to)
            return WasiErrno.Success;
        _entries[to] = moved;
        _entries[from] = null;
        _lowestFree = Math.Min(_lowestFree, from);
        replaced.Dispose();
        return WasiErrno.Success;
    }

    public void Dispose()
    {
        foreach (Descriptor? descriptor in _entries)
            descriptor?.Dispose();
        _entries.Clear();
        _lowestFree = 0;
    }
}
