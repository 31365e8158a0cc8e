// Components in text that the tests of this folder share: small, and between them every kind of definition.
using System.Text;
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Tests.Components;

internal static class ComponentSamples
{
    public static readonly string[] Texts =
    [
        "(component)",
        """
        (component $c
          (core module $m (func (export "f") (param i32) (result i32) local.get 0) (memory (export "m") 1))
          (core instance $i (instantiate $m))
          (core func $f (canon resource.new $r))
          (core instance (export "g" (func $i "f")))
          (func $l (export "lifted") (param "x" u32) (result u32) (canon lift (core func $i "f"))))
        """.Replace("\n  (core func $f (canon resource.new $r))", "", StringComparison.Ordinal),
        """
        (component
          (type $r (resource (rep i32)))
          (core func (canon resource.new $r))
          (core func (canon resource.drop $r))
          (core func (canon resource.rep $r))
          (export "r" (type $r)))
        """,
        """
        (component
          (type $rec (record (field "a" u8) (field "b" string)))
          (import "rec" (type $e (eq $rec)))
          (type $v (variant (case "x") (case "y" $e)))
          (import "v" (type $w (eq $v)))
          (import "a:b/c@1.2.3" (instance $i (export "r" (type $r (sub resource))) (export "[method]r.m" (func (param "self" (borrow $r)) (result (list u8))))))
          (import "f" (func $f (param "a" (tuple u8 char)) (param "b" (option $w)) (result (result string (error (list f32))))))
          (type $fl (flags "a" "b"))
          (type $en (enum "a" "b" "c"))
          (alias export $i "r" (type $res))
          (core func (canon resource.drop $res)))
        """,
        """
        (component
          (component $inner
            (import "f" (func $f (result u32)))
            (export "g" (func $f)))
          (import "h" (func $h (result u32)))
          (instance $x (instantiate $inner (with "f" (func $h))))
          (instance $y (export "z" (func $x "g")))
          (export "out" (instance $y)))
        """,
        """
        (component
          (core type $ft (func (param i32 i64) (result f32)))
          (core type $mt (module (import "a" "b" (func (type 0))) (type (func)) (export "m" (memory 1 2)) (export "t" (table 1 funcref)) (export "g" (global (mut i32)))))
          (core rec (type $a (struct (field (ref null $b)))) (type $b (array i8)))
          (type (component (import "x" (func)) (export "y" (instance (export "z" (func)))))))
        """.Replace("(import \"a\" \"b\" (func (type 0))) (type (func))", "(type (func)) (import \"a\" \"b\" (func (type 0)))", StringComparison.Ordinal),
    ];

    public static byte[] Binary(string text) => ComponentParser.Parse(Encoding.UTF8.GetBytes(text));

    public static void Validate(byte[] binary, WasmFeatures features = WasmFeatures.Wasm3) => ComponentValidator.Validate(WasmComponent.Decode(binary, features), features);
}
