// Sorts named things so that each is behind what it needs, and otherwise as they were written.
namespace Tarn.Wasm.Wit;

internal static class StableOrder
{
    /// <summary>Sorts.</summary>
    /// <param name="needs">What each needs, with the place that a message points to.</param>
    /// <param name="missing">Makes the error for a need that is not there.</param>
    /// <param name="cycle">Makes the error for a need that is part of a cycle.</param>
    public static List<string> Sort(OrderedDictionary<string, List<WitName>> needs, Func<WitName, Exception> missing, Func<WitName, Exception> cycle)
    {
        int[] open = new int[needs.Count];
        List<int>[] users = new List<int>[needs.Count];
        for (int i = 0; i < users.Length; i++)
            users[i] = [];
        for (int i = 0; i < users.Length; i++)
        {
            foreach (WitName need in needs.GetAt(i).Value)
            {
                int target = needs.IndexOf(need.Text);
                if (target < 0)
                    throw missing(need);
                users[target].Add(i);
                open[i]++;
            }
        }

        List<string> order = [];
        PriorityQueue<int, int> ready = new();
        for (int i = 0; i < users.Length; i++)
        {
            if (open[i] == 0)
                ready.Enqueue(i, i);
        }

        while (ready.TryDequeue(out int next, out _))
        {
            order.Add(needs.GetAt(next).Key);
            foreach (int user in users[next])
            {
                if (--open[user] == 0)
                    ready.Enqueue(user, user);
            }
        }

        if (order.Count == needs.Count)
            return order;
        for (int i = 0; i < users.Length; i++)
        {
            foreach (WitName need in needs.GetAt(i).Value)
            {
                if (open[i] > 0 && open[needs.IndexOf(need.Text)] > 0)
                    throw cycle(need);
            }
        }

        return order;
    }
}
