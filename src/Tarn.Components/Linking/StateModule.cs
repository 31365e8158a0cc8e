// The core module with the states of component instances that adapters read and write: whether an instance may call out, and how many calls are in it (see InstanceState). An instance of it is
// the first of the component, and a slot of a pool resets it like any other.
using System.Globalization;
using System.Text;

namespace Tarn.Components.Linking;

/// <summary>Names and text of the module.</summary>
internal static class StateModule
{
    /// <summary>The global that is 0 while an instance may not call out.</summary>
    public static string MayLeave(int instance) => string.Create(CultureInfo.InvariantCulture, $"may-leave-{instance}");

    /// <summary>The global that counts the entries of an instance.</summary>
    public static string Entries(int instance) => string.Create(CultureInfo.InvariantCulture, $"entries-{instance}");

    /// <summary>The module's text.</summary>
    public static string Write(int instances)
    {
        StringBuilder text = new("(module\n");
        for (int i = 0; i < instances; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"  (global (export \"{MayLeave(i)}\") (mut i32) (i32.const 1))\n");
            text.Append(CultureInfo.InvariantCulture, $"  (global (export \"{Entries(i)}\") (mut i32) (i32.const 0))\n");
        }

        return text.Append(')').ToString();
    }
}
