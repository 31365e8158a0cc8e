// Whether a directory is the user's own as a whole path: code is loaded from it, so nobody else may be able to put another one in its place, at any step that leads to it.
//
//   - Everything on the way, symbolic links included, belongs to this user or to root.
//   - A directory that others may write to must have the sticky bit, as /tmp has: there they cannot replace what is not theirs. The last directory must not be writable by others at all.
//   - Links are walked as the kernel walks them, and as few of them.
// Whoever could change any of it between this look and the use is this user or root.
using System.Runtime.Versioning;

namespace Tarn.Caching;

[SupportedOSPlatform("linux")]
internal static class PrivateDirectory
{
    private const int MostLinks = 40;
    private const int WritableByOthers = 0x12; // -----w--w-
    private const int Sticky = 0x200;
    private const uint Root = 0;

    /// <summary>Whether only this user and root can change what the directory is and holds.</summary>
    public static bool Is(string path)
    {
        var pending = new Stack<string>();
        Push(pending, Path.GetFullPath(path));
        string at = "/";
        int links = 0;
        if (!FileOwner.TryGet(at, out FileOwner.Entry last) || !IsOurs(last))
            return false;
        while (pending.TryPop(out string? name))
        {
            if (name == "..")
            {
                at = Path.GetDirectoryName(at) ?? "/";
                _ = FileOwner.TryGet(at, out last);
                continue;
            }
            string next = Path.Combine(at, name);
            if ((last.Mode & WritableByOthers) != 0 && (last.Mode & Sticky) == 0)
                return false;
            if (!FileOwner.TryGet(next, out FileOwner.Entry entry) || !IsOurs(entry))
                return false;
            if (!entry.IsLink)
            {
                at = next;
                last = entry;
                continue;
            }
            if (++links > MostLinks || File.ResolveLinkTarget(next, returnFinalTarget: false) is null || new FileInfo(next).LinkTarget is not string target)
                return false;
            if (Path.IsPathRooted(target))
            {
                at = "/";
                _ = FileOwner.TryGet(at, out last);
            }
            Push(pending, target);
        }
        return last.IsDirectory && last.Owner == FileOwner.Ours && (last.Mode & WritableByOthers) == 0;
    }

    private static bool IsOurs(in FileOwner.Entry entry) => entry.Owner == FileOwner.Ours || entry.Owner == Root;

    private static void Push(Stack<string> pending, string path)
    {
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (int i = parts.Length - 1; i >= 0; i--)
        {
            if (parts[i] != ".")
                pending.Push(parts[i]);
        }
    }
}
