// An asynchronous host function: to the guest an ordinary call, to the host a task. While it is pending the guest is suspended and holds no thread.
using Tarn;

using var engine = new Engine();
using Module module = Module.FromText(engine, """
    (module
      (import "host" "fetch" (func $fetch (param i32) (result i32)))
      (func (export "sum") (result i32)
        (i32.add (call $fetch (i32.const 20)) (call $fetch (i32.const 22)))))
    """);
using InstanceTemplate template = new Linker(engine).Define("host", "fetch", Fetch).Prepare(module);
var waiting = new List<Task<int>>();
var instances = new List<Instance>();
for (int i = 0; i < 100; i++)
{
    Instance instance = template.Instantiate();
    instances.Add(instance);
    waiting.Add(Sum(instance));
}
Console.WriteLine($"{waiting.Count(task => !task.IsCompleted)} guests wait");
int[] sums = await Task.WhenAll(waiting);
Console.WriteLine($"all answered {sums.Distinct().Single()}");
foreach (Instance instance in instances)
    instance.Dispose();

// Stands for a database, a web service, a queue.
static async ValueTask<int> Fetch(int number)
{
    await Task.Delay(TimeSpan.FromMilliseconds(500));
    return number;
}

static async Task<int> Sum(Instance instance) => (await instance.GetFunction("sum").InvokeAsync([]))[0].AsInt32();
