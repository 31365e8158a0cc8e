// Components that several tests use, as text.
namespace Tarn.Components.Tests;

internal static class Guests
{
    /// <summary>Fields of a core module: a memory and an allocator that only goes up.</summary>
    public const string Allocator = """
        (memory (export "mem") 1)
        (global $next (mut i32) (i32.const 1024))
        (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32) (local $r i32)
          (local.set $r (i32.and (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1))) (i32.sub (i32.const 0) (local.get 2))))
          (global.set $next (i32.add (local.get $r) (local.get 3)))
          (if (local.get 0) (then (memory.copy (local.get $r) (local.get 0) (select (local.get 1) (local.get 3) (i32.lt_u (local.get 1) (local.get 3))))))
          (local.get $r))
        """;

    /// <summary>A component that exports a function <c>run</c> which hands its parameter on to an import <c>f</c> and returns what that returns.</summary>
    /// <param name="type">The type of both.</param>
    /// <param name="flat">The core values that the parameter is passed as; <c>i32*</c> for a pointer to more of them.</param>
    /// <param name="definitions">Types that it mentions, by their names.</param>
    /// <param name="encoding">The string encoding.</param>
    public static string Echo(string type, string flat, string definitions = "", string encoding = "utf8")
    {
        bool spilled = flat == "i32*";
        flat = flat.TrimEnd('*');
        string[] parts = flat.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string locals = string.Concat(Enumerable.Range(0, parts.Length).Select(i => $" (local.get {i})"));
        spilled |= parts.Length > 1;
        string result = spilled ? "i32" : flat;
        string import = spilled ? $"(func $f (param {flat} i32))" : $"(func $f (param {flat}) (result {flat}))";
        string body = spilled ? $"(call $f{locals} (i32.const 16)) (i32.const 16)" : $"(call $f{locals})";
        return $"""
            (component
              {definitions}
              (import "f" (func $f (param "x" {type}) (result {type})))
              (core module $libc {Allocator})
              (core instance $libc (instantiate $libc))
              (core func $f' (canon lower (func $f) string-encoding={encoding} (memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))))
              (core module $m
                (import "" "f" {import})
                (func (export "run") (param {flat}) (result {result}) {body}))
              (core instance $m (instantiate $m (with "" (instance (export "f" (func $f'))))))
              (func (export "run") (param "x" {type}) (result {type})
                (canon lift (core func $m "run") string-encoding={encoding} (memory (core memory $libc "mem")) (realloc (core func $libc "realloc")))))
            """;
    }

    public static Engine CreateEngine() => new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
}
