// An asynchronous host function: to the guest an ordinary call, to the host a task. While it is pending the guest is suspended and holds no thread.
using Tarn;

using var engine = new Engine();
using Module module = Module.FromText(engine, """
    (module
      (import "host" "fetch" (func $fetch (param i32) (result i32)))
      (func (export "sum") (result i32)
        (i32.add (call $fetch (i32.const 20)) (call $fetch (i32.const 22)))))
    """);
// Stands for a database, a web service, a queue: something that answers when it likes.
var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
using InstanceTemplate template = new Linker(engine).DefineFunction("host", "fetch", async (int number) =>
{
    await answer.Task;
    return number;
}).Prepare(module);
Task<int>[] waiting = [.. Enumerable.Range(0, 100).Select(_ => Sum())];
Console.WriteLine($"{waiting.Count(task => !task.IsCompleted)} guests wait");
answer.SetResult();
int[] sums = await Task.WhenAll(waiting);
Console.WriteLine($"all answered {sums.Distinct().Single()}");

async Task<int> Sum()
{
    using Instance instance = await template.InstantiateAsync();
    return (await instance.GetFunction("sum").InvokeAsync([]))[0].AsInt32();
}
