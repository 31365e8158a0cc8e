;; values that live across calls, arguments beyond the registers, indirect calls, imports, tail calls
(module
  (type $binary (func (param i32 i32) (result i32)))
  (import "env" "f" (func $imported (param i32) (result i32)))
  (table 4 funcref)
  (func $many (param i32 i32 i32 i32 i32 i32 i32 f64) (result i32) (i32.add (local.get 5) (local.get 6)))
  (func (param $a i32) (param $b i32) (result i32)
    (i32.add (call $imported (local.get $a))
      (call $many (local.get $a) (local.get $b) (i32.const 3) (i32.const 4) (i32.const 5) (local.get $b) (local.get $a) (f64.const 1.5))))
  (func (param $a i32) (param $i i32) (result i32)
    (call_indirect (type $binary) (local.get $a) (i32.const 1) (local.get $i)))
  (func (param $a i32) (param $i i32) (result i32)
    (return_call_indirect (type $binary) (local.get $a) (i32.const 1) (local.get $i))))
